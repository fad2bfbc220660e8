//go:build linux

package ipc_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/drivers/memfs"
	"lwio/iomgr/ipc"
	"lwio/iomgr/nt"
	"lwio/pipes"
)

func memfsManager(t testing.TB) *iomgr.Manager {
	m := iomgr.New(iomgr.Config{})
	if err := m.Load(context.Background(), memfs.DriverEntry(memfs.Config{})); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Shutdown(context.Background()) })
	return m
}

func openFile(t testing.TB, a api.API, name string) api.Handle {
	t.Helper()
	h, err := a.CreateFile(t.Context(), &api.CreateArgs{Name: `\memfs\` + name, DesiredAccess: nt.GenericRead | nt.GenericWrite, Disposition: nt.FileOpenIf,
		ShareAccess: nt.FileShareRead | nt.FileShareWrite, Options: nt.FileNonDirectoryFile})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// noise is bytes that differ everywhere.
func noise(n int, seed uint64) []byte {
	b := make([]byte, n+8)
	for x, i := rand.New(rand.NewPCG(seed, 7)), 0; i < n; i += 8 {
		binary.LittleEndian.PutUint64(b[i:], x.Uint64())
	}
	return b[:n]
}

// TestBulk: what is read and written in bulk is the file's, whatever its length: by the socket, by the region, and in pieces.
func TestBulk(t *testing.T) {
	m := memfsManager(t)
	direct := openFile(t, m, "file")
	for name, regions := range map[string]int{"shared": 64, "by the socket": -1} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, serve(t, m, ipc.ServerConfig{MaxRegions: regions}))
			h := openFile(t, c, "file")
			const size = 5<<20 + 77
			for i, n := range []int{1, 32<<10 - 1, 32 << 10, 100_000, 256 << 10, 256<<10 + 1, 1 << 20, 2 << 20, 2<<20 + 1, 3 << 20} {
				data := noise(size, uint64(i))
				if _, err := m.WriteFile(t.Context(), direct, data, 0); err != nil {
					t.Fatal(err)
				}
				for _, at := range []int{0, 4099, size - n, size - n/2 - 1, size - 1} {
					want := data[at:min(at+n, size)]
					out := make([]byte, n)
					got, err := c.ReadFile(t.Context(), h, out, int64(at))
					if err != nil || got != len(want) || !bytes.Equal(out[:got], want) {
						t.Errorf("%d bytes from %d: %d bytes, %v, equal: %v", n, at, got, err, bytes.Equal(out[:got], want))
					}
				}
				if got, err := c.ReadFile(t.Context(), h, make([]byte, n), size); got != 0 || !errors.Is(err, nt.StatusEndOfFile) {
					t.Errorf("%d bytes at the end: %d bytes, %v", n, got, err)
				}
				fresh := noise(n, uint64(1000+i))
				if got, err := c.WriteFile(t.Context(), h, fresh, 4099); err != nil || got != n {
					t.Errorf("a write of %d bytes: %d, %v", n, got, err)
				}
				out := make([]byte, n)
				if got, err := m.ReadFile(t.Context(), direct, out, 4099); err != nil || got != n || !bytes.Equal(out, fresh) {
					t.Errorf("of a write of %d bytes %d are there, %v", n, got, err)
				}
			}
			if err := c.Close(h); err != nil {
				t.Error(err)
			}
			if _, err := c.ReadFile(t.Context(), h, make([]byte, 1<<20), 0); !errors.Is(err, nt.StatusInvalidHandle) {
				t.Errorf("a closed file is read: %v", err)
			}
		})
	}
}

// TestBuffer: reads into memory that is shared and writes from it are those of any other; it ends with free and not with the connection.
func TestBuffer(t *testing.T) {
	m := memfsManager(t)
	direct := openFile(t, m, "file")
	data := noise(4<<20, 1)
	if _, err := m.WriteFile(t.Context(), direct, data, 0); err != nil {
		t.Fatal(err)
	}
	path := serve(t, m, ipc.ServerConfig{})
	c, other := dial(t, path), dial(t, path)
	h, hOther := openFile(t, c, "file"), openFile(t, other, "file")
	b, free := c.Buffer(1 << 20)
	if len(b) != 1<<20 || cap(b) != len(b) {
		t.Fatalf("a buffer of %d bytes, capacity %d", len(b), cap(b))
	}
	check := func(what string, c *ipc.Client, h api.Handle, part []byte, at int64) {
		t.Helper()
		clear(part)
		if n, err := c.ReadFile(t.Context(), h, part, at); err != nil || n != len(part) || !bytes.Equal(part, data[at:][:n]) {
			t.Errorf("%s: %d bytes, %v, equal: %v", what, n, err, bytes.Equal(part, data[at:][:len(part)]))
		}
	}
	check("the whole", c, h, b, 4099)
	check("a part", c, h, b[5:300_005], 77)
	check("a small part", c, h, b[9:109], 5)
	check("of another client", other, hOther, b, 1<<20)
	if n, err := c.ReadFile(t.Context(), h, b, 4<<20-100); n != 100 || err != nil || !bytes.Equal(b[:n], data[4<<20-100:]) {
		t.Errorf("at the end: %d bytes, %v", n, err)
	}
	copy(b, noise(len(b), 2))
	copy(data[1<<20:], b[7:700_007])
	if n, err := c.WriteFile(t.Context(), h, b[7:700_007], 1<<20); n != 700_000 || err != nil {
		t.Errorf("a write: %d bytes, %v", n, err)
	}
	check("what was written", other, hOther, make([]byte, 2<<20), 1<<20)

	second, freeSecond := c.Buffer(1 << 20)
	if second == nil {
		t.Fatal("no room for a second buffer")
	}
	if third, _ := c.Buffer(1); third != nil {
		t.Error("a buffer where there is no room")
	}
	third, freeThird := api.Buffer(c, 1<<20)
	check("beside full ones", c, h, third, 3<<20)
	freeThird()
	freeSecond()
	freeSecond()
	if again, free := c.Buffer(1 << 20); again == nil {
		t.Error("what is freed is not free")
	} else {
		free()
	}
	for _, n := range []int{0, -1, 2<<20 + 1, 1 << 40} {
		if b, _ := c.Buffer(n); b != nil {
			t.Errorf("a buffer of %d bytes", n)
		}
	}
	copy(b, "stays")
	c.Shutdown()
	<-c.Done()
	if string(b[:5]) != "stays" {
		t.Errorf("after the end it holds %q", b[:5])
	}
	if n, err := c.ReadFile(t.Context(), h, b, 0); n != 0 || !errors.Is(err, nt.StatusConnectionDisconnected) {
		t.Errorf("a read after the end: %d bytes, %v", n, err)
	}
	free()
	if b, _ := c.Buffer(1); b != nil {
		t.Error("a buffer of a client that is dead")
	}
	if b, free := api.Buffer(m, 10); len(b) != 10 {
		t.Errorf("of an API without such memory: %d bytes", len(b))
	} else {
		free()
	}
}

// TestBulkMany: reads and writes of many at a time do not get into each other's way; there is room for a few in the region and the others go by the socket.
func TestBulkMany(t *testing.T) {
	m := memfsManager(t)
	c := dial(t, serve(t, m, ipc.ServerConfig{}))
	var wg sync.WaitGroup
	for i := range 12 {
		h := openFile(t, c, strconv.Itoa(i))
		wg.Go(func() {
			data := noise(1<<20, uint64(i))
			for round := range 8 {
				n := len(data) >> (round % 4)
				if _, err := c.WriteFile(t.Context(), h, data[:n], 0); err != nil {
					t.Error(err)
					return
				}
				out := make([]byte, n)
				if got, err := c.ReadFile(t.Context(), h, out, 0); err != nil || got != n || !bytes.Equal(out, data[:n]) {
					t.Errorf("file %d: %d of %d bytes, %v", i, got, n, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestBulkLocked: a lock of another keeps a read or write by the region away as it does any, also where only the last piece meets it.
func TestBulkLocked(t *testing.T) {
	m := memfsManager(t)
	c := dial(t, serve(t, m, ipc.ServerConfig{}))
	h, other := openFile(t, c, "file"), openFile(t, m, "file")
	data := noise(1<<20, 3)
	if _, err := c.WriteFile(t.Context(), h, data, 0); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time in pieces
		if _, err := c.ReadFile(t.Context(), h, make([]byte, len(data)), 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.LockFile(t.Context(), other, &api.LockArgs{Offset: 1<<20 - 1, Length: 1, Exclusive: true, FailImmediately: true}); err != nil {
		t.Fatal(err)
	}
	if n, err := c.ReadFile(t.Context(), h, make([]byte, len(data)), 0); n != 0 || !errors.Is(err, nt.StatusFileLockConflict) {
		t.Errorf("read: %d bytes, %v", n, err)
	}
	if n, err := c.WriteFile(t.Context(), h, noise(1<<20, 4), 0); n != 0 || !errors.Is(err, nt.StatusFileLockConflict) {
		t.Errorf("write: %d bytes, %v", n, err)
	}
	out := make([]byte, 1<<20-1)
	if _, err := m.ReadFile(t.Context(), other, out, 0); err != nil || !bytes.Equal(out, data[:len(out)]) {
		t.Errorf("what was refused is in the file, or %v", err)
	}
}

// TestBulkMessages: a message is read by one request however large its buffer is.
func TestBulkMessages(t *testing.T) {
	m := npfsManager(t)
	l, err := pipes.Listen(t.Context(), m, "messages", pipes.Config{Message: true})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		for i := range 6 {
			conn.Write(bytes.Repeat([]byte{byte('a' + i)}, 70000))
		}
		io.Copy(io.Discard, conn)
	}()
	conn, err := pipes.Dial(t.Context(), dial(t, serve(t, m, ipc.ServerConfig{})), "messages", pipes.DialConfig{Message: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	buf := make([]byte, 1<<20)
	for i := range 6 {
		n, err := conn.Read(buf)
		if want := bytes.Repeat([]byte{byte('a' + i)}, 70000); err != nil || !bytes.Equal(buf[:n], want) {
			t.Fatalf("message %d: %d bytes, %v", i, n, err)
		}
	}
}

// TestBulkCancel: a read in pieces ends when its context does, and what it used is free again.
func TestBulkCancel(t *testing.T) {
	m := memfsManager(t)
	c := dial(t, serve(t, m, ipc.ServerConfig{}))
	h := openFile(t, c, "file")
	if _, err := c.WriteFile(t.Context(), h, noise(4<<20, 1), 0); err != nil {
		t.Fatal(err)
	}
	out := make([]byte, 4<<20)
	for i := range 40 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*20*time.Microsecond)
		if _, err := c.ReadFile(ctx, h, out, 0); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		cancel()
	}
	if n, err := c.ReadFile(t.Context(), h, out, 0); n != len(out) || err != nil || !bytes.Equal(out, noise(4<<20, 1)) {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// rawRegion connects with a region. There may be none: mem is nil then.
func rawRegion(t testing.TB, path string) (conn *net.UnixConn, mem []byte) {
	t.Helper()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	conn = c.(*net.UnixConn)
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	hello := ipc.Hello{Version: ipc.Version, Lowest: ipc.Lowest, Features: ipc.FeatureRegion}
	if _, err := conn.Write(hello.Append(nil)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, helloLen)); err != nil {
		t.Fatal(err)
	}
	var b [1]byte
	oob := make([]byte, 64)
	_, oobn, _, _, err := conn.ReadMsgUnix(b[:], oob)
	if err != nil {
		t.Fatal(err)
	}
	if b[0] == 0 {
		return conn, nil
	}
	list, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil {
		t.Fatal(err)
	}
	fds, err := unix.ParseUnixRights(&list[0])
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[0])
	for _, size := range []int64{0, 1 << 30} {
		if err := unix.Ftruncate(fds[0], size); err == nil {
			t.Errorf("a client makes the region %d bytes long", size)
		}
	}
	var st unix.Stat_t
	if err := unix.Fstat(fds[0], &st); err != nil {
		t.Fatal(err)
	}
	if mem, err = unix.Mmap(fds[0], 0, int(st.Size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Munmap(mem) })
	return conn, mem
}

// regionRequest is the body of a read or a write by the region.
func regionRequest(op api.Op, handle uint64, at, in, out uint32) []byte {
	b := []byte{byte(op), 1 << 5}
	b = binary.LittleEndian.AppendUint64(b, handle)
	b = append(b, make([]byte, 4+4+8)...)
	for _, v := range []uint32{out, at, in, 0} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return b
}

// TestHostileRegion: what does not lie in the region, or is no read or write, ends the connection and nothing else.
func TestHostileRegion(t *testing.T) {
	path, _ := iotestServer(t, ipc.ServerConfig{})
	const size = 2 << 20
	for name, body := range map[string][]byte{
		"a read from behind the end": regionRequest(api.OpRead, 1, size, 0, 1),
		"a read across the end":      regionRequest(api.OpRead, 1, size-10, 0, 11),
		"a read from far away":       regionRequest(api.OpRead, 1, 1<<32-1, 0, 2),
		"a write across the end":     regionRequest(api.OpWrite, 1, size-10, 11, 0),
		"a write from far away":      regionRequest(api.OpWrite, 1, 1<<32-16, 32, 0),
		"a write of all there is":    regionRequest(api.OpWrite, 1, 0, 1<<32-1, 0),
		"a read with input":          regionRequest(api.OpRead, 1, 0, 1, 1),
		"a write with output":        regionRequest(api.OpWrite, 1, 0, 1, 1),
		"a control":                  regionRequest(api.OpFsControl, 1, 0, 1, 1),
		"a close":                    regionRequest(api.OpClose, 1, 0, 0, 0),
	} {
		t.Run(name, func(t *testing.T) {
			conn, _ := rawRegion(t, path)
			if _, err := conn.Write(append(rawFrame(1, 1, rawOpen(`\iotest\echo`)), rawFrame(1, 2, body)...)); err != nil {
				t.Fatal(err)
			}
			rawAnswer(t, conn)
			if _, err := io.ReadAll(conn); err != nil && !errors.Is(err, unix.ECONNRESET) {
				t.Error(err)
			}
		})
	}
	t.Run("no region", func(t *testing.T) {
		conn := raw(t, path)
		if _, err := conn.Write(rawFrame(1, 2, regionRequest(api.OpRead, 1, 0, 0, 10))); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(conn); err != nil && !errors.Is(err, unix.ECONNRESET) {
			t.Error(err)
		}
	})
	t.Run("changed meanwhile", func(t *testing.T) {
		conn, mem := rawRegion(t, path)
		stop := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
					mem[i%size]++
				}
			}
		})
		defer func() { close(stop); wg.Wait() }()
		if _, err := conn.Write(rawFrame(1, 1, rawOpen(`\iotest\echo`))); err != nil {
			t.Fatal(err)
		}
		rawAnswer(t, conn)
		for i := range uint64(200) {
			op, in, out := api.OpWrite, uint32(size), uint32(0)
			if i%2 == 1 {
				op, in, out = api.OpRead, 0, size
			}
			if _, err := conn.Write(rawFrame(1, 2+i, regionRequest(op, 1, 0, in, out))); err != nil {
				t.Fatal(err)
			}
			if _, status, _ := rawAnswer(t, conn); status != nt.StatusSuccess {
				t.Fatal(status)
			}
		}
	})
	dial(t, path) // it serves
}

// TestRegionsEnd: a client that goes while its read pends leaves its region to the read until that ends, and to another client then.
func TestRegionsEnd(t *testing.T) {
	path, d := iotestServer(t, ipc.ServerConfig{MaxRegions: 1})
	conn, mem := rawRegion(t, path)
	if mem == nil {
		t.Fatal("no region for the first client")
	}
	if _, err := conn.Write(append(rawFrame(1, 1, rawOpen(`\iotest\stubborn`)), rawFrame(1, 2, regionRequest(api.OpRead, 1, 0, 0, 1<<20))...)); err != nil {
		t.Fatal(err)
	}
	rawAnswer(t, conn)
	until(t, "the read pends", func() bool { return d.Pended() > 0 })
	if _, mem := rawRegion(t, path); mem != nil {
		t.Error("more regions than are allowed")
	}
	conn.Close()
	d.Release()
	until(t, "the region is free", func() bool {
		c, mem := rawRegion(t, path)
		c.Close()
		return mem != nil
	})
}

func until(t testing.TB, what string, f func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(20 * time.Second); !f(); {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal(what + ": not in time")
		}
	}
}

// BenchmarkRead is the read of a file's data over the socket, and in process.
func BenchmarkRead(b *testing.B) {
	m := memfsManager(b)
	for _, n := range []int{64 << 10, 256 << 10, 1 << 20} {
		for name, a := range map[string]api.API{"Remote": dial(b, serve(b, m, ipc.ServerConfig{})), "InProcess": m} {
			b.Run(fmt.Sprintf("%s/%dKiB", name, n>>10), func(b *testing.B) {
				h := openFile(b, a, "file")
				data := noise(n, 1)
				if _, err := a.WriteFile(b.Context(), h, data, 0); err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(n))
				for b.Loop() {
					if _, err := a.ReadFile(b.Context(), h, data, 0); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
