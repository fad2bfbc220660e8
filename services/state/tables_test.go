package state

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"lwio/gen/srvctl"
	"lwio/iomgr/nt"
	"lwio/rpc/ndr"
)

func share(name string) *srvctl.SRVCTL_SHARE {
	sd, err := nt.ParseSDDL("O:BAG:SYD:(A;;FA;;;BA)(A;;FR;;;WD)", nt.SID{})
	if err != nil {
		panic(err)
	}
	b := sd.Append(nil)
	return &srvctl.SRVCTL_SHARE{
		Name: &name, Comment: ndr.String("of " + name), Path: ndr.String(`C:\` + name), MaxUses: 0xFFFFFFFF, Flags: 0x30, LwioFlags: 1,
		SdLength: uint32(len(b)), Sd: b,
	}
}

func TestShares(t *testing.T) {
	ctx := t.Context()
	store := NewMemory()
	table := NewShares(store)
	if list, err := table.Load(ctx); err != nil || len(list) != 0 {
		t.Fatalf("empty: %v, %v", list, err)
	}
	names := []string{"public", "Größe", "共有", "a b$", "😀"}
	for _, n := range names {
		s := share(n)
		s.CurrentUses = 7
		if err := table.Put(ctx, s); err != nil {
			t.Fatal(err)
		}
		if s.CurrentUses != 7 {
			t.Error("Put changed its argument")
		}
	}
	replaced := share("GRÖSSE") // another name: ß has no upper case of one character
	if err := table.Put(ctx, replaced); err != nil {
		t.Fatal(err)
	}
	again := share("gRÖßE")
	again.Comment = nil
	again.Sd, again.SdLength = nil, 0
	if err := table.Put(ctx, again); err != nil {
		t.Fatal(err)
	}
	list, err := table.Load(ctx)
	if err != nil || len(list) != len(names)+1 {
		t.Fatalf("%d shares, %v; want %d", len(list), err, len(names)+1)
	}
	for _, s := range list {
		want := share(*s.Name)
		if *s.Name == "gRÖßE" {
			want = again
		}
		if !reflect.DeepEqual(&s, want) {
			t.Errorf("%q came back as %+v", *s.Name, s)
		}
	}
	for _, n := range []string{"PUBLIC", "public", "never"} {
		if err := table.Delete(ctx, n); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := table.Load(ctx); err != nil || len(list) != len(names) {
		t.Fatalf("%d shares after a delete, %v", len(list), err)
	}
	for _, n := range []string{"", "a\x00b", strings.Repeat("n", MaxKey)} {
		if err := table.Put(ctx, share(n)); !errors.Is(err, ErrInvalid) {
			t.Errorf("Put(%.10q): %v", n, err)
		}
	}
	// A record that cannot be read is not passed over.
	if _, err := store.Put(ctx, ShareKey("broken"), []byte{ndrVersion, 1, 2}); err != nil {
		t.Fatal(err)
	}
	if _, err := table.Load(ctx); !errors.Is(err, ErrCorrupt) {
		t.Errorf("Load of a broken record: %v", err)
	}
}

func TestServer(t *testing.T) {
	ctx := t.Context()
	table := NewServer(NewMemory())
	if s, err := table.Load(ctx); s != nil || err != nil {
		t.Fatalf("%v, %v", s, err)
	}
	want := &srvctl.SRVCTL_SERVER{Comment: ndr.String("Größe"), Users: 0xFFFFFFFF, Disc: 15, Announce: 240, UserPath: ndr.String(`C:\`)}
	given := *want
	given.Sessions = 3
	if err := table.Put(ctx, &given); err != nil {
		t.Fatal(err)
	}
	if s, err := table.Load(ctx); err != nil || !reflect.DeepEqual(s, want) {
		t.Fatalf("%+v, %v; want %+v", s, err, want)
	}
}

func TestMachine(t *testing.T) {
	ctx := t.Context()
	store := NewMemory()
	m, err := LoadMachine(ctx, store, MachineHint{DNSName: "Files-01.Example.org"})
	if err != nil {
		t.Fatal(err)
	}
	if m.Name != "FILES-01" || m.DNSName != "files-01.example.org" || m.DNSDomain != "example.org" {
		t.Errorf("%+v", m)
	}
	if s := m.SID.String(); !strings.HasPrefix(s, "S-1-5-21-") || m.SID.SubAuthorityCount() != 4 {
		t.Errorf("SID %s", s)
	}
	again, err := LoadMachine(ctx, store, MachineHint{Name: "other", DNSName: "other"})
	if err != nil || again.Name != m.Name || again.SID != m.SID || again.Created != m.Created {
		t.Errorf("the second time it is %+v, %v", again, err)
	}
	if again.DNSName != "other" || again.DNSDomain != "" {
		t.Errorf("DNS name %q in %q", again.DNSName, again.DNSDomain)
	}
	if other, err := LoadMachine(ctx, NewMemory(), MachineHint{}); err != nil || other.SID == m.SID || other.Name == "" {
		t.Errorf("another machine is %+v, %v", other, err)
	}
	h := m.Host()
	if h.Name != m.Name || h.Domain != m.Name || h.MachineSID != m.SID || h.DNSDomain != "example.org" {
		t.Errorf("host %+v", h)
	}
}

func TestNetBIOSName(t *testing.T) {
	for in, want := range map[string]string{
		"host": "HOST", "files.example.org": "FILES", "averyveryverylonghostname": "AVERYVERYVERYLO", "größe": "GR--E", "": "LWIO", "...": "LWIO",
		"a_b-c": "A_B-C", "-x-": "X", "日本": "LWIO", "42": "42",
	} {
		if got := NetBIOSName(in); got != want {
			t.Errorf("NetBIOSName(%q) = %q, want %q", in, got, want)
		}
		if got := NetBIOSName(in); NetBIOSName(got) != got {
			t.Errorf("NetBIOSName(%q) is not stable", got)
		}
	}
}

func TestRecordTruncations(t *testing.T) {
	m := Machine{Name: "HOST", SID: newMachineSID(), Created: nt.NowTime()}
	acc := newRecord("ü", ControlNormal)
	acc.RID, acc.FullName, acc.AdminComment, acc.Created, acc.PasswordLastSet, acc.Parameters = 1000, "Ü Ü", "c", 1, 2, "\x00\xFF"
	acc.hash[3], acc.HasPassword, acc.history = 9, true, [][16]byte{{1}, {2}}
	hours := bytes.Index(acc.encode(), []byte(acc.LogonHours)) // what a record needs comes before
	att := &attempt{bad: 300, lastBad: 1 << 60, lockedAt: 5, last: 6, logons: 7}
	if got, err := parseMachine(m.record()); err != nil || got != m {
		t.Errorf("machine: %+v, %v", got, err)
	}
	if got, err := parseAccount(acc.encode()); err != nil || !reflect.DeepEqual(got, acc) {
		t.Errorf("account: %+v, %v", got, err)
	}
	if got, err := parseAttempt(att.encode()); err != nil || *got != *att {
		t.Errorf("attempt: %+v, %v", got, err)
	}
	for name, test := range map[string]struct {
		b     []byte
		parse func([]byte) error
		// needed is where a record may end: fields behind it read as zero.
		needed int
	}{
		"machine": {m.record(), func(b []byte) error { _, err := parseMachine(b); return err }, len(m.record()) - len((&recordWriter{}).b) - 9},
		"account": {acc.encode(), func(b []byte) error { _, err := parseAccount(b); return err }, hours - 20},
	} {
		for n := range test.needed {
			if err := test.parse(test.b[:n]); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s cut to %d of %d: %v", name, n, len(test.b), err)
			}
		}
		if err := test.parse(append(bytes.Clone(test.b), 1, 2, 3)); err != nil {
			t.Errorf("%s with fields of a newer program: %v", name, err)
		}
		newer := bytes.Clone(test.b)
		newer[0]++
		if err := test.parse(newer); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s of another version: %v", name, err)
		}
	}
}

func FuzzRecords(f *testing.F) {
	m := Machine{Name: "HOST", SID: newMachineSID(), Created: 1}
	f.Add(m.record())
	acc := newRecord("name", ControlNormal)
	acc.RID = 1000
	f.Add(acc.encode())
	p, g, x := Policy{MaxAge: NeverDelta, Comment: "c"}, Group{RID: 513, Name: "g"}, Alias{SID: nt.SIDBuiltinUsers, Name: "a"}
	f.Add(p.encode())
	f.Add(g.encode())
	f.Add(x.encode())
	f.Add((&attempt{bad: 1, lastBad: 2}).encode())
	b, err := encodeNDR("share", share("x"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := parseAccount(b); err == nil {
			again, err := parseAccount(r.encode())
			if err != nil || !reflect.DeepEqual(again, r) {
				t.Errorf("account %+v became %+v, %v", r, again, err)
			}
		}
		if m, err := parseMachine(b); err == nil {
			if again, err := parseMachine(m.record()); err != nil || again != m {
				t.Errorf("machine %+v became %+v, %v", m, again, err)
			}
		}
		if p, err := parseAttempt(b); err == nil {
			if again, err := parseAttempt(p.encode()); err != nil || *again != *p {
				t.Errorf("attempt %+v became %+v, %v", p, again, err)
			}
		}
		if p, err := parsePolicy(b); err == nil {
			if again, err := parsePolicy(p.encode()); err != nil || *again != *p {
				t.Errorf("policy %+v became %+v, %v", p, again, err)
			}
		}
		if g, err := parseGroup(b); err == nil {
			if again, err := parseGroup(g.encode()); err != nil || *again != *g {
				t.Errorf("group %+v became %+v, %v", g, again, err)
			}
		}
		if x, err := parseAlias(b); err == nil {
			if again, err := parseAlias(x.encode()); err != nil || *again != *x {
				t.Errorf("alias %+v became %+v, %v", x, again, err)
			}
		}
		var s srvctl.SRVCTL_SHARE
		if decodeNDR("share", b, &s) == nil {
			if _, err := encodeNDR("share", &s); err != nil {
				t.Errorf("share does not encode: %v", err)
			}
		}
	})
}
