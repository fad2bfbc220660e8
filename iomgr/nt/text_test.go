package nt

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTime(t *testing.T) {
	for _, c := range []struct {
		go_  time.Time
		want Time
	}{
		{time.Time{}, 0},
		{time.Unix(0, 0), 116444736000000000},
		{time.Unix(0, 199), 116444736000000001}, // rounded down to 100 ns
		{time.Date(1601, 1, 1, 0, 0, 0, 100, time.UTC), 1},
		{time.Date(1600, 12, 31, 23, 59, 59, 0, time.UTC), 0},
		{time.Date(2009, 7, 25, 23, 0, 0, 0, time.UTC), 128930364000000000},
		{time.Date(60000, 1, 1, 0, 0, 0, 0, time.UTC), TimeNever},
	} {
		if got := TimeOf(c.go_); got != c.want {
			t.Errorf("TimeOf(%v) = %d, want %d", c.go_, got, c.want)
		}
	}
	for _, ft := range []Time{1, 116444736000000001, 128930364000000000, TimeNever - 1<<40} {
		if got := TimeOf(ft.Go()); got != ft {
			t.Errorf("%d comes back as %d", ft, got)
		}
	}
	if !Time(0).Go().IsZero() || !Time(0).IsZero() {
		t.Error("0 is a time")
	}
	if got := Time(128930364000000000).String(); got != "2009-07-25T23:00:00Z" {
		t.Errorf("String() = %s", got)
	}
	if Time(0).String() != "none" || TimeNever.String() != "never" {
		t.Errorf("%s, %s", Time(0), TimeNever)
	}
	if now, before := NowTime().Go(), time.Now().Add(-time.Minute); now.Before(before) {
		t.Errorf("NowTime() is %v", now)
	}
}

