package smb2

import (
	"fmt"

	"lwio/iomgr/nt"
)

// NegotiateContextType is the ContextType of a negotiate context (MS-SMB2 2.2.3.1).
type NegotiateContextType uint16

// Negotiate context types.
const (
	ContextPreauthIntegrity NegotiateContextType = 0x0001
	ContextEncryption       NegotiateContextType = 0x0002
	ContextCompression      NegotiateContextType = 0x0003
	ContextNetname          NegotiateContextType = 0x0005
	ContextTransport        NegotiateContextType = 0x0006
	ContextRDMATransform    NegotiateContextType = 0x0007
	ContextSigning          NegotiateContextType = 0x0008
	ContextPOSIX            NegotiateContextType = 0x0100 // Samba's and Linux's POSIX extensions
)

// HashSHA512 is the one preauthentication integrity hash there is.
const HashSHA512 uint16 = 0x0001

// CipherID is a cipher of the encryption context.
type CipherID uint16

// Ciphers (MS-SMB2 2.2.3.1.2). CipherNone answers a client none of whose ciphers will do.
const (
	CipherNone      CipherID = 0
	CipherAES128CCM CipherID = 1
	CipherAES128GCM CipherID = 2
	CipherAES256CCM CipherID = 3
	CipherAES256GCM CipherID = 4
)

// CompressionAlgorithm is an algorithm of the compression context and of the compression transform headers.
type CompressionAlgorithm uint16

// Compression algorithms (MS-SMB2 2.2.3.1.3).
const (
	CompressionNone        CompressionAlgorithm = 0
	CompressionLZNT1       CompressionAlgorithm = 1
	CompressionLZ77        CompressionAlgorithm = 2
	CompressionLZ77Huffman CompressionAlgorithm = 3
	CompressionPatternV1   CompressionAlgorithm = 4
	CompressionLZ4         CompressionAlgorithm = 5
)

// CompressionFlagChained in a CompressionCapabilities says that chained compression is understood.
const CompressionFlagChained uint32 = 1

// SigningAlgorithm is an algorithm of the signing context.
type SigningAlgorithm uint16

// Signing algorithms (MS-SMB2 2.2.3.1.7).
const (
	SigningHMACSHA256 SigningAlgorithm = 0
	SigningAESCMAC    SigningAlgorithm = 1
	SigningAESGMAC    SigningAlgorithm = 2
)

// AcceptTransportLevelSecurity is the flag of a TransportCapabilities.
const AcceptTransportLevelSecurity uint32 = 1

// NegotiateContext is an SMB2 NEGOTIATE_CONTEXT. Data is kept for every type, known or not; the Parse functions of the
// known types read it.
type NegotiateContext struct {
	Type NegotiateContextType
	Data []byte
}

// parseNegotiateContexts reads count contexts at off, which counts from the start of the header.
func parseNegotiateContexts(body []byte, off uint32, count uint16, low int) ([]NegotiateContext, error) {
	if count == 0 {
		return nil, nil
	}
	if uint64(off) < uint64(HeaderSize+low) || uint64(off) > uint64(HeaderSize+len(body)) {
		return nil, fmt.Errorf("negotiate contexts: %w: offset %d of %d", ErrBounds, off, HeaderSize+len(body))
	}
	b := body[off-HeaderSize:]
	if int(count) > (len(b)+7)/8 {
		return nil, fmt.Errorf("negotiate contexts: %w: count %d", ErrBounds, count)
	}
	list := make([]NegotiateContext, 0, count)
	for i := 0; i < int(count); i++ {
		if len(b) < 8 {
			return nil, short("negotiate context", len(b), 8)
		}
		n := 8 + int(le.Uint16(b[2:]))
		if n > len(b) {
			return nil, fmt.Errorf("negotiate context: DataLength: %w: %d of %d", ErrBounds, n-8, len(b)-8)
		}
		c := NegotiateContext{Type: NegotiateContextType(le.Uint16(b))}
		if n > 8 {
			c.Data = b[8:n:n]
		}
		list = append(list, c)
		b = b[min(align8(n), len(b)):]
	}
	return list, nil
}

