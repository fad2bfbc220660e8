package rdr

import (
	"net/netip"
	"strconv"
	"strings"

	"lwio/iomgr/nt"
)

// target is what a name leads to.
type target struct {
	host  string // as spelled, an IPv6 address without brackets
	port  string
	share string
	name  string // relative to the share, without a leading backslash; empty for its root
}

// defaultPort is that of SMB over TCP (MS-SMB2 1.9).
const defaultPort = "445"

// maxPath is the longest name on a share in UTF-16 code units; the protocol counts its bytes in 16 bits.
const maxPath = 32760

// maxShare is the longest name of a share (MS-SRVS 2.2.4.23).
const maxShare = 80

// parsePath reads a name below the device: `\server[:port]\share[\path]`.
func parsePath(path string) (target, nt.Status) {
	if path == "" || path == `\` {
		return target{}, nt.StatusInvalidDeviceRequest
	}
	server, rest, _ := strings.Cut(path[1:], `\`)
	share, name, _ := strings.Cut(rest, `\`)
	t := target{share: share, name: name}
	var ok bool
	if t.host, t.port, ok = parseServer(server); !ok {
		return target{}, nt.StatusBadNetworkPath
	}
	if share == "" || nt.UTF16Len(share) > maxShare || strings.ContainsAny(share, "\x00/:*?\"<>|") {
		return target{}, nt.StatusBadNetworkName
	}
	switch {
	case strings.HasPrefix(name, `\`), strings.Contains(name, "\x00"):
		return target{}, nt.StatusObjectNameInvalid
	case nt.UTF16Len(name) > maxPath:
		return target{}, nt.StatusNameTooLong
	}
	t.name = strings.TrimSuffix(name, `\`)
	return t, nt.StatusSuccess
}

// parseServer reads `host`, `host:port`, `[address]` or `[address]:port`.
func parseServer(s string) (host, port string, ok bool) {
	port = defaultPort
	if rest, found := strings.CutPrefix(s, "["); found {
		addr, tail, found := strings.Cut(rest, "]")
		if !found {
			return "", "", false
		}
		if a, err := netip.ParseAddr(addr); err != nil || !a.Is6() {
			return "", "", false
		}
		if tail != "" {
			if port, found = strings.CutPrefix(tail, ":"); !found {
				return "", "", false
			}
		}
		host = addr
	} else {
		var found bool
		if host, rest, found = strings.Cut(s, ":"); found {
			port = rest
		}
		if host == "" || len(host) > 255 || strings.ContainsFunc(host, notOfHost) {
			return "", "", false
		}
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || port[0] == '0' || port[0] == '+' {
		return "", "", false
	}
	return host, port, true
}

// notOfHost are characters that no name of a host has.
func notOfHost(r rune) bool {
	return r <= ' ' || r == 0x7f || strings.ContainsRune(`/:*?"<>|[]@#%`, r)
}

// server is the key of a connection.
func (t *target) server() string { return nt.Upcase(t.host) + ":" + t.port }
