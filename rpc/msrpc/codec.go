package msrpc

import (
	"context"
	"errors"
	"fmt"
	"io"

	mndr "github.com/oiweiwei/go-msrpc/ndr"

	"lwio/rpc/ndr"
)

// maxDepth is how deep pointers may nest, in either direction. A stub takes a few frames of stack for each level. Lists that
// replicate a directory are long, so it is more than ndr.MaxDepth.
const maxDepth = 4096

// maxWritten is what a stub may write: no association takes more. The stubs fill an array up to the count beside it, whatever that says, and a server
// may have it from its client.
const maxWritten = 64 << 20

var (
	errType = errors.New("msrpc: a type that NDR has not")
	errSide = errors.New("msrpc: a reader does not write, nor a writer read")
)

// codec is what the stubs read from, where it has a decoder, and write to, where it has an encoder.
type codec struct {
	dec   *ndr.Decoder
	enc   *ndr.Encoder
	most  int  // octets that may be written
	wide  bool // NDR64
	err   error
	depth int

	reads  []mndr.Unmarshaler // referents that are due
	writes []mndr.Marshaler

	run run // of the string being written
}

var _ mndr.NDR = (*codec)(nil)

func newReader(d *ndr.Decoder) *codec { return &codec{dec: d, wide: d.Syntax() == ndr.NDR64} }

func newWriter(e *ndr.Encoder) *codec {
	return &codec{enc: e, most: maxWritten, wide: e.Syntax() == ndr.NDR64}
}

// Err is the first error.
func (c *codec) Err() error {
	if c.err == nil && c.dec != nil {
		c.err = c.dec.Err()
	}
	if c.err == nil && c.enc != nil {
		c.err = c.enc.Err()
	}
	return c.err
}

// SetErr records an error, unless there is one.
func (c *codec) SetErr(err error) error {
	if c.Err() == nil {
		c.err = err
	}
	return c.err
}

func (c *codec) reading() error {
	if c.dec == nil {
		return c.SetErr(errSide)
	}
	return c.Err()
}

func (c *codec) writing() error {
	if c.enc == nil {
		return c.SetErr(errSide)
	}
	if c.enc.Len() > c.most {
		return c.SetErr(ndr.ErrLimit)
	}
	return c.Err()
}

// Len is what remains to be read, which is what stubs compare counts with, or what was written.
func (c *codec) Len() int {
	if c.dec != nil {
		return c.dec.Remaining()
	}
	return c.enc.Len()
}

// EOF reports whether nothing remains.
func (c *codec) EOF() bool { return c.Len() == 0 }

// Offset is where reading or writing stands.
func (c *codec) Offset() int {
	if c.dec != nil {
		return c.dec.Offset()
	}
	return c.enc.Len()
}

// Bytes is a copy of what remains to be read, or what was written.
func (c *codec) Bytes() []byte {
	if c.dec != nil {
		ahead := *c.dec
		b := make([]byte, ahead.Remaining())
		ahead.FillUint8s(b)
		return b
	}
	b := c.enc.Bytes()
	return b[len(b)-c.enc.Len():]
}

// WithBytes reads b, or writes to nothing: little-endian, as all that is serialized into octets by itself.
func (c *codec) WithBytes(b []byte) mndr.NDR {
	if c.dec == nil {
		e := ndr.NewEncoder(nil)
		e.SetSyntax(c.enc.Syntax())
		return newWriter(e)
	}
	d := ndr.NewDecoder(b, ndr.LittleEndian)
	d.SetSyntax(c.dec.Syntax())
	n := newReader(d)
	n.depth = c.depth
	return n
}

// alignment is what the stubs' 5, 6, 7, 9 and 13 mean: the size of a pointer or a count.
func (c *codec) alignment(n int) int {
	switch n {
	case 5, 6, 7, 9, 13:
		if c.wide {
			return 8
		}
		return 4
	case 2, 4, 8:
		return n
	}
	return 1
}

// ReadAlign skips to an alignment.
func (c *codec) ReadAlign(n int) error {
	if err := c.reading(); err != nil {
		return err
	}
	c.dec.Align(c.alignment(n))
	return nil
}

// ReadUnionAlign skips to the alignment of a union, which NDR64 has.
func (c *codec) ReadUnionAlign(n int) error {
	if !c.wide {
		return c.reading()
	}
	return c.ReadAlign(n)
}

