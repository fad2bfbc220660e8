package rdr_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"lwio/iomgr/api"
	"lwio/iomgr/drivers/rdr"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// TestFile writes a file longer than a message in every dialect, and reads it back.
func TestFile(t *testing.T) {
	for _, c := range []struct {
		share string
		max   smb2.Dialect
	}{{"data", smb2.Dialect202}, {"data", smb2.Dialect210}, {"data", smb2.Dialect311}, {"enc", smb2.Dialect300}, {"enc", smb2.Dialect311}} {
		t.Run(fmt.Sprintf("%s/%v", c.share, c.max), func(t *testing.T) {
			e := newEnv(t, nil, func(cfg *rdr.Config) { cfg.MaxDialect = c.max })
			data := make([]byte, 3<<20+12345)
			r := rand.New(rand.NewPCG(1, 2))
			for i := range data {
				data[i] = byte(r.Uint32())
			}
			h := e.open(c.share+`\big`, create)
			n, err := e.m.WriteFile(t.Context(), h, data, 0)
			if n != len(data) || err != nil {
				t.Fatalf("wrote %d: %v", n, err)
			}
			if err := e.m.FlushBuffersFile(t.Context(), h); err != nil {
				t.Fatal(err)
			}
			if have, err := os.ReadFile(filepath.Join(e.dir, "big")); err != nil || !bytes.Equal(have, data) {
				t.Fatalf("%d bytes on disk: %v", len(have), err)
			}
			got := make([]byte, len(data)+100000) // a short read at the end
			n, err = e.m.ReadFile(t.Context(), h, got, 0)
			if err != nil || !bytes.Equal(got[:n], data) {
				t.Fatalf("read %d: %v", n, err)
			}
			n, err = e.m.ReadFile(t.Context(), h, got[:10], 1000)
			if err != nil || !bytes.Equal(got[:n], data[1000:1010]) {
				t.Fatalf("read %d: %v", n, err)
			}
			for _, size := range []int{10, 4 << 20} {
				if n, err = e.m.ReadFile(t.Context(), h, make([]byte, size), int64(len(data))); !errors.Is(err, nt.StatusEndOfFile) || n != 0 {
					t.Fatalf("read of %d at the end: %d %v", size, n, err)
				}
			}
			if _, err = e.m.ReadFile(t.Context(), h, got[:10], -2); !errors.Is(err, nt.StatusInvalidParameter) {
				t.Fatal(err)
			}
			if err := e.m.Close(h); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestAppend: what is written at the end goes there part by part.
func TestAppend(t *testing.T) {
	e := newEnv(t, nil, func(c *rdr.Config) { c.MaxDialect = smb2.Dialect202 }) // 64 KiB a message
	h := e.open(`data\log`, create)
	var want []byte
	for i := range 3 {
		b := bytes.Repeat([]byte{byte('a' + i)}, 100_000*i+7)
		for j := range b {
			b[j] += byte(j / 65536)
		}
		n, err := e.m.WriteFile(t.Context(), h, b, -1)
		if errors.Is(err, nt.StatusInvalidParameter) {
			t.Skip("the file system does not append")
		}
		if n != len(b) || err != nil {
			t.Fatal(n, err)
		}
		want = append(want, b...)
	}
	if have, err := os.ReadFile(filepath.Join(e.dir, "log")); err != nil || !bytes.Equal(have, want) {
		t.Errorf("%d bytes, want %d: %v", len(have), len(want), err)
	}
	if err := e.m.Close(h); err != nil {
		t.Fatal(err)
	}
}

// TestCreate: dispositions, contexts and errors of creates go through.
func TestCreate(t *testing.T) {
	e := newEnv(t, nil, nil)
	ctx := t.Context()
	a := &api.CreateArgs{Name: e.name(`data\new`), DesiredAccess: nt.MaximumAllowed, Disposition: nt.FileCreate, AllocationSize: 1 << 16,
		Impersonation: api.ImpersonateImpersonation, ShareAccess: nt.FileShareRead, Contexts: []any{api.MaximalAccess{}, api.DiskID{}}}
	h, err := e.m.CreateFile(ctx, a)
	if err != nil {
		t.Fatal(err)
	}
	if a.Result.Action != nt.FileCreated {
		t.Errorf("action %d", a.Result.Action)
	}
	m, ok := api.Find[api.MaximalAccess](a.Result.Contexts)
	if !ok || m.Status != nt.StatusSuccess || m.Access&nt.FileReadData == 0 {
		t.Errorf("maximal access %+v %v", m, ok)
	}
	id, ok := api.Find[api.DiskID](a.Result.Contexts)
	if !ok || id.FileID == 0 {
		t.Errorf("disk id %+v %v", id, ok)
	}
	if f := h.(*api.File); f.Granted() != m.Access {
		t.Errorf("granted %#x of %#x", f.Granted(), m.Access)
	}
	if err := e.m.Close(h); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		edit func(*api.CreateArgs)
		want nt.Status
	}{
		{`data\new`, func(a *api.CreateArgs) { a.Disposition = nt.FileCreate }, nt.StatusObjectNameCollision},
		{`data\none`, nil, nt.StatusObjectNameNotFound},
		{`data\none\x`, nil, nt.StatusObjectPathNotFound},
		{`data\new`, func(a *api.CreateArgs) { a.Options = nt.FileDirectoryFile }, nt.StatusNotADirectory},
		{`none\x`, nil, nt.StatusBadNetworkName},
		{`data\a*`, nil, nt.StatusObjectNameInvalid},
		{`data\\a`, nil, nt.StatusObjectNameInvalid},
		{``, nil, nt.StatusBadNetworkName},
		{`a:b\x`, nil, nt.StatusBadNetworkName},
	} {
		edit := c.edit
		if edit == nil {
			edit = func(*api.CreateArgs) {}
		}
		if _, err := e.try(c.name, edit); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want.Name())
		}
	}
	for name, want := range map[string]nt.Status{`\rdr\`: nt.StatusInvalidDeviceRequest,
		`\rdr\a:0\x`: nt.StatusBadNetworkPath, `\rdr\127.0.0.1:1\x`: nt.StatusConnectionRefused, `\rdr\host.invalid\x`: nt.StatusBadNetworkPath} {
		if _, err := e.m.CreateFile(ctx, &api.CreateArgs{Name: name, DesiredAccess: 1, Disposition: nt.FileOpen}); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %s", name, err, want.Name())
		}
	}
	_, err = e.m.CreateNamedPipeFile(ctx, &api.CreateArgs{Name: e.name(`IPC$\x`), Pipe: &api.PipeArgs{}})
	if !errors.Is(err, nt.StatusInvalidDeviceRequest) {
		t.Error(err)
	}
}

// TestDirectory lists, with a pattern, singly, again, and relative to a handle.
func TestDirectory(t *testing.T) {
	e := newEnv(t, nil, nil)
	var want []string
	for i := range 300 {
		name := fmt.Sprintf("file%03d", i)
		want = append(want, name)
		if err := os.WriteFile(filepath.Join(e.dir, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	h := e.open(`data\`, func(a *api.CreateArgs) { a.Options, a.DesiredAccess = nt.FileDirectoryFile, nt.GenericRead })
	defer e.m.Close(h)
	list := func(d api.DirArgs, size int) []string {
		var names []string
		buf := make([]byte, size)
		for {
			n, err := e.m.QueryDirectoryFile(ctx, h, nt.FileNamesInformation, &d, buf)
			if errors.Is(err, nt.StatusNoMoreFiles) {
				return names
			}
			if err != nil {
				t.Fatal(err)
			}
			got := entries(buf[:n])
			if d.Single && len(got) != 1 {
				t.Fatalf("%d entries", len(got))
			}
			names = append(names, got...)
			d.Restart, d.Pattern = false, ""
		}
	}
	got := list(api.DirArgs{}, 4096)
	slices.Sort(got)
	if !slices.Equal(got, append([]string{".", ".."}, want...)) {
		t.Errorf("%d entries: %q", len(got), got)
	}
	got = list(api.DirArgs{Restart: true, Pattern: "file01*"}, 1<<20)
	slices.Sort(got)
	if !slices.Equal(got, want[10:20]) {
		t.Errorf("%q", got)
	}
	got = list(api.DirArgs{Restart: true, Pattern: "FILE00?", Single: true}, 256)
	slices.Sort(got)
	if !slices.Equal(got, want[:10]) {
		t.Errorf("%q", got)
	}
	f, err := e.m.CreateFile(ctx, &api.CreateArgs{Root: h, Name: "file001", DesiredAccess: nt.GenericRead, Disposition: nt.FileOpen,
		Impersonation: api.ImpersonateImpersonation, ShareAccess: 7})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.m.Close(f); err != nil {
		t.Fatal(err)
	}
}

func entries(b []byte) (names []string) {
	for {
		n := int(b[8]) | int(b[9])<<8
		names = append(names, nt.DecodeUTF16(b[12:12+n]))
		next := int(b[0]) | int(b[1])<<8 | int(b[2])<<16
		if next == 0 {
			return names
		}
		b = b[next:]
	}
}

// TestInformation: queries and settings pass through, warnings and lengths with them.
func TestInformation(t *testing.T) {
	e := newEnv(t, nil, nil)
	ctx := t.Context()
	h := e.open(`data\longer`, create, func(a *api.CreateArgs) { a.DesiredAccess |= nt.Delete })
	if _, err := e.m.WriteFile(ctx, h, []byte("hello"), 0); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 512)
	n, err := e.m.QueryInformationFile(ctx, h, nt.FileStandardInformation, buf)
	if err != nil || n != 24 || buf[8] != 5 {
		t.Errorf("%x %v", buf[:n], err)
	}
	n, err = e.m.QueryInformationFile(ctx, h, nt.FileAllInformation, buf[:106])
	if !errors.Is(err, nt.StatusBufferOverflow) || n != 106 {
		t.Errorf("%d %v", n, err)
	}
	if _, err = e.m.QueryInformationFile(ctx, h, nt.FileStandardInformation, buf[:8]); !errors.Is(err, nt.StatusInfoLengthMismatch) {
		t.Error(err)
	}
	if err = api.Do(ctx, e.m, &api.Request{Op: api.OpQueryInformation, Handle: h, Code: 300, Out: buf}); !errors.Is(err, nt.StatusInvalidInfoClass) {
		t.Error(err)
	}
	if n, err = e.m.QueryVolumeInformationFile(ctx, h, nt.FileFsSizeInformation, buf); err != nil || n != 24 {
		t.Errorf("%d %v", n, err)
	}
	eof := make([]byte, 8)
	eof[0] = 3
	if err = e.m.SetInformationFile(ctx, h, nt.FileEndOfFileInformation, eof); err != nil {
		t.Error(err)
	}
	rename := func(name string) error {
		b := nt.AppendUTF16(make([]byte, 20), name)
		b[16] = byte(len(b) - 20)
		return e.m.SetInformationFile(ctx, h, nt.FileRenameInformation, b)
	}
	if err := rename(`\rdr\elsewhere`); !errors.Is(err, nt.StatusNotSameDevice) {
		t.Error(err)
	}
	if err := rename(`\` + e.addr + `\other\y`); !errors.Is(err, nt.StatusNotSameDevice) {
		t.Error(err)
	}
	if err := rename(`\` + e.addr + `\DATA\y`); err != nil {
		t.Error(err)
	}
	if err := rename(`z`); err != nil {
		t.Error(err)
	}
	if have, err := os.ReadFile(filepath.Join(e.dir, "z")); err != nil || string(have) != "hel" {
		t.Errorf("%q %v", have, err)
	}
	if _, err := e.m.DeviceIoControlFile(ctx, h, 0x220000, nil, buf); !errors.Is(err, nt.StatusNotSupported) {
		t.Error(err)
	}
	if err := e.m.SetInformationFile(ctx, h, nt.FileDispositionInformation, []byte{1}); err != nil {
		t.Error(err)
	}
	if err := e.m.Close(h); err != nil {
		t.Fatal(err)
	}
	if _, err := e.try(`data\z`); !errors.Is(err, nt.StatusObjectNameNotFound) { // behind the CLOSE
		t.Error(err)
	}
}

// TestShared: opens that come together make one connection and one session, of which every file makes use.
func TestShared(t *testing.T) {
	var dials counter
	e := newEnv(t, nil, func(c *rdr.Config) { c.Dial = dials.dial })
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			h, err := e.try(fmt.Sprintf(`data\f%d`, i), create)
			if err != nil {
				t.Error(err)
				return
			}
			b := []byte(fmt.Sprint(i))
			if _, err := e.m.WriteFile(context.Background(), h, b, 0); err != nil {
				t.Error(err)
			}
			if err := e.m.Close(h); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := dials.n.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// TestFair: a short request is answered while a long transfer is under way.
func TestFair(t *testing.T) {
	e := newEnv(t, nil, func(c *rdr.Config) { c.Limits.BytesInFlight = 1 << 20 })
	h := e.open(`data\big`, create)
	defer e.m.Close(h)
	var under sync.WaitGroup
	data := make([]byte, 8<<20)
	big := make(chan nt.Status, 8)
	for i := range 8 {
		under.Add(1)
		e.m.Submit(&api.Request{Op: api.OpWrite, Handle: h, In: data, Offset: int64(i) * int64(len(data)), Done: func(r *api.Request) {
			under.Done()
			if r.N != len(data) && r.Status == nt.StatusSuccess {
				r.Status = nt.StatusDataError
			}
			big <- r.Status
		}})
	}
	small := &api.Request{Op: api.OpQueryInformation, Handle: h, Code: uint32(nt.FileStandardInformation), Out: make([]byte, 24)}
	if err := api.Do(t.Context(), e.m, small); err != nil {
		t.Fatal(err)
	}
	if len(big) == 8 {
		t.Error("the short request was answered last")
	}
	under.Wait()
	for range 8 {
		if st := <-big; st != nt.StatusSuccess {
			t.Error(st)
		}
	}
}

// TestLockAndNotify: one that waits is pended by the server and told when its time comes.
func TestLockAndNotify(t *testing.T) {
	e := newEnv(t, nil, nil)
	ctx := t.Context()
	one, two := e.open(`data\x`, create), e.open(`data\x`)
	lock := api.LockArgs{Offset: 10, Length: 10, Exclusive: true, FailImmediately: true}
	if err := e.m.LockFile(ctx, one, &lock); err != nil {
		t.Fatal(err)
	}
	if err := e.m.LockFile(ctx, two, &lock); !errors.Is(err, nt.StatusLockNotGranted) {
		t.Fatal(err)
	}
	ch := make(chan nt.Status, 1)
	e.m.Submit(&api.Request{Op: api.OpLock, Handle: two, Lock: &api.LockArgs{Offset: 15, Length: 1}, Done: func(r *api.Request) { ch <- r.Status }})
	if err := e.m.UnlockFile(ctx, one, &api.LockArgs{Offset: 10, Length: 10}); err != nil {
		t.Fatal(err)
	}
	if st := wait(t, ch); st != nt.StatusSuccess {
		t.Fatal(st)
	}
	dir := e.open(`data`, func(a *api.CreateArgs) { a.Options, a.DesiredAccess = nt.FileDirectoryFile, nt.GenericRead })
	watch := &api.Request{Op: api.OpNotifyChange, Handle: dir, Code: 0x17, Out: make([]byte, 512), Done: func(r *api.Request) { ch <- r.Status }}
	e.m.Submit(watch)
	three := e.open(`data\new`, create)
	if st := wait(t, ch); st != nt.StatusSuccess || !bytes.Contains(watch.Out[:watch.N], nt.AppendUTF16(nil, "new")) {
		t.Fatalf("%v: %q", st, watch.Out[:watch.N])
	}
	for _, h := range []api.Handle{one, two, three, dir} {
		if err := e.m.Close(h); err != nil {
			t.Error(err)
		}
	}
}
