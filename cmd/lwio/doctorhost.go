package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"

	"lwio/gen/domain"
	"lwio/iomgr/auth/krb5"
	"lwio/iomgr/nt"
	"lwio/rpc/ndr"
)

// folder checks who may put files into the folder of the state.
func (x *examination) folder(dir string) {
	st, err := os.Stat(dir)
	if err != nil {
		return // the row of the state tells of it
	}
	if m := st.Mode().Perm(); m&0o022 != 0 {
		x.note("state folder", "wrong", fmt.Sprintf("%s: others may put files there (mode %#o)", dir, m), "chmod go-w "+dir)
		return
	}
	x.note("state folder", "ok", dir, "")
}

// ports looks whether the addresses that the configuration names could be listened at. It is asked while no daemon answers: one that runs has them.
func (x *examination) ports() {
	for _, list := range [][]string{x.config.Listen, x.config.RPC.EndpointMapper, {x.config.Metrics.Listen}} {
		for _, address := range list {
			if address == "" {
				continue
			}
			l, err := net.Listen("tcp", address)
			switch {
			case err == nil:
				l.Close()
				x.note("port", "ok", address+" is free", "")
			case errors.Is(err, syscall.EADDRINUSE):
				x.note("port", "wrong", address+" is another program's", "ss -ltnp tells whose; it is often Samba's smbd: stop that, or listen elsewhere")
			case errors.Is(err, syscall.EADDRNOTAVAIL):
				x.note("port", "wrong", address+": this machine has no such address", "mend listen in the configuration")
			case errors.Is(err, fs.ErrPermission):
				x.note("port", "skipped", address+": this user may not listen there", "run as root or as the user of the daemon")
			default:
				x.note("port", "wrong", err.Error(), "mend listen in the configuration")
			}
		}
	}
}

// clock looks whether somebody keeps the clock right. Only a domain asks for that.
func (x *examination) clock(needed bool) {
	synchronized, known := clockSynchronized()
	switch {
	case !known:
	case synchronized:
		x.note("clock", "ok", "it is kept synchronized", "")
	case needed:
		x.note("clock", "warning", "nothing keeps it synchronized", "start chrony or systemd-timesyncd: Kerberos refuses who is five minutes off")
	default:
		x.note("clock", "skipped", "nothing keeps it synchronized, and nothing here needs that", "")
	}
}

// stages name what the steps of a verification are about.
var stages = map[domain.DOMAIN_STAGE]string{domain.DOMAIN_STAGE_DNS: "DNS of the domain", domain.DOMAIN_STAGE_NETWORK: "controller", domain.DOMAIN_STAGE_TIME: "time of the KDC",
	domain.DOMAIN_STAGE_PERMISSION: "permission", domain.DOMAIN_STAGE_ACCOUNT: "machine account", domain.DOMAIN_STAGE_ENCRYPTION: "keys", domain.DOMAIN_STAGE_CHANNEL: "secure channel",
	domain.DOMAIN_STAGE_STATE: "membership"}

// membership asks the daemon how the membership of the domain does, step by step, and compares the keytab with the account.
func (x *examination) membership(ctx context.Context, a *app) {
	cl, done, err := a.domain(ctx)
	if err != nil {
		x.note("domain", "skipped", "the daemon does not tell: "+err.Error(), "run as root or as the user of the daemon")
		x.clock(false)
		return
	}
	defer done()
	st, err := cl.DomainStatus(ctx, &domain.DomainStatusRequest{})
	if err != nil || nt.Status(uint32(st.Return)) != nt.StatusSuccess {
		x.note("domain", "skipped", "the daemon does not tell", "run as root or as the user of the daemon")
		x.clock(false)
		return
	}
	x.clock(st.Info.Realm != nil)
	if st.Info.Realm == nil {
		return
	}
	x.keytab(&st.Info)
	out, err := cl.DomainVerify(ctx, &domain.DomainVerifyRequest{})
	if err != nil {
		x.note("domain", "wrong", err.Error(), "lwio domain verify")
		return
	}
	told, proved := false, false
	for _, s := range out.Report.Steps {
		told = told || s.Stage == domain.DOMAIN_STAGE_TIME
		proved = proved || s.Stage == domain.DOMAIN_STAGE_ACCOUNT && s.Status == 0
		name := stages[s.Stage]
		if name == "" {
			name = "domain"
		}
		state := "ok"
		if nt.Status(uint32(s.Status)) != nt.StatusSuccess {
			state = "wrong"
		}
		x.note(name, state, ndr.Text(s.Text), ndr.Text(s.Hint))
	}
	if proved && !told {
		x.note("time of the KDC", "ok", "it takes this machine's: they are less than five minutes apart", "")
	}
	if status := nt.Status(uint32(out.Return)); status != nt.StatusSuccess && len(out.Report.Steps) == 0 {
		x.note("domain", "wrong", status.Error(), "lwio domain verify")
	}
}

// keytab compares the keytab with the machine's account: its names, and the version of its key.
func (x *examination) keytab(info *domain.DOMAIN_STATUS) {
	path := krb5.KeytabPath(x.config.Kerberos.Keytab)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) {
		return // the row of the keytab tells of it; other programs need it, lwio does not
	}
	var keys []krb5.ServiceKey
	if err == nil {
		keys, err = krb5.ParseKeytab(b)
	}
	if err != nil {
		x.note("keytab's account", "wrong", path+": "+err.Error(), "move it away, and lwio domain rotate-password writes another")
		return
	}
	state, found, mend := compareKeys(keys, ndr.Text(info.Account), ndr.Text(info.Realm), info.Kvno)
	x.note("keytab's account", state, path+": "+found, mend)
}

// compareKeys looks for the keys of an account in a keytab.
func compareKeys(keys []krb5.ServiceKey, account, realm string, kvno uint32) (state, found, mend string) {
	const rewrite = "lwio domain rotate-password changes the password and writes the keytab"
	var versions []uint32
	service := false
	for _, k := range keys {
		if !strings.EqualFold(k.Realm, realm) {
			continue
		}
		if strings.EqualFold(k.Name, account) && !slices.Contains(versions, k.KVNO) {
			versions = append(versions, k.KVNO)
		}
		service = service || k.KVNO == kvno && (strings.HasPrefix(k.Name, "host/") || strings.HasPrefix(k.Name, "cifs/"))
	}
	slices.Sort(versions)
	switch {
	case len(versions) == 0:
		return "warning", fmt.Sprintf("it has no key of %s@%s", account, realm), rewrite
	case !slices.Contains(versions, kvno):
		return "warning", fmt.Sprintf("its newest key of %s is version %d, the account's is %d", account, versions[len(versions)-1], kvno), rewrite
	case !service:
		return "warning", "it has the account's key, and none of host/ and cifs/", rewrite
	}
	return "ok", fmt.Sprintf("it has the key of %s, version %d", account, kvno), ""
}
