package msrpc

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

	mndr "github.com/oiweiwei/go-msrpc/ndr"

	"lwio/rpc/ndr"
)

// run watches for the three counts of a string and the units behind them. The stubs count the octets of a string's UTF-8 and write its UTF-16: where there were fewer
// units than announced when something else is written, the counts are put right. Arrays of shorts are never cut short so: they are written in full.
type run struct {
	sizes  int    // counts written one after another, up to three
	at     [3]int // where in the encoder's buffer they are
	counts [3]uint64
	units  uint64 // shorts since
}

// size notes a count.
func (r *run) size(at int, n uint64) {
	if r.sizes == 3 || r.units > 0 {
		*r = run{}
	}
	r.at[r.sizes], r.counts[r.sizes] = at, n
	r.sizes++
}

// open reports whether these are the counts of a string of which units are missing.
func (r *run) open() bool {
	return r.sizes == 3 && r.counts[0] == r.counts[2] && r.counts[1] == 0 && r.units < r.counts[2]
}

// settle ends the string.
func (c *codec) settle() {
	if c.run.open() && c.run.units > 0 {
		b := c.enc.Bytes()
		for _, at := range []int{c.run.at[0], c.run.at[2]} {
			if c.wide {
				binary.LittleEndian.PutUint64(b[at:], c.run.units)
			} else {
				binary.LittleEndian.PutUint32(b[at:], uint32(c.run.units))
			}
		}
	}
	c.run = run{}
}

// WriteAlign pads to an alignment.
func (c *codec) WriteAlign(n int) error {
	if err := c.writing(); err != nil {
		return err
	}
	c.settle()
	c.enc.Align(c.alignment(n))
	return nil
}

// WriteUnionAlign pads to the alignment of a union, which NDR64 has.
func (c *codec) WriteUnionAlign(n int) error {
	if !c.wide {
		return c.writing()
	}
	return c.WriteAlign(n)
}

// WriteTrailingGap pads the end of a structure, where NDR64 has a gap.
func (c *codec) WriteTrailingGap(n int) error { return c.WriteUnionAlign(n) }

// Write appends octets.
func (c *codec) Write(p []byte) (int, error) {
	if err := c.writing(); err != nil {
		return 0, err
	}
	c.settle()
	c.enc.Uint8s(p)
	return len(p), nil
}

// WriteData appends a scalar.
func (c *codec) WriteData(v any) error {
	if err := c.writing(); err != nil {
		return err
	}
	e := c.enc
	if x, ok := v.(uint16); ok {
		if c.run.open() {
			c.run.units++
		} else {
			c.run = run{}
		}
		e.Uint16(x)
		return nil
	}
	c.settle()
	switch v := v.(type) {
	case bool:
		e.Bool(v)
	case uint8:
		e.Uint8(v)
	case int8:
		e.Int8(v)
	case int16:
		e.Int16(v)
	case uint32:
		e.Uint32(v)
	case int32:
		e.Int32(v)
	case uint64:
		e.Uint64(v)
	case int64:
		e.Int64(v)
	case float32:
		e.Float32(v)
	case float64:
		e.Float64(v)
	case mndr.Uint3264:
		e.Uint3264(uint64(v))
	case mndr.Int3264:
		e.Int3264(int64(v))
	default:
		return c.SetErr(fmt.Errorf("%w: %T", errType, v))
	}
	return c.Err()
}

// WriteSize appends a maximum count, offset or actual count.
func (c *codec) WriteSize(n uint64) error {
	if err := c.writing(); err != nil {
		return err
	}
	if c.run.units > 0 {
		c.settle()
	}
	if c.wide {
		c.enc.Uint64(n)
		c.run.size(len(c.enc.Bytes())-8, n)
		return nil
	}
	if n > math.MaxUint32 {
		return c.SetErr(ndr.ErrTooLong)
	}
	c.enc.Uint32(uint32(n))
	c.run.size(len(c.enc.Bytes())-4, n)
	return nil
}

// WriteSwitch appends the discriminant of a union.
func (c *codec) WriteSwitch(v any) error {
	if e, ok := v.(mndr.EnumWrapper); ok {
		return c.WriteEnum(e.Value())
	}
	return c.WriteData(v)
}

// WriteEnum appends an enum, which in NDR64 is a long.
func (c *codec) WriteEnum(v any) error {
	x, ok := v.(uint16)
	if !ok {
		return c.WriteData(v)
	}
	if err := c.writing(); err != nil {
		return err
	}
	c.settle()
	c.enc.Enum16(x)
	return nil
}

// WritePointer appends a referent identifier. The referent is due with WriteDeferred.
func (c *codec) WritePointer(p mndr.Pointer, referents ...mndr.Marshaler) error {
	if err := c.writing(); err != nil {
		return err
	}
	c.settle()
	c.enc.Pointer(p != nil)
	if p != nil {
		c.writes = append(c.writes, referents...)
	}
	return nil
}

// WriteDeferred appends the referents that are due, each with its own behind it.
func (c *codec) WriteDeferred() error {
	if err := c.writing(); err != nil {
		return err
	}
	c.settle()
	due := c.writes
	c.writes = nil
	for _, m := range due {
		if err := c.marshal(context.Background(), m); err != nil {
			return err
		}
	}
	return nil
}

// Marshal appends a value and all it points to, and returns all that was written.
func (c *codec) Marshal(ctx context.Context, m mndr.Marshaler) ([]byte, error) {
	if err := c.marshal(ctx, m); err != nil {
		return nil, err
	}
	return c.Bytes(), nil
}

func (c *codec) marshal(ctx context.Context, m mndr.Marshaler) error {
	if err := c.writing(); err != nil {
		return err
	}
	if c.depth++; c.depth > maxDepth {
		return c.SetErr(ndr.ErrDepth)
	}
	defer func() { c.depth-- }()
	if err := m.MarshalNDR(ctx, c); err != nil {
		return c.SetErr(err)
	}
	return c.WriteDeferred()
}

// finish ends what was written.
func (c *codec) finish() error {
	c.settle()
	return c.Err()
}
