package windows

import (
	"testing"

	"lwio/gen/eventlog"
	"lwio/iomgr/nt"
	"lwio/pipes"
	"lwio/rpc"
	eventlogservice "lwio/services/eventlog"
	"lwio/services/state"
)

// TestEventViewer opens the Security log, counts it and reads it backwards, in the order of the tool: eventlog 7, 4, 5, 10. A logon that was refused is in it once.
func TestEventViewer(t *testing.T) {
	x := start(t).as(admin)
	wrong := *x.cred
	wrong.User, wrong.Password = user, "wrong"
	if c, err := pipes.Dial(x.ctx(), x.m, x.path(`IPC$\lsarpc`), pipes.DialConfig{Message: true, Contexts: []any{&wrong}}); nt.StatusOf(err) != nt.StatusLogonFailure {
		if err == nil {
			c.Close()
		}
		t.Fatalf("a wrong password: %v", err)
	}
	c := eventlog.NewClient(x.bind("eventlog", eventlog.EventlogInterface, rpc.AuthLevelPktPrivacy))
	var log rpc.ContextHandle
	var oldest, count uint32
	var records []state.EventRecord
	read := func(size uint32) func() (any, error) {
		return func() (any, error) {
			return c.ElfrReadELW(x.ctx(), &eventlog.ElfrReadELWRequest{LogHandle: log, ReadFlags: eventlog.EVENTLOG_SEQUENTIAL_READ | eventlog.EVENTLOG_BACKWARDS_READ, NumberOfBytesToRead: size})
		}
	}
	x.play([]step{
		{"eventlog 7", func() (any, error) {
			out, err := c.ElfrOpenELW(x.ctx(), &eventlog.ElfrOpenELWRequest{UNCServerName: ptr(uint16('\\')), ModuleName: unicode("Security"), RegModuleName: unicode(""), MajorVersion: 1, MinorVersion: 1})
			log = out.LogHandle
			return out, err
		}, &eventlog.ElfrOpenELWResponse{LogHandle: handle}},
		{"eventlog 4", func() (any, error) {
			out, err := c.ElfrNumberOfRecords(x.ctx(), &eventlog.ElfrNumberOfRecordsRequest{LogHandle: log})
			count = out.NumberOfRecords
			return out, err
		}, that("some records", func(out *eventlog.ElfrNumberOfRecordsResponse) bool {
			return out.Return == 0 && out.NumberOfRecords > 0
		})},
		{"eventlog 5", func() (any, error) {
			out, err := c.ElfrOldestRecord(x.ctx(), &eventlog.ElfrOldestRecordRequest{LogHandle: log})
			oldest = out.OldestRecordNumber
			return out, err
		}, &eventlog.ElfrOldestRecordResponse{OldestRecordNumber: 1}},
		{"eventlog 22/0", func() (any, error) {
			return c.ElfrGetLogInformation(x.ctx(), &eventlog.ElfrGetLogInformationRequest{LogHandle: log, CbBufSize: 4})
		}, &eventlog.ElfrGetLogInformationResponse{LpBuffer: []byte{0, 0, 0, 0}, PcbBytesNeeded: 4}},
		{"eventlog 10, how much", read(0), that("STATUS_BUFFER_TOO_SMALL, with the size of the newest record", func(out *eventlog.ElfrReadELWResponse) bool {
			return out.Return == status(nt.StatusBufferTooSmall) && out.NumberOfBytesRead == 0 && out.MinNumberOfBytesNeeded >= 60
		})},
		{"eventlog 10", read(0x7FFFF), that("every record, the newest first", func(out *eventlog.ElfrReadELWResponse) bool {
			if out.Return != 0 || out.MinNumberOfBytesNeeded != 0 {
				return false
			}
			for b := out.Buffer[:out.NumberOfBytesRead]; len(b) > 0; {
				r, n, err := eventlogservice.ParseRecord(b, true)
				if err != nil {
					t.Fatal(err)
				}
				records, b = append(records, r), b[n:]
			}
			return len(records) > 0
		})},
		{"eventlog 10, at the end", read(0x7FFFF), that("STATUS_END_OF_FILE", func(out *eventlog.ElfrReadELWResponse) bool {
			return out.Return == status(nt.StatusEndOfFile) && out.NumberOfBytesRead == 0
		})},
		{"eventlog 2", func() (any, error) {
			return c.ElfrCloseEL(x.ctx(), &eventlog.ElfrCloseELRequest{LogHandle: log})
		}, &eventlog.ElfrCloseELResponse{}},
	})
	ids := map[uint32]int{}
	for i, r := range records {
		if want := oldest + uint32(len(records)-1-i); r.Number != want {
			t.Errorf("record %d has the number %d, want %d", i, r.Number, want)
		}
		if r.Source != "Microsoft-Windows-Security-Auditing" || r.Computer != x.host || r.Generated == 0 || r.Type != eventlog.EVENTLOG_AUDIT_SUCCESS && r.Type != eventlog.EVENTLOG_AUDIT_FAILURE {
			t.Errorf("%+v", r)
		}
		ids[r.ID]++
	}
	if len(records) < int(count) || ids[4625] != 1 || ids[4720] != 2 || ids[5143] != 1 || ids[4624] == 0 {
		t.Errorf("%d records of %d, by number: %v", len(records), count, ids)
	}
}

// TestEventViewerUser: the Security log is not for everybody.
func TestEventViewerUser(t *testing.T) {
	x := start(t).as(user)
	c := eventlog.NewClient(x.bind("eventlog", eventlog.EventlogInterface, rpc.AuthLevelPktPrivacy))
	var steps []step
	for _, name := range state.EventLogNames() {
		steps = append(steps, step{"eventlog 7 " + name, func() (any, error) {
			return c.ElfrOpenELW(x.ctx(), &eventlog.ElfrOpenELWRequest{ModuleName: unicode(name), MajorVersion: 1, MinorVersion: 1})
		}, &eventlog.ElfrOpenELWResponse{Return: status(nt.StatusAccessDenied)}})
	}
	x.play(steps)
}
