package domain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/auth/krb5"
	"lwio/iomgr/nt"
	"lwio/services/state"
)

// JoinRequest is who joins what.
type JoinRequest struct {
	Realm      string
	User       string // of the realm, or name@REALM, or DOMAIN\name
	Password   string
	Controller string // empty to find one
	Computer   string // NetBIOS name; empty for this machine's
	OU         string // where the account is to be, "OU=Servers,OU=Lab" or "Lab/Servers"; empty for where it is, or the domain has new ones
	DryRun     bool   // change nothing
}

// progress reports steps.
type progress struct {
	report func(Step)
	began  time.Time
}

func newProgress(report func(Step)) *progress {
	if report == nil {
		report = func(Step) {}
	}
	return &progress{report, time.Now()}
}

// done ends a step that went well.
func (p *progress) done(stage Stage, format string, args ...any) {
	p.report(Step{Stage: stage, Text: fmt.Sprintf(format, args...), Elapsed: time.Since(p.began)})
	p.began = time.Now()
}

// failed ends the whole.
func (p *progress) failed(err error) error {
	var f *Failure
	if !errors.As(err, &f) {
		f = &Failure{Stage: StageState, Err: err}
	}
	p.report(Step{Stage: f.Stage, Text: f.Err.Error(), Elapsed: time.Since(p.began), Err: f.Err, Hint: f.Hint})
	return f
}

