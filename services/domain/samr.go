package domain

import (
	"context"
	"errors"
	"fmt"

	"lwio/gen/dtyp"
	gen "lwio/gen/lsarpc"
	"lwio/gen/samr"
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/services/samr/sampass"
	"lwio/services/state"
)

// Access that is asked for (MS-SAMR 2.2.1) and control bits of accounts (2.2.1.12).
const (
	samConnect = 0x30  // lookup domain, enumerate domains
	samDomain  = 0x211 // open account, create user, read password parameters
	samUser    = 0xE00500B0

	controlDisabled    = 0x1
	controlWorkstation = 0x80

	featureAES = 0x10 // of SAMPR_REVISION_INFO_V1
)

// domainInfo is what the controller's policy says of the domain.
type domainInfo struct {
	name, dns, forest string
	guid              nt.GUID
	sid               nt.SID
}

// askDomain asks for the domain's names (lsarpc 44, 46 of level 12).
func (m *Member) askDomain(ctx context.Context, host string, cred *api.Credential) (d domainInfo, err error) {
	b, conn, _, err := m.bind(ctx, host, "lsarpc", cred, gen.LsarpcInterface, nil)
	if err != nil {
		return d, err
	}
	defer conn.Close()
	c := gen.NewClient(b)
	handle, err := openPolicy(ctx, c, host, 0x1) // view local information
	if err != nil {
		return d, err
	}
	res, err := c.LsarQueryInformationPolicy2(ctx, &gen.LsarQueryInformationPolicy2Request{PolicyHandle: handle, InformationClass: gen.PolicyDnsDomainInformation})
	if err == nil {
		err = status(res.Return)
	}
	if err != nil {
		return d, fmt.Errorf("policy: %w", err)
	}
	if res.PolicyInformation == nil || res.PolicyInformation.PolicyDnsDomainInfo == nil || res.PolicyInformation.PolicyDnsDomainInfo.Sid == nil {
		return d, fmt.Errorf("policy: the server is in no domain: %w", nt.StatusNoSuchDomain)
	}
	i := res.PolicyInformation.PolicyDnsDomainInfo
	d = domainInfo{name: i.Name.String(), dns: i.DnsDomainName.String(), forest: i.DnsForestName.String(), guid: i.DomainGuid}
	d.sid, err = i.Sid.SID()
	return d, err
}

func openPolicy(ctx context.Context, c *gen.Client, host string, access uint32) (rpc.ContextHandle, error) {
	server := `\\` + host
	res, err := c.LsarOpenPolicy2(ctx, &gen.LsarOpenPolicy2Request{SystemName: &server, DesiredAccess: access})
	if err == nil {
		err = status(res.Return)
	}
	if err != nil {
		return rpc.ContextHandle{}, fmt.Errorf("open the policy: %w", err)
	}
	return res.PolicyHandle, nil
}

// samSession is the account database of a domain at a controller.
type samSession struct {
	*samr.Client
	conn     *client.Conn
	key      []byte
	features uint32
	domain   rpc.ContextHandle
}

// openSAM opens it as somebody (samr 64 or 57, 7).
func (m *Member) openSAM(ctx context.Context, host string, cred *api.Credential, sid nt.SID) (s *samSession, err error) {
	b, conn, key, err := m.bind(ctx, host, "samr", cred, samr.SamrInterface, nil)
	if err != nil {
		return nil, err
	}
	s = &samSession{Client: samr.NewClient(b), conn: conn, key: key}
	defer func() {
		if err != nil {
			conn.Close()
		}
	}()
	server := `\\` + host
	var handle rpc.ContextHandle
	five, err := s.SamrConnect5(ctx, &samr.SamrConnect5Request{ServerName: &server, DesiredAccess: samConnect, InVersion: 1,
		InRevisionInfo: samr.SAMPR_REVISION_INFO{V1: &samr.SAMPR_REVISION_INFO_V1{Revision: 3}}})
	if err == nil && status(five.Return) == nil {
		handle = five.ServerHandle
		if v := five.OutRevisionInfo.V1; v != nil {
			s.features = v.SupportedFeatures
		}
	} else {
		two, err := s.SamrConnect2(ctx, &samr.SamrConnect2Request{ServerName: &server, DesiredAccess: samConnect})
		if err == nil {
			err = status(two.Return)
		}
		if err != nil {
			return nil, fmt.Errorf("connect to the account database: %w", err)
		}
		handle = two.ServerHandle
	}
	d, err := s.SamrOpenDomain(ctx, &samr.SamrOpenDomainRequest{ServerHandle: handle, DesiredAccess: samDomain, DomainId: *dtyp.NewRPC_SID(sid)})
	if err == nil {
		err = status(d.Return)
	}
	if err != nil {
		return nil, fmt.Errorf("open the domain: %w", err)
	}
	s.domain = d.DomainHandle
	return s, nil
}

func (s *samSession) close() { s.conn.Close() }

// openAccount opens the accounts of the domain and finds one of a computer; rid is 0 if there is none.
func (m *Member) openAccount(ctx context.Context, host string, cred *api.Credential, acct *state.MachineAccount) (s *samSession, rid uint32, err error) {
	if s, err = m.openSAM(ctx, host, cred, acct.DomainSID); err != nil {
		return nil, 0, fail(StagePermission, err, permissionHint, "open the accounts of the domain")
	}
	if rid, err = s.find(ctx, acct.Name); err != nil {
		s.close()
		return nil, 0, fail(StageAccount, err, permissionHint, "account %s", acct.Name)
	}
	return s, rid, nil
}

