package srv_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// rig is a client without goroutines: one request, one answer, no checks. What it costs is little beside the server.
type rig struct {
	nc     net.Conn
	signer *smb2.Signer
	sealer *smb2.Sealer
	sess   uint64
	id     uint64
	buf    []byte
	frame  []byte
	seal   bool
}

// newRig takes a session over from a client that has just set it up.
func newRig(b *testing.B, e *env, o negotiateOptions) (*rig, uint32, smb2.FileID) {
	c := e.dial()
	c.wantCred = 8000
	c.logon(o, "alice")
	tree := c.tree("IPC$")
	id := c.open(tree, "echo")
	_ = c.nc.SetReadDeadline(time.Unix(1, 0)) // the client's own reader ends
	<-c.done
	_ = c.nc.SetReadDeadline(time.Time{})
	r := &rig{nc: c.nc, signer: c.sess.signer, sealer: c.sess.sealer, sess: c.sess.id, id: c.nextID, buf: make([]byte, 1<<16), frame: make([]byte, 0, 1<<12)}
	return r, tree, id
}

// call sends a body and waits for its answer; it returns how many messages came.
func (r *rig) call(cmd smb2.Command, tree uint32, body []byte) (int, error) {
	h := smb2.Header{Command: cmd, TreeID: tree, Credits: 1, CreditCharge: 1, MessageID: r.id, SessionID: r.sess}
	r.id++
	const head = smb2.FrameHeaderSize + smb2.SealHeadroom
	f := r.frame[:head]
	f = append(h.Append(f), body...)
	if r.seal {
		f = append(f, make([]byte, 16)...)[:len(f)]
		if err := r.sealer.Seal(f[4:]); err != nil {
			return 0, err
		}
	} else {
		r.signer.Sign(f[head:])
		f = f[smb2.SealHeadroom:]
	}
	smb2.PutFrameHeader(f, len(f)-4)
	if _, err := r.nc.Write(f); err != nil {
		return 0, err
	}
	have := 0
	for n := 1; ; n++ {
		// Header and body mostly come with one read.
		for have < 4 {
			k, err := r.nc.Read(r.buf[have:])
			if err != nil {
				return n, err
			}
			have += k
		}
		size := int(binary.BigEndian.Uint32(r.buf)) + 4
		if have < size {
			if _, err := io.ReadFull(r.nc, r.buf[have:size]); err != nil {
				return n, err
			}
			have = size
		}
		status := nt.Status(binary.LittleEndian.Uint32(r.buf[12:]))
		have = copy(r.buf, r.buf[size:have])
		if r.seal || status != nt.StatusPending {
			return n, nil
		}
	}
}

