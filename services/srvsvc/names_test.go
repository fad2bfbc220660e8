package srvsvc

import (
	"strings"
	"testing"

	gen "lwio/gen/srvsvc"
	"lwio/iomgr/nt"
)

func TestNameValidate(t *testing.T) {
	e := newEnv(t, Config{})
	c := e.dial(someUser)
	validate := func(name string, kind, flags uint32) nt.WinError {
		t.Helper()
		out, err := c.NetprNameValidate(t.Context(), &gen.NetprNameValidateRequest{Name: name, NameType: kind, Flags: flags})
		if err != nil {
			t.Fatal(err)
		}
		return nt.WinError(out.Return)
	}
	// The longest names of MS-SRVS 2.2.2.8, and those of LAN Manager 2.x.
	longest := map[uint32][2]int{
		gen.NAMETYPE_USER: {256, 20}, gen.NAMETYPE_PASSWORD: {256, 14}, gen.NAMETYPE_GROUP: {256, 20}, gen.NAMETYPE_COMPUTER: {260, 15}, gen.NAMETYPE_EVENT: {16, 16},
		gen.NAMETYPE_DOMAIN: {15, 15}, gen.NAMETYPE_SERVICE: {80, 15}, gen.NAMETYPE_NET: {260, 260}, gen.NAMETYPE_SHARE: {80, 12}, gen.NAMETYPE_MESSAGE: {15, 15},
		gen.NAMETYPE_MESSAGEDEST: {260, 260}, gen.NAMETYPE_SHAREPASSWORD: {8, 8}, gen.NAMETYPE_WORKGROUP: {15, 15},
	}
	for kind := uint32(1); kind <= lastNameType; kind++ {
		for i, flags := range []uint32{0, 0x80000000} {
			n := longest[kind][i]
			if got := validate(strings.Repeat("A", n), kind, flags); got != ok {
				t.Errorf("type %d flags %x: %d characters: %v", kind, flags, n, got)
			}
			if got := validate(strings.Repeat("A", n+1), kind, flags); got != nt.WErrInvalidName {
				t.Errorf("type %d flags %x: %d characters: %v", kind, flags, n+1, got)
			}
		}
		password := kind == gen.NAMETYPE_PASSWORD || kind == gen.NAMETYPE_SHAREPASSWORD
		for n := rune(1); n < 0x7F; n++ {
			want := ok
			if !password && (n < ' ' || strings.ContainsRune(`"/\[]:|<>+=;,?. `, n) || n == '*' &&
				(kind == gen.NAMETYPE_COMPUTER || kind == gen.NAMETYPE_DOMAIN || kind == gen.NAMETYPE_WORKGROUP)) {
				want = nt.WErrInvalidName // a dot or a space alone is no name
			}
			if got := validate(string(n), kind, 0); got != want {
				t.Errorf("type %d: %q: %v, want %v", kind, n, got, want)
			}
		}
		if got := validate("", kind, 0); (got == ok) != password {
			t.Errorf("type %d: empty: %v", kind, got)
		}
		if got := validate("x", kind, 1); got != nt.WErrInvalidParameter {
			t.Errorf("flags 1: %v", got)
		}
	}
	for name, test := range map[string]struct {
		kind uint32
		want nt.WinError
	}{
		"Größe 共有": {gen.NAMETYPE_SHARE, ok}, "a.b": {gen.NAMETYPE_SHARE, ok}, ". .": {gen.NAMETYPE_SHARE, nt.WErrInvalidName}, "a b": {gen.NAMETYPE_DOMAIN, nt.WErrInvalidName},
		" a": {gen.NAMETYPE_COMPUTER, nt.WErrInvalidName}, "a ": {gen.NAMETYPE_COMPUTER, nt.WErrInvalidName}, "x": {0, nt.WErrInvalidParameter}, "y": {14, nt.WErrInvalidParameter},
		strings.Repeat("😀", 40): {gen.NAMETYPE_SHARE, ok}, strings.Repeat("😀", 41): {gen.NAMETYPE_SHARE, nt.WErrInvalidName},
	} {
		if got := validate(name, test.kind, 0); got != test.want {
			t.Errorf("%q of type %d: %v, want %v", name, test.kind, got, test.want)
		}
	}
}

