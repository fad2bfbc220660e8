package svcctl

import (
	"context"
	"encoding/binary"

	gen "lwio/gen/svcctl"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

func appendWords(b []byte, v ...uint32) []byte {
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, x)
	}
	return b
}

func appendStatus(b []byte, s gen.SERVICE_STATUS) []byte {
	return appendWords(b, s.DwServiceType, s.DwCurrentState, s.DwControlsAccepted, s.DwWin32ExitCode, s.DwServiceSpecificExitCode, s.DwCheckPoint, s.DwWaitHint)
}

func appendProcess(b []byte, s gen.SERVICE_STATUS_PROCESS) []byte {
	b = appendWords(b, s.DwServiceType, s.DwCurrentState, s.DwControlsAccepted, s.DwWin32ExitCode, s.DwServiceSpecificExitCode, s.DwCheckPoint, s.DwWaitHint)
	return appendWords(b, s.DwProcessId, s.DwServiceFlags)
}

// stringBytes is a string with its terminator, in UTF-16 or, for the calls that end in A, in octets.
func stringBytes(s string, wide bool) []byte {
	if wide {
		return nt.AppendUTF16(nil, s+"\x00")
	}
	return append([]byte(s), 0)
}

// page lists services in a buffer: those that fit, one after another with offsets to the strings behind them (MS-SCMR 2.2.10 to 2.2.13). needed
// is what the rest takes, next its first.
func (m *Manager) page(list []*service, from, size uint32, wide, process bool) (buf []byte, needed, count, next, code uint32) {
	fixed := 36
	if process {
		fixed = 44
	}
	type row struct{ status, name, display []byte }
	var rows []row
	length := 0
	for i := int(from); i < len(list); i++ {
		s := list[i]
		r := row{name: stringBytes(s.Name, wide), display: stringBytes(s.Display, wide)}
		if process {
			r.status = appendProcess(nil, m.processOf(s))
		} else {
			r.status = appendStatus(nil, m.statusOf(s))
		}
		n := fixed + len(r.name) + len(r.display)
		if needed > 0 || length+n > int(size) {
			needed += uint32(n)
			continue
		}
		length += n
		rows = append(rows, r)
	}
	buf = make([]byte, size)
	at := fixed * len(rows)
	for i, r := range rows {
		head := buf[:i*fixed]
		head = appendWords(head, uint32(at+len(r.display)), uint32(at))
		_ = append(head, r.status...)
		at += copy(buf[at:], r.display)
		at += copy(buf[at:], r.name)
	}
	if needed > 0 {
		return buf, needed, uint32(len(rows)), from + uint32(len(rows)), moreData
	}
	return buf, 0, uint32(len(rows)), 0, success
}

func (m *Manager) inState(s *service, states uint32) bool {
	active := m.statusOf(s).DwCurrentState != gen.SERVICE_STOPPED
	return active && states&gen.SERVICE_ACTIVE != 0 || !active && states&gen.SERVICE_INACTIVE != 0
}

type listing struct {
	buf           []byte
	needed, count uint32
	resume        *uint32
	code          uint32
}

// enumerate lists the services of types, states and a group (MS-SCMR 3.1.4.14, 3.1.4.40).
func (m *Manager) enumerate(call *rpc.Call, h rpc.ContextHandle, types, states, size uint32, resume *uint32, group *string, wide, process bool) (listing, error) {
	_, code, err := objectOf[*managerHandle](call, h, nt.SCManagerEnumerateService)
	if err != nil || code != success {
		return listing{resume: resume, code: code}, err
	}
	if types == 0 || types&^(allTypes|0x1F0) != 0 || states == 0 || states > gen.SERVICE_STATE_ALL {
		return listing{resume: resume, code: invalidParameter}, nil
	}
	var list []*service
	grouped := group == nil || *group == ""
	for _, s := range m.services {
		if group != nil && !nt.EqualFold(s.Group, *group) {
			continue
		}
		grouped = true
		if s.Type&types != 0 && m.inState(s, states) {
			list = append(list, s)
		}
	}
	if !grouped {
		return listing{resume: resume, code: doesNotExist}, nil
	}
	from := uint32(0)
	if resume != nil {
		from = *resume
	}
	if from > uint32(len(list)) {
		return listing{resume: resume, code: invalidParameter}, nil
	}
	var l listing
	var next uint32
	l.buf, l.needed, l.count, next, l.code = m.page(list, from, size, wide, process)
	if resume != nil {
		l.resume = &next
	}
	return l, nil
}

