package windows

import (
	"net"
	"slices"
	"testing"

	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
	"lwio/test/smbclient"
)

// TestNetUse is `net use X: \\server\share`: no RPC, but on IPC$ whether the name is a link of DFS, which it is not on a server without, and by which addresses the server is reached. (The
// third control, VALIDATE_NEGOTIATE_INFO, is of dialects before 3.1.1, and tested with those.)
func TestNetUse(t *testing.T) {
	s := start(t)
	c, err := smbclient.Dial("127.0.0.1:" + s.port)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Logon(t.Context(), user, password); err != nil {
		t.Fatal(err)
	}
	if err := c.Connect("IPC$"); err != nil {
		t.Fatal(err)
	}
	referral := append([]byte{4, 0}, nt.AppendUTF16(nil, `\127.0.0.1\data`+"\x00")...)
	if _, status, err := c.Control(nt.FsctlDfsGetReferrals, referral, 4096); err != nil || status != nt.StatusFsDriverRequired {
		t.Errorf("DFS_GET_REFERRALS: %v %v", status, err)
	}
	out, status, err := c.Control(nt.FsctlQueryNetworkInterfaceInfo, nil, 65536)
	if err != nil || status != nt.StatusSuccess {
		t.Fatalf("QUERY_NETWORK_INTERFACE_INFO: %v %v", status, err)
	}
	list, err := smb2.ParseNetworkInterfaces(out)
	if err != nil {
		t.Fatal(err)
	}
	if addrs, err := net.InterfaceAddrs(); err != nil || len(list) == 0 && slices.ContainsFunc(addrs, func(a net.Addr) bool { n, ok := a.(*net.IPNet); return ok && n.IP.IsGlobalUnicast() }) {
		t.Errorf("%d interfaces of a machine with %v, %v", len(list), addrs, err)
	}
	for _, share := range []string{"data", "IPC$"} {
		if err := c.Connect(share); err != nil {
			t.Errorf("%s: %v", share, err)
		}
	}
	if err := c.Connect("nothing"); nt.StatusOf(err) != nt.StatusBadNetworkName {
		t.Errorf("a share that is not there: %v", err)
	}
}
