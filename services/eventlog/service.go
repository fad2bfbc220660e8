// Package eventlog serves the event logs (MS-EVEN): Application, Security and System of a [state.EventLogs], read forwards and backwards, written to and
// cleared. [Handler] writes what the daemon's own log says of logons and accounts into them.
//
//	s := server.New(server.Config{…})
//	err := s.Register(gen.EventlogInterface, eventlog.New(eventlog.Config{Logs: logs, Computer: host.Name}))
//
// # Who may what
//
// The descriptors are those that Windows gives the logs. Administrators read, write and clear Application and System; the Security log they read
// and clear, and nobody writes it by this interface. Who is logged on at this machine reads System and reads and writes Application; users of the network
// have neither, unless they are Event Log Readers, who read Security and System. The null session is denied.
//
// # What is not done
//
// Backups are neither written nor opened: STATUS_NOT_SUPPORTED; a log is not cleared if a backup is asked for with it. A name that is no log's stands for
// Application, as in Windows. ElfrChangeNotify and ElfrFlushEL are denied.
package eventlog

import (
	"context"
	"strings"
	"sync"
	"time"

	"lwio/gen/dtyp"
	gen "lwio/gen/eventlog"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/state"
)

// Config is what the service stands on.
type Config struct {
	Logs     *state.EventLogs // required
	Computer string
}

// Service implements eventlog.
type Service struct {
	gen.UnimplementedEventlogServer
	cfg Config
}

var _ gen.EventlogServer = (*Service)(nil)

// New makes the service.
func New(cfg Config) *Service { return &Service{cfg: cfg} }

// Rights on a log.
const (
	logRead  nt.AccessMask = 1
	logWrite nt.AccessMask = 2
	logClear nt.AccessMask = 4
)

var mapping = nt.GenericMapping{Read: 0x20000 | logRead, Write: 0x20000 | logWrite, Execute: 0x20000, All: 0xF0007}

var descriptors = map[string]*nt.SecurityDescriptor{
	state.LogApplication: mustSDDL("O:BAG:SYD:(D;;0xf0007;;;AN)(D;;0xf0007;;;BG)(A;;0xf0007;;;SY)(A;;0x7;;;BA)(A;;0x7;;;SO)(A;;0x3;;;IU)(A;;0x3;;;SU)(A;;0x3;;;S-1-5-3)"),
	state.LogSystem: mustSDDL("O:BAG:SYD:(D;;0xf0007;;;AN)(D;;0xf0007;;;BG)(A;;0xf0007;;;SY)(A;;0x7;;;BA)(A;;0x3;;;BO)(A;;0x5;;;SO)(A;;0x1;;;IU)(A;;0x3;;;SU)(A;;0x1;;;S-1-5-3)" +
		"(A;;0x2;;;S-1-5-33)(A;;0x1;;;S-1-5-32-573)"),
	state.LogSecurity: mustSDDL("O:BAG:SYD:(D;;0xf0007;;;AN)(A;;0xf0005;;;SY)(A;;0x5;;;BA)(A;;0x1;;;S-1-5-32-573)"),
}

func mustSDDL(text string) *nt.SecurityDescriptor {
	sd, err := nt.ParseSDDL(text, nt.SID{})
	if err != nil {
		panic(err) // a constant
	}
	return sd
}

func result(s nt.Status) int32 { return int32(s) }

// log is what a handle stands for.
type log struct {
	*state.EventLog
	granted nt.AccessMask
	source  string // of what is reported by it

	mu      sync.Mutex
	next    uint32 // guarded by mu: the record that a sequential read begins with; 0 at the beginning
	cleared uint32 // guarded by mu
}

func logOf(call *rpc.Call, h rpc.ContextHandle, need nt.AccessMask) (*log, nt.Status, error) {
	l, err := rpc.HandleValue[*log](call, h)
	if err != nil {
		return nil, 0, err
	}
	if l.granted&need != need {
		return nil, nt.StatusAccessDenied, nil
	}
	return l, nt.StatusSuccess, nil
}

