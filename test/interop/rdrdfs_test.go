//go:build interop

package interop

import (
	"errors"
	"io/fs"
	"testing"

	"lwio/iomgr/auth/credential"
	"lwio/iomgr/drivers/rdr"
	"lwio/iomgr/iofs"
)

// TestReferrals follows the links of a DFS root of Samba's server, past a target that is away, and a share that is a proxy for another.
func TestReferrals(t *testing.T) {
	addr := smbd(t)
	m := redirector(t, rdr.Config{}, credential.Config{})
	at := func(dir string) *iofs.FS {
		return iofs.New(m, `\rdr\`+addr+`\`+dir, iofs.Config{Contexts: []any{byNTLM}})
	}
	if err := at("data").Mkdir("d", 0); err != nil {
		t.Fatal(err)
	}
	if err := at("dfs").WriteFile("own", []byte("own"), 0); err != nil {
		t.Errorf("a file of the root itself: %v", err)
	}
	if b, err := at("dfs").ReadFile("own"); string(b) != "own" || err != nil {
		t.Errorf("a file of the root itself: %q, %v", b, err)
	}
	if err := at("dfs").Rename("own", "mine"); err != nil {
		t.Errorf("a file of the root itself: %v", err)
	}
	for _, dir := range []string{`dfs\link`, `dfs\second`, `proxy`} {
		f := at(dir)
		if err := f.WriteFile("d/f", []byte(dir), 0); err != nil {
			t.Errorf("%s: %v", dir, err)
			continue
		}
		if b, err := at("data").ReadFile("d/f"); string(b) != dir || err != nil {
			t.Errorf("%s: %q, %v", dir, b, err)
		}
		list, err := f.ReadDir("d")
		if err != nil || len(list) != 1 || list[0].Name() != "f" {
			t.Errorf("%s: %v, %v", dir, list, err)
		}
		if err := f.Rename("d/f", "d/g"); err != nil {
			t.Errorf("%s: %v", dir, err)
		}
		if i, err := f.Stat("d/g"); err != nil || i.Size() != int64(len(dir)) {
			t.Errorf("%s: %v", dir, err)
		}
		if err := f.Remove("d/g"); err != nil {
			t.Errorf("%s: %v", dir, err)
		}
		if _, err := f.Stat("d/g"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", dir, err)
		}
	}
	if _, err := at(`dfs\nowhere`).Stat("f"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a link whose target is away: %v", err)
	}
	if _, err := at(`nothing`).Stat("f"); err == nil {
		t.Error("a share that is not there is opened")
	}
}
