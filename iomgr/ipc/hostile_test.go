package ipc_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/iotest"
	"lwio/iomgr/ipc"
	"lwio/iomgr/nt"
	"lwio/pipes"
	"lwio/pipes/npfs"
)

// The frames of a client that speaks for itself.

func rawFrame(kind byte, id uint64, body []byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(9+len(body)))
	b = append(b, kind)
	b = binary.LittleEndian.AppendUint64(b, id)
	return append(b, body...)
}

// rawRequest is the body of a request without a create.
func rawRequest(op api.Op, handle uint64, code, out uint32, in []byte) []byte {
	b := []byte{byte(op), 0}
	b = binary.LittleEndian.AppendUint64(b, handle)
	b = binary.LittleEndian.AppendUint32(b, code)
	b = append(b, make([]byte, 4+8)...)
	b = binary.LittleEndian.AppendUint32(b, out)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(in)))
	return append(b, in...)
}

// rawOpen is the body of an open of a name for reading and writing.
func rawOpen(name string) []byte {
	le := binary.LittleEndian
	b := append([]byte{byte(api.OpCreate), 1}, make([]byte, 8+4+4+8+4)...)
	b = le.AppendUint64(b, 0)
	b = append(le.AppendUint32(b, uint32(len(name))), name...)
	for _, v := range []uint32{uint32(nt.FileReadData | nt.FileWriteData), 3, nt.FileOpen, 0, 0, 2} {
		b = le.AppendUint32(b, v)
	}
	b = append(b, make([]byte, 8+1)...) // allocation size, case
	b = le.AppendUint32(b, 0)           // EAs
	b = append(b, 0)                    // contexts
	return le.AppendUint32(b, 0)        // data
}

var rawHello = (&ipc.Hello{Version: ipc.Version, Lowest: ipc.Lowest}).Append(nil)

const helloLen = 20

// raw connects and has said and heard hello.
func raw(t testing.TB, path string) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := conn.Write(rawHello); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, helloLen)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// rawAnswer reads a response: its id and status, and what follows.
func rawAnswer(t testing.TB, r io.Reader) (id uint64, status nt.Status, rest []byte) {
	t.Helper()
	var h [13]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, binary.LittleEndian.Uint32(h[:])-9)
	if _, err := io.ReadFull(r, body); err != nil {
		t.Fatal(err)
	}
	return binary.LittleEndian.Uint64(h[5:]), nt.Status(binary.LittleEndian.Uint32(body)), body[4:]
}

func iotestServer(t testing.TB, cfg ipc.ServerConfig) (string, *iotest.Driver) {
	m, d := iomgr.New(iomgr.Config{}), iotest.NewDriver()
	if err := m.Load(context.Background(), d.Entry); err != nil {
		t.Fatal(err)
	}
	path := serve(t, m, cfg)
	t.Cleanup(func() { d.Release() })
	return path, d
}

// TestHostileClient sends what no client would.
func TestHostileClient(t *testing.T) {
	path := serve(t, npfsManager(t), ipc.ServerConfig{})
	with := func(frames ...[]byte) []byte { return append(bytes.Clone(rawHello), bytes.Join(frames, nil)...) }
	long := bytes.Clone(rawHello)
	binary.LittleEndian.PutUint16(long[6:], 0xFFFF)
	closing := rawRequest(api.OpClose, 1, 0, 8<<20, nil)
	for name, send := range map[string][]byte{
		"no hello":            []byte("GET / HTTP/1.1\r\n"),
		"version 1":           []byte("lwio\x01"),
		"a version to come":   (&ipc.Hello{Version: ipc.Version + 2, Lowest: ipc.Version + 1}).Append(nil),
		"a hello of 64 KiB":   long,
		"length 0":            with([]byte{0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}),
		"length huge":         with([]byte{0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0, 0, 0, 0, 0}),
		"kind":                with(rawFrame(9, 1, nil)),
		"empty request":       with(rawFrame(1, 1, nil)),
		"answer":              with(rawFrame(2, 1, make([]byte, 16))),
		"cancel with a body":  with(rawFrame(3, 1, []byte{1})),
		"output of 4GiB":      with(rawFrame(1, 1, rawRequest(api.OpRead, 1, 0, 0xFFFFFFFF, nil))),
		"a close with output": with(rawFrame(1, 1, closing)),
		"a close with input":  with(rawFrame(1, 1, rawRequest(api.OpClose, 1, 0, 0, []byte("x")))),
	} {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err := conn.Write(send); err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(conn)
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			t.Errorf("%s: the connection lives", name)
		}
		if len(rest) > helloLen {
			t.Errorf("%s: answered %x", name, rest[helloLen:])
		}
		conn.Close()
	}
	c := dial(t, path) // the server serves on
	if _, err := pipes.List(t.Context(), c, ""); err != nil {
		t.Error(err)
	}
}

