package samr_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	gen "lwio/gen/samr"
	"lwio/iomgr/auth/ntlm"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/samr"
	"lwio/services/samr/sampass"
	"lwio/services/state"
)

// has reports whether a user's password is this.
func has(t *testing.T, w *world, name, password string) bool {
	t.Helper()
	seen := false
	stop := errors.New("only looking")
	w.ChangePassword(t.Context(), name, func(old [16]byte) (state.Secret, error) {
		seen = old == ntlm.NTHash(password)
		return state.Secret{}, stop
	})
	return seen
}

// sealed is a password in the form of each level that carries one, for the key.
func sealed(t *testing.T, class gen.USER_INFORMATION_CLASS, password string, key []byte, fields uint32) (b gen.SAMPR_USER_INFO_BUFFER) {
	t.Helper()
	hash := ntlm.NTHash(password)
	h, okh := sampass.SealHash(hash[:], key)
	rc4, ok1 := sampass.SealRC4(password, key)
	salted, ok2 := sampass.SealSalted(password, key)
	aes, ok3 := sampass.SealAES(password, key)
	if !okh || !ok1 || !ok2 || !ok3 {
		t.Fatal("a password that does not seal")
	}
	all := gen.SAMPR_USER_ALL_INFORMATION{WhichFields: fields}
	box := gen.SAMPR_ENCRYPTED_PASSWORD_AES{AuthData: aes.AuthData, Salt: aes.Salt, CbCipher: uint32(len(aes.Cipher)), Cipher: aes.Cipher}
	switch class {
	case 18:
		b.Internal1 = &gen.SAMPR_USER_INTERNAL1_INFORMATION{EncryptedNtOwfPassword: gen.ENCRYPTED_LM_OWF_PASSWORD{Data: h}, NtPasswordPresent: 1}
	case 21:
		all.NtOwfPassword = gen.RPC_SHORT_BLOB{Length: 16, MaximumLength: 16}
		for i := 0; i < 16; i += 2 {
			all.NtOwfPassword.Buffer = append(all.NtOwfPassword.Buffer, uint16(h[i])|uint16(h[i+1])<<8)
		}
		b.All = &all
	case 23:
		b.Internal4 = &gen.SAMPR_USER_INTERNAL4_INFORMATION{I1: all, UserPassword: gen.SAMPR_ENCRYPTED_USER_PASSWORD{Buffer: rc4}}
	case 24:
		b.Internal5 = &gen.SAMPR_USER_INTERNAL5_INFORMATION{UserPassword: gen.SAMPR_ENCRYPTED_USER_PASSWORD{Buffer: rc4}}
	case 25:
		b.Internal4New = &gen.SAMPR_USER_INTERNAL4_INFORMATION_NEW{I1: all, UserPassword: gen.SAMPR_ENCRYPTED_USER_PASSWORD_NEW{Buffer: salted}}
	case 26:
		b.Internal5New = &gen.SAMPR_USER_INTERNAL5_INFORMATION_NEW{UserPassword: gen.SAMPR_ENCRYPTED_USER_PASSWORD_NEW{Buffer: salted}}
	case 31:
		b.Internal7 = &gen.SAMPR_USER_INTERNAL7_INFORMATION{UserPassword: box}
	case 32:
		b.Internal8 = &gen.SAMPR_USER_INTERNAL8_INFORMATION{I1: all, UserPassword: box}
	}
	return b
}

const fieldNT = 0x01000000

func TestSetPassword(t *testing.T) {
	w := newWorld(t, samr.Config{})
	c := w.as(t, admin)
	h := openAll(t, c)
	for _, class := range []gen.USER_INFORMATION_CLASS{18, 21, 23, 24, 25, 26, 31, 32} {
		password := fmt.Sprintf("Pässwörd-%d-😀", class)
		set := func(b gen.SAMPR_USER_INFO_BUFFER) nt.Status {
			return status(ret(c.SamrSetInformationUser(t.Context(), &gen.SamrSetInformationUserRequest{UserHandle: h.user, UserInformationClass: class, Buffer: b})))
		}
		if got := set(sealed(t, class, password, key, fieldNT)); got != ok || !has(t, w, "alice", password) {
			t.Errorf("level %d: %v, set: %v", class, got, has(t, w, "alice", password))
		}
		wrong := []byte("fedcba9876543210")
		if class != 18 && class != 21 { // a hash has no form that tells
			if got := set(sealed(t, class, "another-1", wrong, fieldNT)); got != nt.StatusWrongPassword || !has(t, w, "alice", password) {
				t.Errorf("level %d with another key: %v", class, got)
			}
		}
		if class == 32 || class == 31 {
			b := sealed(t, class, "another-2", key, fieldNT)
			if class == 31 {
				b.Internal7.UserPassword.Cipher[17] ^= 1
			} else {
				b.Internal8.UserPassword.Salt[0] ^= 1
			}
			if got := set(b); got != nt.StatusWrongPassword {
				t.Errorf("level %d, changed on the way: %v", class, got)
			}
		}
	}
	// What only stands there is not set unless its flag says so.
	before := "Pässwörd-32-😀"
	b := sealed(t, 25, "unasked-1", key, 0x2)
	b.Internal4New.I1.FullName = text("Only the name")
	if got := status(ret(c.SamrSetInformationUser2(t.Context(), &gen.SamrSetInformationUser2Request{UserHandle: h.user, UserInformationClass: 25, Buffer: b}))); got != ok || !has(t, w, "alice", before) {
		t.Errorf("without the flag: %v, the password stayed: %v", got, has(t, w, "alice", before))
	}
	if u, err := w.User(t.Context(), 1000); err != nil || u.FullName != "Only the name" {
		t.Errorf("%+v, %v", u, err)
	}
	// The expired flag makes the user choose another.
	b = sealed(t, 24, "Expired-1", key, 0)
	b.Internal5.PasswordExpired = 1
	c.SamrSetInformationUser2(t.Context(), &gen.SamrSetInformationUser2Request{UserHandle: h.user, UserInformationClass: 24, Buffer: b})
	if u, err := w.User(t.Context(), 1000); err != nil || u.PasswordLastSet != 0 {
		t.Errorf("%+v, %v", u, err)
	}
}

