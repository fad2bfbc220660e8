package rdr

import (
	"strings"
	"testing"

	"lwio/iomgr/nt"
)

func TestParsePath(t *testing.T) {
	for path, want := range map[string]target{
		`\server\share`:                 {"server", "445", "share", ""},
		`\server\share\`:                {"server", "445", "share", ""},
		`\server:4450\share\a\b`:        {"server", "4450", "share", `a\b`},
		`\10.0.0.1\IPC$\lsarpc`:         {"10.0.0.1", "445", "IPC$", "lsarpc"},
		`\[::1]\share\a`:                {"::1", "445", "share", "a"},
		`\[fe80::1%eth0]:4450\share\a\`: {"fe80::1%eth0", "4450", "share", "a"},
		`\Größe\共有\𝄞`:                   {"Größe", "445", "共有", "𝄞"},
	} {
		if got, st := parsePath(path); st != nt.StatusSuccess || got != want {
			t.Errorf("%s: %+v %v, want %+v", path, got, st, want)
		}
	}
	for path, want := range map[string]nt.Status{
		``: nt.StatusInvalidDeviceRequest, `\`: nt.StatusInvalidDeviceRequest, `\server`: nt.StatusBadNetworkName,
		`\server\`: nt.StatusBadNetworkName, `\server\\x`: nt.StatusBadNetworkName, `\server\a:b\x`: nt.StatusBadNetworkName,
		`\server\` + strings.Repeat("s", 81): nt.StatusBadNetworkName,
		`\\share\x`:                          nt.StatusBadNetworkPath, `\:445\share`: nt.StatusBadNetworkPath, `\server:\share`: nt.StatusBadNetworkPath,
		`\server:0\share`: nt.StatusBadNetworkPath, `\server:65536\share`: nt.StatusBadNetworkPath, `\server:+1\share`: nt.StatusBadNetworkPath,
		`\server:045\share`: nt.StatusBadNetworkPath, `\::1\share`: nt.StatusBadNetworkPath, `\[::1\share`: nt.StatusBadNetworkPath,
		`\[::1]4450\share`: nt.StatusBadNetworkPath, `\[10.0.0.1]\share`: nt.StatusBadNetworkPath, `\[host]\share`: nt.StatusBadNetworkPath,
		`\ser ver\share`: nt.StatusBadNetworkPath, `\s/x\share`: nt.StatusBadNetworkPath, "\\s\x00\\share": nt.StatusBadNetworkPath,
		`\server\share\\x`: nt.StatusObjectNameInvalid, "\\server\\share\\a\x00": nt.StatusObjectNameInvalid,
		`\server\share\` + strings.Repeat("n", maxPath+1): nt.StatusNameTooLong,
	} {
		if got, st := parsePath(path); st != want {
			t.Errorf("%.40q: %+v %v, want %v", path, got, st, want)
		}
	}
}

// TestServerKey: one server is one however it is spelled.
func TestServerKey(t *testing.T) {
	a, _ := parsePath(`\Server.Example\x`)
	b, _ := parsePath(`\sERVER.eXAMPLE:445\y`)
	c, _ := parsePath(`\server.example:446\x`)
	if a.server() != b.server() || a.server() == c.server() {
		t.Errorf("%s %s %s", a.server(), b.server(), c.server())
	}
}
