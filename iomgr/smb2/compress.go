package smb2

import (
	"fmt"
	"slices"

	"lwio/iomgr/smb2/xca"
)

// Compression is what two sides have agreed upon (MS-SMB2 3.3.1.7 CompressionIds, SupportsChainedCompression). Zero: nothing is compressed.
type Compression struct {
	algorithms uint8 // by 1<<algorithm
	chained    bool
}

// compressions are the algorithms that are understood, in the order of preference. What is sent is compressed by the first, or by patterns.
var compressions = [...]CompressionAlgorithm{CompressionLZ77, CompressionLZNT1, CompressionLZ77Huffman, CompressionPatternV1}

// CompressionOffer is what a client of this package offers.
func CompressionOffer() CompressionCapabilities {
	return CompressionCapabilities{Flags: CompressionFlagChained, Algorithms: slices.Clone(compressions[:])}
}

// NegotiateCompression chooses among what a client offers, and gives the server's answer (3.3.5.4). Patterns come in chains only.
func NegotiateCompression(offer *CompressionCapabilities) (Compression, CompressionCapabilities) {
	var c Compression
	answer := CompressionCapabilities{}
	c.chained = offer.Flags&CompressionFlagChained != 0
	for _, a := range compressions {
		if slices.Contains(offer.Algorithms, a) && (a != CompressionPatternV1 || c.chained) {
			c.algorithms |= 1 << a
			answer.Algorithms = append(answer.Algorithms, a)
		}
	}
	if c.algorithms == 0 {
		return Compression{}, CompressionCapabilities{Algorithms: []CompressionAlgorithm{CompressionNone}}
	}
	if c.chained {
		answer.Flags = CompressionFlagChained
	}
	return c, answer
}

// AcceptCompression reads a server's answer to CompressionOffer (3.2.5.2).
func AcceptCompression(answer *CompressionCapabilities) (Compression, error) {
	if len(answer.Algorithms) == 1 && answer.Algorithms[0] == CompressionNone {
		return Compression{}, nil
	}
	c := Compression{chained: answer.Flags&CompressionFlagChained != 0}
	for _, a := range answer.Algorithms {
		if !slices.Contains(compressions[:], a) || c.knows(a) {
			return Compression{}, fmt.Errorf("compression context: %w: algorithm %d", ErrValue, a)
		}
		c.algorithms |= 1 << a
	}
	if c.algorithms == 0 {
		return Compression{}, fmt.Errorf("compression context: %w: no algorithm", ErrValue)
	}
	return c, nil
}

// Enabled reports whether anything may come compressed.
func (c Compression) Enabled() bool { return c.algorithms != 0 }

func (c Compression) knows(a CompressionAlgorithm) bool {
	return a < 8 && c.algorithms&(1<<a) != 0
}

// CompressedSize gives the length of the message in a compressed one, of at most limit bytes. It checks every header and size, so
// that nothing need be allocated for what cannot come out (3.3.5.2.13, 3.2.5.1.10).
func (c Compression) CompressedSize(frame []byte, limit int) (int, error) {
	const what = "compressed message"
	if IsChainedCompression(frame) {
		size, p, err := c.chain(frame)
		if err != nil {
			return 0, err
		}
		if size > uint64(limit) {
			return 0, fmt.Errorf("%s: %w: %d bytes, at most %d", what, ErrBounds, size, limit)
		}
		total := uint64(0)
		for len(p.rest) > 0 {
			one, err := p.next()
			if err != nil {
				return 0, err
			}
			n, err := c.payloadSize(&one)
			if err != nil {
				return 0, err
			}
			if total += n; total > size {
				return 0, fmt.Errorf("%s: %w: payloads of %d bytes, announced are %d", what, ErrBounds, total, size)
			}
		}
		if total != size {
			return 0, fmt.Errorf("%s: %w: payloads of %d bytes, announced are %d", what, ErrBounds, total, size)
		}
		return int(size), nil
	}
	t, err := ParseCompressionTransform(frame)
	if err != nil {
		return 0, err
	}
	if !c.knows(t.CompressionAlgorithm) || t.CompressionAlgorithm == CompressionPatternV1 {
		return 0, fmt.Errorf("%s: %w: algorithm %d", what, ErrValue, t.CompressionAlgorithm)
	}
	size := uint64(t.OriginalCompressedSegmentSize) + uint64(len(t.Uncompressed))
	if size > uint64(limit) {
		return 0, fmt.Errorf("%s: %w: %d bytes, at most %d", what, ErrBounds, size, limit)
	}
	return int(size), nil
}

