package metrics

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"time"
)

// ContentType is that of the format.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// gatherTime bounds the answer to one request.
const gatherTime = 10 * time.Second

// Handler answers GET /metrics with what gather gives, one request at a time: who asks too often waits.
func Handler(gather func(context.Context) ([]byte, error)) http.Handler {
	turn := make(chan struct{}, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), gatherTime)
		defer cancel()
		select {
		case turn <- struct{}{}:
			defer func() { <-turn }()
		case <-ctx.Done():
			http.Error(w, "busy", http.StatusServiceUnavailable)
			return
		}
		text, err := gather(ctx)
		if err != nil {
			http.Error(w, "what the daemon counts cannot be had; its log says why", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", ContentType)
		_, _ = w.Write(text)
	})
	return mux
}

// Serve answers on a listener until ctx ends.
func Serve(ctx context.Context, l net.Listener, gather func(context.Context) ([]byte, error)) error {
	s := &http.Server{Handler: Handler(gather), ReadHeaderTimeout: gatherTime, ReadTimeout: gatherTime, WriteTimeout: 2 * gatherTime, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// IsSocket reports whether an address names a unix socket.
func IsSocket(address string) bool { return filepath.IsAbs(address) }
