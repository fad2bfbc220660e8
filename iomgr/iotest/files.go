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

// Files is a directory on a file system, empty and for the suite alone.
type Files struct {
	API  api.API
	Root string // `\pvfs\tmp\x`
	// Contexts go with every create: a credential, for a redirector.
	Contexts []any
	// Lacks names the cases that do not apply, each with its reason.
	Lacks map[string]string
}

// RunFiles checks what every file system driver has to do with plain files and directories (MS-FSA). fresh gives a new directory each time. It
// passes on drivers of this machine and, through the redirector, on servers.
func RunFiles(t *testing.T, fresh func(testing.TB) Files) {
	for _, c := range []struct {
		name string
		f    func(*testing.T, *Files)
	}{
		{"Dispositions", filesDispositions}, {"Types", filesTypes}, {"Names", filesNames}, {"Case", filesCase}, {"ReadWrite", filesReadWrite}, {"Append", filesAppend},
		{"Large", filesLarge}, {"Size", filesSize}, {"Information", filesInformation}, {"Basic", filesBasic}, {"Rename", filesRename}, {"RenameDirectory", filesRenameDirectory},
		{"Delete", filesDelete}, {"DeleteOnClose", filesDeleteOnClose}, {"Directory", filesDirectory}, {"Wildcards", filesWildcards}, {"Single", filesSingle}, {"Share", filesShare}, {"Locks", filesLocks},
		{"LockWaits", filesLockWaits}, {"Notify", filesNotify}, {"Access", filesAccess}, {"Volume", filesVolume}, {"Security", filesSecurity}, {"Flush", filesFlush}, {"Many", filesMany},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := fresh(t)
			if why := x.Lacks[c.name]; why != "" {
				t.Skip(why)
			}
			c.f(t, &x)
		})
	}
}

// All that a file may be opened for.
const filesAll = nt.GenericRead | nt.GenericWrite | nt.Delete

const shareAll = nt.FileShareRead | nt.FileShareWrite | nt.FileShareDelete

