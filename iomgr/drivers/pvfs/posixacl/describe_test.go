package posixacl

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"lwio/iomgr/nt"
)

func user(sid string, groups ...nt.SID) *nt.Token {
	t := &nt.Token{User: nt.MustSID(sid)}
	for _, g := range append(groups, nt.SIDWorld, nt.SIDAuthenticatedUsers) {
		t.Groups = append(t.Groups, nt.Group{SID: g, Attributes: nt.SEGroupDefault})
	}
	return t
}

const account = "S-1-5-21-1-2-3-1001"

// TestDescribe: who may read, write and search what, by the table of acl(5).
func TestDescribe(t *testing.T) {
	named := ACL{{UserObj, 6, 0}, {User, 4, 2000}, {GroupObj, 6, 0}, {Group, 7, 200}, {Mask, 6, 0}, {Other, 0, 0}}
	group, other := nt.SIDUnixGroups.Child(100), user("S-1-22-1-3000")
	for _, c := range []struct {
		what string
		s    Source
		who  *nt.Token
		perm uint16
	}{
		{"owner", Source{UID: 1000, GID: 100, Mode: 0o640}, user("S-1-22-1-1000"), 6},
		{"group", Source{UID: 1000, GID: 100, Mode: 0o640}, user("S-1-22-1-3000", group), 4},
		{"other", Source{UID: 1000, GID: 100, Mode: 0o640}, other, 0},
		{"other may", Source{UID: 1000, GID: 100, Mode: 0o646}, other, 6},
		{"the owner has less", Source{UID: 1000, GID: 100, Mode: 0o077}, user("S-1-22-1-1000", group), 0},
		{"the group has less", Source{UID: 1000, GID: 100, Mode: 0o707}, user("S-1-22-1-3000", group), 0},
		{"the group has less, the owner not", Source{UID: 1000, GID: 100, Mode: 0o707}, user("S-1-22-1-1000", group), 6},
		{"named user", Source{UID: 1000, GID: 100, Access: named}, user("S-1-22-1-2000"), 4},
		{"named group, masked", Source{UID: 1000, GID: 100, Access: named}, user("S-1-22-1-3000", nt.SIDUnixGroups.Child(200)), 6},
		{"nobody of them", Source{UID: 1000, GID: 100, Access: named}, other, 0},
		{"directory 0755", Source{UID: 0, Mode: 0o755, Dir: true}, other, 5},
		{"directory 0777", Source{UID: 0, Mode: 0o777, Dir: true}, other, 7},
		{"account, directory 0755 of the server", Source{UID: 0, Mode: 0o755, Dir: true}, user(account, ServerSID(0)), 7},
		{"account, private directory of the server", Source{UID: 0, Mode: 0o700, Dir: true}, user(account, ServerSID(0)), 0},
		{"account, directory of a user", Source{UID: 1000, Mode: 0o755, Dir: true}, user(account, ServerSID(0)), 5},
		{"account, file 0644 of an unprivileged server", Source{UID: 1000, Mode: 0o644, Server: 1000}, user(account, ServerSID(1000)), 6},
		{"account, private file of an unprivileged server", Source{UID: 1000, Mode: 0o600, Server: 1000}, user(account, ServerSID(1000)), 0},
		{"administrator", Source{UID: 1000, Mode: 0}, user(account, nt.SIDBuiltinAdministrators), 6},
	} {
		sd := Describe(&c.s, Unix{})
		for i, right := range []nt.AccessMask{nt.FileTraverse, nt.FileWriteData, nt.FileReadData} {
			if i == 0 && !c.s.Dir {
				continue // who may read a file may run it
			}
			_, status := nt.AccessCheck(sd, c.who, right, nt.GenericMappingFile)
			if got, want := status == nt.StatusSuccess, c.perm&(1<<i) != 0; got != want {
				t.Errorf("%s: right %#x is %t, want %t", c.what, uint32(right), got, want)
			}
		}
	}
}

// TestPassesOn: what is made in a directory gets what the directory grants, or its default list; in a sticky one nobody else writes.
func TestPassesOn(t *testing.T) {
	deflt := ACL{{UserObj, 7, 0}, {User, 6, 2000}, {GroupObj, 5, 0}, {Mask, 7, 0}, {Other, 0, 0}}
	for _, c := range []struct {
		what string
		s    Source
		who  *nt.Token
		want nt.AccessMask
	}{
		{"0777", Source{UID: 1000, Mode: 0o777, Dir: true}, user("S-1-22-1-3000"), nt.FileReadData | nt.FileWriteData},
		{"0755", Source{UID: 1000, Mode: 0o755, Dir: true}, user("S-1-22-1-3000"), nt.FileReadData},
		{"1777", Source{UID: 1000, Mode: 0o1777, Dir: true}, user("S-1-22-1-3000"), nt.FileReadData},
		{"1777, another account", Source{UID: 0, Mode: 0o1777, Dir: true}, user("S-1-5-21-1-2-3-1002", ServerSID(0)), nt.FileReadData},
		{"maker", Source{UID: 1000, Mode: 0o755, Dir: true}, user(account), nt.FileReadData | nt.FileWriteData},
		{"default list", Source{UID: 1000, Mode: 0o777, Dir: true, Default: deflt}, user("S-1-22-1-2000"), nt.FileReadData | nt.FileWriteData},
		{"not in the default list", Source{UID: 1000, Mode: 0o777, Dir: true, Default: deflt}, user("S-1-22-1-3000"), 0},
	} {
		child, err := nt.CreateSecurityDescriptor(Describe(&c.s, Unix{}), nil, false, nil, 0, &nt.Token{User: nt.MustSID(account)}, nt.GenericMappingFile)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := nt.AccessCheck(child, c.who, nt.MaximumAllowed, nt.GenericMappingFile)
		if got&(nt.FileReadData|nt.FileWriteData) != c.want || c.want&nt.FileWriteData == 0 && got&(nt.Delete|nt.WriteDAC|nt.WriteOwner) != 0 {
			t.Errorf("%s: %#x", c.what, uint32(got))
		}
	}
}

