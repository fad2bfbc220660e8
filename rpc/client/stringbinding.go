package client

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"unicode/utf8"

	"lwio/iomgr/nt"
	"lwio/rpc"
)

// The protocol sequences that a StringBinding can have (MS-RPCE 2.1.1).
const (
	ProtocolPipe  = "ncacn_np"     // named pipes over SMB
	ProtocolTCP   = "ncacn_ip_tcp" // TCP
	ProtocolLocal = "ncalrpc"      // this machine
)

// StringBinding is a string binding in its parts (C706 appendix I): who serves, where, and how to speak with it.
type StringBinding struct {
	Object   nt.GUID // zero for none
	Protocol string  // one of Protocol…
	Host     string  // name or address; empty is this machine
	Endpoint string  // name of the pipe without \pipe\, port, or name of the local endpoint; empty is where the interface is by itself

	AuthType uint8         // rpc.AuthTypeNone: whoever the transport says
	Level    rpc.AuthLevel // zero without an AuthType
	Service  string        // of the server's principal; empty is the caller's choice
	Target   string        // host of the server's principal; empty is Host
}

// ErrBinding is what all errors of ParseStringBinding wrap.
var ErrBinding = errors.New("rpc: string binding")

// maxStringBinding bounds what is parsed.
const maxStringBinding = 2048

// options are those that can be given, in the order in which String writes them. The names are those that Samba's tools take.
const options = "sign, seal, connect, packet, krb5, ntlm, spnego, smb2, endpoint=, target_hostname=, target_principal="

var levels = []struct {
	option string
	level  rpc.AuthLevel
}{
	{"connect", rpc.AuthLevelConnect}, {"packet", rpc.AuthLevelPacket}, {"sign", rpc.AuthLevelPktIntegrity}, {"seal", rpc.AuthLevelPktPrivacy},
}

var authTypes = []struct {
	option string
	typ    uint8
}{
	{"spnego", rpc.AuthTypeSPNEGO}, {"krb5", rpc.AuthTypeKerberos}, {"ntlm", rpc.AuthTypeNTLM},
}

// ParseStringBinding parses `object@protocol:host[endpoint,option,…]`:
//
//	ncacn_np:dc1.lab.test[\pipe\lsarpc,sign]
//	ncacn_ip_tcp:10.53.57.1[135]
//	ncalrpc:[lwio]
//	12345778-1234-abcd-ef00-0123456789ab@ncacn_np:server
//
// A backslash before one of @ : [ ] , = \ takes that character for itself; before any other it is one, so that the pipe of the
// first example may be written as it is, or with each backslash doubled. `\pipe\x`, `\PIPE\x` and `x` are the same pipe.
//
// Options: connect, packet, sign and seal are levels of authentication, spnego, krb5 and ntlm its types. A level without a type is SPNEGO's, a
// type without a level signs. smb2 is how pipes are reached anyway. endpoint=x is x in the first place; target_hostname=h and
// target_principal=service/h say who the server has to prove to be. Any other is refused.
func ParseStringBinding(s string) (StringBinding, error) {
	b, err := parseStringBinding(s)
	if err != nil {
		return StringBinding{}, fmt.Errorf("%w %q: %w", ErrBinding, shorten(s), err)
	}
	return b, nil
}

func shorten(s string) string {
	if len(s) > 100 {
		return s[:100] + "…"
	}
	return s
}

