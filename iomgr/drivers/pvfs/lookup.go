package pvfs

import (
	"os"
	"strings"

	"lwio/iomgr/nt"
)

// split checks a name and gives its components.
func split(path string) ([]string, nt.Status) {
	path = strings.TrimPrefix(path, `\`)
	path = strings.TrimSuffix(path, `\`)
	if path == "" {
		return nil, nt.StatusSuccess
	}
	parts := strings.Split(path, `\`)
	for _, p := range parts {
		if !validName(p) {
			return nil, nt.StatusObjectNameInvalid
		}
	}
	return parts, nt.StatusSuccess
}

// validName follows MS-FSCC 2.1.5.2; a colon would name a stream.
func validName(name string) bool {
	if name == "" || name == "." || name == ".." || len(name) > 255 || len(name) == len(streamFolder) && nt.EqualFold(name, streamFolder) {
		return false
	}
	for i := 0; i < len(name); i++ {
		if c := name[i]; c < 0x20 || strings.IndexByte(`"*/:<>?\|`, c) >= 0 {
			return false
		}
	}
	return true
}

// place is where a name leads: its directory, open, and the name of the last component as the directory has it.
type place struct {
	dir  *os.File // to be closed
	name string   // empty for the root itself
	path string   // below the volume's root, as the disk has it; empty for the root
	info os.FileInfo
	via  bool // the name itself is a link that leads here

	at os.FileInfo // what where has found
}

// where tells of the directory as it was when it was first asked: which one it is, and for whom.
func (p *place) where() (os.FileInfo, error) {
	if p.at == nil {
		at, err := fstat(p.dir)
		if err != nil {
			return nil, err
		}
		p.at = at
	}
	return p.at, nil
}

func (p *place) close() {
	if p.dir != nil {
		p.dir.Close()
	}
}

// lookup walks to a name, through no symbolic link. info is nil where the last component does not exist. makes says that it likely does not.
func (v *volume) lookup(parts []string, makes bool) (*place, nt.Status) {
	return v.lookupBare(parts, makes, false)
}

// lookupBare is lookup. With bare, a link that is the last component is found as such.
func (v *volume) lookupBare(parts []string, makes, bare bool) (*place, nt.Status) {
	if len(parts) == 0 {
		dir, err := os.Open(v.root)
		if err != nil {
			return nil, nt.StatusOf(err)
		}
		p := &place{dir: dir}
		if p.info, err = fstat(dir); err != nil {
			p.close()
			return nil, nt.StatusOf(err)
		}
		return p, nt.StatusSuccess
	}
	p, status := v.walk(parts[:len(parts)-1])
	if status != nt.StatusSuccess {
		return nil, status
	}
	name, info, err := parts[len(parts)-1], os.FileInfo(nil), error(nil)
	if !makes || !v.names.misses(p, name) {
		name, info, err = v.find(p.dir, name)
	}
	switch {
	case err != nil:
		p.close()
		return nil, nt.StatusOf(err)
	case info != nil && info.Mode()&os.ModeSymlink != 0 && !bare:
		p.close()
		return nil, nt.StatusStoppedOnSymlink
	}
	p.name, p.info, p.path = name, info, join(p.path, name)
	return p, nt.StatusSuccess
}

// walk opens a directory: at once if the names are those that the disk has, else one by one.
func (v *volume) walk(parts []string) (*place, nt.Status) {
	path := strings.Join(parts, "/")
	if dir, err := v.openBeneath(path); err == nil {
		return &place{dir: dir, path: path}, nt.StatusSuccess
	}
	dir, err := os.Open(v.root)
	if err != nil {
		return nil, nt.StatusOf(err)
	}
	p := &place{dir: dir}
	for _, part := range parts {
		name, info, err := v.find(p.dir, part)
		var next *os.File
		if err == nil && info != nil && info.IsDir() {
			next, err = openAt(p.dir, name, os.O_RDONLY|oDirectory, 0)
		}
		p.close()
		switch {
		case err != nil:
			return nil, nt.StatusOf(err)
		case info != nil && info.Mode()&os.ModeSymlink != 0:
			return nil, nt.StatusStoppedOnSymlink
		case next == nil:
			return nil, nt.StatusObjectPathNotFound
		}
		p.dir, p.path = next, join(p.path, name)
	}
	return p, nt.StatusSuccess
}

// openBeneath opens a directory by the path that the disk has for it, "" for the root, where the system can do so without following a
// symbolic link anywhere.
func (v *volume) openBeneath(path string) (*os.File, error) {
	if path == "" {
		return os.Open(v.root)
	}
	return openDirBeneath(v.top, path)
}

// join puts a name behind a directory's path.
func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

// parent opens the directory that has the last component of a path as the disk has it.
func (v *volume) parent(path string) (*os.File, string, error) {
	dir, name := splitPath(path)
	f, err := v.openBeneath(dir)
	if err == nil || dir == "" {
		return f, name, err
	}
	if f, err = os.Open(v.root); err != nil {
		return nil, "", err
	}
	for part := range strings.SplitSeq(dir, "/") {
		next, err := openAt(f, part, os.O_RDONLY|oDirectory, 0)
		f.Close()
		if err != nil {
			return nil, "", err
		}
		f = next
	}
	return f, name, nil
}

// find looks for a name in a directory: the exact one, else one that differs in case alone, or whose short name it is. info is nil if there
// is none.
func (v *volume) find(dir *os.File, name string) (string, os.FileInfo, error) {
	info, err := statAt(dir, name)
	if err == nil {
		return name, info, nil
	}
	if !os.IsNotExist(err) {
		return "", nil, err
	}
	actual, err := v.names.find(dir, name)
	if err != nil || actual == "" {
		return name, nil, err
	}
	if info, err = statAt(dir, actual); err == nil {
		return actual, info, nil
	}
	if !os.IsNotExist(err) {
		return "", nil, err
	}
	return name, nil, nil // it went meanwhile
}
