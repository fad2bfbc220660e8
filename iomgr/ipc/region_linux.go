package ipc

import (
	"net"
	"os"

	"golang.org/x/sys/unix"
)

const regions = FeatureRegion

// newRegion makes the memory of a region: sealed, so that it stays as large as it is, and empty until it is filled.
func newRegion() (*os.File, []byte, error) {
	fd, err := unix.MemfdCreate("lwio-ipc", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, nil, err
	}
	f := os.NewFile(uintptr(fd), "region")
	if err = f.Truncate(regionSize); err == nil {
		_, err = unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	}
	var mem []byte
	if err == nil {
		mem, err = mapRegion(f)
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, mem, nil
}

// fillRegion has the kernel give the memory: where it has none, that is an error here and no fault later.
func fillRegion(f *os.File) error { return unix.Fallocate(int(f.Fd()), 0, 0, regionSize) }

func mapRegion(f *os.File) ([]byte, error) {
	return unix.Mmap(int(f.Fd()), 0, regionSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}

func unmapRegion(mem []byte) {
	if mem != nil {
		_ = unix.Munmap(mem)
	}
}

// sendRegion tells the client of its region: 1 and the descriptor, or 0 where there is none for it.
func sendRegion(conn *net.UnixConn, f *os.File) error {
	if f == nil {
		_, err := conn.Write([]byte{0})
		return err
	}
	_, _, err := conn.WriteMsgUnix([]byte{1}, unix.UnixRights(int(f.Fd())), nil)
	return err
}

// receiveRegion reads what sendRegion sends; nil for none.
func receiveRegion(conn *net.UnixConn) ([]byte, error) {
	var b [1]byte
	oob := make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := conn.ReadMsgUnix(b[:], oob)
	if err != nil {
		return nil, err
	}
	list, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || n != 1 || b[0] > 1 || len(list) != int(b[0]) {
		return nil, ErrProtocol
	}
	if len(list) == 0 {
		return nil, nil
	}
	fds, err := unix.ParseUnixRights(&list[0])
	if err != nil || len(fds) != 1 {
		return nil, ErrProtocol
	}
	f := os.NewFile(uintptr(fds[0]), "region")
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() != regionSize {
		return nil, ErrProtocol
	}
	return mapRegion(f)
}
