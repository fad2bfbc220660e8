package rpctest

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/ndr"
)

// Name is what a Recording knows of an interface.
type Name struct {
	Name         string
	UUID         nt.GUID
	Major, Minor uint16
}

// NameOf names an interface.
func NameOf(i *rpc.Interface) Name {
	return Name{Name: strings.Join(strings.Fields(i.Name), "_"), UUID: i.UUID, Major: i.Major, Minor: i.Minor}
}

// is reports whether both are the same interface; what it is called does not matter.
func (n Name) is(o Name) bool { return n.UUID == o.UUID && n.Major == o.Major && n.Minor == o.Minor }

// Exchange is one call: stub data, little-endian as all current implementations send it, and how it ended.
type Exchange struct {
	Interface Name
	Opnum     uint16
	Op        string // its name; may be empty
	Syntax    ndr.Syntax
	Request   []byte
	Response  []byte    // nil if Fault is set
	Fault     rpc.Fault // zero for a response
}

// Recording is calls in the order in which they ended.
type Recording struct {
	Exchanges []Exchange
}

// ErrRecording is what all errors of ParseRecording wrap.
var ErrRecording = errors.New("rpctest: recording")

// Append appends the text of a recording.
func (r *Recording) Append(b []byte) []byte {
	var at Name
	for i := range r.Exchanges {
		x := &r.Exchanges[i]
		if i == 0 || x.Interface != at {
			at = x.Interface
			if i > 0 {
				b = append(b, '\n')
			}
			b = fmt.Appendf(b, "interface %s %s %d.%d\n", orDash(at.Name), at.UUID, at.Major, at.Minor)
		}
		b = fmt.Appendf(b, "\ncall %d %s", x.Opnum, orDash(x.Op))
		if x.Syntax == ndr.NDR64 {
			b = append(b, " ndr64"...)
		}
		b = fmt.Appendf(b, "\nrequest %d\n", len(x.Request))
		b = appendHex(b, x.Request)
		if x.Fault != 0 {
			b = fmt.Appendf(b, "fault 0x%08x %s\n", uint32(x.Fault), x.Fault.Name())
			continue
		}
		b = fmt.Appendf(b, "response %d\n", len(x.Response))
		b = appendHex(b, x.Response)
	}
	return b
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func appendHex(b, data []byte) []byte {
	for len(data) > 0 {
		line := data[:min(16, len(data))]
		data = data[len(line):]
		b = append(b, "   "...)
		for _, c := range line {
			b = fmt.Appendf(b, " %02x", c)
		}
		b = append(b, strings.Repeat("   ", 16-len(line))...)
		b = append(b, "  |"...)
		for _, c := range line {
			if c < ' ' || c > '~' {
				c = '.'
			}
			b = append(b, c)
		}
		b = append(b, "|\n"...)
	}
	return b
}

// ParseRecording parses what Append made, or a person wrote.
func ParseRecording(text []byte) (Recording, error) {
	var p parser
	for line := range bytes.Lines(text) {
		p.line++
		if err := p.take(strings.TrimRight(string(line), "\r\n")); err != nil {
			return Recording{}, fmt.Errorf("%w: line %d: %w", ErrRecording, p.line, err)
		}
	}
	if err := p.end(); err != nil {
		return Recording{}, fmt.Errorf("%w: at the end: %w", ErrRecording, err)
	}
	return p.rec, nil
}

// parser is where ParseRecording stands.
type parser struct {
	rec   Recording
	line  int
	iface *Name
	call  *Exchange
	data  *[]byte // what hex lines go to
	want  int     // how long it is to become
	asked bool    // the call has a request
}

func (p *parser) take(line string) error {
	if t := strings.TrimSpace(line); t == "" || t[0] == '#' {
		return nil
	}
	if line[0] == ' ' || line[0] == '\t' {
		return p.hex(line)
	}
	f := strings.Fields(line)
	switch f[0] {
	case "interface":
		return p.beginInterface(f[1:])
	case "call":
		return p.beginCall(f[1:])
	case "request", "response":
		return p.beginData(f)
	case "fault":
		return p.fault(f[1:])
	}
	return fmt.Errorf("%q; it begins with interface, call, request, response, fault, a blank or #", f[0])
}

func (p *parser) hex(line string) error {
	if p.data == nil {
		return errors.New("octets without request or response above them")
	}
	line, _, _ = strings.Cut(line, "|")
	b, err := hex.DecodeString(strings.Join(strings.Fields(line), ""))
	if err != nil {
		return err
	}
	if len(*p.data)+len(b) > p.want {
		return fmt.Errorf("more than the %d octets announced", p.want)
	}
	*p.data = append(*p.data, b...)
	return nil
}

// full checks that the data before has come whole.
func (p *parser) full() error {
	if p.data != nil && len(*p.data) < p.want {
		return fmt.Errorf("%d of %d octets", len(*p.data), p.want)
	}
	p.data = nil
	return nil
}

// end ends a call.
func (p *parser) end() error {
	if err := p.full(); err != nil {
		return err
	}
	if x := p.call; x != nil {
		if x.Response == nil && x.Fault == 0 {
			return errors.New("the call has no response and no fault")
		}
		p.rec.Exchanges = append(p.rec.Exchanges, *x)
	}
	p.call, p.asked = nil, false
	return nil
}

func (p *parser) beginInterface(f []string) error {
	if err := p.end(); err != nil {
		return err
	}
	if len(f) != 3 {
		return errors.New("interface NAME UUID MAJOR.MINOR")
	}
	n := Name{Name: undash(f[0])}
	var err error
	if n.UUID, err = nt.ParseGUID(f[1]); err != nil {
		return err
	}
	major, minor, _ := strings.Cut(f[2], ".")
	if err := parseUint(major, &n.Major); err != nil {
		return err
	}
	if err := parseUint(minor, &n.Minor); err != nil {
		return err
	}
	p.iface = &n
	return nil
}

func (p *parser) beginCall(f []string) error {
	if err := p.end(); err != nil {
		return err
	}
	if p.iface == nil {
		return errors.New("a call before its interface")
	}
	if len(f) < 2 || len(f) > 3 || len(f) == 3 && f[2] != "ndr64" {
		return errors.New("call OPNUM NAME [ndr64]")
	}
	p.call = &Exchange{Interface: *p.iface, Op: undash(f[1])}
	if len(f) == 3 {
		p.call.Syntax = ndr.NDR64
	}
	return parseUint(f[0], &p.call.Opnum)
}

func (p *parser) beginData(f []string) error {
	if err := p.full(); err != nil {
		return err
	}
	if p.call == nil || len(f) != 2 {
		return fmt.Errorf("%s LENGTH, below a call", f[0])
	}
	n, err := strconv.ParseUint(f[1], 10, 31)
	if err != nil {
		return err
	}
	p.want = int(n)
	switch {
	case f[0] == "request" && !p.asked:
		p.data, p.asked = &p.call.Request, true
	case f[0] == "response" && p.asked && p.call.Response == nil && p.call.Fault == 0:
		p.data = &p.call.Response
	default:
		return fmt.Errorf("a call has one request and then one response or fault; this %s is one too many or too early", f[0])
	}
	*p.data = []byte{}
	return nil
}

func (p *parser) fault(f []string) error {
	if err := p.full(); err != nil {
		return err
	}
	if !p.asked || p.call.Response != nil || p.call.Fault != 0 || len(f) < 1 || len(f) > 2 {
		return errors.New("fault CODE [NAME], below a request")
	}
	code, err := strconv.ParseUint(f[0], 0, 32)
	if err == nil && code == 0 {
		err = errors.New("a fault is not 0")
	}
	p.call.Fault = rpc.Fault(code)
	return err
}

func parseUint(s string, v *uint16) error {
	n, err := strconv.ParseUint(s, 10, 16)
	*v = uint16(n)
	return err
}

func undash(s string) string {
	if s == "-" {
		return ""
	}
	return s
}