// BenchmarkTransceive is the round trip of FSCTL_PIPE_TRANSCEIVE to an echo service behind npfs, over loopback.
func BenchmarkTransceive(b *testing.B) {
	for _, v := range []struct {
		name string
		o    negotiateOptions
		seal bool
	}{
		{"HMAC 2.1", negotiateOptions{dialects: allDialects[1:2]}, false},
		{"CMAC 3.0", negotiateOptions{dialects: allDialects[2:3]}, false},
		{"GMAC 3.1.1", negotiateOptions{dialects: allDialects[4:], ciphers: allCiphers, signings: allSignings}, false},
		{"sealed 3.1.1", negotiateOptions{dialects: allDialects[4:], ciphers: allCiphers, signings: allSignings}, true},
	} {
		for _, conns := range []int{1, 8} {
			b.Run(v.name+" "+string(rune('0'+conns)), func(b *testing.B) {
				e := newEnv(b, nil)
				e.listen("echo", echo)
				var rigs []*rig
				var trees []uint32
				var ids []smb2.FileID
				for range conns {
					r, tree, id := newRig(b, e, v.o)
					r.seal = v.seal
					rigs, trees, ids = append(rigs, r), append(trees, tree), append(ids, id)
				}
				in := make([]byte, 64)
				b.ReportAllocs()
				b.ResetTimer()
				var wg sync.WaitGroup
				for i, r := range rigs {
					wg.Go(func() {
						body := ioctlBody(ids[i], nt.FsctlPipeTransceive, in, 4280)
						for range b.N/conns + 1 {
							if _, err := r.call(smb2.Ioctl, trees[i], body); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
			})
		}
	}
}

// BenchmarkEcho is the least that the server does for a signed request.
func BenchmarkEcho(b *testing.B) {
	e := newEnv(b, nil)
	e.listen("echo", echo)
	r, _, _ := newRig(b, e, negotiateOptions{dialects: allDialects[4:], signings: allSignings})
	body := (&smb2.EchoRequest{}).Append(nil)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if _, err := r.call(smb2.Echo, 0, body); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSessionSetup connects, negotiates, authenticates by NTLMv2 and disconnects.
func BenchmarkSessionSetup(b *testing.B) {
	e := newEnv(b, nil)
	o := negotiateOptions{dialects: allDialects[4:], ciphers: allCiphers, signings: allSignings}
	b.ReportAllocs()
	for range b.N {
		c := e.dial()
		c.logon(o, "alice")
		c.nc.Close()
		<-c.done
	}
}

// BenchmarkIdle reports what an authenticated connection holds that does nothing.
func BenchmarkIdle(b *testing.B) {
	e := newEnv(b, nil)
	var before, after runtime.MemStats
	const n = 500
	conns := make([]net.Conn, 0, n)
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range n {
		conns = append(conns, bareLogon(b, e))
	}
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	used := after.HeapAlloc + after.StackInuse - before.HeapAlloc - before.StackInuse
	b.ReportMetric(float64(used)/n, "B/conn")
	for _, c := range conns {
		c.Close()
	}
}

// bareLogon logs on and keeps nothing but the socket.
func bareLogon(t testing.TB, e *env) net.Conn {
	nc, err := net.Dial("tcp", e.addr)
	if err != nil {
		t.Fatal(err)
	}
	call := func(id uint64, cmd smb2.Command, sess uint64, body []byte) (smb2.Header, []byte) {
		m := append((&smb2.Header{Command: cmd, MessageID: id, Credits: 10, SessionID: sess, CreditCharge: 1}).Append(nil), body...)
		if _, err := nc.Write(append(smb2.AppendFrameHeader(nil, len(m)), m...)); err != nil {
			t.Fatal(err)
		}
		fr := smb2.FrameReader{R: nc, Limit: 1 << 16}
		f, err := fr.Frame(nil)
		if err != nil {
			t.Fatal(err)
		}
		h, err := smb2.ParseHeader(f)
		if err != nil {
			t.Fatal(err)
		}
		return h, f[smb2.HeaderSize:]
	}
	call(0, smb2.Negotiate, 0, (&negotiateOptions{dialects: allDialects[1:2]}).request(nt.GUID{1}).Append(nil))
	init := ntlmInit("alice")
	var token []byte
	var sess uint64
	for id := uint64(1); id < 3; id++ {
		if token, _, err = init.Init(context.Background(), token); err != nil {
			t.Fatal(err)
		}
		h, body := call(id, smb2.SessionSetup, sess, (&smb2.SessionSetupRequest{SecurityBuffer: token}).Append(nil))
		res, err := smb2.ParseSessionSetupResponse(body)
		if err != nil || h.Status.IsError() && h.Status != nt.StatusMoreProcessingRequired {
			t.Fatalf("%v %v", h.Status, err)
		}
		sess, token = h.SessionID, append([]byte(nil), res.SecurityBuffer...)
	}
	return nc
}

// TestIdleMemory holds an idle authenticated connection to 64 KiB, its goroutine's stack and the client's side of the socket in this process included.
func TestIdleMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector keeps memory of its own")
	}
	e := newEnv(t, nil)
	var before, after runtime.MemStats
	const n = 200
	var conns []net.Conn
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range n {
		conns = append(conns, bareLogon(t, e))
	}
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	per := (int64(after.HeapAlloc+after.StackInuse) - int64(before.HeapAlloc+before.StackInuse)) / n
	if per > 64<<10 {
		t.Errorf("%d bytes a connection", per)
	}
	t.Logf("%d bytes a connection", per)
	for _, c := range conns {
		c.Close()
	}
}
