package pvfs

import (
	"os"
	"slices"
	"strings"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// Extended attributes are POSIX ones of the namespace `user.`, under their names; names are compared without regard to case. What this driver
// and Samba keep there is none of the client's.

// ea is one FILE_FULL_EA_INFORMATION (MS-FSCC 2.4.15).
type ea struct {
	name  string
	value []byte
}

const (
	eaPrefix    = "user."
	fileNeedEA  = 0x80
	maxEAName   = 254
	maxEAsTotal = 64 << 10
)

// hiddenEA reports whether an attribute of the user namespace is kept by a file server for itself.
func hiddenEA(name string) bool {
	for _, p := range [...]string{"lwio.", "DOSATTRIB", "DosStream.", "SAMBA_PAI", "netatalk."} {
		if len(name) >= len(p) && strings.EqualFold(name[:len(p)], p) {
			return true
		}
	}
	return false
}

// validEAName follows MS-FSCC 2.4.15: no control characters and none of those that names of files do not have either.
func validEAName(name string) bool {
	if name == "" || len(name) > maxEAName || len(eaPrefix)+len(name) > maxXattrName {
		return false
	}
	for i := 0; i < len(name); i++ {
		if c := name[i]; c < 0x20 || c > 0x7E || strings.IndexByte(`"*+,/:;<=>?[\]|`, c) >= 0 {
			return false
		}
	}
	return true
}

// parseEAs reads a chain of them.
func parseEAs(b []byte) ([]ea, nt.Status) {
	var list []ea
	for len(b) > 0 {
		if len(b) < 8 {
			return nil, nt.StatusEaListInconsistent
		}
		next, n, v := uint64(le.Uint32(b)), int(b[5]), int(le.Uint16(b[6:]))
		one := b
		if next != 0 {
			if next%4 != 0 || next < 8 || next >= uint64(len(b)) {
				return nil, nt.StatusEaListInconsistent
			}
			one = b[:next]
		}
		if 8+n+1+v > len(one) || one[8+n] != 0 {
			return nil, nt.StatusEaListInconsistent
		}
		e := ea{string(one[8 : 8+n]), one[8+n+1 : 8+n+1+v]}
		switch {
		case !validEAName(e.name) || hiddenEA(e.name):
			return nil, nt.StatusInvalidEaName
		case one[4] != 0: // FILE_NEED_EA too: who does not know of the attribute could not be kept out
			return nil, nt.StatusInvalidParameter
		}
		list = append(list, e)
		if next == 0 {
			break
		}
		b = b[next:]
	}
	return list, nt.StatusSuccess
}

// appendEA appends one; from is where the one before begins, -1 for none.
func appendEA(b []byte, from int, e ea) ([]byte, int) {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	if from >= 0 {
		le.PutUint32(b[from:], uint32(len(b)-from))
	}
	at := len(b)
	b = le.AppendUint32(b, 0)
	b = append(b, 0, uint8(len(e.name)))
	b = le.AppendUint16(b, uint16(len(e.value)))
	b = append(b, e.name...)
	b = append(b, 0)
	return append(b, e.value...), at
}

// eaNames gives the names of a file's extended attributes.
func eaNames(h *os.File) ([]string, error) {
	names, err := listXattr(h)
	return eaNamesOf(names), err
}

func eaNamesOf(xattrs []string) []string {
	var out []string
	for _, name := range xattrs {
		if name = strings.TrimPrefix(name, eaPrefix); validEAName(name) && !hiddenEA(name) {
			out = append(out, name)
		}
	}
	return out
}

// eaSize is what FileEaInformation says: the length of the list as OS/2 had it, four bytes and for each attribute four more than name, its
// end and value. 0 if there is none.
func eaSize(h *os.File) uint32 {
	names, err := eaNames(h)
	if err != nil {
		return 0
	}
	return eaSizeOf(names, func(attr string) (int, error) { return getXattr(h, attr, nil) })
}

func eaSizeOf(names []string, length func(attr string) (int, error)) uint32 {
	if len(names) == 0 {
		return 0
	}
	size := uint32(4)
	for _, name := range names {
		if n, err := length(eaPrefix + name); err == nil {
			size += 4 + uint32(len(name)) + 1 + uint32(n)
		}
	}
	return size
}

// setEAs sets attributes; one without a value goes.
func setEAs(h *os.File, list []ea) error {
	if len(list) == 0 {
		return nil
	}
	names, err := eaNames(h)
	if err != nil {
		return err
	}
	for _, e := range list {
		name := e.name
		i := slices.IndexFunc(names, func(x string) bool { return nt.EqualFold(x, name) })
		if i >= 0 {
			name = names[i]
		}
		if len(e.value) == 0 {
			if i < 0 {
				continue
			}
			names = slices.Delete(names, i, i+1)
			if err := removeXattr(h, eaPrefix+name); err != nil && !isNoAttr(err) {
				return err
			}
			continue
		}
		switch err := setXattr(h, eaPrefix+name, e.value); {
		case noXattr(err):
			return nt.StatusEasNotSupported
		case noRoom(err):
			return nt.StatusEaTooLarge
		case err != nil:
			return err
		}
		if i < 0 {
			names = append(names, name)
		}
	}
	return nil
}

// replaceEAs sets the attributes of a file that is overwritten: it keeps none that it had (MS-FSA 2.1.5.1.2).
func replaceEAs(h *os.File, list []ea) error {
	names, err := eaNames(h)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := removeXattr(h, eaPrefix+name); err != nil && !isNoAttr(err) {
			return err
		}
	}
	return setEAs(h, list)
}

