package host

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/coreos/go-systemd/v22/daemon"
)

// Activated are the sockets that systemd handed over, by kind.
type Activated struct {
	TCP  []net.Listener
	Unix []net.Listener
}

// FromSystemd takes the sockets of socket activation, if there are any.
func FromSystemd() (Activated, error) {
	var a Activated
	list, err := activation.Listeners()
	if err != nil {
		return a, fmt.Errorf("socket activation: %w", err)
	}
	for _, l := range list {
		switch l.(type) {
		case *net.TCPListener:
			a.TCP = append(a.TCP, l)
		case *net.UnixListener:
			a.Unix = append(a.Unix, l)
		case nil:
			return a, errors.New("socket activation: a socket is no listening stream socket")
		}
	}
	return a, nil
}

// Notify tells systemd a state: "READY=1", "STOPPING=1". Without systemd it does nothing.
func Notify(state string) { _, _ = daemon.SdNotify(false, state) }

// makeFolder makes a folder that everyone may look into, whatever the umask is.
func makeFolder(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.Chmod(dir, 0o755)
}

// ListenUnix listens at a path. A socket that a dead process left is taken over; one that answers is not. Everyone may connect: what a process may do
// follows from who it is.
func ListenUnix(path string) (net.Listener, error) {
	if err := makeFolder(filepath.Dir(path)); err != nil {
		return nil, err
	}
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		c.Close()
		return nil, fmt.Errorf("%s: another daemon listens there; give this one another --socket", path)
	} else if !errors.Is(err, fs.ErrNotExist) {
		info, statErr := os.Lstat(path)
		if statErr == nil && info.Mode()&os.ModeSocket == 0 {
			return nil, fmt.Errorf("%s: there is a file that is no socket", path)
		}
		if statErr == nil {
			if err := os.Remove(path); err != nil {
				return nil, err
			}
		}
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o666); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}