// find gives the RID of an account, 0 if there is none (samr 17).
func (s *samSession) find(ctx context.Context, name string) (uint32, error) {
	res, err := s.SamrLookupNamesInDomain(ctx, &samr.SamrLookupNamesInDomainRequest{DomainHandle: s.domain, Count: 1, Names: []dtyp.RPC_UNICODE_STRING{dtyp.NewRPC_UNICODE_STRING(name)}})
	if err == nil {
		err = status(res.Return)
	}
	switch {
	case errors.Is(err, nt.StatusNoneMapped):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("look for %s: %w", name, err)
	case len(res.RelativeIds.Element) != 1:
		return 0, fmt.Errorf("look for %s: %w", name, nt.StatusInvalidNetworkResponse)
	}
	return res.RelativeIds.Element[0], nil
}

// openUser opens an account (samr 34).
func (s *samSession) openUser(ctx context.Context, rid uint32) (rpc.ContextHandle, error) {
	res, err := s.SamrOpenUser(ctx, &samr.SamrOpenUserRequest{DomainHandle: s.domain, DesiredAccess: uint32(nt.MaximumAllowed), UserId: rid})
	if err == nil {
		err = status(res.Return)
	}
	if err != nil {
		return rpc.ContextHandle{}, fmt.Errorf("open the account: %w", err)
	}
	return res.UserHandle, nil
}

// create makes a workstation's account, or opens the one there is (samr 50, or 17 and 34).
func (s *samSession) create(ctx context.Context, name string) (h rpc.ContextHandle, rid uint32, made bool, err error) {
	res, err := s.SamrCreateUser2InDomain(ctx, &samr.SamrCreateUser2InDomainRequest{DomainHandle: s.domain, Name: dtyp.NewRPC_UNICODE_STRING(name), AccountType: controlWorkstation, DesiredAccess: samUser})
	if err == nil {
		err = status(res.Return)
	}
	if err == nil {
		return res.UserHandle, res.RelativeId, true, nil
	}
	if !errors.Is(err, nt.StatusUserExists) && !errors.Is(err, nt.StatusAccessDenied) {
		return h, 0, false, fmt.Errorf("make the account: %w", err)
	}
	refusal := err
	if rid, err = s.find(ctx, name); err != nil {
		return h, 0, false, err
	}
	if rid == 0 {
		return h, 0, false, fmt.Errorf("make the account: %w", refusal)
	}
	h, err = s.openUser(ctx, rid)
	return h, rid, false, err
}

// control asks for the bits of an account (samr 36 of level 16).
func (s *samSession) control(ctx context.Context, h rpc.ContextHandle) (uint32, error) {
	res, err := s.SamrQueryInformationUser(ctx, &samr.SamrQueryInformationUserRequest{UserHandle: h, UserInformationClass: samr.UserControlInformation})
	if err == nil {
		err = status(res.Return)
	}
	if err != nil {
		return 0, fmt.Errorf("ask for the account: %w", err)
	}
	if res.Buffer == nil || res.Buffer.Control == nil {
		return 0, fmt.Errorf("ask for the account: %w", nt.StatusInvalidNetworkResponse)
	}
	return res.Buffer.Control.UserAccountControl, nil
}

func (s *samSession) set(ctx context.Context, h rpc.ContextHandle, level samr.USER_INFORMATION_CLASS, b samr.SAMPR_USER_INFO_BUFFER) error {
	res, err := s.SamrSetInformationUser2(ctx, &samr.SamrSetInformationUser2Request{UserHandle: h, UserInformationClass: level, Buffer: b})
	if err == nil {
		err = status(res.Return)
	}
	return err
}

func (s *samSession) setControl(ctx context.Context, h rpc.ContextHandle, bits uint32) error {
	return s.set(ctx, h, samr.UserControlInformation, samr.SAMPR_USER_INFO_BUFFER{Control: &samr.USER_CONTROL_INFORMATION{UserAccountControl: bits}})
}

// setPassword sets it, with AES where the controller can (samr 58 of level 31 or 26).
func (s *samSession) setPassword(ctx context.Context, h rpc.ContextHandle, password string) error {
	if s.features&featureAES != 0 {
		if x, ok := sampass.SealAES(password, s.key); ok {
			return s.set(ctx, h, samr.UserInternal7Information, samr.SAMPR_USER_INFO_BUFFER{Internal7: &samr.SAMPR_USER_INTERNAL7_INFORMATION{
				UserPassword: samr.SAMPR_ENCRYPTED_PASSWORD_AES{AuthData: x.AuthData, Salt: x.Salt, CbCipher: uint32(len(x.Cipher)), Cipher: x.Cipher}}})
		}
	}
	x, ok := sampass.SealSalted(password, s.key)
	if !ok {
		return nt.StatusInvalidParameter
	}
	return s.set(ctx, h, samr.UserInternal5InformationNew, samr.SAMPR_USER_INFO_BUFFER{Internal5New: &samr.SAMPR_USER_INTERNAL5_INFORMATION_NEW{
		UserPassword: samr.SAMPR_ENCRYPTED_USER_PASSWORD_NEW{Buffer: x}}})
}

// remove deletes an account (samr 35).
func (s *samSession) remove(ctx context.Context, h rpc.ContextHandle) error {
	res, err := s.SamrDeleteUser(ctx, &samr.SamrDeleteUserRequest{UserHandle: h})
	if err == nil {
		err = status(res.Return)
	}
	return err
}
