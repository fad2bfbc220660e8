package posixacl

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// As `setfacl -m u:1000:rw,g:100:r` writes it to a file of mode 0640.
const golden = "0200000001000600ffffffff02000600e803000004000400ffffffff080004006400000010000600ffffffff20000000ffffffff"

func TestGolden(t *testing.T) {
	b, err := hex.DecodeString(golden)
	if err != nil {
		t.Fatal(err)
	}
	a, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	want := ACL{{UserObj, 6, 0}, {User, 6, 1000}, {GroupObj, 4, 0}, {Group, 4, 100}, {Mask, 6, 0}, {Other, 0, 0}}
	if d := cmp.Diff(want, a); d != "" {
		t.Error(d)
	}
	if !bytes.Equal(a.Append(nil), b) {
		t.Errorf("%x", a.Append(nil))
	}
	if a.Mode() != 0o660 {
		t.Errorf("mode %o", a.Mode())
	}
	for i := range b {
		if _, err := Parse(b[:i]); !errors.Is(err, ErrFormat) {
			t.Errorf("%d bytes: %v", i, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for what, a := range map[string]ACL{
		"empty":              {},
		"no owner":           {{GroupObj, 4, 0}, {Other, 0, 0}},
		"two owners":         {{UserObj, 4, 0}, {UserObj, 4, 0}, {GroupObj, 4, 0}, {Other, 0, 0}},
		"named without mask": {{UserObj, 4, 0}, {User, 4, 7}, {GroupObj, 4, 0}, {Other, 0, 0}},
		"not sorted":         {{UserObj, 4, 0}, {User, 4, 8}, {User, 4, 7}, {GroupObj, 4, 0}, {Mask, 7, 0}, {Other, 0, 0}},
		"one user twice":     {{UserObj, 4, 0}, {User, 4, 7}, {User, 4, 7}, {GroupObj, 4, 0}, {Mask, 7, 0}, {Other, 0, 0}},
		"permission":         {{UserObj, 8, 0}, {GroupObj, 4, 0}, {Other, 0, 0}},
		"tag":                {{UserObj, 4, 0}, {3, 4, 0}, {GroupObj, 4, 0}, {Other, 0, 0}},
		"nobody by name":     {{UserObj, 4, 0}, {User, 4, noID}, {GroupObj, 4, 0}, {Mask, 7, 0}, {Other, 0, 0}},
	} {
		if got, err := Parse(a.Append(nil)); err == nil {
			t.Errorf("%s: %v", what, got)
		}
	}
	b := FromMode(0o755).Append(nil)
	if b[0] = 1; func() bool { _, err := Parse(b); return err == nil }() {
		t.Error("another version")
	}
}

func TestFromMode(t *testing.T) {
	for _, mode := range []uint32{0, 0o777, 0o640, 0o421} {
		a, err := Parse(FromMode(mode).Append(nil))
		if err != nil || a.Mode() != mode {
			t.Errorf("%o: %v %v", mode, a, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	b, _ := hex.DecodeString(golden)
	f.Add(b)
	f.Add(FromMode(0o755).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := Parse(b)
		if err != nil {
			return
		}
		again, err := Parse(a.Append(nil))
		if err != nil || !cmp.Equal(a, again) {
			t.Fatalf("%v, then %v, %v", a, again, err)
		}
		// Whatever the list, it has a descriptor that can be stored, and that has a list which Linux takes.
		for _, dir := range []bool{false, true} {
			s := &Source{UID: 1000, GID: 100, Mode: a.Mode(), Dir: dir, Access: a}
			if dir {
				s.Default = a
			}
			sd := Describe(s, Unix{})
			if err := sd.Valid(); err != nil {
				t.Fatal(err)
			}
			p := Project(sd, s, Unix{})
			for _, x := range []ACL{p.Access, p.Default} {
				if x != nil && !x.valid() {
					t.Fatalf("projected to %v", x)
				}
			}
		}
	})
}