func (c Compression) chain(frame []byte) (uint64, compressionChain, error) {
	if !c.chained {
		return 0, compressionChain{}, fmt.Errorf("compressed message: %w: chained", ErrValue)
	}
	return startCompressionChain(frame)
}

// payloadSize is how long a payload says that it is.
func (c Compression) payloadSize(p *CompressionPayload) (uint64, error) {
	switch {
	case p.CompressionAlgorithm == CompressionNone:
		return uint64(len(p.Data)), nil
	case !c.knows(p.CompressionAlgorithm):
	case p.CompressionAlgorithm == CompressionPatternV1:
		v, err := ParsePatternV1Payload(p.Data)
		return uint64(v.Repetitions), err
	default:
		return uint64(p.OriginalPayloadSize), nil
	}
	return 0, fmt.Errorf("compressed message: %w: algorithm %d", ErrValue, p.CompressionAlgorithm)
}

// Decompress writes the message in a compressed one to dst, which has the length that CompressedSize gave.
func (c Compression) Decompress(dst, frame []byte) error {
	if !IsChainedCompression(frame) {
		t, err := ParseCompressionTransform(frame)
		if err != nil {
			return err
		}
		if !c.knows(t.CompressionAlgorithm) || t.CompressionAlgorithm == CompressionPatternV1 {
			return fmt.Errorf("compressed message: %w: algorithm %d", ErrValue, t.CompressionAlgorithm)
		}
		if size := uint64(len(t.Uncompressed)) + uint64(t.OriginalCompressedSegmentSize); size != uint64(len(dst)) {
			return fmt.Errorf("compressed message: %w: %d bytes, there is room for %d", ErrBounds, size, len(dst))
		}
		n := copy(dst, t.Uncompressed)
		return decompress(dst[n:], &CompressionPayload{CompressionAlgorithm: t.CompressionAlgorithm, Data: t.Compressed})
	}
	_, p, err := c.chain(frame)
	if err != nil {
		return err
	}
	for len(p.rest) > 0 {
		one, err := p.next()
		if err != nil {
			return err
		}
		n, err := c.payloadSize(&one)
		if err != nil {
			return err
		}
		if n > uint64(len(dst)) {
			return fmt.Errorf("compressed message: %w: payload of %d bytes", ErrBounds, n)
		}
		if err := decompress(dst[:n:n], &one); err != nil {
			return err
		}
		dst = dst[n:]
	}
	if len(dst) != 0 {
		return fmt.Errorf("compressed message: %w: %d bytes are missing", ErrBounds, len(dst))
	}
	return nil
}

// decompress fills dst from a payload.
func decompress(dst []byte, p *CompressionPayload) error {
	var n int
	var err error
	switch p.CompressionAlgorithm {
	case CompressionNone:
		n = copy(dst, p.Data)
	case CompressionPatternV1:
		for i := range dst {
			dst[i] = p.Data[0]
		}
		n = len(dst)
	case CompressionLZNT1:
		n, err = xca.DecompressLZNT1(dst, p.Data)
	case CompressionLZ77:
		n, err = xca.DecompressLZ77(dst, p.Data)
	case CompressionLZ77Huffman:
		n, err = xca.DecompressLZ77Huffman(dst, p.Data)
	default:
		err = fmt.Errorf("%w: algorithm %d", ErrValue, p.CompressionAlgorithm)
	}
	if err == nil && n != len(dst) {
		err = fmt.Errorf("%w: %d bytes, announced are %d", ErrBounds, n, len(dst))
	}
	if err != nil {
		return fmt.Errorf("compressed message: %w", err)
	}
	return nil
}