func (x *Files) create(t testing.TB, name string, disposition, options uint32, edit ...func(*api.CreateArgs)) (api.Handle, uint32, error) {
	t.Helper()
	a := &api.CreateArgs{Name: x.Root, DesiredAccess: filesAll, ShareAccess: shareAll, Disposition: disposition, Options: options,
		FileAttributes: nt.FileAttributeNormal, Impersonation: api.ImpersonateImpersonation, Contexts: x.Contexts}
	if name != "" {
		a.Name += `\` + name
	}
	for _, f := range edit {
		f(a)
	}
	h, err := x.API.CreateFile(t.Context(), a)
	return h, a.Result.Action, err
}

// open opens or makes, and closes with the test.
func (x *Files) open(t testing.TB, name string, disposition, options uint32, edit ...func(*api.CreateArgs)) api.Handle {
	t.Helper()
	h, _, err := x.create(t, name, disposition, options, edit...)
	if err != nil {
		t.Fatalf("open %s: %v", name, err)
	}
	t.Cleanup(func() { x.API.Close(h) })
	return h
}

// file makes a file with content.
func (x *Files) file(t testing.TB, name, content string) {
	t.Helper()
	h, _, err := x.create(t, name, nt.FileOverwriteIf, nt.FileNonDirectoryFile)
	if err != nil {
		t.Fatalf("make %s: %v", name, err)
	}
	if n, err := x.API.WriteFile(t.Context(), h, []byte(content), 0); err != nil || n != len(content) {
		t.Fatalf("write %s: %d, %v", name, n, err)
	}
	want(t, x.API.Close(h), nt.StatusSuccess)
}

func (x *Files) directory(t testing.TB, name string) {
	t.Helper()
	h, _, err := x.create(t, name, nt.FileCreate, nt.FileDirectoryFile)
	if err != nil {
		t.Fatalf("make directory %s: %v", name, err)
	}
	want(t, x.API.Close(h), nt.StatusSuccess)
}

func (x *Files) content(t testing.TB, name string) string {
	t.Helper()
	h, _, err := x.create(t, name, nt.FileOpen, nt.FileNonDirectoryFile, access(nt.GenericRead))
	if err != nil {
		t.Fatalf("open %s: %v", name, err)
	}
	defer x.API.Close(h)
	b := make([]byte, 1<<16)
	n, err := x.API.ReadFile(t.Context(), h, b, 0)
	if err != nil && !errors.Is(err, nt.StatusEndOfFile) {
		t.Fatalf("read %s: %v", name, err)
	}
	return string(b[:n])
}

func access(m nt.AccessMask) func(*api.CreateArgs) {
	return func(a *api.CreateArgs) { a.DesiredAccess = m }
}

func share(s uint32) func(*api.CreateArgs) { return func(a *api.CreateArgs) { a.ShareAccess = s } }

func (x *Files) exists(t testing.TB, name string) bool {
	t.Helper()
	h, _, err := x.create(t, name, nt.FileOpen, 0, access(nt.FileReadAttributes))
	if err == nil {
		x.API.Close(h)
	}
	return err == nil
}

// The table of MS-FSA 2.1.5.1.
func filesDispositions(t *testing.T, x *Files) {
	for i, c := range []struct {
		disposition uint32
		exists      bool
		status      nt.Status
		action      uint32
		content     string
	}{
		{nt.FileOpen, true, 0, nt.FileOpened, "old"},
		{nt.FileOpen, false, nt.StatusObjectNameNotFound, 0, ""},
		{nt.FileCreate, true, nt.StatusObjectNameCollision, 0, "old"},
		{nt.FileCreate, false, 0, nt.FileCreated, ""},
		{nt.FileOpenIf, true, 0, nt.FileOpened, "old"},
		{nt.FileOpenIf, false, 0, nt.FileCreated, ""},
		{nt.FileOverwrite, true, 0, nt.FileOverwritten, ""},
		{nt.FileOverwrite, false, nt.StatusObjectNameNotFound, 0, ""},
		{nt.FileOverwriteIf, true, 0, nt.FileOverwritten, ""},
		{nt.FileOverwriteIf, false, 0, nt.FileCreated, ""},
		{nt.FileSupersede, false, 0, nt.FileCreated, ""},
	} {
		name := fmt.Sprint("f", i)
		if c.exists {
			x.file(t, name, "old")
		}
		h, action, err := x.create(t, name, c.disposition, 0)
		if c.status != 0 {
			if !errors.Is(err, c.status) {
				t.Errorf("disposition %d, exists %v: %v, want %v", c.disposition, c.exists, err, c.status)
			}
			continue
		}
		if err != nil || action != c.action {
			t.Errorf("disposition %d, exists %v: action %d, %v; want %d", c.disposition, c.exists, action, err, c.action)
			continue
		}
		x.API.Close(h)
		if got := x.content(t, name); got != c.content {
			t.Errorf("disposition %d, exists %v: content %q, want %q", c.disposition, c.exists, got, c.content)
		}
	}
}

func filesTypes(t *testing.T, x *Files) {
	x.file(t, "f", "")
	x.directory(t, "d")
	for _, c := range []struct {
		name                 string
		disposition, options uint32
		status               nt.Status
	}{
		{"f", nt.FileOpen, nt.FileDirectoryFile, nt.StatusNotADirectory},
		{"d", nt.FileOpen, nt.FileNonDirectoryFile, nt.StatusFileIsADirectory},
		{"d", nt.FileCreate, nt.FileDirectoryFile, nt.StatusObjectNameCollision},
		{"f", nt.FileCreate, nt.FileDirectoryFile, nt.StatusObjectNameCollision},
		{`f\x`, nt.FileOpen, 0, nt.StatusObjectPathNotFound},
		{`none\x`, nt.FileCreate, 0, nt.StatusObjectPathNotFound},
		{"d", nt.FileOpen, nt.FileDirectoryFile | nt.FileNonDirectoryFile, nt.StatusInvalidParameter},
	} {
		h, _, err := x.create(t, c.name, c.disposition, c.options)
		if err == nil {
			x.API.Close(h)
		}
		if !errors.Is(err, c.status) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	d := x.open(t, "d", nt.FileOpen, 0)
	if _, err := x.API.ReadFile(t.Context(), d, make([]byte, 1), 0); !errors.Is(err, nt.StatusInvalidDeviceRequest) {
		t.Errorf("read of a directory: %v", err)
	}
}

func filesNames(t *testing.T, x *Files) {
	for _, name := range []string{"Größe", "共有", "a b", "😀", "x.y.z", "~!@#$%^&()_+{}[]'`;,.=-x"} {
		x.file(t, name, name)
		if got := x.content(t, name); got != name {
			t.Errorf("%q holds %q", name, got)
		}
	}
	for _, name := range []string{`a*b`, `a?b`, `a<b`, `a>b`, `a"b`, `a|b`} {
		if h, _, err := x.create(t, name, nt.FileCreate, 0); !errors.Is(err, nt.StatusObjectNameInvalid) {
			t.Errorf("%q: %v", name, err)
			if err == nil {
				x.API.Close(h)
			}
		}
	}
}

