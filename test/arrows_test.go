// Package test holds what concerns the project as a whole.
package test

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

// arrows says which packages of the module a package may import, after the table in docs/architecture.md. The first row whose
// pattern matches counts; "x/..." matches x and what is below it. What is imported only by tests is not looked at.
var arrows = []struct{ pkg, may string }{
	{"iomgr/nt", ""},
	{"iomgr/api", "iomgr/nt"},
	{"iomgr/smb2", "iomgr/nt iomgr/smb2/xca iomgr/smb2/gcm iomgr/smb2/aesni"},
	{"iomgr/smb2/gcm", "iomgr/smb2/aesni"},
	{"iomgr/smb2/aesni", ""},
	{"iomgr/smb2/xca", ""},
	{"iomgr/awake", ""},
	{"iomgr/fsrtl/...", "iomgr/nt iomgr/api"},
	{"iomgr/auth", "iomgr/nt"},
	{"iomgr/auth/credential", "iomgr/nt iomgr/api iomgr/auth iomgr/auth/..."},
	{"iomgr/auth/...", "iomgr/nt iomgr/auth/... gen/... rpc/ndr"},
	{"rpc", "iomgr/nt rpc/ndr"},
	{"rpc/ndr", "iomgr/nt"},
	{"rpc/pdu", "iomgr/nt"},
	{"rpc/server", "iomgr/nt iomgr/auth rpc rpc/ndr rpc/pdu"},
	{"rpc/client", "iomgr/nt iomgr/auth rpc rpc/ndr rpc/pdu"},
	{"rpc/rpctest", "iomgr/nt rpc rpc/ndr"},
	{"rpc/msrpc/...", "iomgr/nt iomgr/auth rpc rpc/..."},
	{"gen/...", "iomgr/nt rpc rpc/ndr gen/..."},
	{"iomgr", "iomgr/nt iomgr/api"},
	{"iomgr/iotest", "iomgr iomgr/nt iomgr/api"},
	{"iomgr/iotest/model", "iomgr/nt iomgr/api"},
	{"iomgr/iofs/...", "iomgr/nt iomgr/api iomgr/iofs"},
	{"iomgr/win32/...", "iomgr/nt iomgr/api iomgr/iofs iomgr/smb2 iomgr/win32"},
	{"iomgr/devctl", "iomgr/nt iomgr/api rpc rpc/ndr"},
	{"iomgr/ipc", "iomgr/nt iomgr/api iomgr/awake"},
	{"iomgr/drivers/srv/srvtest", "iomgr/nt iomgr/smb2 iomgr/auth iomgr/auth/..."},
	{"iomgr/drivers/srv", "iomgr/nt iomgr/api iomgr/smb2 iomgr/auth iomgr/fsrtl/... iomgr/devctl gen/... rpc rpc/ndr"},
	{"iomgr/drivers/rdr", "iomgr/nt iomgr/api iomgr/smb2 iomgr/auth iomgr/awake iomgr/devctl gen/... rpc rpc/ndr"},
	{"iomgr/drivers/memfs", "iomgr/nt iomgr/api iomgr/fsrtl/..."},
	{"iomgr/drivers/pvfs/...", "iomgr/nt iomgr/api iomgr/fsrtl/... iomgr/devctl gen/... rpc rpc/ndr iomgr/drivers/pvfs/..."},
	{"pipes", "iomgr/nt iomgr/api pipes/npfs"},
	{"pipes/npfs", "iomgr/nt iomgr/api"},
	{"pipes/pipetest", "iomgr/nt iomgr/api pipes pipes/npfs"},
	{"services/state", "iomgr/nt iomgr/auth iomgr/auth/ntlm rpc/ndr gen/..."},
	{"services/authority", "iomgr/nt iomgr/auth gen/... rpc rpc/ndr rpc/server rpc/client"},
	{"services/domain", "iomgr/nt iomgr/api iomgr/auth iomgr/auth/... gen/... rpc rpc/ndr rpc/server rpc/client services/..."},
	{"services/state/...", "iomgr/nt iomgr/auth gen/... services/state/..."},
	{"services/...", "iomgr/nt iomgr/api iomgr/auth iomgr/devctl gen/... rpc rpc/ndr rpc/server services/..."},
	{"idl/...", "idl/... iomgr/nt rpc rpc/ndr gen/..."},
	{"cmd/...", "iomgr/... pipes/... rpc/... gen/... services/... idl/... cmd/..."},
	{"test/...", "iomgr/... pipes/... rpc/... gen/... services/... idl/... cmd/... test/..."},
}

// foreign says who may import an outside module.
var foreign = []struct{ module, may string }{
	{"github.com/oiweiwei/go-msrpc", "rpc/msrpc/... services/domain/... test/..."},
	{"go.etcd.io/bbolt", "services/state/... test/..."},
	{"github.com/jcmturner/gokrb5/v8", "iomgr/auth/krb5/... iomgr/auth/credential test/..."},
	{"github.com/go-ldap/ldap/v3", "services/domain test/..."},
	{"github.com/spf13/cobra", "cmd/... test/..."},
}

func match(pattern, pkg string) bool {
	if base, ok := strings.CutSuffix(pattern, "/..."); ok {
		return pkg == base || strings.HasPrefix(pkg, base+"/")
	}
	return pkg == pattern
}

func matchAny(patterns, pkg string) bool {
	for p := range strings.FieldsSeq(patterns) {
		if match(p, pkg) {
			return true
		}
	}
	return false
}

func TestArrows(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "lwio/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		pkg := strings.TrimPrefix(p.ImportPath, "lwio/")
		seen++
		row := -1
		for i, a := range arrows {
			if match(a.pkg, pkg) {
				row = i
				break
			}
		}
		if row < 0 {
			t.Errorf("%s: no row of the table says what it may import", pkg)
			continue
		}
		for _, imp := range p.Imports {
			if own, ok := strings.CutPrefix(imp, "lwio/"); ok {
				if !matchAny(arrows[row].may, own) {
					t.Errorf("%s imports %s; it may import only: %s", pkg, own, arrows[row].may)
				}
				continue
			}
			for _, f := range foreign {
				if (imp == f.module || strings.HasPrefix(imp, f.module+"/")) && !matchAny(f.may, pkg) {
					t.Errorf("%s imports %s; only these may: %s", pkg, imp, f.may)
				}
			}
		}
	}
	if seen < 10 {
		t.Errorf("go list found %d packages of the module", seen)
	}
}