func TestNameCanonicalizeAndCompare(t *testing.T) {
	e := newEnv(t, Config{})
	c := e.dial(someUser)
	for _, test := range []struct {
		name        string
		kind, flags uint32
		buf         uint32
		want        nt.WinError
		out         string
	}{
		{"größe", gen.NAMETYPE_SHARE, 0, 6, ok, "GRÖßE"}, // ß has no upper case of one character
		{"host", gen.NAMETYPE_COMPUTER, 0, 64000, ok, "HOST"},
		{"Secret", gen.NAMETYPE_PASSWORD, 0, 7, ok, "Secret"},
		{"host", gen.NAMETYPE_COMPUTER, 0, 4, nt.NErrBufTooSmall, ""},
		{"host", gen.NAMETYPE_COMPUTER, 0, 0, nt.NErrBufTooSmall, ""},
		{"host", gen.NAMETYPE_COMPUTER, 1, 260, nt.NErrBufTooSmall, ""}, // the buffer is to take any computer's name
		{"host", gen.NAMETYPE_COMPUTER, 1, 261, ok, "HOST"},
		{"host", gen.NAMETYPE_COMPUTER, 0x80000001, 16, ok, "HOST"},
		{"a/b", gen.NAMETYPE_SHARE, 0, 10, nt.WErrInvalidName, ""},
		{"a", gen.NAMETYPE_SHARE, 2, 10, nt.WErrInvalidParameter, ""},
		{"a", 14, 0, 10, nt.WErrInvalidParameter, ""},
	} {
		out, err := c.NetprNameCanonicalize(t.Context(), &gen.NetprNameCanonicalizeRequest{Name: test.name, NameType: test.kind, Flags: test.flags, OutbufLen: test.buf})
		if err != nil || nt.WinError(out.Return) != test.want || len(out.Outbuf) != int(test.buf) {
			t.Errorf("%q: %v, %v, %d characters; want %v", test.name, nt.WinError(out.Return), err, len(out.Outbuf), test.want)
			continue
		}
		if got := strings.TrimRight(nt.FromUTF16(out.Outbuf), "\x00"); got != test.out {
			t.Errorf("%q became %q, want %q", test.name, got, test.out)
		}
	}
	for _, test := range []struct {
		a, b        string
		kind, flags uint32
		want        int32
	}{
		{"Größe", "GRÖßE", gen.NAMETYPE_SHARE, 0, 0},
		{"a", "B", gen.NAMETYPE_SHARE, 0, -1},
		{"b", "A", gen.NAMETYPE_SHARE, 0, 1},
		{"A", "A", gen.NAMETYPE_USER, 1, 0},
		{"a", "A", gen.NAMETYPE_USER, 1, 1}, // said to be canonical, and are not
		{"secret", "Secret", gen.NAMETYPE_PASSWORD, 0, 1},
		{"a/b", "a", gen.NAMETYPE_SHARE, 0, int32(nt.WErrInvalidName)},
		{"a", "", gen.NAMETYPE_SHARE, 0, int32(nt.WErrInvalidName)},
		{"a", "a", gen.NAMETYPE_SHARE, 2, int32(nt.WErrInvalidParameter)},
		{"a", "a", 0, 1, int32(nt.WErrInvalidParameter)},
	} {
		out, err := c.NetprNameCompare(t.Context(), &gen.NetprNameCompareRequest{Name1: test.a, Name2: test.b, NameType: test.kind, Flags: test.flags})
		if err != nil || out.Return != test.want {
			t.Errorf("compare %q and %q: %d, %v; want %d", test.a, test.b, out.Return, err, test.want)
		}
	}
}

