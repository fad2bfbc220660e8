package eventlog_test

import (
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"slices"
	"testing"

	"lwio/gen/dtyp"
	gen "lwio/gen/eventlog"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/server"
	"lwio/services/eventlog"
	"lwio/services/state"
)

func token(groups ...nt.SID) *nt.Token {
	t := &nt.Token{User: nt.MustSID("S-1-5-21-1-2-3-1000"), Account: "größe"}
	for _, g := range groups {
		t.Groups = append(t.Groups, nt.Group{SID: g, Attributes: nt.SEGroupDefault})
	}
	return t
}

var (
	admin = func() *nt.Token {
		t := token(nt.SIDWorld, nt.SIDNetwork, nt.SIDAuthenticatedUsers, nt.SIDBuiltinAdministrators)
		t.Privileges = nt.SeBackupPrivilege
		return t
	}()
	user  = token(nt.SIDWorld, nt.SIDNetwork, nt.SIDAuthenticatedUsers)
	local = token(nt.SIDWorld, nt.SIDInteractive, nt.SIDAuthenticatedUsers)
)

type conn struct {
	net.Conn
	token *nt.Token
}

func (c conn) Token() *nt.Token { return c.token }

func logs(t *testing.T, store state.Store) *state.EventLogs {
	t.Helper()
	l, err := state.NewEventLogs(t.Context(), store, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(context.Background()) })
	return l
}

func dial(t *testing.T, l *state.EventLogs, who *nt.Token) *gen.Client {
	t.Helper()
	s := server.New(server.Config{})
	if err := s.Register(gen.EventlogInterface, eventlog.New(eventlog.Config{Logs: l, Computer: "FIRST"})); err != nil {
		t.Fatal(err)
	}
	a, b := net.Pipe()
	go s.ServeConn(context.Background(), conn{a, who})
	c := client.NewConn(b, client.Config{})
	t.Cleanup(func() { c.Close(); s.Close() })
	bound, err := c.Bind(t.Context(), gen.EventlogInterface, nil)
	if err != nil {
		t.Fatal(err)
	}
	return gen.NewClient(bound)
}

func open(t *testing.T, c *gen.Client, name string) (rpc.ContextHandle, nt.Status) {
	t.Helper()
	out, err := c.ElfrOpenELW(t.Context(), &gen.ElfrOpenELWRequest{ModuleName: dtyp.NewRPC_UNICODE_STRING(name), MajorVersion: 1, MinorVersion: 1})
	if err != nil {
		t.Fatal(err)
	}
	return out.LogHandle, nt.Status(uint32(out.Return))
}

func clearLog(t *testing.T, c *gen.Client, h rpc.ContextHandle, backup *dtyp.RPC_UNICODE_STRING) nt.Status {
	t.Helper()
	out, err := c.ElfrClearELFW(t.Context(), &gen.ElfrClearELFWRequest{LogHandle: h, BackupFileName: backup})
	if err != nil {
		t.Fatal(err)
	}
	return nt.Status(uint32(out.Return))
}

func report(t *testing.T, c *gen.Client, h rpc.ContextHandle, text string) nt.Status {
	t.Helper()
	s := dtyp.NewRPC_UNICODE_STRING(text)
	out, err := c.ElfrReportEventW(t.Context(), &gen.ElfrReportEventWRequest{LogHandle: h, Time: 1, EventType: gen.EVENTLOG_INFORMATION_TYPE, EventID: 7, NumStrings: 1, Strings: []*dtyp.RPC_UNICODE_STRING{&s},
		UserSID: dtyp.NewRPC_SID(nt.SIDBuiltinAdministrators), Data: []byte("abc"), DataSize: 3, RecordNumber: new(uint32)})
	if err != nil {
		t.Fatal(err)
	}
	return nt.Status(uint32(out.Return))
}

// TestAccess: who may what with each log, for an administrator and a user of the network, a user of this machine and the null session.
func TestAccess(t *testing.T) {
	const ok, denied = nt.StatusSuccess, nt.StatusAccessDenied
	for _, tt := range []struct {
		log                string
		read, write, clear [4]nt.Status
	}{
		{"Application", [4]nt.Status{ok, denied, ok, denied}, [4]nt.Status{ok, denied, ok, denied}, [4]nt.Status{ok, denied, denied, denied}},
		{"system", [4]nt.Status{ok, denied, ok, denied}, [4]nt.Status{ok, denied, denied, denied}, [4]nt.Status{ok, denied, denied, denied}},
		{"Security", [4]nt.Status{ok, denied, denied, denied}, [4]nt.Status{denied, denied, denied, denied}, [4]nt.Status{ok, denied, denied, denied}},
		{"dns server", [4]nt.Status{ok, denied, ok, denied}, [4]nt.Status{ok, denied, ok, denied}, [4]nt.Status{ok, denied, denied, denied}},
	} {
		for i, who := range []*nt.Token{admin, user, local, nt.AnonymousToken()} {
			c := dial(t, logs(t, state.NewMemory()), who)
			h, got := open(t, c, tt.log)
			if got != tt.read[i] {
				t.Errorf("%s: caller %d opens it: %v", tt.log, i, got)
			}
			if got != ok {
				continue
			}
			if got := report(t, c, h, "x"); got != tt.write[i] {
				t.Errorf("%s: caller %d writes: %v", tt.log, i, got)
			}
			if got := clearLog(t, c, h, nil); got != tt.clear[i] {
				t.Errorf("%s: caller %d clears: %v", tt.log, i, got)
			}
		}
	}
}

