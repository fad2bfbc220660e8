package rdr_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"lwio/gen/srvctl"
	"lwio/iomgr/drivers/rdr"
	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// meter counts what goes over connections.
type meter struct{ in, out atomic.Int64 }

func (m *meter) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	nc, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	return &metered{nc, m}, err
}

type metered struct {
	net.Conn
	m *meter
}

func (c *metered) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.m.in.Add(int64(n))
	return n, err
}

func (c *metered) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.m.out.Add(int64(n))
	return n, err
}

// TestCompression: what is read and written compressed comes out as it was, and fewer bytes go over the wire; only where it was agreed upon.
func TestCompression(t *testing.T) {
	for _, x := range []struct {
		client rdr.Compression
		server srv.Compression
		share  string
		saves  bool
	}{
		{rdr.CompressionAlways, srv.CompressionOffered, "data", true},
		{rdr.CompressionAlways, srv.CompressionOffered, "enc", true},
		{rdr.CompressionOffered, srv.CompressionOffered, "packed", true},
		{rdr.CompressionOffered, srv.CompressionOffered, "data", false},
		{rdr.CompressionOff, srv.CompressionOffered, "packed", false},
		{rdr.CompressionAlways, srv.CompressionOff, "packed", false},
	} {
		t.Run(fmt.Sprintf("client %d/server %d/%s", x.client, x.server, x.share), func(t *testing.T) {
			var m meter
			e := newEnv(t, func(c *srv.Config) {
				c.Compression = x.server
				list := c.Shares.(*shareTable).list
				packed := list[0]
				packed.Name, packed.Flags = new("packed"), srv.ShareFlagCompress
				c.Shares = &shareTable{list: append([]srvctl.SRVCTL_SHARE{packed}, list...)}
			}, func(c *rdr.Config) { c.Compression, c.Dial = x.client, m.dial })
			text := []byte(strings.Repeat("what a client wrote and a server read, ", 50000))
			copy(text[1000000:], make([]byte, 300000))
			noise := make([]byte, 100000)
			for i, r := 0, rand.New(rand.NewPCG(1, 2)); i < len(noise); i++ {
				noise[i] = byte(r.Uint32())
			}
			copy(text[500000:], noise)
			h := e.open(x.share+`\file`, create)
			defer e.m.Close(h)
			ctx := context.Background()
			in, out := m.in.Load(), m.out.Load()
			if n, err := e.m.WriteFile(ctx, h, text, 0); err != nil || n != len(text) {
				t.Fatal(n, err)
			}
			back := make([]byte, len(text))
			if n, err := e.m.ReadFile(ctx, h, back, 0); err != nil || n != len(text) || !bytes.Equal(back, text) {
				t.Fatal(n, err)
			}
			in, out = m.in.Load()-in, m.out.Load()-out
			least, most := int64(len(text)), int64(len(text)+len(text)/10)
			if x.saves {
				least, most = int64(len(noise)), int64(len(noise)+len(text)/3)
			}
			if in < least || in > most || out < least || out > most {
				t.Errorf("%d bytes received and %d sent for %d, want from %d to %d", in, out, len(text), least, most)
			}
		})
	}
}

