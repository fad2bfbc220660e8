package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"lwio/iomgr/ipc"
	"lwio/rpc/server"
)

// Daemon is a daemon whose services listen on the pipes of a running lwiod.
type Daemon struct {
	Name   string // for the log
	Socket string // of lwiod
	// Mapper is the folder of lwiod's local endpoints, where the endpoint mapper is; empty if it has none.
	Mapper string
	Log    *slog.Logger
	// Services makes what is served over one connection to lwiod, and where besides its pipes; the context ends with it.
	Services func(context.Context, *ipc.Client) ([]Service, server.Config, Endpoints, error)
}

// Waits between attempts to reach lwiod.
const (
	firstWait = 50 * time.Millisecond
	lastWait  = time.Second
	stopWait  = 5 * time.Second
)

// errGone says that lwiod went.
var errGone = errors.New("lwiod went away")

// Run serves until ctx ends. lwiod may start later, and may go and come back: then everything listens again. The daemon is ready, to systemd,
// before lwiod is, so that they may be started in any order.
func (d *Daemon) Run(ctx context.Context) error {
	Notify("READY=1\nSTATUS=waiting for lwiod")
	defer Notify("STOPPING=1")
	wait, said := firstWait, false
	for {
		err := d.session(ctx, func() { wait, said = firstWait, false })
		if ctx.Err() != nil {
			return nil
		}
		Notify("STATUS=waiting for lwiod")
		if !said {
			d.Log.Warn("not serving; trying again until lwiod is there", "socket", d.Socket, "err", err)
			said = true
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
		wait = min(2*wait, lastWait)
	}
}

// session serves over one connection to lwiod.
func (d *Daemon) session(ctx context.Context, ready func()) error {
	c, err := ipc.Dial(ctx, d.Socket)
	if err != nil {
		return err
	}
	defer c.Shutdown()
	// Who is at the other end says of each client of the pipes who it is.
	if p, err := c.Peer(); err != nil {
		return err
	} else if !trusted(p.UID) {
		return fmt.Errorf("%s is a socket of Unix user %d, neither root nor this daemon's own", d.Socket, p.UID)
	}
	session, cancel := context.WithCancel(ctx)
	defer cancel()
	services, cfg, at, err := d.Services(session, c)
	if err != nil {
		return err
	}
	cfg.Logger = d.Log
	at.Control.Name = d.Name
	h, err := Start(ctx, c, services, cfg, at)
	if err != nil {
		return err
	}
	defer func() {
		stop, cancel := context.WithTimeout(context.Background(), stopWait)
		defer cancel()
		h.Stop(stop)
	}()
	if d.Mapper != "" {
		var wg sync.WaitGroup
		wg.Go(func() { keepAnnounced(session, d.Mapper, h.entries, d.Log) })
		defer wg.Wait()
		defer cancel()
	}
	ready()
	d.Log.Info(d.Name+" is serving", "socket", d.Socket)
	Notify("STATUS=serving")
	select {
	case <-ctx.Done():
		return nil
	case <-c.Done():
		return errGone
	case <-h.Failed():
		return h.Err()
	}
}
