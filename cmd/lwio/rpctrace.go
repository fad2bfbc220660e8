package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"lwio/gen/rpcctl"
	"lwio/iomgr/nt"
	"lwio/rpc/ndr"
)

const traceLong = `Follow the calls that the daemons of this machine serve, until interrupted.

A line has the time, the id, who calls from where, the operation with its parameters, the answer or fault, how long it took, and the octets of both. Secrets, passwords and
octets are not shown. The id of a call that came by SMB, connection/message, is that of its request in the trace of lwiod (--trace).

Who reads too slowly loses calls and is told how many.`

// traceFlags say which calls are followed.
type traceFlags struct {
	iface, pipe, user, daemon string
	count                     int
}

func traceCommand(a *app) *cobra.Command {
	c := &cobra.Command{Use: "trace", Short: "Follow what the daemons do"}
	var f traceFlags
	follow := &cobra.Command{Use: "rpc", Short: "Follow calls", Long: traceLong, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.traceRPC(c, &f) }}
	p := follow.Flags()
	p.StringVar(&f.iface, "interface", "", "only of this interface, by name or UUID")
	p.StringVar(&f.pipe, "pipe", "", "only at this pipe or endpoint")
	p.StringVar(&f.user, "user", "", `only by this user: name, DOMAIN\name or SID`)
	p.StringVar(&f.daemon, "daemon-name", "", "only of that daemon: lwiod, lsassd or srvsvcd")
	p.IntVarP(&f.count, "count", "c", 0, "end after so many calls")
	c.AddCommand(follow)
	return c
}

// traceRecord is a call as JSON.
type traceRecord struct {
	Daemon    string          `json:"daemon"`
	ID        string          `json:"id"`
	Session   string          `json:"session,omitempty"` // of SMB, in hexadecimal
	Time      time.Time       `json:"time"`
	Duration  time.Duration   `json:"duration_ns"`
	User      string          `json:"user"`
	SID       string          `json:"sid"`
	Client    string          `json:"client,omitempty"`
	Transport string          `json:"transport"`
	Endpoint  string          `json:"endpoint"`
	Level     string          `json:"level"`
	Interface string          `json:"interface"`
	Operation string          `json:"operation"`
	Opnum     uint32          `json:"opnum"`
	CallID    uint32          `json:"call_id"`
	In        uint32          `json:"in"`
	Out       uint32          `json:"out"`
	Fault     string          `json:"fault,omitempty"`
	Refusal   string          `json:"refusal,omitempty"`
	Rule      string          `json:"rule,omitempty"`
	Request   json.RawMessage `json:"request,omitempty"`
	Response  json.RawMessage `json:"response,omitempty"`
}

// traceReadWait is how long a daemon is asked to wait for a call; then it is asked again.
const traceReadWait = 10 * time.Second

func (a *app) traceRPC(c *cobra.Command, f *traceFlags) error {
	list, done, err := a.controls(c.Context(), f.daemon)
	if err != nil {
		return err
	}
	defer done()
	ctx, cancel := context.WithCancel(c.Context())
	defer cancel()
	w := &traceWriter{w: c.OutOrStdout(), errs: c.ErrOrStderr(), json: a.json, left: f.count, stop: cancel}
	var wg sync.WaitGroup
	failed := make(chan error, len(list))
	following := 0
	for _, x := range list {
		res, err := x.RpcctlTraceOpen(ctx, &rpcctl.RpcctlTraceOpenRequest{InterfaceName: f.iface, Endpoint: f.pipe, User: f.user})
		if err != nil {
			return err
		}
		if nt.WinError(res.Return) == nt.WErrNotFound {
			continue // another may serve it
		}
		if err := win32(res.Return, "trace %s", x.daemon); err != nil {
			return err
		}
		following++
		wg.Go(func() {
			defer cancel()
			failed <- w.follow(ctx, x, res)
		})
	}
	if following == 0 {
		return hint(fmt.Errorf("no daemon serves %q", f.iface), "lwio rpc policy show lists what is served")
	}
	fmt.Fprintln(c.ErrOrStderr(), "following")
	wg.Wait()
	for range following {
		if err := <-failed; err != nil {
			return hint(err, "the daemon has gone, or was started anew: follow it again")
		}
	}
	return w.err
}

