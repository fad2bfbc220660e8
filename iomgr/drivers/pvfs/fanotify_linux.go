package pvfs

import (
	"bytes"
	"encoding/binary"
	"os"

	"golang.org/x/sys/unix"
)

// fanotify(7) says of each change which process made it, which inotify does not: so what this process does itself, and reports itself, is told
// from what others do. Marks on directories need no privilege since Linux 5.13; names came with 5.9, both names of a rename in one event with 5.17.

// fanEvent is one event: what happened to a name in a directory.
type fanEvent struct {
	mask     uint64
	pid      int32
	dir      string // the key of the directory, "" if the event names none
	name     string
	newDir   string // of a rename, as newName
	newName  string
	overflow bool
}

const fanMetadataLen = 24

// nextFanEvent reads the first event of a buffer and gives what is behind it. ok is false where there is no whole event.
func nextFanEvent(b []byte) (e fanEvent, rest []byte, ok bool) {
	if len(b) < fanMetadataLen {
		return e, nil, false
	}
	ne := binary.NativeEndian
	size, head := int(ne.Uint32(b)), int(ne.Uint16(b[6:]))
	if b[4] != unix.FANOTIFY_METADATA_VERSION || head < fanMetadataLen || size < head || size > len(b) {
		return e, nil, false
	}
	e.mask, e.pid = ne.Uint64(b[8:]), int32(ne.Uint32(b[20:]))
	e.overflow = e.mask&unix.FAN_Q_OVERFLOW != 0
	info := b[head:size]
	for len(info) >= 4 {
		kind, n := info[0], int(ne.Uint16(info[2:]))
		if n < 4 || n > len(info) {
			return e, nil, false
		}
		switch kind {
		case unix.FAN_EVENT_INFO_TYPE_DFID_NAME, unix.FAN_EVENT_INFO_TYPE_OLD_DFID_NAME:
			e.dir, e.name, ok = parseFanName(info[4:n])
		case unix.FAN_EVENT_INFO_TYPE_NEW_DFID_NAME:
			e.newDir, e.newName, ok = parseFanName(info[4:n])
		default:
			ok = true
		}
		if !ok {
			return e, nil, false
		}
		info = info[n:]
	}
	return e, b[size:], true
}

// parseFanName reads what is behind the header of a record: the file system's id, a struct file_handle, and a name that a zero ends.
func parseFanName(b []byte) (key, name string, ok bool) {
	const fsid, handle = 8, 8
	if len(b) < fsid+handle {
		return "", "", false
	}
	n := uint64(binary.NativeEndian.Uint32(b[fsid:]))
	if n > uint64(len(b)-fsid-handle) {
		return "", "", false
	}
	end := fsid + handle + int(n)
	if i := bytes.IndexByte(b[end:], 0); i >= 0 {
		name = string(b[end : end+i])
	}
	return fanKey(b[:fsid], b[fsid+4:fsid+8], b[fsid+handle:end]), name, true
}

// fanKey is what a directory is known by: the file system's id, the handle's type, the handle.
func fanKey(fsid, kind, handle []byte) string {
	k := make([]byte, 0, len(fsid)+len(kind)+len(handle))
	return string(append(append(append(k, fsid...), kind...), handle...))
}

// fanKeyOf gives that of an open directory.
func fanKeyOf(h *os.File) (string, error) {
	fd := int(h.Fd())
	const atHandleFID = 0x200 // for file systems whose handles are not to be opened
	fh, _, err := unix.NameToHandleAt(fd, "", unix.AT_EMPTY_PATH|atHandleFID)
	if err == unix.EINVAL {
		fh, _, err = unix.NameToHandleAt(fd, "", unix.AT_EMPTY_PATH)
	}
	if err != nil {
		return "", err
	}
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil {
		return "", err
	}
	ne := binary.NativeEndian
	id := ne.AppendUint32(ne.AppendUint32(nil, uint32(st.Fsid.Val[0])), uint32(st.Fsid.Val[1]))
	return fanKey(id, ne.AppendUint32(nil, uint32(fh.Type())), fh.Bytes()), nil
}

// newFan makes a queue of events. It does not block.
func newFan() (int, error) {
	return unix.FanotifyInit(unix.FAN_CLASS_NOTIF|unix.FAN_REPORT_DFID_NAME|unix.FAN_CLOEXEC|unix.FAN_NONBLOCK, unix.O_RDONLY|unix.O_CLOEXEC)
}

// fanMark has the queue hear of what happens in a directory, and of what it heard before.
func fanMark(fd int, h *os.File, mask uint64) error {
	err := unix.FanotifyMark(fd, unix.FAN_MARK_ADD|unix.FAN_MARK_ONLYDIR, mask, int(h.Fd()), "")
	if err == unix.EINVAL && mask&unix.FAN_RENAME != 0 { // Linux before 5.17: two events that nothing ties together
		err = unix.FanotifyMark(fd, unix.FAN_MARK_ADD|unix.FAN_MARK_ONLYDIR, mask&^unix.FAN_RENAME|unix.FAN_MOVED_FROM|unix.FAN_MOVED_TO, int(h.Fd()), "")
	}
	return err
}

// fanUnmark ends it.
func fanUnmark(fd int, h *os.File) {
	const all = unix.FAN_CREATE | unix.FAN_DELETE | unix.FAN_MOVED_FROM | unix.FAN_MOVED_TO | unix.FAN_MODIFY | unix.FAN_ATTRIB | unix.FAN_EVENT_ON_CHILD | unix.FAN_ONDIR
	if unix.FanotifyMark(fd, unix.FAN_MARK_REMOVE, all|unix.FAN_RENAME, int(h.Fd()), "") == unix.EINVAL {
		_ = unix.FanotifyMark(fd, unix.FAN_MARK_REMOVE, all, int(h.Fd()), "")
	}
}
