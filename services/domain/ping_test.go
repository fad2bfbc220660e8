package domain

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"lwio/iomgr/nt"
)

func samplePing() Ping {
	return Ping{Opcode: opcodeResponseEx, Flags: 0x3FD, GUID: nt.GUID{1, 2, 3}, Forest: "lab.test", DNSDomain: "lab.test", DNSHost: "dc1.lab.test", Domain: "LAB", Computer: "DC1",
		Site: "Default-First-Site-Name", ClientSite: "Default-First-Site-Name", Version: 5}
}

func TestPing(t *testing.T) {
	want := samplePing()
	b := want.Append(nil)
	got, err := ParsePing(b)
	if err != nil || got != want {
		t.Fatalf("%+v, %v", got, err)
	}
	for n := range len(b) {
		if p, err := ParsePing(b[:n]); err == nil && p == want {
			t.Errorf("%d of %d bytes are the whole answer", n, len(b))
		}
	}
}

// A name may end in a pointer to one before it (RFC 1035 4.1.4); one that leads on, or to itself, is none.
func TestPingCompression(t *testing.T) {
	p := samplePing()
	p.DNSDomain, p.DNSHost = "", ""
	plain := p.Append(nil)
	at := 24 + len("\x03lab\x04test\x00")
	b := append(bytes.Clone(plain[:at]), 0xC0, 24) // the domain: that of the forest
	b = append(b, 3, 'd', 'c', '1', 0xC0, 24)
	b = append(b, plain[at+2:]...)
	got, err := ParsePing(b)
	if err != nil || got.DNSDomain != "lab.test" || got.DNSHost != "dc1.lab.test" || got.Domain != "LAB" {
		t.Errorf("%+v, %v", got, err)
	}
	for _, to := range []byte{byte(at), byte(at) + 1, 0xFF} {
		b[at+1] = to
		if _, err := ParsePing(b); err == nil {
			t.Errorf("a pointer to %d is followed", to)
		}
	}
}

// What a Samba controller answers to the request of pingRequest.
func TestPingAnswer(t *testing.T) {
	p := samplePing()
	entry := func(name string) []byte {
		return ber(tagSequence, ber(tagInteger, []byte{7}), ber(tagEntry, ber(tagOctets),
			ber(tagSequence, ber(tagSequence, ber(tagOctets, []byte(name)), ber(tagSet, ber(tagOctets, p.Append(nil)))))))
	}
	value, err := pingAnswer(entry("netlogon"), 7)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParsePing(value); err != nil || got != p {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := pingAnswer(entry("netlogon"), 8); err == nil {
		t.Error("the answer to another request is taken")
	}
	if _, err := pingAnswer(entry("other"), 7); !errors.Is(err, errNotServing) {
		t.Errorf("another attribute: %v", err)
	}
	done := ber(tagSequence, ber(tagInteger, []byte{7}), ber(tagDone))
	if _, err := pingAnswer(done, 7); !errors.Is(err, errNotServing) {
		t.Errorf("no entry: %v", err)
	}
	whole := entry("Netlogon")
	for n := range len(whole) {
		if _, err := pingAnswer(whole[:n], 7); err == nil {
			t.Errorf("%d of %d bytes are an answer", n, len(whole))
		}
	}
}

func TestPingRequest(t *testing.T) {
	const want = "3045020101634004000a01000a0100020100020100010100a0230" // the id 1, the root, and the two conditions
	got := hex.EncodeToString(pingRequest(1, "lab.test"))
	for _, part := range []string{hex.EncodeToString([]byte("DnsDomain")), hex.EncodeToString([]byte("lab.test")), "04054e74566572040406000000", hex.EncodeToString([]byte("Netlogon"))} {
		if !strings.Contains(got, part) {
			t.Errorf("%s is not in %s", part, got)
		}
	}
	if !strings.HasPrefix(got[4:], want[4:10]) {
		t.Errorf("begins with %s", got[:20])
	}
}

func FuzzPing(f *testing.F) {
	p := samplePing()
	f.Add(p.Append(nil))
	f.Add(append(bytes.Repeat([]byte{23, 0}, 12), 0xC0, 24))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParsePing(b)
		if err != nil {
			return
		}
		if got, err := ParsePing(p.Append(nil)); err != nil || got != p {
			t.Errorf("%+v became %+v, %v", p, got, err)
		}
	})
}

func FuzzPingAnswer(f *testing.F) {
	p := samplePing()
	f.Add(ber(tagSequence, ber(tagInteger, []byte{1}), ber(tagEntry, ber(tagOctets), ber(tagSequence, ber(tagSequence, ber(tagOctets, []byte("Netlogon")), ber(tagSet, ber(tagOctets, p.Append(nil))))))))
	f.Add([]byte{0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF})
	f.Fuzz(func(t *testing.T, b []byte) {
		value, err := pingAnswer(b, 1)
		if err == nil && len(value) > len(b) {
			t.Error("more than there is")
		}
	})
}
