package nt

// GroupAttributes are the SE_GROUP_* flags of a group in a token (MS-SAMR 2.2.1.10).
type GroupAttributes uint32

// Group attributes. A group counts for an allow ACE only when SEGroupEnabled is set and SEGroupUseForDenyOnly is
// not; SEGroupDefault is what an ordinary membership carries.
const (
	SEGroupMandatory        GroupAttributes = 0x00000001
	SEGroupEnabledByDefault GroupAttributes = 0x00000002
	SEGroupEnabled          GroupAttributes = 0x00000004
	SEGroupOwner            GroupAttributes = 0x00000008
	SEGroupUseForDenyOnly   GroupAttributes = 0x00000010
	SEGroupIntegrity        GroupAttributes = 0x00000020
	SEGroupIntegrityEnabled GroupAttributes = 0x00000040
	SEGroupResource         GroupAttributes = 0x20000000
	SEGroupLogonID          GroupAttributes = 0xC0000000

	SEGroupDefault = SEGroupMandatory | SEGroupEnabledByDefault | SEGroupEnabled
)

// Group is one group of a Token.
type Group struct {
	SID        SID
	Attributes GroupAttributes
}

// Token says who a caller is and what it may do (MS-DTYP 2.5.2). It is immutable once built:
// files, sessions and calls share one pointer to it.
type Token struct {
	User         SID
	Groups       []Group
	Privileges   Privileges
	Owner        SID // owner of new objects; zero means User
	PrimaryGroup SID
	DefaultDACL  *ACL // for new objects that inherit nothing; nil means owner and SYSTEM full control
	LogonID      LUID
	Anonymous    bool // the null session

	Account string // as the authority spells it, for display and audit
	Domain  string

	HasUnixID bool
	UID, GID  uint32 // valid if HasUnixID
}

// Logon ids that exist on every system.
const (
	SystemLogonID    LUID = 0x3E7
	AnonymousLogonID LUID = 0x3E6
)

// HasSID reports whether an allow ACE for sid is for this token: sid is the user or an enabled group that is not
// for denying only.
func (t *Token) HasSID(sid SID) bool { return t.has(sid, false) }

// HasSIDForDeny reports whether a deny ACE for sid is for this token: as HasSID, and deny-only groups count too.
func (t *Token) HasSIDForDeny(sid SID) bool { return t.has(sid, true) }

func (t *Token) has(sid SID, deny bool) bool {
	if sid.IsZero() {
		return false
	}
	if t.User == sid {
		return true
	}
	for i := range t.Groups {
		if g := &t.Groups[i]; g.SID == sid {
			if a := g.Attributes & (SEGroupEnabled | SEGroupUseForDenyOnly); a == SEGroupEnabled || deny && a != 0 {
				return true
			}
		}
	}
	return false
}

// HasPrivilege reports whether the token holds every privilege in p.
func (t *Token) HasPrivilege(p Privileges) bool { return t.Privileges.Has(p) }

// IsAdmin reports membership in BUILTIN\Administrators, or SYSTEM.
func (t *Token) IsAdmin() bool { return t.HasSID(SIDBuiltinAdministrators) || t.IsSystem() }

// IsSystem reports the local system itself.
func (t *Token) IsSystem() bool { return t.User == SIDLocalSystem }

// OwnerSID is who owns what this token creates.
func (t *Token) OwnerSID() SID {
	if t.Owner.IsZero() {
		return t.User
	}
	return t.Owner
}

// CanOwn reports whether the token may make sid the owner of an object without SeRestorePrivilege: itself, or a
// group it holds with SEGroupOwner (MS-DTYP 2.5.3.4.1, MS-FSA 2.1.5.17).
func (t *Token) CanOwn(sid SID) bool {
	if sid.IsZero() {
		return false
	}
	if t.User == sid {
		return true
	}
	for i := range t.Groups {
		if g := &t.Groups[i]; g.SID == sid && g.Attributes&(SEGroupOwner|SEGroupUseForDenyOnly) == SEGroupOwner {
			return true
		}
	}
	return false
}

// QualifiedName is DOMAIN\account, the account alone where there is no domain, or the SID where neither is known.
func (t *Token) QualifiedName() string {
	switch {
	case t.Account == "":
		return t.User.String()
	case t.Domain == "":
		return t.Account
	}
	return t.Domain + `\` + t.Account
}

// AnonymousToken is who a null session is. It is not in Everyone, as Windows has had it since XP.
func AnonymousToken() *Token { return &anonymousToken }

var anonymousToken = Token{
	User:         SIDAnonymous,
	Groups:       []Group{{SIDNetwork, SEGroupDefault}},
	PrimaryGroup: SIDAnonymous,
	LogonID:      AnonymousLogonID,
	Anonymous:    true,
	Account:      "ANONYMOUS LOGON",
	Domain:       ntAuthority,
}

// SystemToken is who the program itself is when it acts for nobody else: SYSTEM with every privilege.
func SystemToken() *Token { return &systemToken }

var systemToken = Token{
	User: SIDLocalSystem,
	Groups: []Group{
		{SIDBuiltinAdministrators, SEGroupEnabledByDefault | SEGroupEnabled | SEGroupOwner},
		{SIDWorld, SEGroupDefault},
		{SIDAuthenticatedUsers, SEGroupDefault},
	},
	Privileges:   AllPrivileges,
	Owner:        SIDBuiltinAdministrators,
	PrimaryGroup: SIDLocalSystem,
	DefaultDACL: &ACL{Revision: ACLRevision, ACEs: []ACE{
		{Type: AccessAllowedACEType, Mask: GenericAll, SID: SIDLocalSystem},
		{Type: AccessAllowedACEType, Mask: GenericRead | GenericExecute | ReadControl, SID: SIDBuiltinAdministrators},
	}},
	LogonID: SystemLogonID,
	Account: "SYSTEM",
	Domain:  ntAuthority,
}
