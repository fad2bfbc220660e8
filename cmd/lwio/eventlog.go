package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lwio/gen/dtyp"
	"lwio/gen/eventlog"
	"lwio/iomgr/nt"
	"lwio/rpc"
	eventlogservice "lwio/services/eventlog"
)

func eventlogCommand(a *app) *cobra.Command {
	f := &rpcFlags{}
	c := &cobra.Command{Use: "eventlog", Short: "The event logs of this machine, or of another",
		Long: `Read the event logs Application, Security and System of this machine or, where the first argument is \\server, of another, and clear them.`}
	f.register(c, true)
	c.PersistentFlags().DurationVar(&f.timeout, "timeout", 30*time.Second, "give up after this time")
	var count int
	var oldest bool
	read := &cobra.Command{Use: `read [\\server] LOG`, Short: "Print events, the newest first", Args: cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error { return a.eventlogRead(c, f, args, count, oldest) }}
	read.Flags().IntVarP(&count, "count", "n", 50, "at most so many; 0 for all")
	read.Flags().BoolVar(&oldest, "oldest", false, "the oldest first")
	c.AddCommand(read,
		&cobra.Command{Use: `clear [\\server] LOG`, Short: "Clear a log", Args: cobra.RangeArgs(1, 2), RunE: func(c *cobra.Command, args []string) error { return a.eventlogClear(c, f, args) }},
		&cobra.Command{Use: `write [\\server] SOURCE TEXT...`, Short: "Write an event into the Application log", Args: cobra.MinimumNArgs(2),
			RunE: func(c *cobra.Command, args []string) error { return a.eventlogWrite(c, f, args) }})
	return c
}

func (a *app) eventlog(ctx context.Context, f *rpcFlags, server, log string) (*eventlog.Client, rpc.ContextHandle, func(), error) {
	b, done, err := a.caller(ctx, f, server, "eventlog", eventlog.EventlogInterface)
	if err != nil {
		return nil, rpc.ContextHandle{}, nil, err
	}
	cl := eventlog.NewClient(b)
	res, err := cl.ElfrOpenELW(ctx, &eventlog.ElfrOpenELWRequest{ModuleName: dtyp.NewRPC_UNICODE_STRING(log), MajorVersion: 1, MinorVersion: 1})
	if err == nil {
		err = lsaStatus(res.Return, "open the log %s", log)
	}
	if err != nil {
		done()
		return nil, rpc.ContextHandle{}, nil, err
	}
	return cl, res.LogHandle, done, nil
}

type eventRow struct {
	Number  uint32    `json:"number"`
	Time    time.Time `json:"time"`
	Type    string    `json:"type"`
	ID      uint32    `json:"id"`
	Source  string    `json:"source"`
	User    string    `json:"user,omitempty"`
	Strings []string  `json:"strings"`
}

var eventTypes = map[uint16]string{0: "success", 1: "error", 2: "warning", 4: "information", 8: "audit success", 16: "audit failure"}

// eventOf reads the first record of a buffer that a server sent.
func eventOf(b []byte) (eventRow, int, error) {
	r, n, err := eventlogservice.ParseRecord(b, true)
	if err != nil {
		return eventRow{}, 0, err
	}
	e := eventRow{Number: r.Number, Time: r.Generated.Go().Local(), ID: r.ID, Type: eventTypes[r.Type], Source: r.Source, Strings: append([]string{}, r.Strings...)}
	if e.Type == "" {
		e.Type = fmt.Sprint(r.Type)
	}
	if !r.User.IsZero() {
		e.User = r.User.String()
	}
	return e, n, nil
}

