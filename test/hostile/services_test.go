package hostile

import (
	"context"
	"log/slog"

	accountgen "lwio/gen/account"
	authoritygen "lwio/gen/authority"
	dssetupgen "lwio/gen/dssetup"
	echogen "lwio/gen/echo"
	epmappergen "lwio/gen/epmapper"
	eventloggen "lwio/gen/eventlog"
	initshutdowngen "lwio/gen/initshutdown"
	lsarpcgen "lwio/gen/lsarpc"
	mgmtgen "lwio/gen/mgmt"
	netlogongen "lwio/gen/netlogon"
	ntsvcsgen "lwio/gen/ntsvcs"
	samrgen "lwio/gen/samr"
	srvsvcgen "lwio/gen/srvsvc"
	svcctlgen "lwio/gen/svcctl"
	winreggen "lwio/gen/winreg"
	wkssvcgen "lwio/gen/wkssvc"
	"lwio/iomgr"
	"lwio/rpc"
	"lwio/rpc/server"
	"lwio/services/account"
	"lwio/services/authority"
	"lwio/services/dssetup"
	"lwio/services/echo"
	"lwio/services/epmapper"
	"lwio/services/eventlog"
	who "lwio/services/identity"
	"lwio/services/initshutdown"
	"lwio/services/lsarpc"
	"lwio/services/mgmt"
	"lwio/services/netlogon"
	"lwio/services/ntsvcs"
	"lwio/services/samr"
	"lwio/services/srvsvc"
	"lwio/services/state"
	"lwio/services/svcctl"
	"lwio/services/winreg"
	"lwio/services/wkssvc"
)

// service is an interface that is served on a pipe. The first is rpcecho. Those with one pipe share a server.
type service struct {
	pipe   string
	golden string // beginning of the names of the files with captured stub data; empty if there are none
	iface  *rpc.Interface
	client any // tells the types of the operations
	impl   func(*environment) (any, error)
	// cuts tells that an administrator's calls may end sessions and opens, his own among them.
	cuts bool
}

// environment is what services stand on.
type environment struct {
	m        *iomgr.Manager
	s        *server.Server
	accounts *state.Accounts
	log      *slog.Logger
}