// SetEA sets extended attributes (MS-FSA 2.1.5.15.5).
func (f *file) SetEA(r *api.Request) {
	if f.granted&nt.FileWriteEA == 0 {
		r.Complete(nt.StatusAccessDenied, 0)
		return
	}
	list, status := parseEAs(r.In)
	if status != nt.StatusSuccess {
		r.Complete(status, 0)
		return
	}
	err := setEAs(f.h, list)
	if err == nil && len(list) > 0 {
		f.v.report(nt.FileNotifyChangeEa, nt.FileActionModified, f.node.pathOf(f.link))
	}
	r.Complete(nt.StatusOf(err), 0)
}

// Flags of a query (MS-SMB2 2.2.37), in Request.Code.
const (
	eaRestart = 1
	eaSingle  = 2
	eaIndexed = 4
)

// QueryEA lists extended attributes: all, from where the last query ended, or those that the input names (MS-FSA 2.1.5.12.10).
func (f *file) QueryEA(r *api.Request) {
	if f.granted&nt.FileReadEA == 0 {
		r.Complete(nt.StatusAccessDenied, 0)
		return
	}
	names, err := eaNames(f.h)
	if err != nil {
		r.Fail(err)
		return
	}
	if len(r.In) > 0 {
		f.queryNamedEAs(r, names)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Code&(eaRestart|eaIndexed) != 0 {
		f.nextEA = 0
	}
	switch {
	case len(names) == 0:
		r.Complete(nt.StatusNoEasOnFile, 0)
		return
	case f.nextEA >= len(names):
		r.Complete(nt.StatusNoMoreEas, 0)
		return
	}
	var out []byte
	last := -1
	for f.nextEA < len(names) {
		value, err := readXattr(f.h, eaPrefix+names[f.nextEA])
		if isNoAttr(err) || len(value) > 0xFFFF {
			f.nextEA++
			continue
		}
		if err != nil {
			r.Fail(err)
			return
		}
		before := len(out)
		next, at := appendEA(out, last, ea{strings.ToUpper(names[f.nextEA]), value})
		if len(next) > len(r.Out) {
			if last < 0 {
				r.Complete(nt.StatusBufferTooSmall, 0)
				return
			}
			le.PutUint32(next[last:], 0)
			r.Complete(nt.StatusBufferOverflow, copy(r.Out, next[:before]))
			return
		}
		out, last = next, at
		f.nextEA++
		if r.Code&eaSingle != 0 {
			break
		}
	}
	if r.Code&eaSingle == 0 {
		f.nextEA = 0 // who reads all at once begins again
	}
	r.Complete(nt.StatusSuccess, copy(r.Out, out))
}

// queryNamedEAs answers for those that a FILE_GET_EA_INFORMATION list names (MS-FSCC 2.4.15.1); one that is not there has no value.
func (f *file) queryNamedEAs(r *api.Request, names []string) {
	var out []byte
	last := -1
	for b := r.In; ; {
		if len(b) < 5 || len(b) < 5+int(b[4])+1 {
			r.Complete(nt.StatusEaListInconsistent, 0)
			return
		}
		name := string(b[5 : 5+int(b[4])])
		if !validEAName(name) {
			r.Complete(nt.StatusInvalidEaName, 0)
			return
		}
		e := ea{name: strings.ToUpper(name)}
		if i := slices.IndexFunc(names, func(x string) bool { return nt.EqualFold(x, name) }); i >= 0 {
			value, err := readXattr(f.h, eaPrefix+names[i])
			if err != nil && !isNoAttr(err) {
				r.Fail(err)
				return
			}
			if len(value) <= 0xFFFF {
				e.value = value
			}
		}
		out, last = appendEA(out, last, e)
		if len(out) > len(r.Out) {
			r.Complete(nt.StatusBufferOverflow, 0)
			return
		}
		next := uint64(le.Uint32(b))
		if next == 0 {
			break
		}
		if next%4 != 0 || next < 6 || next >= uint64(len(b)) {
			r.Complete(nt.StatusEaListInconsistent, 0)
			return
		}
		b = b[next:]
	}
	r.Complete(nt.StatusSuccess, copy(r.Out, out))
}
