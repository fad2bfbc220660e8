package rdr_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"lwio/iomgr/api"
	"lwio/iomgr/drivers/rdr"
	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// links are the connections that a client has made, by the address of the server.
type links struct {
	mu    sync.Mutex
	conns map[string][]*link // guarded by mu
}

type link struct {
	net.Conn
	moved atomic.Int64
}

func (l *link) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	l.moved.Add(int64(n))
	return n, err
}

func (l *link) Write(b []byte) (int, error) {
	n, err := l.Conn.Write(b)
	l.moved.Add(int64(n))
	return n, err
}

func (l *links) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	nc, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	k := &link{Conn: nc}
	host, _, _ := net.SplitHostPort(addr)
	l.mu.Lock()
	l.conns[host] = append(l.conns[host], k)
	l.mu.Unlock()
	return k, nil
}

// busy is how many links to an address carried n bytes.
func (l *links) busy(host string, n int64) (count int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range l.conns[host] {
		if k.moved.Load() > n {
			count++
		}
	}
	return count
}

func (l *links) cut(host string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range l.conns[host] {
		k.Close()
	}
}

// newWide starts a server on three loopback addresses, of which it tells, and a client.
func newWide(t *testing.T, edit func(*rdr.Config)) (*env, *links) {
	var more []net.Listener
	k := &links{conns: make(map[string][]*link)}
	e := newServer(t, func(c *srv.Config) {
		_, port, _ := net.SplitHostPort(c.Listeners[0].Addr().String())
		for _, host := range []string{"127.0.0.2", "127.0.0.3"} {
			l, err := net.Listen("tcp", net.JoinHostPort(host, port))
			if errors.Is(err, syscall.EADDRNOTAVAIL) {
				t.Skip("this system has one loopback address")
			}
			if err != nil {
				t.Fatal(err)
			}
			more = append(more, l)
		}
		c.Listeners = append(c.Listeners, more...)
		c.Interfaces = func(net.Addr) (list []smb2.NetworkInterfaceInfo) {
			for i := range 3 {
				list = append(list, smb2.NetworkInterfaceInfo{IfIndex: uint32(i + 1), LinkSpeed: 1e9, IP: [16]byte{127, 0, 0, byte(i + 1)}})
			}
			return list
		}
	})
	e.m = newClient(t, func(c *rdr.Config) {
		c.Dial = k.dial
		if edit != nil {
			edit(c)
		}
	})
	return e, k
}

// TestChannels: long reads and writes go over all addresses of a server, in each protection and dialect that has channels.
func TestChannels(t *testing.T) {
	for name, c := range map[string]struct {
		edit     func(*rdr.Config)
		share    string
		channels int
	}{
		"3.1.1":      {nil, "data", 3},
		"3.1.1 seal": {nil, "enc", 3},
		"3.0":        {func(c *rdr.Config) { c.MaxDialect = smb2.Dialect300 }, "data", 3},
		"two":        {func(c *rdr.Config) { c.Channels = 2 }, "data", 2},
		"off":        {func(c *rdr.Config) { c.Channels = 1 }, "data", 1},
		"2.1":        {func(c *rdr.Config) { c.MaxDialect = smb2.Dialect210 }, "data", 1},
	} {
		t.Run(name, func(t *testing.T) {
			e, k := newWide(t, c.edit)
			h := e.open(c.share+`\f`, create)
			data := make([]byte, 8<<20)
			for i := range data {
				data[i] = byte(rand.Uint32())
			}
			busy := func() (n int) {
				for _, host := range []string{"127.0.0.1", "127.0.0.2", "127.0.0.3"} {
					n += k.busy(host, 1<<20)
				}
				return n
			}
			until(t, "all channels are used", func() bool {
				if n, err := e.m.WriteFile(t.Context(), h, data, 0); err != nil || n != len(data) {
					t.Fatalf("write: %d, %v", n, err)
				}
				return busy() >= c.channels
			})
			got := make([]byte, len(data))
			if n, err := e.m.ReadFile(t.Context(), h, got, 0); err != nil || !bytes.Equal(got[:n], data) {
				t.Errorf("read: %d, %v", n, err)
			}
			if n := busy(); n != c.channels {
				t.Errorf("%d channels, want %d", n, c.channels)
			}
			if err := e.m.Close(h); err != nil {
				t.Error(err)
			}
			shutdown(t, e.m)
			e.nothingOpen(t)
		})
	}
}

