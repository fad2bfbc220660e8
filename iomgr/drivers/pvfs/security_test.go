package pvfs_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

var (
	aliceSID = nt.MustSID("S-1-5-21-1-2-3-1001")
	bobSID   = nt.MustSID("S-1-5-21-1-2-3-1002")
)

// account is the token of somebody without a Unix id.
func account(sid nt.SID, privileges nt.Privileges) *nt.Token {
	return &nt.Token{User: sid, PrimaryGroup: nt.MustSID("S-1-5-21-1-2-3-513"), Privileges: privileges, Groups: []nt.Group{
		{SID: nt.SIDWorld, Attributes: nt.SEGroupDefault}, {SID: nt.SIDAuthenticatedUsers, Attributes: nt.SEGroupDefault}}}
}

func unixUser(uid, gid uint32) *nt.Token {
	t := account(nt.SIDUnixUsers.Child(uid), 0)
	t.HasUnixID, t.UID, t.GID, t.PrimaryGroup = true, uid, gid, nt.SIDUnixGroups.Child(gid)
	t.Groups = append(t.Groups, nt.Group{SID: t.PrimaryGroup, Attributes: nt.SEGroupDefault})
	return t
}

func openAs(m *iomgr.Manager, who *nt.Token, name string, access nt.AccessMask, disposition uint32, edit ...func(*api.CreateArgs)) (api.Handle, *api.CreateArgs, error) {
	a := &api.CreateArgs{Name: `\pvfs\` + name, Token: who, DesiredAccess: access, ShareAccess: 7, Disposition: disposition}
	for _, f := range edit {
		f(a)
	}
	h, err := m.CreateFile(context.Background(), a)
	return h, a, err
}

func options(o uint32) func(*api.CreateArgs) { return func(a *api.CreateArgs) { a.Options = o } }

func descriptor(t *testing.T, sddl string) *nt.SecurityDescriptor {
	t.Helper()
	sd, err := nt.ParseSDDL(sddl, nt.SID{})
	if err != nil {
		t.Fatal(err)
	}
	return sd
}

func withSD(t *testing.T, sddl string) func(*api.CreateArgs) {
	sd := descriptor(t, sddl)
	return func(a *api.CreateArgs) { a.SecurityDescriptor = sd }
}

func mustAs(t *testing.T, m *iomgr.Manager, who *nt.Token, name string, access nt.AccessMask, disposition uint32, edit ...func(*api.CreateArgs)) (api.Handle, *api.CreateArgs) {
	t.Helper()
	h, a, err := openAs(m, who, name, access, disposition, edit...)
	if err != nil {
		t.Fatalf("%s for %#x: %v", name, uint32(access), err)
	}
	return h, a
}

func querySD(t *testing.T, m *iomgr.Manager, h api.Handle) *nt.SecurityDescriptor {
	t.Helper()
	b := make([]byte, 8192)
	n, err := m.QuerySecurityObject(t.Context(), h, nt.OwnerSecurityInformation|nt.GroupSecurityInformation|nt.DACLSecurityInformation, b)
	if err != nil {
		t.Fatal(err)
	}
	sd, err := nt.ParseSecurityDescriptor(b[:n])
	if err != nil {
		t.Fatal(err)
	}
	return sd
}

// attributes skips where there are no extended attributes.
func attributes(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, "probe")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(path)
	if err := setUserAttribute(path); err != nil {
		t.Skipf("the file system keeps no attributes: %v", err)
	}
}

const (
	ace1001 = "(A;;FA;;;S-1-5-21-1-2-3-1001)"
	ace1002 = "(A;;FR;;;S-1-5-21-1-2-3-1002)"
)

// TestDescriptorDecides: what a descriptor says holds, until a local program changes the mode.
func TestDescriptorDecides(t *testing.T) {
	m, dir := mount(t)
	attributes(t, dir)
	alice, bob := account(aliceSID, 0), account(bobSID, 0)
	h, _ := mustAs(t, m, alice, "f", nt.GenericAll, nt.FileCreate, withSD(t, "D:P"+ace1001+ace1002))
	if sd := querySD(t, m, h); sd.Owner != aliceSID || len(sd.DACL.ACEs) != 2 {
		t.Errorf("%+v", sd)
	}
	m.Close(h)
	if fi, _ := os.Stat(filepath.Join(dir, "f")); fi.Mode().Perm() != 0o600 {
		t.Errorf("local programs see mode %v", fi.Mode())
	}
	check := func(when string, status nt.Status) {
		t.Helper()
		for _, c := range []struct {
			access      nt.AccessMask
			disposition uint32
			status      nt.Status
		}{{nt.GenericRead, nt.FileOpen, 0}, {nt.GenericWrite, nt.FileOpen, status}, {nt.WriteDAC, nt.FileOpen, status}, {nt.GenericRead, nt.FileOverwrite, status},
			{nt.AccessSystemSecurity, nt.FileOpen, nt.StatusPrivilegeNotHeld}} {
			h, _, err := openAs(m, bob, "f", c.access, c.disposition)
			if nt.StatusOf(err) != c.status {
				t.Errorf("%s: %+v: %v", when, c, err)
			}
			if err == nil {
				m.Close(h)
			}
		}
	}
	check("as it was made", nt.StatusAccessDenied)
	// To be read only is an attribute: it changes nothing of who may what.
	h, _ = mustAs(t, m, alice, "f", nt.FileWriteAttributes, nt.FileOpen)
	for _, attrs := range []uint32{nt.FileAttributeReadonly, nt.FileAttributeNormal} {
		b := make([]byte, 40)
		le.PutUint32(b[32:], attrs)
		if err := m.SetInformationFile(t.Context(), h, nt.FileBasicInformation, b); err != nil {
			t.Fatal(err)
		}
	}
	m.Close(h)
	check("after it was only to be read", nt.StatusAccessDenied)
	if err := os.Chmod(filepath.Join(dir, "f"), 0o644); err != nil {
		t.Fatal(err)
	}
	check("after chmod", nt.StatusSuccess) // the server's own user's file, which others may read: its accounts have the owner's rights
}

// TestPlainShare: accounts use what a local administrator made.
func TestPlainShare(t *testing.T) {
	m, dir := mount(t)
	for _, c := range []struct {
		mode   os.FileMode
		status nt.Status
	}{{0o755, 0}, {0o777, 0}, {0o700, nt.StatusAccessDenied}} {
		if err := os.Chmod(dir, c.mode); err != nil {
			t.Fatal(err)
		}
		h, _, err := openAs(m, account(aliceSID, 0), "f", nt.GenericAll, nt.FileOpenIf, options(nt.FileDeleteOnClose))
		if nt.StatusOf(err) != c.status {
			t.Errorf("%v: %v", c.mode, err)
		}
		if err == nil {
			m.Close(h)
		}
		if _, _, err := openAs(m, nt.AnonymousToken(), "g", nt.GenericWrite, nt.FileCreate); !errors.Is(err, nt.StatusAccessDenied) {
			t.Errorf("%v: nobody: %v", c.mode, err)
		}
	}
}

// TestUnixUser: their files are theirs, and the directory's mode holds for them.
func TestUnixUser(t *testing.T) {
	m, dir := mount(t)
	if os.Geteuid() != 0 {
		t.Skip("only root gives files away")
	}
	os.Chmod(dir, 0o755)
	user := unixUser(4321, 1234)
	if _, _, err := openAs(m, user, "f", nt.GenericAll, nt.FileCreate); !errors.Is(err, nt.StatusAccessDenied) {
		t.Errorf("in root's directory: %v", err)
	}
	os.Chmod(dir, 0o777)
	for name, o := range map[string]uint32{"f": 0, "d": nt.FileDirectoryFile} {
		h, _ := mustAs(t, m, user, name, nt.GenericAll, nt.FileCreate, options(o))
		if sd := querySD(t, m, h); sd.Owner != user.User {
			t.Errorf("%s: %+v", name, sd)
		}
		m.Close(h)
		fi, err := os.Stat(filepath.Join(dir, name))
		if st := fi.Sys().(*syscall.Stat_t); err != nil || st.Uid != 4321 || st.Gid != 1234 {
			t.Errorf("%s belongs to %d:%d, %v", name, st.Uid, st.Gid, err)
		}
	}
}

func TestParentRights(t *testing.T) {
	m, dir := mount(t)
	attributes(t, dir)
	alice, bob := account(aliceSID, 0), account(bobSID, 0)
	h, _ := mustAs(t, m, alice, "d", nt.GenericAll, nt.FileCreate, options(nt.FileDirectoryFile), withSD(t, "D:P"+ace1001+"(A;;0x41;;;S-1-5-21-1-2-3-1002)"))
	m.Close(h)
	h, _ = mustAs(t, m, alice, `d\f`, nt.GenericAll, nt.FileCreate, withSD(t, "D:P"+ace1001))
	m.Close(h)
	// He may list and delete the directory's entries: so he may read their attributes and delete them, and nothing else.
	h, a := mustAs(t, m, bob, `d\f`, nt.MaximumAllowed, nt.FileOpen, func(a *api.CreateArgs) { a.Contexts = []any{api.MaximalAccess{}} })
	if got := h.(*api.File).Granted(); got != nt.Delete|nt.FileReadAttributes {
		t.Errorf("granted %#x", uint32(got))
	}
	if x, _ := api.Find[api.MaximalAccess](a.Result.Contexts); x.Access != nt.Delete|nt.FileReadAttributes {
		t.Errorf("maximal access %#x", uint32(x.Access))
	}
	m.Close(h)
	for _, c := range []struct {
		name        string
		who         *nt.Token
		access      nt.AccessMask
		disposition uint32
		options     uint32
		status      nt.Status
	}{
		{`d\f`, bob, nt.ReadControl, nt.FileOpen, 0, nt.StatusAccessDenied},
		{`d\g`, bob, nt.GenericRead, nt.FileCreate, 0, nt.StatusAccessDenied},
		{`d\g`, bob, nt.GenericRead, nt.FileCreate, nt.FileDirectoryFile, nt.StatusAccessDenied},
		{`d\f`, account(bobSID, nt.SeBackupPrivilege), nt.GenericRead, nt.FileOpen, 0, nt.StatusAccessDenied},
		{`d\f`, account(bobSID, nt.SeBackupPrivilege), nt.GenericRead, nt.FileOpen, nt.FileOpenForBackupIntent, 0},
		{`d\f`, account(bobSID, nt.SeBackupPrivilege), nt.GenericWrite, nt.FileOpen, nt.FileOpenForBackupIntent, nt.StatusAccessDenied},
		{`d\f`, account(bobSID, nt.SeRestorePrivilege), nt.GenericWrite | nt.WriteDAC, nt.FileOpen, nt.FileOpenForBackupIntent, 0},
		{`d\f`, account(bobSID, nt.SeTakeOwnershipPrivilege), nt.WriteOwner, nt.FileOpen, 0, 0},
		{`d\f`, account(bobSID, nt.SeSecurityPrivilege), nt.AccessSystemSecurity, nt.FileOpen, 0, 0},
		{`d\f`, bob, nt.Delete, nt.FileOpen, nt.FileDeleteOnClose, 0},
	} {
		h, _, err := openAs(m, c.who, c.name, c.access, c.disposition, options(c.options))
		if nt.StatusOf(err) != c.status {
			t.Errorf("%+v: %v", c, err)
		}
		if err == nil {
			m.Close(h)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "d", "f")); !os.IsNotExist(err) {
		t.Errorf("it was to be deleted: %v", err)
	}
}

// TestRenameRights: who gives a name may add to the directory, and delete what had it.
func TestRenameRights(t *testing.T) {
	m, dir := mount(t)
	attributes(t, dir)
	alice, bob := account(aliceSID, 0), account(bobSID, 0)
	for name, sddl := range map[string]string{"closed": "D:P" + ace1001, "open": "D:P" + ace1001 + "(A;;0x1200af;;;S-1-5-21-1-2-3-1002)"} {
		h, _ := mustAs(t, m, alice, name, nt.GenericAll, nt.FileCreate, options(nt.FileDirectoryFile), withSD(t, sddl))
		m.Close(h)
	}
	h, _ := mustAs(t, m, alice, `open\hers`, nt.GenericAll, nt.FileCreate, withSD(t, "D:P"+ace1001))
	m.Close(h)
	h, _ = mustAs(t, m, bob, "his", nt.GenericAll, nt.FileCreate)
	defer m.Close(h)
	rename := func(to string) error {
		b := make([]byte, 20)
		b[0] = 1
		le.PutUint32(b[16:], uint32(2*len(to)))
		return m.SetInformationFile(t.Context(), h, nt.FileRenameInformation, nt.AppendUTF16(b, to))
	}
	for _, c := range []struct {
		to     string
		status nt.Status
	}{{`\closed\his`, nt.StatusAccessDenied}, {`\open\hers`, nt.StatusAccessDenied}, {`\open\his`, 0}} {
		if err := rename(c.to); nt.StatusOf(err) != c.status {
			t.Errorf("%s: %v", c.to, err)
		}
	}
}

func TestSetSecurity(t *testing.T) {
	m, dir := mount(t)
	attributes(t, dir)
	h, _ := mustAs(t, m, account(aliceSID, 0), "f", nt.GenericAll, nt.FileCreate)
	defer m.Close(h)
	set := func(info nt.SecurityInformation, sddl string, control uint16) nt.Status {
		t.Helper()
		sd := descriptor(t, sddl)
		sd.Control |= control
		return nt.StatusOf(m.SetSecurityObject(t.Context(), h, info, sd.Append(nil)))
	}
	before := querySD(t, m, h)
	if s := set(nt.OwnerSecurityInformation, "O:"+bobSID.String(), 0); s != nt.StatusInvalidOwner {
		t.Errorf("somebody else as owner: %v", s)
	}
	if s := set(nt.SACLSecurityInformation, "S:", 0); s != nt.StatusAccessDenied {
		t.Errorf("a SACL: %v", s)
	}
	if s := nt.StatusOf(m.SetSecurityObject(t.Context(), h, nt.DACLSecurityInformation, []byte{1, 2, 3})); s == nt.StatusSuccess {
		t.Error("no descriptor at all")
	}
	if s := set(nt.DACLSecurityInformation, "D:(A;;GR;;;WD)(A;;FA;;;S-1-5-21-1-2-3-1001)", nt.ControlDACLAutoInherited); s != nt.StatusSuccess {
		t.Fatal(s)
	}
	sd := querySD(t, m, h)
	if sd.Owner != before.Owner || sd.Group != before.Group || sd.DACL.ACEs[0].Mask != nt.FileGenericRead || sd.Control&nt.ControlDACLAutoInherited != 0 {
		t.Errorf("%+v", sd)
	}
	if s := set(nt.DACLSecurityInformation, "D:(A;;FA;;;WD)", nt.ControlDACLAutoInherited|nt.ControlDACLAutoInheritReq); s != nt.StatusSuccess {
		t.Fatal(s)
	}
	if sd = querySD(t, m, h); sd.Control&(nt.ControlDACLAutoInherited|nt.ControlDACLAutoInheritReq) != nt.ControlDACLAutoInherited {
		t.Errorf("control %#x", sd.Control)
	}
	if fi, _ := os.Stat(filepath.Join(dir, "f")); fi.Mode().Perm() != 0o666 {
		t.Errorf("mode %v", fi.Mode())
	}
	if s := set(nt.OwnerSecurityInformation, "O:AU", 0); s != nt.StatusSuccess { // a group of hers
		t.Error(s)
	}
}

// TestHidden: access-based enumeration shows what may be read.
func TestHidden(t *testing.T) {
	m, dir := mount(t)
	attributes(t, dir)
	alice, bob := account(aliceSID, 0), account(bobSID, 0)
	for name, sddl := range map[string]string{"hers": "D:P" + ace1001, "theirs": "D:P" + ace1001 + ace1002} {
		h, _ := mustAs(t, m, alice, name, nt.GenericAll, nt.FileCreate, withSD(t, sddl))
		m.Close(h)
	}
	for _, hides := range []bool{false, true} {
		h, _ := mustAs(t, m, bob, "", nt.FileListDirectory, nt.FileOpen, func(a *api.CreateArgs) {
			a.Contexts = []any{api.ShareFlags{AccessBasedEnumeration: hides}}
		})
		b := make([]byte, 4096)
		n, err := m.QueryDirectoryFile(t.Context(), h, nt.FileNamesInformation, &api.DirArgs{Pattern: "*"}, b)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for b = b[:n]; ; b = b[le.Uint32(b):] {
			names = append(names, nt.DecodeUTF16(b[12:12+le.Uint32(b[8:])]))
			if le.Uint32(b) == 0 {
				break
			}
		}
		if slices.Contains(names, "hers") == hides || !slices.Contains(names, "theirs") {
			t.Errorf("hides %t: %q", hides, names)
		}
		m.Close(h)
	}
}

// TestMadeAtOnce: who finds what another is making may use it as its descriptor says, never less.
func TestMadeAtOnce(t *testing.T) {
	m, _ := mount(t)
	for i := range 50 {
		errs := make(chan error)
		for range 4 {
			go func() {
				h, _, err := openAs(m, account(aliceSID, 0), fmt.Sprint("d", i), nt.FileListDirectory|nt.ReadControl, nt.FileOpenIf, options(nt.FileDirectoryFile))
				if err == nil {
					m.Close(h)
				}
				errs <- err
			}()
		}
		for range 4 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
	}
}

// TestInherited: what a directory passes on is marked, so that a client that changes the directory can replace it; a list that is given stays as it is.
func TestInherited(t *testing.T) {
	m, dir := mount(t)
	attributes(t, dir)
	alice := account(aliceSID, 0)
	h, _ := mustAs(t, m, alice, "f", nt.GenericAll, nt.FileCreate)
	sd := querySD(t, m, h)
	m.Close(h)
	if sd.Control&nt.ControlDACLAutoInherited == 0 || len(sd.DACL.ACEs) < 3 {
		t.Errorf("%+v", sd)
	}
	for _, e := range sd.DACL.ACEs {
		if e.Flags != nt.InheritedACE {
			t.Errorf("%+v", e)
		}
	}
	sd.DACL.ACEs = append(sd.DACL.ACEs, nt.ACE{Type: nt.AccessAllowedACEType, Mask: nt.FileGenericRead, SID: bobSID})
	h, _ = mustAs(t, m, alice, "g", nt.GenericAll, nt.FileCreate, func(a *api.CreateArgs) { a.SecurityDescriptor = sd })
	if got := querySD(t, m, h); !got.Equal(sd) {
		t.Errorf("%+v, want %+v", got, sd)
	}
	m.Close(h)
}