// special are the characters with a meaning; a backslash takes it from them.
const special = `@:[],=\`

// cut splits at the first of any of the separators that stands for itself and unescapes what is before it.
func cut(s, separators string) (before string, sep byte, after string) {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '\\' && i+1 < len(s) && strings.IndexByte(special, s[i+1]) >= 0 {
			i++
			out.WriteByte(s[i])
			continue
		}
		if strings.IndexByte(separators, c) >= 0 {
			return out.String(), c, s[i+1:]
		}
		out.WriteByte(c)
	}
	return out.String(), 0, ""
}

func parseStringBinding(s string) (b StringBinding, err error) {
	if len(s) > maxStringBinding {
		return b, fmt.Errorf("longer than %d octets", maxStringBinding)
	}
	if !utf8.ValidString(s) || strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7F }) >= 0 {
		return b, errors.New("control characters, or no UTF-8")
	}
	head, sep, rest := cut(s, "@:[")
	if sep == '@' {
		if b.Object, err = nt.ParseGUID(head); err != nil {
			return b, fmt.Errorf("object %q is no UUID", head)
		}
		head, sep, rest = cut(rest, ":[")
	}
	b.Protocol = strings.ToLower(head)
	switch b.Protocol {
	case ProtocolPipe, ProtocolTCP, ProtocolLocal:
	default:
		return b, fmt.Errorf("protocol %q; there are %s, %s and %s", head, ProtocolPipe, ProtocolTCP, ProtocolLocal)
	}
	if sep != ':' {
		return b, fmt.Errorf("%s has to be followed by a colon", b.Protocol)
	}
	b.Host, sep, rest = cut(rest, "[")
	if err := b.checkHost(); err != nil {
		return b, err
	}
	for n := 0; sep == '[' || sep == ','; n++ {
		var field, value string
		field, sep, rest = cut(rest, ",=]")
		named := sep == '='
		if named {
			value, sep, rest = cut(rest, ",]")
		}
		switch {
		case sep == 0:
			return b, errors.New("there is no closing bracket")
		case n == 0 && !named:
			err = b.setEndpoint(field)
		case field == "" && !named:
		default:
			err = b.setOption(strings.ToLower(field), value, named)
		}
		if err != nil {
			return b, err
		}
	}
	if rest != "" {
		return b, fmt.Errorf("%q after the closing bracket", rest)
	}
	return b, b.settle()
}

func (b *StringBinding) checkHost() error {
	if b.Protocol == ProtocolPipe {
		b.Host = strings.TrimLeft(b.Host, `\`) // \\server
	}
	if b.Host != "" && b.Protocol == ProtocolLocal {
		return fmt.Errorf("%s is this machine, not %s", ProtocolLocal, b.Host)
	}
	if strings.ContainsAny(b.Host, `\/[]@, `) {
		return fmt.Errorf("%q is no host", b.Host)
	}
	return nil
}

func (b *StringBinding) setEndpoint(s string) error {
	if b.Endpoint != "" && s != "" {
		return fmt.Errorf("two endpoints, %s and %s", b.Endpoint, s)
	}
	if s == "" {
		return nil
	}
	if b.Protocol == ProtocolTCP {
		n, err := strconv.ParseUint(s, 10, 16)
		if err != nil || n == 0 {
			return fmt.Errorf("endpoint %q of %s is no port", s, ProtocolTCP)
		}
		b.Endpoint = strconv.FormatUint(n, 10)
		return nil
	}
	if b.Endpoint = pipeName(s); b.Endpoint == "" {
		return fmt.Errorf("endpoint %q has no name", s)
	}
	return nil
}

// pipeName takes away what every pipe's name begins with.
func pipeName(s string) string {
	const prefix = `\pipe\`
	if len(s) >= len(prefix) && nt.EqualFold(s[:len(prefix)], prefix) {
		s = s[len(prefix):]
	}
	return strings.TrimLeft(s, `\`)
}

func (b *StringBinding) setOption(name, value string, named bool) error {
	if named {
		if value == "" {
			return fmt.Errorf("option %s= needs a value", name)
		}
		switch name {
		case "endpoint":
			return b.setEndpoint(value)
		case "target_hostname":
			b.Target = value
			return b.checkTarget()
		case "target_principal":
			service, host, ok := strings.Cut(value, "/")
			if !ok || service == "" || host == "" {
				return fmt.Errorf("target_principal %q is not service/host", value)
			}
			b.Service, b.Target = service, host
			return b.checkTarget()
		}
	} else {
		for _, l := range levels {
			if l.option == name {
				if b.Level != 0 && b.Level != l.level {
					return fmt.Errorf("two levels of authentication, %s and %s", levelName(b.Level), name)
				}
				b.Level = l.level
				return nil
			}
		}
		for _, t := range authTypes {
			if t.option == name {
				if b.AuthType != 0 && b.AuthType != t.typ {
					return fmt.Errorf("two types of authentication, %s and %s", typeName(b.AuthType), name)
				}
				b.AuthType = t.typ
				return nil
			}
		}
		if name == "smb2" && b.Protocol == ProtocolPipe {
			return nil
		}
	}
	if why, ok := refused[name]; ok {
		return fmt.Errorf("option %s: %s", name, why)
	}
	return fmt.Errorf("option %q; there are %s", name, options)
}

// refused are options of other implementations, with what to do instead.
var refused = map[string]string{
	"smb1": "SMB 1 is not spoken; leave it out", "bigendian": "requests are sent in little-endian, answers read in either; leave it out",
	"ndr64": "calls are made in NDR 2.0; leave it out", "schannel": "not a type of string bindings here; take krb5, ntlm or spnego",
	"smb2": "is for " + ProtocolPipe, "validate": "takes effect in Samba's tools only; leave it out", "print": "takes effect in Samba's tools only; leave it out",
	"padcheck": "takes effect in Samba's tools only; leave it out",
}

// checkTarget keeps out of the name what would make it another principal's.
func (b *StringBinding) checkTarget() error {
	if strings.ContainsAny(b.Target, `\/@ `) || strings.ContainsAny(b.Service, `\@ `) {
		return fmt.Errorf("%q is no host of a principal", b.Target)
	}
	return nil
}

// settle gives what was left open of the authentication its value.
func (b *StringBinding) settle() error {
	if b.Level != 0 && b.AuthType == 0 {
		b.AuthType = rpc.AuthTypeSPNEGO
	}
	if b.AuthType != 0 && b.Level == 0 {
		b.Level = rpc.AuthLevelPktIntegrity
	}
	if b.AuthType != 0 && b.Protocol == ProtocolLocal {
		return fmt.Errorf("%s needs no authentication: the system says who calls", ProtocolLocal)
	}
	return nil
}

func levelName(l rpc.AuthLevel) string {
	for _, x := range levels {
		if x.level == l {
			return x.option
		}
	}
	return l.String()
}

func typeName(t uint8) string {
	for _, x := range authTypes {
		if x.typ == t {
			return x.option
		}
	}
	return strconv.Itoa(int(t))
}

// escape puts a backslash before every special character.
func escape(b *strings.Builder, s, chars string) {
	for i := 0; i < len(s); i++ {
		if strings.IndexByte(chars, s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
}

// String is the string binding that ParseStringBinding takes apart into b.
func (b StringBinding) String() string {
	var out strings.Builder
	if !b.Object.IsZero() {
		out.WriteString(b.Object.String() + "@")
	}
	out.WriteString(b.Protocol + ":")
	out.WriteString(b.Host)
	parts := []string{}
	add := func(name, value string) {
		var p strings.Builder
		p.WriteString(name)
		if value != "" {
			escape(&p, value, special)
		}
		parts = append(parts, p.String())
	}
	add("", b.Endpoint)
	if b.Endpoint != "" && b.Protocol == ProtocolPipe {
		parts[0] = `\pipe\` + parts[0]
		if strings.IndexByte(special, b.Endpoint[0]) >= 0 {
			parts[0] = `\pipe\` + parts[0][len(`\pipe`):] // or the last backslash would be the name's
		}
	}
	if b.AuthType != 0 {
		add(typeName(b.AuthType), "")
		add(levelName(b.Level), "")
	}
	switch {
	case b.Service != "":
		add("target_principal=", b.Service+"/"+b.Target)
	case b.Target != "":
		add("target_hostname=", b.Target)
	}
	if len(parts) > 1 || b.Endpoint != "" || b.Protocol == ProtocolLocal {
		out.WriteString("[" + strings.Join(parts, ",") + "]")
	}
	return out.String()
}

// address is the TCP address.
func (b *StringBinding) address() string { return net.JoinHostPort(b.Host, b.Endpoint) }

// hostName is the host without the port that a server of pipes may have (`server:4450`).
func (b *StringBinding) hostName() string {
	if host, port, ok := strings.Cut(b.Host, ":"); ok && b.Protocol == ProtocolPipe && !strings.Contains(port, ":") {
		return host
	}
	return b.Host
}

// resolve fills in the endpoint that the interface has by itself.
func (b *StringBinding) resolve(iface *rpc.Interface) error {
	if b.Endpoint != "" {
		return nil
	}
	for _, s := range iface.Endpoints {
		e, err := ParseStringBinding(s)
		if err == nil && e.Endpoint != "" && (e.Protocol == b.Protocol || e.Protocol == ProtocolPipe && b.Protocol == ProtocolLocal) {
			b.Endpoint = e.Endpoint // a local endpoint is a pipe of this machine
			return nil
		}
	}
	return fmt.Errorf("%w %q: %s has no endpoint of its own on %s: name it in brackets", ErrBinding, b.String(), iface.Name, b.Protocol)
}
