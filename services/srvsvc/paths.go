package srvsvc

import (
	"context"
	"strings"

	gen "lwio/gen/srvsvc"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

const (
	maxPath      = 260
	maxOldPath   = 128 // by MS-DOS rules
	maxComponent = 255
	oldRules     = 1 // flag of NetprPathType: 128 characters, 8.3
)

// systemObjects are the roots of what is no file, with the type of a path below them and of the root alone (MS-SRVS 2.2.2.9).
var systemObjects = []struct {
	name        string
	local, root uint32
	unc         uint32 // below `\\computer`, 0 where there is none
}{
	{"PIPE", gen.ITYPE_PATH_SYS_PIPE, gen.ITYPE_PATH_SYS_PIPE_M, gen.ITYPE_UNC_SYS_PIPE},
	{"MAILSLOT", gen.ITYPE_PATH_SYS_MSLOT, gen.ITYPE_PATH_SYS_MSLOT_M, gen.ITYPE_UNC_SYS_MSLOT},
	{"SEM", gen.ITYPE_PATH_SYS_SEM, gen.ITYPE_PATH_SYS_SEM_M, gen.ITYPE_UNC_SYS_SEM},
	{"SHAREMEM", gen.ITYPE_PATH_SYS_SHMEM, gen.ITYPE_PATH_SYS_SHMEM_M, gen.ITYPE_UNC_SYS_SHMEM},
	{"QUEUES", gen.ITYPE_PATH_SYS_QUEUE, gen.ITYPE_PATH_SYS_QUEUE_M, gen.ITYPE_UNC_SYS_QUEUE},
	{"COMM", gen.ITYPE_PATH_SYS_COMM, gen.ITYPE_PATH_SYS_COMM_M, 0},
	{"PRINT", gen.ITYPE_PATH_SYS_PRINT, gen.ITYPE_PATH_SYS_PRINT_M, 0},
}

func isSeparator(c byte) bool { return c == '\\' || c == '/' }

// backslashes spells a path with backslashes only.
func backslashes(p string) string { return strings.ReplaceAll(p, "/", `\`) }

func isDrive(p string) bool {
	return len(p) >= 2 && p[1] == ':' && (p[0]|0x20 >= 'a' && p[0]|0x20 <= 'z')
}

// deviceType gives the type of a character device: LPT1 to LPT9, COM1 to COM9, CON, NUL, with a colon or without.
func deviceType(name string) (uint32, bool) {
	name = nt.Upcase(strings.TrimSuffix(name, ":"))
	switch {
	case name == "CON":
		return gen.ITYPE_DEVICE_CON, true
	case name == "NUL":
		return gen.ITYPE_DEVICE_NUL, true
	case len(name) == 4 && name[3] >= '1' && name[3] <= '9' && strings.HasPrefix(name, "LPT"):
		return gen.ITYPE_DEVICE_LPT, true
	case len(name) == 4 && name[3] >= '1' && name[3] <= '9' && strings.HasPrefix(name, "COM"):
		return gen.ITYPE_DEVICE_COM, true
	}
	return 0, false
}

// components checks the parts of a path. Empty ones are separators in a row, which count as one, but not at a share's end.
func components(p string, old bool) (wild, ok bool) {
	for part := range strings.SplitSeq(p, `\`) {
		if nt.UTF16Len(part) > maxComponent || strings.ContainsAny(part, `"<>|:`) {
			return false, false
		}
		for i := range len(part) {
			if part[i] < ' ' {
				return false, false
			}
		}
		if old && !name83(part) {
			return false, false
		}
		wild = wild || strings.ContainsAny(part, "*?")
	}
	return wild, true
}

// name83 checks a name by MS-DOS rules: eight characters, and three behind one dot.
func name83(part string) bool {
	if part == "" || part == "." || part == ".." {
		return true
	}
	name, ext, dotted := strings.Cut(part, ".")
	return name != "" && nt.UTF16Len(name) <= 8 && nt.UTF16Len(ext) <= 3 && (!dotted || ext != "") && !strings.ContainsAny(part, " +,;=[]") &&
		!strings.Contains(ext, ".")
}