func TestProject(t *testing.T) {
	for _, c := range []struct {
		what, sddl string
		now        Source
		want       Projection
	}{
		{"an account's", "O:" + account + "G:BUD:(A;;FA;;;" + account + ")(A;;FR;;;WD)", Source{Mode: 0o666}, Projection{Mode: 0o644}},
		{"private", "O:" + account + "G:BUD:(A;;FA;;;" + account + ")", Source{Mode: 0o666}, Projection{Mode: 0o600}},
		{"read-only", "O:" + account + "G:BUD:(A;;FA;;;WD)", Source{Mode: 0o444}, Projection{Mode: 0o444}},
		{"it runs", "O:" + account + "G:BUD:(A;;FR;;;WD)", Source{Mode: 0o755}, Projection{Mode: 0o755}},
		{"it ran", "O:" + account + "G:BUD:", Source{Mode: 0o755}, Projection{Mode: 0o700}},
		{"a user's and group's", "O:S-1-22-1-1000G:S-1-22-2-100D:(A;;FA;;;S-1-22-1-1000)(A;;FR;;;S-1-22-2-100)", Source{Mode: 0o666}, Projection{UID: 1000, GID: 100, Mode: 0o640}},
		{"no list", "O:BAG:SY", Source{Mode: 0o777, Dir: true}, Projection{Mode: 0o777}},
		{"may add, not delete", "O:BAG:SYD:(A;;0x1301bf;;;WD)", Source{Mode: 0o777, Dir: true}, Projection{Mode: 0o1777}},
		{"denied first", "O:BAG:SYD:(D;;FW;;;WD)(A;;FA;;;WD)", Source{Mode: 0o666}, Projection{Mode: 0o644}},
		{"named", "O:BAG:SYD:(A;;FR;;;S-1-22-2-200)(A;;FA;;;S-1-22-1-2000)", Source{Mode: 0o666},
			Projection{Mode: 0o660, Access: ACL{{UserObj, 6, 0}, {User, 6, 2000}, {GroupObj, 0, 0}, {Group, 4, 200}, {Mask, 6, 0}, {Other, 0, 0}}}},
		{"passed on", "O:BAG:SYD:(A;OICIIO;FA;;;S-1-22-1-2000)(A;;FRFX;;;WD)", Source{Mode: 0o777, Dir: true},
			Projection{Mode: 0o755, Default: ACL{{UserObj, 7, 0}, {User, 7, 2000}, {GroupObj, 0, 0}, {Mask, 7, 0}, {Other, 0, 0}}}},
	} {
		sd, err := nt.ParseSDDL(c.sddl, nt.SID{})
		if err != nil {
			t.Fatalf("%s: %v", c.what, err)
		}
		if c.what == "no list" {
			sd.Control |= nt.ControlDACLPresent
		}
		if d := cmp.Diff(c.want, Project(sd, &c.now, Unix{})); d != "" {
			t.Errorf("%s: %s", c.what, d)
		}
	}
}

func TestUnix(t *testing.T) {
	m := Unix{}
	for _, id := range []uint32{0, 1, 65534, noID - 1} {
		if got, ok := m.UID(m.UserSID(id)); !ok || got != id {
			t.Errorf("user %d is %d, %t", id, got, ok)
		}
		if got, ok := m.GID(m.GroupSID(id)); !ok || got != id {
			t.Errorf("group %d is %d, %t", id, got, ok)
		}
	}
	if _, ok := m.UID(nt.MustSID(account)); ok {
		t.Error("an account is no user")
	}
}

// TestManyEntries: a list that no descriptor can hold grants nobody anything but the owner.
func TestManyEntries(t *testing.T) {
	a := ACL{{UserObj, 7, 0}}
	for id := range uint32(maxEntries - 4) {
		a = append(a, Entry{User, 7, id})
	}
	a = append(a, Entry{GroupObj, 7, 0}, Entry{Mask, 7, 0}, Entry{Other, 7, 0})
	a, err := Parse(a.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	sd := Describe(&Source{UID: 1000, Mode: 0o777, Dir: true, Access: a, Default: a}, Unix{})
	if err := sd.Valid(); err != nil {
		t.Fatal(err)
	}
	if m, _ := nt.AccessCheck(sd, user("S-1-22-1-2000"), nt.MaximumAllowed, nt.GenericMappingFile); m != 0 {
		t.Errorf("%#x", uint32(m))
	}
	if m, _ := nt.AccessCheck(sd, user("S-1-22-1-1000"), nt.MaximumAllowed, nt.GenericMappingFile); m != nt.FileAllAccess {
		t.Errorf("the owner: %#x", uint32(m))
	}
}
