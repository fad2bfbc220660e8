package rpcctl

import (
	"reflect"
	"strings"
)

// Octets, and arrays of characters that are no text of the IDL's own, are never shown, so that what is encrypted, hashed or binary cannot be. The tables name what
// would be shown else: texts, by the type that they are in and by the name of a member or parameter. Numbers and handles are shown in any case: they tell of a password
// when it was changed and how long it has to be.

// secretTypes are the types, by name, of which nothing is shown.
var secretTypes = map[string]bool{
	"ACCOUNT_PASSWORD":                   true, // account
	"AUTHORITY_SECRET":                   true,
	"DOMAIN_PASSWORD":                    true,
	"LSAPR_CR_CIPHER_VALUE":              true, // MS-LSAD 2.2.6.1
	"LSAPR_AES_CIPHER_VALUE":             true,
	"LSAPR_AUTH_INFORMATION":             true, // MS-LSAD 2.2.7.17
	"LSAPR_TRUSTED_DOMAIN_AUTH_BLOB":     true,
	"ENCRYPTED_LM_OWF_PASSWORD":          true, // MS-SAMR 2.2.3.3
	"SAMPR_ENCRYPTED_USER_PASSWORD":      true, // MS-SAMR 2.2.6.21
	"SAMPR_ENCRYPTED_USER_PASSWORD_NEW":  true,
	"SAMPR_ENCRYPTED_PASSWORD_AES":       true,
	"SAM_VALIDATE_PASSWORD_HASH":         true, // MS-SAMR 2.2.9.3
	"NETLOGON_CREDENTIAL":                true, // MS-NRPC 2.2.1.1.4
	"NETLOGON_AUTHENTICATOR":             true,
	"NL_TRUST_PASSWORD":                  true,
	"LM_OWF_PASSWORD":                    true,
	"NT_OWF_PASSWORD":                    true,
	"CYPHER_BLOCK":                       true,
	"USER_SESSION_KEY":                   true,
	"NLPR_CR_CIPHER_VALUE":               true,
	"NETLOGON_DELTA_SECRET":              true,
	"JOINPR_USER_PASSWORD":               true, // MS-WKST 2.2.5.17
	"JOINPR_ENCRYPTED_USER_PASSWORD":     true,
	"JOINPR_ENCRYPTED_USER_PASSWORD_AES": true,
}

// secretNames are in the names, without underscores and in small letters, of members and parameters whose texts are not shown.
var secretNames = []string{
	"password", "passwd", "pwd",
	"credential", "cipher", "encrypted", "owf", "sessionkey", "hash",
	"challenge", "nonce", "authenticator", "ticket", "signature",
	"privatedata", "secretvalue", "currentvalue", "oldvalue",
	"parameters",    // of users (MS-SAMR 2.2.6.6): dial-in and terminal server settings, which may have passwords
	"argv",          // of services: command lines
	"expansionroom", // of logons (MS-NRPC 2.2.1.4.11): the LM session key is in it
}

// secretType reports whether nothing of a type is shown.
func secretType(t reflect.Type) bool { return secretTypes[t.Name()] }

// secretName reports whether no text of a member is shown.
func secretName(name string) bool {
	name = plain(name)
	for _, s := range secretNames {
		if strings.Contains(name, s) {
			return true
		}
	}
	return false
}
