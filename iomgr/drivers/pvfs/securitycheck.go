package pvfs

import (
	"os"
	"runtime"
	"sync"
	"weak"

	"lwio/iomgr/api"
	"lwio/iomgr/drivers/pvfs/posixacl"
	"lwio/iomgr/nt"
)

// caller is for whom something is done; its token is nil for the process itself, which may do everything.
type caller struct {
	token  *nt.Token
	backup nt.AccessMask // what it may besides: see nt.BackupAccess
	hides  bool          // listings leave out what it may not read
}

// callerOf says who opens. An account that is a Unix user's is also that user and its group. One that is none acts as the user that the server
// runs as: it is a member of the SID that stands for these.
func (v *volume) callerOf(a *api.CreateArgs) caller {
	t := a.Token
	if t == nil || t == nt.SystemToken() {
		return caller{}
	}
	c := caller{token: t}
	if s, ok := api.Find[api.ShareFlags](a.Contexts); ok {
		c.hides = s.AccessBasedEnumeration
	}
	if a.Options&nt.FileOpenForBackupIntent != 0 {
		c.backup = nt.BackupAccess(t)
	}
	c.token = v.callers.of(t, v.extended)
	return c
}

// extended is the token of a caller with the SIDs that a Unix user is known by.
func (v *volume) extended(t *nt.Token) *nt.Token {
	var more []nt.Group
	switch {
	case t.Anonymous:
	case t.HasUnixID:
		if user := v.ids.UserSID(t.UID); !t.HasSID(user) {
			more = append(more, nt.Group{SID: user, Attributes: nt.SEGroupDefault})
		}
		if group := v.ids.GroupSID(t.GID); t.GID != 0 && !t.HasSID(group) {
			more = append(more, nt.Group{SID: group, Attributes: nt.SEGroupDefault})
		}
	default:
		more = append(more, nt.Group{SID: posixacl.ServerSID(serverUID), Attributes: nt.SEGroupDefault})
	}
	if more == nil {
		return t
	}
	with := *t
	with.Groups = append(t.Groups[:len(t.Groups):len(t.Groups)], more...)
	return &with
}

// callers are extended tokens, one for each token that is in use: those of a session share one.
type callers struct {
	mu    sync.Mutex
	known map[weak.Pointer[nt.Token]]*nt.Token // guarded by mu
}

