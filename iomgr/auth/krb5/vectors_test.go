package krb5

import (
	"bytes"
	"crypto/aes"
	"crypto/hmac"
	"encoding/hex"
	"testing"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/types"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// RFC 3961 A.1.
func TestNFold(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"012345", "be072631276b1955"},
		{"password", "78a07b6caf85fa"},
		{"Rough Consensus, and Running Code", "bb6ed30870b7f0e0"},
		{"password", "59e4a8ca7c0385c3c37b3f6d2000247cb6e6bd5b3e"},
		{"MASSACHVSETTS INSTITVTE OF TECHNOLOGY", "db3b0d8f0b061e603282b308a50841229ad798fab9540c1b"},
		{"Q", "518a54a215a8452a518a54a215a8452a518a54a215"},
		{"ba", "fb25d531ae8974499f52fd92ea9857c4ba24cf297e"},
		{"kerberos", "6b65726265726f73"},
		{"kerberos", "6b65726265726f737b9b5b2b93132b93"},
		{"kerberos", "8372c236344e5f1550cd0747e15d62ca7a5a3bcea4"},
		{"kerberos", "6b65726265726f737b9b5b2b93132b935c9bdcdad95c9899c4cae4dee6d6cae4"},
	} {
		out := make([]byte, len(c.want)/2)
		if nfold(out, []byte(c.in)); hex.EncodeToString(out) != c.want {
			t.Errorf("%d-fold(%q) = %x, want %s", len(out)*8, c.in, out, c.want)
		}
	}
}

// RFC 3962 B, RFC 8009 A, and RC4's of RFC 4757's reference.
func TestStringToKey(t *testing.T) {
	salt := "\x10\xDF\x9D\xD7\x83\xE5\xBC\x8A\xCE\xA1\x73\x0E\x74\x35\x5F\x61ATHENA.MIT.EDUraeburn"
	for _, c := range []struct {
		t          EncType
		pass, salt string
		params     []byte
		want       string
	}{
		{AES128SHA1, "password", "ATHENA.MIT.EDUraeburn", []byte{0, 0, 0, 1}, "42263c6e89f4fc28b8df68ee09799f15"},
		{AES128SHA1, "password", "ATHENA.MIT.EDUraeburn", []byte{0, 0, 4, 0xB0}, "4c01cd46d632d01e6dbe230a01ed642a"},
		{AES256SHA1, "password", "ATHENA.MIT.EDUraeburn", []byte{0, 0, 0, 2}, "a2e16d16b36069c135d5e9d2e25f896102685618b95914b467c67622225824ff"},
		{AES256SHA1, "password", "ATHENA.MIT.EDUraeburn", []byte{0, 0, 4, 0xB0}, "55a6ac740ad17b4846941051e1e8b0a7548d93b0ab30a8bc3ff16280382b8c2a"},
		{AES128SHA2, "password", salt, nil, "089bca48b105ea6ea77ca5d2f39dc5e7"},
		{AES256SHA2, "password", salt, nil, "45bd806dbf6a833a9cffc1c94589a222367a79bc21c413718906e9f578a78467"},
		{RC4HMAC, "foo", "", nil, "ac8e657f83df82beea5d43bdaf7800cc"},
	} {
		k, err := stringToKey(c.t, c.pass, c.salt, c.params)
		if err != nil || hex.EncodeToString(k.Value) != c.want || !k.valid() {
			t.Errorf("%v: %x, %v, want %s", c.t, k.Value, err, c.want)
		}
	}
	for _, bad := range [][]byte{{}, {1}, {0, 0, 0, 0}, {0xFF, 0xFF, 0xFF, 0xFF}} {
		if _, err := stringToKey(AES256SHA1, "a", "b", bad); err == nil {
			t.Errorf("parameters %x", bad)
		}
	}
	if _, err := stringToKey(3, "a", "b", nil); err == nil {
		t.Error("a DES key was made")
	}
}

