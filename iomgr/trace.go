package iomgr

import (
	"context"
	"log/slog"
	"strconv"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// traceRequest writes a line for a request that is about to start. Data is not shown, as it may hold secrets.
func (m *Manager) traceRequest(r *api.Request) {
	attrs := make([]slog.Attr, 0, 8)
	attrs = append(attrs, slog.String("op", r.Op.String()))
	if a := r.Create; a != nil {
		attrs = append(attrs, slog.String("name", a.Name))
		if a.Root != nil {
			attrs = append(attrs, slog.String("root", a.Root.HandleString()))
		}
		if a.Token != nil {
			attrs = append(attrs, slog.String("token", a.Token.QualifiedName()))
		}
		if p, ok := api.Find[*api.Peer](a.Contexts); ok {
			attrs = append(attrs, slog.String("peer", p.Address))
		}
	} else if f, ok := r.Handle.(*api.File); ok && f != nil && f.Device() != nil {
		attrs = append(attrs, slog.String("file", `\`+f.Device().Name()+f.Path()))
	}
	switch r.Op {
	case api.OpFsControl, api.OpDeviceControl:
		attrs = append(attrs, slog.String("code", nt.ControlName(r.Code)))
	case api.OpQueryInformation, api.OpSetInformation, api.OpQueryVolume, api.OpSetVolume, api.OpQueryDirectory:
		attrs = append(attrs, slog.Int("class", int(r.Code)))
	}
	if !r.Activity.IsZero() {
		attrs = append(attrs, slog.String("id", r.Activity.String()), slog.String("session", strconv.FormatUint(r.Activity.Session, 16)))
	}
	attrs = append(attrs, slog.Int("in", len(r.In)), slog.Int("out", len(r.Out)))
	m.trace.LogAttrs(context.Background(), slog.LevelInfo, "request", attrs...)
}
