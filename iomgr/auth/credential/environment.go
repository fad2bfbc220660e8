package credential

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// maxCCache bounds a credential cache.
const maxCCache = 16 << 20

// FromEnvironment is the credential of whoever runs the program: the credential cache that KRB5CCNAME names, else the user's default,
// /tmp/krb5cc_UID. It is nil if nothing is named and there is no default cache. Only caches that are files can be read.
func FromEnvironment() (*api.Credential, error) {
	name := os.Getenv("KRB5CCNAME")
	path, explicit := name, name != ""
	if explicit {
		kind, rest, typed := strings.Cut(name, ":")
		if typed && !strings.Contains(kind, "/") {
			if path = rest; kind != "FILE" && kind != "WRFILE" {
				return nil, &Error{fmt.Errorf("credential: KRB5CCNAME=%s: caches of type %s cannot be read: %w", name, kind, nt.StatusNotSupported),
					"kinit -c FILE:/tmp/krb5cc_lwio, and KRB5CCNAME=FILE:/tmp/krb5cc_lwio"}
			}
		}
	} else {
		path = fmt.Sprintf("/tmp/krb5cc_%d", os.Getuid())
	}
	b, err := readCache(path, explicit)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !explicit:
		return nil, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, &Error{fmt.Errorf("credential: there is no cache %s: %w", path, nt.StatusNoSuchLogonSession), "log on with kinit"}
	case err != nil:
		return nil, fmt.Errorf("credential: cache %s: %w", path, err)
	}
	return &api.Credential{CCache: b}, nil
}

// readCache reads a cache. One in a folder where everybody may write has to be the user's own, or others would choose as whom the program
// logs on.
func readCache(path string, explicit bool) ([]byte, error) {
	f, err := os.OpenFile(path, cacheFlags(explicit), 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() {
		return nil, errors.New("is no file")
	}
	if !explicit && !ownFile(fi) {
		return nil, fmt.Errorf("belongs to another user: %w", fs.ErrPermission)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxCCache+1))
	if err == nil && len(b) > maxCCache {
		err = errors.New("is too long")
	}
	if err == nil && len(b) == 0 {
		err = fmt.Errorf("is empty: %w", nt.StatusNoSuchLogonSession)
	}
	return b, err
}