// REnumServicesStatusW lists services.
func (m *Manager) REnumServicesStatusW(_ context.Context, call *rpc.Call, in *gen.REnumServicesStatusWRequest) (*gen.REnumServicesStatusWResponse, error) {
	l, err := m.enumerate(call, in.HSCManager, in.DwServiceType, in.DwServiceState, in.CbBufSize, in.LpResumeIndex, nil, true, false)
	return &gen.REnumServicesStatusWResponse{LpBuffer: l.buf, PcbBytesNeeded: l.needed, LpServicesReturned: l.count, LpResumeIndex: l.resume, Return: l.code}, err
}

// REnumServicesStatusA lists services.
func (m *Manager) REnumServicesStatusA(_ context.Context, call *rpc.Call, in *gen.REnumServicesStatusARequest) (*gen.REnumServicesStatusAResponse, error) {
	l, err := m.enumerate(call, in.HSCManager, in.DwServiceType, in.DwServiceState, in.CbBufSize, in.LpResumeIndex, nil, false, false)
	return &gen.REnumServicesStatusAResponse{LpBuffer: l.buf, PcbBytesNeeded: l.needed, LpServicesReturned: l.count, LpResumeIndex: l.resume, Return: l.code}, err
}

// REnumServiceGroupW lists those of a group (MS-SCMR 3.1.4.33).
func (m *Manager) REnumServiceGroupW(_ context.Context, call *rpc.Call, in *gen.REnumServiceGroupWRequest) (*gen.REnumServiceGroupWResponse, error) {
	l, err := m.enumerate(call, in.HSCManager, in.DwServiceType, in.DwServiceState, in.CbBufSize, in.LpResumeIndex, in.PszGroupName, true, false)
	return &gen.REnumServiceGroupWResponse{LpBuffer: l.buf, PcbBytesNeeded: l.needed, LpServicesReturned: l.count, LpResumeIndex: l.resume, Return: l.code}, err
}

// REnumServicesStatusExW tells of their processes, too.
func (m *Manager) REnumServicesStatusExW(_ context.Context, call *rpc.Call, in *gen.REnumServicesStatusExWRequest) (*gen.REnumServicesStatusExWResponse, error) {
	if in.InfoLevel != gen.SC_ENUM_PROCESS_INFO {
		return &gen.REnumServicesStatusExWResponse{LpResumeIndex: in.LpResumeIndex, Return: invalidLevel}, nil
	}
	l, err := m.enumerate(call, in.HSCManager, in.DwServiceType, in.DwServiceState, in.CbBufSize, in.LpResumeIndex, in.PszGroupName, true, true)
	return &gen.REnumServicesStatusExWResponse{LpBuffer: l.buf, PcbBytesNeeded: l.needed, LpServicesReturned: l.count, LpResumeIndex: l.resume, Return: l.code}, err
}

// REnumServicesStatusExA does the same in octets.
func (m *Manager) REnumServicesStatusExA(_ context.Context, call *rpc.Call, in *gen.REnumServicesStatusExARequest) (*gen.REnumServicesStatusExAResponse, error) {
	if in.InfoLevel != gen.SC_ENUM_PROCESS_INFO {
		return &gen.REnumServicesStatusExAResponse{LpResumeIndex: in.LpResumeIndex, Return: invalidLevel}, nil
	}
	l, err := m.enumerate(call, in.HSCManager, in.DwServiceType, in.DwServiceState, in.CbBufSize, in.LpResumeIndex, in.PszGroupName, false, true)
	return &gen.REnumServicesStatusExAResponse{LpBuffer: l.buf, PcbBytesNeeded: l.needed, LpServicesReturned: l.count, LpResumeIndex: l.resume, Return: l.code}, err
}

// dependents lists the services that depend on one, directly or not (MS-SCMR 3.1.4.13).
func (m *Manager) dependents(call *rpc.Call, h rpc.ContextHandle, states, size uint32, wide bool) (listing, error) {
	s, code, err := objectOf[*serviceHandle](call, h, nt.ServiceEnumerateDependents)
	if err != nil || code != success {
		return listing{code: code}, err
	}
	if states == 0 || states > gen.SERVICE_STATE_ALL {
		return listing{code: invalidParameter}, nil
	}
	wanted := map[string]bool{nt.Upcase(s.Name): true}
	for grown := true; grown; {
		grown = false
		for _, d := range m.services {
			for _, on := range d.DependOn {
				if wanted[nt.Upcase(on)] && !wanted[nt.Upcase(d.Name)] {
					wanted[nt.Upcase(d.Name)], grown = true, true
				}
			}
		}
	}
	var list []*service
	for _, d := range m.services {
		if d != s.service && wanted[nt.Upcase(d.Name)] && m.inState(d, states) {
			list = append(list, d)
		}
	}
	var l listing
	l.buf, l.needed, l.count, _, l.code = m.page(list, 0, size, wide, false)
	return l, nil
}

