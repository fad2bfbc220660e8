package api

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"log/slog"
)

// Credential is a create context that says as whom the redirector authenticates to the server of the path. Without one it uses the
// credential that its configuration gives to the caller.
//
// What is secret is held by value, never by the name of a file: the redirector may run as another user than the program that asks, and
// opens nothing on its behalf. A Credential is immutable once it is used. Formatting and logging it shows no secret.
type Credential struct {
	// User is "name", `DOMAIN\name` or "name@REALM". Empty takes the client principal of CCache, or the first of Keytab.
	User string
	// Domain is the NetBIOS domain or the realm where User names none.
	Domain string
	// Method limits the authentication to one protocol.
	Method CredentialMethod
	// Anonymous asks for a null session; everything else is ignored.
	Anonymous bool

	// One of these proves it; where several are set, Kerberos takes the first that it can use of CCache, Keytab, Password, and NTLM the
	// first of NTHash, Password. An empty Password is one if HasPassword is set.
	Password    string
	HasPassword bool
	NTHash      []byte // 16 bytes
	CCache      []byte // contents of a FILE credential cache
	Keytab      []byte // contents of a keytab
}

// CredentialMethod is how a Credential may be used.
type CredentialMethod uint8

// The methods.
const (
	MethodNegotiate CredentialMethod = iota // Kerberos, else NTLM where the redirector's policy allows it
	MethodKerberos                          // Kerberos or fail
	MethodNTLM                              // NTLM or fail
)

func (m CredentialMethod) String() string {
	switch m {
	case MethodNegotiate:
		return "negotiate"
	case MethodKerberos:
		return "kerberos"
	case MethodNTLM:
		return "ntlm"
	}
	return fmt.Sprintf("method %d", uint8(m))
}

// String names the user and the kind of proof.
func (c *Credential) String() string {
	if c == nil {
		return "default"
	}
	if c.Anonymous {
		return "anonymous"
	}
	user := c.User
	if user == "" {
		user = "(from the cache or keytab)"
	} else if c.Domain != "" {
		user += " of " + c.Domain
	}
	return user + ", " + c.proof() + ", " + c.Method.String()
}

// GoString is String: %#v shows no secret.
func (c *Credential) GoString() string { return c.String() }

// LogValue is String.
func (c *Credential) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalJSON is String: what is meant to be logged by value shows no secret either.
func (c Credential) MarshalJSON() ([]byte, error) { return json.Marshal(c.String()) }

func (c *Credential) proof() string {
	switch {
	case len(c.CCache) > 0:
		return "credential cache"
	case len(c.Keytab) > 0:
		return "keytab"
	case len(c.NTHash) > 0:
		return "NT hash"
	case c.HasPassword || c.Password != "":
		return "password"
	}
	return "no proof"
}

// CredentialID identifies a Credential, so that those that are equal share a session. It is made by hashing the secret: it is no more to
// be shown than that.
type CredentialID [sha256.Size]byte

// ID is c's; that of nil is zero.
func (c *Credential) ID() CredentialID {
	if c == nil {
		return CredentialID{}
	}
	h := sha256.New()
	flags := byte(c.Method) << 2
	if c.Anonymous {
		flags |= 1
	}
	if c.HasPassword {
		flags |= 2
	}
	h.Write([]byte{flags})
	field(h, []byte(c.User))
	field(h, []byte(c.Domain))
	field(h, []byte(c.Password))
	field(h, c.NTHash)
	field(h, c.CCache)
	field(h, c.Keytab)
	return CredentialID(h.Sum(nil))
}

func field(h hash.Hash, b []byte) {
	h.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(b))))
	h.Write(b)
}

// Format shows no secret whatever the verb.
func (c Credential) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, c.String()) }
