package ipc

import (
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// Create contexts that cross the socket. A credential goes to the server only: it is the caller's own secret, for the redirector to use.
const (
	contextMaximalAccess = 1
	contextDiskID        = 2
	contextCredential    = 3
	maxContexts          = 32
)

// Bounds of a credential.
const (
	maxSecret = 1 << 20 // bytes of a cache or a keytab
	maxText   = 4 << 10 // bytes of a name or a password
)

const (
	credentialAnonymous   = 1
	credentialHasPassword = 2
)

// mayCross reports whether a create's contexts can be sent to a server with these features.
func mayCross(list []any, features Features) bool {
	if len(list) > maxContexts {
		return false
	}
	for _, c := range list {
		switch c := c.(type) {
		case api.MaximalAccess, api.DiskID:
		case api.OpenInformation, *api.Then: // wishes that need not be met, and are not sent
		case *api.Credential:
			if c == nil || features&FeatureCredentials == 0 || len(c.CCache) > maxSecret || len(c.Keytab) > maxSecret ||
				max(len(c.User), len(c.Domain), len(c.Password)) > maxText || len(c.NTHash) != 0 && len(c.NTHash) != 16 || c.Method > api.MethodNTLM {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// appendContexts appends the contexts that cross; credentials only to a side with that feature.
func appendContexts(b []byte, list []any, features Features) []byte {
	at := len(b)
	b = append(b, 0)
	for _, c := range list {
		switch c := c.(type) {
		case api.MaximalAccess:
			b = append(b, contextMaximalAccess)
			b = le.AppendUint32(b, uint32(c.Status))
			b = le.AppendUint32(b, uint32(c.Access))
		case api.DiskID:
			b = append(b, contextDiskID)
			b = le.AppendUint64(b, c.FileID)
			b = le.AppendUint64(b, c.VolumeID)
		case *api.Credential:
			if features&FeatureCredentials == 0 {
				continue
			}
			b = appendCredential(append(b, contextCredential), c)
		default:
			continue
		}
		b[at]++
	}
	return b
}

func appendCredential(b []byte, c *api.Credential) []byte {
	b = append(b, byte(c.Method), bit(c.Anonymous, credentialAnonymous)|bit(c.HasPassword, credentialHasPassword))
	b = appendBytes(b, []byte(c.User))
	b = appendBytes(b, []byte(c.Domain))
	b = appendBytes(b, []byte(c.Password))
	b = appendBytes(b, c.NTHash)
	b = appendBytes(b, c.CCache)
	return appendBytes(b, c.Keytab)
}

// contexts reads the contexts of a request, or of an answer.
func (d *reader) contexts(request bool) []any {
	n := int(d.u8())
	if n > maxContexts {
		d.bad = true
		return nil
	}
	var list []any
	for range n {
		switch kind := d.u8(); {
		case kind == contextMaximalAccess:
			list = append(list, api.MaximalAccess{Status: nt.Status(d.u32()), Access: nt.AccessMask(d.u32())})
		case kind == contextDiskID:
			list = append(list, api.DiskID{FileID: d.u64(), VolumeID: d.u64()})
		case kind == contextCredential && request:
			list = append(list, d.credential())
		default:
			d.bad = true
			return nil
		}
	}
	return list
}

func (d *reader) credential() *api.Credential {
	c := &api.Credential{Method: api.CredentialMethod(d.u8())}
	flags := d.u8()
	c.Anonymous, c.HasPassword = flags&credentialAnonymous != 0, flags&credentialHasPassword != 0
	c.User, c.Domain, c.Password = string(d.limited(maxText)), string(d.limited(maxText)), string(d.limited(maxText))
	c.NTHash = d.secret(16)
	c.CCache, c.Keytab = d.secret(maxSecret), d.secret(maxSecret)
	if c.Method > api.MethodNTLM || flags&^(credentialAnonymous|credentialHasPassword) != 0 || len(c.NTHash) != 0 && len(c.NTHash) != 16 {
		d.bad = true
	}
	return c
}

// limited is bytes, of which there may be so many.
func (d *reader) limited(n int) []byte {
	b := d.bytes()
	if len(b) > n {
		d.bad = true
		return nil
	}
	return b
}

// secret copies bytes, so that what they came in can be overwritten; none is nil.
func (d *reader) secret(n int) []byte {
	if b := d.limited(n); len(b) > 0 {
		return append([]byte(nil), b...)
	}
	return nil
}
