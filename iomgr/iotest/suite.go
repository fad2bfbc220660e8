package iotest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// Target is an API whose namespace has the test driver.
type Target struct {
	API    api.API
	Driver *Driver
}

// RunAPI checks what every implementation of api.API has to do, with the test driver behind it. fresh gives a new target each time.
func RunAPI(t *testing.T, fresh func(testing.TB) Target) {
	for _, c := range []struct {
		name string
		f    func(*testing.T, Target)
	}{
		{"Names", testNames}, {"Relative", testRelative}, {"Handles", testHandles}, {"Access", testAccess}, {"Echo", testEcho},
		{"Fail", testFail}, {"Cancel", testCancel}, {"CancelIo", testCancelIo}, {"Stubborn", testStubborn},
		{"CloseCancels", testCloseCancels}, {"Leak", testLeak}, {"Async", testAsync}, {"Invalid", testInvalid}, {"Many", testMany},
	} {
		t.Run(c.name, func(t *testing.T) { c.f(t, fresh(t)) })
	}
}

const readWrite = nt.FileReadData | nt.FileWriteData

func open(t testing.TB, a api.API, name string) api.Handle {
	t.Helper()
	h, err := a.CreateFile(context.Background(), &api.CreateArgs{Name: name, DesiredAccess: readWrite, Disposition: nt.FileOpen})
	if err != nil {
		t.Fatalf("open %s: %v", name, err)
	}
	return h
}

func want(t testing.TB, err error, status nt.Status) {
	t.Helper()
	if status == nt.StatusSuccess && err != nil || status != nt.StatusSuccess && !errors.Is(err, status) {
		t.Fatalf("got %v, want %s", err, status.Name())
	}
}

