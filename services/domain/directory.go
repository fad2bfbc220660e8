package domain

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	asn1 "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"lwio/iomgr/auth/krb5"
	"lwio/iomgr/auth/spnego"
	"lwio/iomgr/nt"
	"lwio/services/state"
)

const (
	ldapDial = 3 * time.Second // a port that is dropped is known by then
	ldapCall = 8 * time.Second

	encryptionAES = 0x18 // msDS-SupportedEncryptionTypes: AES128 and AES256 (MS-KILE 2.2.7)
	systemName    = "lwio"

	attrName    = "dNSHostName"
	attrSPN     = "servicePrincipalName"
	attrTypes   = "msDS-SupportedEncryptionTypes"
	attrSystem  = "operatingSystem"
	attrControl = "userAccountControl"
	attrAccount = "sAMAccountName"
)

// directory is the domain's, by LDAP that is sealed.
type directory struct {
	*ldap.Conn
	base string // the domain's name in it
}

// boundPackets bounds what the library reads in one piece. What it reads comes through a sealedConn, from who has proved to be the controller.
var boundPackets = sync.OnceFunc(func() { asn1.MaxPacketLengthBytes = maxSealed })

// openDirectory binds as a Kerberos client, and learns the name of the domain.
func (m *Member) openDirectory(ctx context.Context, host string, c *krb5.Client) (*directory, error) {
	boundPackets()
	dialing, cancel := context.WithTimeout(ctx, ldapDial)
	defer cancel()
	nc, err := new(net.Dialer).DialContext(dialing, "tcp", net.JoinHostPort(host, "389"))
	if err != nil {
		return nil, err
	}
	deadline := time.Now().Add(ldapCall)
	if end, ok := ctx.Deadline(); ok && end.Before(deadline) {
		deadline = end
	}
	_ = nc.SetDeadline(deadline)
	// What ends the caller ends the connection: the library's calls know no context.
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	init := c.NewInitiator(krb5.InitiatorConfig{Service: "ldap/" + host})
	sc, err := saslBind(ctx, nc, spnego.NewInitiator(spnego.MechInitiator{OID: spnego.OIDMSKerberos, Name: "Kerberos", Initiator: init},
		spnego.MechInitiator{OID: spnego.OIDKerberos, Name: "Kerberos", Initiator: init}))
	if err != nil {
		stop()
		nc.Close()
		return nil, err
	}
	d := &directory{Conn: ldap.NewConn(sc, false)}
	d.SetTimeout(time.Until(deadline))
	d.Start()
	res, err := d.Search(ldap.NewSearchRequest("", ldap.ScopeBaseObject, ldap.NeverDerefAliases, 1, 0, false, "(objectClass=*)", []string{"defaultNamingContext"}, nil))
	if err == nil && len(res.Entries) == 1 {
		d.base = res.Entries[0].GetAttributeValue("defaultNamingContext")
	}
	if err == nil && d.base == "" {
		err = nt.StatusInvalidNetworkResponse
	}
	if err != nil {
		d.Close()
		return nil, fmt.Errorf("root of the directory: %w", err)
	}
	return d, nil
}

// computer finds an account; nil if there is none.
func (d *directory) computer(name string) (*ldap.Entry, error) {
	res, err := d.Search(ldap.NewSearchRequest(d.base, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 2, 0, false,
		"("+attrAccount+"="+ldap.EscapeFilter(name)+")", []string{attrName, attrSPN, attrTypes, attrSystem, attrControl}, nil))
	if err != nil {
		return nil, err
	}
	if len(res.Entries) == 0 {
		return nil, nil
	}
	return res.Entries[0], nil
}

// container is the name of an organizational unit in the directory: as given, or completed by that of the domain, or of a path as people write it, "Servers/Web".
func (d *directory) container(ou string) (string, error) {
	if !strings.Contains(ou, "=") {
		parts := strings.Split(strings.Trim(ou, "/"), "/")
		slices.Reverse(parts)
		for i, p := range parts {
			if p == "" {
				return "", fmt.Errorf("%q is no path: %w", ou, nt.StatusInvalidParameter)
			}
			parts[i] = "OU=" + ldap.EscapeDN(p)
		}
		ou = strings.Join(parts, ",")
	}
	dn, err := ldap.ParseDN(ou)
	if err != nil {
		return "", fmt.Errorf("%q is no name: %w", ou, nt.StatusInvalidParameter)
	}
	base, err := ldap.ParseDN(d.base)
	if err != nil {
		return "", err
	}
	if !base.AncestorOfFold(dn) && !base.EqualFold(dn) {
		ou += "," + d.base
	}
	return ou, nil
}