// RFC 3962 B: one key, plain texts of all kinds of ends.
func TestCiphertextStealing(t *testing.T) {
	const text = "I would like the General Gau's Chicken, please, and wonton soup."
	for _, c := range []struct {
		n    int
		want string
	}{
		{17, "c6353568f2bf8cb4d8a580362da7ff7f97"},
		{31, "fc00783e0efdb2c1d445d4c8eff7ed2297687268d6ecccc0c07b25e25ecfe5"},
		{32, "39312523a78662d5be7fcbcc98ebf5a897687268d6ecccc0c07b25e25ecfe584"},
		{47, "97687268d6ecccc0c07b25e25ecfe584b3fffd940c16a18c1b5549d2f838029e39312523a78662d5be7fcbcc98ebf5"},
		{48, "97687268d6ecccc0c07b25e25ecfe5849dad8bbb96c4cdc03bc103e1a194bbd839312523a78662d5be7fcbcc98ebf5a8"},
		{64, "97687268d6ecccc0c07b25e25ecfe58439312523a78662d5be7fcbcc98ebf5a84807efe836ee89a526730dbc2f7bc8409dad8bbb96c4cdc03bc103e1a194bbd8"},
	} {
		crypt := stealingWith(t, []byte("chicken teriyaki"))
		b := []byte(text[:c.n])
		if crypt.encrypt(b); hex.EncodeToString(b) != c.want {
			t.Errorf("%d bytes: %x, want %s", c.n, b, c.want)
		}
		if crypt.decrypt(b); string(b) != text[:c.n] {
			t.Errorf("%d bytes: decrypted %q", c.n, b)
		}
	}
	crypt := stealingWith(t, []byte("chicken teriyaki"))
	for n := 16; n < 70; n++ {
		b := bytes.Repeat([]byte{7}, n)
		crypt.encrypt(b)
		if crypt.decrypt(b); !bytes.Equal(b, bytes.Repeat([]byte{7}, n)) {
			t.Errorf("%d bytes do not come back", n)
		}
	}
}

// RFC 8009 A: ciphertexts with known confounders, and checksums.
func TestSHA2Vectors(t *testing.T) {
	for _, c := range []struct {
		t                    EncType
		key, ke, ki, kc      string
		cipher0, cipher6     string
		cipher16, cipher21   string
		checksum             string
		conf0, conf6, conf16 string
		conf21               string
	}{
		{t: AES128SHA2, key: "3705d96080c17728a0e800eab6e0d23c",
			ke: "9b197dd1e8c5609d6e67c3e37c62c72e", ki: "9fda0e56ab2d85e1569a688696c26a6c", kc: "b31a018a48f54776f403e9a396325dc3",
			cipher0:  "ef85fb890bb8472f4dab20394dca781dad877eda39d50c870c0d5a0a8e48c718",
			cipher6:  "84d7f30754ed987bab0bf3506beb09cfb55402cef7e6877ce99e247e52d16ed4421dfdf8976c",
			cipher16: "3517d640f50ddc8ad3628722b3569d2ae07493fa8263254080ea65c1008e8fc295fb4852e7d83e1e7c48c37eebe6b0d3",
			cipher21: "720f73b18d9859cd6ccb4346115cd336c70f58edc0c4437c5573544c31c813bce1e6d072c186b39a413c2f92ca9b8334a287ffcbfc",
			conf0:    "7e5895eaf2672435bad817f545a37148", conf6: "7bca285e2fd4130fb55b1a5c83bc5b24",
			conf16: "56ab21713ff62c0a1457200f6fa9948f", conf21: "a7a4e29a4728ce10664fb64e49ad3fac",
			checksum: "d78367186643d67b411cba9139fc1dee"},
		{t: AES256SHA2, key: "6d404d37faf79f9df0d33568d320669800eb4836472ea8a026d16b7182460c52",
			ke: "56ab22bee63d82d7bc5227f6773f8ea7a5eb1c825160c38312980c442e5c7e49", ki: "69b16514e3cd8e56b82010d5c73012b622c4d00ffc23ed1f",
			kc:       "ef5718be86cc84963d8bbb5031e9f5c4ba41f28faf69e73d",
			cipher0:  "41f53fa5bfe7026d91faf9be959195a058707273a96a40f0a01960621ac612748b9bbfbe7eb4ce3c",
			cipher6:  "4ed7b37c2bcac8f74f23c1cf07e62bc7b75fb3f637b9f559c7f664f69eab7b6092237526ea0d1f61cb20d69d10f2",
			cipher16: "bc47ffec7998eb91e8115cf8d19dac4bbbe2e163e87dd37f49beca92027764f68cf51f14d798c2273f35df574d1f932e40c4ff255b36a266",
			cipher21: "40013e2df58e8751957d2878bcd2d6fe101ccfd556cb1eae79db3c3ee86429f2b2a602ac86fef6ecb647d6295fae077a1feb517508d2c16b4192e01f62",
			conf0:    "f764e9fa15c276478b2c7d0c4e5f58e4", conf6: "b80d3251c1f6471494256ffe712d0b9a",
			conf16: "53bf8a0d105265d4e276428624ce5e63", conf21: "763e65367e864f02f55153c7e3b58af1",
			checksum: "45ee791567eefca37f4ac1e0222de80d43c3bfa06699672a"},
	} {
		k := EncryptionKey{c.t, unhex(t, c.key)}
		const usage = 2
		for what, want := range map[byte]string{deriveEncryption: c.ke, deriveIntegrity: c.ki, deriveChecksum: c.kc} {
			if got := hex.EncodeToString(k.derive(usage, what)); got != want {
				t.Errorf("%v: key %x is %s, want %s", c.t, what, got, want)
			}
		}
		plain := unhex(t, "000102030405060708090a0b0c0d0e0f1011121314")
		for n, want := range map[int][2]string{0: {c.conf0, c.cipher0}, 6: {c.conf6, c.cipher6}, 16: {c.conf16, c.cipher16}, 21: {c.conf21, c.cipher21}} {
			got, err := k.decrypt(usage, unhex(t, want[1]))
			if err != nil || !bytes.Equal(got, plain[:n]) {
				t.Errorf("%v: %d bytes decrypt to %x, %v", c.t, n, got, err)
			}
			crypt := newAESCrypt(k, usage)
			b := append(unhex(t, want[0]), plain[:n]...)
			crypt.encrypt(b)
			crypt.begin().Write(b)
			if b = append(b, crypt.tag()...); hex.EncodeToString(b) != want[1] {
				t.Errorf("%v: %d bytes encrypt to %x", c.t, n, b)
			}
		}
		if got := hex.EncodeToString(k.checksum(usage, plain)); got != c.checksum {
			t.Errorf("%v: checksum %s, want %s", c.t, got, c.checksum)
		}
	}
}

