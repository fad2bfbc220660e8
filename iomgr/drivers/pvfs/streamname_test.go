package pvfs

import (
	"strings"
	"testing"

	"lwio/iomgr/nt"
)

// TestSplitStream follows MS-FSCC 2.1.5.
func TestSplitStream(t *testing.T) {
	for in, want := range map[string]struct {
		file   string
		ref    streamRef
		status nt.Status
	}{
		"f":                             {"f", streamRef{}, 0},
		"f:s":                           {"f", streamRef{name: "s"}, 0},
		"f:s:$DATA":                     {"f", streamRef{name: "s"}, 0},
		"f:s:$dAtA":                     {"f", streamRef{name: "s"}, 0},
		"f::$DATA":                      {"f", streamRef{typed: true}, 0},
		"d::$INDEX_ALLOCATION":          {"d", streamRef{}, 0},
		"d:$I30:$Index_Allocation":      {"d", streamRef{}, 0},
		"d:x:$INDEX_ALLOCATION":         {"", streamRef{}, nt.StatusObjectNameInvalid},
		"f:":                            {"", streamRef{}, nt.StatusObjectNameInvalid},
		"f::":                           {"", streamRef{}, nt.StatusObjectNameInvalid},
		"f:s:":                          {"", streamRef{}, nt.StatusObjectNameInvalid},
		"f:s:$FOO":                      {"", streamRef{}, nt.StatusObjectNameInvalid},
		"f:s:$DATA:x":                   {"", streamRef{}, nt.StatusObjectNameInvalid},
		"f:a/b":                         {"", streamRef{}, nt.StatusObjectNameInvalid},
		"f:?*<\x05\n>|\"":               {"f", streamRef{name: "?*<\x05\n>|\""}, 0},
		"f:" + strings.Repeat("ß", 255): {"f", streamRef{name: strings.Repeat("ß", 255)}, 0},
		"f:" + strings.Repeat("ß", 256): {"", streamRef{}, nt.StatusObjectNameInvalid},
	} {
		file, ref, status := splitStream(in)
		if file != want.file || ref != want.ref || status != want.status {
			t.Errorf("%q: %q %+v %v", in, file, ref, status.Name())
		}
	}
}

func TestStoredStream(t *testing.T) {
	for _, s := range []storedStream{
		{},
		{content: []byte("content")},
		{name: "long", content: []byte{0}},
		{id: "00112233445566778899aabbccddeeff"},
		{name: "long", id: "00112233445566778899aabbccddeeff"},
	} {
		b := s.append(nil)
		got, err := parseStoredStream(b)
		if err != nil || got.name != s.name || got.id != s.id || string(got.content) != string(s.content) {
			t.Errorf("%+v: %+v %v", s, got, err)
		}
		for n := range b {
			if got, err := parseStoredStream(b[:n]); err == nil && (n < 4+len(s.name) || s.id != "" || string(got.content) != string(s.content)[:n-4-len(s.name)]) {
				t.Errorf("%+v cut at %d: %+v", s, n, got)
			}
		}
	}
	for _, b := range []string{"\x02\x00\x00\x00", "\x01\x02\x00\x00", "\x01\x00\xff\xff"} {
		if _, err := parseStoredStream([]byte(b)); err == nil {
			t.Errorf("%q is none", b)
		}
	}
}

func TestStreamKey(t *testing.T) {
	if key, long := streamKey("Zone.Identifier"); key != "user.lwio.stream.Zone.Identifier" || long != "" {
		t.Errorf("%q %q", key, long)
	}
	name := strings.Repeat("x", 255)
	if key, long := streamKey(name); len(key) > maxXattrName || long != name {
		t.Errorf("%q %q", key, long)
	}
}

func FuzzStoredStream(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x00data"))
	f.Add([]byte("\x01\x01\x01\x00n0123456789abcdef"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseStoredStream(b)
		if err != nil {
			return
		}
		if again, err := parseStoredStream(s.append(nil)); err != nil || again.id != s.id || again.name != s.name || string(again.content) != string(s.content) {
			t.Errorf("%+v: %+v %v", s, again, err)
		}
	})
}

func TestShortName(t *testing.T) {
	seen := map[string]string{}
	for name, want := range map[string]string{"readme.txt": "README.TXT", "A": "A", "12345678.123": "12345678.123", "$a~1": "$A~1"} {
		if got := shortName(name); got != want {
			t.Errorf("%q: %q", name, got)
		}
	}
	for _, name := range []string{"a long name.text", "a long name.texts", "with space", ".hidden", "two.dots.txt", "Größe.dat", "123456789", "+", "semi;colon.x", "日本"} {
		got := shortName(name)
		if !isShortName(got) || !strings.Contains(got, "~") || seen[got] != "" || got != shortName(nt.Upcase(name)) {
			t.Errorf("%q: %q, also of %q", name, got, seen[got])
		}
		seen[got] = name
	}
}