// open opens the log of a name, for reading or as a source of events.
func (s *Service) open(call *rpc.Call, module string, major, minor uint32, need nt.AccessMask) (rpc.ContextHandle, int32, error) {
	module, _, _ = strings.Cut(module, "\x00")
	g := s.cfg.Logs.Log(module)
	switch {
	case module == "" || major != 1 || minor != 1:
		return rpc.ContextHandle{}, result(nt.StatusInvalidParameter), nil
	case g == nil:
		g = s.cfg.Logs.Log(state.LogApplication)
	}
	granted, status := nt.AccessCheck(descriptors[g.Name], call.Token, nt.MaximumAllowed, mapping)
	if call.Token.Anonymous || status != nt.StatusSuccess || granted&need == 0 {
		return rpc.ContextHandle{}, result(nt.StatusAccessDenied), nil
	}
	h, err := call.Handles.Open(call, &log{EventLog: g, granted: granted, source: module}, nil)
	return h, 0, err
}

func octets(s gen.RPC_STRING) string { return string(s.Buffer[:min(len(s.Buffer), int(s.Length))]) }

// ElfrOpenELW opens a log (MS-EVEN 3.1.4.3).
func (s *Service) ElfrOpenELW(_ context.Context, call *rpc.Call, in *gen.ElfrOpenELWRequest) (*gen.ElfrOpenELWResponse, error) {
	h, status, err := s.open(call, in.ModuleName.String(), in.MajorVersion, in.MinorVersion, logRead)
	return &gen.ElfrOpenELWResponse{LogHandle: h, Return: status}, err
}

// ElfrOpenELA opens a log (MS-EVEN 3.1.4.4).
func (s *Service) ElfrOpenELA(_ context.Context, call *rpc.Call, in *gen.ElfrOpenELARequest) (*gen.ElfrOpenELAResponse, error) {
	h, status, err := s.open(call, octets(in.ModuleName), in.MajorVersion, in.MinorVersion, logRead)
	return &gen.ElfrOpenELAResponse{LogHandle: h, Return: status}, err
}

// ElfrRegisterEventSourceW opens a log to write to it (MS-EVEN 3.1.4.5).
func (s *Service) ElfrRegisterEventSourceW(_ context.Context, call *rpc.Call, in *gen.ElfrRegisterEventSourceWRequest) (*gen.ElfrRegisterEventSourceWResponse, error) {
	h, status, err := s.open(call, in.ModuleName.String(), in.MajorVersion, in.MinorVersion, logWrite)
	return &gen.ElfrRegisterEventSourceWResponse{LogHandle: h, Return: status}, err
}

// ElfrRegisterEventSourceA opens a log to write to it (MS-EVEN 3.1.4.6).
func (s *Service) ElfrRegisterEventSourceA(_ context.Context, call *rpc.Call, in *gen.ElfrRegisterEventSourceARequest) (*gen.ElfrRegisterEventSourceAResponse, error) {
	h, status, err := s.open(call, octets(in.ModuleName), in.MajorVersion, in.MinorVersion, logWrite)
	return &gen.ElfrRegisterEventSourceAResponse{LogHandle: h, Return: status}, err
}

func closeLog(call *rpc.Call, h rpc.ContextHandle) error {
	if _, _, err := logOf(call, h, 0); err != nil {
		return err
	}
	return call.Handles.Close(h)
}

// ElfrCloseEL closes a log (MS-EVEN 3.1.4.21).
func (s *Service) ElfrCloseEL(_ context.Context, call *rpc.Call, in *gen.ElfrCloseELRequest) (*gen.ElfrCloseELResponse, error) {
	return &gen.ElfrCloseELResponse{}, closeLog(call, in.LogHandle)
}

// ElfrDeregisterEventSource closes a source (MS-EVEN 3.1.4.22).
func (s *Service) ElfrDeregisterEventSource(_ context.Context, call *rpc.Call, in *gen.ElfrDeregisterEventSourceRequest) (*gen.ElfrDeregisterEventSourceResponse, error) {
	return &gen.ElfrDeregisterEventSourceResponse{}, closeLog(call, in.LogHandle)
}

// ElfrNumberOfRecords counts the records (MS-EVEN 3.1.4.18).
func (s *Service) ElfrNumberOfRecords(_ context.Context, call *rpc.Call, in *gen.ElfrNumberOfRecordsRequest) (*gen.ElfrNumberOfRecordsResponse, error) {
	l, status, err := logOf(call, in.LogHandle, logRead)
	if err != nil || status != nt.StatusSuccess {
		return &gen.ElfrNumberOfRecordsResponse{Return: result(status)}, err
	}
	oldest, next, _ := l.Bounds()
	return &gen.ElfrNumberOfRecordsResponse{NumberOfRecords: next - oldest}, nil
}