// TestSetPasswordOverTCP: the key there protects nothing, so the call has to be sealed.
func TestSetPasswordOverTCP(t *testing.T) {
	w := newWorld(t, samr.Config{})
	c := w.over(t, admin, rpc.TransportTCP, 0)
	h := openAll(t, c)
	for _, class := range []gen.USER_INFORMATION_CLASS{18, 24, 26, 31} {
		if got := status(ret(c.SamrSetInformationUser2(t.Context(), &gen.SamrSetInformationUser2Request{UserHandle: h.user, UserInformationClass: class, Buffer: sealed(t, class, "New-Passw0rd", key, fieldNT)}))); got != denied || !has(t, w, "alice", "Old-Passw0rd") {
			t.Errorf("level %d: %v", class, got)
		}
	}
}

// changes are the ways to change a password by the old one.
var changes = map[string]func(t *testing.T, c *gen.Client, name, old, new string) nt.Status{
	"55": func(t *testing.T, c *gen.Client, name, old, new string) nt.Status {
		buffer, verifier := change(old, new)
		return status(ret(c.SamrUnicodeChangePasswordUser2(t.Context(), &gen.SamrUnicodeChangePasswordUser2Request{UserName: text(name), NewPasswordEncryptedWithOldNt: buffer, OldNtOwfPasswordEncryptedWithNewNt: verifier})))
	},
	"63": func(t *testing.T, c *gen.Client, name, old, new string) nt.Status {
		buffer, verifier := change(old, new)
		return status(ret(c.SamrUnicodeChangePasswordUser3(t.Context(), &gen.SamrUnicodeChangePasswordUser3Request{UserName: text(name), NewPasswordEncryptedWithOldNt: buffer, OldNtOwfPasswordEncryptedWithNewNt: verifier})))
	},
	"73": func(t *testing.T, c *gen.Client, name, old, new string) nt.Status {
		x, _ := sampass.SealChange(new, ntlm.NTHash(old), sampass.MinIterations)
		return status(ret(c.SamrUnicodeChangePasswordUser4(t.Context(), &gen.SamrUnicodeChangePasswordUser4Request{UserName: text(name), EncryptedPassword: gen.SAMPR_ENCRYPTED_PASSWORD_AES{
			AuthData: x.AuthData, Salt: x.Salt, CbCipher: uint32(len(x.Cipher)), Cipher: x.Cipher, PBKDF2Iterations: sampass.MinIterations}})))
	},
}

func change(old, new string) (*gen.SAMPR_ENCRYPTED_USER_PASSWORD, *gen.ENCRYPTED_LM_OWF_PASSWORD) {
	o, n := ntlm.NTHash(old), ntlm.NTHash(new)
	buffer, _ := sampass.SealRC4(new, o[:])
	verifier, _ := sampass.SealHash(o[:], n[:])
	return &gen.SAMPR_ENCRYPTED_USER_PASSWORD{Buffer: buffer}, &gen.ENCRYPTED_LM_OWF_PASSWORD{Data: verifier}
}

