package srv_test

import (
	"context"
	"testing"

	"lwio/gen/srvctl"
	"lwio/iomgr/api"
	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// listener is a disk that hands over what it is asked to create.
type listener struct {
	api.DefaultDevice
	creates chan api.CreateArgs
}

func (d *listener) Create(r *api.Request) {
	d.creates <- *r.Create
	r.Complete(nt.StatusObjectNameNotFound, 0)
}

// TestPassedOn: what of a CREATE reaches the file system.
func TestPassedOn(t *testing.T) {
	d := &listener{creates: make(chan api.CreateArgs, 4)}
	e := newEnv(t, func(c *srv.Config) {
		c.Shares = newTable(share("plain", "/x"), share("abe", "/x", func(s *srvctl.SRVCTL_SHARE) { s.Flags = srv.ShareFlagABE }))
		c.DiskDevice = "listener"
	})
	err := e.m.Load(context.Background(), func(reg *api.Registration) error {
		reg.Name = "listener"
		reg.Start = func(_ context.Context, host api.Host) error {
			_, err := host.CreateDevice("listener", d)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sd, err := nt.ParseSDDL("O:BAG:SYD:(A;;FA;;;WD)", nt.SID{})
	if err != nil {
		t.Fatal(err)
	}
	ea := smb2.AppendEAList(nil, []smb2.EA{{Name: []byte("NAME"), Value: []byte("value")}})
	c := e.logon("alice")
	for name, abe := range map[string]bool{"plain": false, "abe": true} {
		c.do(smb2.Create, c.tree(name), createBody("file", rw, contexts(
			withContext(smb2.ContextSecurityDescriptor, sd.Append(nil)),
			withContext(smb2.ContextEABuffer, ea),
			withContext(smb2.ContextAllocationSize, (&smb2.AllocationSizeContext{AllocationSize: 1 << 20}).Append(nil)),
			withContext(smb2.ContextQueryOnDiskID, nil),
			withContext(smb2.ContextQueryMaximalAccess, nil),
		)), nt.StatusObjectNameNotFound)
		a := wait(t, d.creates)
		if a.SecurityDescriptor == nil || string(a.EA) != string(ea) || a.AllocationSize != 1<<20 || a.Token == nil || a.Token.Account != "alice" || a.Name != `\listener\x\file` {
			t.Errorf("%s: %+v", name, a)
		}
		if _, ok := api.Find[api.DiskID](a.Contexts); !ok {
			t.Errorf("%s: no disk id is asked for", name)
		}
		if _, ok := api.Find[api.MaximalAccess](a.Contexts); !ok {
			t.Errorf("%s: no maximal access is asked for", name)
		}
		if f, _ := api.Find[api.ShareFlags](a.Contexts); f.AccessBasedEnumeration != abe {
			t.Errorf("%s: %+v", name, f)
		}
	}
}
