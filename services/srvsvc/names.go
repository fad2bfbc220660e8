package srvsvc

import (
	"context"
	"strings"

	gen "lwio/gen/srvsvc"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// nameRule is a row of the table in MS-SRVS 2.2.2.8.
type nameRule struct {
	min, max   int
	lmMax      int    // by the rules of LAN Manager 2.x
	invalid    string // besides what the name types have in common
	anything   bool   // only NUL is refused, and case counts: passwords
	dotsSpaces bool   // may consist of dots and spaces only
	noBlanks   bool   // neither leading nor trailing
}

const (
	commonInvalid = `"/\[]:|<>+=;,?`
	lmNames       = 0x80000000 // LM2.x rules
	lastNameType  = gen.NAMETYPE_WORKGROUP
)

var nameRules = [lastNameType + 1]nameRule{
	gen.NAMETYPE_USER:          {min: 1, max: 256, lmMax: 20},
	gen.NAMETYPE_PASSWORD:      {max: 256, lmMax: 14, anything: true, dotsSpaces: true},
	gen.NAMETYPE_GROUP:         {min: 1, max: 256, lmMax: 20},
	gen.NAMETYPE_COMPUTER:      {min: 1, max: 260, lmMax: 15, invalid: "*", noBlanks: true},
	gen.NAMETYPE_EVENT:         {min: 1, max: 16, lmMax: 16},
	gen.NAMETYPE_DOMAIN:        {min: 1, max: 15, lmMax: 15, invalid: "* "},
	gen.NAMETYPE_SERVICE:       {min: 1, max: 80, lmMax: 15},
	gen.NAMETYPE_NET:           {min: 1, max: 260, lmMax: 260},
	gen.NAMETYPE_SHARE:         {min: 1, max: 80, lmMax: 12},
	gen.NAMETYPE_MESSAGE:       {min: 1, max: 15, lmMax: 15},
	gen.NAMETYPE_MESSAGEDEST:   {min: 1, max: 260, lmMax: 260},
	gen.NAMETYPE_SHAREPASSWORD: {max: 8, lmMax: 8, anything: true, dotsSpaces: true},
	gen.NAMETYPE_WORKGROUP:     {min: 1, max: 15, lmMax: 15, invalid: "*"},
}

// validName checks a name of a type. MESSAGEDEST alone may end in an asterisk, for everybody whose name begins so.
func validName(name string, kind uint32, lm bool) uint32 {
	if kind == 0 || kind > lastNameType {
		return invalidParam
	}
	r := &nameRules[kind]
	limit := r.max
	if lm {
		limit = r.lmMax
	}
	if n := nt.UTF16Len(name); n < r.min || n > limit || strings.ContainsRune(name, 0) {
		return invalidName
	}
	if r.anything {
		return success
	}
	if strings.ContainsAny(name, commonInvalid) || strings.ContainsAny(name, r.invalid) || !r.dotsSpaces && strings.Trim(name, ". ") == "" ||
		r.noBlanks && strings.TrimSpace(name) != name {
		return invalidName
	}
	for i := range len(name) {
		if name[i] < ' ' {
			return invalidName
		}
	}
	return success
}

// NetprNameValidate checks a name (MS-SRVS 3.1.4.32).
func (s *Server) NetprNameValidate(_ context.Context, _ *rpc.Call, in *gen.NetprNameValidateRequest) (*gen.NetprNameValidateResponse, error) {
	out := &gen.NetprNameValidateResponse{Return: invalidParam}
	if in.Flags&^lmNames == 0 {
		out.Return = validName(in.Name, in.NameType, in.Flags != 0)
	}
	return out, nil
}

// canonicalName is the form in which equal names are the same: passwords as they are, all else in upper case.
func canonicalName(name string, kind uint32) string {
	if nameRules[kind].anything {
		return name
	}
	return nt.Upcase(name)
}

// NetprNameCanonicalize brings a name to its canonical form (MS-SRVS 3.1.4.33). OutbufLen counts characters, the terminator among them.
func (s *Server) NetprNameCanonicalize(_ context.Context, _ *rpc.Call, in *gen.NetprNameCanonicalizeRequest) (*gen.NetprNameCanonicalizeResponse, error) {
	const wholeBuffer = 1 // the buffer has to have room for any name of the type
	out := &gen.NetprNameCanonicalizeResponse{Return: invalidParam}
	if in.Flags&^(lmNames|wholeBuffer) != 0 {
		return out, nil
	}
	lm := in.Flags&lmNames != 0
	if out.Return = validName(in.Name, in.NameType, lm); out.Return != success {
		return out, nil
	}
	name := nt.ToUTF16(canonicalName(in.Name, in.NameType))
	need := len(name)
	if in.Flags&wholeBuffer != 0 {
		need = nameRules[in.NameType].max
		if lm {
			need = nameRules[in.NameType].lmMax
		}
	}
	if uint64(need)+1 > uint64(in.OutbufLen) {
		out.Return = uint32(nt.NErrBufTooSmall)
		return out, nil
	}
	out.Outbuf = make([]uint16, in.OutbufLen) // bounded by the interface
	copy(out.Outbuf, name)
	return out, nil
}

// NetprNameCompare compares two names (MS-SRVS 3.1.4.34): 0 if they are the same, else -1 or 1, or an error.
func (s *Server) NetprNameCompare(_ context.Context, _ *rpc.Call, in *gen.NetprNameCompareRequest) (*gen.NetprNameCompareResponse, error) {
	const canonical = 1 // both are
	out := &gen.NetprNameCompareResponse{Return: int32(invalidParam)}
	if in.Flags&^(lmNames|canonical) != 0 || in.NameType == 0 || in.NameType > lastNameType {
		return out, nil
	}
	a, b := in.Name1, in.Name2
	if in.Flags&canonical == 0 {
		for _, name := range []string{a, b} {
			if result := validName(name, in.NameType, in.Flags&lmNames != 0); result != success {
				out.Return = int32(result)
				return out, nil
			}
		}
		a, b = canonicalName(a, in.NameType), canonicalName(b, in.NameType)
	}
	out.Return = int32(strings.Compare(a, b))
	return out, nil
}
