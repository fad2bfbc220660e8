package srv

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"lwio/gen/srvctl"
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/rpc/ndr"
)

// shareInfo is a share as an administrator sees it (MS-SRVS 2.2.4.26).
type shareInfo struct {
	Name     string
	Type     uint32 // STYPE_*
	Comment  string
	Path     string
	MaxUses  uint32 // UnlimitedUses for no limit
	Flags    uint32 // SHI1005_FLAGS_*
	ReadOnly bool
	Security *nt.SecurityDescriptor // who may connect, and what they may do; nil for the default
}

// lwioReadOnly is the bit of SRVCTL_SHARE.lwio_flags that makes a share read-only.
const lwioReadOnly = 1

// shareOfRecord reads what the table or an administrator gives.
func shareOfRecord(r *srvctl.SRVCTL_SHARE) (*shareInfo, nt.WinError) {
	s := &shareInfo{Name: ndr.Text(r.Name), Type: r.Type, Comment: ndr.Text(r.Comment), Path: ndr.Text(r.Path), MaxUses: r.MaxUses,
		Flags: r.Flags, ReadOnly: r.LwioFlags&lwioReadOnly != 0}
	if r.LwioFlags&^lwioReadOnly != 0 {
		return nil, nt.WErrInvalidParameter
	}
	if len(r.Sd) > 0 {
		var err error
		if s.Security, err = nt.ParseSecurityDescriptor(r.Sd); err != nil || s.Security.Valid() != nil {
			return nil, nt.WErrInvalidSecurityDescr
		}
	}
	return s, nt.WErrSuccess
}

// record is what the table keeps.
func (s *shareInfo) record() srvctl.SRVCTL_SHARE {
	r := srvctl.SRVCTL_SHARE{Name: &s.Name, Type: s.Type, Comment: &s.Comment, Path: &s.Path, MaxUses: s.MaxUses, Flags: s.Flags}
	if s.ReadOnly {
		r.LwioFlags |= lwioReadOnly
	}
	if s.Security != nil {
		r.Sd = s.Security.Append(nil)
		r.SdLength = uint32(len(r.Sd))
	}
	return r
}

// Share types (MS-SRVS 2.2.2.4).
const (
	ShareTypeDisk       uint32 = 0x00000000
	ShareTypePrint      uint32 = 0x00000001
	ShareTypeDevice     uint32 = 0x00000002
	ShareTypeIPC        uint32 = 0x00000003
	ShareTypeSpecial    uint32 = 0x80000000
	ShareTypeTemp       uint32 = 0x40000000
	shareTypeMask       uint32 = 0x000000FF
	UnlimitedUses       uint32 = 0xFFFFFFFF
	maxShareName               = 80
	maxShareComment            = 256
	maxShares                  = 65536
	ShareFlagABE        uint32 = 0x0800   // SHI1005_FLAGS_ACCESS_BASED_DIRECTORY_ENUM
	ShareFlagReads      uint32 = 0x0100   // SHI1005_FLAGS_RESTRICT_EXCLUSIVE_OPENS: nobody may deny others to read
	ShareFlagDeletes    uint32 = 0x0200   // SHI1005_FLAGS_FORCE_SHARED_DELETE: nor to delete
	ShareFlagLevelII    uint32 = 0x1000   // SHI1005_FLAGS_FORCE_LEVELII_OPLOCK: nobody caches what is written
	ShareFlagContinuous uint32 = 0x4000   // SHI1005_FLAGS_ENABLE_CA: opens may outlive the server
	ShareFlagEncrypt    uint32 = 0x8000   // SHI1005_FLAGS_ENCRYPT_DATA
	ShareFlagCompress   uint32 = 0x100000 // SHI1005_FLAGS_COMPRESS_DATA
	shareFlagsServed    uint32 = 0x0030 | ShareFlagReads | ShareFlagDeletes | 0x0400 | ShareFlagABE | ShareFlagLevelII | ShareFlagContinuous | ShareFlagEncrypt | ShareFlagCompress
	ipcName                    = "IPC$"
	adminName                  = "ADMIN$"
	defaultShareSDDL           = "O:BAG:SYD:(A;;FA;;;BA)(A;;FA;;;WD)"
	adminSDDL                  = "O:BAG:SYD:(A;;FA;;;BA)"
	defaultIPCSDDL             = "O:BAG:SYD:(A;;FA;;;BA)(A;;0x1201ff;;;WD)(A;;0x1201ff;;;AN)"
	shareAccessUseful          = nt.FileReadData | nt.FileWriteData | nt.FileExecute | nt.FileAppendData
)

