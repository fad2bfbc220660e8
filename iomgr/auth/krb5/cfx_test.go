package krb5

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"lwio/iomgr/nt"
)

// pair is two contexts of one key.
func pair(t EncType, acceptorSubkey, dce bool) (client, server *session) {
	k := newKey(t)
	return newSession(k, true, acceptorSubkey, dce, 1000, 2000), newSession(k, false, acceptorSubkey, dce, 2000, 1000)
}

// Lengths and layout, as MS-KILE 3.4.5.4.1 and Windows have them: 76 bytes with AES and SHA-1 in DCE style.
func TestWrapLayout(t *testing.T) {
	for _, c := range []struct {
		t          EncType
		dce        bool
		sign, seal int
		ec, rrc    uint16
	}{
		{AES256SHA1, true, 28, 76, 16, 28}, {AES128SHA1, true, 28, 76, 16, 28}, {AES256SHA1, false, 28, 60, 0, 28},
		{AES128SHA2, true, 32, 80, 16, 32}, {AES256SHA2, true, 40, 88, 16, 40}, {RC4HMAC, true, 37, 45, 0, 0},
	} {
		client, _ := pair(c.t, true, c.dce)
		if client.SignatureLen(false) != c.sign || client.SignatureLen(true) != c.seal {
			t.Errorf("%v: %d and %d bytes, want %d and %d", c.t, client.SignatureLen(false), client.SignatureLen(true), c.sign, c.seal)
		}
		if c.t == RC4HMAC {
			continue
		}
		sig, err := client.Seal(nil, make([]byte, 32), 0, 32)
		if err != nil {
			t.Fatal(err)
		}
		want := []byte{5, 4, cfxSealed | cfxAcceptorSubkey, 0xFF, byte(c.ec >> 8), byte(c.ec), byte(c.rrc >> 8), byte(c.rrc), 0, 0, 0, 0, 0, 0, 0x03, 0xE8}
		if !bytes.Equal(sig[:16], want) {
			t.Errorf("%v: header %x, want %x", c.t, sig[:16], want)
		}
		mic, err := client.Sign(nil, []byte("x"))
		want = []byte{4, 4, cfxAcceptorSubkey, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0x03, 0xE9}
		if err != nil || !bytes.Equal(mic[:16], want) {
			t.Errorf("%v: header %x, want %x", c.t, mic[:16], want)
		}
	}
}

// A peer may rotate by any count; the parts of the token may then lie anywhere in signature and message.
func TestRotation(t *testing.T) {
	for _, dce := range []bool{true, false} {
		for _, n := range []int{0, 5, 64} {
			client, server := pair(AES256SHA1, true, dce)
			msg := append(bytes.Repeat([]byte{'h'}, 8), bytes.Repeat([]byte{'d'}, n)...)
			msg = append(msg, "tail"...)
			plain := bytes.Clone(msg)
			sig, err := client.Seal(nil, msg, 8, 8+n)
			if err != nil {
				t.Fatal(err)
			}
			// In order: confounder and data, filler, header, checksum.
			rest := sig[16:]
			logical := make([]byte, len(rest)+n)
			back := 28
			if dce {
				back += 16
			}
			unrotate(logical, rest, msg[8:8+n], back)
			for rrc := range len(logical) + 3 {
				r := rrc
				if dce {
					r += 16
				}
				wire := make([]byte, len(logical))
				for i, c := range logical {
					wire[(i+r)%len(wire)] = c
				}
				token := bytes.Clone(sig)
				binary.BigEndian.PutUint16(token[6:], uint16(rrc))
				copy(token[16:], wire)
				got := bytes.Clone(msg)
				copy(got[8:], wire[len(rest):])
				server.Protector.(*cfx).recv.seq = newSequence(1000)
				if err := server.Unseal(got, 8, 8+n, token); err != nil || !bytes.Equal(got, plain) {
					t.Fatalf("DCE %v, %d bytes, rotated by %d: %q, %v", dce, n, rrc, got, err)
				}
			}
		}
	}
}

