package npfs

import (
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// QuerySecurity answers the parts of the pipe's descriptor that are asked for; all instances share it.
func (e *end) QuerySecurity(r *api.Request) {
	p := e.in.pipe
	p.mu.Lock()
	sd := p.sd
	p.mu.Unlock()
	r.Reply(sd.Select(nt.SecurityInformation(r.Code)).Append(nil))
}

// SetSecurity changes parts of it.
func (e *end) SetSecurity(r *api.Request) {
	in, err := nt.ParseSecurityDescriptor(r.In)
	if err != nil {
		r.Complete(nt.StatusInvalidSecurityDescr, 0)
		return
	}
	p := e.in.pipe
	status := nt.StatusSuccess
	p.mu.Lock()
	if sd := p.sd.Merge(in, nt.SecurityInformation(r.Code)); sd.Valid() != nil {
		status = nt.StatusInvalidSecurityDescr
	} else {
		p.sd = sd
	}
	p.mu.Unlock()
	r.Complete(status, 0)
}

// QueryVolume answers for the pipe file system (MS-FSCC 2.5).
func (e *end) QueryVolume(r *api.Request) { queryVolume(r) }

func queryVolume(r *api.Request) {
	var b []byte
	switch nt.FsInfoClass(r.Code) {
	case nt.FileFsDeviceInformation:
		b = le.AppendUint32(b, nt.FileDeviceNamedPipe)
		b = le.AppendUint32(b, 0)
	case nt.FileFsAttributeInformation:
		const name = "NPFS"
		b = le.AppendUint32(b, nt.FileCasePreservedNames|nt.FileUnicodeOnDisk|nt.FilePersistentACLs)
		b = le.AppendUint32(b, maxName)
		b = le.AppendUint32(b, 2*uint32(len(name)))
		b = nt.AppendUTF16(b, name)
	case nt.FileFsVolumeInformation:
		const label = "NamedPipe"
		b = append(b, make([]byte, 12)...) // creation time, serial number
		b = le.AppendUint32(b, 2*uint32(len(label)))
		b = append(b, 0, 0)
		b = nt.AppendUTF16(b, label)
	case nt.FileFsSizeInformation:
		b = append(b, make([]byte, 16)...)
		b = le.AppendUint32(b, 1)
		b = le.AppendUint32(b, 1)
	case nt.FileFsFullSizeInformation:
		b = append(b, make([]byte, 24)...)
		b = le.AppendUint32(b, 1)
		b = le.AppendUint32(b, 1)
	default:
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	r.ReplyPart(b, 8)
}
