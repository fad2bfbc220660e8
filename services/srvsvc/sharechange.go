package srvsvc

import (
	"context"
	"strings"

	"lwio/gen/srvctl"
	gen "lwio/gen/srvsvc"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/ndr"
)

// Which member was wrong (lmshare.h): what ParmErr says after ERROR_INVALID_PARAMETER.
const (
	parmNone        = 0
	parmNetname     = 1
	parmType        = 3
	parmRemark      = 4
	parmPermissions = 5
	parmMaxUses     = 6
	parmPath        = 8
	parmFileSD      = 501
	parmUnknown     = 0xFFFFFFFF
)

const (
	maxRemark     = 256
	maxDescriptor = 65536 // what the device takes
	clusterTypes  = gen.STYPE_CLUSTER_FS | gen.STYPE_CLUSTER_SOFS | gen.STYPE_CLUSTER_DFS
	dfsFlags      = gen.SHI1005_FLAGS_DFS | gen.SHI1005_FLAGS_DFS_ROOT
	knownFlags    = gen.CSC_MASK | gen.SHI1005_FLAGS_RESTRICT_EXCLUSIVE_OPENS | gen.SHI1005_FLAGS_FORCE_SHARED_DELETE |
		gen.SHI1005_FLAGS_ALLOW_NAMESPACE_CACHING | gen.SHI1005_FLAGS_ACCESS_BASED_DIRECTORY_ENUM | gen.SHI1005_FLAGS_FORCE_LEVELII_OPLOCK |
		gen.SHI1005_FLAGS_ENABLE_HASH | gen.SHI1005_FLAGS_ENABLE_CA | gen.SHI1005_FLAGS_ENCRYPT_DATA | gen.SHI1005_FLAGS_COMPRESS_DATA
)

// refusal is a result with the member that it is about.
type refusal struct{ result, parm uint32 }

func (r refusal) parmErr(in *uint32) *uint32 {
	if in == nil {
		return nil
	}
	return &r.parm
}

// refused adds the member to a result of the device.
func refused(result uint32) refusal {
	switch nt.WinError(result) {
	case nt.WErrSuccess:
		return refusal{}
	case nt.WErrInvalidName:
		return refusal{result, parmNetname}
	case nt.NErrUnknownDevDir:
		return refusal{result, parmPath}
	case nt.WErrInvalidSecurityDescr:
		return refusal{invalidParam, parmFileSD}
	case nt.WErrInvalidParameter:
		return refusal{result, parmUnknown}
	}
	return refusal{result, parmNone}
}

func checkRemark(p *string) refusal {
	if s := ndr.Text(p); nt.UTF16Len(s) > maxRemark || strings.ContainsRune(s, 0) {
		return refusal{invalidParam, parmRemark}
	}
	return refusal{}
}

func checkMaxUses(n uint32) refusal {
	if n == 0 {
		return refusal{invalidParam, parmMaxUses}
	}
	return refusal{}
}

// descriptor checks a self-relative descriptor and replaces the generic rights in it, as Windows does when it is set: what is read
// back is what is enforced.
func descriptor(b []byte) ([]byte, refusal) {
	if len(b) == 0 {
		return nil, refusal{}
	}
	bad := refusal{invalidParam, parmFileSD}
	if len(b) > maxDescriptor {
		return nil, bad
	}
	sd, err := nt.ParseSecurityDescriptor(b)
	if err != nil {
		return nil, bad
	}
	for _, acl := range []*nt.ACL{sd.DACL, sd.SACL} {
		if acl == nil {
			continue
		}
		for i := range acl.ACEs {
			acl.ACEs[i].Mask = nt.GenericMappingShare.Map(acl.ACEs[i].Mask)
		}
	}
	if b = sd.Append(nil); len(b) > maxDescriptor {
		return nil, bad
	}
	return b, refusal{}
}