const (
	// CompressMin is the length below which a message is not worth the work.
	CompressMin = 1 << 10
	// compressSlack is what the encoder of LZ77 leaves free at the end of its buffer.
	compressSlack = 16
	// patternMin is the shortest run of one byte that is sent as a pattern.
	patternMin = 64
)

// Compress writes the compressed form of msg to dst, its first keep bytes as they are, and gives its length (3.1.4.4). False if nothing
// is saved, or if the other side knows nothing that is encoded here. No more than len(msg) bytes of dst are wanted.
func (c Compression) Compress(dst, msg []byte, keep int) (int, bool) {
	if len(msg)-keep < CompressMin || len(dst) < compressionUnchainedSize+keep+compressSlack {
		return 0, false
	}
	dst = dst[:min(len(dst), len(msg)-len(msg)/16)] // less than that is no gain
	if len(dst) < compressionUnchainedSize+keep+compressSlack {
		return 0, false
	}
	if !c.chained {
		if !c.knows(CompressionLZ77) {
			return 0, false
		}
		t := CompressionTransform{OriginalCompressedSegmentSize: uint32(len(msg) - keep), CompressionAlgorithm: CompressionLZ77, Uncompressed: msg[:keep]}
		at := len(t.Append(dst[:0]))
		n, ok := xca.CompressLZ77(dst[at:], msg[keep:])
		return at + n, ok
	}
	front, back := 0, 0
	if c.knows(CompressionPatternV1) {
		if front = runLength(msg[keep:]); front < patternMin {
			front = 0
		}
		if back = runLengthBack(msg[keep+front:]); back < patternMin {
			back = 0
		}
	}
	middle := msg[keep+front : len(msg)-back]
	const patternSize = compressionPayloadFixed + 8
	const most = compressionChainedFixed + compressionPayloadFixed + 2*patternSize + compressionPayloadFixed + 4
	if len(dst) < most+keep+compressSlack {
		return 0, false
	}
	b := le.AppendUint32(dst[:0], ProtocolCompression)
	b = le.AppendUint32(b, uint32(len(msg)))
	b = appendPayloadHeader(b, CompressionNone, CompressionTransformChained, keep)
	b = append(b, msg[:keep]...)
	if front > 0 {
		b = appendPattern(b, msg[keep], front)
	}
	switch {
	case len(middle) == 0:
	case c.knows(CompressionLZ77) && len(middle) >= CompressMin:
		at := len(b)
		b = appendPayloadHeader(b, CompressionLZ77, CompressionTransformUnchained, 0)
		b = le.AppendUint32(b, uint32(len(middle)))
		room := len(dst) - len(b)
		if back > 0 {
			room -= patternSize
		}
		n, ok := xca.CompressLZ77(dst[len(b):len(b)+room], middle)
		if !ok {
			return 0, false
		}
		le.PutUint32(b[at+4:], uint32(4+n))
		b = b[:len(b)+n]
	default:
		if front+back == 0 || len(b)+compressionPayloadFixed+len(middle)+patternSize > len(dst) {
			return 0, false
		}
		b = appendPayloadHeader(b, CompressionNone, CompressionTransformUnchained, len(middle))
		b = append(b, middle...)
	}
	if back > 0 {
		b = appendPattern(b, msg[len(msg)-1], back)
	}
	return len(b), true
}

func appendPattern(b []byte, pattern byte, n int) []byte {
	b = appendPayloadHeader(b, CompressionPatternV1, CompressionTransformUnchained, 8)
	return (&PatternV1Payload{Pattern: pattern, Repetitions: uint32(n)}).Append(b)
}

// runLength counts how often the first byte stands at the start of b.
func runLength(b []byte) int {
	n := 0
	for n < len(b) && b[n] == b[0] {
		n++
	}
	return n
}

func runLengthBack(b []byte) int {
	n := 0
	for n < len(b) && b[len(b)-1-n] == b[len(b)-1] {
		n++
	}
	return n
}