// ElfrOldestRecord gives the number of the oldest record, 0 if there is none (MS-EVEN 3.1.4.19).
func (s *Service) ElfrOldestRecord(_ context.Context, call *rpc.Call, in *gen.ElfrOldestRecordRequest) (*gen.ElfrOldestRecordResponse, error) {
	l, status, err := logOf(call, in.LogHandle, logRead)
	if err != nil || status != nt.StatusSuccess {
		return &gen.ElfrOldestRecordResponse{Return: result(status)}, err
	}
	oldest, next, _ := l.Bounds()
	if oldest == next {
		oldest = 0
	}
	return &gen.ElfrOldestRecordResponse{OldestRecordNumber: oldest}, nil
}

// ElfrGetLogInformation tells whether a log is full (MS-EVEN 3.1.4.20).
func (s *Service) ElfrGetLogInformation(_ context.Context, call *rpc.Call, in *gen.ElfrGetLogInformationRequest) (*gen.ElfrGetLogInformationResponse, error) {
	l, status, err := logOf(call, in.LogHandle, logRead)
	out := &gen.ElfrGetLogInformationResponse{LpBuffer: make([]byte, in.CbBufSize), Return: result(status)}
	switch {
	case err != nil || status != nt.StatusSuccess:
	case in.InfoLevel != 0:
		out.Return = result(nt.StatusInvalidLevel)
	case in.CbBufSize < 4:
		out.PcbBytesNeeded, out.Return = 4, result(nt.StatusBufferTooSmall)
	default:
		out.PcbBytesNeeded = 4
		if l.Full() {
			out.LpBuffer[0] = 1
		}
	}
	return out, err
}

// clear empties a log, and says in it, or in System, who did.
func (s *Service) clear(ctx context.Context, call *rpc.Call, h rpc.ContextHandle, backup string) (int32, error) {
	l, status, err := logOf(call, h, logClear)
	switch {
	case err != nil || status != nt.StatusSuccess:
		return result(status), err
	case backup != "":
		return result(nt.StatusNotSupported), nil
	}
	if err := l.Clear(ctx); err != nil {
		return result(nt.StatusOf(err)), nil
	}
	to, id := s.cfg.Logs.Log(state.LogSystem), uint32(104)
	if l.Name == state.LogSecurity {
		to, id = l.EventLog, 1102
	}
	_, _ = to.Report(state.EventRecord{ID: id, Type: gen.EVENTLOG_INFORMATION_TYPE, Source: "Eventlog", Computer: s.cfg.Computer, User: call.Token.User,
		Strings: []string{call.Token.Account, call.Token.Domain, l.Name}})
	return 0, nil
}

// ElfrClearELFW empties a log (MS-EVEN 3.1.4.9).
func (s *Service) ElfrClearELFW(ctx context.Context, call *rpc.Call, in *gen.ElfrClearELFWRequest) (*gen.ElfrClearELFWResponse, error) {
	backup := ""
	if in.BackupFileName != nil {
		backup = in.BackupFileName.String()
	}
	status, err := s.clear(ctx, call, in.LogHandle, backup)
	return &gen.ElfrClearELFWResponse{Return: status}, err
}

// ElfrClearELFA empties a log (MS-EVEN 3.1.4.10).
func (s *Service) ElfrClearELFA(ctx context.Context, call *rpc.Call, in *gen.ElfrClearELFARequest) (*gen.ElfrClearELFAResponse, error) {
	backup := ""
	if in.BackupFileName != nil {
		backup = octets(*in.BackupFileName)
	}
	status, err := s.clear(ctx, call, in.LogHandle, backup)
	return &gen.ElfrClearELFAResponse{Return: status}, err
}

