package smb2

import "fmt"

// Flags of a compression transform header, by which its two forms are told apart (MS-SMB2 2.2.42).
const (
	CompressionTransformUnchained uint16 = 0x0000
	CompressionTransformChained   uint16 = 0x0001
)

const (
	compressionUnchainedSize = 16
	compressionChainedFixed  = 8
	compressionPayloadFixed  = 8
)

// IsChainedCompression reports whether a compressed message has the chained form. The flag stands at the same place in
// both, in the chained form in the first payload header.
func IsChainedCompression(b []byte) bool {
	return len(b) >= 12 && le.Uint16(b[10:])&CompressionTransformChained != 0
}

// CompressionTransform is a message with an SMB2_COMPRESSION_TRANSFORM_HEADER_UNCHAINED (MS-SMB2 2.2.42.1).
type CompressionTransform struct {
	OriginalCompressedSegmentSize uint32 // of Compressed once it is decompressed
	CompressionAlgorithm          CompressionAlgorithm
	Uncompressed                  []byte // the first part of the message, as it is
	Compressed                    []byte // the rest
}

// ParseCompressionTransform reads a compressed message for which IsChainedCompression is false. What the sizes promise is
// for the decompressor to bound.
func ParseCompressionTransform(b []byte) (CompressionTransform, error) {
	const what = "compression transform header"
	if len(b) < compressionUnchainedSize {
		return CompressionTransform{}, short(what, len(b), compressionUnchainedSize)
	}
	if id := le.Uint32(b); id != ProtocolCompression {
		return CompressionTransform{}, fmt.Errorf("%s: %w %#08x", what, ErrProtocol, id)
	}
	if f := le.Uint16(b[10:]); f != CompressionTransformUnchained {
		return CompressionTransform{}, fmt.Errorf("%s: Flags: %w: %#x", what, ErrValue, f)
	}
	at := uint64(compressionUnchainedSize) + uint64(le.Uint32(b[12:]))
	if at > uint64(len(b)) {
		return CompressionTransform{}, fmt.Errorf("%s: Offset: %w: %d of %d", what, ErrBounds, at, len(b))
	}
	return CompressionTransform{
		OriginalCompressedSegmentSize: le.Uint32(b[4:]),
		CompressionAlgorithm:          CompressionAlgorithm(le.Uint16(b[8:])),
		Uncompressed:                  rest(b[:at], compressionUnchainedSize),
		Compressed:                    rest(b, int(at)),
	}, nil
}

// Append writes the message after b.
func (t *CompressionTransform) Append(b []byte) []byte {
	b = le.AppendUint32(b, ProtocolCompression)
	b = le.AppendUint32(b, t.OriginalCompressedSegmentSize)
	b = le.AppendUint16(b, uint16(t.CompressionAlgorithm))
	b = le.AppendUint16(b, CompressionTransformUnchained)
	b = le.AppendUint32(b, uint32(len(t.Uncompressed)))
	b = append(b, t.Uncompressed...)
	return append(b, t.Compressed...)
}

// CompressionPayload is an SMB2_COMPRESSION_CHAINED_PAYLOAD_HEADER and its data (MS-SMB2 2.2.42.2.1).
type CompressionPayload struct {
	CompressionAlgorithm CompressionAlgorithm
	OriginalPayloadSize  uint32 // only of the LZ algorithms
	Data                 []byte
}

// hasOriginalSize: the header of the LZ algorithms has a further field.
func (a CompressionAlgorithm) hasOriginalSize() bool {
	switch a {
	case CompressionLZNT1, CompressionLZ77, CompressionLZ77Huffman, CompressionLZ4:
		return true
	}
	return false
}

// ChainedCompressionTransform is a message with an SMB2_COMPRESSION_TRANSFORM_HEADER_CHAINED (MS-SMB2 2.2.42.2).
type ChainedCompressionTransform struct {
	OriginalCompressedSegmentSize uint32 // of the whole message once it is decompressed
	Payloads                      []CompressionPayload
}

// ParseChainedCompressionTransform reads a compressed message for which IsChainedCompression is true. Only the first
// payload has the chained flag.
func ParseChainedCompressionTransform(b []byte) (ChainedCompressionTransform, error) {
	size, p, err := startCompressionChain(b)
	if err != nil {
		return ChainedCompressionTransform{}, err
	}
	t := ChainedCompressionTransform{OriginalCompressedSegmentSize: uint32(size)}
	for len(p.rest) > 0 {
		one, err := p.next()
		if err != nil {
			return ChainedCompressionTransform{}, err
		}
		t.Payloads = append(t.Payloads, one)
	}
	return t, nil
}

