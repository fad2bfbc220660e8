package smb2

import (
	"bytes"
	"path/filepath"
	"testing"
)

// transcript is a captured connection with the keys that the peer printed.
type transcript struct {
	keys   map[string][]byte
	frames []line // C or S
}

func readTranscript(t *testing.T, name string) transcript {
	tr := transcript{keys: map[string][]byte{}}
	for _, l := range readLines(t, name) {
		if l.word == "C" || l.word == "S" {
			tr.frames = append(tr.frames, l)
		} else {
			tr.keys[l.word] = l.b
		}
	}
	return tr
}

// TestTranscripts follows captured connections as a third party that knows the session key: it computes the
// preauthentication hash, derives the keys and compares them with the peer's, verifies each signature, opens each sealed
// frame, and reads and writes again each message.
func TestTranscripts(t *testing.T) {
	names, err := filepath.Glob("testdata/transcripts/*.txt")
	if err != nil || len(names) != 9 {
		t.Fatalf("%d transcripts, %v", len(names), err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) { followTranscript(t, readTranscript(t, name)) })
	}
}

func followTranscript(t *testing.T, tr transcript) {
	var (
		hash     PreauthHash
		dialect  Dialect
		cipher   = CipherAES128CCM
		signing  SigningAlgorithm
		keys     Keys
		signer   *Signer
		signed   int
		sealed   int
		messages int
	)
	seen := map[bool]map[Command]int{false: {}, true: {}}
	check := func(b []byte) {
		for it := NewMessages(b); it.More(); {
			m, err := it.Next()
			if err != nil {
				t.Fatal(err)
			}
			messages++
			checkGolden(t, m, seen)
			if m.Header.IsSigned() && signer != nil {
				signed++
				checkSigner(t, signer, m.Raw)
			}
		}
	}
	for _, f := range tr.frames {
		if ProtocolID(f.b) == ProtocolTransform {
			key := keys.ClientToServer
			if f.word == "S" {
				key = keys.ServerToClient
			}
			sealed++
			check(checkSealed(t, "frame", cipher, key, f.b, nil))
			continue
		}
		h, err := ParseHeader(f.b)
		if err != nil {
			t.Fatal(err)
		}
		final := h.Command == SessionSetup && h.IsResponse() && h.Status == 0
		if final {
			keys = DeriveKeys(dialect, cipher, tr.keys["session"], &hash)
			compareKeys(t, keys, tr.keys)
			if signer, err = NewSigner(signing, keys.Signing[:]); err != nil {
				t.Fatal(err)
			}
		} else if h.Command == Negotiate || h.Command == SessionSetup {
			hash.Update(f.b)
		}
		if h.Command == Negotiate && h.IsResponse() {
			dialect, cipher, signing = readNegotiated(t, f.b[HeaderSize:])
		}
		check(f.b)
	}
	if messages < 15 || signed == 0 && sealed == 0 {
		t.Errorf("%d messages, %d signed, %d sealed: the transcript shows too little", messages, signed, sealed)
	}
}

func readNegotiated(t *testing.T, body []byte) (Dialect, CipherID, SigningAlgorithm) {
	t.Helper()
	r, err := ParseNegotiateResponse(body)
	if err != nil {
		t.Fatal(err)
	}
	cipher, signing := CipherAES128CCM, DefaultSigningAlgorithm(r.Dialect)
	for _, c := range r.Contexts {
		switch c.Type {
		case ContextEncryption:
			e, err := ParseEncryptionCapabilities(c.Data)
			if err != nil || len(e.Ciphers) != 1 {
				t.Fatalf("%+v, %v", e, err)
			}
			cipher = e.Ciphers[0]
		case ContextSigning:
			s, err := ParseSigningCapabilities(c.Data)
			if err != nil || len(s.Algorithms) != 1 {
				t.Fatalf("%+v, %v", s, err)
			}
			signing = s.Algorithms[0]
		}
	}
	return r.Dialect, cipher, signing
}

func compareKeys(t *testing.T, k Keys, want map[string][]byte) {
	t.Helper()
	for name, got := range map[string][]byte{
		"signing": k.Signing[:], "application": k.Application[:], "serverin": k.ClientToServer, "serverout": k.ServerToClient,
	} {
		if w := want[name]; w != nil && !bytes.Equal(got, w) {
			t.Errorf("%s key %x, want %x", name, got, w)
		}
	}
}
