package win32_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/drivers/memfs"
	"lwio/iomgr/drivers/pvfs"
	"lwio/iomgr/nt"
	"lwio/iomgr/win32"
	"lwio/iomgr/win32/win32test"
	"lwio/pipes"
	"lwio/pipes/npfs"
)

func load(t *testing.T, drivers ...api.DriverEntry) *iomgr.Manager {
	m := iomgr.New(iomgr.Config{})
	for _, d := range drivers {
		if err := m.Load(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { m.Shutdown(context.Background()) })
	return m
}

func TestMemory(t *testing.T) {
	m := load(t, memfs.DriverEntry(memfs.Config{}))
	win32test.Run(t, win32.New(m, win32.Config{Drives: map[string]string{"M": `\memfs`}}), `M:\`, win32test.Features{Security: true})
}

func TestDisk(t *testing.T) {
	m := load(t, pvfs.DriverEntry(pvfs.Config{}))
	dir := `\pvfs` + strings.ReplaceAll(t.TempDir(), "/", `\`)
	win32test.Run(t, win32.New(m, win32.Config{Drives: map[string]string{"C": dir}, Dir: `C:\`}), `.\`, win32test.Features{Streams: true, HardLinks: true, Security: true})
}

// From one file system to another only files go, and only by copying.
func TestAcross(t *testing.T) {
	m := load(t, memfs.DriverEntry(memfs.Config{}), pvfs.DriverEntry(pvfs.Config{}))
	w := win32.New(m, win32.Config{Drives: map[string]string{"C": `\pvfs` + strings.ReplaceAll(t.TempDir(), "/", `\`), "M": `\memfs`}})
	ctx := t.Context()
	h, err := w.CreateFile(ctx, `C:\f`, win32.GenericWrite, 0, nil, win32.CreateNew, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteFile(ctx, h, []byte("moved"), nil); err != nil {
		t.Fatal(err)
	}
	if err := w.CloseHandle(h); err != nil {
		t.Fatal(err)
	}
	if err := w.MoveFileEx(ctx, `C:\f`, `M:\f`, 0); !errors.Is(err, nt.WErrNotSameDevice) {
		t.Errorf("without leave to copy: %v", err)
	}
	if err := w.CreateHardLink(ctx, `M:\f`, `C:\f`); !errors.Is(err, nt.WErrNotSameDevice) {
		t.Errorf("a link to another volume: %v", err)
	}
	if err := w.MoveFileEx(ctx, `C:\f`, `M:\f`, win32.MoveFileCopyAllowed); err != nil {
		t.Fatal(err)
	}
	if i, err := w.GetFileAttributesEx(ctx, `M:\f`); i.FileSize != 5 || err != nil {
		t.Errorf("%+v, %v", i, err)
	}
	if _, err := w.GetFileAttributes(ctx, `C:\f`); !errors.Is(err, nt.WErrFileNotFound) {
		t.Errorf("it is still there: %v", err)
	}
}

// A pipe takes messages, of which what does not fit stays, and a read that waits on one keeps nobody from writing.
func TestPipe(t *testing.T) {
	m := load(t, npfs.DriverEntry(npfs.Config{}))
	ctx := t.Context()
	l, err := pipes.Listen(ctx, m, "echo", pipes.Config{Message: true, ReadMessages: true})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	served := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			served <- err
			return
		}
		b := make([]byte, 64)
		n, err := c.Read(b)
		if err == nil {
			_, err = c.Write(bytes.Repeat(b[:n], 2))
		}
		served <- err
		_, _ = c.Read(b) // until the other end closes
		c.Close()
	}()
	w := win32.New(m, win32.Config{})
	h, err := w.CreateFile(ctx, `\\.\pipe\echo`, win32.GenericRead|win32.GenericWrite, 0, nil, win32.OpenExisting, win32.SecuritySQOSPresent|win32.SecurityIdentification)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.DeviceIoControl(ctx, h, 0x0011C017+4, nil, nil); err == nil {
		t.Error("a control that is none was taken")
	}
	type result struct {
		b   string
		err error
	}
	read := make(chan result)
	go func() {
		b := make([]byte, 64)
		n, err := w.ReadFile(ctx, h, b, nil)
		read <- result{string(b[:n]), err}
	}()
	if n, err := w.WriteFile(ctx, h, []byte("hi"), nil); n != 2 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if err := <-served; err != nil {
		t.Fatal(err)
	}
	if r := <-read; r.b != "hihi" || r.err != nil {
		t.Errorf("%q, %v", r.b, r.err)
	}
	go func() {
		_, err := w.ReadFile(ctx, h, make([]byte, 1), nil)
		read <- result{err: err}
	}()
	for ended := false; !ended; {
		if err := w.CancelIoEx(h); err != nil {
			t.Fatal(err)
		}
		select {
		case r := <-read:
			if ended = true; !errors.Is(r.err, nt.WErrOperationAborted) {
				t.Errorf("a read that was cancelled: %v", r.err)
			}
		default:
		}
	}
	if name, err := w.GetFinalPathNameByHandle(ctx, h); name != `\\?\GLOBALROOT\npfs\echo` || err != nil {
		t.Errorf("%q, %v", name, err)
	}
	if err := w.CloseHandle(h); err != nil {
		t.Error(err)
	}
}

func Example() {
	ctx := context.Background()
	m := iomgr.New(iomgr.Config{})
	defer m.Shutdown(ctx)
	if err := m.Load(ctx, memfs.DriverEntry(memfs.Config{})); err != nil {
		fmt.Println(err)
		return
	}
	w := win32.New(m, win32.Config{Drives: map[string]string{"C": `\memfs`}, Dir: `C:\`})
	if err := w.CreateDirectory(ctx, `plans`, nil); err != nil {
		fmt.Println(err)
	}
	h, err := w.CreateFile(ctx, `plans/2026.txt`, win32.GenericWrite, 0, nil, win32.CreateNew, win32.FileAttributeNormal)
	if err != nil {
		fmt.Println(err)
		return
	}
	n, err := w.WriteFile(ctx, h, []byte("sow\r\n"), nil)
	fmt.Println(n, err, w.CloseHandle(h))
	f, d, err := w.FindFirstFile(ctx, `C:\plans\*.TXT`)
	fmt.Println(d.FileName, d.FileSize, err)
	_, err = w.FindNextFile(ctx, f)
	fmt.Println(err, w.FindClose(f))
	// Output:
	// 5 <nil> <nil>
	// 2026.txt 5 <nil>
	// ERROR_NO_MORE_FILES <nil>
}
