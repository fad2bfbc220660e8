package state

import (
	"context"
	"slices"

	"lwio/iomgr/nt"
)

const lsaPolicyVersion = 1

// AuditCategories is how many categories of events a policy has an option for (MS-LSAD 2.2.4.20).
const AuditCategories = 9

// LSAPolicy is the settings of the policy object that nothing else decides (MS-LSAD 3.1.1.1).
type LSAPolicy struct {
	Auditing     bool
	AuditOptions [AuditCategories]uint32

	ServerRole       uint32 // 2 backup, 3 primary
	ReplicaSource    string
	ReplicaAccount   string
	QualityOfService uint32
	EFS              []byte // nil where no recovery policy was set
	Kerberos         LSAKerberos
	Security         *nt.SecurityDescriptor // never nil
}

// LSAKerberos are lifetimes of tickets in units of 100 ns (MS-LSAD 2.2.4.19). On a host that issues none they are told and have no effect.
type LSAKerberos struct {
	Options                                                 uint32
	ServiceTicketAge, TicketAge, RenewAge, ClockSkew, Spare int64
}

// lsaPolicySDDL is the descriptor of Windows but for the null session, which is in none of the groups: it may not even view local information.
const lsaPolicySDDL = "O:BAG:SYD:(A;;0xF1FFF;;;BA)(A;;0xF1FFF;;;SY)(A;;0x20801;;;WD)(A;;0x1000;;;LS)(A;;0x1000;;;NS)"

func defaultLSAPolicy() LSAPolicy {
	const hour = 36_000_000_000 // in 100 ns
	sd, err := nt.ParseSDDL(lsaPolicySDDL, nt.SID{})
	if err != nil {
		panic(err) // a constant
	}
	return LSAPolicy{ServerRole: 3, Security: sd,
		Kerberos: LSAKerberos{Options: 0x80, ServiceTicketAge: 10 * hour, TicketAge: 10 * hour, RenewAge: 7 * 24 * hour, ClockSkew: hour / 12}}
}

func (p *LSAPolicy) encode() []byte {
	w := recordWriter{b: []byte{lsaPolicyVersion}}
	flag := func(on bool) {
		if on {
			w.u64(1)
		} else {
			w.u64(0)
		}
	}
	flag(p.Auditing)
	w.u32(AuditCategories)
	for _, o := range p.AuditOptions {
		w.u32(o)
	}
	w.u32(p.ServerRole)
	w.string(p.ReplicaSource)
	w.string(p.ReplicaAccount)
	w.u32(p.QualityOfService)
	flag(p.EFS != nil)
	w.bytes(p.EFS)
	k := &p.Kerberos
	w.u32(k.Options)
	for _, v := range []int64{k.ServiceTicketAge, k.TicketAge, k.RenewAge, k.ClockSkew, k.Spare} {
		w.u64(uint64(v))
	}
	w.descriptor(p.Security)
	return w.b
}

func parseLSAPolicy(b []byte) (LSAPolicy, error) {
	const what = "security policy"
	r, err := openRecord(what, b, lsaPolicyVersion)
	if err != nil {
		return LSAPolicy{}, err
	}
	p := LSAPolicy{Auditing: r.u64() != 0}
	if r.u32() != AuditCategories {
		r.bad = true
		return p, r.err(what)
	}
	for i := range p.AuditOptions {
		p.AuditOptions[i] = r.u32()
	}
	p.ServerRole, p.ReplicaSource, p.ReplicaAccount, p.QualityOfService = r.u32(), r.string(), r.string(), r.u32()
	set := r.u64() != 0
	if efs := slices.Clone(r.bytes()); set {
		p.EFS = append([]byte{}, efs...)
	}
	k := &p.Kerberos
	k.Options = r.u32()
	for _, v := range []*int64{&k.ServiceTicketAge, &k.TicketAge, &k.RenewAge, &k.ClockSkew, &k.Spare} {
		*v = int64(r.u64())
	}
	if p.Security = r.descriptor(); p.Security == nil {
		r.bad = true // without one nobody would be kept out, or everybody
	}
	return p, r.err(what)
}

// Policy gives the settings. What they point to is not to be changed.
func (l *LSA) Policy() LSAPolicy {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.policy
}

// ChangePolicy changes the settings. An error of change leaves them as they were.
func (l *LSA) ChangePolicy(ctx context.Context, change func(*LSAPolicy) error) error {
	l.change.Lock()
	defer l.change.Unlock()
	p := l.Policy()
	if err := change(&p); err != nil {
		return err
	}
	if p.Security == nil {
		return ErrInvalid
	}
	if _, err := l.store.Put(ctx, lsaPolicyKey, p.encode()); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.policy = p
	return nil
}