func (a *app) eventlogRead(c *cobra.Command, f *rpcFlags, args []string, count int, oldest bool) error {
	server, rest := serverArg(args)
	if len(rest) != 1 {
		return usage(`want [\\server] LOG`)
	}
	cl, h, done, err := a.eventlog(c.Context(), f, server, rest[0])
	if err != nil {
		return err
	}
	defer done()
	flags := eventlog.EVENTLOG_SEQUENTIAL_READ | eventlog.EVENTLOG_BACKWARDS_READ
	if oldest {
		flags = eventlog.EVENTLOG_SEQUENTIAL_READ | eventlog.EVENTLOG_FORWARDS_READ
	}
	list, rows := []eventRow{}, [][]string{}
	size := uint32(1 << 16)
	for count <= 0 || len(list) < count {
		res, err := cl.ElfrReadELW(c.Context(), &eventlog.ElfrReadELWRequest{LogHandle: h, ReadFlags: flags, NumberOfBytesToRead: size})
		if err != nil {
			return err
		}
		switch st := nt.Status(uint32(res.Return)); {
		case st == nt.StatusEndOfFile:
			return a.print(c.OutOrStdout(), list, []string{"NUMBER", "TIME", "TYPE", "ID", "SOURCE", "TEXT"}, rows)
		case st == nt.StatusBufferTooSmall && res.MinNumberOfBytesNeeded > size:
			size = res.MinNumberOfBytesNeeded
			continue
		}
		if err := lsaStatus(res.Return, "read the log"); err != nil {
			return err
		}
		b := res.Buffer[:min(int(res.NumberOfBytesRead), len(res.Buffer))]
		if len(b) == 0 {
			return fmt.Errorf("read the log: the server sent nothing")
		}
		for len(b) > 0 && (count <= 0 || len(list) < count) {
			e, n, err := eventOf(b)
			if err != nil {
				return fmt.Errorf("read the log: %w", err)
			}
			b = b[n:]
			list = append(list, e)
			rows = append(rows, []string{fmt.Sprint(e.Number), e.Time.Format(time.DateTime), e.Type, fmt.Sprint(e.ID & 0xFFFF), e.Source, strings.Join(e.Strings, "; ")})
		}
	}
	return a.print(c.OutOrStdout(), list, []string{"NUMBER", "TIME", "TYPE", "ID", "SOURCE", "TEXT"}, rows)
}

func (a *app) eventlogClear(c *cobra.Command, f *rpcFlags, args []string) error {
	server, rest := serverArg(args)
	if len(rest) != 1 {
		return usage(`want [\\server] LOG`)
	}
	if !strings.EqualFold(rest[0], "Application") && !strings.EqualFold(rest[0], "Security") && !strings.EqualFold(rest[0], "System") && server == "" {
		return usage("there is no log %q: want Application, Security or System", rest[0]) // a server takes it for Application
	}
	cl, h, done, err := a.eventlog(c.Context(), f, server, rest[0])
	if err != nil {
		return err
	}
	defer done()
	res, err := cl.ElfrClearELFW(c.Context(), &eventlog.ElfrClearELFWRequest{LogHandle: h})
	if err != nil {
		return err
	}
	return lsaStatus(res.Return, "clear the log %s", rest[0])
}

func (a *app) eventlogWrite(c *cobra.Command, f *rpcFlags, args []string) error {
	server, rest := serverArg(args)
	if len(rest) < 2 {
		return usage(`want [\\server] SOURCE TEXT`)
	}
	cl, h, done, err := a.eventlog(c.Context(), f, server, "Application")
	if err != nil {
		return err
	}
	defer done()
	text := dtyp.NewRPC_UNICODE_STRING(strings.Join(rest[1:], " "))
	res, err := cl.ElfrReportEventAndSourceW(c.Context(), &eventlog.ElfrReportEventAndSourceWRequest{LogHandle: h, Time: uint32(time.Now().Unix()), EventType: eventlog.EVENTLOG_INFORMATION_TYPE,
		SourceName: dtyp.NewRPC_UNICODE_STRING(rest[0]), NumStrings: 1, Strings: []*dtyp.RPC_UNICODE_STRING{&text}})
	if err != nil {
		return err
	}
	return lsaStatus(res.Return, "write the event")
}
