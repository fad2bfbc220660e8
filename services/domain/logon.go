package domain

import (
	"context"
	"errors"
	"fmt"

	"lwio/gen/dtyp"
	gen "lwio/gen/netlogon"
	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/services/state"
)

// maxResponse bounds a response that is passed on: those of NTLMv2 with all target information are some hundred bytes.
const maxResponse = 16 << 10

// allowMachines lets machine accounts log on (MSV1_0_ALLOW_WORKSTATION_TRUST_ACCOUNT and …SERVER…, MS-NRPC 2.2.1.4.15).
const allowMachines = 0x820

// passThrough has the controller verify a response (netlogon 39 of level 2).
func (m *Member) passThrough(ctx context.Context, in *auth.NTLMLogon, domain, account string) (*auth.Principal, [16]byte, error) {
	if len(in.NTResponse) <= 24 { // NTLMv1, which local accounts have no more neither
		return nil, [16]byte{}, nt.StatusLogonFailure
	}
	if len(in.NTResponse) > maxResponse || len(in.LMResponse) > maxResponse {
		return nil, [16]byte{}, nt.StatusInvalidParameter
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	for try := 0; ; try++ {
		ch, err := m.secure(ctx)
		if err != nil {
			return nil, [16]byte{}, fmt.Errorf("%w: %w", nt.StatusNoLogonServers, err)
		}
		p, key, err := ch.verify(ctx, in, domain, account)
		if err == nil || answered(err) && !errors.Is(err, nt.StatusAccessDenied) {
			return p, key, err
		}
		m.drop(ch) // it may be the controller that began anew
		if try == 1 || ctx.Err() != nil {
			return nil, [16]byte{}, fmt.Errorf("%w: %w", nt.StatusNoLogonServers, err)
		}
	}
}

func response(b []byte) gen.STRING {
	return gen.STRING{Length: uint16(len(b)), MaximumLength: uint16(len(b)), Buffer: b}
}

// verify asks for validation 6, and where the controller is too old for 3.
func (ch *channel) verify(ctx context.Context, in *auth.NTLMLogon, domain, account string) (*auth.Principal, [16]byte, error) {
	if err := ch.lock(ctx); err != nil {
		return nil, [16]byte{}, err
	}
	defer ch.unlock()
	req := &gen.NetrLogonSamLogonExRequest{LogonServer: &ch.server, ComputerName: &ch.computer, LogonLevel: gen.NetlogonNetworkInformation, ValidationLevel: gen.NetlogonValidationSamInfo4}
	req.LogonInformation.LogonNetwork = &gen.NETLOGON_NETWORK_INFO{
		Identity: gen.NETLOGON_LOGON_IDENTITY_INFO{LogonDomainName: dtyp.NewRPC_UNICODE_STRING(domain), ParameterControl: allowMachines,
			UserName: dtyp.NewRPC_UNICODE_STRING(account), Workstation: dtyp.NewRPC_UNICODE_STRING(in.Workstation)},
		LmChallenge: gen.LM_CHALLENGE{Data: in.ServerChallenge}, NtChallengeResponse: response(in.NTResponse), LmChallengeResponse: response(in.LMResponse)}
	res, err := ch.calls.NetrLogonSamLogonEx(ctx, req)
	if err == nil && nt.Status(uint32(res.Return)) == nt.StatusInvalidInfoClass {
		req.ValidationLevel = gen.NetlogonValidationSamInfo2
		res, err = ch.calls.NetrLogonSamLogonEx(ctx, req)
	}
	if err != nil {
		return nil, [16]byte{}, err
	}
	if s := nt.Status(uint32(res.Return)); s != nt.StatusSuccess {
		return nil, [16]byte{}, callStatus(s)
	}
	v := &res.ValidationInformation
	switch {
	case v.ValidationSam4 != nil:
		x := v.ValidationSam4
		p, err := principalOf(ch.acct, &x.EffectiveName, &x.LogonDomainName, x.LogonDomainId, x.UserId, x.PrimaryGroupId, x.GroupIds, x.UserFlags, x.ExtraSids)
		return p, sessionKey(&x.UserSessionKey), err // of this level nothing is encrypted but by the channel
	case v.ValidationSam2 != nil:
		x := v.ValidationSam2
		p, err := principalOf(ch.acct, &x.EffectiveName, &x.LogonDomainName, x.LogonDomainId, x.UserId, x.PrimaryGroupId, x.GroupIds, x.UserFlags, x.ExtraSids)
		key := sessionKey(&x.UserSessionKey)
		if key != [16]byte{} {
			ch.key.Decrypt(key[:])
		}
		return p, key, err
	}
	return nil, [16]byte{}, callStatus(nt.StatusInvalidNetworkResponse)
}

func sessionKey(k *gen.USER_SESSION_KEY) (b [16]byte) {
	copy(b[:8], k.Data[0].Data[:])
	copy(b[8:], k.Data[1].Data[:])
	return b
}

// Flags of a logon (MS-NRPC 2.2.1.4.11).
const (
	userGuest     = 0x1
	userExtraSIDs = 0x20
)

// principalOf is who the controller says that the user is.
func principalOf(acct *state.MachineAccount, name, domain *dtyp.RPC_UNICODE_STRING, domainID *dtyp.RPC_SID, user, primary uint32, groups []gen.GROUP_MEMBERSHIP, flags uint32, extra []gen.NETLOGON_SID_AND_ATTRIBUTES) (*auth.Principal, error) {
	if flags&userGuest != 0 {
		return nil, callStatus(nt.StatusLogonFailure)
	}
	if domainID == nil {
		return nil, callStatus(nt.StatusInvalidNetworkResponse)
	}
	sid, err := domainID.SID()
	if err != nil {
		return nil, callStatus(nt.StatusInvalidNetworkResponse)
	}
	p := &auth.Principal{Name: name.String(), Realm: acct.Realm, OwnRealm: sid == acct.DomainSID, Account: name.String(), Domain: domain.String(), DomainSID: sid,
		User: sid.Child(user), PrimaryGroup: sid.Child(primary), LogonTime: nt.NowTime(), Mechanism: "NTLM"}
	if !p.OwnRealm {
		p.Realm = p.Domain
	}
	seen := make(map[nt.SID]bool, len(groups)+len(extra))
	add := func(g nt.SID, attributes nt.GroupAttributes) {
		if !seen[g] {
			seen[g] = true
			p.Groups = append(p.Groups, nt.Group{SID: g, Attributes: attributes})
		}
	}
	for _, g := range groups {
		add(sid.Child(g.RelativeId), nt.GroupAttributes(g.Attributes))
	}
	if flags&userExtraSIDs != 0 {
		for _, e := range extra {
			if e.Sid == nil {
				continue
			}
			if g, err := e.Sid.SID(); err == nil {
				add(g, nt.GroupAttributes(e.Attributes))
			}
		}
	}
	return p, nil
}
