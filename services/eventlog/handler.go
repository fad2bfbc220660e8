package eventlog

import (
	"context"
	"log/slog"

	gen "lwio/gen/eventlog"
	"lwio/services/state"
)

// audited are the messages of the daemons that are events of the Security log, with the numbers that Windows gives them.
var audited = map[string]struct {
	id   uint32
	kind uint16
}{
	"session":                 {4624, gen.EVENTLOG_AUDIT_SUCCESS},
	"logon refused":           {4625, gen.EVENTLOG_AUDIT_FAILURE}, // said once, by the authority over it
	"kerberos logon refused":  {4625, gen.EVENTLOG_AUDIT_FAILURE}, // before an authority was asked
	"user created":            {4720, gen.EVENTLOG_AUDIT_SUCCESS},
	"password set":            {4724, gen.EVENTLOG_AUDIT_SUCCESS},
	"password changed":        {4723, gen.EVENTLOG_AUDIT_SUCCESS},
	"password change refused": {4723, gen.EVENTLOG_AUDIT_FAILURE},
	"user deleted":            {4726, gen.EVENTLOG_AUDIT_SUCCESS},
	"user changed":            {4738, gen.EVENTLOG_AUDIT_SUCCESS},
	"policy changed":          {4739, gen.EVENTLOG_AUDIT_SUCCESS},
	"share put":               {5143, gen.EVENTLOG_AUDIT_SUCCESS},
	"share deleted":           {5144, gen.EVENTLOG_AUDIT_SUCCESS},
}

// handler writes events beside what another handler does.
type handler struct {
	slog.Handler
	logs     *state.EventLogs
	computer string
	attrs    []slog.Attr
}

// Handler makes a handler that passes everything on to next, and besides writes what is audited into the Security log, and warnings and errors into System. It
// does not wait for the disk.
func Handler(next slog.Handler, logs *state.EventLogs, computer string) slog.Handler {
	return &handler{Handler: next, logs: logs, computer: computer}
}

// Enabled takes what is audited whatever the level of next.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo || h.Handler.Enabled(ctx, level)
}

func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	a, ok := audited[r.Message]
	switch {
	case ok:
		h.report(state.LogSecurity, a.id, a.kind, "Microsoft-Windows-Security-Auditing", r)
	case r.Level >= slog.LevelError:
		h.report(state.LogSystem, 1000, gen.EVENTLOG_ERROR_TYPE, "lwiod", r)
	case r.Level >= slog.LevelWarn:
		h.report(state.LogSystem, 1001, gen.EVENTLOG_WARNING_TYPE, "lwiod", r)
	}
	if h.Handler.Enabled(ctx, r.Level) {
		return h.Handler.Handle(ctx, r)
	}
	return nil
}

// report writes a message with its attributes, each a string of the event.
func (h *handler) report(log string, id uint32, kind uint16, source string, r slog.Record) {
	e := state.EventRecord{ID: id, Type: kind, Source: source, Computer: h.computer, Strings: []string{r.Message}}
	add := func(a slog.Attr) bool {
		text := []rune(a.Key + "=" + a.Value.String())
		if len(text) > 1024 {
			text = text[:1024]
		}
		e.Strings = append(e.Strings, plain(string(text)))
		return len(e.Strings) < 32
	}
	for _, a := range h.attrs {
		add(a)
	}
	r.Attrs(add)
	_, _ = h.logs.Log(log).Report(e)
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.Handler = h.Handler.WithAttrs(attrs)
	c.attrs = append(append([]slog.Attr(nil), h.attrs...), attrs...)
	return &c
}

func (h *handler) WithGroup(name string) slog.Handler {
	c := *h
	c.Handler = h.Handler.WithGroup(name)
	return &c
}
