package pvfs_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/fsrtl"
	"lwio/iomgr/nt"
)

// shared opens through a share on the directory `share`.
func shared(m *iomgr.Manager, name string, access nt.AccessMask, disposition, options uint32) (api.Handle, error) {
	return m.CreateFile(context.Background(), &api.CreateArgs{Name: `\pvfs\share\` + name, DesiredAccess: access, ShareAccess: 7, Disposition: disposition, Options: options,
		Contexts: []any{&fsrtl.ShareOptions{Root: `\share`}}})
}

func rename(t testing.TB, m *iomgr.Manager, h api.Handle, to string) {
	t.Helper()
	if err := m.SetInformationFile(t.Context(), h, nt.FileRenameInformation, renameInfo(to, false)); err != nil {
		t.Fatal(err)
	}
}

// linkTree makes the files and links that the tests go through.
func linkTree(t *testing.T) (*iomgr.Manager, string) {
	m, dir := mount(t)
	for _, d := range []string{"share/d/e", "outside"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{"share/f", "share/d/f", "share/d/e/f", "outside/f", "f"} {
		os.WriteFile(filepath.Join(dir, f), []byte(f), 0o666)
	}
	for name, target := range map[string]string{"file": "f", "dir": "d", "deep": "d/e", "d/up": "../f", "d/e/top": "../..", "two": "d/../d/e/../f", "chain": "dir/e/top/file", "dots": "./d//e/.",
		"dangling": "nothing", "loop": "loop", "a": "b", "b": "a", "out": "../outside", "outfile": "../outside/f", "outin": "../share/f", "absolute": "/etc/passwd", "inside": filepath.Join(dir, "share/f"),
		"d/e/escape": "../../../outside/f", "sneaky": "d/e/top/../outside/f", "through": "f/../f", "self": "."} {
		if err := os.Symlink(target, filepath.Join(dir, "share", name)); err != nil {
			t.Skip("no links: ", err)
		}
	}
	return m, dir
}

func contentOf(m *iomgr.Manager, h api.Handle) string {
	b := make([]byte, 100)
	n, _ := m.ReadFile(context.Background(), h, b, 0)
	return string(b[:n])
}

// TestLinks follows links below the share, and no others.
func TestLinks(t *testing.T) {
	m, _ := linkTree(t)
	const missing, noPath = nt.StatusObjectNameNotFound, nt.StatusObjectPathNotFound
	for _, c := range []struct {
		name   string
		want   string // content, or below what directory
		status nt.Status
	}{
		{"file", "share/f", 0},
		{"FILE", "share/f", 0},
		{`dir\f`, "share/d/f", 0},
		{`dir\e\f`, "share/d/e/f", 0},
		{`deep\f`, "share/d/e/f", 0},
		{`dots\f`, "share/d/e/f", 0},
		{`d\up`, "share/f", 0},
		{`dir\up`, "share/f", 0},
		{`deep\top\f`, "share/f", 0},
		{`deep\top\d\e\top\dir\f`, "share/d/f", 0},
		{"two", "share/d/f", 0},
		{"chain", "share/f", 0},
		{`self\self\self\f`, "share/f", 0},
		{`dir\nothing`, "", missing},
		{`dir\nothing\f`, "", noPath},
		{"dangling", "", missing},
		{`dangling\f`, "", noPath},
		{"loop", "", missing},
		{`loop\f`, "", noPath},
		{"a", "", missing},
		{"out", "", missing},
		{`out\f`, "", noPath},
		{"outfile", "", missing},
		{"outin", "", missing},
		{"absolute", "", missing},
		{"inside", "", missing},
		{`d\e\escape`, "", missing},
		{"sneaky", "", missing},
		{"through", "", missing},
		{`file\x`, "", noPath},
	} {
		h, err := shared(m, c.name, nt.FileReadData, nt.FileOpen, 0)
		if nt.StatusOf(err) != c.status {
			t.Errorf("%s: %v, want %v", c.name, err, c.status)
		}
		if err == nil {
			if got := contentOf(m, h); got != c.want {
				t.Errorf("%s: %q, want %q", c.name, got, c.want)
			}
			m.Close(h)
		}
	}
	// Without a share nobody says what is inside.
	if _, _, err := create(m, `share\file`, nt.FileOpen, 0); !errors.Is(err, nt.StatusStoppedOnSymlink) {
		t.Errorf("without a share: %v", err)
	}
	// A share on another directory.
	if _, err := m.CreateFile(context.Background(), &api.CreateArgs{Name: `\pvfs\share\d\up`, DesiredAccess: nt.FileReadData, ShareAccess: 7, Disposition: nt.FileOpen,
		Contexts: []any{&fsrtl.ShareOptions{Root: `\share\d`}}}); !errors.Is(err, nt.StatusObjectNameNotFound) {
		t.Errorf("out of a smaller share: %v", err)
	}
	if h, err := m.CreateFile(context.Background(), &api.CreateArgs{Name: `\pvfs\share\outfile`, DesiredAccess: nt.FileReadData, ShareAccess: 7, Disposition: nt.FileOpen,
		Contexts: []any{&fsrtl.ShareOptions{}}}); err != nil || contentOf(m, h) != "outside/f" {
		t.Errorf("in a share of everything: %v", err)
	} else {
		m.Close(h)
	}
}

// TestLinksMade makes files through links to directories, and knows them by their own paths: both ways lead to one file.
func TestLinksMade(t *testing.T) {
	m, dir := linkTree(t)
	h, err := shared(m, `dir\new`, nt.FileAllAccess, nt.FileCreate, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "share/d/new")); err != nil {
		t.Error(err)
	}
	if _, err := shared(m, `d\new`, nt.FileReadData, nt.FileCreate, 0); !errors.Is(err, nt.StatusObjectNameCollision) {
		t.Errorf("the same by the other way: %v", err)
	}
	rename(t, m, h, `\share\deep\moved`)
	m.Close(h)
	if _, err := os.Stat(filepath.Join(dir, "share/d/e/moved")); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"dangling", "outfile", `out\new`} {
		if _, err := shared(m, name, nt.FileWriteData, nt.FileOverwriteIf, 0); err == nil {
			t.Errorf("%s: made", name)
		}
	}
	if b, _ := os.ReadFile(filepath.Join(dir, "outside/f")); string(b) != "outside/f" {
		t.Errorf("outside: %q", b)
	}
	if h, err = shared(m, "d", nt.FileAllAccess, nt.FileOpen, nt.FileDirectoryFile); err != nil {
		t.Fatal(err)
	}
	if err := m.SetInformationFile(t.Context(), h, nt.FileRenameInformation, renameInfo(`\share\out\d`, false)); !errors.Is(err, nt.StatusObjectPathNotFound) {
		t.Errorf("renamed out of the share: %v", err)
	}
	m.Close(h)
}

// TestLinksThemselves: who deletes or renames means the link, and so does who says so.
func TestLinksThemselves(t *testing.T) {
	m, dir := linkTree(t)
	there := func(name string) bool {
		_, err := os.Lstat(filepath.Join(dir, "share", name))
		return err == nil
	}
	h, err := shared(m, "file", nt.Delete, nt.FileOpen, nt.FileNonDirectoryFile|nt.FileDeleteOnClose)
	if err != nil {
		t.Fatal(err)
	}
	m.Close(h)
	if there("file") || !there("f") {
		t.Error("a link that was deleted, and its target")
	}
	if h, err = shared(m, "dir", nt.Delete, nt.FileOpen, nt.FileDirectoryFile|nt.FileOpenReparsePoint); err != nil {
		t.Fatal(err)
	}
	rename(t, m, h, "elsewhere")
	if err := m.SetInformationFile(t.Context(), h, nt.FileDispositionInformation, []byte{1}); err != nil {
		t.Error(err)
	}
	if !there("elsewhere") || there("dir") {
		t.Error("a link that was renamed")
	}
	m.Close(h)
	if there("elsewhere") || !there(`d/f`) {
		t.Error("a link to a directory that was deleted, and what it led to")
	}
	for _, c := range []struct {
		name    string
		options uint32
		status  nt.Status
	}{{"deep", nt.FileNonDirectoryFile, nt.StatusFileIsADirectory}, {"two", nt.FileDirectoryFile, nt.StatusNotADirectory}, {"deep", nt.FileDirectoryFile, 0}, {"dangling", 0, 0}, {"absolute", 0, 0}, {"out", 0, 0}} {
		h, err := shared(m, c.name, nt.Delete|nt.FileReadAttributes, nt.FileOpen, c.options|nt.FileOpenReparsePoint)
		if nt.StatusOf(err) != c.status {
			t.Errorf("%s: %v, want %v", c.name, err, c.status)
		}
		if err == nil {
			m.Close(h)
		}
	}
	// Who does more with what is behind it than delete it does not delete it by the way.
	if _, err = shared(m, "two", nt.FileReadData|nt.Delete, nt.FileOpen, nt.FileDeleteOnClose); !errors.Is(err, nt.StatusAccessDenied) {
		t.Errorf("read through a link and deleted at the close: %v", err)
	}
	for _, access := range []nt.AccessMask{nt.MaximumAllowed, nt.GenericAll, nt.FileReadData | nt.Delete} {
		if h, err = shared(m, "two", access, nt.FileOpen, 0); err != nil {
			t.Fatal(err)
		}
		if err := m.SetInformationFile(t.Context(), h, nt.FileDispositionInformation, []byte{1}); !errors.Is(err, nt.StatusAccessDenied) {
			t.Errorf("opened with %#x, deleted through a link: %v", access, err)
		}
		m.Close(h)
	}
	if !there("d/f") {
		t.Error("a file was deleted through a link")
	}
}

// TestLinksListed shows what links lead to, and hides those that lead nowhere.
func TestLinksListed(t *testing.T) {
	m, dir := linkTree(t)
	os.Chmod(filepath.Join(dir, "share/f"), 0o666)
	h, err := shared(m, "", nt.FileListDirectory, nt.FileOpen, nt.FileDirectoryFile)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(h)
	out := make([]byte, 16384)
	n, err := m.QueryDirectoryFile(t.Context(), h, nt.FileIdBothDirectoryInformation, &api.DirArgs{}, out)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for b := out[:n]; ; {
		le := binary.LittleEndian
		name := nt.DecodeUTF16(b[104 : 104+le.Uint32(b[60:])])
		if attrs := le.Uint32(b[56:]); name != "." && name != ".." {
			kind := ""
			if attrs&nt.FileAttributeDirectory != 0 {
				kind = "/"
			}
			if attrs&nt.FileAttributeReparsePoint != 0 {
				kind += fmt.Sprintf("@%x", le.Uint32(b[64:]))
			}
			got = append(got, fmt.Sprint(name, kind, " ", le.Uint64(b[40:])))
		}
		next := le.Uint32(b)
		if next == 0 {
			break
		}
		b = b[next:]
	}
	slices.Sort(got)
	want := "chain@a000000c 7, d/ 0, deep/@a000000c 0, dir/@a000000c 0, dots/@a000000c 0, f 7, file@a000000c 7, self/@a000000c 0, two@a000000c 9"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("listed %s\nwant   %s", s, want)
	}
}

// TestLinksSwapped never leads out of the share, though a directory is swapped for a link to the outside all the time.
func TestLinksSwapped(t *testing.T) {
	m, dir := linkTree(t)
	at := filepath.Join(dir, "share")
	os.Symlink("../outside", filepath.Join(at, "evil"))
	os.Mkdir(filepath.Join(at, "swap"), 0o777)
	os.WriteFile(filepath.Join(at, "swap/f"), []byte("share/swap/f"), 0o666)
	os.Symlink("swap", filepath.Join(at, "toswap"))
	os.WriteFile(filepath.Join(at, "evilfile"), nil, 0o666)
	os.Remove(filepath.Join(at, "evilfile"))
	os.Symlink("../outside/f", filepath.Join(at, "evilfile"))
	os.WriteFile(filepath.Join(at, "plain"), []byte("share/plain"), 0o666)
	stop := make(chan struct{})
	var swaps sync.WaitGroup
	swaps.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			for _, p := range [][2]string{{"swap", "evil"}, {"plain", "evilfile"}} {
				a, b, tmp := filepath.Join(at, p[0]), filepath.Join(at, p[1]), filepath.Join(at, "tmp")
				os.Rename(a, tmp)
				os.Rename(b, a)
				os.Rename(a, b)
				os.Rename(tmp, a)
			}
		}
	})
	opened := 0
	for i := range 4000 {
		name := [...]string{`swap\f`, `toswap\f`, `self\swap\f`, "plain", `deep\top\plain`}[i%5]
		disposition, access := uint32(nt.FileOpen), nt.FileReadData
		if i%7 == 0 {
			disposition, access = nt.FileOpenIf, nt.FileReadData|nt.FileWriteData
		}
		h, err := shared(m, name, access, disposition, 0)
		if err != nil {
			continue
		}
		opened++
		if got := contentOf(m, h); strings.HasPrefix(got, "outside") {
			t.Errorf("%s led to %q", name, got)
		}
		m.Close(h)
	}
	close(stop)
	swaps.Wait()
	list, _ := os.ReadDir(filepath.Join(dir, "outside"))
	if len(list) != 1 {
		t.Errorf("outside there is %v", list)
	}
	if opened == 0 {
		t.Error("nothing was ever opened")
	}
}

// TestLinksOfPOSIX: who has the semantics of POSIX follows links himself, and sees them.
func TestLinksOfPOSIX(t *testing.T) {
	m, _ := linkTree(t)
	open := func(name string, options uint32) (api.Handle, error) {
		return m.CreateFile(context.Background(), &api.CreateArgs{Name: `\pvfs\share` + name, DesiredAccess: nt.FileGenericRead | nt.Delete, ShareAccess: 7, Disposition: nt.FileOpen, Options: options,
			Contexts: []any{&fsrtl.ShareOptions{Root: `\share`}, api.POSIX{}}})
	}
	for name, options := range map[string]uint32{`\file`: 0, `\dir\f`: 0, `\dir\f\`: nt.FileOpenReparsePoint} {
		if _, err := open(name, options); !errors.Is(err, nt.StatusStoppedOnSymlink) {
			t.Errorf("%s: %v", name, err)
		}
	}
	h, err := open(`\absolute`, nt.FileOpenReparsePoint)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 8)
	if _, err := m.QueryInformationFile(t.Context(), h, nt.FileAttributeTagInformation, b); err != nil || binary.LittleEndian.Uint32(b[4:]) != nt.IoReparseTagSymlink {
		t.Errorf("%x %v", b, err)
	}
	when := binary.LittleEndian.AppendUint64(make([]byte, 16), 130000000000000000)
	if err := m.SetInformationFile(t.Context(), h, nt.FileBasicInformation, append(when, make([]byte, 16)...)); err == nil {
		t.Error("times were set without the right to")
	}
	m.Close(h)
	if h, err = shared(m, "absolute", nt.FileWriteAttributes|nt.FileReadAttributes, nt.FileOpen, nt.FileOpenReparsePoint); err != nil {
		t.Fatal(err)
	}
	if err := m.SetInformationFile(t.Context(), h, nt.FileBasicInformation, append(when, make([]byte, 16)...)); err != nil {
		t.Errorf("times of a link: %v", err)
	}
	b = make([]byte, 40)
	if _, err := m.QueryInformationFile(t.Context(), h, nt.FileBasicInformation, b); err != nil || binary.LittleEndian.Uint64(b[16:]) != 130000000000000000 {
		t.Errorf("times of a link: %x %v", b, err)
	}
	m.Close(h)
	if h, err = open("", nt.FileDirectoryFile); err != nil {
		t.Fatal(err)
	}
	defer m.Close(h)
	out := make([]byte, 16384)
	n, err := m.QueryDirectoryFile(t.Context(), h, api.FilePosixInformation, &api.DirArgs{}, out)
	if err != nil {
		t.Fatal(err)
	}
	if all := nt.DecodeUTF16(out[:n]); !strings.Contains(all, "dangling") || !strings.Contains(all, "absolute") {
		t.Error("links that lead nowhere are not listed")
	}
}
