package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"lwio/cmd/internal/config"
	"lwio/gen/dssetup"
	"lwio/gen/srvctl"
	"lwio/iomgr/auth/krb5"
	"lwio/iomgr/devctl"
	"lwio/iomgr/ipc"
	"lwio/rpc/ndr"
)

const doctorLong = `Check a running daemon: its socket, its state and keytab and who may read them, free space, its names, listeners and shares, what its configuration leaves open, and in a domain DNS, the KDC's
time, the machine account with its keytab, and the secure channel. Where no daemon runs, whether the ports of its configuration are free.
Each row says what was found and, where something is wrong, what mends it. The exit status is 1 if anything is.`

func doctorCommand(a *app) *cobra.Command {
	var file, state string
	c := &cobra.Command{Use: "doctor", Short: "Check a running daemon, and say what to mend", Long: doctorLong, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.doctor(c, file, state) }}
	c.Flags().StringVar(&file, "config", "", "the daemon's configuration file")
	c.Flags().StringVar(&state, "state", "", "the folder of its state; that of the configuration by default")
	withUsage(c)
	return c
}

// finding is one row.
type finding struct {
	Check string `json:"check"`
	State string `json:"state"` // ok, warning, wrong, or skipped
	Found string `json:"found"`
	Mend  string `json:"mend,omitempty"`
}

type examination struct {
	findings []finding
	config   *config.Config
}

func (x *examination) note(check, state, found, mend string) {
	x.findings = append(x.findings, finding{check, state, found, mend})
}

func (a *app) doctor(c *cobra.Command, file, state string) error {
	x := &examination{config: &config.Config{}}
	if file != "" {
		cfg, err := config.Load(file)
		if err != nil {
			x.note("configuration", "wrong", err.Error(), "lwiod check says what is accepted")
		} else {
			x.config = cfg
			x.note("configuration", "ok", file, "")
		}
	}
	if state != "" {
		x.config.State = state
	}
	x.files()
	x.policy()
	ctx, cancel := context.WithTimeout(c.Context(), 20*time.Second)
	defer cancel()
	client, err := a.connect(ctx)
	if err != nil {
		mend := ""
		var h *hinted
		if errors.As(err, &h) {
			mend = h.hint
		}
		x.note("socket", "wrong", err.Error(), mend)
		x.ports()
		x.clock(false)
	} else {
		defer client.Shutdown()
		x.note("socket", "ok", a.path(), "")
		x.server(ctx, client)
		a.services(ctx, x)
		x.membership(ctx, a)
	}
	x.names(ctx)
	rows, bad := [][]string{}, 0
	for _, f := range x.findings {
		rows = append(rows, []string{f.Check, f.State, f.Found, f.Mend})
		if f.State == "wrong" {
			bad++
		}
	}
	if err := a.print(c.OutOrStdout(), x.findings, []string{"CHECK", "STATE", "FOUND", "MEND"}, rows); err != nil {
		return err
	}
	if bad > 0 {
		return exitError{code: exitFailure}
	}
	return nil
}

// private checks that a file is for its owner alone.
func (x *examination) private(check, path string, required bool, what string) {
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !required:
		x.note(check, "skipped", path+": there is none", "")
		return
	case errors.Is(err, fs.ErrPermission):
		x.note(check, "skipped", path+": this user may not look", "run as root or as the user of the daemon")
		return
	case err != nil:
		x.note(check, "wrong", err.Error(), "name the right place with --config or --state")
		return
	}
	if m := st.Mode().Perm(); m&0o077 != 0 {
		x.note(check, "wrong", fmt.Sprintf("%s: others may open it (mode %#o)", path, m), fmt.Sprintf("chmod go= %s: %s", path, what))
		return
	}
	x.note(check, "ok", path, "")
}

// files looks at the state and the keytab.
func (x *examination) files() {
	if dir := x.config.State; dir != "" {
		db := filepath.Join(dir, "lwiod.db")
		x.private("state", db, true, "the secrets of accounts are in it")
		x.folder(dir)
		var fsys syscall.Statfs_t
		if err := syscall.Statfs(dir, &fsys); err == nil {
			if free := uint64(fsys.Bavail) * uint64(fsys.Bsize); free < 64<<20 {
				x.note("space", "wrong", fmt.Sprintf("%d MiB are free in %s", free>>20, dir), "make room: what cannot be written is refused")
			} else {
				x.note("space", "ok", fmt.Sprintf("%d MiB are free in %s", free>>20, dir), "")
			}
		}
	} else {
		x.note("state", "skipped", "its place is not known", "name it with --config or --state")
	}
	if x.config.Kerberos.Enabled == "off" {
		return
	}
	x.private("keytab", krb5.KeytabPath(x.config.Kerberos.Keytab), x.config.Kerberos.Enabled == "required", "who reads it can be the machine")
}

