package known

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// All has every interface of idl/ that is called by RPC.
func TestAll(t *testing.T) {
	files, err := filepath.Glob("../../gen/*/server.go")
	if err != nil || len(files) < 15 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			id, ok := strings.CutPrefix(strings.TrimSpace(line), `UUID:  nt.MustGUID("`)
			if !ok || strings.Contains(f, "srvctl") || strings.Contains(f, "rdrctl") { // of device controls, not of RPC
				continue
			}
			if id = id[:36]; !slices.ContainsFunc(All, func(i Interface) bool { return strings.EqualFold(i.UUID.String(), id) }) {
				t.Errorf("%s: %s is not in All", f, id)
			}
		}
	}
	for _, i := range All {
		if x, ok := Find(strings.ToUpper(i.Name)); !ok || x.Interface != i.Interface {
			t.Errorf("%s is not found by its name", i.Name)
		}
		if x, ok := Find(i.UUID.String()); !ok || x.Interface != i.Interface {
			t.Errorf("%s is not found by its UUID", i.Name)
		}
	}
}

func TestNames(t *testing.T) {
	i, _ := Find("srvsvc")
	if n, ok := Opnum(i.Interface, "netr_share_add"); !ok || n != 14 {
		t.Error(n, ok)
	}
	if _, ok := Opnum(i.Interface, "NetrShareFly"); ok {
		t.Error("an operation that is not")
	}
	if got := Like("NetrShareAdds", Operations(i.Interface)); !slices.Equal(got, []string{"NetrShareAdd"}) {
		t.Error(got)
	}
	if got := Like("xyz", []string{"a", "b"}); len(got) != 2 {
		t.Error(got)
	}
}
