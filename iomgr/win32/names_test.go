package win32

import (
	"errors"
	"strings"
	"testing"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

var named = New(nil, Config{Drives: map[string]string{"C": `\pvfs\srv\c`, "h:": `\rdr\fs1\home\`}, Dir: `C:\work\now`})

// The examples are those of "File path formats on Windows systems" and "Naming Files, Paths, and Namespaces", where they have some.
func TestNTPath(t *testing.T) {
	long := strings.Repeat("x", 255)
	for _, c := range []struct {
		in, want string
		err      nt.WinError
	}{
		{in: `C:\`, want: `\pvfs\srv\c`},
		{in: `C:\Documents\Newsletters\Summer2018.pdf`, want: `\pvfs\srv\c\Documents\Newsletters\Summer2018.pdf`},
		{in: `c:/a/b`, want: `\pvfs\srv\c\a\b`},
		{in: `H:\x`, want: `\rdr\fs1\home\x`},
		{in: `C:\a\\b\\\c`, want: `\pvfs\srv\c\a\b\c`},
		{in: `C:\a\.\b\..\c`, want: `\pvfs\srv\c\a\c`},
		{in: `C:\..\..\a`, want: `\pvfs\srv\c\a`},
		{in: `C:\a.\b`, want: `\pvfs\srv\c\a\b`},
		{in: `C:\a...\b`, want: `\pvfs\srv\c\a...\b`},
		{in: `C:\a \b `, want: `\pvfs\srv\c\a \b`},
		{in: `C:\a\b. . .`, want: `\pvfs\srv\c\a\b`},
		{in: `C:\a\...`, want: `\pvfs\srv\c\a`},
		{in: `C:\a\b.\`, want: `\pvfs\srv\c\a\b`},
		{in: `C:a`, want: `\pvfs\srv\c\work\now\a`},
		{in: `C:..\a`, want: `\pvfs\srv\c\work\a`},
		{in: `C:`, want: `\pvfs\srv\c\work\now`},
		{in: `H:a`, want: `\rdr\fs1\home\a`},
		{in: `2018\January.xlsx`, want: `\pvfs\srv\c\work\now\2018\January.xlsx`},
		{in: `..\Publications\TravelBrochure.pdf`, want: `\pvfs\srv\c\work\Publications\TravelBrochure.pdf`},
		{in: `\Program Files\x`, want: `\pvfs\srv\c\Program Files\x`},
		{in: `/x`, want: `\pvfs\srv\c\x`},
		{in: `.`, want: `\pvfs\srv\c\work\now`},
		{in: `f:stream`, err: nt.WErrPathNotFound}, // a drive that is not there
		{in: `.\f:stream:$DATA`, want: `\pvfs\srv\c\work\now\f:stream:$DATA`},
		{in: `.\f::$DATA`, want: `\pvfs\srv\c\work\now\f::$DATA`},
		{in: `C:\f:`, err: nt.WErrInvalidName},
		{in: `C:\f:a:b:c`, err: nt.WErrInvalidName},
		{in: `C:\f:a\b`, err: nt.WErrInvalidName},
		{in: `\\system07\C$\`, want: `\rdr\system07\C$`},
		{in: `\\Server2\Share\Test\Foo.txt`, want: `\rdr\Server2\Share\Test\Foo.txt`},
		{in: `//server/share/a/../../b`, want: `\rdr\server\share\b`},
		{in: `\\127.0.0.1:1445\share\a`, want: `\rdr\127.0.0.1:1445\share\a`},
		{in: `\\[::1]:1445\share`, want: `\rdr\[::1]:1445\share`},
		{in: `\\server\pipe\srvsvc`, want: `\rdr\server\IPC$\srvsvc`},
		{in: `\\server\PIPE\a\b`, want: `\rdr\server\IPC$\a\b`},
		{in: `\\server\IPC$\x`, want: `\rdr\server\IPC$\x`},
		{in: `\\.\pipe\lsass`, want: `\npfs\lsass`},
		{in: `//./pipe/a?b`, want: `\npfs\a?b`},
		{in: `\\?\pipe\x.`, want: `\npfs\x.`},
		{in: `\\.\pipe\nul`, want: `\npfs\nul`},
		{in: `\\.\C:\Test\Foo.txt`, want: `\pvfs\srv\c\Test\Foo.txt`},
		{in: `\\?\C:\Test\Foo.txt`, want: `\pvfs\srv\c\Test\Foo.txt`},
		{in: `\\.\UNC\Server\Share\Test\Foo.txt`, want: `\rdr\Server\Share\Test\Foo.txt`},
		{in: `\\?\UNC\Server\Share\Test\Foo.txt`, want: `\rdr\Server\Share\Test\Foo.txt`},
		{in: `\\?\unc\s\pipe\p`, want: `\rdr\s\IPC$\p`},
		{in: `\\?\C:\a.\b \nul`, want: `\pvfs\srv\c\a.\b \nul`},
		{in: `\\?\C:\a..`, want: `\pvfs\srv\c\a..`},
		{in: `\\?\C:\a\`, want: `\pvfs\srv\c\a`},
		{in: `\\?\C:\a/b`, err: nt.WErrInvalidName},
		{in: `\\?\C:\a\..\b`, err: nt.WErrInvalidName},
		{in: `\\?\C:\.`, err: nt.WErrInvalidName},
		{in: `\\?\C:\a\\b`, err: nt.WErrInvalidName},
		{in: `//?/C:/a/../b`, want: `\pvfs\srv\c\b`},
		{in: `\\?\GLOBALROOT\memfs\d\f`, want: `\memfs\d\f`},
		{in: `\\?\GLOBALROOT\memfs`, want: `\memfs`},
		{in: `\\?\GLOBALROOT\rdr\s\sh\f`, want: `\rdr\s\sh\f`},
		{in: `\\?\GLOBALROOT\rdr\s`, err: nt.WErrBadPathname},
		{in: `\\?\GLOBALROOT`, err: nt.WErrBadPathname},
		{in: `\\?\Z:\a`, err: nt.WErrPathNotFound},
		{in: `\\?\`, err: nt.WErrFileNotFound},
		{in: `\\.\PhysicalDrive0`, err: nt.WErrFileNotFound},
		{in: `\\.\NUL`, err: nt.WErrFileNotFound},
		{in: `\\`, err: nt.WErrBadPathname},
		{in: `\\server`, err: nt.WErrBadPathname},
		{in: `\\server\`, err: nt.WErrBadPathname},
		{in: `\\server\..\x`, err: nt.WErrBadPathname},
		{in: `\\..\share\x`, err: nt.WErrBadPathname},
		{in: `\\server\a*\x`, err: nt.WErrBadPathname},
		{in: ``, err: nt.WErrPathNotFound},
		{in: `Z:\a`, err: nt.WErrPathNotFound},
		{in: "C:\\a\x00b", err: nt.WErrInvalidName},
		{in: "C:\\a\tb", err: nt.WErrInvalidName},
		{in: `C:\a*b`, err: nt.WErrInvalidName},
		{in: `C:\a?\b`, err: nt.WErrInvalidName},
		{in: `C:\a|b`, err: nt.WErrInvalidName},
		{in: `C:\a<b`, err: nt.WErrInvalidName},
		{in: `C:\CON`, err: nt.WErrInvalidName},
		{in: `NUL`, err: nt.WErrInvalidName},
		{in: `nul.txt`, err: nt.WErrInvalidName},
		{in: `C:\x\aux .c`, err: nt.WErrInvalidName},
		{in: `prn:x`, err: nt.WErrInvalidName},
		{in: `.\prn:x`, err: nt.WErrInvalidName},
		{in: `C:\com1`, err: nt.WErrInvalidName},
		{in: `C:\LPT³`, err: nt.WErrInvalidName},
		{in: `C:\conin$`, err: nt.WErrInvalidName},
		{in: `\\server\share\nul`, err: nt.WErrInvalidName},
		{in: `C:\com10`, want: `\pvfs\srv\c\com10`},
		{in: `C:\nul\x`, want: `\pvfs\srv\c\nul\x`},
		{in: `C:\console`, want: `\pvfs\srv\c\console`},
		{in: `C:\` + strings.Repeat(long+`\`, 129), err: nt.WErrFilenameExcedRange},
	} {
		got, err := named.NTPath(c.in)
		if c.err != 0 {
			if !errors.Is(err, c.err) || got != "" {
				t.Errorf("%q: %q, %v; want %v", c.in, got, err, c.err)
			}
			continue
		}
		if got != c.want || err != nil {
			t.Errorf("%q: %q, %v; want %q", c.in, got, err, c.want)
		}
	}
	if _, err := New(nil, Config{}).NTPath("f"); !errors.Is(err, nt.WErrPathNotFound) {
		t.Errorf("a relative name without a directory: %v", err)
	}
	if got, err := New(nil, Config{Dir: `\\s\sh\d`}).NTPath(`..\..\..\f`); got != `\rdr\s\sh\f` || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := New(nil, Config{Dir: `d`}).NTPath(`f`); !errors.Is(err, nt.WErrPathNotFound) {
		t.Errorf("a current directory that is relative: %v", err)
	}
}

// What comes out never leads out of the volume, and what is spelled from it leads to the same.
func FuzzNTPath(f *testing.F) {
	for _, s := range []string{`C:\a\..\b. `, `\\s\sh\..\..\x`, `\\?\UNC\s\sh\f`, `\\.\pipe\x`, `c:`, `a/b/./..`, `\\?\GLOBALROOT\rdr\s\sh\..\x`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		n, err := named.name(in)
		if err != nil {
			return
		}
		rest := n.path[n.root:]
		if rest != "" && rest[0] != '\\' || strings.ContainsAny(rest, "/\x00") || strings.HasSuffix(n.path, `\`) {
			t.Fatalf("%q: %q", in, n.path)
		}
		if rest != "" {
			for _, e := range strings.Split(rest[1:], `\`) {
				if e == "" || e == "." || e == ".." {
					t.Fatalf("%q: %q", in, n.path)
				}
			}
		}
		back, err := named.NTPath(named.final(n.path))
		if err != nil && !errors.Is(err, nt.WErrFilenameExcedRange) || err == nil && !nt.EqualFold(back, n.path) {
			t.Fatalf("%q: %q, from its final name %q: %q, %v", in, n.path, named.final(n.path), back, err)
		}
	})
}

// The patterns and what they match are those of FindFirstFile on NTFS.
func TestWildcards(t *testing.T) {
	names := []string{"a", "a.b", "a.b.c", "ab", "abc.txt", "abc.txt2", ".x", "file1.c", "file10.c"}
	for _, c := range []struct{ pattern, nt, want string }{
		{"*", "*", "a a.b a.b.c ab abc.txt abc.txt2 .x file1.c file10.c"},
		{"*.*", "*", "a a.b a.b.c ab abc.txt abc.txt2 .x file1.c file10.c"},
		{"*.", "<", "a ab"},
		{"*.txt", "<.txt", "abc.txt"},
		{"*.c", "<.c", "a.b.c file1.c file10.c"},
		{"a.*", `a"*`, "a a.b a.b.c"},
		{"a?", "a>", "a ab"},
		{"???", ">>>", "a ab"},
		{"file?.c", "file>.c", "file1.c"},
		{"a.?", `a">`, "a a.b"},
		{"abc.txt. ", "abc.txt", "abc.txt"},
		{"a*", "a*", "a a.b a.b.c ab abc.txt abc.txt2"},
	} {
		got := wildcards(c.pattern)
		if got != c.nt {
			t.Errorf("%q became %q, want %q", c.pattern, got, c.nt)
		}
		var list []string
		for _, n := range names {
			if nt.MatchName(got, n) {
				list = append(list, n)
			}
		}
		if s := strings.Join(list, " "); s != c.want {
			t.Errorf("%q matches %s; want %s", c.pattern, s, c.want)
		}
	}
	for _, c := range []struct {
		in, dir, last string
		err           error
	}{
		{`C:\d\*.c`, `C:\d\`, "<.c", nil}, {`*`, ".", "*", nil}, {`C:x`, "C:", "x", nil}, {`a/b`, "a/", "b", nil}, {`\\?\C:\d\a.`, `\\?\C:\d\`, "a.", nil},
		{`\\?\C:\d\a?`, `\\?\C:\d\`, "a?", nil}, {`C:\`, "", "", nt.WErrFileNotFound}, {`C:\.`, "", "", nt.WErrFileNotFound}, {`C:\a|b`, "", "", nt.WErrInvalidName},
		{``, "", "", nt.WErrFileNotFound},
	} {
		if dir, last, err := splitPattern(c.in); dir != c.dir || last != c.last || err != c.err {
			t.Errorf("%q: %q %q %v", c.in, dir, last, err)
		}
	}
}

// record is what lists of FILE_NOTIFY_INFORMATION and FILE_STREAM_INFORMATION are cut from.
func TestParseCut(t *testing.T) {
	name := nt.AppendUTF16(nil, "naïve")
	notify := append(le.AppendUint32(le.AppendUint32(le.AppendUint32(nil, 24), nt.FileActionAdded), 10), name...)
	notify = append(append(notify, 0, 0), append(le.AppendUint32(le.AppendUint32(le.AppendUint32(nil, 0), nt.FileActionRemoved), 10), name...)...)
	list, err := api.ParseNotify(notify)
	if err != nil || len(list) != 2 || list[1] != (NotifyInformation{Action: nt.FileActionRemoved, FileName: "naïve"}) {
		t.Fatalf("%v, %v", list, err)
	}
	for i := range notify {
		if _, err := api.ParseNotify(notify[:i]); err == nil {
			t.Errorf("a notification cut at %d is read", i)
		}
	}
	stream := append(le.AppendUint64(le.AppendUint64(le.AppendUint32(le.AppendUint32(nil, 0), 10), 7), 8), name...)
	streams, err := api.ParseStreams(stream)
	if err != nil || len(streams) != 1 || streams[0] != (StreamData{StreamSize: 7, StreamName: "naïve"}) {
		t.Fatalf("%v, %v", streams, err)
	}
	for i := 1; i < len(stream); i++ {
		if _, err := api.ParseStreams(stream[:i]); err == nil {
			t.Errorf("a stream cut at %d is read", i)
		}
	}
}

func FuzzLists(f *testing.F) {
	f.Add(make([]byte, 12))
	f.Add(make([]byte, 24))
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _ = api.ParseNotify(b)
		_, _ = api.ParseStreams(b)
	})
}
