package windows

import (
	"encoding/binary"
	"net"
	"slices"
	"testing"

	"lwio/gen/svcctl"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// serviceRow is one of the list: MS-SCMR 2.2.13, ENUM_SERVICE_STATUS_PROCESSW.
type serviceRow struct {
	name, display               string
	kind, state, process, flags uint32
}

// rowsOf reads the buffer of svcctl 42.
func rowsOf(b []byte, n uint32) (list []serviceRow) {
	word := func(at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
	text := func(at uint32) string {
		s := b[at:]
		for i := 0; i+1 < len(s); i += 2 {
			if s[i] == 0 && s[i+1] == 0 {
				return nt.DecodeUTF16(s[:i])
			}
		}
		return "?"
	}
	for i := range int(n) {
		at := i * 44
		list = append(list, serviceRow{text(word(at)), text(word(at + 4)), word(at + 8), word(at + 12), word(at + 36), word(at + 40)})
	}
	return list
}

// TestServices is the snap-in of Computer Management: the list with its two calls, then a service with configuration, description, status, dependents and descriptor, and an attempt to
// stop what cannot be stopped. The manager is asked with its traffic sealed, as Windows asks it (MS-SCMR 2.1.2).
func TestServices(t *testing.T) {
	x := start(t).as(admin)
	c := svcctl.NewClient(x.bind("svcctl", svcctl.SvcctlInterface, rpc.AuthLevelPktPrivacy))
	var manager, s rpc.ContextHandle
	var needed uint32
	var image string
	list := func(size uint32) func() (any, error) {
		return func() (any, error) {
			return c.REnumServicesStatusExW(x.ctx(), &svcctl.REnumServicesStatusExWRequest{HSCManager: manager, DwServiceType: 0x30, DwServiceState: svcctl.SERVICE_STATE_ALL, CbBufSize: size, LpResumeIndex: ptr(uint32(0))})
		}
	}
	x.play([]step{
		{"svcctl 15", func() (any, error) {
			out, err := c.ROpenSCManagerW(x.ctx(), &svcctl.ROpenSCManagerWRequest{LpMachineName: text("127.0.0.1"), DwDesiredAccess: uint32(nt.SCManagerConnect | nt.SCManagerEnumerateService)})
			manager = out.LpScHandle
			return out, err
		}, &svcctl.ROpenSCManagerWResponse{LpScHandle: handle}},
		{"svcctl 42, how much", list(0), that("how many octets the list has", func(out *svcctl.REnumServicesStatusExWResponse) bool {
			needed = out.PcbBytesNeeded
			return out.Return == uint32(nt.WErrMoreData) && out.LpServicesReturned == 0 && needed > 400 && *out.LpResumeIndex == 0
		})},
		{"svcctl 42", func() (any, error) { return list(needed)() }, that("the services, each running in this process", func(out *svcctl.REnumServicesStatusExWResponse) bool {
			if out.Return != 0 || out.PcbBytesNeeded != 0 || *out.LpResumeIndex != 0 {
				return false
			}
			rows := rowsOf(out.LpBuffer, out.LpServicesReturned)
			for _, want := range []serviceRow{{name: "LanmanServer", display: "Server", kind: 0x20}, {name: "LanmanWorkstation", display: "Workstation", kind: 0x20}, {name: "Netlogon", display: "Netlogon", kind: 0x20},
				{name: "RpcSs", display: "Remote Procedure Call (RPC)", kind: 0x20}, {name: "SamSs", display: "Security Accounts Manager", kind: 0x20}, {name: "Eventlog", display: "Windows Event Log", kind: 0x20}} {
				if !slices.ContainsFunc(rows, func(r serviceRow) bool {
					return r.name == want.name && r.display == want.display && r.kind == want.kind && r.state == svcctl.SERVICE_RUNNING && r.process != 0 && r.flags == 0
				}) {
					t.Errorf("%+v is not among %+v", want, rows)
				}
			}
			return true
		})},
		{"svcctl 14", func() (any, error) {
			return c.REnumServicesStatusW(x.ctx(), &svcctl.REnumServicesStatusWRequest{HSCManager: manager, DwServiceType: 0x30, DwServiceState: svcctl.SERVICE_STATE_ALL, CbBufSize: 1 << 16, LpResumeIndex: ptr(uint32(0))})
		}, that("as many", func(out *svcctl.REnumServicesStatusWResponse) bool {
			return out.Return == 0 && out.LpServicesReturned >= 6 && out.PcbBytesNeeded == 0
		})},
		{"svcctl 16", func() (any, error) {
			out, err := c.ROpenServiceW(x.ctx(), &svcctl.ROpenServiceWRequest{HSCManager: manager, LpServiceName: "lanmanserver",
				DwDesiredAccess: uint32(nt.ServiceQueryConfig | nt.ServiceQueryStatus | nt.ServiceEnumerateDependents | nt.ServiceInterrogate | nt.ServiceStop | nt.ReadControl)})
			s = out.LpServiceHandle
			return out, err
		}, &svcctl.ROpenServiceWResponse{LpServiceHandle: handle}},
		{"svcctl 17, how much", func() (any, error) {
			return c.RQueryServiceConfigW(x.ctx(), &svcctl.RQueryServiceConfigWRequest{HService: s})
		}, that("ERROR_INSUFFICIENT_BUFFER", func(out *svcctl.RQueryServiceConfigWResponse) bool {
			needed = out.PcbBytesNeeded
			return out.Return == uint32(nt.WErrInsufficientBuffer) && needed > 36
		})},
		{"svcctl 17", func() (any, error) {
			out, err := c.RQueryServiceConfigW(x.ctx(), &svcctl.RQueryServiceConfigWRequest{HService: s, CbBufSize: needed})
			if err == nil && out.LpServiceConfig.LpBinaryPathName != nil {
				image, out.LpServiceConfig.LpBinaryPathName = *out.LpServiceConfig.LpBinaryPathName, nil
			}
			if image == "" {
				t.Error("no program")
			}
			out.PcbBytesNeeded = 0
			return out, err
		}, &svcctl.RQueryServiceConfigWResponse{LpServiceConfig: svcctl.QUERY_SERVICE_CONFIGW{DwServiceType: 0x20, DwStartType: 2, DwErrorControl: 1, LpLoadOrderGroup: text(""), LpDependencies: text("SamSs"),
			LpServiceStartName: text("LocalSystem"), LpDisplayName: text("Server")}}},
		{"svcctl 39/1", func() (any, error) {
			return c.RQueryServiceConfig2W(x.ctx(), &svcctl.RQueryServiceConfig2WRequest{HService: s, DwInfoLevel: 1, CbBufSize: 1024})
		}, that("a description, behind its offset", func(out *svcctl.RQueryServiceConfig2WResponse) bool {
			return out.Return == 0 && len(out.LpBuffer) == 1024 && binary.LittleEndian.Uint32(out.LpBuffer) == 4 && out.LpBuffer[4] != 0 && out.PcbBytesNeeded > 6
		})},
		{"svcctl 39/3", func() (any, error) { // delayed start
			return c.RQueryServiceConfig2W(x.ctx(), &svcctl.RQueryServiceConfig2WRequest{HService: s, DwInfoLevel: 3, CbBufSize: 4})
		}, &svcctl.RQueryServiceConfig2WResponse{LpBuffer: []byte{0, 0, 0, 0}, PcbBytesNeeded: 4}},
		{"svcctl 40/0", func() (any, error) {
			return c.RQueryServiceStatusEx(x.ctx(), &svcctl.RQueryServiceStatusExRequest{HService: s, InfoLevel: svcctl.SC_STATUS_PROCESS_INFO, CbBufSize: 36})
		}, that("running, in a process", func(out *svcctl.RQueryServiceStatusExResponse) bool {
			b := out.LpBuffer
			return out.Return == 0 && out.PcbBytesNeeded == 36 && len(b) == 36 && b[0] == 0x20 && b[4] == 4 && binary.LittleEndian.Uint32(b[28:]) != 0
		})},
		{"svcctl 13", func() (any, error) {
			return c.REnumDependentServicesW(x.ctx(), &svcctl.REnumDependentServicesWRequest{HService: s, DwServiceState: svcctl.SERVICE_STATE_ALL})
		}, &svcctl.REnumDependentServicesWResponse{}},
		{"svcctl 4, how much", func() (any, error) {
			return c.RQueryServiceObjectSecurity(x.ctx(), &svcctl.RQueryServiceObjectSecurityRequest{HService: s, DwSecurityInformation: 4})
		}, that("ERROR_INSUFFICIENT_BUFFER", func(out *svcctl.RQueryServiceObjectSecurityResponse) bool {
			needed = out.PcbBytesNeeded
			return out.Return == uint32(nt.WErrInsufficientBuffer) && needed > 20
		})},
		{"svcctl 4", func() (any, error) {
			return c.RQueryServiceObjectSecurity(x.ctx(), &svcctl.RQueryServiceObjectSecurityRequest{HService: s, DwSecurityInformation: 4, CbBufSize: needed})
		}, that("a descriptor with a list", func(out *svcctl.RQueryServiceObjectSecurityResponse) bool {
			d, err := nt.ParseSecurityDescriptor(out.LpSecurityDescriptor)
			return out.Return == 0 && err == nil && d.DACL != nil && len(d.DACL.ACEs) > 0
		})},
		{"svcctl 1, interrogate", func() (any, error) {
			return c.RControlService(x.ctx(), &svcctl.RControlServiceRequest{HService: s, DwControl: 4})
		}, &svcctl.RControlServiceResponse{LpServiceStatus: svcctl.SERVICE_STATUS{DwServiceType: 0x20, DwCurrentState: svcctl.SERVICE_RUNNING}}},
		{"svcctl 1, stop", func() (any, error) {
			return c.RControlService(x.ctx(), &svcctl.RControlServiceRequest{HService: s, DwControl: 1})
		}, that("it does not take that", func(out *svcctl.RControlServiceResponse) bool {
			return out.Return == uint32(nt.WErrInvalidServiceControl)
		})},
		{"svcctl 16, unknown", func() (any, error) {
			return c.ROpenServiceW(x.ctx(), &svcctl.ROpenServiceWRequest{HSCManager: manager, LpServiceName: "nothing", DwDesiredAccess: 1})
		}, &svcctl.ROpenServiceWResponse{Return: uint32(nt.WErrServiceDoesNotExist)}},
		{"svcctl 0", func() (any, error) {
			return c.RCloseServiceHandle(x.ctx(), &svcctl.RCloseServiceHandleRequest{HSCObject: s})
		}, &svcctl.RCloseServiceHandleResponse{}},
	})
}

// TestEndpointMapperRefuses: Computer Management tries TCP and the endpoint mapper first, and goes on to pipes at once where port 135 is refused: a server that was not told to listen there does not.
func TestEndpointMapperRefuses(t *testing.T) {
	start(t)
	c, err := net.Dial("tcp", "127.0.0.1:135")
	if err == nil {
		c.Close()
		t.Skip("another program of this machine listens on port 135")
	}
}

// TestServicesUser is the snap-in of somebody who administers nothing: he connects, and sees no list.
func TestServicesUser(t *testing.T) {
	x := start(t).as(user)
	c := svcctl.NewClient(x.bind("svcctl", svcctl.SvcctlInterface, rpc.AuthLevelPktPrivacy))
	open := func(access nt.AccessMask) func() (any, error) {
		return func() (any, error) {
			return c.ROpenSCManagerW(x.ctx(), &svcctl.ROpenSCManagerWRequest{DwDesiredAccess: uint32(access)})
		}
	}
	x.play([]step{
		{"svcctl 15, to connect", open(nt.SCManagerConnect), &svcctl.ROpenSCManagerWResponse{LpScHandle: handle}},
		{"svcctl 15, to list", open(nt.SCManagerConnect | nt.SCManagerEnumerateService), &svcctl.ROpenSCManagerWResponse{Return: uint32(nt.WErrAccessDenied)}},
	})
}