// NetrShareAdd makes a share (MS-SRVS 3.1.4.7). A descriptor that is NULL stands for the default.
func (s *Server) NetrShareAdd(ctx context.Context, call *rpc.Call, in *gen.NetrShareAddRequest) (*gen.NetrShareAddResponse, error) {
	level := nobody
	switch in.Level {
	case 2, 502, 503:
		level = administrator
	}
	if result := admit(call, administrator, level); result != success {
		return &gen.NetrShareAddResponse{ParmErr: refusal{}.parmErr(in.ParmErr), Return: result}, nil
	}
	name, r, err := s.shareAdd(ctx, in.Level, &in.InfoStruct)
	if err != nil {
		return nil, err
	}
	s.changed(call, "share added", name, r.result)
	return &gen.NetrShareAddResponse{ParmErr: r.parmErr(in.ParmErr), Return: r.result}, nil
}

func (s *Server) shareAdd(ctx context.Context, level uint32, u *gen.SHARE_INFO) (string, refusal, error) {
	var sh share
	var sd []byte
	switch {
	case level == 2 && u.ShareInfo2 != nil:
		i := u.ShareInfo2
		sh = share{Name: i.Shi2Netname, Type: i.Shi2Type, Comment: i.Shi2Remark, MaxUses: i.Shi2MaxUses, Path: i.Shi2Path}
	case level == 502 && u.ShareInfo502 != nil:
		i := u.ShareInfo502
		sh = share{Name: i.Shi502Netname, Type: i.Shi502Type, Comment: i.Shi502Remark, MaxUses: i.Shi502MaxUses, Path: i.Shi502Path}
		sd = i.Shi502SecurityDescriptor
	case level == 503 && u.ShareInfo503 != nil:
		i := u.ShareInfo503
		sh = share{Name: i.Shi503Netname, Type: i.Shi503Type, Comment: i.Shi503Remark, MaxUses: i.Shi503MaxUses, Path: i.Shi503Path}
		sd = i.Shi503SecurityDescriptor
		if scope := ndr.Text(i.Shi503Servername); scope != "" && scope != notScoped {
			return ndr.Text(sh.Name), refusal{notSupported, parmNone}, nil // scoped names
		}
	default:
		return "", refusal{invalidParam, parmUnknown}, nil
	}
	name := ndr.Text(sh.Name)
	sh.Type &^= clusterTypes // to be ignored
	if sh.MaxUses == 0 {     // Samba's net sends it where no limit was asked for
		sh.MaxUses = gen.SHI_USES_UNLIMITED
	}
	sh.Comment = present(sh.Comment)
	switch {
	case validName(name, gen.NAMETYPE_SHARE, false) != success:
		return name, refusal{invalidName, parmNetname}, nil
	case sh.Type&^(gen.STYPE_TEMPORARY|gen.STYPE_SPECIAL) != gen.STYPE_DISKTREE:
		return name, refusal{invalidParam, parmType}, nil
	case ndr.Text(sh.Path) == "":
		return name, refusal{invalidParam, parmPath}, nil
	}
	r := checkRemark(sh.Comment)
	if r.result == success {
		sh.Sd, r = descriptor(sd)
	}
	if r.result != success {
		return name, r, nil
	}
	sh.SdLength = uint32(len(sh.Sd))
	res, err := s.client.SrvShareAdd(ctx, &srvctl.SrvShareAddRequest{Share: sh})
	if err != nil {
		r.result, err = s.failed(ctx, err)
		return name, r, err
	}
	return name, refused(res.Return), nil
}

