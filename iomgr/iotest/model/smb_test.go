package model_test

import (
	"context"
	"net"
	"strconv"
	"testing"

	"lwio/gen/srvctl"
	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/auth"
	"lwio/iomgr/auth/ntlm"
	"lwio/iomgr/auth/spnego"
	"lwio/iomgr/drivers/pvfs"
	"lwio/iomgr/drivers/rdr"
	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/iotest/model"
	"lwio/iomgr/nt"
)

const password = "Passw0rd.1"

// accounts is an authority whose accounts all have one password and are administrators.
type accounts struct{}

func (accounts) Host() auth.Host {
	return auth.Host{Name: "HOST", Domain: "HOST", DNSName: "host.example", DNSDomain: "example", MachineSID: nt.NewSID(5, 21, 1, 2, 3)}
}

func (a accounts) VerifyNTLM(_ context.Context, in *auth.NTLMLogon) (*auth.Logon, error) {
	key, err := ntlm.VerifyResponse(ntlm.NTHash(password), in)
	if err != nil {
		return nil, nt.StatusLogonFailure
	}
	domain := a.Host().MachineSID
	t := &nt.Token{User: domain.Child(500), Account: in.Account, Domain: "HOST", PrimaryGroup: domain.Child(513), Privileges: nt.AllPrivileges}
	for _, sid := range []nt.SID{nt.SIDWorld, nt.SIDAuthenticatedUsers, nt.SIDBuiltinUsers, nt.SIDBuiltinAdministrators} {
		t.Groups = append(t.Groups, nt.Group{SID: sid, Attributes: nt.SEGroupDefault})
	}
	return &auth.Logon{Token: t, SessionBaseKey: key}, nil
}

func (accounts) Authorize(_ context.Context, in *auth.Principal) (*nt.Token, error) {
	return nil, nt.StatusLogonFailure
}

func (accounts) LookupNames(_ context.Context, names []string) ([]auth.Identity, error) {
	return make([]auth.Identity, len(names)), nil
}

func (accounts) LookupSIDs(_ context.Context, sids []nt.SID) ([]auth.Identity, error) {
	return make([]auth.Identity, len(sids)), nil
}

type shareTable []srvctl.SRVCTL_SHARE

func (s shareTable) Load(context.Context) ([]srvctl.SRVCTL_SHARE, error) { return s, nil }
func (shareTable) Put(context.Context, *srvctl.SRVCTL_SHARE) error       { return nil }
func (shareTable) Delete(context.Context, string) error                  { return nil }

func initiator(_ context.Context, cred *api.Credential, service, host string) (auth.Initiator, error) {
	return spnego.NewInitiator(spnego.MechInitiator{OID: spnego.OIDNTLM, Initiator: ntlm.NewInitiator(
		ntlm.Credentials{User: cred.User, Password: cred.Password, Workstation: "WKS"}, ntlm.InitiatorConfig{TargetName: service + "/" + host})}), nil
}

// overSMB gives directories of a server by two clients, each of which has a redirector and a connection of its own.
func overSMB(t testing.TB, behind bool) func(testing.TB) model.Target {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	sd, err := nt.ParseSDDL("D:(A;;GA;;;WD)", nt.SID{})
	if err != nil {
		t.Fatal(err)
	}
	all := sd.Append(nil)
	server := load(t, pvfs.DriverEntry(pvfs.Config{}))
	if err := server.Load(context.Background(), srv.DriverEntry(srv.Config{Listeners: []net.Listener{l}, Host: accounts{}.Host(),
		Shares: shareTable{{Name: new("data"), Path: &dir, MaxUses: srv.UnlimitedUses, SdLength: uint32(len(all)), Sd: all}},
		Auth:   spnego.NewMechanism(spnego.Mech{OID: spnego.OIDNTLM, Name: "NTLM", Mechanism: ntlm.NewMechanism(ntlm.Config{Authority: accounts{}})})})); err != nil {
		t.Fatal(err)
	}
	device := `\rdr\` + l.Addr().String() + `\data`
	var clients []*iomgr.Manager
	for i := range 2 {
		if behind && i > 0 { // what another redirector has not written yet, a listing does not show (as with Windows); these share one
			clients = append(clients, clients[0])
			break
		}
		clients = append(clients, load(t, rdr.DriverEntry(rdr.Config{Initiator: initiator, RequestTimeout: model.Limit, NoWriteBehind: !behind,
			Default: &api.Credential{User: "user" + strconv.Itoa(i), Password: password, HasPassword: true}})))
	}
	made := directories(clients[0], device, len(clients))
	return func(t testing.TB) model.Target {
		out := made(t)
		out.Remote = true
		for i := range out.Clients {
			out.Clients[i].API = clients[i]
		}
		return out
	}
}