// wildcard types are one above those without (MS-SRVS 2.2.2.9).
func orWild(kind uint32, wild bool) uint32 {
	if wild {
		return kind | 1
	}
	return kind
}

// pathType finds what a path is, 0 if it is none.
func pathType(path string, old bool) uint32 {
	limit := maxPath
	if old {
		limit = maxOldPath
	}
	if n := nt.UTF16Len(path); n == 0 || n > limit || strings.ContainsRune(path, 0) {
		return 0
	}
	p := backslashes(path)
	if rest, ok := strings.CutPrefix(p, `\\.`); ok && strings.HasPrefix(rest, `\`) {
		return fileType(rest, gen.ITYPE_PATH_ABSD, old)
	}
	if strings.HasPrefix(p, `\\`) {
		return uncType(p[2:], old)
	}
	if kind, ok := deviceType(p); ok {
		return kind
	}
	if rest, ok := cutPrefixFold(p, `\DEV\`); ok {
		kind, ok := deviceType(rest)
		if !ok || kind == gen.ITYPE_DEVICE_CON || kind == gen.ITYPE_DEVICE_NUL {
			return 0
		}
		return kind
	}
	if isDrive(p) {
		switch rest := p[2:]; {
		case rest == "":
			return gen.ITYPE_DEVICE_DISK
		case isSeparator(rest[0]):
			return fileType(rest, gen.ITYPE_PATH_ABSD, old)
		default:
			return fileType(rest, gen.ITYPE_PATH_RELD, old)
		}
	}
	if p[0] != '\\' {
		return fileType(p, gen.ITYPE_PATH_RELND, old)
	}
	for _, o := range systemObjects {
		rest, ok := cutPrefixFold(p, `\`+o.name)
		switch {
		case !ok || rest != "" && rest[0] != '\\':
		case strings.Trim(rest, `\`) == "":
			return o.root
		default:
			if wild, ok := components(rest, false); !ok || wild {
				return 0
			}
			return o.local
		}
	}
	return fileType(p, gen.ITYPE_PATH_ABSND, old)
}

func fileType(p string, kind uint32, old bool) uint32 {
	wild, ok := components(p, old)
	if !ok {
		return 0
	}
	return orWild(kind, wild)
}

// uncType is of what follows two backslashes.
func uncType(p string, old bool) uint32 {
	computer, rest, more := strings.Cut(p, `\`)
	if computer == "*" && !more {
		return gen.ITYPE_UNC_WC
	}
	if validName(computer, gen.NAMETYPE_COMPUTER, false) != success {
		return 0
	}
	if !more {
		return gen.ITYPE_UNC_COMPNAME
	}
	root, below, deep := strings.Cut(rest, `\`)
	if root == "" || strings.HasSuffix(rest, `\`) || strings.ContainsAny(root, "*?") {
		return 0
	}
	for _, o := range systemObjects {
		if o.unc != 0 && deep && nt.EqualFold(root, o.name) {
			if wild, ok := components(below, false); !ok || wild {
				return 0
			}
			return o.unc
		}
	}
	return fileType(rest, gen.ITYPE_UNC, old)
}

// cutPrefixFold is strings.CutPrefix without regard to the case of ASCII letters; prefix is in upper case.
func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) {
		return s, false
	}
	for i := range len(prefix) {
		c := s[i]
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != prefix[i] {
			return s, false
		}
	}
	return s[len(prefix):], true
}

// canonicalPath removes what two spellings of a path differ by: slashes, separators in a row or at the end, "." and "..". It is
// false for a path that leaves its root.
func canonicalPath(path string) (string, bool) {
	p := backslashes(path)
	if _, ok := deviceType(p); ok {
		return nt.Upcase(strings.TrimSuffix(p, ":")), true
	}
	if rest, ok := cutPrefixFold(p, `\DEV\`); ok {
		return canonicalPath(rest)
	}
	root, fixed := "", 0 // parts that ".." does not remove
	switch {
	case strings.HasPrefix(p, `\\`):
		root, p, fixed = `\\`, p[2:], 2
	case isDrive(p):
		root, p = nt.Upcase(p[:2]), p[2:]
		if strings.HasPrefix(p, `\`) {
			root += `\`
		}
	case strings.HasPrefix(p, `\`):
		root = `\`
	}
	var parts []string
	for part := range strings.SplitSeq(p, `\`) {
		switch part {
		case "", ".":
		case "..":
			if len(parts) <= fixed {
				return "", false
			}
			parts = parts[:len(parts)-1]
		default:
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 && root == "" {
		return ".", true
	}
	return root + strings.Join(parts, `\`), true
}

// NetprPathType tells what a path is (MS-SRVS 3.1.4.29).
func (s *Server) NetprPathType(_ context.Context, _ *rpc.Call, in *gen.NetprPathTypeRequest) (*gen.NetprPathTypeResponse, error) {
	out := &gen.NetprPathTypeResponse{Return: invalidParam}
	if in.Flags&^oldRules != 0 {
		return out, nil
	}
	out.Return = success
	if out.PathType = pathType(in.PathName, in.Flags&oldRules != 0); out.PathType == 0 {
		out.Return = invalidName
	}
	return out, nil
}

// NetprPathCanonicalize brings a path, with a prefix before it, to its canonical form (MS-SRVS 3.1.4.30). OutbufLen counts bytes.
func (s *Server) NetprPathCanonicalize(_ context.Context, _ *rpc.Call, in *gen.NetprPathCanonicalizeRequest) (*gen.NetprPathCanonicalizeResponse, error) {
	out := &gen.NetprPathCanonicalizeResponse{PathType: in.PathType, Return: invalidParam}
	if in.Flags != 0 {
		return out, nil
	}
	out.Return = invalidName
	full := in.PathName
	if in.Prefix != "" {
		if pathType(in.Prefix, false) == 0 {
			return out, nil
		}
		full = in.Prefix
		if !isSeparator(full[len(full)-1]) && (in.PathName == "" || !isSeparator(in.PathName[0])) {
			full += `\`
		}
		full += in.PathName
	}
	if in.PathType == 0 && pathType(in.PathName, false) == 0 {
		return out, nil
	}
	if n := nt.UTF16Len(full); n == 0 || n > 2*maxPath {
		return out, nil
	}
	path, ok := canonicalPath(full)
	if !ok {
		return out, nil
	}
	kind := pathType(path, false)
	if kind == 0 {
		return out, nil
	}
	b := append(nt.AppendUTF16(nil, path), 0, 0)
	if uint64(len(b)) > uint64(in.OutbufLen) {
		out.Return = uint32(nt.NErrBufTooSmall)
		return out, nil
	}
	out.Outbuf = append(b, make([]byte, int(in.OutbufLen)-len(b))...) // bounded by the interface
	out.PathType, out.Return = kind, success
	return out, nil
}

// NetprPathCompare compares two paths (MS-SRVS 3.1.4.31): 0 if they are the same, else -1 or 1, or an error.
func (s *Server) NetprPathCompare(_ context.Context, _ *rpc.Call, in *gen.NetprPathCompareRequest) (*gen.NetprPathCompareResponse, error) {
	const canonical = 1 // both are
	out := &gen.NetprPathCompareResponse{Return: int32(invalidParam)}
	if in.Flags&^canonical != 0 {
		return out, nil
	}
	a, b := in.PathName1, in.PathName2
	if in.Flags&canonical == 0 {
		for _, p := range []*string{&a, &b} {
			c, ok := "", false
			if in.PathType != 0 || pathType(*p, false) != 0 {
				c, ok = canonicalPath(*p)
			}
			if !ok {
				out.Return = int32(invalidName)
				return out, nil
			}
			*p = c
		}
	}
	out.Return = int32(nt.CompareFold(a, b))
	return out, nil
}
