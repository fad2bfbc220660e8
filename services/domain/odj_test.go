package domain

import (
	"encoding/base64"
	"os"
	"reflect"
	"strings"
	"testing"

	"lwio/iomgr/nt"
	"lwio/services/state"
)

func sampleProvision() *state.MachineAccount {
	acct := sampleAccount()
	acct.DNSName, acct.Site, acct.DomainGUID = "", "Default-First-Site-Name", nt.GUID{1, 2, 3}
	acct.Password.KVNO, acct.Password.Set = 0, 0
	return acct
}

func TestProvision(t *testing.T) {
	want := sampleProvision()
	b, err := FormatProvision(want, "192.0.2.1", 0x3FD)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseProvision(b)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	plain := nt.DecodeUTF16(b[2:])
	for _, text := range []string{plain, plain + "\r\n\x00", plain[:100] + "\n" + plain[100:]} {
		if got, err := ParseProvision([]byte(text)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("as text: %v", err)
		}
	}
	raw, err := base64.StdEncoding.DecodeString(plain)
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(raw) {
		if got, err := parseProvisionData(raw[:n]); err == nil && reflect.DeepEqual(got, want) && n < len(raw)-8 {
			t.Errorf("%d of %d bytes are the whole", n, len(raw))
		}
	}
	for _, change := range []func(*state.MachineAccount){
		func(a *state.MachineAccount) { a.Password.Value = "" }, func(a *state.MachineAccount) { a.Name = "has blank$" }, func(a *state.MachineAccount) { a.Domain = "" },
		func(a *state.MachineAccount) { a.DNSDomain = "single" }, func(a *state.MachineAccount) { a.DomainSID = nt.SIDWorld }, func(a *state.MachineAccount) { a.Site = strings.Repeat("x", 2000) },
	} {
		bad := sampleProvision()
		change(bad)
		b, err := FormatProvision(bad, "", 0)
		if err != nil {
			continue
		}
		if _, err := ParseProvision(b); nt.StatusOf(err) != nt.StatusInvalidParameter {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// What `net offlinejoin provision` of Samba 4.17 wrote, in a domain for tests.
func TestProvisionOfSamba(t *testing.T) {
	b, err := os.ReadFile("testdata/samba.odj")
	if err != nil {
		t.Fatal(err)
	}
	acct, err := ParseProvision(b)
	if err != nil {
		t.Fatal(err)
	}
	if acct.Realm != "LAB.TEST" || acct.Domain != "LAB" || acct.Name != "ODJ1$" || acct.RID != 1114 || acct.Controller != "dc1.lab.test" || acct.Site != "Default-First-Site-Name" ||
		acct.DomainSID.String() != "S-1-5-21-1004336348-1177238915-682003330" || nt.UTF16Len(acct.Password.Value) != 120 {
		t.Errorf("%+v: %s, RID %d, %s, %s, %v, a password of %d", acct, acct.Domain, acct.RID, acct.Controller, acct.Site, acct.DomainSID, nt.UTF16Len(acct.Password.Value))
	}
}

func FuzzProvision(f *testing.F) {
	b, err := appendProvision(nil, sampleProvision(), "192.0.2.1", 0)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		acct, err := parseProvisionData(b)
		if err != nil {
			return
		}
		again, err := appendProvision(nil, acct, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		back, err := parseProvisionData(again)
		if err != nil || !reflect.DeepEqual(acct, back) {
			t.Errorf("%+v, then %+v, %v", acct, back, err)
		}
	})
}