// TestHostileCompression: a compressed answer that breaks the rules ends the connection; one that keeps them is read.
func TestHostileCompression(t *testing.T) {
	chain := func(size int, p ...smb2.CompressionPayload) []byte {
		return (&smb2.ChainedCompressionTransform{OriginalCompressedSegmentSize: uint32(size), Payloads: p}).Append(nil)
	}
	pattern := func(n int) smb2.CompressionPayload {
		return smb2.CompressionPayload{CompressionAlgorithm: smb2.CompressionPatternV1, Data: (&smb2.PatternV1Payload{Repetitions: uint32(n)}).Append(nil)}
	}
	for _, x := range []struct {
		what    string
		offered rdr.Compression
		frame   func(msg []byte) []byte
		want    nt.Status
	}{
		{"as it should be", rdr.CompressionOffered, func(b []byte) []byte {
			return chain(len(b), smb2.CompressionPayload{Data: b[:70]}, smb2.CompressionPayload{Data: b[70:]})
		}, nt.StatusSuccess},
		{"not negotiated", rdr.CompressionOff, func(b []byte) []byte { return chain(len(b), smb2.CompressionPayload{Data: b}) }, nt.StatusInvalidNetworkResponse},
		{"longer than a message may be", rdr.CompressionOffered, func(b []byte) []byte {
			return chain(len(b)+2<<20, smb2.CompressionPayload{Data: b}, pattern(2<<20))
		}, nt.StatusInvalidNetworkResponse},
		{"a bomb", rdr.CompressionOffered, func(b []byte) []byte { return chain(1<<31, pattern(1<<31)) }, nt.StatusInvalidNetworkResponse},
		{"compressed twice", rdr.CompressionOffered, func(b []byte) []byte {
			inner := chain(len(b), smb2.CompressionPayload{Data: b})
			return chain(len(inner), smb2.CompressionPayload{Data: inner})
		}, nt.StatusInvalidNetworkResponse},
		{"corrupt", rdr.CompressionOffered, func(b []byte) []byte {
			return (&smb2.CompressionTransform{OriginalCompressedSegmentSize: uint32(len(b)), CompressionAlgorithm: smb2.CompressionLZ77, Compressed: b}).Append(nil)
		}, nt.StatusInvalidNetworkResponse},
	} {
		t.Run(x.what, func(t *testing.T) {
			f := &fake{t: t, dialect: smb2.Dialect311}
			f.edit = func(_ *fakeConn, q *query, a *answer) []*answer {
				switch q.h.Command {
				case smb2.Negotiate:
					if x.offered == rdr.CompressionOff {
						break
					}
					res, err := smb2.ParseNegotiateResponse(a.body)
					if err != nil {
						t.Error(err)
						break
					}
					offer := smb2.CompressionOffer()
					res.Contexts = append(res.Contexts, smb2.NegotiateContext{Type: smb2.ContextCompression, Data: offer.Append(nil)})
					a.body = res.Append(nil)
				case smb2.Read:
					a.frame = func(b []byte) []byte {
						z := x.frame(b[smb2.FrameHeaderSize:])
						return append(smb2.AppendFrameHeader(nil, len(z)), z...)
					}
				}
				return []*answer{a}
			}
			m := newClient(t, func(c *rdr.Config) { c.Compression, c.Dial = x.offered, f.dial })
			h, err := openFake(m)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close(h)
			buf := make([]byte, 10)
			n, err := m.ReadFile(context.Background(), h, buf, 0)
			if x.want == nt.StatusSuccess {
				if err != nil || string(buf[:n]) != "0123456789" {
					t.Errorf("%q, %v", buf[:n], err)
				}
				return
			}
			if err == nil || n != 0 {
				t.Errorf("%d bytes, %v", n, err)
			}
		})
	}
	// A server that answers what was not asked for, or nonsense, is not spoken to.
	for what, data := range map[string][]byte{"not asked for": nil, "nonsense": {1, 0, 0, 0, 0, 0, 0, 0, 99, 0}, "short": {1}} {
		f := &fake{t: t, dialect: smb2.Dialect311}
		f.edit = func(_ *fakeConn, q *query, a *answer) []*answer {
			if q.h.Command == smb2.Negotiate {
				res, _ := smb2.ParseNegotiateResponse(a.body)
				if data == nil {
					offer := smb2.CompressionOffer()
					res.Contexts = append(res.Contexts, smb2.NegotiateContext{Type: smb2.ContextCompression, Data: offer.Append(nil)})
				} else {
					res.Contexts = append(res.Contexts, smb2.NegotiateContext{Type: smb2.ContextCompression, Data: data})
				}
				a.body = res.Append(nil)
			}
			return []*answer{a}
		}
		m := newClient(t, func(c *rdr.Config) {
			c.Dial = f.dial
			if data == nil {
				c.Compression = rdr.CompressionOff
			}
		})
		if h, err := openFake(m); err == nil {
			t.Errorf("%s: opened", what)
			_ = m.Close(h)
		}
	}
}
