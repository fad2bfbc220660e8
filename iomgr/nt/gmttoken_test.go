package nt

import (
	"testing"
	"time"
)

func TestGMTToken(t *testing.T) {
	at := TimeOf(time.Date(2006, 4, 26, 4, 8, 27, 500, time.UTC))
	const want = "@GMT-2006.04.26-04.08.27" // of the example in MS-SMB 4.2
	if got := at.GMTToken(); got != want || len(got) != GMTTokenLen {
		t.Errorf("%q", got)
	}
	if got, ok := ParseGMTToken(want); !ok || got != at.Seconds() {
		t.Errorf("%v %t", got, ok)
	}
	for _, bad := range []string{"", "@GMT-", want[:23], want + "x", "@GMT-2006.13.26-04.08.27", "@GMT-2006.04.31-04.08.27", "@GMT-2006.04.26-24.08.27",
		"@gmt-2006.04.26-04.08.27", "@GMT-2006-04-26-04.08.27", "@GMT-2006.04.26-04.08.2٧", "@GMT-1600.04.26-04.08.27", "x" + want[1:]} {
		if got, ok := ParseGMTToken(bad); ok {
			t.Errorf("%q is %v", bad, got)
		}
	}
}
