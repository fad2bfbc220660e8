package main

import (
	"net"
	"os"
	"strings"
	"testing"

	"lwio/cmd/internal/config"
	"lwio/iomgr/auth/krb5"
)

// TestCompareKeys: the keytab has to have the machine's account, in the version that the domain has.
func TestCompareKeys(t *testing.T) {
	key := func(name string, kvno uint32) krb5.ServiceKey {
		return krb5.ServiceKey{Name: name, Realm: "LAB.TEST", KVNO: kvno}
	}
	other := key("HOST$", 3)
	other.Realm = "OTHER.TEST"
	for _, tt := range []struct {
		keys  []krb5.ServiceKey
		state string
		found string
	}{
		{[]krb5.ServiceKey{key("HOST$", 2), key("HOST$", 3), key("host/host.lab.test", 3)}, "ok", "version 3"},
		{[]krb5.ServiceKey{key("host$", 3), key("cifs/host", 3)}, "ok", "version 3"},
		{nil, "warning", "no key of HOST$@LAB.TEST"},
		{[]krb5.ServiceKey{other, key("ELSE$", 3)}, "warning", "no key of HOST$@LAB.TEST"},
		{[]krb5.ServiceKey{key("HOST$", 1), key("HOST$", 2), key("host/host", 2)}, "warning", "is version 2, the account's is 3"},
		{[]krb5.ServiceKey{key("HOST$", 3), key("host/host", 2)}, "warning", "none of host/ and cifs/"},
	} {
		state, found, mend := compareKeys(tt.keys, "HOST$", "LAB.TEST", 3)
		if state != tt.state || !strings.Contains(found, tt.found) || (mend == "") != (state == "ok") {
			t.Errorf("%v: %s, %s, %s", tt.keys, state, found, mend)
		}
	}
}

// TestPorts: what another program has is found, and what the machine has not.
func TestPorts(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	taken := l.Addr().String()
	x := &examination{config: &config.Config{Listen: []string{taken, "127.0.0.1:0", "192.0.2.77:0"}}}
	x.ports()
	l.Close()
	if len(x.findings) != 3 || x.findings[0].State != "wrong" || !strings.Contains(x.findings[0].Found, taken+" is another program's") || x.findings[1].State != "ok" || x.findings[2].State != "wrong" ||
		!strings.Contains(x.findings[2].Found, "no such address") {
		t.Errorf("%+v", x.findings)
	}
}

// TestFolder: nobody else may put files beside the state.
func TestFolder(t *testing.T) {
	dir := t.TempDir()
	for mode, want := range map[os.FileMode]string{0o755: "ok", 0o700: "ok", 0o775: "wrong", 0o777: "wrong"} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		x := &examination{}
		x.folder(dir)
		if len(x.findings) != 1 || x.findings[0].State != want {
			t.Errorf("mode %#o: %+v", mode, x.findings)
		}
	}
}