var services = []service{
	{pipe: "rpcecho", golden: "echo", iface: echogen.RpcechoInterface, client: echogen.NewClient(nil), impl: func(*environment) (any, error) {
		return awake{echo.New(echo.Config{})}, nil
	}},
	{pipe: "mgmt", golden: "mgmt", iface: mgmtgen.MgmtInterface, client: mgmtgen.NewClient(nil), impl: func(e *environment) (any, error) {
		return mgmt.New(e.s, mgmt.Config{Principal: func(uint8) string { return "host/hostile" }}), nil
	}},
	{pipe: "lsarpc", golden: "lsarpc", iface: lsarpcgen.LsarpcInterface, client: lsarpcgen.NewClient(nil), impl: func(e *environment) (any, error) {
		return lsarpc.New(lsarpc.Config{Authority: e.accounts, Policy: e.accounts.LSA()}), nil
	}},
	{pipe: "lsarpc", golden: "dssetup", iface: dssetupgen.DssetupInterface, client: dssetupgen.NewClient(nil), impl: func(e *environment) (any, error) {
		return dssetup.New(dssetup.Config{Authority: e.accounts}), nil
	}},
	{pipe: "wkssvc", golden: "wkssvc", iface: wkssvcgen.WkssvcInterface, client: wkssvcgen.NewClient(nil), impl: func(e *environment) (any, error) {
		return wkssvc.New(wkssvc.Config{Authority: e.accounts, Log: e.log, Users: func(context.Context) ([]wkssvc.User, error) {
			return []wkssvc.User{{Name: user, Domain: "HOSTILE", Server: "HOSTILE"}}, nil
		}}), nil
	}},
	{pipe: "netlogon", iface: netlogongen.LogonInterface, client: netlogongen.NewClient(nil), impl: func(*environment) (any, error) {
		return netlogon.New(netlogon.Config{}), nil
	}},
	{pipe: "lwio", iface: accountgen.AccountInterface, client: accountgen.NewClient(nil), impl: func(e *environment) (any, error) {
		return account.New(account.Config{Accounts: e.accounts, Log: e.log, Identities: &who.Directory{Accounts: e.accounts, Names: e.accounts,
			Maps: []who.Map{who.Range{Domain: e.accounts.Machine().SID, First: 200000, Count: 100000}}}})
	}},
	{pipe: "authority", iface: authoritygen.AuthorityInterface, client: authoritygen.NewClient(nil), impl: func(e *environment) (any, error) {
		return authority.New(authority.Config{Authority: e.accounts, TokenForUID: e.accounts.TokenForUID}), nil
	}},
	{pipe: "samr", golden: "samr", iface: samrgen.SamrInterface, client: samrgen.NewClient(nil), impl: func(e *environment) (any, error) {
		return samr.New(samr.Config{Accounts: e.accounts, Log: e.log}), nil
	}},
	{pipe: "epmapper", iface: epmappergen.EpmapperInterface, client: epmappergen.NewClient(nil), impl: func(*environment) (any, error) {
		return epmapper.New(epmapper.Config{Registry: &epmapper.Registry{}}), nil
	}},
	{pipe: "winreg", iface: winreggen.WinregInterface, client: winreggen.NewClient(nil), impl: func(e *environment) (any, error) {
		r, err := state.NewRegistry(context.Background(), state.NewMemory())
		if err != nil {
			return nil, err
		}
		return unwatched{winreg.New(winreg.Config{Registry: r, Computer: "HOSTILE"})}, winreg.Seed(r, winreg.System{Host: e.accounts.Host})
	}},
	{pipe: "svcctl", iface: svcctlgen.SvcctlInterface, client: svcctlgen.NewClient(nil), impl: func(*environment) (any, error) {
		return svcctl.New(svcctl.Config{Services: svcctl.Host("/lwiod")}), nil
	}},
	{pipe: "eventlog", iface: eventloggen.EventlogInterface, client: eventloggen.NewClient(nil), impl: func(*environment) (any, error) {
		l, err := state.NewEventLogs(context.Background(), state.NewMemory(), nil)
		if err != nil {
			return nil, err
		}
		return eventlog.New(eventlog.Config{Logs: l, Computer: "HOSTILE"}), nil
	}},
	{pipe: "initshutdown", iface: initshutdowngen.InitShutdownInterface, client: initshutdowngen.NewInitShutdownClient(nil), impl: func(*environment) (any, error) {
		return initshutdown.Service{}, nil
	}},
	{pipe: "ntsvcs", iface: ntsvcsgen.NtsvcsInterface, client: ntsvcsgen.NewClient(nil), impl: func(*environment) (any, error) {
		return ntsvcs.Service{}, nil
	}},
	{pipe: "srvsvc", golden: "srvsvc", iface: srvsvcgen.SrvsvcInterface, client: srvsvcgen.NewClient(nil), cuts: true, impl: func(e *environment) (any, error) {
		return srvsvc.New(srvsvc.Config{API: e.m, Log: e.log}), nil
	}},
}

// unwatched is winreg that does not wait for changes of keys.
type unwatched struct{ *winreg.Service }

func (unwatched) BaseRegNotifyChangeKeyValue(context.Context, *rpc.Call, *winreggen.BaseRegNotifyChangeKeyValueRequest) (*winreggen.BaseRegNotifyChangeKeyValueResponse, error) {
	return &winreggen.BaseRegNotifyChangeKeyValueResponse{}, nil
}

// awake is rpcecho that does not sleep: a mutated operation number or a mutated time must not make the tests wait for hours.
type awake struct{ *echo.Service }

func (awake) TestSleep(_ context.Context, _ *rpc.Call, in *echogen.TestSleepRequest) (*echogen.TestSleepResponse, error) {
	return &echogen.TestSleepResponse{Return: in.Seconds}, nil
}
