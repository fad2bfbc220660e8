package iotest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

func filesReadWrite(t *testing.T, x *Files) {
	h := x.open(t, "f", nt.FileCreate, 0)
	ctx := t.Context()
	for _, c := range []struct {
		at   int64
		data string
	}{{0, "hello"}, {10, "world"}, {3, "LO"}} {
		if n, err := x.API.WriteFile(ctx, h, []byte(c.data), c.at); n != len(c.data) || err != nil {
			t.Fatalf("write at %d: %d, %v", c.at, n, err)
		}
	}
	b := make([]byte, 100)
	n, err := x.API.ReadFile(ctx, h, b, 0)
	if err != nil || string(b[:n]) != "helLO\x00\x00\x00\x00\x00world" {
		t.Errorf("%q, %v", b[:n], err)
	}
	if n, err = x.API.ReadFile(ctx, h, b[:3], 11); err != nil || string(b[:n]) != "orl" {
		t.Errorf("%q, %v", b[:n], err)
	}
	if n, err = x.API.ReadFile(ctx, h, b, 15); n != 0 || !errors.Is(err, nt.StatusEndOfFile) {
		t.Errorf("read at the end: %d, %v", n, err)
	}
	if n, err = x.API.ReadFile(ctx, h, b, 1<<40); n != 0 || !errors.Is(err, nt.StatusEndOfFile) {
		t.Errorf("read beyond the end: %d, %v", n, err)
	}
	if n, err = x.API.WriteFile(ctx, h, nil, 100); n != 0 || err != nil {
		t.Errorf("write of nothing: %d, %v", n, err)
	}
	if size := x.size(t, h); size != 15 {
		t.Errorf("size %d", size)
	}
}

func filesAppend(t *testing.T, x *Files) {
	x.file(t, "f", "123")
	h := x.open(t, "f", nt.FileOpen, 0, access(nt.FileAppendData|nt.FileReadAttributes|nt.Synchronize))
	if _, err := x.API.WriteFile(t.Context(), h, []byte("45"), 3); err != nil {
		t.Error(err)
	}
	if got := x.content(t, "f"); got != "12345" {
		t.Errorf("%q", got)
	}
}

func filesLarge(t *testing.T, x *Files) {
	h := x.open(t, "f", nt.FileCreate, 0)
	data := make([]byte, 3<<20+77)
	for i := range data {
		data[i] = byte(i * 7 >> 3)
	}
	if n, err := x.API.WriteFile(t.Context(), h, data, 5); n != len(data) || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	got := make([]byte, len(data)+100)
	if n, err := x.API.ReadFile(t.Context(), h, got, 5); n != len(data) || err != nil || !bytes.Equal(got[:n], data) {
		t.Fatalf("%d bytes come back, %v", n, err)
	}
}

func filesSize(t *testing.T, x *Files) {
	x.file(t, "f", "0123456789")
	h := x.open(t, "f", nt.FileOpen, 0)
	eof := func(n int64) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(n)) }
	for _, n := range []int64{4, 8, 0, 1 << 32, 3} {
		want(t, x.set(t, h, nt.FileEndOfFileInformation, eof(n)), nt.StatusSuccess)
		if got := x.size(t, h); got != n {
			t.Errorf("size %d, want %d", got, n)
		}
	}
	want(t, x.set(t, h, nt.FileEndOfFileInformation, eof(-1)), nt.StatusInvalidParameter)
	if got := x.content(t, "f"); got != "\x00\x00\x00" {
		t.Errorf("%q", got)
	}
}

