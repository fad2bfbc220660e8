package netlogon

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"testing"

	"lwio/iomgr/nt"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// NIST SP 800-38A F.3.7 and F.3.8.
func TestCFB8(t *testing.T) {
	key := unhex(t, "2b7e151628aed2a6abf7158809cf4f3c")
	iv := unhex(t, "000102030405060708090a0b0c0d0e0f")
	plain := unhex(t, "6bc1bee22e409f96e93d7e117393172aae2d")
	want := unhex(t, "3b79424c9c0dd436bace9e0ed4586a4f32b9")
	b := slices.Clone(plain)
	newCFB8(key, iv).encrypt(b)
	if !bytes.Equal(b, want) {
		t.Errorf("encrypt: %x, want %x", b, want)
	}
	newCFB8(key, iv).decrypt(b)
	if !bytes.Equal(b, plain) {
		t.Errorf("decrypt: %x, want %x", b, plain)
	}
}

func TestChain(t *testing.T) {
	key := SessionKey([16]byte{1}, [8]byte{2}, [8]byte{3})
	client := NewChain(key, [8]byte{2})
	stored := key.Credential([8]byte{2}) // what the controller keeps
	add := func(n byte) { stored[0] += n }
	for range 3 {
		cred := client.Next(5)
		add(5)
		if cred != key.Credential(stored) {
			t.Fatal("authenticator")
		}
		add(1)
		if !client.Verify(key.Credential(stored)) {
			t.Fatal("return authenticator is refused")
		}
	}
	client.Next(5)
	if client.Verify([8]byte{}) {
		t.Error("a wrong return authenticator is taken")
	}
}

func pair() (client, server *session) {
	key := Key{1, 2, 3}
	return &session{key: key, initiator: true}, &session{key: key}
}

func TestProtection(t *testing.T) {
	client, server := pair()
	const text = "header and stub and trailer"
	for range 3 {
		for _, dir := range [][2]*session{{client, server}, {server, client}} {
			msg := []byte(text)
			sig, err := dir[0].Seal(nil, msg, 7, 15)
			if err != nil || len(sig) != dir[0].SignatureLen(true) {
				t.Fatal(err, len(sig))
			}
			if string(msg[:7]) != text[:7] || string(msg[15:]) != text[15:] || string(msg[7:15]) == text[7:15] {
				t.Fatalf("sealed %q", msg)
			}
			if err := dir[1].Unseal(msg, 7, 15, sig); err != nil || string(msg) != text {
				t.Fatalf("unsealed %q: %v", msg, err)
			}
			sig, _ = dir[0].Sign(nil, msg)
			if err := dir[1].Verify(msg, sig); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestProtectionRefuses(t *testing.T) {
	for name, change := range map[string]func(msg, sig []byte, from *session) []byte{
		"message":   func(msg, sig []byte, _ *session) []byte { msg[0] ^= 1; return sig },
		"checksum":  func(_, sig []byte, _ *session) []byte { sig[offChecksum] ^= 1; return sig },
		"sequence":  func(_, sig []byte, _ *session) []byte { sig[offSequence] ^= 1; return sig },
		"algorithm": func(_, sig []byte, _ *session) []byte { sig[0] ^= 1; return sig },
		"short":     func(_, sig []byte, _ *session) []byte { return sig[:40] },
		"empty":     func(_, _ []byte, _ *session) []byte { return nil },
		"replay": func(msg, sig []byte, from *session) []byte {
			from.seq = 7 // as if it were of another place in the stream
			s, _ := from.Sign(nil, msg)
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			client, server := pair()
			msg := []byte("message")
			sig, _ := client.Sign(nil, msg)
			if err := server.Verify(msg, change(msg, sig, client)); !errors.Is(err, nt.StatusAccessDenied) {
				t.Errorf("signed: %v", err)
			}
			client, server = pair()
			msg = []byte("message")
			sig, _ = client.Seal(nil, msg, 0, len(msg))
			if err := server.Unseal(msg, 0, len(msg), change(msg, sig, client)); !errors.Is(err, nt.StatusAccessDenied) {
				t.Errorf("sealed: %v", err)
			} else if !bytes.Equal(msg, make([]byte, len(msg))) {
				t.Errorf("what cannot be used is left: %q", msg)
			}
		})
	}
}

func TestMessage(t *testing.T) {
	m := Message{Domain: "LAB", Computer: "OURS"}
	b := m.Append(nil)
	if want := "\x00\x00\x00\x00\x03\x00\x00\x00LAB\x00OURS\x00"; string(b) != want {
		t.Errorf("%q, want %q", b, want)
	}
	if got, err := ParseMessage(b); err != nil || got != m {
		t.Errorf("%+v, %v", got, err)
	}
	for n := range len(b) {
		if got, err := ParseMessage(b[:n]); err == nil {
			t.Errorf("%d bytes are taken: %+v", n, got)
		}
	}
}

func TestInitiator(t *testing.T) {
	i := NewInitiator(Channel{Domain: "LAB", Computer: "OURS", Key: Key{1}})
	token, done, err := i.Init(context.Background(), nil)
	if err != nil || done || i.Context() != nil {
		t.Fatal(token, done, err)
	}
	if _, _, err := i.Init(context.Background(), token); err == nil {
		t.Error("a request is taken for an answer")
	}
	if _, done, err = i.Init(context.Background(), (&Message{Type: MessageResponse}).Append(nil)); err != nil || !done {
		t.Fatal(done, err)
	}
	if c := i.Context(); c == nil || c.Mechanism() != "Netlogon" {
		t.Error("no context")
	}
	if _, _, err := i.Init(context.Background(), token); err == nil {
		t.Error("bound twice")
	}
}

func FuzzMessage(f *testing.F) {
	m := Message{Domain: "LAB", Computer: "OURS"}
	f.Add(m.Append(nil))
	f.Add((&Message{Type: MessageResponse}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseMessage(b)
		if err != nil {
			return
		}
		if got, err := ParseMessage(m.Append(nil)); err != nil || got != m {
			t.Errorf("%+v became %+v, %v", m, got, err)
		}
	})
}
