package svcctl

import (
	"context"
	"os"
	"slices"
	"strings"
	"sync"

	gen "lwio/gen/svcctl"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/state"
)

// Types and starts of services (MS-SCMR 2.2.15).
const (
	Win32OwnProcess   uint32 = 0x10
	Win32ShareProcess uint32 = 0x20
	allTypes          uint32 = 0x3F
	AutoStart         uint32 = 2
	DemandStart       uint32 = 3
	ErrorNormal       uint32 = 1
)

// Service is one of them.
type Service struct {
	Name, Display, Description string
	Type, Start                uint32
	Image, Account, Group      string
	DependOn                   []string
	// State is the state that it begins in; zero means running.
	State uint32
	// Control stops, pauses, continues (the SERVICE_CONTROL_* of MS-SCMR 3.1.4.2) or starts (0) it, and gives the state that it is in then. Nil means
	// that it takes none.
	Control func(ctx context.Context, control uint32) (uint32, error)
}

// Config is what the service stands on.
type Config struct {
	Services []Service
	// Registry keeps descriptors. Nil means that they are forgotten with the Service.
	Registry *state.Registry
}

// Manager implements svcctl.
type Manager struct {
	gen.UnimplementedSvcctlServer
	services []*service // by name
	registry *state.Registry
	process  nt.GUID

	mu      sync.Mutex
	changed chan struct{} // guarded by mu; closed, and another made, when a service changes its state
	locked  *lock         // guarded by mu
	manager *nt.SecurityDescriptor
}

// service is a service with what changes of it.
type service struct {
	Service
	state    uint32                 // guarded by Manager.mu
	sequence uint32                 // guarded by Manager.mu: counts changes of state
	security *nt.SecurityDescriptor // guarded by Manager.mu
	control  sync.Mutex             // one control at a time
}

var _ gen.SvcctlServer = (*Manager)(nil)

// New makes the service.
func New(cfg Config) *Manager {
	m := &Manager{registry: cfg.Registry, changed: make(chan struct{}), manager: managerSecurity, process: nt.GUID{'l', 'w', 'i', 'o'}}
	for _, s := range cfg.Services {
		if s.State == 0 {
			s.State = gen.SERVICE_RUNNING
		}
		m.services = append(m.services, &service{Service: s, state: s.State, security: m.kept(s.Name)})
	}
	slices.SortFunc(m.services, func(a, b *service) int { return strings.Compare(nt.Upcase(a.Name), nt.Upcase(b.Name)) })
	return m
}

// Host are the services of a daemon whose program is image: those that tools expect a server to have, and the daemon. The spooler is among them, as on
// every Windows; it has no printers.
func Host(image string) []Service {
	system := `LocalSystem`
	shared := func(name, display, description string, dependOn ...string) Service {
		return Service{Name: name, Display: display, Description: description, Type: Win32ShareProcess, Start: AutoStart, Image: image, Account: system, DependOn: dependOn}
	}
	return []Service{
		shared("Eventlog", "Windows Event Log", "Keeps the event logs."),
		shared("LanmanServer", "Server", "Shares files and named pipes with the network.", "SamSs"),
		shared("LanmanWorkstation", "Workstation", "Reaches shares and named pipes of other machines."),
		shared("lwiod", "lwio daemon", "The I/O manager, with its drivers and services."),
		shared("Netlogon", "Netlogon", "Authenticates users of the domain.", "LanmanWorkstation"),
		shared("RemoteRegistry", "Remote Registry", "Lets remote users look at the registry and change it.", "RpcSs"),
		shared("RpcSs", "Remote Procedure Call (RPC)", "Maps endpoints and calls services.", "RpcEptMapper"),
		shared("RpcEptMapper", "RPC Endpoint Mapper", "Resolves interfaces to endpoints."),
		shared("SamSs", "Security Accounts Manager", "Keeps the local accounts.", "RpcSs"),
		{Name: "Spooler", Display: "Print Spooler", Description: "There are no printers on this machine.", Type: Win32OwnProcess, Start: AutoStart, Image: image, Account: system,
			Group: "SpoolerGroup", DependOn: []string{"RpcSs"}},
	}
}

// The descriptors of the manager and of services.
var (
	managerSecurity = mustSDDL("O:SYG:SYD:(A;;CC;;;AU)(A;;CCLCRPRC;;;IU)(A;;CCLCRPRC;;;SU)(A;;CCLCRPWPRC;;;SY)(A;;KA;;;BA)")
	serviceSecurity = mustSDDL("O:SYG:SYD:(A;;CCLCSWRPWPDTLOCRRC;;;SY)(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;BA)(A;;CCLCSWLOCRRC;;;IU)(A;;CCLCSWLOCRRC;;;SU)")
)

func mustSDDL(text string) *nt.SecurityDescriptor {
	sd, err := nt.ParseSDDL(text, nt.SID{})
	if err != nil {
		panic(err) // a constant
	}
	return sd
}

