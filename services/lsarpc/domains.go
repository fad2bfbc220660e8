package lsarpc

import (
	"lwio/gen/dtyp"
	gen "lwio/gen/lsarpc"
	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// noDomain is the index of what is in none of the referenced domains.
const noDomain = -1

// domains collects the domains that a translation refers to, each once (MS-LSAT 2.2.12).
type domains struct {
	list gen.LSAPR_REFERENCED_DOMAIN_LIST
	sids []nt.SID
}

// index is that of a domain in the list, which it joins if it is not there yet. There are few: those of one host and of what is well known.
func (d *domains) index(sid nt.SID, name string) int32 {
	if sid.IsZero() {
		return noDomain
	}
	for i, have := range d.sids {
		if have == sid {
			return int32(i)
		}
	}
	x := gen.LSAPR_TRUST_INFORMATION{Name: dtyp.NewRPC_UNICODE_STRING(name), Sid: dtyp.NewRPC_SID(sid)}
	x.Name.MaximumLength = uint16(min(int(x.Name.Length)+2, 0xFFFE)) // as terminated has it; an empty name is not NULL here
	d.sids = append(d.sids, sid)
	d.list.Domains = append(d.list.Domains, x)
	return int32(len(d.sids) - 1)
}

// finish returns the list as it is sent. MaxEntries says for how many there was room, and clients ignore it; Windows and Samba send
// multiples of 32.
func (d *domains) finish() *gen.LSAPR_REFERENCED_DOMAIN_LIST {
	d.list.Entries = uint32(len(d.list.Domains))
	d.list.MaxEntries = (max(d.list.Entries, 1) + 31) &^ 31
	return &d.list
}

// isMapped reports whether an identity is one that a client may be given.
func isMapped(id *auth.Identity) bool {
	switch id.Type {
	case auth.SIDTypeUser, auth.SIDTypeGroup, auth.SIDTypeDomain, auth.SIDTypeAlias, auth.SIDTypeWellKnownGroup, auth.SIDTypeComputer, auth.SIDType(nt.SIDTypeLabel):
		return !id.SID.IsZero()
	}
	return false
}

// outcome is the status of a translation of n of which so many were mapped (MS-LSAT 3.1.4.5).
func outcome(mapped, n int) nt.Status {
	switch {
	case mapped == n:
		return nt.StatusSuccess
	case mapped == 0:
		return nt.StatusNoneMapped
	}
	return nt.StatusSomeNotMapped
}

// isLevel reports a level that a request may have. A host that is no domain controller translates at the first only: the others are how
// controllers ask each other, and here nothing is found at them.
func isLevel(l gen.LSAP_LOOKUP_LEVEL) bool {
	return l >= gen.LsapLookupWksta && l <= gen.LsapLookupRODCReferralToFullDC
}

// onChannel decides about the two operations for which there is no handle: they are for domain controllers only, over a secure channel
// (MS-LSAT 3.1.4.5 and 3.1.4.9).
func onChannel(call *rpc.Call) nt.Status {
	if call.AuthType != rpc.AuthTypeNetlogon {
		return nt.StatusAccessDenied
	}
	return nt.StatusInvalidServerState
}
