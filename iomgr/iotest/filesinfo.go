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