func filesCase(t *testing.T, x *Files) {
	x.file(t, "MixedÄ", "1")
	if got := x.content(t, "mIXEDä"); got != "1" {
		t.Errorf("another case: %q", got)
	}
	if _, _, err := x.create(t, "MIXEDÄ", nt.FileCreate, 0); !errors.Is(err, nt.StatusObjectNameCollision) {
		t.Errorf("create in another case: %v", err)
	}
	if got := x.list(t, "*"); !slices.Equal(got, []string{".", "..", "MixedÄ"}) {
		t.Errorf("the case that was given is kept: %q", got)
	}
}

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

func (x *Files) size(t testing.TB, h api.Handle) int64 {
	t.Helper()
	return int64(binary.LittleEndian.Uint64(x.query(t, h, nt.FileStandardInformation, 24)[8:]))
}

func (x *Files) query(t testing.TB, h api.Handle, class nt.FileInfoClass, size int) []byte {
	t.Helper()
	b := make([]byte, size)
	n, err := x.API.QueryInformationFile(t.Context(), h, class, b)
	if err != nil {
		t.Fatalf("query class %d: %v", class, err)
	}
	return b[:n]
}

func (x *Files) set(t testing.TB, h api.Handle, class nt.FileInfoClass, b []byte) error {
	t.Helper()
	return x.API.SetInformationFile(t.Context(), h, class, b)
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

func filesInformation(t *testing.T, x *Files) {
	x.file(t, "f", "12345")
	x.directory(t, "d")
	f, d := x.open(t, "f", nt.FileOpen, 0), x.open(t, "d", nt.FileOpen, 0)
	std := x.query(t, f, nt.FileStandardInformation, 24)
	if len(std) != 24 || binary.LittleEndian.Uint64(std[8:]) != 5 || binary.LittleEndian.Uint32(std[16:]) != 1 || std[20] != 0 || std[21] != 0 {
		t.Errorf("standard information of a file: %x", std)
	}
	if std = x.query(t, d, nt.FileStandardInformation, 24); std[21] != 1 {
		t.Errorf("standard information of a directory: %x", std)
	}
	basic := x.query(t, d, nt.FileBasicInformation, 40)
	if binary.LittleEndian.Uint32(basic[32:])&nt.FileAttributeDirectory == 0 {
		t.Errorf("attributes of a directory: %x", basic)
	}
	now := nt.NowTime()
	for i, what := range []string{"creation", "access", "write", "change"} {
		at := nt.Time(binary.LittleEndian.Uint64(basic[8*i:]))
		if at > now+1e9 || at+1e9 < now { // within 100 s
			t.Errorf("%s time %v, now is %v", what, at.Go(), now.Go())
		}
	}
	if n := x.query(t, f, nt.FileNetworkOpenInformation, 56); len(n) != 56 || binary.LittleEndian.Uint64(n[40:]) != 5 {
		t.Errorf("network open information: %x", n)
	}
	idF, idD := x.query(t, f, nt.FileInternalInformation, 8), x.query(t, d, nt.FileInternalInformation, 8)
	if bytes.Equal(idF, idD) {
		t.Errorf("two files have the id %x", idF)
	}
	all := x.query(t, f, nt.FileAllInformation, 1024)
	if len(all) < 100 || !bytes.Equal(all[40+8:40+16], uint64Bytes(5)) || !bytes.Contains(all, nt.AppendUTF16(nil, "f")) {
		t.Errorf("all information: %x", all)
	}
	if _, err := x.API.QueryInformationFile(t.Context(), f, nt.FileBasicInformation, make([]byte, 10)); !errors.Is(err, nt.StatusInfoLengthMismatch) {
		t.Errorf("a short buffer: %v", err)
	}
	if _, err := x.API.QueryInformationFile(t.Context(), f, 0xFE, make([]byte, 100)); err == nil {
		t.Error("an information class that there is not")
	}
}

func uint64Bytes(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }

func filesBasic(t *testing.T, x *Files) {
	x.file(t, "f", "")
	h := x.open(t, "f", nt.FileOpen, 0, access(filesAll|nt.FileReadAttributes|nt.FileWriteAttributes))
	written := nt.TimeOf(time.Date(2009, 7, 1, 12, 0, 0, 0, time.UTC))
	b := make([]byte, 40)
	binary.LittleEndian.PutUint64(b[16:], uint64(written))
	binary.LittleEndian.PutUint32(b[32:], nt.FileAttributeReadonly)
	want(t, x.set(t, h, nt.FileBasicInformation, b), nt.StatusSuccess)
	got := x.query(t, h, nt.FileBasicInformation, 40)
	if nt.Time(binary.LittleEndian.Uint64(got[16:])) != written || binary.LittleEndian.Uint32(got[32:])&nt.FileAttributeReadonly == 0 {
		t.Errorf("what was set is %x", got)
	}
	if _, _, err := x.create(t, "f", nt.FileOpen, 0, access(nt.FileWriteData)); !errors.Is(err, nt.StatusAccessDenied) {
		t.Errorf("a file that is only to be read is opened for writing: %v", err)
	}
	binary.LittleEndian.PutUint64(b[16:], 0)
	binary.LittleEndian.PutUint32(b[32:], nt.FileAttributeNormal)
	want(t, x.set(t, h, nt.FileBasicInformation, b), nt.StatusSuccess)
	got = x.query(t, h, nt.FileBasicInformation, 40)
	if nt.Time(binary.LittleEndian.Uint64(got[16:])) != written || binary.LittleEndian.Uint32(got[32:])&nt.FileAttributeReadonly != 0 {
		t.Errorf("what was left, and set back, is %x", got)
	}
}

// renameTo is FileRenameInformation for a name in the same directory.
func renameTo(name string, replace bool) []byte {
	b := make([]byte, 20)
	if replace {
		b[0] = 1
	}
	binary.LittleEndian.PutUint32(b[16:], uint32(2*nt.UTF16Len(name)))
	return nt.AppendUTF16(b, name)
}

func filesRename(t *testing.T, x *Files) {
	x.file(t, "a", "A")
	x.file(t, "b", "B")
	h, _, err := x.create(t, "a", nt.FileOpen, 0)
	want(t, err, nt.StatusSuccess)
	want(t, x.set(t, h, nt.FileRenameInformation, renameTo("b", false)), nt.StatusObjectNameCollision)
	want(t, x.set(t, h, nt.FileRenameInformation, renameTo("c", false)), nt.StatusSuccess)
	if x.exists(t, "a") {
		t.Error("the old name is there")
	}
	want(t, x.set(t, h, nt.FileRenameInformation, renameTo("b", true)), nt.StatusSuccess)
	x.API.Close(h)
	if got := x.content(t, "b"); got != "A" {
		t.Errorf("%q", got)
	}
	if x.exists(t, "c") {
		t.Error("the name between is there")
	}
	h = x.open(t, "b", nt.FileOpen, 0, access(nt.GenericRead))
	want(t, x.set(t, h, nt.FileRenameInformation, renameTo("d", false)), nt.StatusAccessDenied)
}

func filesRenameDirectory(t *testing.T, x *Files) {
	x.directory(t, "d")
	x.file(t, `d\f`, "F")
	h, _, err := x.create(t, "d", nt.FileOpen, nt.FileDirectoryFile)
	want(t, err, nt.StatusSuccess)
	want(t, x.set(t, h, nt.FileRenameInformation, renameTo("e", false)), nt.StatusSuccess)
	x.API.Close(h)
	if got := x.content(t, `e\f`); got != "F" {
		t.Errorf("%q", got)
	}
}

func filesDelete(t *testing.T, x *Files) {
	x.file(t, "f", "")
	x.directory(t, "d")
	x.file(t, `d\f`, "")
	h, _, err := x.create(t, "f", nt.FileOpen, 0)
	want(t, err, nt.StatusSuccess)
	want(t, x.set(t, h, nt.FileDispositionInformation, []byte{1}), nt.StatusSuccess)
	if _, _, err := x.create(t, "f", nt.FileOpen, 0); !errors.Is(err, nt.StatusDeletePending) {
		t.Errorf("open of what is about to go: %v", err)
	}
	want(t, x.set(t, h, nt.FileDispositionInformation, []byte{0}), nt.StatusSuccess)
	if !x.exists(t, "f") {
		t.Error("a deletion that was taken back")
	}
	want(t, x.set(t, h, nt.FileDispositionInformation, []byte{1}), nt.StatusSuccess)
	x.API.Close(h)
	if x.exists(t, "f") {
		t.Error("what was deleted is there")
	}
	d, _, err := x.create(t, "d", nt.FileOpen, nt.FileDirectoryFile)
	want(t, err, nt.StatusSuccess)
	want(t, x.set(t, d, nt.FileDispositionInformation, []byte{1}), nt.StatusDirectoryNotEmpty)
	h, _, err = x.create(t, `d\f`, nt.FileOpen, nt.FileDeleteOnClose)
	want(t, err, nt.StatusSuccess)
	x.API.Close(h)
	want(t, x.set(t, d, nt.FileDispositionInformation, []byte{1}), nt.StatusSuccess)
	x.API.Close(d)
	if x.exists(t, "d") {
		t.Error("the directory that was deleted is there")
	}
}

func filesDeleteOnClose(t *testing.T, x *Files) {
	h, _, err := x.create(t, "f", nt.FileCreate, nt.FileDeleteOnClose)
	want(t, err, nt.StatusSuccess)
	second, _, err := x.create(t, "f", nt.FileOpen, 0)
	want(t, err, nt.StatusSuccess)
	x.API.Close(h)
	if _, _, err := x.create(t, "f", nt.FileOpen, 0); !errors.Is(err, nt.StatusDeletePending) {
		t.Errorf("between the closes: %v", err)
	}
	x.API.Close(second)
	if x.exists(t, "f") {
		t.Error("it is there after the last close")
	}
	if _, _, err := x.create(t, "g", nt.FileCreate, nt.FileDeleteOnClose, access(nt.GenericRead)); err == nil {
		t.Error("delete on close without the right to delete")
	}
}

// list gives the names that match, sorted.
func (x *Files) list(t testing.TB, pattern string) []string {
	t.Helper()
	h, _, err := x.create(t, "", nt.FileOpen, nt.FileDirectoryFile, access(nt.FileListDirectory|nt.FileReadAttributes|nt.Synchronize))
	if err != nil {
		t.Fatal(err)
	}
	defer x.API.Close(h)
	return x.listOf(t, h, pattern, 1024)
}

func (x *Files) listOf(t testing.TB, h api.Handle, pattern string, size int) []string {
	t.Helper()
	var names []string
	for first := true; ; first = false {
		b := make([]byte, size)
		n, err := x.API.QueryDirectoryFile(t.Context(), h, nt.FileNamesInformation, &api.DirArgs{Pattern: pattern, Restart: first}, b)
		if errors.Is(err, nt.StatusNoMoreFiles) || first && errors.Is(err, nt.StatusNoSuchFile) {
			slices.Sort(names)
			return names
		}
		if err != nil {
			t.Fatalf("list %s: %v", pattern, err)
		}
		for b = b[:n]; ; {
			next, length := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[8:])
			names = append(names, nt.DecodeUTF16(b[12:12+length]))
			if next == 0 {
				break
			}
			b = b[next:]
		}
	}
}

