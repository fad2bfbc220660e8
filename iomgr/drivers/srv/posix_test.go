package srv_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"lwio/iomgr/api"
	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// The cases are those of Samba's python/samba/tests/smb3unix.py, and what POSIX wants besides.

func speakingPOSIX(o *negotiateOptions) { o.posix = []byte(smb2.ContextPOSIXCreate) }

// newPOSIX starts a server with a share, and connects a client that speaks the POSIX extensions and one that does not.
func newPOSIX(t *testing.T) (p, w *client, tree, wtree uint32, dir string) {
	t.Helper()
	dir = t.TempDir()
	e := newEnv(t, func(c *srv.Config) { c.Shares = newTable(share("data", dir)) })
	p, w = e.logon("alice", speakingPOSIX), e.logon("alice")
	return p, w, p.tree("data"), w.tree("data"), dir
}

// withMode makes a create one with the semantics of POSIX.
func withMode(mode uint32) func(*smb2.CreateRequest) {
	return func(r *smb2.CreateRequest) {
		data := smb2.POSIXCreateRequest{Mode: mode}
		r.Contexts = r.Contexts.Append(smb2.ContextPOSIXCreate, data.Append(nil))
	}
}

// openPOSIX opens with that, and gives what the server says of the file.
func (c *client) openPOSIX(tree uint32, name string, mode uint32, edit func(*smb2.CreateRequest)) (smb2.FileID, smb2.POSIXCreateResponse) {
	c.t.Helper()
	r := c.do(smb2.Create, tree, createBody(name, edit, withMode(mode)), nt.StatusSuccess)
	res, err := smb2.ParseCreateResponse(r.body)
	if err != nil {
		c.t.Fatal(err)
	}
	for chain := res.Contexts; len(chain) > 0; {
		var one smb2.CreateContext
		if one, chain, err = chain.Next(); err != nil {
			c.t.Fatal(err)
		}
		if string(one.Name) == smb2.ContextPOSIXCreate {
			i, err := smb2.ParsePOSIXCreateResponse(one.Data)
			if err != nil {
				c.t.Fatal(err)
			}
			return res.FileID, i
		}
	}
	c.t.Fatalf("%s: no posix context in the answer", name)
	return res.FileID, smb2.POSIXCreateResponse{}
}

func (c *client) close(tree uint32, id smb2.FileID) {
	c.t.Helper()
	c.do(smb2.Close, tree, (&smb2.CloseRequest{FileID: id}).Append(nil), nt.StatusSuccess)
}

func (c *client) setInfoOf(tree uint32, id smb2.FileID, class nt.FileInfoClass, b []byte, want nt.Status) {
	c.t.Helper()
	c.do(smb2.SetInfo, tree, (&smb2.SetInfoRequest{InfoType: smb2.InfoFile, FileInfoClass: uint8(class), FileID: id, Buffer: b}).Append(nil), want)
}

func (c *client) deleteOnClose(tree uint32, id smb2.FileID, want nt.Status) {
	c.t.Helper()
	c.setInfoOf(tree, id, nt.FileDispositionInformation, []byte{1}, want)
}

// rename gives the file a name; replacing says whether in the place of what has it.
func (c *client) rename(tree uint32, id smb2.FileID, name string, replacing bool, want nt.Status) {
	c.t.Helper()
	b := make([]byte, 20)
	if replacing {
		b[0] = 1
	}
	wide := nt.AppendUTF16(nil, name)
	le.PutUint32(b[16:], uint32(len(wide)))
	c.setInfoOf(tree, id, nt.FileRenameInformation, append(b, wide...), want)
}

type posixEntry struct {
	smb2.POSIXFileInformation
	name string
}

// listPOSIX lists a directory in the class of the extensions, in answers of limit bytes.
func (c *client) listPOSIX(tree uint32, id smb2.FileID, pattern string, limit uint32) map[string]posixEntry {
	c.t.Helper()
	out := map[string]posixEntry{}
	for {
		r, err := c.try(smb2.QueryDirectory, tree, (&smb2.QueryDirectoryRequest{FileInformationClass: uint8(api.FilePosixInformation), FileID: id,
			Pattern: nt.AppendUTF16(nil, pattern), OutputBufferLength: limit}).Append(nil))
		if err != nil {
			c.t.Fatal(err)
		}
		if r.h.Status == nt.StatusNoMoreFiles || r.h.Status == nt.StatusNoSuchFile {
			return out
		}
		if r.h.Status != nt.StatusSuccess {
			c.t.Fatal(r.h.Status)
		}
		res, err := smb2.ParseQueryDirectoryResponse(r.body)
		if err != nil {
			c.t.Fatal(err)
		}
		for b := res.Output; ; {
			next := le.Uint32(b)
			i, err := smb2.ParsePOSIXFileInformation(b[8:])
			if err != nil {
				c.t.Fatal(err)
			}
			rest := b[8+len(i.Append(nil)):]
			n := le.Uint32(rest)
			name := nt.DecodeUTF16(rest[4 : 4+n])
			if _, twice := out[name]; twice || next%8 != 0 {
				c.t.Fatalf("%q twice, or at an odd place", name)
			}
			out[name] = posixEntry{i, name}
			if next == 0 {
				break
			}
			b = b[next:]
		}
	}
}

