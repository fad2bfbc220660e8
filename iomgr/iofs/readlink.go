package iofs

import (
	"io/fs"
	"strings"

	"lwio/iomgr/nt"
)

var _ fs.ReadLinkFS = (*FS)(nil)

// reparseMax is the most that a reparse point holds (MS-FSCC 2.1.2.1).
const reparseMax = 16 << 10

// symlinkHeader is the length of a SYMBOLIC_LINK_REPARSE_DATA_BUFFER before its PathBuffer (MS-FSCC 2.1.2.4).
const symlinkHeader = 20

// ReadLink gives the target of a symbolic link, with slashes; one that is not relative comes as the server wrote it, such as C:/data.
func (f *FS) ReadLink(name string) (string, error) {
	o, err := f.create("readlink", name, nt.FileReadAttributes|nt.Synchronize, nt.FileOpen, nt.FileOpenReparsePoint, 0)
	if err != nil {
		return "", err
	}
	defer o.Close()
	b := make([]byte, reparseMax)
	n, err := f.api.FsControlFile(f.ctx, o.h, nt.FsctlGetReparsePoint, nil, b)
	if err != nil {
		return "", o.fail("readlink", err)
	}
	target, err := parseSymlink(b[:n])
	return target, o.fail("readlink", err)
}

func parseSymlink(b []byte) (string, error) {
	if len(b) < 8 || le.Uint32(b) != nt.IoReparseTagSymlink {
		return "", fs.ErrInvalid
	}
	if len(b) < symlinkHeader {
		return "", nt.StatusIoReparseDataInvalid
	}
	// The print name is for people, the substitute name for the system; either may be missing.
	name, offset, length := "", int(le.Uint16(b[12:])), int(le.Uint16(b[14:]))
	if length == 0 {
		offset, length = int(le.Uint16(b[8:])), int(le.Uint16(b[10:]))
	}
	path := b[symlinkHeader:]
	if offset+length > len(path) || length == 0 || (offset|length)%2 != 0 {
		return "", nt.StatusIoReparseDataInvalid
	}
	name = nt.DecodeUTF16(path[offset : offset+length])
	return strings.ReplaceAll(strings.TrimPrefix(name, `\??\`), `\`, "/"), nil
}