func testNames(t *testing.T, x Target) {
	for name, status := range map[string]nt.Status{
		`\iotest\echo`: nt.StatusSuccess, `\IOTEST\echo`: nt.StatusSuccess, `\iotest\none`: nt.StatusObjectNameNotFound,
		`\nodevice`: nt.StatusObjectNameNotFound, `\nodevice\x`: nt.StatusObjectPathNotFound,
		``: nt.StatusObjectPathSyntaxBad, `\`: nt.StatusObjectPathSyntaxBad, `iotest\echo`: nt.StatusObjectPathSyntaxBad,
		`/iotest/echo`: nt.StatusObjectPathSyntaxBad, `\\iotest\echo`: nt.StatusObjectPathNotFound,
	} {
		args := &api.CreateArgs{Name: name, DesiredAccess: readWrite, Disposition: nt.FileOpen}
		h, err := x.API.CreateFile(t.Context(), args)
		if status == nt.StatusSuccess && err != nil || status != nt.StatusSuccess && !errors.Is(err, status) {
			t.Errorf("%q: %v, want %s", name, err, status.Name())
		}
		if err == nil {
			if args.Result.Action != nt.FileOpened {
				t.Errorf("%q: action %d", name, args.Result.Action)
			}
			want(t, x.API.Close(h), nt.StatusSuccess)
		}
	}
}

func testRelative(t *testing.T, x Target) {
	root := open(t, x.API, `\iotest\fail`+`\00000000`)
	defer x.API.Close(root)
	_, err := x.API.CreateFile(t.Context(), &api.CreateArgs{Root: root, Name: `x`, Disposition: nt.FileOpen})
	want(t, err, nt.StatusObjectNameInvalid) // \iotest\fail\00000000\x is no number
	h, err := x.API.CreateFile(t.Context(), &api.CreateArgs{Root: root, Name: ``, Disposition: nt.FileOpen})
	want(t, err, nt.StatusSuccess)
	want(t, x.API.Close(h), nt.StatusSuccess)
	_, err = x.API.CreateFile(t.Context(), &api.CreateArgs{Root: root, Name: `\iotest\echo`, Disposition: nt.FileOpen})
	want(t, err, nt.StatusObjectNameInvalid)
	gone := open(t, x.API, `\iotest\echo`)
	want(t, x.API.Close(gone), nt.StatusSuccess)
	_, err = x.API.CreateFile(t.Context(), &api.CreateArgs{Root: gone, Name: `x`, Disposition: nt.FileOpen})
	want(t, err, nt.StatusInvalidHandle)
}

func testHandles(t *testing.T, x Target) {
	h := open(t, x.API, `\iotest\echo`)
	want(t, x.API.Close(h), nt.StatusSuccess)
	want(t, x.API.Close(h), nt.StatusInvalidHandle)
	_, err := x.API.ReadFile(t.Context(), h, make([]byte, 1), 0)
	want(t, err, nt.StatusInvalidHandle)
	_, err = x.API.ReadFile(t.Context(), foreignHandle{}, make([]byte, 1), 0)
	want(t, err, nt.StatusInvalidHandle)
	_, err = x.API.ReadFile(t.Context(), nil, make([]byte, 1), 0)
	want(t, err, nt.StatusInvalidHandle)
	want(t, x.API.Close(nil), nt.StatusInvalidHandle)
	if c, d := x.Driver.Ended(); c != 1 || d != 1 {
		t.Errorf("%d cleanups, %d closes; want one of each", c, d)
	}
}

type foreignHandle struct{}

func (foreignHandle) HandleString() string { return "foreign" }

func testAccess(t *testing.T, x Target) {
	h, err := x.API.CreateFile(t.Context(), &api.CreateArgs{Name: `\iotest\echo`, DesiredAccess: nt.FileReadAttributes, Disposition: nt.FileOpen})
	want(t, err, nt.StatusSuccess)
	defer x.API.Close(h)
	ctx := t.Context()
	buf := make([]byte, 8)
	_, err = x.API.ReadFile(ctx, h, buf, 0)
	want(t, err, nt.StatusAccessDenied)
	_, err = x.API.WriteFile(ctx, h, buf, 0)
	want(t, err, nt.StatusAccessDenied)
	_, err = x.API.FsControlFile(ctx, h, nt.FsctlPipeTransceive, buf, buf) // FILE_READ_DATA and FILE_WRITE_DATA
	want(t, err, nt.StatusAccessDenied)
	_, err = x.API.FsControlFile(ctx, h, nt.FsctlPipeListen, buf, buf) // any access
	want(t, err, nt.StatusSuccess)
	_, err = x.API.QuerySecurityObject(ctx, h, nt.DACLSecurityInformation, buf)
	want(t, err, nt.StatusAccessDenied)
	want(t, x.API.SetSecurityObject(ctx, h, nt.OwnerSecurityInformation, buf), nt.StatusAccessDenied)
	_, err = x.API.QueryInformationFile(ctx, h, nt.FileBasicInformation, buf)
	want(t, err, nt.StatusInvalidDeviceRequest) // reaches the driver's default
}

func testEcho(t *testing.T, x Target) {
	h := open(t, x.API, `\iotest\echo`)
	defer x.API.Close(h)
	n, err := x.API.WriteFile(t.Context(), h, []byte("hello"), 0)
	want(t, err, nt.StatusSuccess)
	buf := make([]byte, 3)
	m, err := x.API.ReadFile(t.Context(), h, buf, 0)
	want(t, err, nt.StatusSuccess)
	if n != 5 || m != 3 || string(buf) != "hel" {
		t.Errorf("%d %d %q", n, m, buf)
	}
	// A warning comes with its data.
	m, err = x.API.DeviceIoControlFile(t.Context(), h, 0x220000, []byte("longer"), buf)
	want(t, err, nt.StatusBufferOverflow)
	if m != 3 || string(buf) != "lon" {
		t.Errorf("%d %q", m, buf)
	}
	if m, err = x.API.FsControlFile(t.Context(), h, nt.FsctlPipeListen, nil, nil); err != nil || m != 0 {
		t.Errorf("%d %v", m, err)
	}
}

func testFail(t *testing.T, x Target) {
	_, err := x.API.CreateFile(t.Context(), &api.CreateArgs{Name: fmt.Sprintf(`\iotest\fail\create:%08X`, uint32(nt.StatusSharingViolation)), Disposition: nt.FileOpen})
	want(t, err, nt.StatusSharingViolation)
	h := open(t, x.API, fmt.Sprintf(`\iotest\fail\%08X`, uint32(nt.StatusDiskFull)))
	defer x.API.Close(h)
	_, err = x.API.WriteFile(t.Context(), h, []byte("x"), 0)
	want(t, err, nt.StatusDiskFull)
}

func testCancel(t *testing.T, x Target) {
	h := open(t, x.API, `\iotest\pend`)
	defer x.API.Close(h)
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan error, 1)
	go func() {
		_, err := x.API.ReadFile(ctx, h, make([]byte, 1), 0)
		got <- err
	}()
	for x.Driver.Pended() == 0 {
		yield()
	}
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if x.Driver.Pended() != 0 {
		t.Error("the request is still with the driver")
	}
	// A context that has ended before.
	if _, err := x.API.ReadFile(ctx, h, make([]byte, 1), 0); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
}

func testCancelIo(t *testing.T, x Target) {
	h := open(t, x.API, `\iotest\pend`)
	defer x.API.Close(h)
	const n = 10
	got := make(chan error, n)
	for range n {
		go func() {
			_, err := x.API.ReadFile(context.Background(), h, make([]byte, 1), 0)
			got <- err
		}()
	}
	for x.Driver.Pended() < n {
		yield()
	}
	want(t, x.API.CancelIoFile(h), nt.StatusSuccess)
	for range n {
		want(t, <-got, nt.StatusCancelled)
	}
}

func testStubborn(t *testing.T, x Target) {
	h := open(t, x.API, `\iotest\stubborn`)
	defer x.API.Close(h)
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan error, 1)
	go func() {
		_, err := x.API.ReadFile(ctx, h, make([]byte, 1), 0)
		got <- err
	}()
	for x.Driver.Pended() == 0 {
		yield()
	}
	cancel() // is not heeded: the buffer is the driver's until it completes
	select {
	case err := <-got:
		t.Fatalf("returned %v while the driver has the buffer", err)
	default:
	}
	x.Driver.Release()
	want(t, <-got, nt.StatusSuccess)
}

func testCloseCancels(t *testing.T, x Target) {
	h := open(t, x.API, `\iotest\pend`)
	got := make(chan error, 1)
	go func() {
		_, err := x.API.ReadFile(context.Background(), h, make([]byte, 1), 0)
		got <- err
	}()
	for x.Driver.Pended() == 0 {
		yield()
	}
	want(t, x.API.Close(h), nt.StatusSuccess)
	want(t, <-got, nt.StatusCancelled)
	for {
		if _, closes := x.Driver.Ended(); closes == 1 {
			break
		}
		yield()
	}
}

func testLeak(t *testing.T, x Target) {
	h := open(t, x.API, `\iotest\leak`)
	want(t, x.API.Close(h), nt.StatusSuccess)
	if c, d := x.Driver.Ended(); c != 1 || d != 0 {
		t.Errorf("%d cleanups, %d closes; want Cleanup at once and Close after the last reference", c, d)
	}
	x.Driver.Release()
	if c, d := x.Driver.Ended(); c != 1 || d != 1 {
		t.Errorf("%d cleanups, %d closes", c, d)
	}
}

func testAsync(t *testing.T, x Target) {
	h := open(t, x.API, `\iotest\pend`)
	defer x.API.Close(h)
	var wg sync.WaitGroup
	reqs := make([]*api.Request, 20)
	for i := range reqs {
		wg.Add(1)
		reqs[i] = &api.Request{Op: api.OpRead, Handle: h, Out: make([]byte, 1), Done: func(*api.Request) { wg.Done() }}
		x.API.Submit(reqs[i])
	}
	for x.Driver.Pended() < len(reqs) {
		yield()
	}
	for i, r := range reqs {
		if i%2 == 0 {
			r.Cancel()
		}
	}
	for x.Driver.Pended() > len(reqs)/2 {
		yield()
	}
	x.Driver.Release()
	wg.Wait()
	for i, r := range reqs {
		if status := []nt.Status{nt.StatusCancelled, nt.StatusSuccess}[i%2]; r.Status != status {
			t.Errorf("request %d: %s", i, r.Status.Name())
		}
	}
}

func testInvalid(t *testing.T, x Target) {
	h := open(t, x.API, `\iotest\echo`)
	defer x.API.Close(h)
	for _, r := range []*api.Request{
		{Op: api.NumOps, Handle: h}, {Op: 255, Handle: h}, {Op: api.OpCreate}, {Op: api.OpCreateNamedPipe},
		{Op: api.OpQueryDirectory, Handle: h}, {Op: api.OpLock, Handle: h}, {Op: api.OpRead, Handle: h, Offset: -7},
		{Op: api.OpCreate, Create: &api.CreateArgs{Name: `\iotest\echo`, Pipe: &api.PipeArgs{}}},
	} {
		if err := api.Do(t.Context(), x.API, r); !errors.Is(err, nt.StatusInvalidParameter) {
			t.Errorf("%s: %v", r.Op, err)
		}
	}
}

func testMany(t *testing.T, x Target) {
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for j := range 50 {
				h := open(t, x.API, `\iotest\echo`)
				in := fmt.Sprint(i, " ", j)
				if _, err := x.API.WriteFile(context.Background(), h, []byte(in), 0); err != nil {
					t.Error(err)
				}
				out := make([]byte, 16)
				n, err := x.API.ReadFile(context.Background(), h, out, 0)
				if err != nil || string(out[:n]) != in {
					t.Errorf("%q %v", out[:n], err)
				}
				if err := x.API.Close(h); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if c, d := x.Driver.Ended(); c != 800 || d != 800 {
		t.Errorf("%d cleanups, %d closes", c, d)
	}
}

// yield lets other goroutines run while a test waits for a state that it can see but not be told of.
func yield() { runtime.Gosched() }