func filesDirectory(t *testing.T, x *Files) {
	want := []string{".", ".."}
	for i := range 150 {
		name := fmt.Sprintf("file with a name of some length %03d", i)
		x.file(t, name, "")
		want = append(want, name)
	}
	if got := x.list(t, "*"); !slices.Equal(got, want) {
		t.Errorf("%d entries, want %d", len(got), len(want))
	}
	h := x.open(t, "", nt.FileOpen, nt.FileDirectoryFile, access(nt.FileListDirectory|nt.Synchronize))
	b := make([]byte, 4096)
	n, err := x.API.QueryDirectoryFile(t.Context(), h, nt.FileIdBothDirectoryInformation, &api.DirArgs{Pattern: "*007"}, b)
	if err != nil || n < 104 {
		t.Fatalf("%d, %v", n, err)
	}
	if name := nt.DecodeUTF16(b[104 : 104+binary.LittleEndian.Uint32(b[60:])]); name != want[9] || binary.LittleEndian.Uint32(b) != 0 {
		t.Errorf("the entry is %q", name)
	}
}

func filesWildcards(t *testing.T, x *Files) {
	for _, name := range []string{"abc.txt", "abd.TXT", "x", "x.y.z"} {
		x.file(t, name, "")
	}
	for pattern, want := range map[string][]string{
		"*.txt": {"abc.txt", "abd.TXT"}, "ab?.txt": {"abc.txt", "abd.TXT"}, "ABC.TXT": {"abc.txt"}, "x*": {"x", "x.y.z"}, "none*": nil, "?": {"x"},
		"*.*.*": {"x.y.z"}, "x.y<z": {"x.y.z"},
	} {
		got := slices.DeleteFunc(x.list(t, pattern), func(s string) bool { return s == "." || s == ".." })
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", pattern, got, want)
		}
	}
}