func appendNegotiateContexts(b []byte, list []NegotiateContext) []byte {
	start := len(b)
	for _, c := range list {
		b = pad8(b, start)
		b = le.AppendUint16(b, uint16(c.Type))
		b = le.AppendUint16(b, uint16(len(c.Data)))
		b = le.AppendUint32(b, 0)
		b = append(b, c.Data...)
	}
	return b
}

// ids16 reads n 16-bit numbers at the start of b.
func ids16[T ~uint16](b []byte, n int, what string) ([]T, error) {
	if n > len(b)/2 {
		return nil, fmt.Errorf("%s: %w: count %d", what, ErrBounds, n)
	}
	if n == 0 {
		return nil, nil
	}
	list := make([]T, n)
	for i := range list {
		list[i] = T(le.Uint16(b[2*i:]))
	}
	return list, nil
}

func appendIDs16[T ~uint16](b []byte, list []T) []byte {
	for _, v := range list {
		b = le.AppendUint16(b, uint16(v))
	}
	return b
}

// PreauthIntegrityCapabilities is SMB2_PREAUTH_INTEGRITY_CAPABILITIES (MS-SMB2 2.2.3.1.1).
type PreauthIntegrityCapabilities struct {
	HashAlgorithms []uint16
	Salt           []byte
}

// ParsePreauthIntegrityCapabilities reads the Data of a ContextPreauthIntegrity.
func ParsePreauthIntegrityCapabilities(b []byte) (PreauthIntegrityCapabilities, error) {
	if len(b) < 4 {
		return PreauthIntegrityCapabilities{}, short("preauth integrity context", len(b), 4)
	}
	n, salt := int(le.Uint16(b)), int(le.Uint16(b[2:]))
	ids, err := ids16[uint16](b[4:], n, "preauth integrity context: HashAlgorithmCount")
	if err != nil {
		return PreauthIntegrityCapabilities{}, err
	}
	at := 4 + 2*n
	if salt > len(b)-at {
		return PreauthIntegrityCapabilities{}, fmt.Errorf("preauth integrity context: SaltLength: %w: %d", ErrBounds, salt)
	}
	return PreauthIntegrityCapabilities{HashAlgorithms: ids, Salt: rest(b[:at+salt], at)}, nil
}

// Append writes the Data after b.
func (c *PreauthIntegrityCapabilities) Append(b []byte) []byte {
	b = le.AppendUint16(b, uint16(len(c.HashAlgorithms)))
	b = le.AppendUint16(b, uint16(len(c.Salt)))
	b = appendIDs16(b, c.HashAlgorithms)
	return append(b, c.Salt...)
}

// EncryptionCapabilities is SMB2_ENCRYPTION_CAPABILITIES (MS-SMB2 2.2.3.1.2).
type EncryptionCapabilities struct {
	Ciphers []CipherID // a client's in the order of its preference; a server's is one
}

// ParseEncryptionCapabilities reads the Data of a ContextEncryption.
func ParseEncryptionCapabilities(b []byte) (EncryptionCapabilities, error) {
	if len(b) < 2 {
		return EncryptionCapabilities{}, short("encryption context", len(b), 2)
	}
	ids, err := ids16[CipherID](b[2:], int(le.Uint16(b)), "encryption context: CipherCount")
	return EncryptionCapabilities{Ciphers: ids}, err
}

// Append writes the Data after b.
func (c *EncryptionCapabilities) Append(b []byte) []byte {
	return appendIDs16(le.AppendUint16(b, uint16(len(c.Ciphers))), c.Ciphers)
}

// CompressionCapabilities is SMB2_COMPRESSION_CAPABILITIES (MS-SMB2 2.2.3.1.3).
type CompressionCapabilities struct {
	Flags      uint32
	Algorithms []CompressionAlgorithm
}

// ParseCompressionCapabilities reads the Data of a ContextCompression.
func ParseCompressionCapabilities(b []byte) (CompressionCapabilities, error) {
	if len(b) < 8 {
		return CompressionCapabilities{}, short("compression context", len(b), 8)
	}
	ids, err := ids16[CompressionAlgorithm](b[8:], int(le.Uint16(b)), "compression context: CompressionAlgorithmCount")
	if err != nil {
		return CompressionCapabilities{}, err
	}
	return CompressionCapabilities{Flags: le.Uint32(b[4:]), Algorithms: ids}, nil
}

