package state

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"lwio/iomgr/nt"
)

func machineAccount() *MachineAccount {
	return &MachineAccount{Realm: "LAB.TEST", DNSDomain: "lab.test", Forest: "lab.test", Domain: "LAB", DomainSID: nt.MustSID("S-1-5-21-1-2-3"), DomainGUID: nt.GUID{1, 2},
		Name: "OURS$", RID: 1105, DNSName: "ours.lab.test", Site: "Default-First-Site-Name", Controller: "dc1.lab.test",
		Password: MachinePassword{"secret-now", "LAB.TESThostours.lab.test", 3, 7}, Old: MachinePassword{"secret-old", "s", 2, 6}, Pending: MachinePassword{"secret-next", "s", 4, 8}, Joined: 5, Directory: "servicePrincipalName"}
}

func TestDomain(t *testing.T) {
	ctx, store := context.Background(), NewMemory()
	d := NewDomain(store)
	if _, _, err := d.Load(ctx); !errors.Is(err, ErrNoDomain) {
		t.Fatalf("before: %v", err)
	}
	want := machineAccount()
	rev, err := d.Save(ctx, want, 0)
	if err != nil {
		t.Fatal(err)
	}
	got, have, err := d.Load(ctx)
	if err != nil || have != rev || !reflect.DeepEqual(got, want) {
		t.Fatalf("differs after it was stored: %v", err)
	}
	if _, err := d.Save(ctx, want, 0); !errors.Is(err, ErrConflict) {
		t.Errorf("over one that is there: %v", err)
	}
	if err := d.Delete(ctx); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.Load(ctx); !errors.Is(err, ErrNoDomain) {
		t.Errorf("after: %v", err)
	}
}

func TestMachineAccountRecord(t *testing.T) {
	b := machineAccount().record()
	whole := machineAccount()
	for n := range len(b) {
		if m, err := parseMachineAccount(b[:n]); err == nil && reflect.DeepEqual(m, whole) {
			t.Errorf("%d of %d bytes are the whole record", n, len(b))
		}
	}
}

func TestMachineAccountShowsNoSecret(t *testing.T) {
	m := machineAccount()
	for _, s := range []string{fmt.Sprint(m), fmt.Sprintf("%+v %#v %v", m, m, *m), fmt.Sprintf("%+v %#v", m.Password, m.Password)} {
		if strings.Contains(s, "secret") {
			t.Errorf("shows a password: %s", s)
		}
	}
}
