//go:build interop

package interop

import (
	"strings"
	"testing"
)

// TestImpacketNDR64 makes the same calls in NDR64 and in NDR 2.0, whole and in the smallest fragments, and compares what impacket reads.
func TestImpacketNDR64(t *testing.T) {
	impacketInstalled(t)
	d := start(t)
	out, err := peer(t, "/usr/bin/python3", mustAbs(t, "testdata/ndr64.py"), "127.0.0.1", d.port, admin, password)
	if err != nil {
		t.Fatalf("%v\n%s", err, tail(out, 3000))
	}
	contains(t, out, "called: shares 502", "called: domain", "called: names", "called: interfaces", "refused:", "still alive")
	if strings.Contains(out, "differs") || strings.Contains(out, "accepted") {
		t.Errorf("%s", tail(out, 3000))
	}
}
