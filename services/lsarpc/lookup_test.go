package lsarpc_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"lwio/gen/dtyp"
	gen "lwio/gen/lsarpc"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/ndr"
	"lwio/services/lsarpc"
)

// A result is what any of the lookups says, in one form: "use name or SID @domain", the domain's name and SID.
type result struct {
	rows    []string
	mapped  uint32
	status  nt.Status
	domains bool // a list is there at all
}

func at(list *gen.LSAPR_REFERENCED_DOMAIN_LIST, i int32) string {
	if i == -1 {
		return ""
	}
	sid, _ := list.Domains[i].Sid.SID()
	return fmt.Sprintf(" @%s=%s", list.Domains[i].Name, sid)
}

// whole is the SID that a client makes of a domain and a RID.
func whole(list *gen.LSAPR_REFERENCED_DOMAIN_LIST, use gen.SID_NAME_USE, rid uint32, i int32) string {
	if i == -1 {
		return fmt.Sprintf("%d -%d", use, rid)
	}
	sid, _ := list.Domains[i].Sid.SID()
	if use == gen.SidTypeDomain {
		return fmt.Sprintf("%d %s-%x", use, sid, rid)
	}
	return fmt.Sprintf("%d %s", use, sid.Child(rid))
}

func unicode(names []string) []dtyp.RPC_UNICODE_STRING {
	out := make([]dtyp.RPC_UNICODE_STRING, len(names))
	for i, n := range names {
		if n != "NULL" {
			out[i] = dtyp.NewRPC_UNICODE_STRING(n)
		}
	}
	return out
}

type nameLookup func(*testing.T, *gen.Client, rpc.ContextHandle, []string, gen.LSAP_LOOKUP_LEVEL) (result, error)

var nameLookups = map[string]nameLookup{
	"LsarLookupNames": func(t *testing.T, c *gen.Client, h rpc.ContextHandle, names []string, level gen.LSAP_LOOKUP_LEVEL) (r result, err error) {
		out, err := c.LsarLookupNames(t.Context(), &gen.LsarLookupNamesRequest{PolicyHandle: h, Names: unicode(names), LookupLevel: level})
		if err != nil {
			return r, err
		}
		for _, x := range out.TranslatedSids.Sids {
			r.rows = append(r.rows, whole(out.ReferencedDomains, x.Use, x.RelativeId, x.DomainIndex)+at(out.ReferencedDomains, x.DomainIndex))
		}
		r.mapped, r.status, r.domains = out.MappedCount, status(out.Return), out.ReferencedDomains != nil
		return r, nil
	},
	"LsarLookupNames2": func(t *testing.T, c *gen.Client, h rpc.ContextHandle, names []string, level gen.LSAP_LOOKUP_LEVEL) (r result, err error) {
		out, err := c.LsarLookupNames2(t.Context(), &gen.LsarLookupNames2Request{PolicyHandle: h, Names: unicode(names), LookupLevel: level, ClientRevision: 2})
		if err != nil {
			return r, err
		}
		for _, x := range out.TranslatedSids.Sids {
			r.rows = append(r.rows, whole(out.ReferencedDomains, x.Use, x.RelativeId, x.DomainIndex)+at(out.ReferencedDomains, x.DomainIndex))
		}
		r.mapped, r.status, r.domains = out.MappedCount, status(out.Return), out.ReferencedDomains != nil
		return r, nil
	},
	"LsarLookupNames3": func(t *testing.T, c *gen.Client, h rpc.ContextHandle, names []string, level gen.LSAP_LOOKUP_LEVEL) (r result, err error) {
		out, err := c.LsarLookupNames3(t.Context(), &gen.LsarLookupNames3Request{PolicyHandle: h, Names: unicode(names), LookupLevel: level, LookupOptions: 0x80000000, ClientRevision: 2})
		if err != nil {
			return r, err
		}
		for _, x := range out.TranslatedSids.Sids {
			sid, err := x.Sid.SID()
			if err != nil {
				return r, err
			}
			row := fmt.Sprintf("%d %s", x.Use, sid)
			switch {
			case x.Sid == nil:
				row = fmt.Sprintf("%d -0", x.Use)
			case x.Use == gen.SidTypeDomain:
				row += "-ffffffff" // as whole writes it
			}
			r.rows = append(r.rows, row+at(out.ReferencedDomains, x.DomainIndex))
		}
		r.mapped, r.status, r.domains = out.MappedCount, status(out.Return), out.ReferencedDomains != nil
		return r, nil
	},
}