// TestUnknownOperations: a request that makes no sense is answered, and the connection lives.
func TestUnknownOperations(t *testing.T) {
	conn := raw(t, serve(t, npfsManager(t), ipc.ServerConfig{}))
	for i, body := range [][]byte{
		rawRequest(api.NumOps, 1, 0, 0, nil), rawRequest(255, 1, 0, 100, []byte("x")), rawRequest(api.OpRead, 0, 0, 10, nil), rawRequest(api.OpRead, 99, 0, 10, nil),
		rawRequest(api.OpCreate, 0, 0, 0, nil), rawRequest(api.OpCreateNamedPipe, 0, 0, 0, nil), rawRequest(api.OpLock, 1, 0, 0, nil), rawRequest(api.OpQueryDirectory, 1, 0, 9, nil),
		rawRequest(api.OpClose, 7, 0, 0, nil), rawRequest(api.OpCancel, 7, 0, 0, nil), rawOpen(`\npfs\none`), rawOpen(""), rawOpen(strings.Repeat("\\", 70000)),
	} {
		if _, err := conn.Write(rawFrame(1, uint64(i), body)); err != nil {
			t.Fatal(err)
		}
		if id, status, _ := rawAnswer(t, conn); id != uint64(i) || !status.IsError() {
			t.Errorf("request %d: answer to %d with %v", i, id, status)
		}
	}
}

// TestIDs: an id may be used again when it has been answered, and not before; nobody cancels what is another client's.
func TestIDs(t *testing.T) {
	path, d := iotestServer(t, ipc.ServerConfig{})
	conn := raw(t, path)
	send := func(frames ...[]byte) {
		t.Helper()
		if _, err := conn.Write(bytes.Join(frames, nil)); err != nil {
			t.Fatal(err)
		}
	}
	want := func(wantID uint64, want nt.Status) []byte {
		t.Helper()
		id, status, rest := rawAnswer(t, conn)
		if id != wantID || status != want {
			t.Fatalf("answer to %d with %v, want %d with %v", id, status, wantID, want)
		}
		return rest
	}
	for range 3 {
		send(rawFrame(1, 7, rawOpen(`\iotest\pend`)))
		want(7, nt.StatusSuccess)
	}
	read := rawRequest(api.OpRead, 1, 0, 10, nil)
	send(rawFrame(1, 5, read), rawFrame(3, 6, nil), rawFrame(3, 0, nil), rawFrame(3, ^uint64(0), nil)) // cancels of nothing
	other := raw(t, path)
	if _, err := other.Write(append(rawFrame(3, 5, nil), rawFrame(1, 1, rawOpen(`\iotest\echo`))...)); err != nil { // another's
		t.Fatal(err)
	}
	if _, status, _ := rawAnswer(t, other); status != nt.StatusSuccess {
		t.Fatal(status)
	}
	send(rawFrame(1, 8, rawRequest(api.OpRead, 2, 0, 10, nil)), rawFrame(3, 8, nil), rawFrame(3, 8, nil), rawFrame(3, 8, nil))
	want(8, nt.StatusCancelled)
	send(rawFrame(3, 5, nil))
	want(5, nt.StatusCancelled)
	send(rawFrame(1, 5, read), rawFrame(1, 5, read)) // twice at once
	if _, err := io.ReadAll(conn); err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Error(err)
	}
	d.Release()
}

// TestFlood: a client that does not read its answers is not read from, and loses nothing when it does.
func TestFlood(t *testing.T) {
	path, _ := iotestServer(t, ipc.ServerConfig{MaxRequests: 1})
	conn := raw(t, path)
	frame := rawFrame(1, 0, rawRequest(api.OpRead, 99, 0, 0, nil)) // of no file
	batch := bytes.Repeat(frame, 1000)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	sent := 0 // bytes
	for {
		conn.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
		n, err := conn.Write(batch)
		sent += n
		if err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal(err)
			}
			break
		}
		if sent > 256<<20 {
			t.Fatal("256 MiB of requests are read from a client that reads nothing")
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 48<<20 {
		t.Errorf("the flood holds %d MiB", grown>>20)
	}
	t.Logf("%d requests, %d KiB held", sent/len(frame), (int64(after.HeapAlloc)-int64(before.HeapAlloc))>>10)
	for range sent / len(frame) {
		if _, status, _ := rawAnswer(t, conn); status != nt.StatusInvalidHandle && status != nt.StatusInsufficientResources {
			t.Fatal(status)
		}
	}
}

