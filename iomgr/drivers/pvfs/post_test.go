package pvfs_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// TestAppends: what several opens append at once is all there, each piece whole.
func TestAppends(t *testing.T) {
	m, dir := mount(t)
	const writers, each, size = 4, 50, 1000
	var wg sync.WaitGroup
	for w := range writers {
		h, err := m.CreateFile(t.Context(), &api.CreateArgs{Name: `\pvfs\log`, DesiredAccess: nt.FileAppendData, ShareAccess: 7, Disposition: nt.FileOpenIf})
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			defer m.Close(h)
			for range each {
				r := &api.Request{Op: api.OpWrite, Handle: h, In: bytes.Repeat([]byte{byte('a' + w)}, size), Flags: uint32(w%2) * api.FlagWriteThrough}
				if err := api.Do(context.Background(), m, r); err != nil || r.N != size {
					t.Errorf("writer %d: %v, %d bytes", w, err, r.N)
				}
			}
		})
	}
	wg.Wait()
	b, err := os.ReadFile(filepath.Join(dir, "log"))
	if err != nil || len(b) != writers*each*size {
		t.Fatalf("%d bytes (%v), want %d", len(b), err, writers*each*size)
	}
	for i := 0; i < len(b); i += size {
		if n := bytes.Count(b[i:i+size], b[i:i+1]); n != size {
			t.Fatalf("piece at %d holds %d bytes of its writer, want %d", i, n, size)
		}
	}
}

// TestPostedBeforeCleanup: the close of a file waits for what is written durably, and for flushes; more of them than there are goroutines for.
func TestPostedBeforeCleanup(t *testing.T) {
	m, dir := mount(t)
	h, err := m.CreateFile(t.Context(), &api.CreateArgs{Name: `\pvfs\f`, DesiredAccess: nt.FileWriteData | nt.FileReadData, ShareAccess: 7, Disposition: nt.FileCreate})
	if err != nil {
		t.Fatal(err)
	}
	const n = 300
	done := make(chan string, 2*n)
	var want []byte
	for i := range n {
		piece := fmt.Appendf(nil, "%04d", i)
		want = append(want, piece...)
		answer := func(r *api.Request) {
			if r.Status != nt.StatusSuccess || r.N != len(r.In) {
				done <- fmt.Sprint(r.Op, r.Status, r.N)
				return
			}
			done <- ""
		}
		m.Submit(&api.Request{Op: api.OpWrite, Handle: h, In: piece, Offset: int64(4 * i), Flags: api.FlagWriteThrough, Done: answer})
		m.Submit(&api.Request{Op: api.OpFlush, Handle: h, Done: answer})
	}
	if err := m.Close(h); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "f")); err != nil || !bytes.Equal(b, want) {
		t.Errorf("%d bytes (%v), want %d", len(b), err, len(want))
	}
	for range 2 * n {
		if s := <-done; s != "" {
			t.Error(s)
		}
	}
}

// TestReadToTheEnd reads over the end of a file, at it, and what has never been in memory.
func TestReadToTheEnd(t *testing.T) {
	m, dir := mount(t)
	data := bytes.Repeat([]byte("0123456789abcdef"), 100<<10/16)
	if err := os.WriteFile(filepath.Join(dir, "f"), data, 0o666); err != nil {
		t.Fatal(err)
	}
	evict(t, filepath.Join(dir, "f"))
	h, err := m.CreateFile(t.Context(), &api.CreateArgs{Name: `\pvfs\f`, DesiredAccess: nt.FileReadData, ShareAccess: 7, Disposition: nt.FileOpen})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(h)
	for _, c := range []struct{ offset, n, want int }{{0, 4096, 4096}, {64 << 10, 64 << 10, 36 << 10}, {100<<10 - 1, 10, 1}, {0, 200 << 10, 100 << 10}} {
		b := make([]byte, c.n)
		n, err := m.ReadFile(t.Context(), h, b, int64(c.offset))
		if err != nil || n != c.want || !bytes.Equal(b[:n], data[c.offset:c.offset+n]) {
			t.Errorf("%d bytes at %d: %d, %v, want %d", c.n, c.offset, n, err, c.want)
		}
	}
	if _, err := m.ReadFile(t.Context(), h, make([]byte, 1), 100<<10); err != nt.StatusEndOfFile {
		t.Errorf("at the end: %v", err)
	}
}
