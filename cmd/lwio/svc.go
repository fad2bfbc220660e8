package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"lwio/gen/svcctl"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/ndr"
)

func svcCommand(a *app) *cobra.Command {
	f := &rpcFlags{}
	c := &cobra.Command{Use: "svc", Short: "Services of this machine, or of another", Long: `List the services of this machine or, where the first argument is \\server, of another, and control them.`}
	f.register(c, true)
	c.PersistentFlags().DurationVar(&f.timeout, "timeout", 30*time.Second, "give up after this time")
	c.AddCommand(&cobra.Command{Use: `list [\\server]`, Short: "List the services", Args: cobra.MaximumNArgs(1), RunE: func(c *cobra.Command, args []string) error { return a.svcList(c, f, args) }},
		&cobra.Command{Use: `show [\\server] NAME`, Short: "Show how a service is configured and does", Args: cobra.RangeArgs(1, 2),
			RunE: func(c *cobra.Command, args []string) error { return a.svcShow(c, f, args) }})
	for _, x := range []struct {
		name, short string
		control     uint32
		access      nt.AccessMask
	}{{"start", "Start a service", 0, nt.ServiceStart}, {"stop", "Stop a service", 1, nt.ServiceStop}, {"pause", "Pause a service", 2, nt.ServicePauseContinue},
		{"continue", "Continue a service that is paused", 3, nt.ServicePauseContinue}} {
		c.AddCommand(&cobra.Command{Use: x.name + ` [\\server] NAME`, Short: x.short, Args: cobra.RangeArgs(1, 2),
			RunE: func(c *cobra.Command, args []string) error {
				return a.svcControl(c, f, args, x.name, x.control, x.access)
			}})
	}
	return c
}

type svcSession struct {
	*svcctl.Client
	manager rpc.ContextHandle
	done    func()
}

func (a *app) svc(ctx context.Context, f *rpcFlags, server string, access nt.AccessMask) (*svcSession, error) {
	b, done, err := a.caller(ctx, f, server, "svcctl", svcctl.SvcctlInterface)
	if err != nil {
		return nil, err
	}
	s := &svcSession{Client: svcctl.NewClient(b), done: done}
	res, err := s.ROpenSCManagerW(ctx, &svcctl.ROpenSCManagerWRequest{DwDesiredAccess: uint32(access)})
	if err == nil {
		err = regError(res.Return, "open the list of services")
	}
	if err != nil {
		done()
		return nil, err
	}
	s.manager = res.LpScHandle
	return s, nil
}

func (s *svcSession) open(ctx context.Context, name string, access nt.AccessMask) (rpc.ContextHandle, error) {
	res, err := s.ROpenServiceW(ctx, &svcctl.ROpenServiceWRequest{HSCManager: s.manager, LpServiceName: name, DwDesiredAccess: uint32(access)})
	if err != nil {
		return rpc.ContextHandle{}, err
	}
	err = regError(res.Return, "open the service %s", name)
	if nt.WinError(res.Return) == nt.WErrServiceDoesNotExist {
		err = hint(err, "lwio svc list shows the services")
	}
	return res.LpServiceHandle, err
}

var svcStates = []string{"", "stopped", "starting", "stopping", "running", "continuing", "pausing", "paused"}

func svcState(v uint32) string {
	if int(v) < len(svcStates) {
		return svcStates[v]
	}
	return fmt.Sprint(v)
}

type svcRow struct {
	Name        string `json:"name"`
	Display     string `json:"display_name"`
	State       string `json:"state"`
	Process     uint32 `json:"process,omitempty"`
	Image       string `json:"image,omitempty"`
	Account     string `json:"account,omitempty"`
	DependsOn   string `json:"depends_on,omitempty"`
	Description string `json:"description,omitempty"`
}

// textAt reads the string at an offset of a buffer that a server sent.
func textAt(b []byte, at uint32) string {
	if uint64(at) > uint64(len(b)) {
		return ""
	}
	b = b[at:]
	for i := 0; i+1 < len(b); i += 2 {
		if b[i] == 0 && b[i+1] == 0 {
			return nt.DecodeUTF16(b[:i])
		}
	}
	return nt.DecodeUTF16(b[:len(b)&^1])
}