const (
	success            = uint32(nt.WErrSuccess)
	accessDenied       = uint32(nt.WErrAccessDenied)
	invalidHandle      = uint32(nt.WErrInvalidHandle)
	invalidParameter   = uint32(nt.WErrInvalidParameter)
	invalidLevel       = uint32(nt.WErrInvalidLevel)
	invalidName        = uint32(nt.WErrInvalidName)
	insufficientBuffer = uint32(nt.WErrInsufficientBuffer)
	moreData           = uint32(nt.WErrMoreData)
	doesNotExist       = uint32(nt.WErrServiceDoesNotExist)
)

// What handles stand for.
type (
	managerHandle struct{ granted nt.AccessMask }
	serviceHandle struct {
		*service
		granted nt.AccessMask
	}
	lock struct {
		owner string
		since nt.Time
	}
)

func (h *managerHandle) access() nt.AccessMask { return h.granted }
func (h *serviceHandle) access() nt.AccessMask { return h.granted }

type object interface{ access() nt.AccessMask }

// objectOf is the object of a handle, if it was granted all of need. A handle that is none is a fault; one of another kind ERROR_INVALID_HANDLE.
func objectOf[T object](call *rpc.Call, h rpc.ContextHandle, need nt.AccessMask) (T, uint32, error) {
	var zero T
	any, err := rpc.HandleValue[any](call, h)
	if err != nil {
		return zero, 0, err
	}
	o, ok := any.(T)
	switch {
	case !ok:
		return zero, invalidHandle, nil
	case o.access()&need != need:
		return zero, accessDenied, nil
	}
	return o, success, nil
}

func (m *Manager) find(name string) *service {
	for _, s := range m.services {
		if nt.EqualFold(s.Name, name) {
			return s
		}
	}
	return nil
}

func isAuthenticated(call *rpc.Call) bool {
	return !call.Token.Anonymous && (call.Token.HasSID(nt.SIDAuthenticatedUsers) || call.Token.IsSystem())
}

// openManager opens the database (MS-SCMR 3.1.4.15). To connect is granted to who gets anything.
func (m *Manager) openManager(call *rpc.Call, database *string, desired uint32) (rpc.ContextHandle, uint32, error) {
	if database != nil && *database != "" && !nt.EqualFold(*database, "ServicesActive") {
		if nt.EqualFold(*database, "ServicesFailed") {
			return rpc.ContextHandle{}, uint32(nt.WErrDatabaseDoesNotExist), nil
		}
		return rpc.ContextHandle{}, invalidName, nil
	}
	m.mu.Lock()
	sd := m.manager
	m.mu.Unlock()
	granted, status := nt.AccessCheck(sd, call.Token, nt.AccessMask(desired)|nt.SCManagerConnect, nt.GenericMappingSCManager)
	if !isAuthenticated(call) || status != nt.StatusSuccess {
		return rpc.ContextHandle{}, accessDenied, nil
	}
	h, err := call.Handles.Open(call, any(&managerHandle{granted}), nil)
	return h, success, err
}