// ReadTrailingGap skips to the end of a structure, where NDR64 has a gap.
func (c *codec) ReadTrailingGap(n int) error { return c.ReadUnionAlign(n) }

// Read reads octets.
func (c *codec) Read(p []byte) (int, error) {
	if err := c.reading(); err != nil {
		return 0, err
	}
	c.dec.FillUint8s(p)
	if err := c.Err(); err != nil {
		return 0, err
	}
	return len(p), nil
}

// ReadData reads a scalar.
func (c *codec) ReadData(v any) error {
	if err := c.reading(); err != nil {
		return err
	}
	d := c.dec
	switch v := v.(type) {
	case *bool:
		*v = d.Bool()
	case *uint8:
		*v = d.Uint8()
	case *int8:
		*v = d.Int8()
	case *uint16:
		*v = d.Uint16()
	case *int16:
		*v = d.Int16()
	case *uint32:
		*v = d.Uint32()
	case *int32:
		*v = d.Int32()
	case *uint64:
		*v = d.Uint64()
	case *int64:
		*v = d.Int64()
	case *float32:
		*v = d.Float32()
	case *float64:
		*v = d.Float64()
	case *mndr.Uint3264:
		*v = mndr.Uint3264(d.Uint3264())
	case *mndr.Int3264:
		*v = mndr.Int3264(d.Int3264())
	default:
		return c.SetErr(fmt.Errorf("%w: %T", errType, v))
	}
	return c.Err()
}

// ReadSize reads a maximum count, offset or actual count. The stubs do not say which, and a maximum may be more than there is; so what is too
// much comes out as one more than could be there: whoever takes it for the length of something runs out of input, and has not
// allocated more than the input's measure before.
func (c *codec) ReadSize(n *uint64) error {
	*n = 0
	if err := c.reading(); err != nil {
		return err
	}
	var v uint64
	if c.wide {
		v = c.dec.Uint64()
	} else {
		v = uint64(c.dec.Uint32())
	}
	if err := c.Err(); err != nil {
		return err
	}
	*n = min(v, uint64(c.dec.Remaining())+1)
	return nil
}

// ReadSwitch reads the discriminant of a union.
func (c *codec) ReadSwitch(v any) error {
	if e, ok := v.(mndr.EnumWrapper); ok {
		return c.ReadEnum(e.Value())
	}
	return c.ReadData(v)
}

// ReadEnum reads an enum, which in NDR64 is a long.
func (c *codec) ReadEnum(v any) error {
	if p, ok := v.(*uint16); ok {
		if err := c.reading(); err != nil {
			return err
		}
		*p = c.dec.Enum16()
		return c.Err()
	}
	return c.ReadData(v)
}

// ReadPointer reads a referent identifier. The referent is due with ReadDeferred; that another pointer had the same identifier says nothing.
func (c *codec) ReadPointer(_ mndr.Pointer, _ func(any), referents ...mndr.Unmarshaler) error {
	if err := c.reading(); err != nil {
		return err
	}
	there := c.dec.Pointer()
	if err := c.Err(); err != nil {
		return err
	}
	if there {
		c.reads = append(c.reads, referents...)
	}
	return nil
}

// ReadDeferred reads the referents that are due, each with its own behind it.
func (c *codec) ReadDeferred() error {
	if err := c.reading(); err != nil {
		return err
	}
	due := c.reads
	c.reads = nil
	for _, u := range due {
		if err := c.Unmarshal(context.Background(), u); err != nil {
			return err
		}
	}
	return nil
}

// Unmarshal reads a value and all it points to.
func (c *codec) Unmarshal(ctx context.Context, u mndr.Unmarshaler) error {
	if err := c.reading(); err != nil {
		return err
	}
	if c.depth++; c.depth > maxDepth {
		return c.SetErr(ndr.ErrDepth)
	}
	defer func() { c.depth-- }()
	if err := u.UnmarshalNDR(ctx, c); err != nil {
		return c.SetErr(err)
	}
	if err := c.ReadDeferred(); err != nil {
		return err
	}
	if h, ok := u.(mndr.AfterUnmarshalNDR); ok {
		if err := h.AfterUnmarshalNDR(ctx); err != nil {
			return c.SetErr(err)
		}
	}
	return nil
}

var _ io.Reader = (*codec)(nil)