// compressionChain walks over the payloads of a chained message.
type compressionChain struct {
	rest []byte
	flag uint16 // of the next payload
}

// startCompressionChain reads what is before the first payload: the length of the message.
func startCompressionChain(b []byte) (uint64, compressionChain, error) {
	const what = "chained compression transform"
	if len(b) < compressionChainedFixed+compressionPayloadFixed {
		return 0, compressionChain{}, short(what, len(b), compressionChainedFixed+compressionPayloadFixed)
	}
	if id := le.Uint32(b); id != ProtocolCompression {
		return 0, compressionChain{}, fmt.Errorf("%s: %w %#08x", what, ErrProtocol, id)
	}
	return uint64(le.Uint32(b[4:])), compressionChain{b[compressionChainedFixed:], CompressionTransformChained}, nil
}

// next reads a payload; there must be something left.
func (c *compressionChain) next() (CompressionPayload, error) {
	const what = "chained compression transform"
	b := c.rest
	if len(b) < compressionPayloadFixed {
		return CompressionPayload{}, short(what+" payload", len(b), compressionPayloadFixed)
	}
	if f := le.Uint16(b[2:]); f != c.flag {
		return CompressionPayload{}, fmt.Errorf("%s payload: Flags: %w: %#x", what, ErrValue, f)
	}
	c.flag = CompressionTransformUnchained
	p := CompressionPayload{CompressionAlgorithm: CompressionAlgorithm(le.Uint16(b))}
	n := uint64(le.Uint32(b[4:]))
	if n > uint64(len(b)-compressionPayloadFixed) {
		return CompressionPayload{}, fmt.Errorf("%s payload: Length: %w: %d of %d", what, ErrBounds, n,
			len(b)-compressionPayloadFixed)
	}
	data := b[compressionPayloadFixed : compressionPayloadFixed+n]
	c.rest = b[compressionPayloadFixed+n:]
	if p.CompressionAlgorithm.hasOriginalSize() {
		if len(data) < 4 {
			return CompressionPayload{}, short(what+" payload: OriginalPayloadSize", len(data), 4)
		}
		p.OriginalPayloadSize = le.Uint32(data)
		data = data[4:]
	}
	p.Data = rest(data, 0)
	return p, nil
}

// Append writes the message after b.
func (t *ChainedCompressionTransform) Append(b []byte) []byte {
	b = le.AppendUint32(b, ProtocolCompression)
	b = le.AppendUint32(b, t.OriginalCompressedSegmentSize)
	flag := CompressionTransformChained
	for _, p := range t.Payloads {
		n := len(p.Data)
		if p.CompressionAlgorithm.hasOriginalSize() {
			n += 4
		}
		b = appendPayloadHeader(b, p.CompressionAlgorithm, flag, n)
		if p.CompressionAlgorithm.hasOriginalSize() {
			b = le.AppendUint32(b, p.OriginalPayloadSize)
		}
		b = append(b, p.Data...)
		flag = CompressionTransformUnchained
	}
	return b
}

func appendPayloadHeader(b []byte, a CompressionAlgorithm, flag uint16, n int) []byte {
	b = le.AppendUint16(b, uint16(a))
	b = le.AppendUint16(b, flag)
	return le.AppendUint32(b, uint32(n))
}

// PatternV1Payload is SMB2_COMPRESSION_PATTERN_PAYLOAD_V1 (MS-SMB2 2.2.42.2.2): one byte, many times.
type PatternV1Payload struct {
	Pattern     uint8
	Repetitions uint32
}

// ParsePatternV1Payload reads the data of a payload whose algorithm is CompressionPatternV1.
func ParsePatternV1Payload(b []byte) (PatternV1Payload, error) {
	if len(b) != 8 {
		return PatternV1Payload{}, wrongLength("pattern payload", len(b), 8)
	}
	return PatternV1Payload{Pattern: b[0], Repetitions: le.Uint32(b[4:])}, nil
}

// Append writes the data after b.
func (p *PatternV1Payload) Append(b []byte) []byte {
	return le.AppendUint32(append(b, p.Pattern, 0, 0, 0), p.Repetitions)
}