// openService opens a service (MS-SCMR 3.1.4.16).
func (m *Manager) openService(call *rpc.Call, manager rpc.ContextHandle, name string, desired uint32) (rpc.ContextHandle, uint32, error) {
	_, code, err := objectOf[*managerHandle](call, manager, nt.SCManagerConnect)
	if err != nil || code != success {
		return rpc.ContextHandle{}, code, err
	}
	if name == "" || strings.ContainsAny(name, `/\`) {
		return rpc.ContextHandle{}, invalidName, nil
	}
	s := m.find(name)
	if s == nil {
		return rpc.ContextHandle{}, doesNotExist, nil
	}
	m.mu.Lock()
	sd := s.security
	m.mu.Unlock()
	granted, status := nt.AccessCheck(sd, call.Token, nt.AccessMask(desired), nt.GenericMappingService)
	if desired != 0 && status != nt.StatusSuccess {
		return rpc.ContextHandle{}, accessDenied, nil
	}
	h, err := call.Handles.Open(call, any(&serviceHandle{s, granted}), nil)
	return h, success, err
}

// ROpenSCManagerW opens the database.
func (m *Manager) ROpenSCManagerW(_ context.Context, call *rpc.Call, in *gen.ROpenSCManagerWRequest) (*gen.ROpenSCManagerWResponse, error) {
	h, code, err := m.openManager(call, in.LpDatabaseName, in.DwDesiredAccess)
	return &gen.ROpenSCManagerWResponse{LpScHandle: h, Return: code}, err
}

// ROpenSCManagerA opens the database.
func (m *Manager) ROpenSCManagerA(_ context.Context, call *rpc.Call, in *gen.ROpenSCManagerARequest) (*gen.ROpenSCManagerAResponse, error) {
	h, code, err := m.openManager(call, in.LpDatabaseName, in.DwDesiredAccess)
	return &gen.ROpenSCManagerAResponse{LpScHandle: h, Return: code}, err
}

// ROpenSCManager2 opens the database (MS-SCMR 3.1.4.50).
func (m *Manager) ROpenSCManager2(_ context.Context, call *rpc.Call, in *gen.ROpenSCManager2Request) (*gen.ROpenSCManager2Response, error) {
	h, code, err := m.openManager(call, in.LpDatabaseName, in.DwDesiredAccess)
	return &gen.ROpenSCManager2Response{LpScHandle: h, Return: code}, err
}

// ROpenServiceW opens a service.
func (m *Manager) ROpenServiceW(_ context.Context, call *rpc.Call, in *gen.ROpenServiceWRequest) (*gen.ROpenServiceWResponse, error) {
	h, code, err := m.openService(call, in.HSCManager, in.LpServiceName, in.DwDesiredAccess)
	return &gen.ROpenServiceWResponse{LpServiceHandle: h, Return: code}, err
}

// ROpenServiceA opens a service.
func (m *Manager) ROpenServiceA(_ context.Context, call *rpc.Call, in *gen.ROpenServiceARequest) (*gen.ROpenServiceAResponse, error) {
	h, code, err := m.openService(call, in.HSCManager, in.LpServiceName, in.DwDesiredAccess)
	return &gen.ROpenServiceAResponse{LpServiceHandle: h, Return: code}, err
}

// RCloseServiceHandle closes a handle of the database or of a service (MS-SCMR 3.1.4.1).
func (m *Manager) RCloseServiceHandle(_ context.Context, call *rpc.Call, in *gen.RCloseServiceHandleRequest) (*gen.RCloseServiceHandleResponse, error) {
	_, code, err := objectOf[object](call, in.HSCObject, 0)
	if err != nil {
		return nil, err
	}
	if code != success {
		return &gen.RCloseServiceHandleResponse{HSCObject: in.HSCObject, Return: code}, nil
	}
	if err := call.Handles.Close(in.HSCObject); err != nil {
		return nil, err
	}
	return &gen.RCloseServiceHandleResponse{}, nil
}

// status is how a service does. The caller holds m.mu.
func (s *service) status() gen.SERVICE_STATUS {
	st := gen.SERVICE_STATUS{DwServiceType: s.Type, DwCurrentState: s.state}
	if s.Control != nil && s.state == gen.SERVICE_RUNNING {
		st.DwControlsAccepted = 0x3 // stop, pause and continue
	}
	return st
}

func (s *service) process() gen.SERVICE_STATUS_PROCESS {
	st := s.status()
	p := gen.SERVICE_STATUS_PROCESS{DwServiceType: st.DwServiceType, DwCurrentState: st.DwCurrentState, DwControlsAccepted: st.DwControlsAccepted}
	if s.state != gen.SERVICE_STOPPED {
		p.DwProcessId = uint32(os.Getpid())
	}
	return p
}

func (m *Manager) statusOf(s *service) gen.SERVICE_STATUS {
	m.mu.Lock()
	defer m.mu.Unlock()
	return s.status()
}

func (m *Manager) processOf(s *service) gen.SERVICE_STATUS_PROCESS {
	m.mu.Lock()
	defer m.mu.Unlock()
	return s.process()
}

// RQueryServiceStatus tells how a service does (MS-SCMR 3.1.4.7).
func (m *Manager) RQueryServiceStatus(_ context.Context, call *rpc.Call, in *gen.RQueryServiceStatusRequest) (*gen.RQueryServiceStatusResponse, error) {
	s, code, err := objectOf[*serviceHandle](call, in.HService, nt.ServiceQueryStatus)
	if err != nil || code != success {
		return &gen.RQueryServiceStatusResponse{Return: code}, err
	}
	return &gen.RQueryServiceStatusResponse{LpServiceStatus: m.statusOf(s.service)}, nil
}

// RQueryServiceStatusEx tells of its process, too (MS-SCMR 3.1.4.38).
func (m *Manager) RQueryServiceStatusEx(_ context.Context, call *rpc.Call, in *gen.RQueryServiceStatusExRequest) (*gen.RQueryServiceStatusExResponse, error) {
	s, code, err := objectOf[*serviceHandle](call, in.HService, nt.ServiceQueryStatus)
	if err != nil || code != success {
		return &gen.RQueryServiceStatusExResponse{Return: code}, err
	}
	if in.InfoLevel != gen.SC_STATUS_PROCESS_INFO {
		return &gen.RQueryServiceStatusExResponse{Return: invalidLevel}, nil
	}
	buf, needed, code := fit(appendProcess(nil, m.processOf(s.service)), in.CbBufSize)
	return &gen.RQueryServiceStatusExResponse{LpBuffer: buf, PcbBytesNeeded: needed, Return: code}, nil
}

// fit puts data into a buffer of the client's size.
func fit(data []byte, size uint32) (buf []byte, needed, code uint32) {
	buf = make([]byte, size)
	if uint32(len(data)) > size {
		return buf, uint32(len(data)), insufficientBuffer
	}
	copy(buf, data)
	return buf, uint32(len(data)), success
}