func TestPathType(t *testing.T) {
	for path, want := range map[string]uint32{
		`C:`: gen.ITYPE_DEVICE_DISK, `c:\`: gen.ITYPE_PATH_ABSD, `C:\a\b`: gen.ITYPE_PATH_ABSD, `C:/a/b`: gen.ITYPE_PATH_ABSD, `C:\*.txt`: gen.ITYPE_PATH_ABSD_WC,
		`C:a`: gen.ITYPE_PATH_RELD, `C:a?`: gen.ITYPE_PATH_RELD_WC, `\a`: gen.ITYPE_PATH_ABSND, `\`: gen.ITYPE_PATH_ABSND, `\a*`: gen.ITYPE_PATH_ABSND_WC,
		`a`: gen.ITYPE_PATH_RELND, `a\b`: gen.ITYPE_PATH_RELND, `..\a`: gen.ITYPE_PATH_RELND, `*`: gen.ITYPE_PATH_RELND_WC, `Größe\共有`: gen.ITYPE_PATH_RELND,
		`\\.\x`: gen.ITYPE_PATH_ABSD, `\\host`: gen.ITYPE_UNC_COMPNAME, `//host`: gen.ITYPE_UNC_COMPNAME, `\\*`: gen.ITYPE_UNC_WC, `\\host\share`: gen.ITYPE_UNC,
		`\\host\share\a\b`: gen.ITYPE_UNC, `\\host\share\*`: gen.ITYPE_UNC_WC_PATH, `\\host\pipe\srvsvc`: gen.ITYPE_UNC_SYS_PIPE, `\\host\PIPE`: gen.ITYPE_UNC,
		`\\host\mailslot\m`: gen.ITYPE_UNC_SYS_MSLOT, `\\h\sem\s`: gen.ITYPE_UNC_SYS_SEM, `\\h\sharemem\s`: gen.ITYPE_UNC_SYS_SHMEM, `\\h\queues\q`: gen.ITYPE_UNC_SYS_QUEUE,
		`\pipe\x`: gen.ITYPE_PATH_SYS_PIPE, `\PIPE`: gen.ITYPE_PATH_SYS_PIPE_M, `\pipe\`: gen.ITYPE_PATH_SYS_PIPE_M, `\pipes\x`: gen.ITYPE_PATH_ABSND,
		`\mailslot\m`: gen.ITYPE_PATH_SYS_MSLOT, `\sem\s`: gen.ITYPE_PATH_SYS_SEM, `\sharemem\s`: gen.ITYPE_PATH_SYS_SHMEM, `\queues\q`: gen.ITYPE_PATH_SYS_QUEUE,
		`\comm\c`: gen.ITYPE_PATH_SYS_COMM, `\print\p`: gen.ITYPE_PATH_SYS_PRINT, `\comm`: gen.ITYPE_PATH_SYS_COMM_M, `\print`: gen.ITYPE_PATH_SYS_PRINT_M,
		`LPT1`: gen.ITYPE_DEVICE_LPT, `lpt9:`: gen.ITYPE_DEVICE_LPT, `\dev\lpt2`: gen.ITYPE_DEVICE_LPT, `COM3:`: gen.ITYPE_DEVICE_COM, `\DEV\com1`: gen.ITYPE_DEVICE_COM,
		`con`: gen.ITYPE_DEVICE_CON, `NUL`: gen.ITYPE_DEVICE_NUL, `LPT0`: gen.ITYPE_PATH_RELND, `COM10`: gen.ITYPE_PATH_RELND,
		strings.Repeat(`\a`, 130): gen.ITYPE_PATH_ABSND,

		``: 0, strings.Repeat(`\a`, 130) + "b": 0, `a|b`: 0, `C:\a:b`: 0, `1:\a`: 0, "a\nb": 0, `\\`: 0, `\\\share`: 0, `\\host\`: 0, `\\host\share\`: 0, `\\ho*st`: 0,
		`\\host\sh*re`: 0, `\\host\pipe\a*`: 0, `\pipe\a?`: 0, `\dev\con`: 0, `\dev\x`: 0, strings.Repeat("a", 256): 0, `C:\` + strings.Repeat("a", 256): 0, "a\x00": 0,
	} {
		if got := pathType(path, false); got != want {
			t.Errorf("pathType(%.40q) = %d, want %d", path, got, want)
		}
	}
	for path, want := range map[string]bool{
		`C:\DIR\FILE.TXT`: true, `C:\toolongname\a`: false, `a.b.c`: false, `a.long`: false, `a.`: false, `.a`: false, `a b`: false, `..\a`: true, `\\host\share\abcdefgh.ijk`: true,
		strings.Repeat(`\a`, 64): true, strings.Repeat(`\a`, 64) + "b": false,
	} {
		if got := pathType(path, true); (got != 0) != want {
			t.Errorf("by old rules, pathType(%.40q) = %d", path, got)
		}
	}
	c := newEnv(t, Config{}).dial(someUser)
	for flags, want := range map[uint32]nt.WinError{0: ok, 1: nt.WErrInvalidName, 2: nt.WErrInvalidParameter} {
		out, err := c.NetprPathType(t.Context(), &gen.NetprPathTypeRequest{PathName: `C:\verylongname`, Flags: flags})
		if err != nil || nt.WinError(out.Return) != want {
			t.Errorf("flags %d: %+v, %v; want %v", flags, out, err, want)
		}
	}
}

func TestPathCanonicalizeAndCompare(t *testing.T) {
	c := newEnv(t, Config{}).dial(someUser)
	for _, test := range []struct {
		prefix, path string
		kind         uint32
		buf          uint32
		flags        uint32
		want         nt.WinError
		out          string
		outKind      uint32
	}{
		{"", `c:/a//b/./c/../d/`, 0, 100, 0, ok, `C:\a\b\d`, gen.ITYPE_PATH_ABSD},
		{"", `\\host/share\a\..\b`, 0, 100, 0, ok, `\\host\share\b`, gen.ITYPE_UNC},
		{"", `a\.\b`, 0, 8, 0, ok, `a\b`, gen.ITYPE_PATH_RELND},
		{"", `a\.\b`, 0, 7, 0, nt.NErrBufTooSmall, "", 0},
		{"", `a\b`, 0, 0, 0, nt.NErrBufTooSmall, "", 0},
		{"", `a\..`, 0, 10, 0, ok, `.`, gen.ITYPE_PATH_RELND},
		{"", `C:\`, 0, 10, 0, ok, `C:\`, gen.ITYPE_PATH_ABSD},
		{"", `lpt1:`, 0, 10, 0, ok, `LPT1`, gen.ITYPE_DEVICE_LPT},
		{"", `\dev\com2`, 0, 10, 0, ok, `COM2`, gen.ITYPE_DEVICE_COM},
		{`C:\dir`, `f.txt`, 0, 64000, 0, ok, `C:\dir\f.txt`, gen.ITYPE_PATH_ABSD},
		{`C:\dir\`, `f`, gen.ITYPE_PATH_RELND, 100, 0, ok, `C:\dir\f`, gen.ITYPE_PATH_ABSD},
		{`C:\dir`, ``, gen.ITYPE_PATH_RELND, 100, 0, ok, `C:\dir`, gen.ITYPE_PATH_ABSD},
		{"", `\..\a`, 0, 100, 0, nt.WErrInvalidName, "", 0},
		{"", `..`, 0, 100, 0, nt.WErrInvalidName, "", 0},
		{"", `\\host\share\..\..`, 0, 100, 0, nt.WErrInvalidName, "", 0},
		{"", `a|b`, 0, 100, 0, nt.WErrInvalidName, "", 0},
		{"", `a|b`, gen.ITYPE_PATH_RELND, 100, 0, nt.WErrInvalidName, "", 0},
		{`<`, `a`, 0, 100, 0, nt.WErrInvalidName, "", 0},
		{"", ``, 0, 100, 0, nt.WErrInvalidName, "", 0},
		{"", strings.Repeat(`a\`, 2000), 1, 100, 0, nt.WErrInvalidName, "", 0},
		{"", `a`, 0, 100, 1, nt.WErrInvalidParameter, "", 0},
	} {
		out, err := c.NetprPathCanonicalize(t.Context(), &gen.NetprPathCanonicalizeRequest{PathName: test.path, Prefix: test.prefix, PathType: test.kind, OutbufLen: test.buf, Flags: test.flags})
		if err != nil || nt.WinError(out.Return) != test.want || len(out.Outbuf) != int(test.buf) {
			t.Errorf("%q %.40q: %v, %v, %d bytes; want %v", test.prefix, test.path, nt.WinError(out.Return), err, len(out.Outbuf), test.want)
			continue
		}
		if got := strings.TrimRight(nt.DecodeUTF16(out.Outbuf[:len(out.Outbuf)&^1]), "\x00"); got != test.out || test.want == ok && out.PathType != test.outKind {
			t.Errorf("%q %q became %q of type %d, want %q of %d", test.prefix, test.path, got, out.PathType, test.out, test.outKind)
		}
	}
	for _, test := range []struct {
		a, b  string
		kind  uint32
		flags uint32
		want  int32
	}{
		{`C:\Größe`, `c:/gRÖßE/`, 0, 0, 0},
		{`C:\a\..\b`, `C:\b`, gen.ITYPE_PATH_ABSD, 0, 0},
		{`a`, `b`, 0, 0, -1},
		{`b`, `a`, 0, 1, 1},
		{`C:/a`, `C:\a`, 0, 1, -1}, // said to be canonical, and are not
		{`a|`, `a`, 0, 0, int32(nt.WErrInvalidName)},
		{`a`, `..`, 0, 0, int32(nt.WErrInvalidName)},
		{`a`, `a`, 0, 2, int32(nt.WErrInvalidParameter)},
	} {
		out, err := c.NetprPathCompare(t.Context(), &gen.NetprPathCompareRequest{PathName1: test.a, PathName2: test.b, PathType: test.kind, Flags: test.flags})
		if err != nil || out.Return != test.want {
			t.Errorf("compare %q and %q: %d, %v; want %d", test.a, test.b, out.Return, err, test.want)
		}
	}
}

func FuzzPaths(f *testing.F) {
	for _, s := range []string{`C:\a\..\b`, `\\host\pipe\x`, `\dev\lpt1`, `\pipe`, `..`, `C:`, `\\.\x`, `LPT1:`} {
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, path string, old bool) {
		kind := pathType(path, old)
		if kind != 0 && pathType(path, false) == 0 {
			t.Errorf("%q is a path by old rules only", path)
		}
		c, ok := canonicalPath(path)
		if !ok || kind == 0 {
			return
		}
		if again, ok := canonicalPath(c); !ok || again != c {
			t.Errorf("%q became %q, which became %q", path, c, again)
		}
	})
}
