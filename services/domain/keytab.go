package domain

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"lwio/iomgr/auth/krb5"
	"lwio/services/state"
)

// keyTypes are those that keys are made of. Of RC4 is the ticket alone with which a domain reaches an account without msDS-SupportedEncryptionTypes;
// what it carries has to be AES.
var keyTypes = []krb5.EncType{krb5.AES256SHA1, krb5.AES128SHA1, krb5.RC4HMAC}

// saltOf is the salt of a machine's account where no KDC has said another (MS-KILE 3.1.1.2).
func saltOf(realm, account string) string {
	return strings.ToUpper(realm) + "host" + strings.ToLower(shortName(account)) + "." + strings.ToLower(realm)
}

// serviceNames are the names that tickets to this machine are for.
func serviceNames(acct *state.MachineAccount) []string {
	names := []string{acct.Name}
	for _, host := range []string{acct.DNSName, shortName(acct.Name)} {
		for _, service := range []string{"host", "cifs", "RestrictedKrbHost"} {
			if host != "" {
				names = append(names, service+"/"+host)
			}
		}
	}
	return names
}

// accountKeys makes the keys of all passwords of the account, the newest first.
func accountKeys(acct *state.MachineAccount) (keys []krb5.ServiceKey) {
	for _, p := range []*state.MachinePassword{&acct.Pending, &acct.Password, &acct.Old} {
		if p.Value == "" {
			continue
		}
		for _, t := range keyTypes {
			key, err := krb5.PasswordKey(t, p.Value, p.Salt)
			if err != nil {
				continue // the types are known, so there is none
			}
			for _, name := range serviceNames(acct) {
				keys = append(keys, krb5.ServiceKey{Name: name, Realm: acct.Realm, KVNO: p.KVNO, EncryptionKey: key})
			}
		}
	}
	return keys
}

// writeKeytab puts the account's keys into the keytab. Keys of other accounts stay; without an account its own go.
func (m *Member) writeKeytab() error {
	if m.cfg.Keytab == "" {
		return nil
	}
	m.mu.Lock()
	acct, keys := m.account, m.keys
	m.mu.Unlock()
	if acct == nil {
		return nil
	}
	return replaceKeys(m.cfg.Keytab, acct, keys)
}

// replaceKeys puts keys into a keytab in the place of those of the account.
func replaceKeys(path string, acct *state.MachineAccount, keys []krb5.ServiceKey) error {
	own := serviceNames(acct)
	var others []krb5.ServiceKey
	switch b, err := os.ReadFile(path); {
	case err == nil && len(b) > 0:
		have, err := krb5.ParseKeytab(b)
		if err != nil {
			return err // what it is, others may know
		}
		for _, k := range have {
			mine := strings.EqualFold(k.Realm, acct.Realm) && slices.ContainsFunc(own, func(n string) bool { return strings.EqualFold(n, k.Name) })
			if !mine {
				others = append(others, k)
			}
		}
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return replaceFile(path, krb5.AppendKeytab(nil, append(slices.Clone(keys), others...)))
}

// replaceFile replaces a file at once, or where it is a mount of its own, which no rename replaces, writes it over.
func replaceFile(path string, b []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".keytab-*") // of mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(b)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err != nil {
		return err
	}
	err = os.Rename(tmp.Name(), path)
	if errors.Is(err, syscall.EBUSY) || errors.Is(err, syscall.EXDEV) {
		return os.WriteFile(path, b, 0o600)
	}
	return err
}