// TestSlowReader: a client that never takes its answers is cut.
func TestSlowReader(t *testing.T) {
	path, _ := iotestServer(t, ipc.ServerConfig{WriteTimeout: 100 * time.Millisecond})
	conn := raw(t, path)
	if _, err := conn.Write(rawFrame(1, 1, rawOpen(`\iotest\echo`))); err != nil {
		t.Fatal(err)
	}
	if _, status, _ := rawAnswer(t, conn); status != nt.StatusSuccess {
		t.Fatal(status)
	}
	data := make([]byte, 4<<20)
	control := rawFrame(1, 2, rawRequest(api.OpFsControl, 1, 0, uint32(len(data)), data))
	if _, err := conn.Write(control); err != nil {
		t.Fatal(err)
	}
	var err error
	for err == nil { // the server reads on until its answer has waited too long, and then closes
		_, err = conn.Write(rawFrame(3, 99, nil))
	}
	if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
		t.Error(err)
	}
}

// TestHalfOpen: a client that does not say hello is cut; one that stops within a frame takes nothing with it when it goes.
func TestHalfOpen(t *testing.T) {
	path := serve(t, npfsManager(t), ipc.ServerConfig{HelloTimeout: 50 * time.Millisecond})
	for _, part := range []string{"", "l", "lwio\x02", string(rawHello[:len(rawHello)-1])} {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := conn.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(conn); err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%q: %v", part, err)
		}
		conn.Close()
	}
	open := rawFrame(1, 1, rawOpen(`\npfs\x`))
	for i := 1; i < len(open); i += 7 {
		conn := raw(t, path)
		if _, err := conn.Write(open[:i]); err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	if _, err := pipes.List(t.Context(), dial(t, path), ""); err != nil {
		t.Error(err)
	}
}

// TestMutated changes bytes of a conversation that was right. Whatever comes of it, the server serves others, and nothing stays open.
func TestMutated(t *testing.T) {
	m := npfsManager(t)
	path := serve(t, m, ipc.ServerConfig{Log: slog.New(slog.DiscardHandler)})
	l, err := pipes.Listen(t.Context(), m, "p", pipes.Config{Message: true})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go io.Copy(c, c)
		}
	}()
	good := bytes.Join([][]byte{rawHello, rawFrame(1, 1, rawOpen(`\npfs\p`)), rawFrame(1, 2, rawRequest(api.OpFsControl, 1, nt.FsctlPipePeek, 64, nil)),
		rawFrame(1, 3, rawRequest(api.OpWrite, 1, 0, 0, []byte("hello"))), rawFrame(1, 4, rawRequest(api.OpRead, 1, 0, 100, nil)), rawFrame(3, 4, nil),
		rawFrame(1, 5, rawRequest(api.OpQueryInformation, 1, uint32(nt.FilePipeLocalInformation), 64, nil)), rawFrame(1, 6, rawRequest(api.OpClose, 1, 0, 0, nil))}, nil)
	rnd := rand.New(rand.NewPCG(1, 2))
	n := 1500
	if testing.Short() {
		n = 200
	}
	for range n {
		b := bytes.Clone(good)
		for range 1 + rnd.IntN(4) {
			b[rnd.IntN(len(b))] = byte(rnd.Uint32())
		}
		b = b[:len(b)-rnd.IntN(len(b)/4)]
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		_, _ = conn.Write(b)
		_ = conn.(*net.UnixConn).CloseWrite()
		if _, err := io.ReadAll(conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("neither answered nor ended: %x", b)
		}
		conn.Close()
	}
	c, err := pipes.Dial(t.Context(), dial(t, path), "p", pipes.DialConfig{Message: true, Timeout: pipes.WaitForever})
	if err != nil {
		t.Fatal(err)
	}
	out := make([]byte, 10)
	if n, err := c.Transact(t.Context(), []byte("alive"), out); err != nil || string(out[:n]) != "alive" {
		t.Errorf("%q %v", out[:n], err)
	}
	c.Close()
}

