package krb5

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/jcmturner/gokrb5/v8/config"
)

// maxConfig bounds krb5.conf.
const maxConfig = 1 << 20

// LoadConfig reads krb5.conf: of the path, else the first file of $KRB5_CONFIG that exists, else /etc/krb5.conf. Where nothing was
// named and there is no file the result is a configuration of defaults, which finds everything by DNS. Of it are read the default realm, the
// KDCs of realms, the realms of domains and the name of the keytab.
func LoadConfig(path string) (*config.Config, error) {
	names := []string{path}
	if path == "" {
		names = strings.Split(os.Getenv("KRB5_CONFIG"), ":")
	}
	for _, name := range names {
		if name == "" {
			continue
		}
		b, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) && path == "" {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("krb5.conf: %w", err)
		}
		return parseConfig(name, b)
	}
	b, err := os.ReadFile("/etc/krb5.conf")
	if errors.Is(err, fs.ErrNotExist) {
		return config.New(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("krb5.conf: %w", err)
	}
	return parseConfig("/etc/krb5.conf", b)
}

// parseConfig guards the parser, which indexes lines before it looks at them.
func parseConfig(name string, b []byte) (c *config.Config, err error) {
	defer func() {
		if v := recover(); v != nil {
			c, err = nil, fmt.Errorf("krb5.conf: %s is malformed", name)
		}
	}()
	if len(b) > maxConfig {
		return nil, fmt.Errorf("krb5.conf: %s is too long", name)
	}
	c, err = config.NewFromString(string(b))
	var unsupported config.UnsupportedDirective
	if errors.As(err, &unsupported) && c != nil {
		err = nil // of things that are not read here
	}
	if err != nil {
		return nil, fmt.Errorf("krb5.conf: %s: %w", name, err)
	}
	return c, nil
}
