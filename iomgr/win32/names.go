package win32

import (
	"strings"

	"lwio/iomgr/nt"
)

// maxPath is the longest name in UTF-16 code units: a UNICODE_STRING counts bytes in 16 bits. MAX_PATH (260) does not apply, as it does not to programs
// that are longPathAware.
const maxPath = 32767

// name is a converted name.
type name struct {
	path string // of the namespace, without a backslash at the end
	root int    // how much of path names the volume: a device, a drive or a share
	dir  bool   // it was spelled with a separator at the end
	pipe bool
}

// NTPath converts a name in the Win32 spelling to one of the namespace. The rules are those of "Naming Files, Paths, and Namespaces" and "File path
// formats on Windows systems":
//
//	\\server\share\path         \rdr\server\share\path; the server may have a port
//	\\server\pipe\name          \rdr\server\IPC$\name
//	\\.\pipe\name               \npfs\name
//	\\.\C:\path  C:\path        what Config.Drives says of C
//	\\.\UNC\server\share        \rdr\server\share
//	\path  path  C:path         from Config.Dir
//	\\?\…                       as \\.\…, but taken as it is: only backslashes separate, and nothing is collapsed or dropped
//	\\?\GLOBALROOT\device\path  \device\path
//
// In all but \\?\ names a slash is a backslash, separators in a row are one, "." and ".." are taken away (".." stops at the volume's root), a dot at
// the end of an element is dropped, and of the last element all dots and spaces at the end. Refused are, with WErrInvalidName, the characters
// that MS-FSCC 2.1.5.2 leaves out of names and the DOS devices (CON, PRN, AUX, NUL, COM0 to COM9, LPT0 to LPT9, CONIN$, CONOUT$) as the last element,
// with an extension or without, with WErrPathNotFound an empty name, a drive that is not there and a relative name without Dir, with WErrBadPathname
// a UNC name without a share, and with WErrFilenameExcedRange what is too long.
func (s *System) NTPath(file string) (string, error) {
	n, err := s.name(file)
	return n.path, err
}