func (c *callers) of(t *nt.Token, extended func(*nt.Token) *nt.Token) *nt.Token {
	key := weak.Make(t)
	c.mu.Lock()
	x := c.known[key]
	c.mu.Unlock()
	if x != nil {
		return x
	}
	if x = extended(t); x == t {
		return t
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if other := c.known[key]; other != nil {
		return other
	}
	if c.known == nil {
		c.known = make(map[weak.Pointer[nt.Token]]*nt.Token)
	}
	c.known[key] = x
	runtime.AddCleanup(t, c.forget, key)
	return x
}

func (c *callers) forget(key weak.Pointer[nt.Token]) {
	c.mu.Lock()
	delete(c.known, key)
	c.mu.Unlock()
}

// has gives everything that a caller may do with a file, by the file's own descriptor.
func (c *caller) has(sd *nt.SecurityDescriptor) nt.AccessMask {
	if c.token == nil {
		return nt.FileAllAccess | nt.AccessSystemSecurity
	}
	m, _ := nt.AccessCheck(sd, c.token, nt.MaximumAllowed, nt.GenericMappingFile)
	return m | c.backup
}

// may is has of an open file; what cannot be read grants nothing.
func (v *volume) may(c *caller, h *os.File) nt.AccessMask {
	if c.token == nil {
		return nt.FileAllAccess | nt.AccessSystemSecurity
	}
	s, err := v.security(h)
	if err != nil {
		return 0
	}
	return c.has(s.SecurityDescriptor)
}

// fromParent are the rights that a directory gives to what it holds: who may delete its entries may delete this one, who may list them may
// read its attributes (MS-FSA 2.1.5.1.2.1).
func (v *volume) fromParent(c *caller, p *place) (m nt.AccessMask) {
	if p.name == "" {
		return 0
	}
	return fromParentBy(v.may(c, p.dir))
}

// fromParentBy is fromParent of who has that access to the directory.
func fromParentBy(has nt.AccessMask) (m nt.AccessMask) {
	if has&nt.FileDeleteChild != 0 {
		m |= nt.Delete
	}
	if has&nt.FileListDirectory != 0 {
		m |= nt.FileReadAttributes
	}
	return m
}

// replaceAccess is what an open needs besides whose disposition takes the place of what is there (MS-FSA 2.1.5.1.2.1).
func replaceAccess(disposition uint32) nt.AccessMask {
	switch disposition {
	case nt.FileSupersede:
		return nt.Delete | nt.FileWriteData | nt.FileWriteEA | nt.FileWriteAttributes
	case nt.FileOverwrite, nt.FileOverwriteIf:
		return nt.FileWriteData | nt.FileWriteEA | nt.FileWriteAttributes
	}
	return 0
}

// authorize gives the access that an open of what exists is granted; h is open to it. needed are the rights without which the open is
// refused, though it is not granted them.
func (c *creating) authorize(h *os.File, p *place, needed nt.AccessMask) (nt.AccessMask, nt.Status) {
	a := c.a
	desired := nt.GenericMappingFile.Map(a.DesiredAccess &^ nt.MaximumAllowed)
	maximum := a.DesiredAccess&nt.MaximumAllowed != 0
	_, asked := api.Find[api.MaximalAccess](a.Contexts)
	if c.by.token == nil {
		c.maximal = nt.FileAllAccess
		if maximum {
			desired |= nt.FileAllAccess
		}
		return desired, nt.StatusSuccess
	}
	const known = nt.StandardRightsAll | nt.FileAllAccess | nt.AccessSystemSecurity
	if desired&^known != 0 {
		return 0, nt.StatusAccessDenied
	}
	looked := c.v.making.settled(p)
	has := nt.AccessMask(0) // what cannot be read grants nothing
	info, err := fstat(h)
	if err == nil {
		var s secured
		if s, err = c.v.securityOf(h, info); err == nil {
			has = c.by.has(s.SecurityDescriptor)
		}
		c.info = info
	}
	looked()
	if want := (desired | needed) &^ nt.AccessSystemSecurity; maximum || asked || want&^has != 0 {
		has |= c.v.fromParent(&c.by, p)
	}
	c.maximal = has &^ nt.AccessSystemSecurity
	if desired&nt.AccessSystemSecurity != 0 {
		if !c.by.token.HasPrivilege(nt.SeSecurityPrivilege) {
			return 0, nt.StatusPrivilegeNotHeld
		}
		has |= nt.AccessSystemSecurity
	}
	if (desired|needed)&^has != 0 {
		return 0, nt.StatusAccessDenied
	}
	if maximum {
		desired |= has &^ nt.AccessSystemSecurity
		if desired == 0 {
			return 0, nt.StatusAccessDenied
		}
	}
	return desired, nt.StatusSuccess
}

// mayAdd says whether somebody may put an entry into a directory.
func (v *volume) mayAdd(c *caller, dir *os.File, isDir bool) nt.Status {
	return mayAddBy(v.may(c, dir), isDir)
}

// mayAddBy is mayAdd of who has that access to the directory.
func mayAddBy(has nt.AccessMask, isDir bool) nt.Status {
	need := nt.FileAddFile
	if isDir {
		need = nt.FileAddSubdirectory
	}
	if has&need == 0 {
		return nt.StatusAccessDenied
	}
	return nt.StatusSuccess
}

// mayRemove says whether somebody may take an entry away that another replaces.
func (v *volume) mayRemove(c *caller, p *place) nt.Status {
	if v.fromParent(c, p)&nt.Delete != 0 {
		return nt.StatusSuccess
	}
	defer v.leases.away(v, p.dir, p.name)()
	open := func() (*os.File, error) { return openAt(p.dir, p.name, os.O_RDONLY, 0) }
	if p.info != nil && p.info.Mode()&os.ModeSymlink != 0 {
		open = func() (*os.File, error) { return openLinkAt(p.dir, p.name) }
	}
	h, err := open()
	if err != nil {
		return nt.StatusOf(err)
	}
	defer h.Close()
	if v.may(c, h)&nt.Delete == 0 {
		return nt.StatusAccessDenied
	}
	return nt.StatusSuccess
}

// mayPut says whether the opener may give the file a name in a directory, in the place of what has it.
func (f *file) mayPut(to *place, replaces bool) nt.Status {
	if status := f.v.mayAdd(&f.by, to.dir, f.node.dir); status != nt.StatusSuccess || !replaces {
		return status
	}
	return f.v.mayRemove(&f.by, to)
}

// visible says whether a listing shows an entry: with access-based enumeration to those alone who may read it.
func (v *volume) visible(c *caller, dir *os.File, name string) bool {
	if !c.hides || name == "." || name == ".." {
		return true
	}
	defer v.leases.away(v, dir, name)()
	h, err := openAt(dir, name, os.O_RDONLY, 0)
	if err != nil {
		return false
	}
	defer h.Close()
	const reads = nt.FileGenericRead &^ nt.Synchronize
	return v.may(c, h)&reads == reads
}
