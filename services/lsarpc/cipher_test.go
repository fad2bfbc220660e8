package lsarpc

import (
	"bytes"
	"math/bits"
	"testing"

	gen "lwio/gen/lsarpc"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// TestDESKey: seven bytes are spread over eight, each with an odd parity bit behind its seven.
func TestDESKey(t *testing.T) {
	want := []byte{0b1111111_0, 0b1000000_0, 0b0011111_0, 0b1110000_0, 0b0000111_0, 0b1111100_0, 0b0000001_0, 0b1111111_0}
	for i, b := range desKey([]byte{0xFF, 0, 0xFF, 0, 0xFF, 0, 0xFF}) {
		if b&0xFE != want[i] || bits.OnesCount8(b)%2 == 0 {
			t.Errorf("byte %d: %08b, want %08b and parity", i, b, want[i])
		}
	}
}

// FuzzDecrypt: what crosses the wire is decrypted or refused, and what is encrypted here comes back.
func FuzzDecrypt(f *testing.F) {
	call := &rpc.Call{SessionKey: []byte("0123456789abcdef")}
	for _, v := range [][]byte{{}, []byte("value"), bytes.Repeat([]byte{7}, 100)} {
		f.Add(encrypt(call, v).Buffer)
	}
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, call := range []*rpc.Call{call, {}} {
			v, status := decrypt(call, &gen.LSAPR_CR_CIPHER_VALUE{Buffer: b})
			if status == nt.StatusSuccess && len(v) > len(b) {
				t.Errorf("%d bytes of %d", len(v), len(b))
			}
			back, status := decrypt(call, encrypt(call, b))
			if status != nt.StatusSuccess || !bytes.Equal(back, b) {
				t.Errorf("%x comes back as %x, %v", b, back, status)
			}
		}
	})
}
