package rdr

import (
	"context"
	"strings"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// What the redirector does around the leases of directories: who changes something in one, which are worth a lease though nobody has them open,
// and opens that are kept for a while after they were closed here, with their leases.

// dirUse is what is going on in a directory; guarded by redirector.mu.
type dirUse struct {
	writers int       // opens below it that may change it
	lookups int       // since it was last opened for its lease
	tried   time.Time // when that was
}

// enoughLookups is how many names are asked for one by one before the directory is opened for its lease, which is not tried again for retryLease.
const (
	enoughLookups = 3
	retryLease    = time.Second
	maxUses       = 4096
)

// parent is the directory that a name is in, and the last part of the name.
func (n leaseName) parent() (leaseName, string) {
	i := strings.LastIndexByte(n.name, '\\')
	base := n.name[i+1:]
	n.name = n.name[:max(i, 0)]
	return n, base
}

// changesParent reports whether an open may change what its directory shows.
func changesParent(a *api.CreateArgs) bool {
	const changes = nt.FileWriteData | nt.FileAppendData | nt.FileWriteEA | nt.FileWriteAttributes | nt.Delete | nt.FileDeleteChild | nt.WriteDAC |
		nt.WriteOwner | nt.MaximumAllowed
	return a.Disposition != nt.FileOpen || nt.GenericMappingFile.Map(a.DesiredAccess)&changes != 0 || a.Options&nt.FileDeleteOnClose != 0
}

// changing notes that something in a directory is going to change; mu is held.
func (d *redirector) changing(dir leaseName) {
	u := d.dirs[dir]
	if u == nil {
		u = &dirUse{}
		d.dirs[dir] = u
	}
	u.writers++
	if l := d.leases[dir]; l != nil && l.dir != nil {
		l.changing(0, -1)
	}
}

// changed ends that; mu is held.
func (d *redirector) changed(dirs []leaseName) {
	for _, dir := range dirs {
		u := d.dirs[dir]
		if u == nil {
			continue
		}
		if u.writers--; u.writers == 0 && u.lookups == 0 {
			delete(d.dirs, dir)
		}
		if l := d.leases[dir]; l != nil && l.dir != nil {
			l.changed(nt.StatusSuccess)
		}
	}
}

// look prepares an open for the cache of its directory; redirector.mu is held.
func (o *opening) look() {
	d := o.d
	if d.dirs == nil || o.f != nil || o.looked || o.tree.pipe || o.to.name == "" {
		return
	}
	o.looked = true
	name := o.leaseName()
	dir, base := name.parent()
	a := o.r.Create
	if changesParent(a) {
		o.alters(dir)
		if a.Options&nt.FileDeleteOnClose != 0 || a.DesiredAccess&(nt.Delete|nt.GenericAll|nt.MaximumAllowed) != 0 {
			d.unkeepBelow(name)
		}
		if t, ok := api.Find[*api.Then](a.Contexts); ok && t != nil {
			for _, r := range t.Requests {
				if isRename(r) {
					if in, st := (&file{d: o.d, to: o.to}).target(r.In); st == nt.StatusSuccess {
						o.altersRename(name, in)
					}
				}
			}
		}
		return
	}
	if l := d.leases[dir]; l != nil && l.dir != nil {
		l.mu.Lock()
		if l.mayKnow() {
			o.inDir, o.dirGen, o.base = l, l.gen, base
		}
		l.mu.Unlock()
	}
}

// alters notes a directory that an open changes; redirector.mu is held.
func (o *opening) alters(dir leaseName) {
	o.d.changing(dir)
	o.changes = append(o.changes, dir)
}

// altersRename notes where a file gets another name; redirector.mu is held. What is below a directory that is renamed is not known any more.
func (o *opening) altersRename(from leaseName, in []byte) {
	to := from
	to.name = nt.Upcase(nt.DecodeUTF16(in[20 : 20+int(le.Uint32(in[16:]))]))
	dir, _ := to.parent()
	o.alters(dir)
	o.d.moved(from, to)
}

// moved forgets what was below two names; mu is held.
func (d *redirector) moved(names ...leaseName) {
	for n, l := range d.leases {
		if l.dir == nil {
			continue
		}
		for _, from := range names {
			if n.below(from) {
				l.mu.Lock()
				l.drop(0, lastBlock)
				l.mu.Unlock()
			}
		}
	}
}

// below reports that a name is another's, or lies below it.
func (n leaseName) below(dir leaseName) bool {
	of := n
	of.name = dir.name
	return of == dir && (n.name == dir.name || dir.name == "" || strings.HasPrefix(n.name, dir.name+`\`))
}

// learned notes what the answer to an open tells.
func (o *opening) learned(st nt.Status) {
	if o.inDir == nil {
		return
	}
	a := o.r.Create
	switch {
	case st == nt.StatusObjectNameNotFound && a.Disposition == nt.FileOpen:
		o.inDir.learn(o.base, o.dirGen, known{absent: true})
	case st == nt.StatusSuccess && o.saw != nil && o.saw.Attributes&nt.FileAttributeReparsePoint == 0:
		o.inDir.learn(o.base, o.dirGen, known{info: *o.saw})
	}
	o.inDir = nil
}

// plainLook reports a create that asks for what there is under a name and nothing else.
func plainLook(a *api.CreateArgs) bool {
	if a.Disposition != nt.FileOpen || a.DesiredAccess&^(nt.FileReadAttributes|nt.Synchronize) != 0 || a.Options&^(nt.FileOpenReparsePoint|nt.FileSynchronousIoAlert|nt.FileSynchronousIoNonalert) != 0 {
		return false
	}
	closes, asks := false, false
	for _, c := range a.Contexts {
		switch c := c.(type) {
		case *api.Then:
			closes = c != nil && c.Close && len(c.Requests) == 0
		case api.OpenInformation:
			asks = true
		case *api.Credential:
		default:
			return false
		}
	}
	return closes && asks
}

// plainName reports a create of which it matters not who asks: what is not there is not there.
func plainName(a *api.CreateArgs) bool {
	if a.Disposition != nt.FileOpen {
		return false
	}
	for _, c := range a.Contexts {
		switch c.(type) {
		case *api.Then, api.OpenInformation, *api.Credential, api.MaximalAccess, api.DiskID:
		default:
			return false
		}
	}
	return true
}

// answerKnown completes a create by what is known of the directory. False if the server is to be asked.
func (o *opening) answerKnown() bool {
	d, a := o.d, o.r.Create
	look := plainLook(a)
	if d.dirs == nil || o.to.name == "" || !look && !plainName(a) {
		return false
	}
	dir, base := o.leaseName().parent()
	d.mu.Lock()
	l := d.leases[dir]
	if l == nil || l.dir == nil {
		wanted := d.wanted(o, dir)
		d.mu.Unlock()
		if wanted {
			d.spawn(func() { d.openForLease(o.to, a) })
		}
		return false
	}
	d.mu.Unlock()
	n, ok := l.recall(base)
	switch {
	case !ok:
		return false
	case n.absent:
		d.known.Add(1)
		o.r.Complete(nt.StatusObjectNameNotFound, 0)
		return true
	case !look:
		return false
	}
	d.known.Add(1)
	o.r.File().SetImpl(&seen{}, granted(a, 0))
	n.info.Name = ""
	a.Result.Action, a.Result.Contexts = nt.FileOpened, []any{n.info, api.ThenDone{}}
	o.r.Complete(nt.StatusSuccess, 0)
	return true
}

// seen is an open that was over when it was answered, and of which no server knows.
type seen struct{ api.DefaultFile }

// wanted counts a lookup, and reports that there have been so many that the directory should be opened; mu is held.
func (d *redirector) wanted(o *opening, dir leaseName) bool {
	c := d.conns[o.to.server()]
	if c == nil || !c.up || !c.dirLeases || d.stopping {
		return false
	}
	u := d.dirs[dir]
	if u == nil {
		if len(d.dirs) >= maxUses {
			for n, v := range d.dirs {
				if v.writers == 0 {
					delete(d.dirs, n)
				}
			}
			if len(d.dirs) >= maxUses {
				return false
			}
		}
		u = &dirUse{}
		d.dirs[dir] = u
	}
	if u.lookups++; u.lookups < enoughLookups || u.writers > 0 || time.Since(u.tried) < retryLease {
		return false
	}
	u.lookups, u.tried = 0, time.Now()
	return true
}

// openForLease opens the directory of a target as who asks for the target, and closes it: with a lease it is kept.
func (d *redirector) openForLease(to target, a *api.CreateArgs) {
	dir := ""
	if i := strings.LastIndexByte(to.name, '\\'); i >= 0 {
		dir = to.name[:i]
	}
	args := &api.CreateArgs{Name: d.path(&to, dir), Token: a.Token, DesiredAccess: nt.FileListDirectory | nt.FileReadAttributes | nt.Synchronize,
		ShareAccess: shareAll, Disposition: nt.FileOpen, Options: nt.FileDirectoryFile, Impersonation: a.Impersonation}
	for _, c := range a.Contexts {
		if cred, ok := c.(*api.Credential); ok {
			args.Contexts = []any{cred}
		}
	}
	ctx, cancel := context.WithTimeout(d.ctx, d.cfg.RequestTimeout)
	defer cancel()
	if h, err := d.api.CreateFile(ctx, args); err == nil {
		_ = d.api.Close(h)
	}
}

const shareAll = nt.FileShareRead | nt.FileShareWrite | nt.FileShareDelete

// path is the name in the namespace of something on the share of a target.
func (d *redirector) path(to *target, name string) string {
	host := to.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return `\rdr\` + host + ":" + to.port + `\` + to.share + `\` + name
}

// kept is a directory that is closed here, and open on the server for its lease.
type kept struct {
	f     *file
	since time.Time
}

// keep has a directory stay open on the server; false if it is not worth it.
func (d *redirector) keep(f *file) bool {
	l := f.lease
	const rh = smb2.LeaseReadCaching | smb2.LeaseHandleCaching
	d.mu.Lock()
	defer d.mu.Unlock()
	l.mu.Lock()
	worth := f.keepable && l.state&rh == rh && l.users == 1 && !d.stopping && d.leases[l.name] == l
	l.mu.Unlock()
	if !worth {
		return false
	}
	d.kept = append(d.kept, kept{f, time.Now()})
	if len(d.kept) > d.cfg.Limits.Directories {
		d.spawn(func() { d.unkeep(func(i int, _ *file) bool { return i == 0 }) })
	}
	if d.keptTimer == nil {
		d.keptTimer = time.AfterFunc(d.cfg.DirectoryTime, d.sweepKept)
	}
	return true
}

// sweepKept closes what was kept long enough.
func (d *redirector) sweepKept() {
	d.mu.Lock()
	d.keptTimer = nil
	d.mu.Unlock()
	now := time.Now()
	d.unkeep(func(i int, _ *file) bool { return now.Sub(d.kept[i].since) >= d.cfg.DirectoryTime })
	d.mu.Lock()
	if len(d.kept) > 0 && d.keptTimer == nil && !d.stopping {
		d.keptTimer = time.AfterFunc(max(time.Until(d.kept[0].since.Add(d.cfg.DirectoryTime)), time.Millisecond), d.sweepKept)
	}
	d.mu.Unlock()
}

// unkeep closes the kept directories that pick names.
func (d *redirector) unkeep(pick func(int, *file) bool) {
	d.mu.Lock()
	out := d.pickKept(pick)
	d.mu.Unlock()
	for _, f := range out {
		f.sendClose()
	}
}

// pickKept takes kept directories out of the list; mu is held.
func (d *redirector) pickKept(pick func(int, *file) bool) (out []*file) {
	var rest []kept
	for i, k := range d.kept {
		if pick(i, k.f) {
			out = append(out, k.f)
		} else {
			rest = append(rest, k)
		}
	}
	d.kept = rest
	return out
}

// unkeepBelow puts the CLOSE of what is kept at a name or below it in line: what comes behind it finds it closed. mu is held.
func (d *redirector) unkeepBelow(name leaseName) {
	for _, f := range d.pickKept(func(_ int, f *file) bool { return f.lease.name.below(name) }) {
		d.spawn(f.queueClose())
	}
}

// unkeepLease closes what is kept under a lease that is gone.
func (d *redirector) unkeepLease(l *lease) {
	d.unkeep(func(_ int, f *file) bool { return f.lease == l })
}
