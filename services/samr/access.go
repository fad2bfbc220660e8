package samr

import (
	"context"

	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/state"
)

// Rights on the server (MS-SAMR 2.2.1.3).
const (
	serverConnect          nt.AccessMask = 0x01
	serverShutdown         nt.AccessMask = 0x02
	serverEnumerateDomains nt.AccessMask = 0x10
	serverLookupDomain     nt.AccessMask = 0x20
)

// Rights on a domain (MS-SAMR 2.2.1.4).
const (
	domainReadPassword       nt.AccessMask = 0x001
	domainWritePassword      nt.AccessMask = 0x002
	domainReadOther          nt.AccessMask = 0x004
	domainWriteOther         nt.AccessMask = 0x008
	domainCreateUser         nt.AccessMask = 0x010
	domainCreateGroup        nt.AccessMask = 0x020
	domainCreateAlias        nt.AccessMask = 0x040
	domainGetAliasMembership nt.AccessMask = 0x080
	domainListAccounts       nt.AccessMask = 0x100
	domainLookup             nt.AccessMask = 0x200
	domainAdminister         nt.AccessMask = 0x400
)

// Rights on a group (MS-SAMR 2.2.1.5).
const (
	groupRead         nt.AccessMask = 0x01
	groupWrite        nt.AccessMask = 0x02
	groupAddMember    nt.AccessMask = 0x04
	groupRemoveMember nt.AccessMask = 0x08
	groupListMembers  nt.AccessMask = 0x10
)

// Rights on an alias (MS-SAMR 2.2.1.6).
const (
	aliasAddMember    nt.AccessMask = 0x01
	aliasRemoveMember nt.AccessMask = 0x02
	aliasListMembers  nt.AccessMask = 0x04
	aliasRead         nt.AccessMask = 0x08
	aliasWrite        nt.AccessMask = 0x10
)

// Rights on a user (MS-SAMR 2.2.1.7).
const (
	userReadGeneral      nt.AccessMask = 0x001
	userReadPreferences  nt.AccessMask = 0x002
	userWritePreferences nt.AccessMask = 0x004
	userReadLogon        nt.AccessMask = 0x008
	userReadAccount      nt.AccessMask = 0x010
	userWriteAccount     nt.AccessMask = 0x020
	userChangePassword   nt.AccessMask = 0x040
	userForcePassword    nt.AccessMask = 0x080
	userListGroups       nt.AccessMask = 0x100
)

// kind is what a handle stands for. It is the attribute of the handle, too, as other servers have it.
type kind uint32

const (
	kindServer kind = iota
	kindDomain
	kindUser
	kindGroup
	kindAlias
)

// object is what a handle stands for.
type object struct {
	kind    kind
	domain  nt.SID // the machine's or BUILTIN; none for the server
	rid     uint32 // of a user, group or alias
	granted nt.AccessMask
	opener  nt.SID
	list    *place // of a domain: where lists for people go on
}

// sid is that of a user, group or alias.
func (o *object) sid() nt.SID { return o.domain.Child(o.rid) }

func (o *object) builtin() bool { return o.domain == nt.SIDBuiltin }

// mappings are those of MS-SAMR 2.2.1.3 to 2.2.1.7.
var mappings = [...]nt.GenericMapping{
	kindServer: {Read: 0x20010, Write: 0x2000E, Execute: 0x20021, All: 0xF003F},
	kindDomain: {Read: 0x20084, Write: 0x2047A, Execute: 0x20301, All: 0xF07FF},
	kindUser:   {Read: 0x2031A, Write: 0x20044, Execute: 0x20041, All: 0xF07FF},
	kindGroup:  {Read: 0x20010, Write: 0x2000E, Execute: 0x20001, All: 0xF001F},
	kindAlias:  {Read: 0x20004, Write: 0x20013, Execute: 0x20008, All: 0xF001F},
}