// share is a live share.
type share struct {
	info  atomic.Pointer[shareInfo] // replaced as a whole
	pipe  bool
	admin bool // made by the server itself, in no table
	uses  atomic.Int32
	gone  atomic.Bool

	snapshots atomic.Pointer[api.Snapshots] // where previous versions are, without Root; nil for nowhere

	mu    sync.Mutex
	trees map[*tree]struct{} // guarded by mu
}

// shares is the list of live shares.
type shares struct {
	s     *server
	table ShareTable

	defaultSecurity *nt.SecurityDescriptor

	changing sync.Mutex // one change at a time, held while the table is written

	mu     sync.RWMutex
	byName map[string]*share // guarded by mu, by upper-case name
}

func (l *shares) init(ctx context.Context, s *server) error {
	l.s, l.table, l.byName = s, s.cfg.Shares, make(map[string]*share)
	var err error
	if l.defaultSecurity, err = nt.ParseSDDL(defaultShareSDDL, nt.SID{}); err != nil {
		return err
	}
	ipc, err := nt.ParseSDDL(defaultIPCSDDL, nt.SID{})
	if err != nil {
		return err
	}
	l.add(&shareInfo{Name: ipcName, Type: ShareTypeIPC | ShareTypeSpecial, Comment: "Remote IPC", MaxUses: UnlimitedUses, Security: ipc})
	if l.table == nil {
		return l.addAdministrative()
	}
	list, err := l.table.Load(ctx)
	if err != nil {
		return err
	}
	for i := range list {
		info, werr := shareOfRecord(&list[i])
		if werr != nt.WErrSuccess || !validShareName(info.Name) || protected(info.Name) {
			s.log.Warn("share left out", "share", ndr.Text(list[i].Name), "err", werr)
			continue
		}
		l.add(info)
	}
	if err := l.loadSnapshots(ctx); err != nil {
		return err
	}
	return l.addAdministrative()
}