func filesLocks(t *testing.T, x *Files) {
	x.file(t, "f", "0123456789")
	a, b := x.open(t, "f", nt.FileOpen, 0), x.open(t, "f", nt.FileOpen, 0)
	ctx := t.Context()
	now := func(offset, length uint64, exclusive bool) *api.LockArgs {
		return &api.LockArgs{Offset: offset, Length: length, Exclusive: exclusive, FailImmediately: true}
	}
	want(t, x.API.LockFile(ctx, a, now(0, 5, true)), nt.StatusSuccess)
	want(t, x.API.LockFile(ctx, b, now(4, 1, false)), nt.StatusLockNotGranted)
	want(t, x.API.LockFile(ctx, b, now(5, 5, false)), nt.StatusSuccess)
	want(t, x.API.LockFile(ctx, a, now(5, 5, false)), nt.StatusSuccess)
	want(t, x.API.LockFile(ctx, a, now(9, 1, true)), nt.StatusLockNotGranted)
	buf := make([]byte, 2)
	if _, err := x.API.ReadFile(ctx, b, buf, 0); !errors.Is(err, nt.StatusFileLockConflict) {
		t.Errorf("read of what another has locked: %v", err)
	}
	if _, err := x.API.WriteFile(ctx, b, buf, 0); !errors.Is(err, nt.StatusFileLockConflict) {
		t.Errorf("write of what another has locked: %v", err)
	}
	if _, err := x.API.ReadFile(ctx, a, buf, 0); err != nil {
		t.Errorf("read of one's own: %v", err)
	}
	want(t, x.API.UnlockFile(ctx, b, now(0, 5, true)), nt.StatusRangeNotLocked)
	want(t, x.API.UnlockFile(ctx, a, now(0, 5, true)), nt.StatusSuccess)
	if _, err := x.API.WriteFile(ctx, b, buf, 0); err != nil {
		t.Errorf("write after the unlock: %v", err)
	}
	x.API.Close(a)
	x.API.Close(b)
	c := x.open(t, "f", nt.FileOpen, 0)
	want(t, x.API.LockFile(ctx, c, now(0, 10, true)), nt.StatusSuccess) // those who closed hold nothing
}

func filesLockWaits(t *testing.T, x *Files) {
	x.file(t, "f", "0123456789")
	a, b := x.open(t, "f", nt.FileOpen, 0), x.open(t, "f", nt.FileOpen, 0)
	l := api.LockArgs{Offset: 0, Length: 5, Exclusive: true, FailImmediately: true}
	want(t, x.API.LockFile(t.Context(), a, &l), nt.StatusSuccess)
	waits := l
	waits.FailImmediately = false
	// One is cancelled, the other granted by the unlock.
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan error, 1)
	go func() { got <- x.API.LockFile(ctx, b, &waits) }()
	select {
	case err := <-got:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	cancel()
	if err := <-got; err == nil {
		t.Fatal("a lock that was cancelled is granted")
	}
	go func() { got <- x.API.LockFile(t.Context(), b, &waits) }()
	select {
	case err := <-got:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	want(t, x.API.UnlockFile(t.Context(), a, &l), nt.StatusSuccess)
	want(t, <-got, nt.StatusSuccess)
	want(t, x.API.LockFile(t.Context(), a, &l), nt.StatusLockNotGranted)
}

func filesFlush(t *testing.T, x *Files) {
	h := x.open(t, "f", nt.FileCreate, 0)
	if _, err := x.API.WriteFile(t.Context(), h, []byte("x"), 0); err != nil {
		t.Fatal(err)
	}
	want(t, x.API.FlushBuffersFile(t.Context(), h), nt.StatusSuccess)
}

// filesMany has many at work at once.
func filesMany(t *testing.T, x *Files) {
	errs := make(chan error, 20)
	for i := range cap(errs) {
		go func() {
			errs <- func() error {
				for k := range 5 {
					name := fmt.Sprintf("f%d-%d", i, k)
					a := &api.CreateArgs{Name: x.Root + `\` + name, DesiredAccess: filesAll, ShareAccess: shareAll, Disposition: nt.FileCreate, Options: nt.FileDeleteOnClose,
						Impersonation: api.ImpersonateImpersonation, Contexts: x.Contexts}
					h, err := x.API.CreateFile(context.Background(), a)
					if err != nil {
						return err
					}
					data := bytes.Repeat([]byte(name), 1000)
					if _, err := x.API.WriteFile(context.Background(), h, data, 0); err != nil {
						return err
					}
					got := make([]byte, len(data))
					if n, err := x.API.ReadFile(context.Background(), h, got, 0); err != nil || !bytes.Equal(got[:n], data) {
						return fmt.Errorf("%s: %d bytes come back, %w", name, n, err)
					}
					if err := x.API.Close(h); err != nil {
						return err
					}
				}
				return nil
			}()
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if got := x.list(t, "*"); !slices.Equal(got, []string{".", ".."}) {
		t.Errorf("what is left: %q", got)
	}
}
