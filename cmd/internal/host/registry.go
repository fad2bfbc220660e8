package host

import (
	"context"
	"os"
	"time"

	"lwio/cmd/internal/config"
	"lwio/gen/eventlog"
	"lwio/gen/initshutdown"
	"lwio/gen/ntsvcs"
	"lwio/gen/srvctl"
	"lwio/gen/svcctl"
	"lwio/gen/winreg"
	"lwio/iomgr/api"
	"lwio/iomgr/auth"
	"lwio/iomgr/devctl"
	"lwio/rpc/ndr"
	"lwio/rpc/server"
	eventlogservice "lwio/services/eventlog"
	initshutdownservice "lwio/services/initshutdown"
	ntsvcsservice "lwio/services/ntsvcs"
	"lwio/services/state"
	svcctlservice "lwio/services/svcctl"
	winregservice "lwio/services/winreg"
)

// Winreg serves a registry, after it has put in it what the system tells of itself.
func Winreg(a api.API, who auth.Authority, registry *state.Registry, cfg *config.Config) Service {
	return Service{Name: "winreg", Pipes: []string{"winreg"}, Register: func(s *server.Server) error {
		sys := winregservice.System{Host: who.Host, Services: systemServices(), Logs: state.EventLogNames(), Server: func() (winregservice.LanmanServer, bool) { return lanmanServer(a, cfg) }}
		if err := winregservice.Seed(registry, sys); err != nil {
			return err
		}
		return s.Register(winreg.WinregInterface, winregservice.New(winregservice.Config{Registry: registry, Computer: who.Host().Name}))
	}}
}

// image is the program of this daemon.
func image() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// systemServices are the services of svcctl, as the registry has them.
func systemServices() []winregservice.SystemService {
	var out []winregservice.SystemService
	for _, s := range svcctlservice.Host(image()) {
		out = append(out, winregservice.SystemService{Name: s.Name, Display: s.Display, Description: s.Description, Type: s.Type, Start: s.Start, ErrorControl: svcctlservice.ErrorNormal,
			Image: s.Image, Account: s.Account, Group: s.Group, DependOn: s.DependOn})
	}
	return out
}

// Svcctl is the service control manager.
func Svcctl(registry *state.Registry) Service {
	return Service{Name: "svcctl", Pipes: []string{"svcctl"}, Register: func(s *server.Server) error {
		return s.Register(svcctl.SvcctlInterface, svcctlservice.New(svcctlservice.Config{Services: svcctlservice.Host(image()), Registry: registry}))
	}}
}

// Eventlog serves the event logs.
func Eventlog(logs *state.EventLogs, who auth.Authority) Service {
	return Service{Name: "eventlog", Pipes: []string{"eventlog"}, Register: func(s *server.Server) error {
		return s.Register(eventlog.EventlogInterface, eventlogservice.New(eventlogservice.Config{Logs: logs, Computer: who.Host().Name}))
	}}
}

// Initshutdown refuses to shut the machine down.
func Initshutdown() Service {
	return Service{Name: "initshutdown", Pipes: []string{"InitShutdown"}, Register: func(s *server.Server) error {
		return s.Register(initshutdown.InitShutdownInterface, initshutdownservice.Service{})
	}}
}

// Ntsvcs tells of devices.
func Ntsvcs() Service {
	return Service{Name: "ntsvcs", Pipes: []string{"ntsvcs", "plugplay"}, Register: func(s *server.Server) error {
		return s.Register(ntsvcs.NtsvcsInterface, ntsvcsservice.Service{})
	}}
}

// lanmanServer asks the SMB server how it is set.
func lanmanServer(a api.API, cfg *config.Config) (winregservice.LanmanServer, bool) {
	v := winregservice.LanmanServer{RequireSigning: cfg.SMB.Signing != "enabled", EncryptData: cfg.SMB.Encryption == "required", RejectPlaintext: cfg.SMB.Encryption == "required"}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	dev, err := devctl.Open(ctx, a, `\srv`)
	if err != nil {
		return v, false
	}
	defer dev.Close()
	res, err := srvctl.NewClient(dev).SrvServerGet(ctx, &srvctl.SrvServerGetRequest{})
	if err != nil || res.Return != 0 {
		return v, false
	}
	v.Comment, v.Hidden, v.Idle = ndr.Text(res.Server.Comment), res.Server.Hidden != 0, res.Server.Disc
	return v, true
}
