package srv

import (
	"strings"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// POSIX says whether the POSIX extensions of 3.1.1 are spoken.
type POSIX uint8

// POSIX policies.
const (
	POSIXOffered POSIX = iota
	POSIXOff
)

// posixContext answers SMB2_POSIX_EXTENSIONS_AVAILABLE to a client that knows the one version that there is.
func (c *conn) posixContext(data []byte, n *negotiated, res *smb2.NegotiateResponse) nt.Status {
	if c.srv.cfg.POSIX == POSIXOff {
		return nt.StatusSuccess
	}
	ok, err := smb2.ParsePOSIXExtensions(data)
	if err != nil {
		return nt.StatusInvalidParameter
	}
	if ok && !n.posix {
		n.posix = true
		res.Contexts = append(res.Contexts, smb2.NegotiateContext{Type: smb2.ContextPOSIX, Data: []byte(smb2.ContextPOSIXCreate)})
	}
	return nt.StatusSuccess
}

// parsePOSIX finds the create context by which a client asks for an open with the semantics of POSIX.
func (k *creating) parsePOSIX(c *command, chain smb2.CreateContexts) nt.Status {
	if !c.conn.posix || c.tree.share.pipe {
		return nt.StatusSuccess
	}
	for len(chain) > 0 {
		one, rest, err := chain.Next()
		if err != nil {
			return nt.StatusInvalidParameter
		}
		chain = rest
		if string(one.Name) != smb2.ContextPOSIXCreate {
			continue
		}
		p, err := smb2.ParsePOSIXCreateRequest(one.Data)
		if err != nil {
			return nt.StatusInvalidParameter
		}
		k.posix = true
		k.args.Contexts = append(k.args.Contexts, api.POSIX{Mode: p.Mode & 0o7777})
	}
	return nt.StatusSuccess
}

// path checks the name of a create.
func (k *creating) path() (string, nt.Status) {
	if !k.posix {
		return cleanPath(k.name)
	}
	return cleanPOSIXPath(k.name)
}

// cleanPOSIXPath makes the name of an open with the semantics of POSIX, whose separator is the slash, one of the I/O manager, whose separator is the
// backslash: they change places. Empty components are left out, as POSIX does.
func cleanPOSIXPath(name string) (string, nt.Status) {
	if strings.HasPrefix(name, "/") {
		return "", nt.StatusInvalidParameter
	}
	if strings.IndexByte(name, 0) >= 0 {
		return "", nt.StatusObjectNameInvalid
	}
	var parts []string
	for part := range strings.SplitSeq(name, "/") {
		switch part {
		case "":
		case ".", "..": // which a client resolves, where they mean anything
			return "", nt.StatusObjectNameInvalid
		default:
			parts = append(parts, strings.ReplaceAll(part, `\`, "/"))
		}
	}
	return strings.Join(parts, `\`), nt.StatusSuccess
}

// withoutDOS leaves the attributes of a file that is made out: the mode says who may write it.
func (k *creating) withoutDOS() {
	if k.posix {
		k.args.FileAttributes = 0
	}
}

// posixReply adds what the file system said of the file.
func (k *creating) posixReply(chain smb2.CreateContexts) smb2.CreateContexts {
	i, ok := api.Find[api.POSIXInfo](k.args.Result.Contexts)
	if !ok {
		return chain
	}
	data := smb2.POSIXCreateResponse{Links: i.Links, ReparseTag: i.ReparseTag, Mode: i.Mode, Owner: i.Owner, Group: i.Group}
	return chain.Append(smb2.ContextPOSIXCreate, data.Append(nil))
}

// isPOSIX says whether the file system made the open with the semantics of POSIX.
func (k *creating) isPOSIX() bool {
	_, ok := api.Find[api.POSIXInfo](k.args.Result.Contexts)
	return k.posix && ok
}

// appends says whether a write goes to the end of the file, wherever that is.
func (o *open) appends(offset uint64) bool { return o.posix && offset == 1<<64-1 }

// cleanTarget checks the new name of a rename or link.
func (o *open) cleanTarget(name string) (string, nt.Status) {
	if o.posix {
		return cleanPOSIXPath(strings.TrimPrefix(name, "/"))
	}
	if name[0] == '\\' {
		name = name[1:] // some clients put one
	}
	if name == "" {
		return "", nt.StatusObjectNameInvalid
	}
	return cleanPath(name)
}
