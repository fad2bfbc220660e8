package pvfs

import (
	"encoding/binary"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// fanRecord makes a record of a directory with a handle of four bytes, and a name in it.
func fanRecord(kind byte, handle, name string) []byte {
	ne := binary.NativeEndian
	b := []byte{kind, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}
	b = ne.AppendUint32(b, uint32(len(handle)))
	b = ne.AppendUint32(b, 9)
	b = append(append(append(b, handle...), name...), 0)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	ne.PutUint16(b[2:], uint16(len(b)))
	return b
}

// fanBytes makes an event.
func fanBytes(mask uint64, pid int32, records ...[]byte) []byte {
	ne := binary.NativeEndian
	b := make([]byte, fanMetadataLen)
	b[4] = unix.FANOTIFY_METADATA_VERSION
	ne.PutUint16(b[6:], fanMetadataLen)
	ne.PutUint64(b[8:], mask)
	ne.PutUint32(b[16:], ^uint32(0))
	ne.PutUint32(b[20:], uint32(pid))
	for _, r := range records {
		b = append(b, r...)
	}
	ne.PutUint32(b, uint32(len(b)))
	return b
}

func testFanEvents() ([]byte, []fanEvent) {
	b := fanBytes(unix.FAN_CREATE, 7, fanRecord(unix.FAN_EVENT_INFO_TYPE_DFID_NAME, "dir1", "name"))
	b = append(b, fanBytes(unix.FAN_RENAME, 8, fanRecord(unix.FAN_EVENT_INFO_TYPE_OLD_DFID_NAME, "dir1", "old"), fanRecord(unix.FAN_EVENT_INFO_TYPE_NEW_DFID_NAME, "dir2", "new"))...)
	b = append(b, fanBytes(unix.FAN_Q_OVERFLOW, 0)...)
	key := func(handle string) string {
		return "\x01\x02\x03\x04\x05\x06\x07\x08" + string(binary.NativeEndian.AppendUint32(nil, 9)) + handle
	}
	return b, []fanEvent{{mask: unix.FAN_CREATE, pid: 7, dir: key("dir1"), name: "name"},
		{mask: unix.FAN_RENAME, pid: 8, dir: key("dir1"), name: "old", newDir: key("dir2"), newName: "new"},
		{mask: unix.FAN_Q_OVERFLOW, overflow: true}}
}

func readFanEvents(b []byte) (list []fanEvent) {
	for {
		e, rest, ok := nextFanEvent(b)
		if !ok {
			return list
		}
		list, b = append(list, e), rest
	}
}

func TestFanEvents(t *testing.T) {
	b, want := testFanEvents()
	if diff := cmp.Diff(want, readFanEvents(b), cmp.AllowUnexported(fanEvent{})); diff != "" {
		t.Error(diff)
	}
	for n := range b {
		if got := readFanEvents(b[:n]); len(got) >= len(want) {
			t.Fatalf("%d events of %d bytes", len(got), n)
		}
	}
	// A handle that is longer than its record.
	one := fanBytes(unix.FAN_CREATE, 7, fanRecord(unix.FAN_EVENT_INFO_TYPE_DFID_NAME, "dir1", "name"))
	binary.NativeEndian.PutUint32(one[fanMetadataLen+12:], 1<<31)
	if got := readFanEvents(one); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

// TestLocalWatchSize bounds what a watch that is idle takes: its part, the node of the directory, and that node's places in two maps.
func TestLocalWatchSize(t *testing.T) {
	key := len(readFanEvents(fanBytes(0, 0, fanRecord(unix.FAN_EVENT_INFO_TYPE_DFID_NAME, "16 bytes, 20 may", "")))[0].dir)
	if n := int(unsafe.Sizeof(localWatch{})+unsafe.Sizeof(localDir{})) + key + 4*(16+8); n > 512 {
		t.Errorf("%d bytes", n)
	}
}

func FuzzFanEvents(f *testing.F) {
	b, _ := testFanEvents()
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if n := len(readFanEvents(b)); n*fanMetadataLen > len(b) {
			t.Errorf("%d events of %d bytes", n, len(b))
		}
	})
}