func TestChangePassword(t *testing.T) {
	for op, try := range changes {
		t.Run(op, func(t *testing.T) {
			w := newWorld(t, samr.Config{})
			c := w.as(t, user)
			for _, test := range []struct {
				name, old, new string
				want           nt.Status
			}{
				{"alice", "Old-Passw0rd", "New-Passw0rd", ok},
				{"ALICE", "Old-Passw0rd", "x", nt.StatusWrongPassword},
				{"alice", "New-Passw0rd", strings.Repeat("ü", 256), ok},
				{"alice", strings.Repeat("ü", 256), "short", ok},
				{"nobody", "Old-Passw0rd", "x", nt.StatusWrongPassword},
				{"Guest", "", "x", nt.StatusWrongPassword},
				{"staff", "", "x", nt.StatusWrongPassword},
				{"", "", "x", nt.StatusWrongPassword},
			} {
				if got := try(t, c, test.name, test.old, test.new); got != test.want {
					t.Errorf("%q from %.20q to %.20q: %v, want %v", test.name, test.old, test.new, got, test.want)
				}
			}
			if !has(t, w, "alice", "short") {
				t.Error("the last password is not the one that counts")
			}
			// The policy, in the order in which it is applied.
			policy := func(change func(*state.Policy)) {
				t.Helper()
				if err := w.UpdatePolicy(t.Context(), machine, func(p *state.Policy) error { change(p); return nil }); err != nil {
					t.Fatal(err)
				}
			}
			restricted := nt.StatusPasswordRestriction
			policy(func(p *state.Policy) { p.MinLength, p.History, p.Properties = 8, 3, state.PasswordComplex })
			for _, step := range []struct {
				to   string
				want nt.Status
			}{{"Kurz-1", restricted}, {"alllowercase", restricted}, {"Has-alice-1", restricted}, {"First-Passw0rd", ok}, {"Second-Passw0rd", ok}, {"First-Passw0rd", restricted}, {"Second-Passw0rd", restricted},
				{"Third-Passw0rd", ok}, {"Fourth-Passw0rd", ok}, {"First-Passw0rd", restricted}, {"Fifth-Passw0rd", ok}, {"First-Passw0rd", ok}} {
				from := "short"
				for _, p := range []string{"First-Passw0rd", "Second-Passw0rd", "Third-Passw0rd", "Fourth-Passw0rd", "Fifth-Passw0rd"} {
					if has(t, w, "alice", p) {
						from = p
					}
				}
				if got := try(t, c, "alice", from, step.to); got != step.want {
					t.Errorf("to %s: %v, want %v", step.to, got, step.want)
				}
			}
			policy(func(p *state.Policy) { p.MinAge = -864000000000 })
			if got := try(t, c, "alice", "First-Passw0rd", "Sixth-Passw0rd"); got != restricted {
				t.Errorf("on the same day: %v", got)
			}
			policy(func(p *state.Policy) { p.MinAge, p.Properties = 0, state.PasswordRefuseChange })
			if got := try(t, c, "alice", "First-Passw0rd", "Sixth-Passw0rd"); got != restricted {
				t.Errorf("where changes are refused: %v", got)
			}
			// Guessing locks, whoever guesses and whether there is such an account or not.
			policy(func(p *state.Policy) { p.Properties, p.LockoutThreshold = 0, 3 })
			for _, name := range []string{"bob", "nobody2"} {
				for range 3 {
					if got := try(t, c, name, "guess", "x"); got != nt.StatusWrongPassword {
						t.Errorf("%s: %v", name, got)
					}
				}
				if got := try(t, c, name, "Old-Passw0rd", "New-Passw0rd"); got != nt.StatusAccountLockedOut {
					t.Errorf("%s, locked: %v", name, got)
				}
			}
		})
	}
}

// TestWhyRefused: opnum 63 tells why, to who knew the old password.
func TestWhyRefused(t *testing.T) {
	w := newWorld(t, samr.Config{})
	if err := w.UpdatePolicy(t.Context(), machine, func(p *state.Policy) error { p.MinLength, p.History = 8, 2; return nil }); err != nil {
		t.Fatal(err)
	}
	c := w.as(t, user)
	for _, test := range []struct {
		old, new string
		want     nt.Status
		reason   uint32
	}{{"Old-Passw0rd", "short", nt.StatusPasswordRestriction, 1}, {"Old-Passw0rd", "Old-Passw0rd", nt.StatusPasswordRestriction, 2}, {"wrong", "short", nt.StatusWrongPassword, 0}} {
		buffer, verifier := change(test.old, test.new)
		r, err := c.SamrUnicodeChangePasswordUser3(t.Context(), &gen.SamrUnicodeChangePasswordUser3Request{UserName: text("alice"), NewPasswordEncryptedWithOldNt: buffer, OldNtOwfPasswordEncryptedWithNewNt: verifier})
		if got := status(ret(r, err)); got != test.want {
			t.Fatalf("%s to %s: %v", test.old, test.new, got)
		}
		if (r.PasswordChangeFailureInfo != nil) != (test.want == nt.StatusPasswordRestriction) {
			t.Errorf("%s to %s: %+v", test.old, test.new, r)
		}
		if i := r.PasswordChangeFailureInfo; i != nil && (i.ExtendedFailureReason != test.reason || r.EffectivePasswordPolicy.MinPasswordLength != 8) {
			t.Errorf("%s to %s: %+v, %+v", test.old, test.new, i, r.EffectivePasswordPolicy)
		}
	}
	// How much work the server does is not the client's say.
	for _, n := range []uint64{0, sampass.MinIterations - 1, sampass.MaxIterations + 1, 1 << 63} {
		if got := status(ret(c.SamrUnicodeChangePasswordUser4(t.Context(), &gen.SamrUnicodeChangePasswordUser4Request{UserName: text("alice"), EncryptedPassword: gen.SAMPR_ENCRYPTED_PASSWORD_AES{PBKDF2Iterations: n}}))); got != nt.StatusInvalidParameter {
			t.Errorf("%d iterations: %v", n, got)
		}
	}
}