func TestLookupNames(t *testing.T) {
	m := machine.String()
	in := func(name, row string) [2]string { return [2]string{name, row} }
	local := " @GRÖSSE=" + m
	for _, tt := range []struct {
		pairs []([2]string)
		want  nt.Status
	}{
		{[][2]string{in("Administrator", "1 "+m+"-500"+local)}, nt.StatusSuccess},
		{[][2]string{in(`grösse\JÜRGEN`, "1 "+m+"-1000"+local), in("共有$", "9 "+m+"-1001"+local), in("none", "2 "+m+"-513"+local)}, nt.StatusSuccess},
		{[][2]string{in("GRÖSSE", "3 "+m+"-ffffffff"+local), in("BUILTIN", "3 S-1-5-32-ffffffff @BUILTIN=S-1-5-32"), in("NULL", "3 S-1-5-32-ffffffff @BUILTIN=S-1-5-32"), in("", "3 S-1-5-32-ffffffff @BUILTIN=S-1-5-32")}, nt.StatusSuccess},
		{[][2]string{in(`BUILTIN\Administrators`, "4 S-1-5-32-544 @BUILTIN=S-1-5-32"), in("Everyone", "5 S-1-1-0 @=S-1-1"), in(`NT AUTHORITY\SYSTEM`, "5 S-1-5-18 @NT AUTHORITY=S-1-5")}, nt.StatusSuccess},
		{[][2]string{in("Everyone", "5 S-1-1-0 @=S-1-1"), in("nobody", "8 -0"), in(`GRÖSSE\nobody`, "8 -0")}, nt.StatusSomeNotMapped},
		{[][2]string{in("nobody", "8 -0")}, nt.StatusNoneMapped},
		{[][2]string{in("gone", "8 -0"), in("broken", "8 -0"), in("a\xed\xa0\x80b", "8 -0"), in("nul\x00byte", "8 -0")}, nt.StatusNoneMapped},
		{nil, nt.StatusSuccess},
	} {
		var names, rows []string
		mapped := uint32(0)
		for _, p := range tt.pairs {
			names, rows = append(names, p[0]), append(rows, p[1])
			if p[1][0] != '8' {
				mapped++
			}
		}
		for name, lookup := range nameLookups {
			c := connect(t, newAuthority(), user)
			got, err := lookup(t, c, open(t, c, nt.PolicyLookupNames), names, gen.LsapLookupWksta)
			if err != nil || got.status != tt.want || got.mapped != mapped || !slices.Equal(got.rows, rows) || !got.domains {
				t.Errorf("%s of %q: %+v, %v, want %q, %v", name, names, got, err, rows, tt.want)
			}
		}
	}
}

