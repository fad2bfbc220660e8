package nt

// LUID is a locally unique identifier (MS-DTYP 2.3.7).
type LUID uint64

// Privileges is a set of privileges, one bit each: bit n is the privilege whose LUID is n (MS-LSAD 3.1.1.2.1).
type Privileges uint64

// GroupAttributes are the SE_GROUP_* flags of a group in a token (MS-SAMR 2.2.1.10).
type GroupAttributes uint32

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
