package rdr_test

import (
	"errors"
	"testing"

	"lwio/iomgr/nt"
	"lwio/iomgr/win32"
	"lwio/iomgr/win32/win32test"
	"lwio/pipes"
)

// The calls of package win32 do over SMB what they do on the server's own disk.
func TestWin32(t *testing.T) {
	e := newEnv(t, nil, nil)
	w := win32.New(e.m, win32.Config{Drives: map[string]string{"H": e.name("data")}})
	win32test.Run(t, w, `\\`+e.addr+`\data\`, win32test.Features{Streams: true, HardLinks: true, SymbolicLinks: true})
	if _, err := w.GetFileAttributes(t.Context(), `\\`+e.addr+`\none\f`); !errors.Is(err, nt.WErrBadNetName) {
		t.Errorf("a share that is not there: %v", err)
	}
	if i, err := w.GetFileAttributes(t.Context(), `H:\copy\..\COPY`); i&nt.FileAttributeDirectory == 0 || err != nil {
		t.Errorf("%#x, %v", i, err)
	}
	e.listen("echo", func(c *pipes.Conn) {
		b := make([]byte, 16)
		n, _ := c.Read(b)
		_, _ = c.Write(b[:n])
	})
	h, err := w.CreateFile(t.Context(), `\\`+e.addr+`\pipe\echo`, win32.GenericRead|win32.GenericWrite, 0, nil, win32.OpenExisting, 0)
	if err != nil {
		t.Fatal(err)
	}
	var b [16]byte
	if n, err := w.WriteFile(t.Context(), h, []byte("over"), nil); n != 4 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := w.ReadFile(t.Context(), h, b[:], nil); string(b[:n]) != "over" || err != nil {
		t.Errorf("%q, %v", b[:n], err)
	}
	if err := w.CloseHandle(h); err != nil {
		t.Error(err)
	}
}