// place makes the account in an organizational unit, disabled and without a password, or moves the one there is.
func (d *directory) place(name, ou string) (text string, err error) {
	container, err := d.container(ou)
	if err != nil {
		return "", err
	}
	if err := d.exists(container); err != nil { // a move to where nothing is gets other answers of other servers
		return "", err
	}
	rdn := "CN=" + ldap.EscapeDN(shortName(name))
	have, err := d.computer(name)
	if err != nil {
		return "", err
	}
	if have == nil {
		add := ldap.NewAddRequest(rdn+","+container, nil)
		add.Attribute("objectClass", []string{"computer"})
		add.Attribute(attrAccount, []string{name})
		add.Attribute(attrControl, []string{"4098"}) // WORKSTATION_TRUST_ACCOUNT, ACCOUNTDISABLE: it has no password yet
		if err := d.Add(add); err != nil {
			return "", err
		}
		return "account made in " + container, nil
	}
	at, err := ldap.ParseDN(have.DN)
	if err != nil {
		return "", err
	}
	to, err := ldap.ParseDN(container)
	if err != nil {
		return "", err
	}
	if len(at.RDNs) > 0 && (&ldap.DN{RDNs: at.RDNs[1:]}).EqualFold(to) {
		return "account is in " + container, nil
	}
	if err := d.ModifyDN(ldap.NewModifyDNRequest(have.DN, rdn, true, container)); err != nil {
		return "", err
	}
	return "account moved to " + container, nil
}

// principalNames are the service principal names that an account has to have.
func principalNames(acct *state.MachineAccount) (names []string) {
	for _, service := range []string{"HOST", "RestrictedKrbHost", "cifs"} {
		for _, host := range []string{acct.DNSName, shortName(acct.Name)} {
			names = append(names, service+"/"+host)
		}
	}
	return names
}

// lack is an attribute that is not as it should be.
type lack struct {
	attribute string
	values    []string
	add       bool // to those there are, instead of in their place
	err       error
}

func (l *lack) String() string {
	text := l.attribute
	if l.add {
		text += " " + strings.Join(l.values, " ")
	}
	if l.err != nil {
		text += " (" + l.err.Error() + ")"
	}
	return text
}

// lacks compares an account with what it should be.
func lacks(acct *state.MachineAccount, e *ldap.Entry) (out []lack) {
	if !strings.EqualFold(e.GetEqualFoldAttributeValue(attrName), acct.DNSName) {
		out = append(out, lack{attribute: attrName, values: []string{acct.DNSName}})
	}
	have := e.GetEqualFoldAttributeValues(attrSPN)
	missing := slices.DeleteFunc(principalNames(acct), func(n string) bool {
		return slices.ContainsFunc(have, func(h string) bool { return strings.EqualFold(h, n) })
	})
	if len(missing) > 0 {
		out = append(out, lack{attribute: attrSPN, values: missing, add: true})
	}
	if types, err := strconv.Atoi(e.GetEqualFoldAttributeValue(attrTypes)); err != nil || types&0x1F != encryptionAES {
		out = append(out, lack{attribute: attrTypes, values: []string{strconv.Itoa(encryptionAES)}})
	}
	if e.GetEqualFoldAttributeValue(attrSystem) == "" {
		out = append(out, lack{attribute: attrSystem, values: []string{systemName}})
	}
	return out
}

// supply sets what is lacking, one attribute after another, so that one that is refused keeps no other back, and gives what still lacks.
func (d *directory) supply(acct *state.MachineAccount) (still []lack, err error) {
	e, err := d.computer(acct.Name)
	if err == nil && e == nil {
		err = fmt.Errorf("%s is not in the directory yet: %w", acct.Name, nt.StatusNoSuchUser)
	}
	if err != nil {
		return nil, err
	}
	for _, l := range lacks(acct, e) {
		if l.err = d.set(e.DN, &l); l.err == nil {
			continue
		}
		if l.add && len(l.values) > 1 { // one of the names may be another account's
			l.values = slices.DeleteFunc(l.values, func(v string) bool {
				return d.set(e.DN, &lack{attribute: l.attribute, values: []string{v}, add: true}) == nil
			})
		}
		if len(l.values) > 0 {
			still = append(still, l)
		}
	}
	return needed(still), nil
}

// needed leaves out what nothing depends on: a machine may not say itself what system it runs.
func needed(list []lack) []lack {
	return slices.DeleteFunc(list, func(l lack) bool { return l.attribute == attrSystem })
}

func (d *directory) set(dn string, l *lack) error {
	change := ldap.NewModifyRequest(dn, nil)
	if l.add {
		change.Add(l.attribute, l.values)
	} else {
		change.Replace(l.attribute, l.values)
	}
	return plainLDAP(d.Modify(change))
}

// plainLDAP says in words what an LDAP server answered; its own text is for its log.
func plainLDAP(err error) error {
	var e *ldap.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.ResultCode {
	case ldap.LDAPResultInsufficientAccessRights:
		return fmt.Errorf("the user may not: %w", nt.StatusAccessDenied)
	case ldap.LDAPResultConstraintViolation:
		return errors.New("the directory does not allow it; another account may have the name")
	case ldap.LDAPResultNoSuchObject:
		return fmt.Errorf("it is not in the directory: %w", nt.StatusObjectNameNotFound)
	case ldap.LDAPResultEntryAlreadyExists:
		return fmt.Errorf("there is something of that name: %w", nt.StatusObjectNameCollision)
	case ldap.ErrorNetwork:
		return fmt.Errorf("the connection ended: %w", nt.StatusConnectionDisconnected)
	}
	if name, ok := ldap.LDAPResultCodeMap[e.ResultCode]; ok {
		return errors.New(strings.ToLower(name))
	}
	return fmt.Errorf("LDAP result %d", e.ResultCode)
}