// backup is the answer to a call for a backup: its name is looked at, and then that it is not done is said.
func backup(call *rpc.Call, name string) int32 {
	switch {
	case !call.Token.HasPrivilege(nt.SeBackupPrivilege):
		return result(nt.StatusAccessDenied)
	case !strings.HasPrefix(name, `\??\`):
		return result(nt.StatusObjectPathSyntaxBad)
	}
	return result(nt.StatusNotSupported)
}

// ElfrBackupELFW is not done (MS-EVEN 3.1.4.11).
func (s *Service) ElfrBackupELFW(_ context.Context, call *rpc.Call, in *gen.ElfrBackupELFWRequest) (*gen.ElfrBackupELFWResponse, error) {
	if _, _, err := logOf(call, in.LogHandle, 0); err != nil {
		return nil, err
	}
	return &gen.ElfrBackupELFWResponse{Return: backup(call, in.BackupFileName.String())}, nil
}

// ElfrBackupELFA is not done (MS-EVEN 3.1.4.12).
func (s *Service) ElfrBackupELFA(_ context.Context, call *rpc.Call, in *gen.ElfrBackupELFARequest) (*gen.ElfrBackupELFAResponse, error) {
	if _, _, err := logOf(call, in.LogHandle, 0); err != nil {
		return nil, err
	}
	return &gen.ElfrBackupELFAResponse{Return: backup(call, octets(in.BackupFileName))}, nil
}

// ElfrOpenBELW is not done (MS-EVEN 3.1.4.1).
func (s *Service) ElfrOpenBELW(_ context.Context, call *rpc.Call, in *gen.ElfrOpenBELWRequest) (*gen.ElfrOpenBELWResponse, error) {
	return &gen.ElfrOpenBELWResponse{Return: backup(call, in.BackupFileName.String())}, nil
}

// ElfrOpenBELA is not done (MS-EVEN 3.1.4.2).
func (s *Service) ElfrOpenBELA(_ context.Context, call *rpc.Call, in *gen.ElfrOpenBELARequest) (*gen.ElfrOpenBELAResponse, error) {
	return &gen.ElfrOpenBELAResponse{Return: backup(call, octets(in.BackupFileName))}, nil
}

// ElfrChangeNotify is not for callers of this interface (MS-EVEN 3.1.4.23).
func (s *Service) ElfrChangeNotify(_ context.Context, call *rpc.Call, in *gen.ElfrChangeNotifyRequest) (*gen.ElfrChangeNotifyResponse, error) {
	_, _, err := logOf(call, in.LogHandle, 0)
	return &gen.ElfrChangeNotifyResponse{Return: result(nt.StatusAccessDenied)}, err
}

// ElfrFlushEL is denied.
func (s *Service) ElfrFlushEL(_ context.Context, call *rpc.Call, in *gen.ElfrFlushELRequest) (*gen.ElfrFlushELResponse, error) {
	_, _, err := logOf(call, in.LogHandle, 0)
	return &gen.ElfrFlushELResponse{Return: result(nt.StatusAccessDenied)}, err
}

// event is what the calls that report have in common.
type event struct {
	seconds          uint32
	generated        nt.Time
	kind, category   uint16
	id               uint32
	source, computer string
	user             *dtyp.RPC_SID
	strings          []string
	data             []byte
}

func (s *Service) report(call *rpc.Call, h rpc.ContextHandle, e event) (number, written uint32, status int32, err error) {
	l, st, err := logOf(call, h, logWrite)
	if err != nil || st != nt.StatusSuccess {
		return 0, 0, result(st), err
	}
	switch e.kind {
	case gen.EVENTLOG_SUCCESS, gen.EVENTLOG_ERROR_TYPE, gen.EVENTLOG_WARNING_TYPE, gen.EVENTLOG_INFORMATION_TYPE, gen.EVENTLOG_AUDIT_SUCCESS, gen.EVENTLOG_AUDIT_FAILURE:
	default:
		return 0, 0, result(nt.StatusInvalidParameter), nil
	}
	r := state.EventRecord{Generated: e.generated, ID: e.id, Type: e.kind, Category: e.category, Source: l.source, Computer: s.cfg.Computer, Strings: e.strings, Data: e.data}
	if e.seconds != 0 {
		r.Generated = nt.TimeOf(time.Unix(int64(e.seconds), 0))
	}
	if e.source != "" {
		r.Source = e.source
	}
	if e.computer != "" {
		r.Computer = e.computer
	}
	if e.user != nil {
		if r.User, err = e.user.SID(); err != nil {
			return 0, 0, result(nt.StatusInvalidParameter), nil
		}
	}
	number, err = l.Report(r)
	if err != nil {
		return 0, 0, result(nt.StatusInvalidParameter), nil
	}
	return number, uint32(time.Now().Unix()), 0, nil
}

// given is a value where one was asked for.
func given(asked *uint32, v uint32) *uint32 {
	if asked == nil {
		return nil
	}
	return &v
}

func wideStrings(list []*dtyp.RPC_UNICODE_STRING) []string {
	out := make([]string, len(list))
	for i, s := range list {
		if s != nil {
			out[i] = plain(s.String())
		}
	}
	return out
}

func octetStrings(list []*gen.RPC_STRING) []string {
	out := make([]string, len(list))
	for i, s := range list {
		if s != nil {
			out[i] = plain(strings.ToValidUTF8(octets(*s), "?"))
		}
	}
	return out
}

// plain is a string up to its terminator: in a record a terminator ends it.
func plain(s string) string {
	s, _, _ = strings.Cut(s, "\x00")
	return s
}

// ElfrReportEventW writes an event (MS-EVEN 3.1.4.13).
func (s *Service) ElfrReportEventW(_ context.Context, call *rpc.Call, in *gen.ElfrReportEventWRequest) (*gen.ElfrReportEventWResponse, error) {
	n, t, status, err := s.report(call, in.LogHandle, event{seconds: in.Time, kind: in.EventType, category: in.EventCategory, id: in.EventID, computer: plain(in.ComputerName.String()),
		user: in.UserSID, strings: wideStrings(in.Strings), data: in.Data})
	return &gen.ElfrReportEventWResponse{RecordNumber: given(in.RecordNumber, n), TimeWritten: given(in.TimeWritten, t), Return: status}, err
}

// ElfrReportEventA writes an event (MS-EVEN 3.1.4.14).
func (s *Service) ElfrReportEventA(_ context.Context, call *rpc.Call, in *gen.ElfrReportEventARequest) (*gen.ElfrReportEventAResponse, error) {
	n, t, status, err := s.report(call, in.LogHandle, event{seconds: in.Time, kind: in.EventType, category: in.EventCategory, id: in.EventID, computer: plain(octets(in.ComputerName)),
		user: in.UserSID, strings: octetStrings(in.Strings), data: in.Data})
	return &gen.ElfrReportEventAResponse{RecordNumber: given(in.RecordNumber, n), TimeWritten: given(in.TimeWritten, t), Return: status}, err
}

// ElfrReportEventAndSourceW writes an event of a source that is named (MS-EVEN 3.1.4.15).
func (s *Service) ElfrReportEventAndSourceW(_ context.Context, call *rpc.Call, in *gen.ElfrReportEventAndSourceWRequest) (*gen.ElfrReportEventAndSourceWResponse, error) {
	n, t, status, err := s.report(call, in.LogHandle, event{seconds: in.Time, kind: in.EventType, category: in.EventCategory, id: in.EventID, source: plain(in.SourceName.String()),
		computer: plain(in.ComputerName.String()), user: in.UserSID, strings: wideStrings(in.Strings), data: in.Data})
	return &gen.ElfrReportEventAndSourceWResponse{RecordNumber: given(in.RecordNumber, n), TimeWritten: given(in.TimeWritten, t), Return: status}, err
}

// ElfrReportEventExW writes an event with its time in full (MS-EVEN 3.1.4.16).
func (s *Service) ElfrReportEventExW(_ context.Context, call *rpc.Call, in *gen.ElfrReportEventExWRequest) (*gen.ElfrReportEventExWResponse, error) {
	at := nt.Time(uint64(in.TimeGenerated.DwLowDateTime) | uint64(in.TimeGenerated.DwHighDateTime)<<32)
	n, _, status, err := s.report(call, in.LogHandle, event{generated: at, kind: in.EventType, category: in.EventCategory, id: in.EventID, computer: plain(in.ComputerName.String()),
		user: in.UserSID, strings: wideStrings(in.Strings), data: in.Data})
	return &gen.ElfrReportEventExWResponse{RecordNumber: given(in.RecordNumber, n), Return: status}, err
}

// ElfrReportEventExA writes an event with its time in full (MS-EVEN 3.1.4.17).
func (s *Service) ElfrReportEventExA(_ context.Context, call *rpc.Call, in *gen.ElfrReportEventExARequest) (*gen.ElfrReportEventExAResponse, error) {
	at := nt.Time(uint64(in.TimeGenerated.DwLowDateTime) | uint64(in.TimeGenerated.DwHighDateTime)<<32)
	n, _, status, err := s.report(call, in.LogHandle, event{generated: at, kind: in.EventType, category: in.EventCategory, id: in.EventID, computer: plain(octets(in.ComputerName)),
		user: in.UserSID, strings: octetStrings(in.Strings), data: in.Data})
	return &gen.ElfrReportEventExAResponse{RecordNumber: given(in.RecordNumber, n), Return: status}, err
}
