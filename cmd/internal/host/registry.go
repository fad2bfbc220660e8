package host

import (
	"context"
	"time"

	"lwio/cmd/internal/config"
	"lwio/gen/srvctl"
	"lwio/gen/winreg"
	"lwio/iomgr/api"
	"lwio/iomgr/auth"
	"lwio/iomgr/devctl"
	"lwio/rpc/ndr"
	"lwio/rpc/server"
	"lwio/services/state"
	winregservice "lwio/services/winreg"
)

// Winreg serves a registry, after it has put in it what the system tells of itself.
func Winreg(a api.API, who auth.Authority, registry *state.Registry, cfg *config.Config) Service {
	return Service{Name: "winreg", Pipes: []string{"winreg"}, Register: func(s *server.Server) error {
		sys := winregservice.System{Host: who.Host, Server: func() (winregservice.LanmanServer, bool) { return lanmanServer(a, cfg) }}
		if err := winregservice.Seed(registry, sys); err != nil {
			return err
		}
		return s.Register(winreg.WinregInterface, winregservice.New(winregservice.Config{Registry: registry, Computer: who.Host().Name}))
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