// userPrincipal is the name of a user for Kerberos.
func userPrincipal(user, realm string) string {
	if _, name, ok := strings.Cut(user, `\`); ok {
		user = name
	}
	if !strings.Contains(user, "@") {
		user += "@" + strings.ToUpper(realm)
	}
	return user
}

// userLogon proves the user to the KDC, which tells clock, name and password apart before anything is done.
func (m *Member) userLogon(ctx context.Context, principal, password string) (*krb5.Client, error) {
	c, err := krb5.NewClient(krb5.ClientConfig{User: principal, Password: password, HasPassword: true, ConfigPath: m.cfg.Krb5Conf})
	if err == nil {
		_, err = c.Prove(ctx)
	}
	hint := "check the name and the password of the user"
	if errors.Is(err, nt.StatusAccountLockedOut) || errors.Is(err, nt.StatusAccountDisabled) || errors.Is(err, nt.StatusPasswordExpired) || errors.Is(err, nt.StatusPasswordMustChange) {
		hint = "have the user's account put right, or join as another"
	}
	return c, fail(StagePermission, err, hint, "log on as %s", principal)
}

// controllerFor picks the controller that a change is made at.
func (m *Member) controllerFor(ctx context.Context, p *progress, realm, wanted string) (host, site string, err error) {
	if wanted != "" {
		c := m.cfg.Locator.ping(ctx, hostName(realm), hostName(wanted))
		if errors.Is(c.Err, errNotServing) {
			return "", "", &Failure{StageDNS, fmt.Errorf("%s is no controller of %s: %w", wanted, realm, nt.StatusDomainControllerNotFound), "lwio domain dc-list shows the controllers"}
		}
		p.done(StageDNS, "controller %s, as named", hostName(wanted))
		return hostName(wanted), c.Ping.ClientSite, nil
	}
	list, err := m.cfg.Locator.Find(ctx, realm)
	if err != nil {
		if acct := m.Account(); acct != nil && acct.Controller != "" && acct.DNSDomain == hostName(realm) {
			p.done(StageDNS, "controller %s, as last time: DNS does not answer", acct.Controller)
			return acct.Controller, acct.Site, nil
		}
		return "", "", err
	}
	c := list[0]
	if i := slices.IndexFunc(list, func(c Controller) bool { return c.Err == nil && c.Ping.Flags&FlagWritable != 0 }); i > 0 {
		c = list[i] // accounts are not made at one that can only be read
	}
	if c.Err != nil {
		p.done(StageDNS, "controller %s, which does not answer the ping on UDP port 389", c.Name)
	} else {
		p.done(StageDNS, "controller %s of %d, site %s, %v", c.Name, len(list), cmp.Or(c.Ping.ClientSite, "none"), c.Elapsed.Round(time.Millisecond))
	}
	return c.Name, c.Ping.ClientSite, nil
}

// Join makes this machine a member. It may be called again after any failure, and where the machine is a member already.
func (m *Member) Join(ctx context.Context, r JoinRequest, report func(Step)) error {
	ctx, end, err := m.enter(ctx)
	if err != nil {
		return err
	}
	defer end()
	p := newProgress(report)
	acct, err := m.join(ctx, p, r)
	if err != nil {
		return p.failed(err)
	}
	if acct == nil {
		return nil
	}
	if err := m.begin(ctx, acct); err != nil {
		return p.failed(err)
	}
	p.done(StageState, "stored; %s", m.keytabText())
	return nil
}

// begin stores an account, and lives by it.
func (m *Member) begin(ctx context.Context, acct *state.MachineAccount) error {
	acct.Joined = nt.TimeOf(m.cfg.Now())
	if err := m.save(ctx, acct); err != nil {
		return fail(StageState, err, "check the state folder, and join again", "store the account")
	}
	m.mu.Lock()
	m.failed = nil
	m.mu.Unlock()
	m.ensureIDs(ctx, acct.DomainSID.Child(nt.DomainGroupRIDUsers))
	m.drop(nil)
	m.policy.flush()
	m.cache.clear()
	m.cfg.Log.Info("joined", "domain", acct.Domain, "realm", acct.Realm, "account", acct.Name, "controller", acct.Controller)
	m.untilHeard(ctx)
	return nil
}

func (m *Member) keytabText() string {
	if m.cfg.Keytab == "" {
		return "no keytab is kept"
	}
	return "keytab " + m.cfg.Keytab
}

// joining is what is known before anything is changed.
type joining struct {
	host string // the controller
	user *krb5.Client
	cred *api.Credential // the user's
	acct *state.MachineAccount
}

// prepare finds the controller and the domain, and logs the user on. own says that the account is this machine's.
func (m *Member) prepare(ctx context.Context, p *progress, r JoinRequest, own bool) (*joining, error) {
	self := m.cfg.Host()
	computer := nt.Upcase(r.Computer)
	if own {
		computer = cmp.Or(computer, nt.Upcase(self.Name))
	} else {
		self.DNSName = ""
	}
	if computer == "" || computer != state.NetBIOSName(computer) {
		return nil, &Failure{StageAccount, fmt.Errorf("%q is no name for a computer: %w", computer, nt.StatusInvalidComputerName), "at most 15 letters, digits and hyphens"}
	}
	if r.Realm == "" || r.User == "" || !strings.Contains(r.Realm, ".") {
		return nil, &Failure{StageDNS, fmt.Errorf("%q: %w", r.Realm, nt.StatusInvalidParameter), "give the DNS name of the domain, such as LAB.TEST"}
	}
	host, site, err := m.controllerFor(ctx, p, r.Realm, r.Controller)
	if err != nil {
		return nil, err
	}
	principal := userPrincipal(r.User, r.Realm)
	user, err := m.userLogon(ctx, principal, r.Password)
	if err != nil {
		return nil, err
	}
	p.done(StagePermission, "logged on as %s; clocks agree", principal)
	cred := &api.Credential{User: principal, Password: r.Password, HasPassword: true, Method: api.MethodKerberos}
	info, err := m.askDomain(ctx, host, cred)
	if err != nil {
		return nil, fail(StageNetwork, err, "check that port 445 of the controller can be reached", "ask %s for the domain", host)
	}
	p.done(StageNetwork, "domain %s, %s, %v", info.name, info.dns, info.sid)
	if !strings.EqualFold(info.dns, strings.TrimSuffix(r.Realm, ".")) {
		return nil, &Failure{StageDNS, fmt.Errorf("%s is a controller of %s: %w", host, info.dns, nt.StatusNoSuchDomain), "join " + strings.ToUpper(info.dns) + ", or name another controller"}
	}
	now := nt.TimeOf(m.cfg.Now())
	acct := &state.MachineAccount{Realm: strings.ToUpper(info.dns), DNSDomain: strings.ToLower(info.dns), Forest: strings.ToLower(info.forest), Domain: info.name, DomainSID: info.sid, DomainGUID: info.guid,
		Name: computer + "$", DNSName: dnsName(self.DNSName, computer, info.dns), Site: site, Controller: host,
		Password: state.MachinePassword{Value: newPassword(), Set: now}}
	if have := m.Account(); own && have != nil && have.Realm == acct.Realm && have.Name == acct.Name {
		acct.Old = have.Password // tickets that are about stay good
	}
	return &joining{host, user, cred, acct}, nil
}

// join does all but storing. A nil account is a dry run.
func (m *Member) join(ctx context.Context, p *progress, r JoinRequest) (*state.MachineAccount, error) {
	j, err := m.prepare(ctx, p, r, true)
	if err != nil {
		return nil, err
	}
	if r.DryRun {
		if r.OU != "" {
			if err := m.tryPlace(ctx, p, j.host, j.user, r.OU); err != nil {
				return nil, err
			}
		}
		return nil, m.tryAccount(ctx, p, j.host, j.cred, j.acct)
	}
	described, err := m.establish(ctx, p, j, r.OU)
	if err != nil {
		return nil, err
	}
	if err := m.proveChannel(ctx, p, j.host, j.acct, !described); err != nil {
		return nil, err
	}
	return j.acct, nil
}

// establish makes the account, or takes it over, learns its key, and has the directory describe it.
func (m *Member) establish(ctx context.Context, p *progress, j *joining, ou string) (described bool, err error) {
	if ou != "" {
		if err := m.placeAccount(ctx, p, j.host, j.user, j.acct, ou); err != nil {
			return false, err
		}
	}
	if err := m.makeAccount(ctx, p, j.host, j.cred, j.acct); err != nil {
		return false, err
	}
	if err := m.learnKey(ctx, j.acct, &j.acct.Password); err != nil {
		return false, fail(StageEncryption, err, "the KDC does not take the new password yet: where controllers replicate slowly, join again with --controller", "log on as %s", j.acct.Name)
	}
	p.done(StageEncryption, "key of version %d, salt %s", j.acct.Password.KVNO, j.acct.Password.Salt)
	return m.describeAccount(ctx, p, j.host, j.user, j.acct), nil
}

// dnsName is the machine's name in DNS: its own where that is of some domain, else it in the domain.
func dnsName(own, computer, domain string) string {
	if strings.Contains(own, ".") && net.ParseIP(own) == nil && !strings.HasSuffix(own, ".localdomain") {
		return strings.ToLower(own)
	}
	return strings.ToLower(computer + "." + domain)
}

const permissionHint = "the user may not do that: join as an administrator, have the right to create computers delegated, or have the account made and the user allowed to set its password"

// makeAccount makes the account, or takes the one there is, and gives it the password (samr).
func (m *Member) makeAccount(ctx context.Context, p *progress, host string, cred *api.Credential, acct *state.MachineAccount) error {
	s, err := m.openSAM(ctx, host, cred, acct.DomainSID)
	if err != nil {
		return fail(StagePermission, err, permissionHint, "open the accounts of the domain")
	}
	defer s.close()
	h, rid, made, err := s.create(ctx, acct.Name)
	if err != nil {
		return fail(StagePermission, err, permissionHint, "account %s", acct.Name)
	}
	acct.RID = rid
	bits, err := s.control(ctx, h)
	if err != nil {
		return fail(StageAccount, err, permissionHint, "account %s", acct.Name)
	}
	if bits&controlWorkstation == 0 {
		return &Failure{StageAccount, fmt.Errorf("%s is no account of a member (control %#x): %w", acct.Name, bits, nt.StatusNoTrustSamAccount), "give another name with --computer, or delete that account"}
	}
	if err := s.setPassword(ctx, h, acct.Password.Value); err != nil {
		return fail(StagePermission, err, permissionHint, "set the password of %s", acct.Name)
	}
	if err := s.setControl(ctx, h, controlWorkstation); err != nil && (made || bits&controlDisabled != 0) {
		return fail(StagePermission, err, "the account is disabled and the user may not enable it", "enable %s", acct.Name)
	}
	verb := "taken over"
	if made {
		verb = "made"
	}
	p.done(StageAccount, "account %s %s, RID %d", acct.Name, verb, rid)
	return nil
}

// tryAccount says what makeAccount would do.
func (m *Member) tryAccount(ctx context.Context, p *progress, host string, cred *api.Credential, acct *state.MachineAccount) error {
	s, rid, err := m.openAccount(ctx, host, cred, acct)
	if err != nil {
		return err
	}
	defer s.close()
	if rid == 0 {
		p.done(StageAccount, "account %s would be made; whether the user may is seen when it is", acct.Name)
		return nil
	}
	if _, err := s.openUser(ctx, rid); err != nil {
		return fail(StagePermission, err, permissionHint, "account %s", acct.Name)
	}
	p.done(StageAccount, "account %s exists with RID %d and would be taken over", acct.Name, rid)
	return nil
}

// machineClient is the account's at the KDC.
func (m *Member) machineClient(acct *state.MachineAccount, password string) (*krb5.Client, error) {
	return krb5.NewClient(krb5.ClientConfig{User: acct.Name + "@" + acct.Realm, Password: password, HasPassword: true, ConfigPath: m.cfg.Krb5Conf})
}

// learnKey asks the KDC for version and salt of the key. Another controller than the one that has the password may need a moment to hear of it.
func (m *Member) learnKey(ctx context.Context, acct *state.MachineAccount, pw *state.MachinePassword) error {
	c, err := m.machineClient(acct, pw.Value)
	if err != nil {
		return err
	}
	for try := 0; ; try++ {
		proof, err := c.Prove(ctx)
		if err == nil {
			pw.Salt, pw.KVNO = cmp.Or(proof.Salt, saltOf(acct.Realm, acct.Name)), proof.KVNO
			return nil
		}
		if try == 5 || !refused(err) {
			return err
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return err
		}
	}
}

// proveChannel opens the secure channel, has the controller note the names of the machine where they have not been written, and closes it.
func (m *Member) proveChannel(ctx context.Context, p *progress, host string, acct *state.MachineAccount, names bool) error {
	ch, err := m.open(ctx, host, acct, acct.Password.Value)
	if err != nil {
		return fail(StageChannel, err, "the controller refuses the secure channel: does it speak AES, and is the account a member's?", "secure channel to %s", host)
	}
	defer ch.conn.Close()
	if _, err := ch.describe(ctx, names); err != nil {
		return fail(StageChannel, err, "join again; if it stays so, look at the controller's log", "secure channel to %s", host)
	}
	p.done(StageChannel, "secure channel to %s, signed and sealed with AES", host)
	return m.checkTicket(ctx, p, acct)
}

// checkTicket gets a ticket to this machine, as clients will, and looks whether it can be read.
func (m *Member) checkTicket(ctx context.Context, p *progress, acct *state.MachineAccount) error {
	c, err := m.machineClient(acct, acct.Password.Value)
	if err != nil {
		return fail(StageEncryption, err, "", "log on as %s", acct.Name)
	}
	etype, kvno, err := c.ServiceKey(ctx, "cifs/"+acct.DNSName)
	switch {
	case err != nil:
		p.done(StageEncryption, "the domain gives no tickets for cifs/%s yet (%v): clients log on by NTLM until the account has the servicePrincipalName HOST/%s", acct.DNSName, err, acct.DNSName)
	case !slices.Contains(keyTypes, etype):
		return &Failure{StageEncryption, fmt.Errorf("tickets to %s are encrypted with %v: %w", acct.DNSName, etype, nt.StatusKdcUnknownEtype),
			"set msDS-SupportedEncryptionTypes of the account to 24, which is AES"}
	case etype == krb5.RC4HMAC:
		p.done(StageEncryption, "tickets for cifs/%s are encrypted with %v, version %d, and carry AES keys; with msDS-SupportedEncryptionTypes = 24 of the account they are AES whole", acct.DNSName, etype, kvno)
	default:
		p.done(StageEncryption, "tickets for cifs/%s are encrypted with %v, version %d", acct.DNSName, etype, kvno)
	}
	return nil
}

// LeaveRequest is how to leave.
type LeaveRequest struct {
	User, Password string
	Delete         bool // the account, instead of disabling it
	Force          bool // forget the domain whatever the controller says
}

// Leave ends the membership: the account is disabled or deleted, then forgotten here.
func (m *Member) Leave(ctx context.Context, r LeaveRequest, report func(Step)) error {
	ctx, end, err := m.enter(ctx)
	if err != nil {
		return err
	}
	defer end()
	p := newProgress(report)
	acct := m.Account()
	if acct == nil {
		return p.failed(fail(StageState, errUnjoined, "there is nothing to leave", "leave"))
	}
	if r.User != "" {
		if err := m.endAccount(ctx, p, acct, r); err != nil {
			if !r.Force {
				return p.failed(err)
			}
			_ = p.failed(err) // is told, and not heeded
			p.began = time.Now()
		}
	} else if !r.Force {
		return p.failed(&Failure{StagePermission, fmt.Errorf("no user who may disable the account: %w", nt.StatusInvalidParameter), "give --user, or --force to forget the domain here alone"})
	}
	if err := m.cfg.Table.Delete(ctx); err != nil {
		return p.failed(fail(StageState, err, "leave again", "forget the account"))
	}
	m.take(nil, 0)
	m.ensureIDs(ctx)
	m.drop(nil)
	m.policy.flush()
	m.cache.clear()
	if err := m.cfg.Table.ForgetNames(ctx); err != nil {
		m.cfg.Log.Warn("names of the domain stay in the state", "err", err)
	}
	if m.cfg.Keytab != "" {
		if err := replaceKeys(m.cfg.Keytab, acct, nil); err != nil {
			m.cfg.Log.Warn("the keys stay in the keytab", "path", m.cfg.Keytab, "err", err)
		}
	}
	p.done(StageState, "left %s", acct.Domain)
	m.cfg.Log.Info("left", "domain", acct.Domain, "account", acct.Name)
	return nil
}

// endAccount disables or deletes the account at the controller.
func (m *Member) endAccount(ctx context.Context, p *progress, acct *state.MachineAccount, r LeaveRequest) error {
	host, _, err := m.controllerFor(ctx, p, acct.DNSDomain, "")
	if err != nil {
		return err
	}
	principal := userPrincipal(r.User, acct.Realm)
	if _, err := m.userLogon(ctx, principal, r.Password); err != nil {
		return err
	}
	p.done(StagePermission, "logged on as %s", principal)
	s, rid, err := m.openAccount(ctx, host, &api.Credential{User: principal, Password: r.Password, HasPassword: true, Method: api.MethodKerberos}, acct)
	if err != nil {
		return err
	}
	defer s.close()
	if rid == 0 {
		p.done(StageAccount, "account %s is gone already", acct.Name)
		return nil
	}
	h, err := s.openUser(ctx, rid)
	what := "disabled"
	if err == nil {
		if r.Delete {
			what = "deleted"
			err = s.remove(ctx, h)
		} else {
			err = s.setControl(ctx, h, controlWorkstation|controlDisabled)
		}
	}
	if err != nil {
		return fail(StagePermission, err, permissionHint, "account %s", acct.Name)
	}
	p.done(StageAccount, "account %s %s", acct.Name, what)
	return nil
}
