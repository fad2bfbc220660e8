package win32

import (
	"context"
	"errors"
	"strings"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// CopyProgress is told of how far a copy is.
type CopyProgress struct {
	Size, Transferred int64 // of the file's own stream
}

const (
	copyBuffer = 1 << 20
	// What every server takes in one request (MS-SMB2 3.3.3).
	serverChunk  = 1 << 20
	serverChunks = 16
)

// CopyFileEx copies a file with its attributes, its time of last writing, its named streams and extended attributes; the security descriptor is that
// which the new directory gives. Where both are on one server, the server copies. progress, if not nil, is called after each part; if it gives false
// the copy ends with WErrRequestAborted. What was begun is deleted if it does not come to its end.
func (s *System) CopyFileEx(ctx context.Context, from, to string, progress func(CopyProgress) bool, flags uint32) error {
	if flags&^(CopyFileFailIfExists|CopyFileCopySymlink) != 0 {
		return nt.WErrInvalidParameter
	}
	return s.copyFile(ctx, from, to, progress, flags, false)
}

// copying is one copy.
type copying struct {
	s        *System
	ctx      context.Context
	src, dst api.Handle
	server   bool // both are on one server
	progress func(CopyProgress) bool
}

func (s *System) copyFile(ctx context.Context, from, to string, progress func(CopyProgress) bool, flags uint32, through bool) error {
	source, target, err := s.names(from, to)
	if err != nil {
		return err
	}
	if source.dir || target.dir {
		return nt.WErrInvalidName
	}
	options := uint32(nt.FileNonDirectoryFile | nt.FileSequentialOnly)
	var link uint32
	if flags&CopyFileCopySymlink != 0 {
		link = nt.FileOpenReparsePoint
	}
	src, _, err := s.open(ctx, source, nt.FileReadData|nt.FileReadEA, nt.FileShareRead|nt.FileShareWrite|nt.FileShareDelete, nt.FileOpen, options|link, 0)
	if err != nil {
		return Error(err)
	}
	defer s.api.Close(src)
	basic, err := s.query(ctx, src, nt.FileBasicInformation)
	if err != nil {
		return Error(err)
	}
	disposition := uint32(nt.FileOverwriteIf)
	if flags&CopyFileFailIfExists != 0 {
		disposition = nt.FileCreate
	}
	if through {
		options |= nt.FileWriteThrough
	}
	// Those that would keep it from being written come at the end, with the times.
	const late = nt.FileAttributeReadonly | nt.FileAttributeDirectory | nt.FileAttributeReparsePoint | nt.FileAttributeSparseFile | nt.FileAttributeCompressed | nt.FileAttributeNormal
	attributes := basic.Attributes &^ late
	if attributes == 0 {
		attributes = nt.FileAttributeNormal
	}
	dst, _, err := s.open(ctx, target, nt.FileWriteData|nt.FileReadData|nt.FileWriteAttributes|nt.FileWriteEA|nt.Delete, 0, disposition, options, attributes)
	switch {
	case errors.Is(err, nt.StatusObjectNameCollision):
		return nt.WErrFileExists
	case err != nil:
		return Error(err)
	}
	c := &copying{s: s, ctx: ctx, src: src, dst: dst, server: sameServer(source.path, target.path), progress: progress}
	if err = c.all(source, target, basic, link != 0); err != nil {
		_ = s.api.SetInformationFile(context.WithoutCancel(ctx), dst, nt.FileDispositionInformation, []byte{1})
	}
	if e := s.api.Close(dst); err == nil {
		err = e
	}
	return Error(err)
}

// sameServer reports that both names lead to one server by the redirector.
func sameServer(a, b string) bool {
	pa, pb := strings.SplitN(a, `\`, 4), strings.SplitN(b, `\`, 4)
	return len(pa) == 4 && len(pb) == 4 && nt.EqualFold(pa[1], "rdr") && nt.EqualFold(pb[1], "rdr") && nt.EqualFold(pa[2], pb[2])
}

// unable reports that a file system does not have what was asked for.
func unable(err error) bool {
	for _, st := range []nt.Status{nt.StatusNotSupported, nt.StatusInvalidDeviceRequest, nt.StatusEasNotSupported, nt.StatusNotImplemented, nt.StatusInvalidInfoClass, nt.StatusInvalidParameter} {
		if errors.Is(err, st) {
			return true
		}
	}
	return false
}

func (c *copying) all(source, target name, basic api.FileInfo, link bool) error {
	s := c.s
	if link && basic.Attributes&nt.FileAttributeReparsePoint != 0 {
		b := make([]byte, 16<<10)
		n, err := s.api.FsControlFile(c.ctx, c.src, nt.FsctlGetReparsePoint, nil, b)
		if err == nil {
			_, err = s.api.FsControlFile(c.ctx, c.dst, nt.FsctlSetReparsePoint, b[:n], nil)
		}
		return err
	}
	if err := c.data(c.src, c.dst); err != nil {
		return err
	}
	if err := c.attributes(); err != nil {
		return err
	}
	if err := c.named(source, target); err != nil {
		return err
	}
	i := api.FileInfo{LastWriteTime: basic.LastWriteTime, Attributes: basic.Attributes & (nt.FileAttributeReadonly | nt.FileAttributeHidden | nt.FileAttributeSystem |
		nt.FileAttributeArchive | nt.FileAttributeNotContentIndexed)}
	if i.Attributes == 0 {
		i.Attributes = nt.FileAttributeNormal
	}
	return s.api.SetInformationFile(c.ctx, c.dst, nt.FileBasicInformation, i.AppendBasic(nil))
}

// data copies one stream.
func (c *copying) data(src, dst api.Handle) error {
	size, err := c.s.size(c.ctx, src)
	if err != nil {
		return err
	}
	at := int64(0)
	if c.server && size > 0 {
		if at, err = c.onServer(src, dst, size); err != nil {
			return err
		}
	}
	b := make([]byte, min(size+1, copyBuffer))
	for { // also what has been written since the size was asked for
		n, err := c.s.api.ReadFile(c.ctx, src, b, at)
		if errors.Is(err, nt.StatusEndOfFile) || err == nil && n == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err = c.s.writeAll(c.ctx, dst, b[:n], at); err != nil {
			return err
		}
		at += int64(n)
		if err := c.tell(src, at, size); err != nil {
			return err
		}
	}
}

func (c *copying) tell(src api.Handle, at, size int64) error {
	if c.progress != nil && src == c.src && !c.progress(CopyProgress{max(size, at), at}) {
		return nt.WErrRequestAborted
	}
	return nil
}

// onServer has the server copy (FSCTL_SRV_COPYCHUNK_WRITE), and says how far it came: what it cannot do is done by reading and writing.
func (c *copying) onServer(src, dst api.Handle, size int64) (at int64, err error) {
	var out [64]byte
	n, err := c.s.api.FsControlFile(c.ctx, src, nt.FsctlSrvRequestResumeKey, nil, out[:])
	if err != nil {
		return 0, c.ctx.Err()
	}
	key, err := smb2.ParseResumeKeyResponse(out[:n])
	if err != nil {
		return 0, nil
	}
	for at < size {
		req, end := smb2.CopyChunkRequest{SourceKey: key.ResumeKey}, at
		for len(req.Chunks) < serverChunks && end < size {
			n := min(size-end, serverChunk)
			req.Chunks = append(req.Chunks, smb2.CopyChunk{SourceOffset: uint64(end), TargetOffset: uint64(end), Length: uint32(n)})
			end += n
		}
		n, err := c.s.api.FsControlFile(c.ctx, dst, nt.FsctlSrvCopychunkWrite, req.Append(nil), out[:12])
		if err != nil {
			return at, c.ctx.Err()
		}
		if res, err := smb2.ParseCopyChunkResponse(out[:n]); err != nil || int64(res.TotalBytesWritten) != end-at {
			return at, nil
		}
		at = end
		if err := c.tell(src, at, size); err != nil {
			return at, err
		}
	}
	return at, nil
}

// eaMax is the most that the extended attributes of a file take (MS-FSCC 2.4.16: Windows holds 64 KiB).
const eaMax = 64 << 10

// attributes copies the extended attributes, where both sides have them.
func (c *copying) attributes() error {
	b := make([]byte, eaMax)
	n, err := c.s.api.QueryEaFile(c.ctx, c.src, nil, b)
	switch {
	case errors.Is(err, nt.StatusNoEasOnFile), errors.Is(err, nt.StatusNoMoreEas), errors.Is(err, nt.StatusEaCorruptError), unable(err), err == nil && n == 0:
		return nil
	case err != nil:
		return err
	}
	if err = c.s.api.SetEaFile(c.ctx, c.dst, b[:n]); unable(err) {
		return nil
	}
	return err
}

// named copies the named streams. To a file system that has none they do not go, as on Windows.
func (c *copying) named(source, target name) error {
	if strings.Contains(source.path[source.root:]+target.path[target.root:], ":") {
		return nil // a stream was named, and is copied alone
	}
	list, err := c.s.streams(c.ctx, c.src)
	if unable(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, st := range list {
		stream := strings.TrimSuffix(st.StreamName, ":$DATA")
		if stream == ":" || stream == "" {
			continue
		}
		if stream[0] != ':' || strings.ContainsAny(stream[1:], ":\\/\x00") {
			return nt.StatusInvalidNetworkResponse
		}
		if err := c.stream(source, target, stream); err != nil {
			return err
		}
	}
	return nil
}

func (c *copying) stream(source, target name, stream string) error {
	source.path, target.path = source.path+stream, target.path+stream
	src, _, err := c.s.open(c.ctx, source, nt.FileReadData, shareAll, nt.FileOpen, nt.FileNonDirectoryFile, 0)
	if err != nil {
		return err
	}
	defer c.s.api.Close(src)
	dst, _, err := c.s.open(c.ctx, target, nt.FileWriteData, shareAll, nt.FileOverwriteIf, nt.FileNonDirectoryFile, 0)
	if unable(err) || errors.Is(err, nt.StatusObjectNameInvalid) {
		return nil
	}
	if err != nil {
		return err
	}
	err = c.data(src, dst)
	if e := c.s.api.Close(dst); err == nil {
		err = e
	}
	return err
}