// addAdministrative adds the shares by which administrators reach the drives: C$ and its like, and ADMIN$, which is the root of C: here. One of
// that name that somebody made before there were these stays.
func (l *shares) addAdministrative() error {
	sd, err := nt.ParseSDDL(adminSDDL, nt.SID{})
	if err != nil {
		return err
	}
	add := func(name, path, comment string) {
		if l.find(name) == nil {
			l.add(&shareInfo{Name: name, Type: ShareTypeDisk | ShareTypeSpecial, Comment: comment, Path: path, MaxUses: UnlimitedUses, Security: sd}).admin = true
		}
	}
	for drive := range l.s.cfg.Roots {
		letter := nt.Upcase(strings.TrimRight(drive, `\:`))
		add(letter+"$", letter+`:\`, "Default share")
		if letter == "C" {
			add(adminName, `C:\`, "Remote Admin")
		}
	}
	return nil
}

func (l *shares) add(info *shareInfo) *share {
	sh := &share{pipe: info.Type&shareTypeMask == ShareTypeIPC, trees: make(map[*tree]struct{})}
	sh.info.Store(info)
	l.mu.Lock()
	l.byName[nt.Upcase(info.Name)] = sh
	l.mu.Unlock()
	return sh
}

func (l *shares) find(name string) *share {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.byName[nt.Upcase(name)]
}

// list is a snapshot, sorted by name.
func (l *shares) list() []*share {
	l.mu.RLock()
	out := make([]*share, 0, len(l.byName))
	for _, sh := range l.byName {
		out = append(out, sh)
	}
	l.mu.RUnlock()
	slices.SortFunc(out, func(a, b *share) int { return nt.CompareFold(a.info.Load().Name, b.info.Load().Name) })
	return out
}

func (l *shares) security(info *shareInfo) *nt.SecurityDescriptor {
	if info.Security != nil {
		return info.Security
	}
	return l.defaultSecurity
}

// validate checks what an administrator gives (MS-SRVS 3.1.4.7).
func (l *shares) validate(info *shareInfo) nt.WinError {
	switch {
	case !validShareName(info.Name):
		return nt.WErrInvalidName
	case info.Type&^(ShareTypeSpecial|ShareTypeTemp) != ShareTypeDisk:
		return nt.WErrInvalidParameter
	case nt.UTF16Len(info.Comment) > maxShareComment || strings.ContainsRune(info.Comment, 0):
		return nt.WErrInvalidParameter
	case info.MaxUses == 0:
		return nt.WErrInvalidParameter
	case info.Flags&^shareFlagsServed != 0:
		return nt.WErrInvalidParameter
	}
	if _, err := l.s.devicePath(info.Path); err != nil {
		return nt.NErrUnknownDevDir
	}
	return nt.WErrSuccess
}

// validShareName follows MS-FSCC 2.1.6.
func validShareName(name string) bool {
	if name == "" || nt.UTF16Len(name) > maxShareName || strings.ContainsAny(name, `"\/[]:|<>+=;,*?`) {
		return false
	}
	for _, r := range name {
		if r < ' ' {
			return false
		}
	}
	return true
}

func protected(name string) bool {
	return nt.EqualFold(name, ipcName) || nt.EqualFold(name, adminName)
}

// create adds a share: it is stored, then live.
func (l *shares) create(ctx context.Context, info *shareInfo) nt.WinError {
	if err := l.validate(info); err != nt.WErrSuccess {
		return err
	}
	if protected(info.Name) {
		return nt.NErrDuplicateShare
	}
	l.changing.Lock()
	defer l.changing.Unlock()
	if l.find(info.Name) != nil {
		return nt.NErrDuplicateShare
	}
	l.mu.RLock()
	full := len(l.byName) >= maxShares
	l.mu.RUnlock()
	if full {
		return nt.WErrNotEnoughMemory
	}
	if err := l.s.checkDirectory(ctx, info.Path); err != nt.WErrSuccess {
		return err
	}
	if err := l.store(ctx, info); err != nt.WErrSuccess {
		return err
	}
	l.add(info)
	return nt.WErrSuccess
}

// set replaces what is said of a share. Its trees and opens live on under the new rules.
func (l *shares) set(ctx context.Context, info *shareInfo) nt.WinError {
	l.changing.Lock()
	defer l.changing.Unlock()
	sh := l.find(info.Name)
	if sh == nil {
		return nt.NErrNetNameNotFound
	}
	old := sh.info.Load()
	info.Name, info.Type = old.Name, old.Type // neither can be changed
	if sh.admin || protected(info.Name) {
		return nt.WErrAccessDenied
	}
	if err := l.validate(info); err != nt.WErrSuccess {
		return err
	}
	if info.Path != old.Path {
		if err := l.s.checkDirectory(ctx, info.Path); err != nt.WErrSuccess {
			return err
		}
	}
	if err := l.store(ctx, info); err != nt.WErrSuccess {
		return err
	}
	sh.info.Store(info)
	return nt.WErrSuccess
}

func (l *shares) store(ctx context.Context, info *shareInfo) nt.WinError {
	if l.table == nil || info.Type&ShareTypeTemp != 0 {
		return nt.WErrSuccess
	}
	r := info.record()
	if err := l.table.Put(ctx, &r); err != nil {
		l.s.log.Error("store share", "share", info.Name, "err", err)
		l.s.counts.systemErrors.Add(1)
		return nt.WErrGenFailure
	}
	return nt.WErrSuccess
}

// remove takes a share out and cuts its trees.
func (l *shares) remove(ctx context.Context, name string) nt.WinError {
	l.changing.Lock()
	defer l.changing.Unlock()
	sh := l.find(name)
	switch {
	case sh == nil:
		return nt.NErrNetNameNotFound
	case sh.admin, protected(name):
		return nt.WErrAccessDenied
	}
	if l.table != nil {
		if err := l.table.Delete(ctx, sh.info.Load().Name); err != nil {
			l.s.log.Error("delete share", "share", name, "err", err)
			l.s.counts.systemErrors.Add(1)
			return nt.WErrGenFailure
		}
		if sh.snapshots.Load() != nil {
			if err := l.storeSnapshots(ctx, sh.info.Load().Name, ""); err != nt.WErrSuccess {
				return err
			}
		}
	}
	l.mu.Lock()
	delete(l.byName, nt.Upcase(name))
	l.mu.Unlock()
	sh.mu.Lock()
	sh.gone.Store(true)
	trees := sh.trees
	sh.trees = nil
	sh.mu.Unlock()
	for t := range trees {
		t.disconnect()
	}
	l.s.closeParked(sh)
	return nt.WErrSuccess
}

// devicePath maps the path of a disk share to the name of its directory in the namespace.
func (s *server) devicePath(path string) (string, error) {
	root := `\` + s.cfg.DiskDevice
	posix := path
	if device, rest, ok := s.otherDevice(path); ok {
		root, posix = `\`+device, strings.ReplaceAll(rest, `\`, "/")
	} else if len(path) >= 2 && path[1] == ':' {
		dir, ok := "", false
		for drive, d := range s.cfg.Roots {
			if nt.EqualFold(strings.TrimRight(drive, `\:`), path[:1]) {
				dir, ok = d, true
			}
		}
		if !ok {
			return "", fmt.Errorf("drive %s has no root: %w", path[:2], nt.StatusObjectPathNotFound)
		}
		rest := path[2:]
		if rest != "" && rest[0] != '\\' && rest[0] != '/' {
			return "", fmt.Errorf("path %s is not absolute: %w", path, nt.StatusObjectPathSyntaxBad)
		}
		posix = strings.TrimRight(dir, "/") + "/" + strings.ReplaceAll(rest, `\`, "/")
	} else if !strings.HasPrefix(path, "/") || strings.Contains(path, `\`) {
		return "", fmt.Errorf("path %s is neither C:\\dir nor /dir: %w", path, nt.StatusObjectPathSyntaxBad)
	}
	if nt.UTF16Len(posix) > 4096 || strings.ContainsRune(posix, 0) {
		return "", fmt.Errorf("path: %w", nt.StatusObjectNameInvalid)
	}
	var b strings.Builder
	b.WriteString(root)
	for part := range strings.SplitSeq(posix, "/") {
		switch part {
		case "", ".":
			continue
		case "..":
			return "", fmt.Errorf("path %s goes up: %w", path, nt.StatusObjectPathSyntaxBad)
		}
		b.WriteByte('\\')
		b.WriteString(part)
	}
	if b.Len() == len(root) {
		b.WriteByte('\\')
	}
	return b.String(), nil
}

// otherDevice reports whether a share's path is on one of the devices that are shared besides the disk, and where there.
func (s *server) otherDevice(path string) (device, rest string, ok bool) {
	if !strings.HasPrefix(path, `\`) {
		return "", "", false
	}
	name, rest, _ := strings.Cut(path[1:], `\`)
	for _, device := range s.cfg.Devices {
		if nt.EqualFold(name, device) {
			return device, rest, true
		}
	}
	return "", "", false
}

// checkDirectory opens the directory that is to be shared.
func (s *server) checkDirectory(ctx context.Context, path string) nt.WinError {
	name, err := s.devicePath(path)
	if err != nil {
		return nt.NErrUnknownDevDir
	}
	h, err := s.api.CreateFile(ctx, &api.CreateArgs{
		Name: name, Token: nt.SystemToken(), DesiredAccess: nt.FileReadAttributes | nt.Synchronize, Disposition: nt.FileOpen,
		ShareAccess: nt.FileShareRead | nt.FileShareWrite | nt.FileShareDelete, Options: nt.FileDirectoryFile,
		Impersonation: api.ImpersonateImpersonation,
	})
	if err != nil {
		s.log.Info("share path", "path", path, "err", err)
		return nt.NErrUnknownDevDir
	}
	_ = s.api.Close(h)
	return nt.WErrSuccess
}
