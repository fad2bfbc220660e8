//go:build interop

package interop

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Samba's client signs and seals with each algorithm that SMB 3.1.1 can agree on: it offers one alone, and files come back as they
// went. Their lengths are around the blocks and the steps that the algorithms work in.
func TestAlgorithms(t *testing.T) {
	need(t, "smbclient")
	d := start(t)
	content := make([]byte, 9<<20+12345)
	rand.NewChaCha8([32]byte{2}).Read(content)
	var lengths []int
	var put, get, del strings.Builder
	local := func(n int) string { return filepath.Join(d.dir, fmt.Sprintf("local%d", n)) }
	for _, n := range []int{0, 1, 15, 16, 17, 100, 255, 256, 257, 511, 512, 767, 768, 1023, 4097, 65535, 1<<20 + 1, len(content)} {
		lengths = append(lengths, n)
		if err := os.WriteFile(local(n), content[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&put, "put %s f%d; ", local(n), n)
		fmt.Fprintf(&get, "get f%d %s.back; ", n, local(n))
		fmt.Fprintf(&del, "del f%d; ", n)
	}
	for _, c := range []struct{ option, name string }{
		{"signing", "AES-128-GMAC"}, {"signing", "AES-128-CMAC"}, {"signing", "HMAC-SHA256"},
		{"encryption", "AES-128-GCM"}, {"encryption", "AES-256-GCM"}, {"encryption", "AES-128-CCM"}, {"encryption", "AES-256-CCM"},
	} {
		protection := map[string]string{"signing": "sign", "encryption": "encrypt"}[c.option]
		out, err := d.smbclient("data", put.String()+get.String()+del.String(), "-m", "SMB3_11", "--client-protection="+protection,
			"--option=client smb3 "+c.option+" algorithms = "+c.name)
		if err != nil || strings.Contains(out, "NT_STATUS") {
			t.Errorf("%s: %v\n%s", c.name, err, tail(out, 2000))
		}
		for _, n := range lengths {
			back := local(n) + ".back"
			if got, err := os.ReadFile(back); !bytes.Equal(got, content[:n]) {
				t.Errorf("%s: of %d bytes %d came back, or others: %v", c.name, n, len(got), err)
			}
			os.Remove(back)
		}
	}
}
