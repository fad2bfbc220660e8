package pvfs_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// tree makes files of a map of paths to contents; a path that ends with a slash is a directory.
func tree(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for path, content := range files {
		full := filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o777); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(path, "/") {
			if err := os.MkdirAll(full, 0o777); err != nil {
				t.Fatal(err)
			}
		} else if err := os.WriteFile(full, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// versioned opens files of the share with what tells of its versions.
type versioned struct {
	t *testing.T
	m *iomgr.Manager
	s *api.Snapshots
}

func (v *versioned) open(name, at string, edit func(*api.CreateArgs)) (api.Handle, error) {
	v.t.Helper()
	a := &api.CreateArgs{Name: `\pvfs\share` + name, DesiredAccess: nt.FileGenericRead, ShareAccess: 7, Disposition: nt.FileOpen, Contexts: []any{v.s}}
	if at != "" {
		w, ok := nt.ParseGMTToken(at)
		if !ok {
			v.t.Fatalf("%q", at)
		}
		a.Contexts = append(a.Contexts, api.TimeWarp{Time: w + 5_000_000}) // half a second is nothing
	}
	if edit != nil {
		edit(a)
	}
	return v.m.CreateFile(v.t.Context(), a)
}

func (v *versioned) read(name, at string) string {
	v.t.Helper()
	h, err := v.open(name, at, nil)
	if err != nil {
		return nt.StatusOf(err).Name()
	}
	defer v.m.Close(h)
	b := make([]byte, 100)
	n, err := v.m.ReadFile(v.t.Context(), h, b, 0)
	if err != nil {
		return nt.StatusOf(err).Name()
	}
	return string(b[:n])
}

func (v *versioned) list() []string {
	v.t.Helper()
	h, err := v.open("", "", nil)
	if err != nil {
		v.t.Fatal(err)
	}
	defer v.m.Close(h)
	a, err := api.ParseSnapshotArray(fsctl(v.t, v.m, h, nt.FsctlSrvEnumerateSnapshots, nil, 65536, nt.StatusSuccess))
	if err != nil {
		v.t.Fatal(err)
	}
	out := []string{}
	for _, t := range a.Snapshots {
		out = append(out, t.GMTToken())
	}
	return out
}

const (
	older = "@GMT-2024.01.02-03.04.05"
	newer = "@GMT-2024.05.06-07.08.09"
)

func TestSnapshots(t *testing.T) {
	m, dir := mount(t)
	tree(t, dir, map[string]string{
		"share/f": "now", "share/sub/g": "now too", "share/.snapshots/" + older + "/f": "old", "share/.snapshots/" + newer + "/F": "newer", "share/.snapshots/" + newer + "/Sub/g": "sub",
		"share/.snapshots/other/f": "?", "share/.snapshots/@GMT-2024.13.01-00.00.00/f": "?", "secret": "secret", "share2/f": "not yours"})
	if err := os.Symlink("../../../secret", filepath.Join(dir, "share/.snapshots", newer, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir), filepath.Join(dir, "share/.snapshots/@GMT-2023.01.01-00.00.00")); err != nil {
		t.Fatal(err)
	}
	v := &versioned{t, m, &api.Snapshots{Root: `\share`, Dir: ".snapshots", Format: api.GMTFormat}}
	if got := v.list(); !slices.Equal(got, []string{newer, older, "@GMT-2023.01.01-00.00.00"}) {
		t.Errorf("%v", got)
	}
	for _, c := range []struct{ name, at, want string }{
		{`\f`, "", "now"},
		{`\f`, older, "old"},
		{`\F`, older, "old"},
		{`\f`, newer, "newer"},
		{`\sub\g`, newer, "sub"},
		{`\sub\g`, older, "STATUS_OBJECT_PATH_NOT_FOUND"},
		{`\nothing`, older, "STATUS_OBJECT_NAME_NOT_FOUND"},
		{`\f`, "@GMT-2024.01.02-03.04.06", "STATUS_OBJECT_NAME_NOT_FOUND"}, // there is one before, but none of then
		{`\..\..\..\secret`, newer, "STATUS_OBJECT_NAME_INVALID"},
		{`2\f`, newer, "STATUS_OBJECT_NAME_NOT_FOUND"}, // share2 is another directory
		{`\.snapshots\` + older + `\f`, "", "old"},
	} {
		if got := v.read(c.name, c.at); got != c.want {
			t.Errorf("%s at %s: %s, want %s", c.name, c.at, got, c.want)
		}
	}
	for name, at := range map[string]string{`\secret`: "@GMT-2023.01.01-00.00.00", `\link`: newer} {
		if got := v.read(name, at); !strings.HasPrefix(got, "STATUS_") {
			t.Errorf("out by a link: %s", got)
		}
	}
	// Without the place there is no version.
	w, _ := nt.ParseGMTToken(older)
	if _, err := m.CreateFile(t.Context(), &api.CreateArgs{Name: `\pvfs\share\f`, DesiredAccess: nt.FileReadData, ShareAccess: 7, Disposition: nt.FileOpen,
		Contexts: []any{api.TimeWarp{Time: w}}}); !errors.Is(err, nt.StatusObjectNameNotFound) {
		t.Errorf("%v", err)
	}
	h := mustOpen(t, m, `share\f`, nt.FileOpen, 0)
	defer m.Close(h)
	if got := fsctl(t, m, h, nt.FsctlSrvEnumerateSnapshots, nil, 16, nt.StatusSuccess); le.Uint32(got) != 0 {
		t.Errorf("%x", got)
	}
	fsctl(t, m, h, nt.FsctlSrvEnumerateSnapshots, nil, 15, nt.StatusInvalidParameter)
}

// TestSnapshotReadOnly: nothing of a version changes, neither opened by its time nor by its path.
func TestSnapshotReadOnly(t *testing.T) {
	m, dir := mount(t)
	tree(t, dir, map[string]string{"share/f": "now", "share/.snapshots/" + older + "/f": "old", "share/.snapshots/" + older + "/d/": ""})
	v := &versioned{t, m, &api.Snapshots{Root: `\share`, Dir: ".snapshots", Format: api.GMTFormat}}
	for _, way := range []struct{ prefix, at string }{{`\`, older}, {`\.SNAPSHOTS\` + older + `\`, ""}} {
		for _, c := range []struct {
			name        string
			access      nt.AccessMask
			disposition uint32
			options     uint32
			status      nt.Status
		}{
			{"f", nt.FileReadData, nt.FileOpen, 0, 0},
			{"f", nt.FileReadData, nt.FileOpenIf, 0, 0},
			{"f", nt.MaximumAllowed, nt.FileOpen, 0, 0},
			{"f", nt.FileWriteData, nt.FileOpen, 0, nt.StatusMediaWriteProtected},
			{"f", nt.FileAppendData, nt.FileOpen, 0, nt.StatusMediaWriteProtected},
			{"f", nt.GenericWrite, nt.FileOpen, 0, nt.StatusMediaWriteProtected},
			{"f", nt.GenericAll | nt.MaximumAllowed, nt.FileOpen, 0, nt.StatusMediaWriteProtected},
			{"f", nt.Delete, nt.FileOpen, 0, nt.StatusMediaWriteProtected},
			{"f", nt.WriteDAC, nt.FileOpen, 0, nt.StatusMediaWriteProtected},
			{"f", nt.FileWriteAttributes, nt.FileOpen, 0, nt.StatusMediaWriteProtected},
			{"f", nt.FileReadData, nt.FileOverwriteIf, 0, nt.StatusMediaWriteProtected},
			{"f", nt.FileReadData, nt.FileSupersede, 0, nt.StatusMediaWriteProtected},
			{"f", nt.MaximumAllowed, nt.FileOpen, nt.FileDeleteOnClose, nt.StatusMediaWriteProtected},
			{"f:stream", nt.FileReadData, nt.FileOpenIf, 0, nt.StatusObjectNameNotFound},
			{"new", nt.FileReadData, nt.FileOpenIf, 0, nt.StatusMediaWriteProtected},
			{"new", nt.FileReadData, nt.FileCreate, 0, nt.StatusMediaWriteProtected},
			{"d", nt.FileAddFile, nt.FileOpen, nt.FileDirectoryFile, nt.StatusMediaWriteProtected},
			{"", nt.Delete, nt.FileOpen, nt.FileDirectoryFile, nt.StatusMediaWriteProtected},
		} {
			h, err := v.open(way.prefix+c.name, way.at, func(a *api.CreateArgs) {
				a.DesiredAccess, a.Disposition, a.Options = c.access, c.disposition, c.options
			})
			if nt.StatusOf(err) != c.status {
				t.Errorf("%+v by %q: %v", c, way.prefix, err)
			}
			if err == nil {
				m.Close(h)
			}
		}
		var args *api.CreateArgs
		h, err := v.open(way.prefix+"f", way.at, func(a *api.CreateArgs) {
			a.DesiredAccess = nt.MaximumAllowed
			a.Contexts = append(a.Contexts, api.MaximalAccess{})
			args = a
		})
		if err != nil {
			t.Fatal(err)
		}
		if x, ok := api.Find[api.MaximalAccess](args.Result.Contexts); !ok || x.Access&(nt.FileWriteData|nt.Delete) != 0 || x.Access&nt.FileReadData == 0 {
			t.Errorf("at most %+v", x)
		}
		if g := h.(*api.File).Granted(); g&(nt.FileWriteData|nt.Delete|nt.WriteDAC|nt.FileWriteAttributes) != 0 || g&nt.FileReadData == 0 {
			t.Errorf("granted %x", g)
		}
		if _, err := m.WriteFile(t.Context(), h, []byte("x"), 0); !errors.Is(err, nt.StatusAccessDenied) {
			t.Errorf("write: %v", err)
		}
		link := func(name string) []byte {
			b := make([]byte, 20)
			le.PutUint32(b[16:], uint32(2*len(name)))
			return nt.AppendUTF16(b, name)
		}
		for class, in := range map[nt.FileInfoClass][]byte{nt.FileBasicInformation: make([]byte, 40), nt.FileEndOfFileInformation: make([]byte, 8), nt.FileDispositionInformation: {1},
			nt.FileRenameInformation: link(`\share\g`), nt.FileLinkInformation: link(`\share\g`)} {
			if err := m.SetInformationFile(t.Context(), h, class, in); !errors.Is(err, nt.StatusMediaWriteProtected) {
				t.Errorf("%v: %v", class, err)
			}
		}
		if err := m.SetInformationFile(t.Context(), h, nt.FilePositionInformation, make([]byte, 8)); err != nil {
			t.Errorf("position: %v", err)
		}
		fsctl(t, m, h, nt.FsctlCreateOrGetObjectId, nil, 64, nt.StatusMediaWriteProtected)
		fsctl(t, m, h, nt.FsctlSetSparse, nil, 0, nt.StatusAccessDenied)
		b := make([]byte, 100)
		if _, err := m.QueryVolumeInformationFile(t.Context(), h, nt.FileFsAttributeInformation, b); err != nil || le.Uint32(b)&nt.FileReadOnlyVolume == 0 {
			t.Errorf("%x %v", le.Uint32(b), err)
		}
		want := `\share` + way.prefix + "f"
		if way.at == "" {
			want = `\share\.snapshots\` + older + `\f`
		}
		n, err := m.QueryInformationFile(t.Context(), h, nt.FileNameInformation, b)
		if got := nt.DecodeUTF16(b[4:n]); err != nil || got != want {
			t.Errorf("%q, want %q: %v", got, want, err)
		}
		m.Close(h)
	}
	// Nothing gets in from outside either.
	h, err := v.open(`\f`, "", func(a *api.CreateArgs) { a.DesiredAccess = nt.GenericAll })
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(h)
	name := `\share\.snapshots\` + older + `\f2`
	b := make([]byte, 20)
	le.PutUint32(b[16:], uint32(2*len(name)))
	b = nt.AppendUTF16(b, name)
	for _, class := range []nt.FileInfoClass{nt.FileRenameInformation, nt.FileLinkInformation} {
		if err := m.SetInformationFile(t.Context(), h, class, b); !errors.Is(err, nt.StatusMediaWriteProtected) {
			t.Errorf("%v: %v", class, err)
		}
	}
	if got, err := os.ReadFile(filepath.Join(dir, "share/.snapshots", older, "f")); err != nil || string(got) != "old" {
		t.Errorf("%q %v", got, err)
	}
	if entries, err := os.ReadDir(filepath.Join(dir, "share/.snapshots", older)); err != nil || len(entries) != 2 {
		t.Errorf("%v %v", entries, err)
	}
}

func TestSnapperLayout(t *testing.T) {
	m, dir := mount(t)
	const info = `<?xml version="1.0"?><snapshot><type>single</type><num>7</num><date>2024-01-02 03:04:05</date></snapshot>`
	tree(t, dir, map[string]string{"share/f": "now", "share/.snapshots/7/info.xml": info, "share/.snapshots/7/snapshot/f": "seven",
		"share/.snapshots/8/info.xml": "<snapshot><date>soon</date></snapshot>", "share/.snapshots/8/snapshot/f": "?",
		"share/.snapshots/9/info.xml": "<snapshot>" + strings.Repeat(" ", 100<<10) + "<date>2024-01-02 03:04:06</date></snapshot>", "share/.snapshots/x/info.xml": info})
	v := &versioned{t, m, &api.Snapshots{Root: `\share`, Dir: ".snapshots", Format: api.SnapperFormat}}
	if got := v.list(); !slices.Equal(got, []string{older}) {
		t.Errorf("%v", got)
	}
	if got := v.read(`\f`, older); got != "seven" {
		t.Errorf("%s", got)
	}
	h, err := v.open(`\f`, older, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(h)
	b := make([]byte, 100)
	if n, err := m.QueryInformationFile(t.Context(), h, nt.FileNameInformation, b); err != nil || nt.DecodeUTF16(b[4:n]) != `\share\f` {
		t.Errorf("%q %v", b[4:n], err)
	}
}

// TestSnapshotsBounded: of very many versions the newest are told, each second once.
func TestSnapshotsBounded(t *testing.T) {
	m, dir := mount(t)
	base := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	files := map[string]string{"share/": ""}
	for i := range 1100 {
		files["share/.snapshots/a-"+base.Add(time.Duration(i)*time.Hour).Format("20060102.150405")+"/"] = ""
	}
	files[fmt.Sprintf("share/.snapshots/b-%s/", base.Add(1099*time.Hour).Format("20060102.150405"))] = ""
	tree(t, dir, files)
	v := &versioned{t, m, &api.Snapshots{Root: `\share`, Dir: ".snapshots", Format: "*-%Y%m%d.%H%M%S"}}
	got := v.list()
	if len(got) != 1024 || got[0] != nt.TimeOf(base.Add(1099*time.Hour)).GMTToken() || got[1] != nt.TimeOf(base.Add(1098*time.Hour)).GMTToken() {
		t.Errorf("%d: %v", len(got), got[:2])
	}
}