// TestUserLimit: one user who is no administrator cannot take the places of the others.
func TestUserLimit(t *testing.T) {
	var mu sync.Mutex
	token := nt.SystemToken()
	user := &nt.Token{User: nt.SIDUnixUsers.Child(1)}
	path := serve(t, npfsManager(t), ipc.ServerConfig{MaxClients: 8, Token: func(api.Process) (*nt.Token, error) {
		mu.Lock()
		defer mu.Unlock()
		return token, nil
	}})
	as := func(tok *nt.Token) {
		mu.Lock()
		token = tok
		mu.Unlock()
	}
	as(user)
	first, err := ipc.Dial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	dial(t, path)
	if _, err := ipc.Dial(t.Context(), path); err == nil {
		t.Error("a third client of one user is admitted where two may be")
	}
	as(nt.SystemToken())
	for range 6 {
		dial(t, path)
	}
	if _, err := ipc.Dial(t.Context(), path); err == nil {
		t.Error("a ninth client is admitted")
	}
	first.Shutdown()
	as(user)
	for { // its place is free as soon as the server has noticed
		c, err := ipc.Dial(t.Context(), path)
		if err == nil {
			c.Shutdown()
			return
		}
	}
}

// TestCredits: the client keeps to what the server gives, and has it back with each answer.
func TestCredits(t *testing.T) {
	path, d := iotestServer(t, ipc.ServerConfig{MaxRequests: 10, MaxBytes: 100 << 10})
	c := dial(t, path)
	if s := c.Server(); s.Requests != 10 || s.Bytes != 100<<10 {
		t.Errorf("%+v", s)
	}
	h, err := c.CreateFile(t.Context(), &api.CreateArgs{Name: `\iotest\pend`, DesiredAccess: nt.FileReadData | nt.FileWriteData, Disposition: nt.FileOpen})
	if err != nil {
		t.Fatal(err)
	}
	ends := make(chan nt.Status, 32)
	submit := func(n, size int) {
		for range n {
			c.Submit(&api.Request{Op: api.OpRead, Handle: h, Out: make([]byte, size), Done: func(r *api.Request) { ends <- r.Status }})
		}
	}
	for _, tt := range []struct{ n, size, over int }{{13, 1, 3}, {12, 30 << 10, 9}} {
		submit(tt.n, tt.size)
		for range tt.over {
			if s := <-ends; s != nt.StatusInsufficientResources {
				t.Errorf("%d reads of %d: %v", tt.n, tt.size, s)
			}
		}
		if len(ends) != 0 {
			t.Errorf("more than %d of %d reads of %d are refused", tt.over, tt.n, tt.size)
		}
		if err := c.CancelIoFile(h); err != nil {
			t.Error(err)
		}
		for range tt.n - tt.over {
			if s := <-ends; s != nt.StatusCancelled {
				t.Errorf("%d reads of %d: %v", tt.n, tt.size, s)
			}
		}
	}
	d.Release()
}

