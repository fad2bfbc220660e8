package host

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"lwio/iomgr/ipc"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// localEndpoint is the listener of one ncalrpc endpoint: a unix socket, whose clients the kernel names.
type localEndpoint struct {
	*net.UnixListener
	name  string
	alias string // a second name of the socket, or empty
	token func(uid, gid uint32) *nt.Token
}

// localConn is a connection to a local endpoint.
type localConn struct {
	*net.UnixConn
	name string
	tok  *nt.Token
}

// Token is who connected.
func (c *localConn) Token() *nt.Token { return c.tok }

// Transport is ncalrpc and the endpoint's name.
func (c *localConn) Transport() (protseq, endpoint string) {
	return string(rpc.TransportLocal), c.name
}

// listenLocal makes the socket of an endpoint in the folder.
func listenLocal(dir, name string, token func(uid, gid uint32) *nt.Token) (*localEndpoint, error) {
	path := filepath.Join(dir, name)
	l, err := ListenUnix(path)
	if err != nil {
		return nil, fmt.Errorf("ncalrpc:[%s]: %w", name, err)
	}
	e := &localEndpoint{UnixListener: l.(*net.UnixListener), name: name, token: token}
	// Samba's programs, and those that spell it as its IDL does, look for the name in capitals.
	if upper := strings.ToUpper(name); upper != name {
		e.alias = filepath.Join(dir, upper)
		if at, err := os.Readlink(e.alias); err == nil && at == name {
			return e, nil
		}
		if err := os.Symlink(name, e.alias); err != nil {
			e.alias = "" // a file system without case, or a name that is taken: the endpoint has one name
		}
	}
	return e, nil
}

// Accept takes the next connection. One whose peer is not known is closed.
func (e *localEndpoint) Accept() (net.Conn, error) {
	for {
		c, err := e.AcceptUnix()
		if err != nil {
			return nil, err
		}
		p, err := ipc.PeerOf(c)
		if err != nil {
			_ = c.Close()
			continue
		}
		return &localConn{c, e.name, e.token(p.UID, p.GID)}, nil
	}
}

// Close stops listening and takes the names away.
func (e *localEndpoint) Close() error {
	if e.alias != "" {
		_ = os.Remove(e.alias)
	}
	return e.UnixListener.Close()
}

// DialLocal connects to an ncalrpc endpoint of the folder, which has to be served by root or this process's own user.
func DialLocal(ctx context.Context, dir, name string) (net.Conn, error) {
	if name == "" || name != filepath.Base(name) {
		return nil, fmt.Errorf("ncalrpc:[%s]: no name of an endpoint", name)
	}
	c, err := new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	p, err := ipc.PeerOf(c)
	if err == nil && !trusted(p.UID) {
		err = fmt.Errorf("ncalrpc:[%s] is served by Unix user %d, neither root nor this user", name, p.UID)
	}
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}