func TestUTF16(t *testing.T) {
	for _, c := range []struct {
		s   string
		hex string
	}{
		{"", ""},
		{"srvsvc", "730072007600730076006300"},
		{"Größe", "470072 00f600df006500"},
		{"共有", "7151 0967"},
		{"\U0001F600", "3dd800de"},
		{"\xed\xa0\xbd", "3dd8"},       // a high surrogate alone
		{"\xed\xb8\x80x", "00de 7800"}, // a low one
		{"a\xffb", "6100 fdff 6200"},   // not UTF-8
		{"\xed\xa0", "fdff fdff"},      // half a surrogate
		{"x\x00y", "7800 0000 7900"},   // a NUL is a unit
	} {
		want, err := hex.DecodeString(strings.ReplaceAll(c.hex, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if got := AppendUTF16(nil, c.s); !bytes.Equal(got, want) {
			t.Errorf("AppendUTF16(%q) = %x, want %x", c.s, got, want)
		}
		if got := UTF16Len(c.s); got != len(want)/2 {
			t.Errorf("UTF16Len(%q) = %d, want %d", c.s, got, len(want)/2)
		}
		if strings.IndexByte(c.s, 0xff) >= 0 || c.s == "\xed\xa0" {
			continue
		}
		if got := DecodeUTF16(want); got != c.s {
			t.Errorf("DecodeUTF16(%x) = %q, want %q", want, got, c.s)
		}
		if got := DecodeUTF16(append(want, 'z')); got != c.s {
			t.Errorf("DecodeUTF16 with an odd byte = %q, want %q", got, c.s)
		}
	}
}

// Any sequence of units is a name and survives.
func TestUTF16RoundTrip(t *testing.T) {
	unit := rapid.OneOf(rapid.Uint16(), rapid.Uint16Range(0xD800, 0xDFFF), rapid.Uint16Range('a', 'z'))
	rapid.Check(t, func(t *rapid.T) {
		u := rapid.SliceOf(unit).Draw(t, "units")
		var b []byte
		for _, v := range u {
			b = binary.LittleEndian.AppendUint16(b, v)
		}
		s := DecodeUTF16(b)
		if got := FromUTF16(u); got != s {
			t.Fatalf("FromUTF16 %q, DecodeUTF16 %q", got, s)
		}
		if got := AppendUTF16(nil, s); !bytes.Equal(got, b) {
			t.Fatalf("%x comes back as %x", b, got)
		}
		if got := ToUTF16(s); !slices.Equal(got, u) {
			t.Fatalf("%x comes back as %x", u, got)
		}
		if got := UTF16Len(s); got != len(u) {
			t.Fatalf("UTF16Len %d of %d units", got, len(u))
		}
	})
}

// The digest is that of the $UpCase file of a volume formatted by Windows 8.
func TestUpcaseIsThatOfWindows(t *testing.T) {
	var b []byte
	for u := 0; u < 1<<16; u++ {
		b = binary.LittleEndian.AppendUint16(b, UpcaseRune(uint16(u)))
	}
	if got := hex.EncodeToString(func() []byte { d := md5.Sum(b); return d[:] }()); got != "7ff498a44e45e77374cc7c962b1b92f2" {
		t.Errorf("the table's MD5 is %s", got)
	}
}

func TestUpcase(t *testing.T) {
	for _, c := range []struct{ s, want string }{
		{"", ""},
		{"readme.TXT", "README.TXT"},
		{"größe", "GRÖßE"}, // sharp s stays one letter
		{"ÿ", "Ÿ"},
		{"ıſ", "ıſ"}, // NTFS does not fold dotless i and long s
		{"κόσμος", "ΚΌΣΜΟς"},
		{"ǆ", "Ǆ"},
		{"\U00010428", "\U00010428"}, // Deseret: beyond the BMP nothing has case
		{"a\xed\xa0\xbdb", "A\xed\xa0\xbdB"},
		{"共有", "共有"},
	} {
		if got := Upcase(c.s); got != c.want {
			t.Errorf("Upcase(%q) = %q, want %q", c.s, got, c.want)
		}
		if !EqualFold(c.s, c.want) {
			t.Errorf("EqualFold(%q, %q) is false", c.s, c.want)
		}
	}
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "a", -1}, {"a", "", 1}, {"abc", "ABD", -1}, {"ABC", "abc", 0}, {"ab", "ABC", -1},
		{"_", "a", 1},                // _ is above the capitals
		{"\U0001F600", "\uFB00", -1}, // by unit: a surrogate is below U+FB00
		{"i", "İ", -1}, {"ss", "ß", -1},
	} {
		if got := CompareFold(c.a, c.b); got != c.want {
			t.Errorf("CompareFold(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
	if n := testing.AllocsPerRun(100, func() { EqualFold("Größe.txt", "GRÖßE.TXT") }); n != 0 {
		t.Errorf("EqualFold allocates %v times", n)
	}
}

func TestCompareFoldIsByUpcaseUnits(t *testing.T) {
	unit := rapid.OneOf(rapid.Uint16(), rapid.Uint16Range('A', 'z'), rapid.Uint16Range(0xD800, 0xDFFF), rapid.Uint16Range(0xE0, 0x200))
	rapid.Check(t, func(t *rapid.T) {
		a, b := FromUTF16(rapid.SliceOfN(unit, 0, 4).Draw(t, "a")), FromUTF16(rapid.SliceOfN(unit, 0, 4).Draw(t, "b"))
		want := slices.Compare(ToUTF16(Upcase(a)), ToUTF16(Upcase(b)))
		if got := CompareFold(a, b); got != want {
			t.Fatalf("CompareFold(%q, %q) = %d, want %d", a, b, got, want)
		}
		if up := Upcase(a); Upcase(up) != up {
			t.Fatalf("Upcase(%q) is not in upper case", up)
		}
	})
}

func TestMatchName(t *testing.T) {
	for _, c := range []struct {
		expression, name string
		want             bool
	}{
		{"*", "", true}, {"*", "ANYTHING", true}, {"ABC", "ABC", true}, {"ABC", "ABCD", false}, {"ABC", "AB", false},
		{"", "", true}, {"", "A", false},
		{"A*", "A", true}, {"A*", "ABC", true}, {"A*C", "ABBC", true}, {"A*C", "ABBD", false}, {"*.TXT", "A.B.TXT", true},
		{"*.TXT", "TXT", false}, {"**", "X", true},
		{"?", "A", true}, {"?", "", false}, {"??", "A", false}, {"A?C", "ABC", true}, {"A?C", "AC", false},
		{"*.*", "A.B", true}, {"*.*", "A", false},
		// < stops behind the last dot.
		{"<", "A.B.C", false}, {"<", "ABC", true}, {"<.C", "A.B.C", true}, {"<.B", "A.B.C", false}, {"<.C", "A", false}, {"A<", "A.TXT", false}, {"<TXT", "A.TXT", true},
		{"<C", "A.C", true}, {"<B.C", "A.B.C", true}, {"<.B<", "A.B.C", false}, {"<B.C", "AB.C", true},
		// > matches nothing before a dot and at the end.
		{">>>>>>>>.TXT", "A.TXT", true}, {">>>", "AB", true}, {">>>", "ABCD", false}, {"A>", "A", true}, {">", "", true},
		{">>.TXT", "ABC.TXT", false},
		// " is a dot, or the end.
		{`A"`, "A", true}, {`A"`, "A.", true}, {`A"B`, "A.B", true}, {`A"B`, "AB", false}, {`<">>>`, "A", true},
		{`<">>>`, "A.TXT", true}, {`*"*`, "A", true},
		{"*A*B*C*", "XXAYYBZZC", true}, {"*A*B*C*", "XXAYYCZZB", false},
		{"\u5171*", "\u5171\u6709", true}, {"?", "\U0001F600", false}, {"??", "\U0001F600", true},
	} {
		if got := MatchName(c.expression, c.name); got != c.want {
			t.Errorf("MatchName(%q, %q) = %v, want %v", c.expression, c.name, got, c.want)
		}
	}
	if n := testing.AllocsPerRun(100, func() { MatchName("*.T?T", "SOME LONG NAME.TXT") }); n != 0 {
		t.Errorf("MatchName allocates %v times", n)
	}
	// A hostile expression costs the product of the lengths, no more.
	if MatchName(strings.Repeat("*A", 2000)+"B", strings.Repeat("A", 4000)) {
		t.Error("matched without a B")
	}
}

// A * and ? expression is a regular one: compare with the plainest matcher there is.
func TestMatchNameAgainstRecursion(t *testing.T) {
	var plain func(e, n string) bool
	plain = func(e, n string) bool {
		switch {
		case e == "":
			return n == ""
		case e[0] == '*':
			return plain(e[1:], n) || n != "" && plain(e, n[1:])
		case n == "":
			return false
		}
		return (e[0] == '?' || e[0] == n[0]) && plain(e[1:], n[1:])
	}
	rapid.Check(t, func(t *rapid.T) {
		e := rapid.StringOfN(rapid.RuneFrom([]rune("AB.*?")), 0, 8, -1).Draw(t, "expression")
		n := rapid.StringOfN(rapid.RuneFrom([]rune("AB.")), 0, 8, -1).Draw(t, "name")
		if got, want := MatchName(e, n), plain(e, n); got != want {
			t.Fatalf("MatchName(%q, %q) = %v, want %v", e, n, got, want)
		}
	})
}
