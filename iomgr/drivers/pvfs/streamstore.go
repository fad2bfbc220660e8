package pvfs

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"syscall"

	"lwio/iomgr/nt"
)

// A named stream is the extended attribute user.lwio.stream.NAME of its file, so that it goes with the file through every rename, and away
// with it. Its value is
//
//	version u8 (1), kind u8, length of the name u16, name, content
//
// little-endian. The name is there only if it is too long to be one of an extended attribute, which then has a hash in place of it. Of kind 0 the
// content is the stream's. A stream of more than maxInline bytes, or one that the file system has no room for beside the descriptor and the DOS
// attributes, is of kind 1: its content is the 16 bytes of an identifier, and the stream is the file of that name (in hex) in the folder
// `.lwio.streams` beside its file. Clients see neither the folder nor what is in it.
//
// The folder and what is in it are the server's alone, whoever may read the file: an identifier is a secret of those who may read the
// file's attributes. Which inode a stream's file belongs to is in an attribute of that file. Where another file names it, because a local program
// copied that with its attributes or brought all of it back from a backup, an open gives the other file a copy first; and nobody removes it but
// its own.
//
// A stream moves to a file of its own once, when it grows: the file is written and synchronised before the attribute names it, so that a crash
// leaves the old stream or the new one. A rename into another directory first links the streams' files there and removes the old links
// last. What a local program does with such a file keeps its large streams as long as it stays in its directory, or moves with it.
const (
	streamPrefix     = "user.lwio.stream."
	streamHashPrefix = "user.lwio.streamhash."
	streamFolder     = ".lwio.streams"
	streamOwner      = "user.lwio.owner" // of a stream's file: the inode, u64 little-endian

	streamInline  = 0
	streamSidecar = 1

	maxInline    = 2048
	maxXattrName = 255
)

// storedStream is the value of a stream's extended attribute.
type storedStream struct {
	name    string // if it is long
	content []byte // streamInline
	id      string // streamSidecar: the file's name
}

var errStreamStored = errors.New("not a stored stream")

func parseStoredStream(b []byte) (s storedStream, err error) {
	if len(b) < 4 || b[0] != 1 {
		return s, errStreamStored
	}
	n := int(le.Uint16(b[2:]))
	if n > len(b)-4 {
		return s, errStreamStored
	}
	s.name = string(b[4 : 4+n])
	rest := b[4+n:]
	switch {
	case b[1] == streamInline:
		s.content = rest
	case b[1] == streamSidecar && len(rest) == 16:
		s.id = hex.EncodeToString(rest)
	default:
		return s, errStreamStored
	}
	return s, nil
}

func (s *storedStream) append(b []byte) []byte {
	kind := byte(streamInline)
	if s.id != "" {
		kind = streamSidecar
	}
	b = append(b, 1, kind)
	b = le.AppendUint16(b, uint16(len(s.name)))
	b = append(b, s.name...)
	if s.id == "" {
		return append(b, s.content...)
	}
	id, _ := hex.DecodeString(s.id)
	return append(b, id...)
}

// streamKey gives the extended attribute of a stream, and the name to keep in its value.
func streamKey(name string) (key, long string) {
	if len(streamPrefix)+len(name) <= maxXattrName {
		return streamPrefix + name, ""
	}
	h := sha256.Sum256([]byte(name))
	return streamHashPrefix + hex.EncodeToString(h[:]), name
}

// streamEntry is a stream that a file has.
type streamEntry struct {
	key  string // its extended attribute
	name string
}

// listStreams gives the named streams of a file.
func listStreams(h *os.File) ([]streamEntry, error) {
	names, err := listXattr(h)
	if err != nil {
		return nil, err
	}
	var out []streamEntry
	for _, key := range names {
		if name, ok := strings.CutPrefix(key, streamPrefix); ok {
			out = append(out, streamEntry{key, name})
		} else if strings.HasPrefix(key, streamHashPrefix) {
			if s, err := readStoredStream(h, key); err == nil && s.name != "" {
				out = append(out, streamEntry{key, s.name})
			}
		}
	}
	return out, nil
}

// findStream looks for a stream, by its exact name first.
func findStream(h *os.File, name string) (streamEntry, storedStream, error) {
	key, _ := streamKey(name)
	s, err := readStoredStream(h, key)
	if err == nil || !isNoAttr(err) {
		return streamEntry{key, name}, s, err
	}
	list, err := listStreams(h)
	if err != nil {
		return streamEntry{}, s, err
	}
	for _, e := range list {
		if nt.EqualFold(e.name, name) {
			s, err = readStoredStream(h, e.key)
			return e, s, err
		}
	}
	return streamEntry{}, s, os.ErrNotExist
}