func TestPOSIXNegotiate(t *testing.T) {
	on := newEnv(t, nil)
	off := newEnv(t, func(c *srv.Config) { c.POSIX = srv.POSIXOff })
	for _, x := range []struct {
		what string
		e    *env
		data string
		want nt.Status
		have bool
	}{
		{"asked for", on, smb2.ContextPOSIXCreate, nt.StatusSuccess, true},
		{"among others", on, strings.Repeat("x", 16) + smb2.ContextPOSIXCreate, nt.StatusSuccess, true},
		{"another version", on, "0123456789012345", nt.StatusSuccess, false},
		{"wrong length", on, "01234", nt.StatusInvalidParameter, false},
		{"off", off, smb2.ContextPOSIXCreate, nt.StatusSuccess, false},
	} {
		c := x.e.dial()
		r := c.negotiate(negotiateOptions{posix: []byte(x.data)})
		if r.h.Status != x.want {
			t.Errorf("%s: %v", x.what, r.h.Status)
			continue
		}
		have := slices.ContainsFunc(c.response.Contexts, func(n smb2.NegotiateContext) bool {
			return n.Type == smb2.ContextPOSIX && string(n.Data) == smb2.ContextPOSIXCreate
		})
		if have != x.have {
			t.Errorf("%s: answered %v", x.what, have)
		}
	}
	c := on.dial()
	c.negotiate(negotiateOptions{posix: []byte(smb2.ContextPOSIXCreate), dialects: allDialects[:4]})
	if len(c.response.Contexts) != 0 {
		t.Error("3.0.2 got contexts")
	}
}