// TestChannelLost: a channel that dies, the first or another, loses nothing of what is read and written, with handles that outlive connections or without.
func TestChannelLost(t *testing.T) {
	for name, edit := range map[string]func(*rdr.Config){"durable": nil, "not durable": func(c *rdr.Config) { c.NoLeases = true }} {
		for _, host := range []string{"127.0.0.1", "127.0.0.2"} {
			t.Run(name+" "+host, func(t *testing.T) {
				e, k := newWide(t, edit)
				h := e.open(`data\f`, create)
				other := e.open(`data\g`, create)
				data := make([]byte, 4<<20)
				for i := range data {
					data[i] = byte(rand.Uint32())
				}
				write := func() {
					t.Helper()
					if n, err := e.m.WriteFile(t.Context(), h, data, 0); err != nil || n != len(data) {
						t.Fatalf("write: %d, %v", n, err)
					}
				}
				until(t, "all channels are used", func() bool {
					write()
					return k.busy("127.0.0.1", 1<<20) > 0 && k.busy("127.0.0.2", 1<<20) > 0 && k.busy("127.0.0.3", 1<<20) > 0
				})
				var wg sync.WaitGroup
				var written atomic.Int32
				for range 3 {
					wg.Go(func() {
						for range 8 {
							if _, err := e.m.WriteFile(t.Context(), h, data, 0); err != nil {
								t.Errorf("write: %v", err)
								return
							}
							got := make([]byte, len(data))
							if n, err := e.m.ReadFile(t.Context(), h, got, 0); err != nil || !bytes.Equal(got[:n], data) {
								t.Errorf("read: %d, %v", n, err)
								return
							}
							written.Add(1)
						}
					})
				}
				until(t, "some is written", func() bool { return written.Load() > 1 || t.Failed() })
				k.cut(host)
				wg.Wait()
				if _, err := e.m.WriteFile(t.Context(), other, []byte("after"), 0); err != nil {
					t.Errorf("another file: %v", err)
				}
				if err := e.m.FlushBuffersFile(t.Context(), other); err != nil {
					t.Errorf("another file: %v", err)
				}
				for _, h := range []api.Handle{h, other} {
					if err := e.m.Close(h); err != nil {
						t.Error(err)
					}
				}
				new := e.open(`data\h`, create)
				if err := e.m.Close(new); err != nil {
					t.Error(err)
				}
				if b, err := os.ReadFile(filepath.Join(e.dir, "g")); string(b) != "after" {
					t.Errorf("%q, %v", b, err)
				}
				shutdown(t, e.m)
				e.nothingOpen(t)
			})
		}
	}
}

// TestChannelLies: interfaces that are none, of another server, or that refuse, leave a session with one channel.
func TestChannelLies(t *testing.T) {
	for name, out := range map[string][]byte{
		"cut":         make([]byte, 151),
		"another":     smb2.AppendNetworkInterfaces(nil, []smb2.NetworkInterfaceInfo{{IP: [16]byte{127, 0, 0, 9}}}),
		"strange":     smb2.AppendNetworkInterfaces(nil, []smb2.NetworkInterfaceInfo{{IP: [16]byte{}}, {IP: [16]byte{224, 0, 0, 1}}, {IPv6: true, IP: [16]byte{0xFE, 0x80, 15: 1}}}),
		"no":          nil,
		"unsupported": {1},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{t: t, dialect: smb2.Dialect311}
			asked := make(chan struct{}, 1)
			f.edit = func(c *fakeConn, q *query, a *answer) []*answer {
				switch q.h.Command {
				case smb2.Negotiate:
					res, _ := smb2.ParseNegotiateResponse(a.body)
					res.Capabilities |= smb2.GlobalCapMultiChannel
					c.caps, a.body = res.Capabilities, res.Append(nil)
				case smb2.Ioctl:
					req, _ := smb2.ParseIoctlRequest(q.body)
					a.body = (&smb2.IoctlResponse{CtlCode: req.CtlCode, FileID: req.FileID, Output: out}).Append(nil)
					if name == "unsupported" {
						a.fail(nt.StatusNotSupported)
					}
					asked <- struct{}{}
				case smb2.SessionSetup:
					req, _ := smb2.ParseSessionSetupRequest(q.body)
					if req.Flags&smb2.SessionSetupFlagBinding != 0 {
						a.fail(nt.StatusRequestNotAccepted)
					}
				}
				return []*answer{a}
			}
			m := f.client(nil)
			h, err := openFake(m)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := m.WriteFile(t.Context(), h, make([]byte, 128<<10), 0); err != nil {
				t.Error(err)
			}
			wait(t, asked)
			for range 3 {
				if _, err := m.WriteFile(t.Context(), h, make([]byte, 128<<10), 0); err != nil {
					t.Error(err)
				}
			}
			if err := m.Close(h); err != nil {
				t.Error(err)
			}
			shutdown(t, m)
			f.ended()
		})
	}
}