// policy looks at what the configuration leaves open.
func (x *examination) policy() {
	switch s := x.config.SMB; {
	case s.Signing == "enabled":
		x.note("signing", "warning", "clients need not sign", `smb.signing = "required", unless there are clients that cannot`)
	default:
		x.note("signing", "ok", "required", "")
	}
	if x.config.SMB.Anonymous {
		x.note("null session", "warning", "it is accepted", "smb.anonymous = false, unless something needs it")
	}
	if x.config.Kerberos.AllowRC4 {
		x.note("RC4", "warning", "tickets of RC4 are accepted", "kerberos.allow_rc4 = false once the domain has AES keys")
	}
}

// server asks the SMB server for its listeners and shares.
func (x *examination) server(ctx context.Context, client *ipc.Client) {
	dev, err := devctl.Open(ctx, client, `\srv`)
	if err != nil {
		x.note("listeners", "skipped", err.Error(), "run as root or as the user of the daemon")
		return
	}
	defer dev.Close()
	srv := srvctl.NewClient(dev)
	if res, err := srv.SrvListenerEnum(ctx, &srvctl.SrvListenerEnumRequest{}); err != nil || res.Return != 0 {
		x.note("listeners", "skipped", "the server does not tell them", "run as root or as the user of the daemon")
	} else if len(res.Listeners.Listeners) == 0 {
		x.note("listeners", "wrong", "no client of the network can connect", `listen = ["[::]:445"], or systemd's socket`)
	} else {
		for _, l := range res.Listeners.Listeners {
			x.note("listener", "ok", fmt.Sprintf("%s, %d connections", ndr.Text(l.Address), l.Connections), "")
		}
	}
	res, err := srv.SrvShareEnum(ctx, &srvctl.SrvShareEnumRequest{})
	if err != nil || res.Return != 0 {
		x.note("shares", "skipped", "the server does not tell them", "run as root or as the user of the daemon")
		return
	}
	for _, s := range res.Shares.Shares {
		x.share(ndr.Text(s.Name), ndr.Text(s.Path))
	}
}

// share looks for the folder of a share.
func (x *examination) share(name, path string) {
	local := path
	if len(path) >= 2 && path[1] == ':' {
		root, known := "", false
		for drive, dir := range x.config.Roots {
			if strings.EqualFold(drive, path[:2]) {
				root, known = dir, true
			}
		}
		if !known && len(x.config.Roots) == 0 && x.config.State != "" && strings.EqualFold(path[:2], "C:") {
			root, known = filepath.Join(x.config.State, "c"), true // where the daemon puts it
		}
		if !known {
			return // of which the configuration would tell
		}
		local = filepath.Join(root, filepath.FromSlash(strings.ReplaceAll(path[2:], `\`, "/")))
	}
	if !filepath.IsAbs(local) && !strings.HasPrefix(local, x.config.State) || local == "" {
		return // IPC$, or a device
	}
	st, err := os.Stat(local)
	switch {
	case errors.Is(err, fs.ErrPermission):
		x.note("share "+name, "skipped", local+": this user may not look", "run as root or as the user of the daemon")
	case err != nil:
		x.note("share "+name, "wrong", err.Error(), fmt.Sprintf("make the folder, or lwio share delete %s", name))
	case !st.IsDir():
		x.note("share "+name, "wrong", local+" is no folder", fmt.Sprintf("lwio share delete %s, and share a folder", name))
	default:
		x.note("share "+name, "ok", local, "")
	}
}

// services asks for the interfaces that administration stands on, and for the role of the host.
func (a *app) services(ctx context.Context, x *examination) {
	b, done, err := a.bind(ctx, "lsarpc", dssetup.DssetupInterface)
	if err != nil {
		mend := ""
		var h *hinted
		if errors.As(err, &h) {
			mend = h.hint
		}
		x.note("accounts", "wrong", err.Error(), mend)
		return
	}
	defer done()
	res, err := dssetup.NewClient(b).DsRolerGetPrimaryDomainInformation(ctx, &dssetup.DsRolerGetPrimaryDomainInformationRequest{InfoLevel: dssetup.DsRolePrimaryDomainInfoBasic})
	if err != nil || res.Return != 0 || res.DomainInfo == nil || res.DomainInfo.DomainInfoBasic == nil {
		x.note("accounts", "wrong", "who decides about logons does not answer", "start lsassd, or look at the daemon's log")
		return
	}
	i := res.DomainInfo.DomainInfoBasic
	role := "in the workgroup "
	if i.MachineRole == dssetup.DsRoleRoleMemberServer {
		role = "a member of the domain "
	}
	x.note("accounts", "ok", role+ndr.Text(i.DomainNameFlat), "")
}

// names looks the host up, by the name that clients would use.
func (x *examination) names(ctx context.Context) {
	name := x.config.Host.DNSName
	if name == "" {
		var err error
		if name, err = os.Hostname(); err != nil {
			x.note("DNS name", "wrong", err.Error(), "set host.dns_name")
			return
		}
	}
	within, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupHost(within, name)
	if err != nil {
		x.note("DNS name", "warning", err.Error(), "enter "+name+" in DNS: Kerberos and clients need it")
		return
	}
	x.note("DNS name", "ok", name+" is "+strings.Join(addresses, ", "), "")
}