func TestPOSIXCreateContext(t *testing.T) {
	p, w, tree, wtree, dir := newPOSIX(t)
	id, i := p.openPOSIX(tree, "", 0x30303030, creating(nt.FileReadAttributes, nt.FileOpen, 0))
	if i.Mode>>smb2.POSIXTypeShift != 1 {
		t.Errorf("root: mode %#o", i.Mode)
	}
	p.close(tree, id)
	bad := createBody("", creating(nt.FileReadAttributes, nt.FileOpen, 0), func(r *smb2.CreateRequest) {
		r.Contexts = r.Contexts.Append(smb2.ContextPOSIXCreate, []byte("00000"))
	})
	p.do(smb2.Create, tree, bad, nt.StatusInvalidParameter)
	// To who has not negotiated the extensions, the context is one that the server does not know.
	r := w.do(smb2.Create, wtree, createBody("Win", creating(nt.GenericAll, nt.FileCreate, 0), withMode(0o600)), nt.StatusSuccess)
	if res, err := smb2.ParseCreateResponse(r.body); err != nil || len(res.Contexts) != 0 {
		t.Errorf("answered %x, %v", res.Contexts, err)
	}
	w.open(wtree, "wIN", creating(nt.GenericRead, nt.FileOpen, 0))

	for _, x := range []struct {
		name    string
		options uint32
		links   uint32
		mode    uint32
	}{
		{"file", 0, 1, 0o600 | smb2.POSIXTypeFile}, {"dir", nt.FileDirectoryFile, 2, 0o700 | smb2.POSIXTypeDirectory},
		{"bare", 0, 1, 0o604}, {"readonly", 0, 1, 0o444}, {"nothing", 0, 1, 0}, {"sticky", nt.FileDirectoryFile, 2, 0o1777 | smb2.POSIXTypeDirectory},
	} {
		id, i := p.openPOSIX(tree, x.name, x.mode&0o7777, creating(nt.GenericAll, nt.FileCreate, x.options))
		info, err := os.Stat(filepath.Join(dir, x.name))
		if err != nil {
			t.Fatal(err)
		}
		st := info.Sys().(*syscall.Stat_t)
		want := smb2.POSIXCreateResponse{Links: uint32(st.Nlink), Mode: x.mode, Owner: domain.Child(rids["alice"]), Group: domain.Child(513)}
		if i != want || uint32(st.Mode)&0o7777 != x.mode&0o7777 {
			t.Errorf("%s: %+v, want %+v; on the disk %#o", x.name, i, want, st.Mode)
		}
		if x.options == 0 && i.Links != 1 {
			t.Errorf("%s: %d links", x.name, i.Links)
		}
		p.close(tree, id)
	}
	// What is nobody's but Unix's is its user's.
	if err := os.WriteFile(filepath.Join(dir, "local"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	id, i = p.openPOSIX(tree, "local", 0, creating(nt.FileReadAttributes, nt.FileOpen, 0))
	if i.Owner != nt.NewSID(22, 1, uint32(os.Geteuid())) || !i.Group.IsChildOf(nt.NewSID(22, 2)) {
		t.Errorf("owner %v, group %v", i.Owner, i.Group)
	}
	p.close(tree, id)
	// Whatever is asked for, nobody's identity is lent.
	id, i = p.openPOSIX(tree, "suid", 0o6755, creating(nt.GenericAll, nt.FileCreate, 0))
	if i.Mode != 0o755 {
		t.Errorf("mode %#o", i.Mode)
	}
	p.close(tree, id)
	// An open of what exists leaves its mode.
	if _, i = p.openPOSIX(tree, "bare", 0o777, creating(nt.FileReadAttributes, nt.FileOpenIf, 0)); i.Mode != 0o604 {
		t.Errorf("mode %#o", i.Mode)
	}
}

// TestPOSIXModes is test_posix_perm_files with test_posix_query_dir: modes are what was asked for, in listings and queries.
func TestPOSIXModes(t *testing.T) {
	p, w, tree, wtree, _ := newPOSIX(t)
	want := map[string]uint32{}
	for perm := uint32(0o600); perm <= 0o1777; perm++ {
		if perm&0o600 != 0o600 || perm%7 != 0 && perm != 0o644 {
			continue
		}
		name := fmt.Sprintf("file%04o", perm)
		id, _ := p.openPOSIX(tree, name, perm, creating(nt.GenericAll, nt.FileCreate, 0))
		p.do(smb2.Write, tree, (&smb2.WriteRequest{FileID: id, Data: []byte("data")}).Append(nil), nt.StatusSuccess)
		i, err := smb2.ParsePOSIXFileInformation(p.query(tree, id, api.FilePosixInformation, 4096, nt.StatusSuccess))
		if err != nil || i.Mode != perm || i.EndOfFile != 4 {
			t.Fatalf("%s: %+v, %v", name, i, err)
		}
		p.query(tree, id, api.FilePosixInformation, 79, nt.StatusInfoLengthMismatch)
		p.close(tree, id)
		want[name] = perm
		name = fmt.Sprintf("dir%04o", perm)
		id, _ = p.openPOSIX(tree, name, perm, creating(nt.GenericAll, nt.FileCreate, nt.FileDirectoryFile))
		p.close(tree, id)
		want[name] = perm | smb2.POSIXTypeDirectory
	}
	for _, limit := range []uint32{65536, 500} {
		root, _ := p.openPOSIX(tree, "", 0, creating(nt.GenericRead, nt.FileOpen, nt.FileDirectoryFile))
		found := p.listPOSIX(tree, root, "*", limit)
		if len(found) != len(want)+2 {
			t.Errorf("%d entries, want %d and the dots", len(found), len(want))
		}
		for name, mode := range want {
			i := found[name]
			attrs, size, alloc := uint32(nt.FileAttributeArchive), uint64(4), uint64(4096)
			if mode&smb2.POSIXTypeDirectory != 0 {
				attrs, size, alloc = nt.FileAttributeDirectory, 0, 0
			}
			if i.Mode != mode || i.ReparseTag != 0 || i.FileAttributes != attrs || i.EndOfFile != size || i.AllocationSize != alloc || i.Inode == 0 || i.LastWriteTime == 0 {
				t.Errorf("%s: %+v", name, i)
			}
			if i.Owner != domain.Child(rids["alice"]) || i.Group != domain.Child(513) { // accounts that are nobody to Unix
				t.Errorf("%s: owner %v, group %v", name, i.Owner, i.Group)
			}
		}
		up := found[".."]
		if up.Owner != nt.SIDNull || up.Group != nt.SIDNull || up.Inode != 0 || up.Device != 0 {
			t.Errorf("..: %+v", up)
		}
		p.close(tree, root)
	}
	// A pattern that is a name, or has a star.
	root, _ := p.openPOSIX(tree, "", 0, creating(nt.GenericRead, nt.FileOpen, nt.FileDirectoryFile))
	if found := p.listPOSIX(tree, root, "file0644", 4096); len(found) != 1 || found["file0644"].Mode != 0o644 {
		t.Errorf("%v", found)
	}
	p.close(tree, root)
	root, _ = p.openPOSIX(tree, "", 0, creating(nt.GenericRead, nt.FileOpen, nt.FileDirectoryFile))
	if found := p.listPOSIX(tree, root, "FILE0*", 4096); len(found) != 0 {
		t.Errorf("%v", slices.Collect(maps.Keys(found)))
	}
	// Windows opens know nothing of it.
	id := w.open(wtree, "", creating(nt.GenericRead, nt.FileOpen, nt.FileDirectoryFile))
	w.query(wtree, id, api.FilePosixInformation, 4096, nt.StatusInvalidLevel)
	w.do(smb2.QueryDirectory, wtree, (&smb2.QueryDirectoryRequest{FileInformationClass: uint8(api.FilePosixInformation), FileID: id,
		Pattern: []byte{'*', 0}, OutputBufferLength: 4096}).Append(nil), nt.StatusInvalidLevel)
}

func TestPOSIXNames(t *testing.T) {
	p, w, tree, wtree, dir := newPOSIX(t)
	names := []string{"a ", "a  ", ". ", ".  ", "a.", ".a", ` \ `, ">", "<?", "a:b", `"`, "|", "*", "tab\there", "Größe", "x", "X", "...", `back\slash`}
	for _, name := range names {
		id, _ := p.openPOSIX(tree, name, 0o744, creating(nt.GenericAll, nt.FileCreate, 0))
		p.close(tree, id)
		if _, err := os.Lstat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	id, _ := p.openPOSIX(tree, `deep\er`, 0o755, creating(nt.GenericAll, nt.FileCreate, nt.FileDirectoryFile))
	p.close(tree, id)
	id, _ = p.openPOSIX(tree, `deep\er//in:side`, 0o644, creating(nt.GenericAll, nt.FileCreate, 0))
	p.close(tree, id)
	if _, err := os.Lstat(filepath.Join(dir, `deep\er`, "in:side")); err != nil {
		t.Error(err)
	}
	root, _ := p.openPOSIX(tree, "", 0, creating(nt.GenericRead, nt.FileOpen, nt.FileDirectoryFile))
	found := p.listPOSIX(tree, root, "*", 65536)
	for _, name := range names {
		if _, ok := found[name]; !ok {
			t.Errorf("%q is not listed", name)
		}
	}
	for _, bad := range []string{"..", ".", "a/..", "../x", "/x", "nul\x00", "x/./y", strings.Repeat("n", 256)} {
		r, err := p.try(smb2.Create, tree, createBody(bad, creating(nt.GenericRead, nt.FileOpen, 0), withMode(0)))
		if err != nil || r.h.Status != nt.StatusObjectNameInvalid && r.h.Status != nt.StatusInvalidParameter {
			t.Errorf("%q: %v, %v", bad, r.h.Status, err)
		}
	}
	p.do(smb2.Create, tree, createBody("none/x", creating(nt.GenericRead, nt.FileOpen, 0), withMode(0)), nt.StatusObjectPathNotFound)
	p.do(smb2.Create, tree, createBody("x/y", creating(nt.GenericRead, nt.FileOpen, 0), withMode(0)), nt.StatusObjectPathNotFound)
	// Windows sees what Windows can name, by any case.
	w.close(wtree, w.open(wtree, "gRÖßE", creating(nt.GenericRead, nt.FileOpen, 0)))
	w.do(smb2.Create, wtree, createBody("<?", creating(nt.GenericRead, nt.FileOpen, 0)), nt.StatusObjectNameInvalid)
	// And POSIX knows cases apart.
	p.do(smb2.Create, tree, createBody("größe", creating(nt.GenericRead, nt.FileOpen, 0), withMode(0)), nt.StatusObjectNameNotFound)
	for _, name := range names {
		id, _ := p.openPOSIX(tree, name, 0, creating(nt.Delete, nt.FileOpen, 0))
		p.deleteOnClose(tree, id, nt.StatusSuccess)
		p.close(tree, id)
		if _, err := os.Lstat(filepath.Join(dir, name)); !os.IsNotExist(err) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestPOSIXSymlinks: none is followed, wherever it leads; each is listed, opened, renamed and deleted as what it is.
func TestPOSIXSymlinks(t *testing.T) {
	p, _, tree, _, dir := newPOSIX(t)
	if err := os.Mkdir(filepath.Join(dir, "real"), 0o755); err != nil {
		t.Fatal(err)
	}
	links := map[string]string{"link": "real", "out": "/etc", "file": "/etc/passwd", "nowhere": "none"}
	for name, target := range links {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"link", "out", "file", "link/x", "out/passwd", "real/../out", "nowhere"} {
		for _, disposition := range []uint32{nt.FileOpen, nt.FileOpenIf, nt.FileOverwriteIf} {
			r, err := p.try(smb2.Create, tree, createBody(name, creating(nt.GenericRead|nt.GenericWrite, disposition, 0), withMode(0o600)))
			if err != nil || r.h.Status != nt.StatusStoppedOnSymlink && r.h.Status != nt.StatusObjectNameInvalid {
				t.Errorf("%s: %v, %v", name, r.h.Status, err)
			}
		}
	}
	root, _ := p.openPOSIX(tree, "", 0, creating(nt.GenericRead, nt.FileOpen, nt.FileDirectoryFile))
	found := p.listPOSIX(tree, root, "*", 65536)
	for name, target := range links {
		i := found[name]
		if i.Mode&^0o7777 != smb2.POSIXTypeSymlink || i.ReparseTag != nt.IoReparseTagSymlink || i.FileAttributes != nt.FileAttributeReparsePoint || i.EndOfFile != uint64(len(target)) {
			t.Errorf("%s: %+v", name, i)
		}
		id, c := p.openPOSIX(tree, name, 0, creating(nt.FileReadAttributes|nt.Delete, nt.FileOpen, nt.FileOpenReparsePoint))
		if c != i.POSIXCreateResponse {
			t.Errorf("%s: %+v, listed %+v", name, c, i)
		}
		q, err := smb2.ParsePOSIXFileInformation(p.query(tree, id, api.FilePosixInformation, 4096, nt.StatusSuccess))
		if err != nil || q.POSIXCreateResponse != c || q.EndOfFile != i.EndOfFile || q.Inode != i.Inode {
			t.Errorf("%s: %+v, listed %+v, %v", name, q, i, err)
		}
		p.rename(tree, id, "new "+name, false, nt.StatusSuccess)
		p.deleteOnClose(tree, id, nt.StatusSuccess)
		p.close(tree, id)
		if _, err := os.Lstat(filepath.Join(dir, "new "+name)); !os.IsNotExist(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 1 || list[0].Name() != "real" {
		t.Errorf("%v, %v", list, err)
	}
}

// TestPOSIXSpecial: files that are no files, on the disk and by reparse points.
func TestPOSIXSpecial(t *testing.T) {
	p, _, tree, _, dir := newPOSIX(t)
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o640); err != nil {
		t.Fatal(err)
	}
	reparse := func(name string, tag uint32, data ...byte) uint32 {
		t.Helper()
		id, i := p.openPOSIX(tree, name, 0o600, creating(nt.FileWriteAttributes|nt.FileWriteData, nt.FileCreate, 0))
		if i.ReparseTag != 0 || i.Mode != 0o600 {
			t.Errorf("%s: %+v", name, i)
		}
		b := le.AppendUint16(le.AppendUint32(nil, tag), uint16(len(data)))
		p.do(smb2.Ioctl, tree, ioctlBody(id, nt.FsctlSetReparsePoint, append(append(b, 0, 0), data...), 0), nt.StatusSuccess)
		p.close(tree, id)
		id, i = p.openPOSIX(tree, name, 0o600, creating(nt.FileReadAttributes, nt.FileOpen, nt.FileOpenReparsePoint))
		defer p.close(tree, id)
		if i.ReparseTag != tag {
			t.Errorf("%s: tag %#x, want %#x", name, i.ReparseTag, tag)
		}
		return i.Mode
	}
	want := map[string]uint32{"fifo": smb2.POSIXTypeFIFO | 0o640}
	for _, x := range []struct {
		name string
		tag  uint32
		data []byte
		kind uint32
	}{
		{"nfs fifo", nt.IoReparseTagNfs, le.AppendUint64(nil, 0x4F464946), smb2.POSIXTypeFIFO},
		{"nfs socket", nt.IoReparseTagNfs, le.AppendUint64(nil, 0x4B434F53), smb2.POSIXTypeSocket},
		{"nfs char", nt.IoReparseTagNfs, append(le.AppendUint64(nil, 0x00524843), 1, 0, 0, 0, 3, 0, 0, 0), smb2.POSIXTypeChar},
		{"nfs nonsense", nt.IoReparseTagNfs, []byte("asdf"), smb2.POSIXTypeFile},
		{"linux char", 0x80000025, []byte("asdf"), smb2.POSIXTypeChar},
		{"anything", 0x80001234, []byte("asdf"), smb2.POSIXTypeFile},
	} {
		want[x.name] = x.kind | 0o600
		if mode := reparse(x.name, x.tag, x.data...); mode != want[x.name] {
			t.Errorf("%s: mode %#o, want %#o", x.name, mode, want[x.name])
		}
	}
	root, _ := p.openPOSIX(tree, "", 0, creating(nt.GenericRead, nt.FileOpen, nt.FileDirectoryFile))
	found := p.listPOSIX(tree, root, "*", 65536)
	for name, mode := range want {
		if i := found[name]; i.Mode != mode {
			t.Errorf("%s: listed with mode %#o, want %#o", name, i.Mode, mode)
		}
	}
}

func TestPOSIXDelete(t *testing.T) {
	p, w, tree, wtree, dir := newPOSIX(t)
	exists := func(name string) bool {
		_, err := os.Lstat(filepath.Join(dir, name))
		return err == nil
	}
	const attrs = nt.FileWriteAttributes | nt.Delete
	// The Windows handle goes: only one of POSIX is left, and the name with it.
	fw := w.open(wtree, "both", creating(attrs, nt.FileCreate, 0))
	fp, _ := p.openPOSIX(tree, "both", 0o600, creating(attrs, nt.FileOpen, 0))
	w.deleteOnClose(wtree, fw, nt.StatusSuccess)
	p.deleteOnClose(tree, fp, nt.StatusSuccess)
	if !exists("both") {
		t.Error("gone while Windows has it open")
	}
	w.close(wtree, fw)
	if exists("both") {
		t.Error("still there")
	}
	p.close(tree, fp)
	// Two of POSIX: the name goes with the first, the file stays usable, and the name is free.
	a, _ := p.openPOSIX(tree, "two", 0o600, creating(nt.GenericAll, nt.FileCreate, 0))
	b, _ := p.openPOSIX(tree, "two", 0o600, creating(attrs, nt.FileOpen, 0))
	p.deleteOnClose(tree, b, nt.StatusSuccess)
	p.close(tree, b)
	if exists("two") {
		t.Error("still there")
	}
	p.do(smb2.Write, tree, (&smb2.WriteRequest{FileID: a, Data: []byte("orphan")}).Append(nil), nt.StatusSuccess)
	r := p.do(smb2.Read, tree, readBody(a, 100), nt.StatusSuccess)
	if res, _ := smb2.ParseReadResponse(r.body); string(res.Data) != "orphan" {
		t.Errorf("%q", res.Data)
	}
	if i, err := smb2.ParsePOSIXFileInformation(p.query(tree, a, api.FilePosixInformation, 4096, nt.StatusSuccess)); err != nil || i.Links != 0 {
		t.Errorf("%d links, %v", i.Links, err)
	}
	c, _ := p.openPOSIX(tree, "two", 0o600, creating(nt.GenericAll, nt.FileCreate, 0))
	p.close(tree, a)
	if !exists("two") {
		t.Error("the new file went with the old one's last handle")
	}
	p.close(tree, c)
	// A read-only file: Windows may not, POSIX may.
	ro := w.open(wtree, "readonly", func(r *smb2.CreateRequest) {
		creating(nt.GenericRead|nt.Delete, nt.FileCreate, 0)(r)
		r.FileAttributes = nt.FileAttributeReadonly
	})
	w.deleteOnClose(wtree, ro, nt.StatusCannotDelete)
	w.close(wtree, ro)
	d, _ := p.openPOSIX(tree, "readonly", 0o666, creating(attrs, nt.FileOpen, 0))
	p.deleteOnClose(tree, d, nt.StatusSuccess)
	p.close(tree, d)
	if exists("readonly") {
		t.Error("the read-only file is there")
	}
	// Delete on close as an option, of a directory too.
	for _, options := range []uint32{0, nt.FileDirectoryFile} {
		e, _ := p.openPOSIX(tree, "once", 0o755, creating(nt.Delete, nt.FileCreate, options|nt.FileDeleteOnClose))
		p.close(tree, e)
		if exists("once") {
			t.Errorf("options %#x: still there", options)
		}
	}
	full, _ := p.openPOSIX(tree, "full", 0o755, creating(nt.Delete, nt.FileCreate, nt.FileDirectoryFile))
	in, _ := p.openPOSIX(tree, "full/in:side", 0o644, creating(nt.GenericAll, nt.FileCreate, 0))
	p.deleteOnClose(tree, full, nt.StatusDirectoryNotEmpty)
	p.close(tree, in)
	p.close(tree, full)
}

func TestPOSIXRename(t *testing.T) {
	p, w, tree, wtree, dir := newPOSIX(t)
	make := func(name string, options uint32) smb2.FileID {
		t.Helper()
		id, _ := p.openPOSIX(tree, name, 0o755, creating(nt.GenericAll, nt.FileCreate, options))
		return id
	}
	names := func() []string {
		list, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, e := range list {
			out = append(out, e.Name())
		}
		return out
	}
	a := make("a", 0)
	p.rename(tree, a, "A", false, nt.StatusSuccess)
	b := make("a", 0) // another file
	if got := names(); !slices.Equal(got, []string{"A", "a"}) {
		t.Errorf("%q", got)
	}
	p.rename(tree, b, "A", false, nt.StatusObjectNameCollision)
	p.rename(tree, b, "A", true, nt.StatusSuccess) // which is open, by POSIX alone
	if got := names(); !slices.Equal(got, []string{"A"}) {
		t.Errorf("%q", got)
	}
	p.do(smb2.Write, tree, (&smb2.WriteRequest{FileID: a, Data: []byte("replaced")}).Append(nil), nt.StatusSuccess)
	p.rename(tree, b, `what<is>this\:`, false, nt.StatusSuccess)
	if got := names(); !slices.Equal(got, []string{`what<is>this\:`}) {
		t.Errorf("%q", got)
	}
	p.close(tree, a)
	// One that Windows has open stays.
	held := w.open(wtree, "held", creating(nt.GenericRead, nt.FileCreate, 0))
	p.rename(tree, b, "held", true, nt.StatusAccessDenied)
	w.close(wtree, held)
	p.rename(tree, b, "held", true, nt.StatusSuccess)
	p.close(tree, b)
	// Directories: an empty one is replaced.
	d, e := make("d", nt.FileDirectoryFile), make("e", nt.FileDirectoryFile)
	p.close(tree, e)
	p.rename(tree, d, "held", true, nt.StatusAccessDenied) // a file
	p.rename(tree, d, "e", true, nt.StatusSuccess)
	sub := make("sub", nt.FileDirectoryFile)
	p.rename(tree, sub, "e/sub", false, nt.StatusSuccess)
	p.close(tree, sub)
	f := make("f", nt.FileDirectoryFile)
	p.rename(tree, f, "e", true, nt.StatusDirectoryNotEmpty)
	if got := names(); !slices.Equal(got, []string{"e", "f", "held"}) {
		t.Errorf("%q", got)
	}
	for _, bad := range []string{"..", "../up", "x/../y", "e/.", "nul\x00"} {
		p.rename(tree, f, bad, true, nt.StatusObjectNameInvalid)
	}
}

func TestPOSIXAppend(t *testing.T) {
	p, _, tree, _, dir := newPOSIX(t)
	if err := os.WriteFile(filepath.Join(dir, "log"), []byte("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	id, _ := p.openPOSIX(tree, "log", 0, creating(nt.FileAppendData|nt.FileReadData, nt.FileOpen, 0))
	write := func(at uint64, what string, want nt.Status) {
		t.Helper()
		p.do(smb2.Write, tree, (&smb2.WriteRequest{FileID: id, Offset: at, Data: []byte(what)}).Append(nil), want)
	}
	write(0, "world", nt.StatusInvalidParameter)
	write(5, "world", nt.StatusInvalidParameter)
	write(1<<64-1, " world", nt.StatusSuccess)
	if i, err := smb2.ParsePOSIXFileInformation(p.query(tree, id, api.FilePosixInformation, 4096, nt.StatusSuccess)); err != nil || i.EndOfFile != 11 {
		t.Errorf("%+v, %v", i, err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "log")); err != nil || string(b) != "hello world" {
		t.Errorf("%q, %v", b, err)
	}
	write(1<<63, "x", nt.StatusInvalidParameter)
	write(1<<64-2, "x", nt.StatusInvalidParameter)
}

func TestPOSIXVolume(t *testing.T) {
	p, w, tree, wtree, dir := newPOSIX(t)
	id, _ := p.openPOSIX(tree, "", 0, creating(nt.FileReadAttributes, nt.FileOpen, 0))
	r := p.do(smb2.QueryInfo, tree, queryBody(id, smb2.InfoFilesystem, uint8(api.FileFsPosixInformation), 100), nt.StatusSuccess)
	res, err := smb2.ParseQueryInfoResponse(r.body)
	if err != nil || len(res.Output) != 56 {
		t.Fatalf("%x, %v", res.Output, err)
	}
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	if b := res.Output; le.Uint32(b) != uint32(st.Bsize) || le.Uint64(b[8:]) != uint64(st.Blocks) || le.Uint64(b[32:]) != uint64(st.Files) {
		t.Errorf("%x", b)
	}
	wid := w.open(wtree, "", creating(nt.FileReadAttributes, nt.FileOpen, 0))
	w.do(smb2.QueryInfo, wtree, queryBody(wid, smb2.InfoFilesystem, uint8(api.FileFsPosixInformation), 100), nt.StatusInvalidInfoClass)
}

// TestPOSIXChmod changes a mode as Linux does, by a list of one ACE.
func TestPOSIXChmod(t *testing.T) {
	p, w, tree, wtree, dir := newPOSIX(t)
	id, _ := p.openPOSIX(tree, "file", 0o644, creating(nt.FileReadAttributes|nt.WriteDAC|nt.ReadControl, nt.FileCreate, 0))
	chmod := func(c *client, tree uint32, id smb2.FileID, mode uint32, more ...nt.ACE) {
		t.Helper()
		sd := nt.SecurityDescriptor{Control: nt.ControlDACLPresent | nt.ControlSelfRelative, DACL: &nt.ACL{Revision: 2,
			ACEs: append([]nt.ACE{{Type: nt.AccessAllowedACEType, SID: nt.NewSID(5, 88, 3, mode)}}, more...)}}
		c.do(smb2.SetInfo, tree, (&smb2.SetInfoRequest{InfoType: smb2.InfoSecurity, AdditionalInformation: uint32(nt.DACLSecurityInformation), FileID: id,
			Buffer: sd.Append(nil)}).Append(nil), nt.StatusSuccess)
	}
	mode := func() uint32 {
		t.Helper()
		info, err := os.Stat(filepath.Join(dir, "file"))
		if err != nil {
			t.Fatal(err)
		}
		return uint32(info.Sys().(*syscall.Stat_t).Mode) & 0o7777
	}
	for _, m := range []uint32{0o600, 0o755, 0o444, 0o1640, 0o644} {
		chmod(p, tree, id, m)
		i, err := smb2.ParsePOSIXFileInformation(p.query(tree, id, api.FilePosixInformation, 4096, nt.StatusSuccess))
		if err != nil || i.Mode != m || mode() != m {
			t.Errorf("%#o: %+v, %v; on the disk %#o", m, i, err, mode())
		}
	}
	chmod(p, tree, id, 0o7777)
	if mode() != 0o1777 {
		t.Errorf("%#o", mode())
	}
	// Elsewhere that is an ACE as any other: the list that is set is kept.
	chmod(p, tree, id, 0o600, nt.ACE{Type: nt.AccessAllowedACEType, Mask: nt.FileAllAccess, SID: nt.SIDWorld})
	if mode()&0o006 != 0o006 {
		t.Errorf("%#o", mode())
	}
	wid := w.open(wtree, "file", creating(nt.FileReadAttributes|nt.WriteDAC|nt.ReadControl, nt.FileOpen, 0))
	before := mode()
	chmod(w, wtree, wid, 0o640, nt.ACE{Type: nt.AccessAllowedACEType, Mask: nt.FileAllAccess, SID: nt.SIDWorld})
	if mode() != before {
		t.Errorf("%#o, was %#o", mode(), before)
	}
}

// TestPOSIXCopyChunk copies to a file that is open with the semantics of POSIX.
func TestPOSIXCopyChunk(t *testing.T) {
	p, _, tree, _, dir := newPOSIX(t)
	src, _ := p.openPOSIX(tree, "src", 0o644, creating(nt.GenericAll, nt.FileCreate, 0))
	dst, _ := p.openPOSIX(tree, "dst", 0o644, creating(nt.GenericWrite|nt.FileReadData, nt.FileCreate, 0))
	p.do(smb2.Write, tree, (&smb2.WriteRequest{FileID: src, Data: []byte("data")}).Append(nil), nt.StatusSuccess)
	r := p.do(smb2.Ioctl, tree, ioctlBody(src, nt.FsctlSrvRequestResumeKey, nil, 32), nt.StatusSuccess)
	res, err := smb2.ParseIoctlResponse(r.body)
	if err != nil {
		t.Fatal(err)
	}
	in := smb2.CopyChunkRequest{SourceKey: smb2.ResumeKey(res.Output[:24]), Chunks: []smb2.CopyChunk{{SourceOffset: 0, TargetOffset: 0, Length: 4}}}
	p.do(smb2.Ioctl, tree, ioctlBody(dst, nt.FsctlSrvCopychunk, in.Append(nil), 12), nt.StatusSuccess)
	if b, err := os.ReadFile(filepath.Join(dir, "dst")); err != nil || !bytes.Equal(b, []byte("data")) {
		t.Errorf("%q, %v", b, err)
	}
}
