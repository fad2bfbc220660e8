package credential

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"lwio/iomgr/nt"
)

// ParseUser takes a user's name apart: `DOMAIN\name`, "name@REALM" or "name". The domain is empty where none is named. What is behind the
// last @ is the realm; a name in a domain may hold one (`DOMAIN\a@b`).
func ParseUser(s string) (user, domain string, err error) {
	bad := func(why string) (string, string, error) {
		return "", "", fmt.Errorf("credential: user %q: %s: %w", s, why, nt.StatusInvalidParameter)
	}
	if !utf8.ValidString(s) || strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7F }) >= 0 {
		return bad("control characters")
	}
	if before, after, ok := strings.Cut(s, `\`); ok {
		domain, user = before, after
		if domain == "" || strings.Contains(user, `\`) {
			return bad(`want DOMAIN\name`)
		}
	} else if i := strings.LastIndexByte(s, '@'); i >= 0 {
		user, domain = s[:i], s[i+1:]
		if domain == "" {
			return bad("want name@REALM")
		}
	} else {
		user = s
	}
	if user == "" {
		return bad("no name")
	}
	return user, domain, nil
}