// TestRead: sequential and seeking, forwards and backwards, with buffers of every size that matters (MS-EVEN 3.1.4.7).
func TestRead(t *testing.T) {
	c := dial(t, logs(t, state.NewMemory()), admin)
	h, _ := open(t, c, "Application")
	for _, s := range []string{"one", "größe", "three"} {
		if st := report(t, c, h, s); st != 0 {
			t.Fatal(st)
		}
	}
	read := func(h rpc.ContextHandle, flags, offset, size uint32) ([]uint32, *gen.ElfrReadELWResponse) {
		out, err := c.ElfrReadELW(t.Context(), &gen.ElfrReadELWRequest{LogHandle: h, ReadFlags: flags, RecordOffset: offset, NumberOfBytesToRead: size})
		if err != nil {
			t.Fatal(err)
		}
		var numbers []uint32
		for b := out.Buffer[:out.NumberOfBytesRead]; len(b) > 0; {
			n := binary.LittleEndian.Uint32(b)
			if n%4 != 0 || string(b[4:8]) != "LfLe" || binary.LittleEndian.Uint32(b[n-4:]) != n || binary.LittleEndian.Uint32(b[20:]) != 7 || binary.LittleEndian.Uint32(b[12:]) != 1 ||
				string(b[binary.LittleEndian.Uint32(b[52:]):][:3]) != "abc" || nt.DecodeUTF16(b[56:56+22]) != "Application" {
				t.Errorf("% x", b[:n])
			}
			if sid, _, err := nt.DecodeSID(b[binary.LittleEndian.Uint32(b[44:]):]); err != nil || sid != nt.SIDBuiltinAdministrators {
				t.Error(sid, err)
			}
			numbers = append(numbers, binary.LittleEndian.Uint32(b[8:]))
			b = b[n:]
		}
		return numbers, out
	}
	const seq, seek, fwd, back = 1, 2, 4, 8
	for _, flags := range []uint32{0, seq, fwd, seq | seek | fwd, seq | fwd | back, seq | fwd | 16} {
		if _, out := read(h, flags, 1, 1000); nt.Status(uint32(out.Return)) != nt.StatusInvalidParameter {
			t.Errorf("%#x: %+v", flags, out.Return)
		}
	}
	for _, tt := range []struct {
		flags, offset uint32
		want          []uint32
	}{{seq | back, 0, []uint32{3, 2, 1}}, {seq | fwd, 0, []uint32{1, 2, 3}}, {seek | fwd, 2, []uint32{2, 3}}, {seek | back, 2, []uint32{2, 1}}} {
		for _, one := range []bool{false, true} {
			h, _ := open(t, c, "Application")
			var got []uint32
			flags := tt.flags
			for range 10 {
				size := uint32(4096)
				if one {
					_, out := read(h, flags, tt.offset, 0)
					if size = out.MinNumberOfBytesNeeded; size == 0 {
						break
					}
				}
				n, out := read(h, flags, tt.offset, size)
				got = append(got, n...)
				if out.Return != 0 {
					break
				}
				flags = flags&^seek | seq
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%#x from %d, one at a time %v: %v, want %v", tt.flags, tt.offset, one, got, tt.want)
			}
		}
	}
	if _, out := read(h, seek|fwd, 4, 4096); nt.Status(uint32(out.Return)) != nt.StatusInvalidParameter {
		t.Errorf("%+v", out.Return)
	}
	n, err := c.ElfrNumberOfRecords(t.Context(), &gen.ElfrNumberOfRecordsRequest{LogHandle: h})
	if err != nil || n.NumberOfRecords != 3 {
		t.Error(n, err)
	}
	backup := dtyp.NewRPC_UNICODE_STRING(`\??\C:\x`)
	if st := clearLog(t, c, h, &backup); st != nt.StatusNotSupported {
		t.Error(st)
	}
	if st := clearLog(t, c, h, nil); st != 0 {
		t.Error(st)
	}
	if _, out := read(h, seq|fwd, 0, 4096); nt.Status(uint32(out.Return)) != nt.StatusEndOfFile {
		t.Errorf("%+v", out.Return)
	}
}

// TestHandler: what the daemon says of logons is in the Security log, and after a start too.
func TestHandler(t *testing.T) {
	store := state.NewMemory()
	l := logs(t, store)
	log := slog.New(eventlog.Handler(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelError}), l, "FIRST")).With("driver", "srv")
	log.Info("logon refused", "account", "größe")
	log.Info("session", "user", "x")
	log.Info("something else")
	log.Debug("session")
	log.Warn("trouble")
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := logs(t, store)
	for _, tt := range []struct {
		log  string
		want []uint32
	}{{state.LogSecurity, []uint32{4625, 4624}}, {state.LogSystem, []uint32{1001}}, {state.LogApplication, nil}} {
		g := again.Log(tt.log)
		oldest, next, _ := g.Bounds()
		var got []uint32
		for n := oldest; n < next; n++ {
			r, err := g.Record(n)
			if err != nil || r.Computer != "FIRST" {
				t.Fatal(r, err)
			}
			got = append(got, r.ID)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v", tt.log, got)
		}
	}
	r, _ := again.Log(state.LogSecurity).Record(1)
	if !slices.Equal(r.Strings, []string{"logon refused", "driver=srv", "account=größe"}) || r.Type != gen.EVENTLOG_AUDIT_FAILURE {
		t.Errorf("%+v", r)
	}
}