// Append writes the Data after b.
func (c *CompressionCapabilities) Append(b []byte) []byte {
	b = le.AppendUint16(b, uint16(len(c.Algorithms)))
	b = le.AppendUint16(b, 0)
	b = le.AppendUint32(b, c.Flags)
	return appendIDs16(b, c.Algorithms)
}

// NetnameContext is SMB2_NETNAME_NEGOTIATE_CONTEXT_ID's data (MS-SMB2 2.2.3.1.4): the server name that the client
// connected to, UTF-16LE without terminator.
type NetnameContext struct {
	NetName []byte
}

// ParseNetnameContext reads the Data of a ContextNetname.
func ParseNetnameContext(b []byte) (NetnameContext, error) {
	if len(b)%2 != 0 {
		return NetnameContext{}, fmt.Errorf("netname context: %w: odd length %d", ErrValue, len(b))
	}
	return NetnameContext{NetName: rest(b, 0)}, nil
}

// Name decodes NetName.
func (c *NetnameContext) Name() string { return nt.DecodeUTF16(c.NetName) }

// Append writes the Data after b.
func (c *NetnameContext) Append(b []byte) []byte { return append(b, c.NetName...) }

// TransportCapabilities is SMB2_TRANSPORT_CAPABILITIES (MS-SMB2 2.2.3.1.5).
type TransportCapabilities struct {
	Flags uint32
}

// ParseTransportCapabilities reads the Data of a ContextTransport.
func ParseTransportCapabilities(b []byte) (TransportCapabilities, error) {
	if len(b) < 4 {
		return TransportCapabilities{}, short("transport context", len(b), 4)
	}
	return TransportCapabilities{Flags: le.Uint32(b)}, nil
}

// Append writes the Data after b.
func (c *TransportCapabilities) Append(b []byte) []byte { return le.AppendUint32(b, c.Flags) }

// RDMATransformCapabilities is SMB2_RDMA_TRANSFORM_CAPABILITIES (MS-SMB2 2.2.3.1.6).
type RDMATransformCapabilities struct {
	TransformIDs []uint16 // 0 none, 1 encryption, 2 signing
}

// ParseRDMATransformCapabilities reads the Data of a ContextRDMATransform.
func ParseRDMATransformCapabilities(b []byte) (RDMATransformCapabilities, error) {
	if len(b) < 8 {
		return RDMATransformCapabilities{}, short("rdma transform context", len(b), 8)
	}
	ids, err := ids16[uint16](b[8:], int(le.Uint16(b)), "rdma transform context: TransformCount")
	return RDMATransformCapabilities{TransformIDs: ids}, err
}

// Append writes the Data after b.
func (c *RDMATransformCapabilities) Append(b []byte) []byte {
	b = le.AppendUint16(b, uint16(len(c.TransformIDs)))
	b = append(b, 0, 0, 0, 0, 0, 0)
	return appendIDs16(b, c.TransformIDs)
}

// SigningCapabilities is SMB2_SIGNING_CAPABILITIES (MS-SMB2 2.2.3.1.7).
type SigningCapabilities struct {
	Algorithms []SigningAlgorithm // a client's in the order of its preference; a server's is one
}

// ParseSigningCapabilities reads the Data of a ContextSigning.
func ParseSigningCapabilities(b []byte) (SigningCapabilities, error) {
	if len(b) < 2 {
		return SigningCapabilities{}, short("signing context", len(b), 2)
	}
	ids, err := ids16[SigningAlgorithm](b[2:], int(le.Uint16(b)), "signing context: SigningAlgorithmCount")
	return SigningCapabilities{Algorithms: ids}, err
}

// Append writes the Data after b.
func (c *SigningCapabilities) Append(b []byte) []byte {
	return appendIDs16(le.AppendUint16(b, uint16(len(c.Algorithms))), c.Algorithms)
}
