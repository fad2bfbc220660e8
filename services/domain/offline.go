package domain

import (
	"context"
	"fmt"
	"net"

	"lwio/iomgr/nt"
)

// ProvisionRequest is a join for another computer, which Computer names.
type ProvisionRequest struct {
	JoinRequest
	Reuse bool // take an account that exists over; whoever has it then has it no more
}

// Provision makes the account of another computer, and gives what that one joins with where it reaches no controller: the data that djoin makes. They have the account's password in
// them. Nothing changes here.
func (m *Member) Provision(ctx context.Context, r ProvisionRequest, report func(Step)) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, changeTimeout)
	defer cancel()
	p := newProgress(report)
	b, err := m.provision(ctx, p, r)
	if err != nil {
		return nil, p.failed(err)
	}
	return b, nil
}

func (m *Member) provision(ctx context.Context, p *progress, r ProvisionRequest) ([]byte, error) {
	j, err := m.prepare(ctx, p, r.JoinRequest, false)
	if err != nil {
		return nil, err
	}
	if !r.Reuse {
		if err := m.unused(ctx, j); err != nil {
			return nil, err
		}
	}
	if _, err := m.establish(ctx, p, j, r.OU); err != nil {
		return nil, err
	}
	address := j.host
	if list, err := net.DefaultResolver.LookupHost(ctx, j.host); err == nil && len(list) > 0 {
		address = list[0]
	}
	c := m.cfg.Locator.ping(ctx, j.acct.DNSDomain, j.host) // for its flags; what does not answer has none
	b, err := FormatProvision(j.acct, address, c.Ping.Flags)
	if err != nil {
		return nil, fail(StageState, err, "", "write the data of the join")
	}
	m.cfg.Log.Info("provisioned", "domain", j.acct.Domain, "account", j.acct.Name, "controller", j.host)
	p.done(StageState, "the data have the password of %s: whoever has them is that computer", j.acct.Name)
	return b, nil
}

// unused makes sure that there is no such account.
func (m *Member) unused(ctx context.Context, j *joining) error {
	s, rid, err := m.openAccount(ctx, j.host, j.cred, j.acct)
	if err != nil {
		return err
	}
	defer s.close()
	if rid != 0 {
		return &Failure{StageAccount, fmt.Errorf("account %s exists, with RID %d: %w", j.acct.Name, rid, nt.StatusUserExists), "with --reuse it is taken over, and the computer that has it now is out"}
	}
	return nil
}

// JoinOffline makes this machine a member by the data of Provision, or of djoin, and asks no controller. What only a controller knows, the version of the key and its salt, is
// asked for when one is there.
func (m *Member) JoinOffline(ctx context.Context, data []byte, report func(Step)) error {
	ctx, end, err := m.enter(ctx)
	if err != nil {
		return err
	}
	defer end()
	p := newProgress(report)
	acct, err := ParseProvision(data)
	if err != nil {
		return p.failed(&Failure{StageAccount, err, "give the file that lwio domain provision, djoin or net offlinejoin provision has written"})
	}
	p.done(StageAccount, "account %s of %s, %s", acct.Name, acct.Domain, acct.Realm)
	acct.DNSName = dnsName(m.cfg.Host().DNSName, shortName(acct.Name), acct.DNSDomain)
	acct.Password.Set = nt.TimeOf(m.cfg.Now())
	acct.Directory = "not known: no controller has been asked"
	if have := m.Account(); have != nil && have.Realm == acct.Realm && have.Name == acct.Name {
		acct.Old = have.Password
	}
	if err := m.begin(ctx, acct); err != nil {
		return p.failed(err)
	}
	p.done(StageState, "stored; %s", m.keytabText())
	select {
	case m.kick <- struct{}{}:
	default:
	}
	return nil
}

// firstContact asks for what an offline join could not know: version and salt of the key, and the RID; and has the directory describe the machine.
func (m *Member) firstContact(ctx context.Context) {
	ctx, end, err := m.enter(ctx)
	if err != nil {
		return
	}
	defer end()
	acct := m.Account()
	if acct == nil || acct.Password.KVNO != 0 {
		return
	}
	next := *acct
	host, _, err := m.controllerFor(ctx, newProgress(nil), acct.DNSDomain, "")
	if err == nil {
		err = m.learnKey(ctx, &next, &next.Password)
	}
	if err != nil {
		m.cfg.Log.Info("what the offline join could not know is asked for later", "account", acct.Name, "err", err)
		return
	}
	next.Controller = host
	if next.RID == 0 {
		if ids, err := m.askNames(ctx, []string{acct.Domain + `\` + acct.Name}); err == nil && ids[0].SID.IsChildOf(acct.DomainSID) {
			next.RID = ids[0].SID.RID()
		}
	}
	if c, err := m.machineClient(&next, next.Password.Value); err == nil {
		m.describeAccount(ctx, newProgress(nil), host, c, &next)
	}
	if err := m.save(ctx, &next); err != nil {
		m.cfg.Log.Warn("store what the controller says", "err", err)
		return
	}
	m.cfg.Log.Info("the controller has told what the offline join could not know", "account", next.Name, "version", next.Password.KVNO, "directory", next.Directory)
}