func filesSingle(t *testing.T, x *Files) {
	x.file(t, "a", "")
	x.file(t, "b", "")
	h := x.open(t, "", nt.FileOpen, nt.FileDirectoryFile, access(nt.FileListDirectory|nt.Synchronize))
	var names []string
	b := make([]byte, 1024)
	for first := true; ; first = false {
		n, err := x.API.QueryDirectoryFile(t.Context(), h, nt.FileNamesInformation, &api.DirArgs{Pattern: "*", Restart: first, Single: true}, b)
		if errors.Is(err, nt.StatusNoMoreFiles) {
			break
		}
		if err != nil || binary.LittleEndian.Uint32(b) != 0 {
			t.Fatalf("%d, %v: more than one entry", n, err)
		}
		names = append(names, nt.DecodeUTF16(b[12:12+binary.LittleEndian.Uint32(b[8:])]))
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{".", "..", "a", "b"}) {
		t.Errorf("%q", names)
	}
}

func filesShare(t *testing.T, x *Files) {
	x.file(t, "f", "")
	h, _, err := x.create(t, "f", nt.FileOpen, 0, access(nt.GenericRead), share(nt.FileShareRead))
	want(t, err, nt.StatusSuccess)
	for _, c := range []struct {
		access nt.AccessMask
		share  uint32
		status nt.Status
	}{
		{nt.GenericRead, shareAll, 0}, {nt.GenericRead, nt.FileShareRead, 0}, {nt.GenericRead, 0, nt.StatusSharingViolation},
		{nt.GenericWrite, shareAll, nt.StatusSharingViolation}, {nt.Delete, shareAll, nt.StatusSharingViolation}, {nt.FileReadAttributes, 0, 0},
	} {
		h, _, err := x.create(t, "f", nt.FileOpen, 0, access(c.access), share(c.share))
		if err == nil {
			x.API.Close(h)
		}
		if nt.StatusOf(err) != c.status {
			t.Errorf("%+v: %v", c, err)
		}
	}
	x.API.Close(h)
	h, _, err = x.create(t, "f", nt.FileOpen, 0, share(0))
	want(t, err, nt.StatusSuccess)
	x.API.Close(h)
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

func filesNotify(t *testing.T, x *Files) {
	h := x.open(t, "", nt.FileOpen, nt.FileDirectoryFile, access(nt.FileListDirectory|nt.Synchronize))
	type result struct {
		n   int
		err error
	}
	b := make([]byte, 1024)
	got := make(chan result, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		n, err := x.API.NotifyChangeDirectoryFile(ctx, h, nt.FileNotifyChangeFileName, false, b)
		got <- result{n, err}
	}()
	select {
	case r := <-got:
		t.Fatalf("it did not wait: %v", r.err)
	case <-time.After(50 * time.Millisecond):
	}
	x.file(t, "new", "")
	select {
	case r := <-got:
		if r.err != nil || r.n < 12 || binary.LittleEndian.Uint32(b[4:]) != nt.FileActionAdded || nt.DecodeUTF16(b[12:12+binary.LittleEndian.Uint32(b[8:])]) != "new" {
			t.Errorf("%x, %v", b[:r.n], r.err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("nothing is told")
	}
	go func() {
		n, err := x.API.NotifyChangeDirectoryFile(ctx, h, nt.FileNotifyChangeFileName, false, b)
		got <- result{n, err}
	}()
	select {
	case r := <-got:
		t.Fatalf("it did not wait: %x, %v", b[:r.n], r.err)
	case <-time.After(50 * time.Millisecond):
	}
	cancel()
	if r := <-got; r.err == nil {
		t.Errorf("it was cancelled, and answers %x", b[:r.n])
	}
}

func filesAccess(t *testing.T, x *Files) {
	x.file(t, "f", "12345")
	r := x.open(t, "f", nt.FileOpen, 0, access(nt.FileReadData|nt.Synchronize))
	if _, err := x.API.WriteFile(t.Context(), r, []byte("x"), 0); !errors.Is(err, nt.StatusAccessDenied) {
		t.Errorf("write without the right: %v", err)
	}
	want(t, x.set(t, r, nt.FileEndOfFileInformation, uint64Bytes(1)), nt.StatusAccessDenied)
	want(t, x.set(t, r, nt.FileDispositionInformation, []byte{1}), nt.StatusAccessDenied)
	w := x.open(t, "f", nt.FileOpen, 0, access(nt.FileWriteData|nt.Synchronize))
	if _, err := x.API.ReadFile(t.Context(), w, make([]byte, 1), 0); !errors.Is(err, nt.StatusAccessDenied) {
		t.Errorf("read without the right: %v", err)
	}
}

func filesVolume(t *testing.T, x *Files) {
	h := x.open(t, "", nt.FileOpen, nt.FileDirectoryFile, access(nt.FileReadData|nt.FileReadAttributes))
	for class, least := range map[nt.FsInfoClass]int{nt.FileFsSizeInformation: 24, nt.FileFsFullSizeInformation: 32, nt.FileFsAttributeInformation: 12, nt.FileFsVolumeInformation: 18, nt.FileFsDeviceInformation: 8} {
		b := make([]byte, 512)
		n, err := x.API.QueryVolumeInformationFile(t.Context(), h, class, b)
		if err != nil || n < least {
			t.Errorf("class %d: %d bytes, %v", class, n, err)
		}
		if class == nt.FileFsSizeInformation && (binary.LittleEndian.Uint64(b) == 0 || binary.LittleEndian.Uint32(b[20:]) == 0) {
			t.Errorf("size information: %x", b[:n])
		}
	}
}

func filesSecurity(t *testing.T, x *Files) {
	x.file(t, "f", "")
	h := x.open(t, "f", nt.FileOpen, 0, access(nt.ReadControl))
	b := make([]byte, 8192)
	n, err := x.API.QuerySecurityObject(t.Context(), h, nt.OwnerSecurityInformation|nt.GroupSecurityInformation|nt.DACLSecurityInformation, b)
	if err != nil {
		t.Fatal(err)
	}
	sd, err := nt.ParseSecurityDescriptor(b[:n])
	if err != nil || sd.Owner.IsZero() || sd.DACL == nil {
		t.Errorf("%v, %v", sd, err)
	}
	if _, err := x.API.QuerySecurityObject(t.Context(), h, nt.OwnerSecurityInformation, nil); !errors.Is(err, nt.StatusBufferTooSmall) {
		t.Errorf("without a buffer: %v", err)
	}
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