func readStoredStream(h *os.File, key string) (storedStream, error) {
	b, err := readXattr(h, key)
	if err != nil {
		return storedStream{}, err
	}
	return parseStoredStream(b)
}

// newSidecar makes a file for a stream of the file of an inode, in the folder beside that.
func newSidecar(dir *os.File, owner uint64) (*os.File, string, error) {
	if err := mkdirAt(dir, streamFolder, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, "", err
	}
	folder, err := openAt(dir, streamFolder, os.O_RDONLY|oDirectory, 0)
	if err != nil {
		return nil, "", err
	}
	defer folder.Close()
	var id [16]byte
	rand.Read(id[:])
	name := hex.EncodeToString(id[:])
	h, err := openAt(folder, name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, "", err
	}
	if err := setXattr(h, streamOwner, le.AppendUint64(nil, owner)); err != nil {
		h.Close()
		_ = unlinkAt(folder, name, false)
		return nil, "", err
	}
	return h, name, nil
}

// belongs reports whether a stream's file is that of an inode.
func belongs(sidecar *os.File, owner uint64) bool {
	var b [8]byte
	n, err := getXattr(sidecar, streamOwner, b[:])
	return err == nil && n == len(b) && le.Uint64(b[:]) == owner
}

// syncFolder makes the names in the folder durable.
func syncFolder(dir *os.File) error {
	folder, err := openAt(dir, streamFolder, os.O_RDONLY|oDirectory, 0)
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}

// openSidecar opens a stream's file.
func openSidecar(dir *os.File, id string) (*os.File, error) {
	folder, err := openAt(dir, streamFolder, os.O_RDONLY|oDirectory, 0)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	return openAt(folder, id, os.O_RDWR, 0)
}

// removeSidecars removes the files that streams of an inode have, and the folder with the last one.
func removeSidecars(dir *os.File, owner uint64, ids ...string) {
	if len(ids) == 0 {
		return
	}
	folder, err := openAt(dir, streamFolder, os.O_RDONLY|oDirectory, 0)
	if err != nil {
		return
	}
	defer folder.Close()
	for _, id := range ids {
		h, err := openAt(folder, id, os.O_RDONLY, 0)
		if err != nil {
			continue
		}
		if belongs(h, owner) {
			_ = unlinkAt(folder, id, false)
		}
		h.Close()
	}
	_ = unlinkAt(dir, streamFolder, true) // fails while something is in it
}

// removeFolder removes the folder of streams' files with what is in it, from a directory that has nothing else.
func removeFolder(dir *os.File) {
	folder, err := openAt(dir, streamFolder, os.O_RDONLY|oDirectory, 0)
	if err != nil {
		return
	}
	defer folder.Close()
	for {
		names, err := folder.Readdirnames(256)
		for _, name := range names {
			_ = unlinkAt(folder, name, false)
		}
		if err != nil || len(names) == 0 {
			break
		}
	}
	_ = unlinkAt(dir, streamFolder, true)
}

// sidecarsOf gives the files that the streams of a file have.
func sidecarsOf(h *os.File) ([]string, error) {
	list, err := listStreams(h)
	if err != nil {
		if noXattr(err) || errors.Is(err, syscall.EBADF) { // as the handle of a symbolic link says
			err = nil
		}
		return nil, err
	}
	var ids []string
	for _, e := range list {
		s, err := readStoredStream(h, e.key)
		switch {
		case err == nil && s.id != "":
			ids = append(ids, s.id)
		case err != nil && !isNoAttr(err) && !errors.Is(err, errStreamStored):
			return ids, err
		}
	}
	return ids, nil
}

// hasSidecars reports whether there are any. A symbolic link, which has no attributes to look at, has none.
func hasSidecars(h *os.File) bool {
	ids, _ := sidecarsOf(h)
	return len(ids) > 0
}

// linkSidecars gives streams' files a name beside a new name of their file.
func linkSidecars(from, to *os.File, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	old, err := openAt(from, streamFolder, os.O_RDONLY|oDirectory, 0)
	if err != nil {
		return err
	}
	defer old.Close()
	if err := mkdirAt(to, streamFolder, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	folder, err := openAt(to, streamFolder, os.O_RDONLY|oDirectory, 0)
	if err != nil {
		return err
	}
	defer folder.Close()
	for _, id := range ids {
		if err := linkAt(old, id, folder, id); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}