// TestCredential: a create carries the caller's credential to the driver; no line of a trace does.
func TestCredential(t *testing.T) {
	var mu sync.Mutex
	var log strings.Builder
	m := iomgr.New(iomgr.Config{Trace: slog.New(slog.NewTextHandler(lockedWriter{&mu, &log}, nil))})
	got := make(chan *api.Credential, 1)
	entry := func(reg *api.Registration) error {
		reg.Name = "secret"
		reg.Start = func(_ context.Context, host api.Host) error {
			_, err := host.CreateDevice("secret", keeper{got: got})
			return err
		}
		return nil
	}
	if err := m.Load(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
	c := dial(t, serve(t, m, ipc.ServerConfig{}))
	for _, cache := range []int{10, 3 << 10, 200 << 10} {
		want := &api.Credential{User: "alice", Domain: "LAB", Method: api.MethodKerberos, Password: "hush-hush", HasPassword: true, CCache: bytes.Repeat([]byte("ccache-"), cache/7)}
		if _, err := c.CreateFile(t.Context(), &api.CreateArgs{Name: `\secret\x`, Contexts: []any{want}}); !errors.Is(err, nt.StatusAccessDenied) {
			t.Fatal(err)
		}
		if have := <-got; have == nil || have.ID() != want.ID() {
			t.Errorf("%v", have)
		}
	}
	if _, err := c.CreateFile(t.Context(), &api.CreateArgs{Name: `\secret\x`, Contexts: []any{"what?"}}); !errors.Is(err, nt.StatusNotSupported) {
		t.Errorf("a context that cannot cross: %v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	if s := log.String(); !strings.Contains(s, "op=create") || strings.Contains(s, "hush") || strings.Contains(s, "ccache") {
		t.Errorf("the trace:\n%s", s)
	}
}

type lockedWriter struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// keeper is a device that keeps the credential of a create and refuses it.
type keeper struct {
	api.DefaultDevice
	got chan *api.Credential
}

func (k keeper) Create(r *api.Request) {
	c, _ := api.Find[*api.Credential](r.Create.Contexts)
	if c != nil {
		k.got <- c
	}
	r.Complete(nt.StatusAccessDenied, 0)
}

// TestManyClients: two thousand clients that are connected and idle, and some that work meanwhile.
func TestManyClients(t *testing.T) {
	const n, perClient = 2000, 16 << 10
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil || files.Cur < 2*n+200 {
		t.Skipf("%d open files are not enough for %d clients and their server in one process", files.Cur, n)
	}
	m := iomgr.New(iomgr.Config{})
	if err := m.Load(t.Context(), npfs.DriverEntry(npfs.Config{})); err != nil {
		t.Fatal(err)
	}
	path := serve(t, m, ipc.ServerConfig{})
	used := func() uint64 {
		var s runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&s)
		return s.HeapAlloc + s.StackInuse
	}
	before := used()
	root := rawFrame(1, 1, rawOpen(`\npfs`))
	for range n {
		conn := raw(t, path)
		if _, err := conn.Write(root); err != nil { // each has a file open
			t.Fatal(err)
		}
		if _, status, _ := rawAnswer(t, conn); status != nt.StatusSuccess {
			t.Fatal(status)
		}
	}
	per := int64(used()-before) / n
	t.Logf("%d bytes a client", per)
	if per > perClient {
		t.Errorf("an idle client holds %d bytes, more than %d", per, perClient)
	}
	l, err := pipes.Listen(t.Context(), dial(t, path), "work", pipes.Config{Message: true})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go io.Copy(c, c)
		}
	}()
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			c, err := pipes.Dial(t.Context(), dial(t, path), "work", pipes.DialConfig{Message: true, Timeout: pipes.WaitForever})
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			for j := range 100 {
				in, out := fmt.Appendf(nil, "client %d call %d", i, j), make([]byte, 100)
				if n, err := c.Transact(t.Context(), in, out); err != nil || !bytes.Equal(out[:n], in) {
					t.Errorf("%q %v", out[:n], err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestCut cuts the connection after more and more bytes of a whole conversation, either way: it succeeds, or it ends with an error that says so;
// nothing is left open.
func TestCut(t *testing.T) {
	m := npfsManager(t)
	path := serve(t, m, ipc.ServerConfig{})
	l, err := pipes.Listen(t.Context(), m, "p", pipes.Config{Message: true})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var served sync.WaitGroup
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			served.Go(func() {
				io.Copy(c, c)
				c.Close()
			})
		}
	}()
	talk := func(conn net.Conn) error {
		c, err := ipc.NewClient(t.Context(), conn)
		if err != nil {
			return err
		}
		defer c.Shutdown()
		p, err := pipes.Dial(t.Context(), c, "p", pipes.DialConfig{Message: true, Timeout: pipes.WaitForever})
		if err != nil {
			return err
		}
		for range 2 {
			in, out := bytes.Repeat([]byte("all or nothing "), 20), make([]byte, 1000)
			n, err := p.Transact(t.Context(), in, out)
			if err != nil {
				return err
			}
			if !bytes.Equal(out[:n], in) {
				t.Errorf("wrong bytes: %q", out[:n])
			}
		}
		return p.Close()
	}
	done := 0
	for n := 0; done < 2; n++ { // until both ways are long enough
		done = 0
		for _, up := range []bool{true, false} {
			far, err := net.Dial("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			near, proxy := net.Pipe()
			var wg sync.WaitGroup
			relay := func(to, from net.Conn, limit int) {
				_, _ = io.CopyN(to, from, int64(limit))
				to.Close()
				from.Close()
			}
			const all = 1 << 30
			if up {
				wg.Go(func() { relay(far, proxy, n) })
				wg.Go(func() { relay(proxy, far, all) })
			} else {
				wg.Go(func() { relay(far, proxy, all) })
				wg.Go(func() { relay(proxy, far, n) })
			}
			err = talk(near)
			near.Close()
			wg.Wait()
			if err == nil {
				done++
			}
		}
		if n > 10000 {
			t.Fatal("it never succeeds")
		}
	}
	served.Wait() // each client's end was closed, so each server's was
	entries, err := pipes.List(t.Context(), m, "p")
	if err != nil || len(entries) != 1 || entries[0].Instances != pipes.Backlog {
		t.Errorf("%+v %v, want %d instances that listen", entries, err, pipes.Backlog)
	}
}