func (d *directory) exists(dn string) error {
	_, err := d.Search(ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 1, 0, false, "(objectClass=*)", []string{"1.1"}, nil))
	return err
}

// inUnit does something in the directory that an organizational unit needs.
func (m *Member) inUnit(ctx context.Context, p *progress, host string, user *krb5.Client, ou string, f func(*directory) (string, error)) error {
	d, err := m.openDirectory(ctx, host, user)
	if err != nil {
		return &Failure{StageNetwork, fmt.Errorf("LDAP of %s: %w", host, err), "the organizational unit is chosen by LDAP: open TCP port 389 of the controller, or have the account made there and join without --ou"}
	}
	defer d.Close()
	text, err := f(d)
	if err != nil {
		err = plainLDAP(err)
		hint := permissionHint
		if errors.Is(err, nt.StatusObjectNameNotFound) || errors.Is(err, nt.StatusInvalidParameter) {
			hint = "check the name of the organizational unit: OU=Servers,OU=Lab, or Lab/Servers"
		}
		return fail(StagePermission, err, hint, "account in %s", ou)
	}
	p.done(StageAccount, "%s", text)
	return nil
}

// placeAccount puts the account where it was asked to be.
func (m *Member) placeAccount(ctx context.Context, p *progress, host string, user *krb5.Client, acct *state.MachineAccount, ou string) error {
	return m.inUnit(ctx, p, host, user, ou, func(d *directory) (string, error) { return d.place(acct.Name, ou) })
}

// tryPlace looks whether there is such a place.
func (m *Member) tryPlace(ctx context.Context, p *progress, host string, user *krb5.Client, ou string) error {
	return m.inUnit(ctx, p, host, user, ou, func(d *directory) (string, error) {
		container, err := d.container(ou)
		if err == nil {
			err = d.exists(container)
		}
		return "account would be in " + container, err
	})
}

// describeAccount has the directory say what it should of the account: as who joins, and what that one may not as the machine. It is no failure if it
// cannot; then the controller is to write what it can.
func (m *Member) describeAccount(ctx context.Context, p *progress, host string, user *krb5.Client, acct *state.MachineAccount) (described bool) {
	d, err := m.openDirectory(ctx, host, user)
	if err != nil {
		acct.Directory = "not known: LDAP could not be reached"
		p.done(StageAccount, "LDAP of %s cannot be used (%v), so that %s and %s are left as the controller makes them", host, err, attrTypes, attrSPN+" cifs/")
		return false
	}
	still, err := d.supply(acct)
	d.Close()
	if err == nil && len(still) > 0 {
		var machine *krb5.Client
		if machine, err = m.machineClient(acct, acct.Password.Value); err == nil {
			if d, err = m.openDirectory(ctx, host, machine); err == nil {
				still, err = d.supply(acct)
				d.Close()
			}
		}
	}
	acct.Directory = lackText(still)
	switch {
	case err != nil && len(still) == 0:
		acct.Directory = "not known: " + plainLDAP(err).Error()
		p.done(StageAccount, "the directory is left as the controller makes it: %v", plainLDAP(err))
	case len(still) > 0:
		p.done(StageAccount, "not set in the directory: %s", acct.Directory)
	default:
		p.done(StageAccount, "%s, %s and %s are as they should be", attrName, attrSPN, attrTypes)
	}
	return !slices.ContainsFunc(still, func(l lack) bool { return l.attribute == attrName }) && err == nil
}

func lackText(list []lack) string {
	var out []string
	for i := range list {
		out = append(out, list[i].String())
	}
	return strings.Join(out, "; ")
}

// checkDirectory looks whether the directory says what it should, as the machine, and remembers the answer.
func (m *Member) checkDirectory(ctx context.Context, p *progress, host string, acct *state.MachineAccount, c *krb5.Client) *state.MachineAccount {
	d, err := m.openDirectory(ctx, host, c)
	var e *ldap.Entry
	if err == nil {
		defer d.Close()
		if e, err = d.computer(acct.Name); err == nil && e == nil {
			err = nt.StatusNoSuchUser
		}
	}
	if err != nil {
		p.done(StageAccount, "the names of the account are not looked at: LDAP of %s: %v", host, plainLDAP(err))
		return acct
	}
	next := *acct
	next.Directory = lackText(needed(lacks(acct, e)))
	if next.Directory == "" {
		p.done(StageAccount, "%s, %s and %s are as they should be", attrName, attrSPN, attrTypes)
	} else {
		p.done(StageAccount, "lacking in the directory: %s; joining again sets it", next.Directory)
	}
	if next.Directory == acct.Directory {
		return acct
	}
	if err := m.save(ctx, &next); err != nil {
		m.cfg.Log.Warn("what the directory says is not remembered", "err", err)
		return acct
	}
	return &next
}