// NetrShareSetInfo changes a share (MS-SRVS 3.1.4.11). Name, type, path and password are not changed by any level, and a descriptor that is
// NULL leaves the one that is.
func (s *Server) NetrShareSetInfo(ctx context.Context, call *rpc.Call, in *gen.NetrShareSetInfoRequest) (*gen.NetrShareSetInfoResponse, error) {
	level := nobody
	switch in.Level {
	case 1, 2, 502, 503, 1004, 1005, 1006, 1501:
		level = administrator
	}
	if result := admit(call, administrator, level); result != success {
		return &gen.NetrShareSetInfoResponse{ParmErr: refusal{}.parmErr(in.ParmErr), Return: result}, nil
	}
	r, err := s.shareSet(ctx, in.NetName, in.Level, &in.ShareInfo)
	if err != nil {
		return nil, err
	}
	s.changed(call, "share changed", in.NetName, r.result)
	return &gen.NetrShareSetInfoResponse{ParmErr: r.parmErr(in.ParmErr), Return: r.result}, nil
}

// shareEdit is what a level says of a share; what is nil stays.
type shareEdit struct {
	remark  *string
	clear   bool // remark nil means empty
	maxUses *uint32
	flags   *uint32
	sd      []byte
}

func editOf(level uint32, u *gen.SHARE_INFO) (e shareEdit, ok bool) {
	switch {
	case level == 1 && u.ShareInfo1 != nil:
		return shareEdit{remark: u.ShareInfo1.Shi1Remark, clear: true}, true
	case level == 2 && u.ShareInfo2 != nil:
		i := u.ShareInfo2
		return shareEdit{remark: i.Shi2Remark, clear: true, maxUses: &i.Shi2MaxUses}, true
	case level == 502 && u.ShareInfo502 != nil:
		i := u.ShareInfo502
		return shareEdit{remark: i.Shi502Remark, clear: true, maxUses: &i.Shi502MaxUses, sd: i.Shi502SecurityDescriptor}, true
	case level == 503 && u.ShareInfo503 != nil:
		i := u.ShareInfo503
		return shareEdit{remark: i.Shi503Remark, clear: true, maxUses: &i.Shi503MaxUses, sd: i.Shi503SecurityDescriptor}, true
	case level == 1004 && u.ShareInfo1004 != nil:
		return shareEdit{remark: u.ShareInfo1004.Shi1004Remark, clear: true}, true
	case level == 1005 && u.ShareInfo1005 != nil:
		return shareEdit{flags: &u.ShareInfo1005.Shi1005Flags}, true
	case level == 1006 && u.ShareInfo1006 != nil:
		return shareEdit{maxUses: &u.ShareInfo1006.Shi1006MaxUses}, true
	case level == 1501 && u.ShareInfo1501 != nil:
		return shareEdit{sd: u.ShareInfo1501.Shi1501SecurityDescriptor}, true
	}
	return e, false
}

func (s *Server) shareSet(ctx context.Context, name string, level uint32, u *gen.SHARE_INFO) (refusal, error) {
	e, ok := editOf(level, u)
	if !ok {
		return refusal{invalidParam, parmUnknown}, nil
	}
	sh, result, err := s.shareNamed(ctx, name)
	if err != nil || result != success {
		return refusal{result, parmNone}, err
	}
	if e.clear {
		if r := checkRemark(e.remark); r.result != success {
			return r, nil
		}
		sh.Comment = present(e.remark)
	}
	if e.maxUses != nil {
		if r := checkMaxUses(*e.maxUses); r.result != success {
			return r, nil
		}
		sh.MaxUses = *e.maxUses
	}
	if e.flags != nil {
		if *e.flags&^(knownFlags|dfsFlags) != 0 {
			return refusal{invalidParam, parmUnknown}, nil
		}
		sh.Flags = sh.Flags&dfsFlags | *e.flags&knownFlags // the DFS service sets its own
	}
	if len(e.sd) > 0 {
		sd, r := descriptor(e.sd)
		if r.result != success {
			return r, nil
		}
		sh.Sd, sh.SdLength = sd, uint32(len(sd))
	}
	res, err := s.client.SrvShareSet(ctx, &srvctl.SrvShareSetRequest{Share: *sh})
	if err != nil {
		result, err := s.failed(ctx, err)
		return refusal{result, parmNone}, err
	}
	return refused(res.Return), nil
}
