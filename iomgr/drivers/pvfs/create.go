package pvfs

import (
	"os"
	"strings"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// Create opens or creates a file or directory (MS-FSA 2.1.5.1).
func (v *volume) Create(r *api.Request) {
	f, status := v.create(r)
	if status == nt.StatusSuccess {
		r.File().SetImpl(f, f.granted)
	}
	r.Complete(status, 0)
}

func (v *volume) create(r *api.Request) (*file, nt.Status) {
	a := r.Create
	if status := checkOptions(a); status != nt.StatusSuccess {
		return nil, status
	}
	parts, status := split(r.File().Path())
	if status != nt.StatusSuccess {
		return nil, status
	}
	p, status := v.lookup(parts)
	if status != nt.StatusSuccess {
		return nil, status
	}
	f := &file{v: v, dir: p.dir, name: p.name, path: p.path}
	created := false
	if p.info == nil {
		created = true
		status = v.make(f, a)
	} else {
		status = v.open(f, p.info, a)
	}
	if status != nt.StatusSuccess {
		f.release()
		return nil, status
	}
	info, err := fstat(f.h)
	if err != nil {
		f.release()
		return nil, nt.StatusOf(err)
	}
	f.id = detailsOf(info).id
	if !f.register(a.Options&nt.FileDeleteOnClose != 0) {
		f.release()
		return nil, nt.StatusDeletePending
	}
	if created {
		a.Result.Action = nt.FileCreated
	}
	if _, ok := api.Find[api.MaximalAccess](a.Contexts); ok {
		a.Result.Contexts = append(a.Result.Contexts, api.MaximalAccess{Access: nt.FileAllAccess})
	}
	if _, ok := api.Find[api.DiskID](a.Contexts); ok {
		a.Result.Contexts = append(a.Result.Contexts, api.DiskID{FileID: f.id.ino, VolumeID: f.id.dev})
	}
	return f, nt.StatusSuccess
}

// checkOptions refuses what MS-FSA 2.1.5.1 calls invalid.
func checkOptions(a *api.CreateArgs) nt.Status {
	directory := a.Options&nt.FileDirectoryFile != 0
	switch {
	case a.Disposition > nt.FileOverwriteIf, directory && a.Options&nt.FileNonDirectoryFile != 0, a.DesiredAccess == 0:
		return nt.StatusInvalidParameter
	case directory && (a.Disposition == nt.FileSupersede || a.Disposition == nt.FileOverwrite || a.Disposition == nt.FileOverwriteIf):
		return nt.StatusInvalidParameter
	case a.Options&nt.FileDeleteOnClose != 0 && a.DesiredAccess&(nt.Delete|nt.GenericAll|nt.MaximumAllowed) == 0:
		return nt.StatusInvalidParameter
	case a.Options&nt.FileOpenByFileId != 0:
		return nt.StatusNotSupported
	}
	return nt.StatusSuccess
}

// grant gives the access that was asked for: the share's descriptor has decided before who may come this far.
func grant(a *api.CreateArgs) nt.AccessMask {
	m := nt.GenericMappingFile.Map(a.DesiredAccess &^ nt.MaximumAllowed)
	if a.DesiredAccess&nt.MaximumAllowed != 0 {
		m |= nt.FileAllAccess
	}
	return m &^ nt.AccessSystemSecurity
}

// make creates what does not exist.
func (v *volume) make(f *file, a *api.CreateArgs) nt.Status {
	if a.Disposition == nt.FileOpen || a.Disposition == nt.FileOverwrite {
		return nt.StatusObjectNameNotFound
	}
	f.granted = grant(a)
	var err error
	if a.Options&nt.FileDirectoryFile != 0 {
		f.isDir = true
		if err = mkdirAt(f.dir, f.name, 0o777); err == nil {
			f.h, err = openAt(f.dir, f.name, os.O_RDONLY|oDirectory, 0)
		}
	} else {
		perm := uint32(0o666)
		if a.FileAttributes&nt.FileAttributeReadonly != 0 {
			perm = 0o444
		}
		f.h, err = openAt(f.dir, f.name, os.O_RDWR|os.O_CREATE|os.O_EXCL, perm)
		if err == nil && a.AllocationSize < 0 {
			err = nt.StatusInvalidParameter
		}
	}
	return nt.StatusOf(err)
}

// open opens what exists.
func (v *volume) open(f *file, info os.FileInfo, a *api.CreateArgs) nt.Status {
	f.isDir = info.IsDir()
	switch {
	case a.Disposition == nt.FileCreate:
		return nt.StatusObjectNameCollision
	case f.isDir && a.Options&nt.FileNonDirectoryFile != 0:
		return nt.StatusFileIsADirectory
	case !f.isDir && a.Options&nt.FileDirectoryFile != 0:
		return nt.StatusNotADirectory
	case !f.isDir && !info.Mode().IsRegular():
		return nt.StatusAccessDenied // devices, sockets and fifos are not files here
	}
	f.granted = grant(a)
	overwrite := a.Disposition == nt.FileSupersede || a.Disposition == nt.FileOverwrite || a.Disposition == nt.FileOverwriteIf
	readonly := info.Mode()&0o222 == 0
	if readonly && !f.isDir && (overwrite || f.granted&(nt.FileWriteData|nt.FileAppendData) != 0 && a.DesiredAccess&nt.MaximumAllowed == 0) {
		return nt.StatusAccessDenied
	}
	if overwrite && f.isDir {
		return nt.StatusInvalidParameter
	}
	a.Result.Action = nt.FileOpened
	flags := os.O_RDONLY
	if f.isDir {
		flags |= oDirectory
	} else if overwrite || f.granted&(nt.FileWriteData|nt.FileAppendData) != 0 {
		flags = os.O_RDWR
	}
	if overwrite {
		flags |= os.O_TRUNC
		a.Result.Action = nt.FileOverwritten
		if a.Disposition == nt.FileSupersede {
			a.Result.Action = nt.FileSuperseded
		}
	}
	name := f.name
	if name == "" {
		name = "."
	}
	var err error
	f.h, err = openAt(f.dir, name, flags, 0)
	if err != nil && flags == os.O_RDWR && a.DesiredAccess&nt.MaximumAllowed != 0 {
		f.granted &^= nt.FileWriteData | nt.FileAppendData
		f.h, err = openAt(f.dir, name, os.O_RDONLY, 0)
	}
	return nt.StatusOf(err)
}

// register counts the open; false if the file is about to be deleted.
func (f *file) register(deleteOnClose bool) bool {
	f.v.mu.Lock()
	defer f.v.mu.Unlock()
	if f.v.deleting[f.id] {
		return false
	}
	f.deleteOnClose = deleteOnClose
	return true
}

// shareName is the name that FileNameInformation shows: the path below the volume's root.
func (f *file) shareName() string {
	rest := strings.TrimPrefix(f.path, f.v.root)
	if rest == "" || rest[0] != '/' {
		rest = "/" + rest
	}
	return strings.ReplaceAll(rest, "/", `\`)
}
