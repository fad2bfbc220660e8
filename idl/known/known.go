// Package known has every interface that idl/ describes, with what makes a client of it: what commands call by name, configurations name in rules, and traces decode.
// An interface that is added to idl/ is added to All.
package known

import (
	"slices"
	"strings"

	"lwio/gen/account"
	"lwio/gen/authority"
	"lwio/gen/domain"
	"lwio/gen/drsuapi"
	"lwio/gen/dssetup"
	"lwio/gen/echo"
	"lwio/gen/epmapper"
	"lwio/gen/eventlog"
	"lwio/gen/initshutdown"
	"lwio/gen/lsarpc"
	"lwio/gen/mgmt"
	"lwio/gen/netlogon"
	"lwio/gen/ntsvcs"
	"lwio/gen/rpcctl"
	"lwio/gen/samr"
	"lwio/gen/spoolss"
	"lwio/gen/srvsvc"
	"lwio/gen/svcctl"
	"lwio/gen/winreg"
	"lwio/gen/witness"
	"lwio/gen/wkssvc"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// Interface is one of them.
type Interface struct {
	*rpc.Interface
	Client func(rpc.Caller) any // what idlc made: a method for each operation
}

func of[C any](i *rpc.Interface, client func(rpc.Caller) C) Interface {
	return Interface{i, func(c rpc.Caller) any { return client(c) }}
}

// All are the interfaces, by name.
var All = []Interface{
	of(account.AccountInterface, account.NewClient),
	of(authority.AuthorityInterface, authority.NewClient),
	of(domain.DomainInterface, domain.NewClient),
	of(drsuapi.DrsuapiInterface, drsuapi.NewClient),
	of(dssetup.DssetupInterface, dssetup.NewClient),
	of(epmapper.EpmapperInterface, epmapper.NewClient),
	of(eventlog.EventlogInterface, eventlog.NewClient),
	of(initshutdown.InitShutdownInterface, initshutdown.NewInitShutdownClient),
	of(initshutdown.WindowsShutdownInterface, initshutdown.NewWindowsShutdownClient),
	of(lsarpc.LsarpcInterface, lsarpc.NewClient),
	of(mgmt.MgmtInterface, mgmt.NewClient),
	of(netlogon.LogonInterface, netlogon.NewClient),
	of(ntsvcs.NtsvcsInterface, ntsvcs.NewClient),
	of(rpcctl.RpcctlInterface, rpcctl.NewClient),
	of(echo.RpcechoInterface, echo.NewClient),
	of(samr.SamrInterface, samr.NewClient),
	of(spoolss.WinspoolInterface, spoolss.NewClient),
	of(srvsvc.SrvsvcInterface, srvsvc.NewClient),
	of(svcctl.SvcctlInterface, svcctl.NewClient),
	of(winreg.WinregInterface, winreg.NewClient),
	of(witness.WitnessInterface, witness.NewClient),
	of(wkssvc.WkssvcInterface, wkssvc.NewClient),
}

// Find finds an interface by its name, ignoring case, or its UUID.
func Find(name string) (Interface, bool) {
	id, err := nt.ParseGUID(name)
	for _, i := range All {
		if strings.EqualFold(i.Name, name) || err == nil && i.UUID == id {
			return i, true
		}
	}
	return Interface{}, false
}

// Names are the names of all.
func Names() []string {
	var out []string
	for _, i := range All {
		out = append(out, i.Name)
	}
	slices.Sort(out)
	return out
}

// Plain is what the spellings of a name in IDL and in Go have in common.
func Plain(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }

// Opnum finds an operation by its name, in any spelling.
func Opnum(i *rpc.Interface, name string) (uint16, bool) {
	for n := range i.Ops {
		if op := i.Op(uint16(n)); op != nil && Plain(op.Name) == Plain(name) {
			return uint16(n), true
		}
	}
	return 0, false
}

// Operations are the names of the operations of an interface.
func Operations(i *rpc.Interface) []string {
	var out []string
	for n := range i.Ops {
		if op := i.Op(uint16(n)); op != nil {
			out = append(out, op.Name)
		}
	}
	return out
}

// Like are those of the names that begin most like a name, in any spelling; all, if none begins like it.
func Like(name string, names []string) []string {
	best, out := 3, names
	for _, n := range names {
		a, b, i := Plain(name), Plain(n), 0
		for i < len(a) && i < len(b) && a[i] == b[i] {
			i++
		}
		switch {
		case i > best:
			best, out = i, []string{n}
		case i == best && i > 3:
			out = append(out, n)
		}
	}
	return out
}