// REnumDependentServicesW lists the services that depend on one.
func (m *Manager) REnumDependentServicesW(_ context.Context, call *rpc.Call, in *gen.REnumDependentServicesWRequest) (*gen.REnumDependentServicesWResponse, error) {
	l, err := m.dependents(call, in.HService, in.DwServiceState, in.CbBufSize, true)
	return &gen.REnumDependentServicesWResponse{LpServices: l.buf, PcbBytesNeeded: l.needed, LpServicesReturned: l.count, Return: l.code}, err
}

// REnumDependentServicesA lists the services that depend on one.
func (m *Manager) REnumDependentServicesA(_ context.Context, call *rpc.Call, in *gen.REnumDependentServicesARequest) (*gen.REnumDependentServicesAResponse, error) {
	l, err := m.dependents(call, in.HService, in.DwServiceState, in.CbBufSize, false)
	return &gen.REnumDependentServicesAResponse{LpServices: l.buf, PcbBytesNeeded: l.needed, LpServicesReturned: l.count, Return: l.code}, err
}

// name answers the calls that translate between names, with the length of the one that is found.
func (m *Manager) name(call *rpc.Call, h rpc.ContextHandle, room uint32, match func(*service) bool, get func(*service) string) (string, uint32, uint32, error) {
	_, code, err := objectOf[*managerHandle](call, h, nt.SCManagerConnect)
	if err != nil || code != success {
		return "", 0, code, err
	}
	for _, s := range m.services {
		if match(s) {
			found := get(s)
			if n := uint32(nt.UTF16Len(found)); n > room {
				return "", n, insufficientBuffer, nil
			} else {
				return found, n, success, nil
			}
		}
	}
	return "", 0, doesNotExist, nil
}

func named(name string) func(*service) bool {
	return func(s *service) bool { return nt.EqualFold(s.Name, name) }
}

func shownAs(name string) func(*service) bool {
	return func(s *service) bool { return nt.EqualFold(s.Display, name) }
}

func nameOf(s *service) string    { return s.Name }
func displayOf(s *service) string { return s.Display }

// RGetServiceDisplayNameW gives the name that people see (MS-SCMR 3.1.4.20).
func (m *Manager) RGetServiceDisplayNameW(_ context.Context, call *rpc.Call, in *gen.RGetServiceDisplayNameWRequest) (*gen.RGetServiceDisplayNameWResponse, error) {
	s, n, code, err := m.name(call, in.HSCManager, in.LpcchBuffer, named(in.LpServiceName), displayOf)
	return &gen.RGetServiceDisplayNameWResponse{LpDisplayName: s, LpcchBuffer: n, Return: code}, err
}

// RGetServiceKeyNameW gives the name of the service that people see under another (MS-SCMR 3.1.4.21).
func (m *Manager) RGetServiceKeyNameW(_ context.Context, call *rpc.Call, in *gen.RGetServiceKeyNameWRequest) (*gen.RGetServiceKeyNameWResponse, error) {
	s, n, code, err := m.name(call, in.HSCManager, in.LpcchBuffer, shownAs(in.LpDisplayName), nameOf)
	return &gen.RGetServiceKeyNameWResponse{LpServiceName: s, LpcchBuffer: n, Return: code}, err
}

// RGetServiceDisplayNameA does the same in octets. The terminator counts, since the size of what is sent is told by the same number.
func (m *Manager) RGetServiceDisplayNameA(_ context.Context, call *rpc.Call, in *gen.RGetServiceDisplayNameARequest) (*gen.RGetServiceDisplayNameAResponse, error) {
	s, n, code, err := m.name(call, in.HSCManager, max(in.LpcchBuffer, 1)-1, named(in.LpServiceName), displayOf)
	return &gen.RGetServiceDisplayNameAResponse{LpDisplayName: s, LpcchBuffer: n + 1, Return: code}, err
}

// RGetServiceKeyNameA does the same in octets.
func (m *Manager) RGetServiceKeyNameA(_ context.Context, call *rpc.Call, in *gen.RGetServiceKeyNameARequest) (*gen.RGetServiceKeyNameAResponse, error) {
	s, n, code, err := m.name(call, in.HSCManager, max(in.LpcchBuffer, 1)-1, shownAs(in.LpDisplayName), nameOf)
	return &gen.RGetServiceKeyNameAResponse{LpKeyName: s, LpcchBuffer: n + 1, Return: code}, err
}
