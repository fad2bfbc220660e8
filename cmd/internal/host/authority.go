package host

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/auth"
	"lwio/pipes"
	"lwio/pipes/npfs"
	"lwio/services/authority"
)

// authorityTimeout bounds the wait for a free instance of the authority's pipe.
const authorityTimeout = 2 * time.Second

// trusted reports whether a process of this Unix user may be a part of the system: root's and this daemon's own.
func trusted(uid uint32) bool { return uid == 0 || uid == uint32(os.Geteuid()) }

// RemoteAuthority is the authority behind an API's pipe: lsassd's, or lwiod's own. known is what Host says until it was asked.
func RemoteAuthority(a api.API, known auth.Host, learned func(auth.Host), log *slog.Logger) *authority.Remote {
	return authority.NewRemote(authority.RemoteConfig{Host: known, Learned: learned, Log: log, Dial: func(ctx context.Context) (net.Conn, error) { return dialAuthority(ctx, a) }})
}

// dialAuthority opens the pipe and makes sure that who serves it may: anybody who could take the name while lsassd is away would decide about
// logons. That the pipe file system lets administrators alone create pipes is the other half of this.
func dialAuthority(ctx context.Context, a api.API) (net.Conn, error) {
	conn, err := pipes.Dial(ctx, a, authority.Pipe, pipes.DialConfig{Message: true, Impersonation: api.ImpersonateIdentification, Timeout: authorityTimeout})
	if err != nil {
		return nil, err
	}
	b, err := pipes.Attribute(ctx, a, conn.Handle(), npfs.AttrServerUserID)
	if err == nil && (len(b) != 8 || !trusted(uint32(binary.LittleEndian.Uint64(b)))) {
		err = fmt.Errorf("the pipe %s is served by a process of another user", authority.Pipe)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// KeepConnecting asks a remote authority who the host is until it has answered once, or ctx ends.
func KeepConnecting(ctx context.Context, r *authority.Remote) {
	for wait := firstWait; r.Connect(ctx) != nil; wait = min(2*wait, lastWait) {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}