// defaults are the descriptors of objects that were given none.
var defaults = [...]*nt.SecurityDescriptor{
	kindServer: mustSDDL("O:BAG:BAD:(A;;0xF003F;;;BA)(A;;0x20031;;;WD)"),
	kindDomain: mustSDDL("O:BAG:BAD:(A;;0xF07FF;;;BA)(A;;0x20385;;;WD)"),
	kindUser:   mustSDDL("O:BAG:BAD:(A;;0xF07FF;;;BA)(A;;0x2035B;;;WD)"),
	kindGroup:  mustSDDL("O:BAG:BAD:(A;;0xF001F;;;BA)(A;;0x20011;;;WD)"),
	kindAlias:  mustSDDL("O:BAG:BAD:(A;;0xF001F;;;BA)(A;;0x2000C;;;WD)"),
}

func mustSDDL(s string) *nt.SecurityDescriptor {
	sd, err := nt.ParseSDDL(s, nt.SID{})
	if err != nil {
		panic(err) // a constant
	}
	return sd
}

// key is the kind and number under which an object's descriptor is kept.
func (o *object) key() (state.Kind, uint32) {
	switch o.kind {
	case kindDomain:
		if o.builtin() {
			return state.KindDomain, 1
		}
		return state.KindDomain, 0
	case kindUser:
		return state.KindUser, o.rid
	case kindGroup:
		return state.KindGroup, o.rid
	case kindAlias:
		if o.builtin() {
			return state.KindBuiltin, o.rid
		}
		return state.KindAlias, o.rid
	}
	return state.KindServer, 0
}

// descriptor is the one in force.
func (s *Service) descriptor(ctx context.Context, o *object) (*nt.SecurityDescriptor, error) {
	k, n := o.key()
	sd, err := s.accounts.Security(ctx, k, n)
	if err != nil || sd != nil {
		return sd, err
	}
	sd = defaults[o.kind]
	if o.kind == kindUser {
		sd = sd.Clone()
		sd.DACL.ACEs = append(sd.DACL.ACEs, nt.ACE{Type: nt.AccessAllowedACEType, Mask: nt.ReadControl | userWritePreferences | userChangePassword, SID: o.sid()})
	}
	return sd, nil
}

// open checks the caller against the object's descriptor and makes a handle.
func (s *Service) open(ctx context.Context, call *rpc.Call, o *object, desired uint32) (rpc.ContextHandle, nt.Status, error) {
	sd, err := s.descriptor(ctx, o)
	if err != nil {
		return rpc.ContextHandle{}, s.status(ctx, err), nil
	}
	granted, status := nt.AccessCheck(sd, call.Token, nt.AccessMask(desired), mappings[o.kind])
	if status != nt.StatusSuccess {
		return rpc.ContextHandle{}, nt.StatusAccessDenied, nil
	}
	o.granted, o.opener = granted, call.Token.User
	h, err := call.Handles.OpenAs(call, uint32(o.kind), o, nil)
	return h, nt.StatusSuccess, err
}

// anyObject is the object of a handle of any kind.
func anyObject(call *rpc.Call, h rpc.ContextHandle) (*object, error) {
	o, err := rpc.HandleValue[*object](call, h)
	if err == nil && o.opener != call.Token.User {
		err = rpc.FaultContextMismatch
	}
	return o, err
}

// objectOf is the object of a handle of this kind, if it was granted all of need. A handle that is none, or another caller's, is a fault.
func objectOf(call *rpc.Call, h rpc.ContextHandle, k kind, need nt.AccessMask) (*object, nt.Status, error) {
	o, err := anyObject(call, h)
	switch {
	case err != nil:
		return nil, 0, err
	case o.kind != k:
		return nil, nt.StatusObjectTypeMismatch, nil
	case o.granted&need != need:
		return nil, nt.StatusAccessDenied, nil
	}
	return o, nt.StatusSuccess, nil
}