// Nothing that was changed gets through, and a failed message leaves no plain text.
func TestTamperedMessages(t *testing.T) {
	for _, et := range encTypes {
		client, server := pair(et, et != RC4HMAC, true)
		msg := bytes.Repeat([]byte("plain"), 12)
		plain := bytes.Clone(msg)
		sig, err := client.Seal(nil, msg, 10, 50)
		if err != nil {
			t.Fatal(err)
		}
		for i := range len(msg) + len(sig) {
			m, s := bytes.Clone(msg), bytes.Clone(sig)
			if i < len(m) {
				m[i] ^= 0x40
			} else {
				s[i-len(m)] ^= 0x40
			}
			err := server.Unseal(m, 10, 50, s)
			if !errors.Is(err, nt.StatusAccessDenied) {
				t.Fatalf("%v: byte %d changed: %v", et, i, err)
			}
			if et != RC4HMAC && bytes.Contains(m, plain[10:50]) {
				t.Fatalf("%v: plain text of a changed message", et)
			}
		}
		for n := range sig {
			if err := server.Unseal(bytes.Clone(msg), 10, 50, sig[:n]); !errors.Is(err, nt.StatusAccessDenied) {
				t.Fatalf("%v: first %d bytes of the token: %v", et, n, err)
			}
		}
		if err := server.Unseal(msg, 10, 50, sig); err != nil || !bytes.Equal(msg, plain) {
			t.Fatalf("%v: untouched: %v", et, err)
		}
		mic, err := client.Sign(nil, plain)
		if err != nil {
			t.Fatal(err)
		}
		for i := range len(plain) + len(mic) {
			m, s := bytes.Clone(plain), bytes.Clone(mic)
			if i < len(m) {
				m[i] ^= 1
			} else {
				s[i-len(m)] ^= 1
			}
			if server.Verify(m, s) == nil {
				t.Fatalf("%v: byte %d changed", et, i)
			}
		}
		if err := client.Verify(plain, mic); err == nil {
			t.Errorf("%v: a side took its own signature", et)
		}
		if err := server.Verify(plain, mic); err != nil {
			t.Errorf("%v: %v", et, err)
		}
	}
}

// Messages are taken in order; only before the first may one or two be missing.
func TestSequence(t *testing.T) {
	for _, c := range []struct {
		in   []uint64
		last bool
	}{
		{[]uint64{1000, 1001, 1002}, true}, {[]uint64{1001, 1002}, true}, {[]uint64{1002, 1003}, true}, {[]uint64{1003}, false}, {[]uint64{999}, false},
		{[]uint64{1000, 1000}, false}, {[]uint64{1000, 1002}, false}, {[]uint64{1001, 1000}, false}, {[]uint64{1000, 1001, 1001}, false},
	} {
		s := newSequence(1000)
		for i, n := range c.in {
			ok := s.check(n) == nil
			if ok != (c.last || i < len(c.in)-1) {
				t.Errorf("%v: message %d taken: %v", c.in, n, ok)
			}
		}
	}
}

// After SPNEGO's signature a peer may count on or begin again.
func TestResetKeystream(t *testing.T) {
	for _, et := range []EncType{AES256SHA1, RC4HMAC} {
		for _, peerRestarts := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v/%v", et, peerRestarts), func(t *testing.T) {
				client, server := pair(et, false, true)
				mic, err := client.Sign(nil, []byte("list"))
				if err != nil {
					t.Fatal(err)
				}
				if err := server.Verify([]byte("list"), mic); err != nil {
					t.Fatal(err)
				}
				server.ResetKeystream(false)
				client.ResetKeystream(peerRestarts)
				for range 3 {
					sig, err := client.Sign(nil, []byte("m"))
					if err != nil {
						t.Fatal(err)
					}
					if err := server.Verify([]byte("m"), sig); err != nil {
						t.Fatal(err)
					}
				}
			})
		}
	}
}

func TestSealAllocates(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has pools forget")
	}
	client, server := pair(AES256SHA1, true, true)
	msg, sig := make([]byte, 4096), make([]byte, 0, 128)
	n := testing.AllocsPerRun(50, func() {
		var err error
		if sig, err = client.Seal(sig[:0], msg, 24, 4000); err != nil {
			t.Fatal(err)
		}
		if err = server.Unseal(msg, 24, 4000, sig); err != nil {
			t.Fatal(err)
		}
		if sig, err = client.Sign(sig[:0], msg); err != nil {
			t.Fatal(err)
		}
		if err = server.Verify(msg, sig); err != nil {
			t.Fatal(err)
		}
	})
	if n >= 1 {
		t.Errorf("%v allocations a message", n)
	}
}