// What gokrb5 encrypts is read here and the other way round, at all lengths about the block's and for all usages that differ.
func TestCryptoOfGokrb5(t *testing.T) {
	for _, et := range encTypes {
		k := newKey(et)
		theirs := types.EncryptionKey{KeyType: int32(et), KeyValue: k.Value}
		for _, usage := range []uint32{1, 2, 3, 7, 8, 11, 12} {
			for n := range 50 {
				plain := bytes.Repeat([]byte{byte(n)}, n)
				ed, err := crypto.GetEncryptedData(plain, theirs, usage, 0)
				if err != nil {
					t.Fatal(err)
				}
				if got, err := k.decrypt(usage, ed.Cipher); err != nil || !bytes.Equal(got, plain) {
					t.Fatalf("%v usage %d, %d bytes of gokrb5: %v", et, usage, n, err)
				}
				ours := k.encrypt(usage, plain)
				if got, err := crypto.DecryptMessage(ours, theirs, usage); err != nil || !bytes.Equal(got, plain) {
					t.Fatalf("%v usage %d, %d bytes of ours: %v", et, usage, n, err)
				}
				for i := range ours {
					ours[i] ^= 0x10
					if _, err := k.decrypt(usage, ours); err == nil {
						t.Fatalf("%v: byte %d changed", et, i)
					}
					ours[i] ^= 0x10
				}
				if n == 20 {
					for i := range ours {
						if _, err := k.decrypt(usage, ours[:i]); err == nil {
							t.Fatalf("%v: first %d bytes", et, i)
						}
					}
				}
			}
			e, err := crypto.GetEtype(int32(et))
			if err != nil {
				t.Fatal(err)
			}
			sum, err := e.GetChecksumHash(k.Value, []byte("message"), usage)
			// The message types of RC4's checksums are not those of its encryption.
			if err != nil || !hmac.Equal(sum, k.checksum(usage, []byte("message"))) {
				t.Errorf("%v usage %d: checksums differ, %v", et, usage, err)
			}
		}
	}
}

// stealingWith makes a crypt with that very key for its cipher.
func stealingWith(t testing.TB, key []byte) *aesCrypt {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	return &aesCrypt{block: block}
}
