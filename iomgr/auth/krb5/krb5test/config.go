package krb5test

import (
	"fmt"
	"strings"
	"time"

	"lwio/gen/pac"
	"lwio/iomgr/nt"
)

// The encryption types it has (RFC 3962, RFC 8009, RFC 4757).
const (
	AES128SHA1   int32 = 17
	AES256SHA1   int32 = 18
	AES128SHA256 int32 = 19
	AES256SHA384 int32 = 20
	RC4          int32 = 23
)

// Config is a realm. What is left zero is as each member says; without users and services there are DefaultUsers and DefaultServices.
type Config struct {
	Realm    string // default LWIO.TEST
	Domain   string // NetBIOS name; default the realm's first label
	SID      nt.SID // of the domain; default S-1-5-21-1000000001-1000000002-1000000003
	Server   string // LogonServer of PACs; default KDC1
	Users    []User
	Services []Service

	// ETypes are what it knows, the best first, for all keys of those that name none. Default: 18, 17, 23.
	ETypes []int32
	// Lifetime of tickets; default ten hours.
	Lifetime time.Duration
	// UDP lets clients that follow Krb5Conf begin with UDP; they go to TCP when an answer is too long for a datagram.
	UDP bool
}

// User is a principal that logs on.
type User struct {
	Name, Password string
	FullName       string
	RID            uint32
	PrimaryGroup   uint32   // default 513
	Groups         []uint32 // of the domain, beside the primary
	ExtraSIDs      []nt.SID
	ResourceGroups []uint32 // of ResourceDomain
	ResourceDomain nt.SID   // default the domain
	ETypes         []int32
	NoPreauth      bool // needs no pre-authentication
	Disabled       bool
}

// Service is a computer or service account.
type Service struct {
	Account  string // FILES$
	Password string
	SPNs     []string // host/files.lwio.test; found in any case, as a domain controller does
	RID      uint32
	KVNO     int // default 2
	ETypes   []int32
}

// Forge is how tickets differ from honest ones. The zero value is honest.
type Forge struct {
	ClientRealm  string        // names another realm as the client's
	ServiceRealm string        // … as the service's
	EType        int32         // encrypts service tickets, whatever the service's best is
	SessionEType int32         // of session keys, whatever the client asked for
	Age          time.Duration // tickets were issued so long ago; longer than their lifetime is expired, negative is not yet valid
	Flags        []int         // ticket flags to set besides (RFC 4120 2)

	NoPAC              bool
	BadServerSignature bool
	BadKDCSignature    bool
	NoServerSignature  bool                            // the buffer is left out
	ClientName         string                          // in PAC_CLIENT_INFO instead of the account's
	Logon              func(*pac.KERB_VALIDATION_INFO) // last change to what is signed
	PAC                func([]byte) []byte             // last change to what was signed
}

// DefaultUsers and DefaultServices are those of a Config that has neither. The password of every account is "Us3r.Pass".
var (
	DefaultUsers = []User{
		{Name: "alice", Password: "Us3r.Pass", FullName: "Alice", RID: 1103, Groups: []uint32{1108, 1111}, ExtraSIDs: []nt.SID{nt.MustSID("S-1-18-1")}},
		{Name: "bob", Password: "Us3r.Pass", FullName: "Bob", RID: 1104},
	}
	DefaultServices = []Service{
		{Account: "FILES$", Password: "Us3r.Pass", RID: 1120, SPNs: []string{"host/files.lwio.test", "host/files", "cifs/files.lwio.test", "cifs/files"}},
	}
)

func (c *Config) defaults() {
	if c.Realm == "" {
		c.Realm = "LWIO.TEST"
	}
	if c.Domain == "" {
		label, _, _ := strings.Cut(c.Realm, ".")
		c.Domain = strings.ToUpper(label)
	}
	if c.SID.IsZero() {
		c.SID = nt.MustSID("S-1-5-21-1000000001-1000000002-1000000003")
	}
	if c.Server == "" {
		c.Server = "KDC1"
	}
	if c.Users == nil && c.Services == nil {
		c.Users, c.Services = DefaultUsers, DefaultServices
	}
	if len(c.ETypes) == 0 {
		c.ETypes = []int32{AES256SHA1, AES128SHA1, RC4}
	}
	if c.Lifetime == 0 {
		c.Lifetime = 10 * time.Hour
	}
}

var etypeNames = map[int32]string{
	AES128SHA1: "aes128-cts-hmac-sha1-96", AES256SHA1: "aes256-cts-hmac-sha1-96",
	AES128SHA256: "aes128-cts-hmac-sha256-128", AES256SHA384: "aes256-cts-hmac-sha384-192", RC4: "arcfour-hmac",
}

// Krb5Conf is a krb5.conf of the realm, with this KDC.
func (k *KDC) Krb5Conf() string {
	names := make([]string, 0, len(k.cfg.ETypes))
	for _, e := range k.cfg.ETypes {
		names = append(names, etypeNames[e])
	}
	types := strings.Join(names, " ")
	var b strings.Builder
	fmt.Fprintf(&b, "[libdefaults]\n  default_realm = %s\n  dns_lookup_kdc = false\n  dns_lookup_realm = false\n  rdns = false\n", k.cfg.Realm)
	for _, key := range []string{"default_tkt_enctypes", "default_tgs_enctypes", "permitted_enctypes"} {
		fmt.Fprintf(&b, "  %s = %s\n", key, types)
	}
	fmt.Fprintf(&b, "  allow_weak_crypto = true\n")
	if !k.cfg.UDP {
		fmt.Fprintf(&b, "  udp_preference_limit = 1\n")
	}
	domain := strings.ToLower(k.cfg.Realm)
	fmt.Fprintf(&b, "[realms]\n  %s = {\n    kdc = %s\n  }\n", k.cfg.Realm, k.Addr())
	fmt.Fprintf(&b, "[domain_realm]\n  .%s = %s\n  %s = %s\n", domain, k.cfg.Realm, domain, k.cfg.Realm)
	return b.String()
}