// traceWriter writes what the daemons tell.
type traceWriter struct {
	json bool
	stop func()
	errs io.Writer

	mu   sync.Mutex
	w    io.Writer // guarded by mu
	left int       // calls to write; 0 for any number; guarded by mu
	err  error     // guarded by mu
}

// follow reads from one daemon until ctx ends.
func (w *traceWriter) follow(ctx context.Context, x *control, open *rpcctl.RpcctlTraceOpenResponse) error {
	for {
		res, err := x.RpcctlTraceRead(ctx, &rpcctl.RpcctlTraceReadRequest{Trace: open.Trace, Wait: uint32(traceReadWait.Milliseconds())})
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("%s: %w", x.daemon, err)
		}
		if res.Lost > 0 {
			fmt.Fprintf(w.errs, "%d calls of %s are lost: they came faster than they were read\n", res.Lost, x.daemon)
		}
		for i := range res.Records.Records {
			if !w.write(recordOf(x.daemon, &res.Records.Records[i])) {
				return nil
			}
		}
	}
}

func recordOf(daemon string, r *rpcctl.RPCCTL_RECORD) *traceRecord {
	x := &traceRecord{Daemon: daemon, ID: ndr.Text(r.Id), Time: nt.Time(r.Began).Go(), Duration: time.Duration(r.Duration), User: ndr.Text(r.User), SID: ndr.Text(r.Sid), Client: ndr.Text(r.Client),
		Transport: ndr.Text(r.Transport), Endpoint: ndr.Text(r.Endpoint), Level: ndr.Text(r.Level), Interface: ndr.Text(r.InterfaceName), Operation: ndr.Text(r.Operation), Opnum: r.Opnum,
		CallID: r.CallId, In: r.InSize, Out: r.OutSize, Fault: ndr.Text(r.FaultName), Refusal: ndr.Text(r.Refusal), Rule: ndr.Text(r.Rule)}
	if r.Session != 0 {
		x.Session = fmt.Sprintf("%x", uint64(r.Session))
	}
	for _, p := range []struct {
		to   *json.RawMessage
		from string
	}{{&x.Request, ndr.Text(r.Request)}, {&x.Response, ndr.Text(r.Response)}} {
		if json.Valid([]byte(p.from)) {
			*p.to = json.RawMessage(p.from)
		}
	}
	return x
}

// write writes a call; false ends the trace.
func (w *traceWriter) write(r *traceRecord) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil || w.left < 0 {
		return false
	}
	if w.json {
		w.err = json.NewEncoder(w.w).Encode(r)
	} else {
		_, w.err = fmt.Fprintln(w.w, r.line())
	}
	if errors.Is(w.err, io.ErrClosedPipe) {
		w.err = nil
		w.left = 1
	}
	if w.left > 0 {
		if w.left--; w.left == 0 {
			w.left = -1
			w.stop()
			return false
		}
	}
	return w.err == nil
}

// line is a call in a line.
func (r *traceRecord) line() string {
	from := r.Transport
	if r.Client != "" {
		from = r.Client + " " + from
	}
	operation := r.Operation
	if operation == "" {
		operation = fmt.Sprintf("operation %d", r.Opnum)
	}
	end := "ok"
	switch {
	case r.Refusal != "":
		end = "refused (" + r.Refusal + ", " + r.Rule + ") " + r.Fault
	case r.Fault != "":
		end = r.Fault
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s %s %s %s.%s%s", r.Time.Local().Format("15:04:05.000"), r.ID, printable(r.User), from, r.Level, r.Interface, operation, string(r.Request))
	fmt.Fprintf(&b, " -> %s%s %v %d/%d", end, strings.TrimSuffix(" "+string(r.Response), " "), r.Duration.Round(time.Microsecond), r.In, r.Out)
	return b.String()
}