func (s *System) name(file string) (name, error) {
	switch {
	case file == "":
		return name{}, nt.WErrPathNotFound
	case strings.ContainsRune(file, 0):
		return name{}, nt.WErrInvalidName
	case nt.UTF16Len(file) > maxPath:
		return name{}, nt.WErrFilenameExcedRange
	}
	var n name
	var err error
	if rest, ok := strings.CutPrefix(file, `\\?\`); ok {
		n, err = s.verbatim(rest)
	} else {
		n, err = s.normal(strings.ReplaceAll(file, "/", `\`))
	}
	if err == nil && nt.UTF16Len(n.path) > maxPath {
		err = nt.WErrFilenameExcedRange
	}
	if err != nil {
		return name{}, err
	}
	return n, nil
}

// verbatim converts what follows \\?\.
func (s *System) verbatim(rest string) (name, error) {
	first, tail, _ := strings.Cut(rest, `\`)
	var n name
	var err error
	switch {
	case nt.EqualFold(first, "GLOBALROOT"):
		device, path, _ := strings.Cut(tail, `\`)
		if device == "" {
			return n, nt.WErrBadPathname
		}
		n, tail = name{path: `\` + device, pipe: nt.EqualFold(device, "npfs")}, path
		if nt.EqualFold(device, "rdr") {
			n, tail, err = share(path)
		}
	default:
		n, tail, err = s.volume(first, tail)
	}
	if err != nil {
		return n, err
	}
	n.root = len(n.path)
	tail, n.dir = strings.CutSuffix(tail, `\`)
	if tail == "" {
		return n, nil
	}
	list := strings.Split(tail, `\`)
	for i, e := range list {
		if e == "" || e == "." || e == ".." || strings.Contains(e, "/") || !n.pipe && !valid(e, i == len(list)-1) {
			return n, nt.WErrInvalidName
		}
	}
	n.path += `\` + tail
	return n, nil
}

// volume gives what the first element after \\?\ or \\.\ stands for, and the rest of the name.
func (s *System) volume(first, tail string) (name, string, error) {
	switch {
	case nt.EqualFold(first, "UNC"):
		return share(tail)
	case nt.EqualFold(first, "PIPE"):
		return name{path: `\npfs`, pipe: true}, tail, nil
	case len(first) == 2 && first[1] == ':':
		n, err := s.drive(first[:1])
		return n, tail, err
	}
	return name{}, "", nt.WErrFileNotFound // a device that is not there
}

// share reads server\share off a name.
func share(rest string) (name, string, error) {
	server, rest, _ := strings.Cut(rest, `\`)
	sh, tail, _ := strings.Cut(rest, `\`)
	if server == "" || sh == "" || server == "." || server == ".." || server == "?" || sh == "." || sh == ".." || strings.ContainsAny(server+sh, `<>"|*?/`) || strings.Contains(sh, ":") {
		return name{}, "", nt.WErrBadPathname
	}
	n := name{path: `\rdr\` + server + `\` + sh}
	if nt.EqualFold(sh, "pipe") || nt.EqualFold(sh, "IPC$") {
		n = name{path: `\rdr\` + server + `\IPC$`, pipe: true}
	}
	return n, tail, nil
}

func (s *System) drive(letter string) (name, error) {
	for k, dir := range s.cfg.Drives {
		if k = strings.TrimSuffix(k, ":"); k != "" && nt.EqualFold(k, letter) {
			return name{path: strings.TrimRight(dir, `\`)}, nil
		}
	}
	return name{}, nt.WErrPathNotFound
}

// normal converts a name whose slashes are backslashes already.
func (s *System) normal(file string) (name, error) {
	var n name
	var tail string
	var err error
	switch {
	case strings.HasPrefix(file, `\\.\`), strings.HasPrefix(file, `\\?\`): // the latter was spelled with slashes
		first, rest, _ := strings.Cut(strings.TrimLeft(file[4:], `\`), `\`)
		n, tail, err = s.volume(first, strings.TrimLeft(rest, `\`))
	case strings.HasPrefix(file, `\\`):
		server, rest, _ := strings.Cut(file[2:], `\`)
		n, tail, err = share(server + `\` + strings.TrimLeft(rest, `\`))
	case len(file) > 1 && file[1] == ':':
		n, tail, err = s.onDrive(file)
	default:
		if n, tail, err = s.current(); file[0] == '\\' {
			tail = file
		} else {
			tail += `\` + file
		}
	}
	if err != nil {
		return n, err
	}
	n.root = len(n.path)
	return n, n.add(tail)
}

// onDrive converts C:\path and C:path. The latter is relative to Config.Dir where that is on the drive, else to the drive's root.
func (s *System) onDrive(file string) (name, string, error) {
	n, err := s.drive(file[:1])
	tail := file[2:]
	if dir := strings.ReplaceAll(s.cfg.Dir, "/", `\`); err == nil && !strings.HasPrefix(tail, `\`) && len(dir) > 1 && dir[1] == ':' && nt.EqualFold(dir[:1], file[:1]) {
		tail = dir[2:] + `\` + tail
	}
	return n, tail, err
}

// current gives the volume of Config.Dir and what follows it.
func (s *System) current() (name, string, error) {
	dir := strings.ReplaceAll(s.cfg.Dir, "/", `\`)
	if len(dir) < 2 || dir[1] != ':' && !strings.HasPrefix(dir, `\\`) {
		return name{}, "", nt.WErrPathNotFound
	}
	n, err := s.name(s.cfg.Dir)
	if err != nil {
		return n, "", err
	}
	tail := n.path[n.root:]
	n.path, n.dir = n.path[:n.root], false
	return n, tail, nil
}

// add appends the elements of a path to n, which is a volume's root.
func (n *name) add(tail string) error {
	n.dir = strings.HasSuffix(tail, `\`)
	var list []string
	all := strings.Split(tail, `\`)
	for i, e := range all {
		last := i == len(all)-1
		switch e {
		case "":
			continue
		case ".":
			n.dir = n.dir || last
			continue
		case "..":
			list, n.dir = list[:max(len(list)-1, 0)], n.dir || last
			continue
		}
		if last {
			if e = strings.TrimRight(e, ". "); e == "" {
				n.dir = true
				continue
			}
		} else if t, ok := strings.CutSuffix(e, "."); ok && !strings.HasSuffix(t, ".") {
			e = t
		}
		list = append(list, e)
	}
	for i, e := range list {
		last := i == len(list)-1
		if !n.pipe && (!valid(e, last) || last && device(e)) {
			return nt.WErrInvalidName
		}
		n.path += `\` + e
	}
	return nil
}

// valid says whether an element has no character that names leave out (MS-FSCC 2.1.5.2); the last may name a stream (2.1.5.3).
func valid(e string, last bool) bool {
	for _, r := range e {
		if r < ' ' || strings.ContainsRune(`<>"|*?`, r) || r == ':' && !last {
			return false
		}
	}
	if !last {
		return true
	}
	parts := strings.Split(e, ":")
	return len(parts) <= 3 && (len(parts) == 1 || parts[len(parts)-1] != "")
}

// device says whether an element names a DOS device, with an extension or without: what follows a dot or a colon, and spaces before it, do not matter.
func device(e string) bool {
	if i := strings.IndexAny(e, ".:"); i >= 0 {
		e = e[:i]
	}
	e = nt.Upcase(strings.TrimRight(e, " "))
	switch e {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	if rest, ok := strings.CutPrefix(e, "COM"); ok {
		return port(rest)
	}
	rest, ok := strings.CutPrefix(e, "LPT")
	return ok && port(rest)
}

// port says whether s is a digit, or one of those above the line.
func port(s string) bool {
	return len(s) == 1 && s[0] >= '0' && s[0] <= '9' || s == "¹" || s == "²" || s == "³"
}

// names are those of a file and of where it goes.
func (s *System) names(from, to string) (source, target name, err error) {
	if source, err = s.name(from); err == nil {
		target, err = s.name(to)
	}
	return source, target, err
}
