package pvfs_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

func asPOSIX(mode uint32) func(*api.CreateArgs) {
	return func(a *api.CreateArgs) { a.Contexts = append(a.Contexts, api.POSIX{Mode: mode}) }
}

// TestCaseSensitive: an open may want the very name and have the semantics of Windows otherwise.
func TestCaseSensitive(t *testing.T) {
	m, dir := mount(t)
	if err := os.WriteFile(filepath.Join(dir, "Name"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	open := func(name string, exact bool) error {
		h, err := m.CreateFile(context.Background(), &api.CreateArgs{Name: `\pvfs\` + name, DesiredAccess: nt.GenericRead, ShareAccess: 7, Disposition: nt.FileOpen, CaseSensitive: exact})
		if err == nil {
			_ = m.Close(h)
		}
		return err
	}
	for _, x := range []struct {
		name  string
		exact bool
		want  error
	}{{"Name", true, nil}, {"name", false, nil}, {"name", true, nt.StatusObjectNameNotFound}, {"Name:stream", true, nt.StatusObjectNameNotFound}, {"<", true, nt.StatusObjectNameInvalid}} {
		if err := open(x.name, x.exact); !errors.Is(err, x.want) {
			t.Errorf("%s, exact %v: %v, want %v", x.name, x.exact, err, x.want)
		}
	}
}

// TestPOSIXDescriptor: what a mode says, the descriptor of its maker says, and others get what they are in POSIX.
func TestPOSIXDescriptor(t *testing.T) {
	m, dir := mount(t)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	needXattr(t, m)
	alice, bob := account(aliceSID, 0), account(bobSID, 0)
	const rw = nt.FileReadData | nt.FileWriteData
	for _, x := range []struct {
		mode          uint32
		owner, others nt.AccessMask // of rw
	}{{0o600, rw, 0}, {0o640, rw, 0}, {0o644, rw, nt.FileReadData}, {0o666, rw, rw}, {0o606, rw, rw}, {0o444, nt.FileReadData, nt.FileReadData}} {
		name := "f" + string(rune('0'+x.mode>>6&7)) + string(rune('0'+x.mode>>3&7)) + string(rune('0'+x.mode&7))
		h, a := mustAs(t, m, alice, name, nt.GenericAll, nt.FileCreate, asPOSIX(x.mode))
		i, ok := api.Find[api.POSIXInfo](a.Result.Contexts)
		if !ok || i.Mode != x.mode || i.Owner != alice.User {
			t.Errorf("%#o: %+v", x.mode, i)
		}
		if sd := querySD(t, m, h); sd.Owner != alice.User {
			t.Errorf("%#o: owner %v", x.mode, sd.Owner)
		}
		_ = m.Close(h)
		for _, who := range []struct {
			token *nt.Token
			has   nt.AccessMask
		}{{alice, x.owner}, {bob, x.others}} {
			for _, one := range []nt.AccessMask{nt.FileReadData, nt.FileWriteData} {
				h, _, err := openAs(m, who.token, name, one, nt.FileOpen)
				if err == nil {
					_ = m.Close(h)
				}
				if granted := err == nil; granted != (who.has&one != 0) {
					t.Errorf("%#o: %v opens for %#x: %v", x.mode, who.token.User, one, err)
				}
			}
		}
		// A local chmod has the last word.
		if err := os.Chmod(filepath.Join(dir, name), 0o604); err != nil {
			t.Fatal(err)
		}
		if h, _, err := openAs(m, bob, name, nt.FileReadData, nt.FileOpen); err != nil {
			t.Errorf("%#o: after chmod: %v", x.mode, err)
		} else {
			_ = m.Close(h)
		}
	}
}

// TestPOSIXEntry: a class that is only for opens with the semantics of POSIX, and in what a buffer has room for.
func TestPOSIXEntry(t *testing.T) {
	m, dir := mount(t)
	for _, name := range []string{"a", "a:b"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	list := func(size int, edit ...func(*api.CreateArgs)) (names []string, err error) {
		a := &api.CreateArgs{Name: `\pvfs\`, DesiredAccess: nt.GenericRead, ShareAccess: 7, Disposition: nt.FileOpen}
		for _, f := range edit {
			f(a)
		}
		h, err := m.CreateFile(context.Background(), a)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close(h)
		for {
			out := make([]byte, size)
			n, err := m.QueryDirectoryFile(context.Background(), h, api.FilePosixInformation, &api.DirArgs{}, out)
			if err != nil {
				return names, err
			}
			for b := out[:n]; ; {
				next := le.Uint32(b)
				one := b
				if next != 0 {
					one = b[:next]
				}
				at := 88 // of the SIDs, each of which says how long it is
				for range 2 {
					at += 8 + 4*int(one[at+1])
				}
				names = append(names, nt.DecodeUTF16(one[at+4:at+4+int(le.Uint32(one[at:]))]))
				if next == 0 {
					break
				}
				b = b[next:]
			}
		}
	}
	if _, err := list(4096); !errors.Is(err, nt.StatusInvalidLevel) {
		t.Errorf("semantics of Windows: %v", err)
	}
	for _, size := range []int{4096, 150, 130} {
		if names, err := list(size, asPOSIX(0)); !errors.Is(err, nt.StatusNoMoreFiles) || len(names) != 4 {
			t.Errorf("%d bytes: %q, %v", size, names, err)
		}
	}
	if _, err := list(107, asPOSIX(0)); !errors.Is(err, nt.StatusInfoLengthMismatch) {
		t.Errorf("no room for any: %v", err)
	}
	if _, err := list(109, asPOSIX(0)); !errors.Is(err, nt.StatusBufferOverflow) {
		t.Errorf("no room for the first: %v", err)
	}
}