func (a *app) svcList(c *cobra.Command, f *rpcFlags, args []string) error {
	server, rest := serverArg(args)
	if len(rest) > 0 {
		return usage(`%q is no server: want \\server`, rest[0])
	}
	s, err := a.svc(c.Context(), f, server, nt.SCManagerEnumerateService)
	if err != nil {
		return err
	}
	defer s.done()
	const row = 44 // ENUM_SERVICE_STATUS_PROCESSW
	list, rows := []svcRow{}, [][]string{}
	for in := (&svcctl.REnumServicesStatusExWRequest{HSCManager: s.manager, DwServiceType: 0x30, DwServiceState: 3, CbBufSize: 1 << 16, LpResumeIndex: new(uint32)}); ; {
		res, err := s.REnumServicesStatusExW(c.Context(), in)
		if err != nil {
			return err
		}
		more := nt.WinError(res.Return) == nt.WErrMoreData
		if err := regError(res.Return, "list the services"); err != nil && !more {
			return err
		}
		for i := range min(int(res.LpServicesReturned), len(res.LpBuffer)/row) {
			b := res.LpBuffer[row*i:]
			word := func(at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
			r := svcRow{Name: textAt(res.LpBuffer, word(0)), Display: textAt(res.LpBuffer, word(4)), State: svcState(word(12)), Process: word(36)}
			list, rows = append(list, r), append(rows, []string{r.Name, r.State, r.Display})
		}
		if !more || res.LpServicesReturned == 0 || res.LpResumeIndex == nil {
			break
		}
		in.LpResumeIndex = res.LpResumeIndex
	}
	return a.print(c.OutOrStdout(), list, []string{"NAME", "STATE", "DISPLAY NAME"}, rows)
}

func (a *app) svcShow(c *cobra.Command, f *rpcFlags, args []string) error {
	server, rest := serverArg(args)
	if len(rest) != 1 {
		return usage(`want [\\server] NAME`)
	}
	s, err := a.svc(c.Context(), f, server, nt.SCManagerConnect)
	if err != nil {
		return err
	}
	defer s.done()
	h, err := s.open(c.Context(), rest[0], nt.ServiceQueryConfig|nt.ServiceQueryStatus)
	if err != nil {
		return err
	}
	cfg, err := s.RQueryServiceConfigW(c.Context(), &svcctl.RQueryServiceConfigWRequest{HService: h, CbBufSize: 8192})
	if err == nil {
		err = regError(cfg.Return, "ask how %s is configured", rest[0])
	}
	if err != nil {
		return err
	}
	st, err := s.RQueryServiceStatus(c.Context(), &svcctl.RQueryServiceStatusRequest{HService: h})
	if err == nil {
		err = regError(st.Return, "ask how %s does", rest[0])
	}
	if err != nil {
		return err
	}
	x := cfg.LpServiceConfig
	r := svcRow{Name: rest[0], Display: ndr.Text(x.LpDisplayName), State: svcState(st.LpServiceStatus.DwCurrentState), Image: ndr.Text(x.LpBinaryPathName), Account: ndr.Text(x.LpServiceStartName),
		DependsOn: ndr.Text(x.LpDependencies)}
	if d, err := s.RQueryServiceConfig2W(c.Context(), &svcctl.RQueryServiceConfig2WRequest{HService: h, DwInfoLevel: 1, CbBufSize: 8192}); err == nil && d.Return == 0 && len(d.LpBuffer) >= 4 {
		if at := binary.LittleEndian.Uint32(d.LpBuffer); at != 0 {
			r.Description = textAt(d.LpBuffer, at)
		}
	}
	return a.print(c.OutOrStdout(), r, []string{"WHAT", "VALUE"}, [][]string{{"name", r.Name}, {"display name", r.Display}, {"state", r.State}, {"program", r.Image}, {"account", r.Account},
		{"depends on", r.DependsOn}, {"description", r.Description}})
}

func (a *app) svcControl(c *cobra.Command, f *rpcFlags, args []string, what string, control uint32, access nt.AccessMask) error {
	server, rest := serverArg(args)
	if len(rest) != 1 {
		return usage(`want [\\server] NAME`)
	}
	s, err := a.svc(c.Context(), f, server, nt.SCManagerConnect)
	if err != nil {
		return err
	}
	defer s.done()
	h, err := s.open(c.Context(), rest[0], access)
	if err != nil {
		return err
	}
	var code uint32
	if control == 0 {
		res, err := s.RStartServiceW(c.Context(), &svcctl.RStartServiceWRequest{HService: h})
		if err != nil {
			return err
		}
		code = res.Return
	} else {
		res, err := s.RControlService(c.Context(), &svcctl.RControlServiceRequest{HService: h, DwControl: control})
		if err != nil {
			return err
		}
		code = res.Return
	}
	err = regError(code, "%s %s", what, rest[0])
	if nt.WinError(code) == nt.WErrInvalidServiceControl {
		return hint(err, "the service is a part of the daemon, and ends with it")
	}
	return err
}