// A SID that is deeper than its authority: what a client puts together is right, and whole SIDs keep to the authority's name for the domain.
func TestLookupNamesDeep(t *testing.T) {
	c := connect(t, newAuthority(), user)
	h := open(t, c, nt.PolicyLookupNames)
	for name, want := range map[string]string{
		"LsarLookupNames":  "5 S-1-5-64-10 @NT AUTHORITY=S-1-5-64",
		"LsarLookupNames2": "5 S-1-5-64-10 @NT AUTHORITY=S-1-5-64",
		"LsarLookupNames3": "5 S-1-5-64-10 @NT AUTHORITY=S-1-5",
	} {
		got, err := nameLookups[name](t, c, h, []string{"NTLM Authentication"}, 1)
		if err != nil || !slices.Equal(got.rows, []string{want}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

type sidLookup func(*testing.T, *gen.Client, rpc.ContextHandle, []gen.LSAPR_SID_INFORMATION, gen.LSAP_LOOKUP_LEVEL) (result, error)

var sidLookups = map[string]sidLookup{
	"LsarLookupSids": func(t *testing.T, c *gen.Client, h rpc.ContextHandle, sids []gen.LSAPR_SID_INFORMATION, level gen.LSAP_LOOKUP_LEVEL) (r result, err error) {
		out, err := c.LsarLookupSids(t.Context(), &gen.LsarLookupSidsRequest{PolicyHandle: h, SidEnumBuffer: gen.LSAPR_SID_ENUM_BUFFER{SidInfo: sids}, LookupLevel: level})
		if err != nil {
			return r, err
		}
		for _, x := range out.TranslatedNames.Names {
			r.rows = append(r.rows, fmt.Sprintf("%d %s%s", x.Use, x.Name, at(out.ReferencedDomains, x.DomainIndex)))
		}
		r.mapped, r.status, r.domains = out.MappedCount, status(out.Return), out.ReferencedDomains != nil
		return r, nil
	},
	"LsarLookupSids2": func(t *testing.T, c *gen.Client, h rpc.ContextHandle, sids []gen.LSAPR_SID_INFORMATION, level gen.LSAP_LOOKUP_LEVEL) (r result, err error) {
		out, err := c.LsarLookupSids2(t.Context(), &gen.LsarLookupSids2Request{PolicyHandle: h, SidEnumBuffer: gen.LSAPR_SID_ENUM_BUFFER{SidInfo: sids}, LookupLevel: level, ClientRevision: 2})
		if err != nil {
			return r, err
		}
		for _, x := range out.TranslatedNames.Names {
			r.rows = append(r.rows, fmt.Sprintf("%d %s%s", x.Use, x.Name, at(out.ReferencedDomains, x.DomainIndex)))
		}
		r.mapped, r.status, r.domains = out.MappedCount, status(out.Return), out.ReferencedDomains != nil
		return r, nil
	},
}

func sidList(sids ...string) []gen.LSAPR_SID_INFORMATION {
	out := make([]gen.LSAPR_SID_INFORMATION, len(sids))
	for i, s := range sids {
		if s != "" {
			out[i].Sid = dtyp.NewRPC_SID(nt.MustSID(s))
		}
	}
	return out
}

func TestLookupSids(t *testing.T) {
	m := machine.String()
	local := " @GRÖSSE=" + m
	for _, tt := range []struct {
		sids, rows []string
		mapped     uint32
		want       nt.Status
	}{
		{[]string{m + "-500", m + "-1000", m + "-1001"}, []string{"1 Administrator" + local, "1 Jürgen" + local, "9 共有$" + local}, 3, nt.StatusSuccess},
		{[]string{m, "S-1-5-32", "S-1-5-32-544"}, []string{"3 GRÖSSE" + local, "3 BUILTIN @BUILTIN=S-1-5-32", "4 Administrators @BUILTIN=S-1-5-32"}, 3, nt.StatusSuccess},
		{[]string{"S-1-1-0", "S-1-5-18", "S-1-5-64-10"}, []string{"5 Everyone @=S-1-1", "5 SYSTEM @NT AUTHORITY=S-1-5", "5 NTLM Authentication @NT AUTHORITY=S-1-5"}, 3, nt.StatusSuccess},
		{[]string{m + "-9999", m + "-500", "S-1-5-21-1-2-3-4", m + "-1002"}, []string{"8 0000270f" + local, "1 Administrator" + local, "8 S-1-5-21-1-2-3-4", "8 000003ea" + local}, 1, nt.StatusSomeNotMapped},
		{[]string{"S-1-5-21-1-2-3-4", "S-1-0x123456789abc-7"}, []string{"8 S-1-5-21-1-2-3-4", "8 S-1-0x123456789abc-7"}, 0, nt.StatusNoneMapped},
		{[]string{m + "-4294967295"}, []string{"8 ffffffff" + local}, 0, nt.StatusNoneMapped},
		{nil, nil, 0, nt.StatusSuccess},
	} {
		for name, lookup := range sidLookups {
			c := connect(t, newAuthority(), user)
			got, err := lookup(t, c, open(t, c, nt.PolicyLookupNames), sidList(tt.sids...), gen.LsapLookupWksta)
			if err != nil || got.status != tt.want || got.mapped != tt.mapped || !slices.Equal(got.rows, tt.rows) || !got.domains {
				t.Errorf("%s of %q: %+v, %v, want %q, %v", name, tt.sids, got, err, tt.rows, tt.want)
			}
		}
	}
}

// lookups are all five, for what is refused alike.
func lookups() map[string]func(*testing.T, *gen.Client, rpc.ContextHandle, gen.LSAP_LOOKUP_LEVEL) (result, error) {
	all := map[string]func(*testing.T, *gen.Client, rpc.ContextHandle, gen.LSAP_LOOKUP_LEVEL) (result, error){}
	for name, f := range nameLookups {
		all[name] = func(t *testing.T, c *gen.Client, h rpc.ContextHandle, l gen.LSAP_LOOKUP_LEVEL) (result, error) {
			return f(t, c, h, []string{"Jürgen"}, l)
		}
	}
	for name, f := range sidLookups {
		all[name] = func(t *testing.T, c *gen.Client, h rpc.ContextHandle, l gen.LSAP_LOOKUP_LEVEL) (result, error) {
			return f(t, c, h, sidList("S-1-5-32-544"), l)
		}
	}
	return all
}

func TestLookupRefused(t *testing.T) {
	for name, lookup := range lookups() {
		a := newAuthority()
		c := connect(t, a, admin)
		h := open(t, c, nt.MaximumAllowed)
		weak := open(t, c, nt.PolicyAllAccess&^nt.PolicyLookupNames)
		for _, tt := range []struct {
			what  string
			h     rpc.ContextHandle
			level gen.LSAP_LOOKUP_LEVEL
			want  nt.Status
			rows  int
		}{
			{"a handle without the right", weak, 1, nt.StatusAccessDenied, 0},
			{"level 0", h, 0, nt.StatusInvalidParameter, 0},
			{"level 8", h, 8, nt.StatusInvalidParameter, 0},
			{"a level for domain controllers", h, 2, nt.StatusNoneMapped, 1},
			{"the last level", h, 7, nt.StatusNoneMapped, 1},
			{"nothing", h, 1, nt.StatusSuccess, 1},
		} {
			got, err := lookup(t, c, tt.h, tt.level)
			if err != nil || got.status != tt.want || len(got.rows) != tt.rows || got.domains != (tt.rows > 0) {
				t.Errorf("%s, refused for %s: %+v, %v, want %v", name, tt.what, got, err, tt.want)
			}
		}
		if a.asked != 1 {
			t.Errorf("%s: the authority was asked %d times", name, a.asked)
		}
		a.err = nt.StatusNoLogonServers
		if got, err := lookup(t, c, h, 1); err != nil || got.status != nt.StatusNoLogonServers || got.domains {
			t.Errorf("%s with the authority away: %+v, %v", name, got, err)
		}
		a.err = errors.New("broken")
		if got, err := lookup(t, c, h, 1); err != nil || got.status != nt.StatusUnsuccessful {
			t.Errorf("%s with the authority broken: %+v, %v", name, got, err)
		}
		if _, err := lookup(t, c, rpc.ContextHandle{}, 1); !errors.Is(err, rpc.FaultContextMismatch) {
			t.Errorf("%s with a null handle: %v", name, err)
		}
	}
}

// A SID that is none is refused, without asking the authority about the others.
func TestLookupSidsMalformed(t *testing.T) {
	long := dtyp.NewRPC_SID(nt.MustSID("S-1-5-21-1-2-3"))
	long.SubAuthority, long.SubAuthorityCount = make([]uint32, 16), 16
	second := dtyp.NewRPC_SID(nt.MustSID("S-1-5-21-1-2-3"))
	second.Revision = 2
	for name, bad := range map[string]*dtyp.RPC_SID{"NULL": nil, "16 subauthorities": long, "revision 2": second} {
		for op, lookup := range sidLookups {
			a := newAuthority()
			c := connect(t, a, user)
			got, err := lookup(t, c, open(t, c, nt.PolicyLookupNames), append(sidList("S-1-1-0"), gen.LSAPR_SID_INFORMATION{Sid: bad}), 1)
			if err != nil || got.status != nt.StatusInvalidParameter || a.asked != 0 {
				t.Errorf("%s, %s: %+v, %v", op, name, got, err)
			}
		}
	}
}

// The bounds of Windows: 1,000 names and 20,480 SIDs. More is stub data that does not decode.
func TestLookupBounds(t *testing.T) {
	b := dial(t, serve(t, lsarpc.Config{Authority: newAuthority()}), user, rpc.TransportNamedPipe)
	c := gen.NewClient(b)
	h := open(t, c, nt.PolicyLookupNames)
	for op, f := range nameLookups {
		if got, err := f(t, c, h, slices.Repeat([]string{"Jürgen"}, 1000), 1); err != nil || got.mapped != 1000 {
			t.Errorf("%s of 1000: %d, %v", op, got.mapped, err)
		}
	}
	for op, f := range sidLookups {
		if got, err := f(t, c, h, slices.Repeat(sidList("S-1-1-0"), 20480), 1); err != nil || got.mapped != 20480 || got.status != nt.StatusSuccess {
			t.Errorf("%s of 20480: %d, %v, %v", op, got.mapped, got.status, err)
		}
	}
	names := func(n int) func(*ndr.Encoder) {
		return func(e *ndr.Encoder) {
			h.EncodeBody(e)
			e.Uint32(uint32(n))
			e.Conformance(n)
			for range n {
				e.Uint16(0)
				e.Uint16(0)
				e.Pointer(false)
			}
			e.Uint32(0) // TranslatedSids
			e.Pointer(false)
			e.Enum16(1)
			for range 3 {
				e.Uint32(0)
			}
		}
	}
	sids := func(n int) func(*ndr.Encoder) {
		return func(e *ndr.Encoder) {
			h.EncodeBody(e)
			e.Uint32(uint32(n))
			e.Pointer(true)
			e.Conformance(n)
			for range n {
				e.Pointer(false)
			}
			e.Uint32(0) // TranslatedNames
			e.Pointer(false)
			e.Enum16(1)
			for range 3 {
				e.Uint32(0)
			}
		}
	}
	for _, opnum := range []uint16{14, 58, 68} {
		if err := b.Call(t.Context(), opnum, names(1000), nil); err != nil {
			t.Errorf("opnum %d with 1000 names: %v", opnum, err)
		}
		if err := b.Call(t.Context(), opnum, names(1001), nil); !errors.Is(err, rpc.FaultNDR) {
			t.Errorf("opnum %d with 1001 names: %v", opnum, err)
		}
	}
	for _, opnum := range []uint16{15, 57} {
		if err := b.Call(t.Context(), opnum, sids(20480), nil); err != nil {
			t.Errorf("opnum %d with 20480 SIDs: %v", opnum, err)
		}
		if err := b.Call(t.Context(), opnum, sids(20481), nil); !errors.Is(err, rpc.FaultNDR) {
			t.Errorf("opnum %d with 20481 SIDs: %v", opnum, err)
		}
	}
}

// The operations for secure channels are refused to everybody, on pipes and over TCP.
func TestSecureChannelOnly(t *testing.T) {
	s := serve(t, lsarpc.Config{Authority: newAuthority()})
	for _, transport := range []rpc.Transport{rpc.TransportNamedPipe, rpc.TransportTCP} {
		c := gen.NewClient(dial(t, s, admin, transport))
		names, err := c.LsarLookupNames4(t.Context(), &gen.LsarLookupNames4Request{Names: unicode([]string{"Jürgen"}), LookupLevel: 1, ClientRevision: 2})
		if err != nil || !reflect.DeepEqual(names, &gen.LsarLookupNames4Response{Return: names.Return}) || status(names.Return) != nt.StatusAccessDenied {
			t.Errorf("names over %s: %+v, %v", transport, names, err)
		}
		sids, err := c.LsarLookupSids3(t.Context(), &gen.LsarLookupSids3Request{SidEnumBuffer: gen.LSAPR_SID_ENUM_BUFFER{SidInfo: sidList("S-1-1-0")}, LookupLevel: 1, ClientRevision: 2})
		if err != nil || !reflect.DeepEqual(sids, &gen.LsarLookupSids3Response{Return: sids.Return}) || status(sids.Return) != nt.StatusAccessDenied {
			t.Errorf("SIDs over %s: %+v, %v", transport, sids, err)
		}
	}
	// With a secure channel it is the host that is in no state to answer.
	out, err := lsarpc.New(lsarpc.Config{Authority: newAuthority()}).LsarLookupSids3(t.Context(), &rpc.Call{Token: admin, AuthType: rpc.AuthTypeNetlogon}, &gen.LsarLookupSids3Request{})
	if err != nil || status(out.Return) != nt.StatusInvalidServerState {
		t.Errorf("over a secure channel: %+v, %v", out, err)
	}
}
