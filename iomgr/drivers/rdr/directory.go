package rdr

import (
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// opQueryDirectory is QUERY_DIRECTORY (MS-SMB2 3.2.4.17, 3.2.5.17). The entries have the same form here and there.
var opQueryDirectory = operation{
	cmd:  smb2.QueryDirectory,
	size: func(x *exchange) int { return 48 + 2*len(x.r.Dir.Pattern) + 512 },
	encode: func(x *exchange, b []byte) []byte {
		d := x.r.Dir
		req := smb2.QueryDirectoryRequest{FileInformationClass: uint8(x.r.Code), FileIndex: d.Index, FileID: x.fid,
			OutputBufferLength: uint32(len(x.out)), Pattern: nt.AppendUTF16(nil, x.file.search(d.Pattern))}
		if d.Restart {
			req.Flags |= smb2.QueryDirectoryRestartScans
			if d.Pattern != "" { // only so another pattern is heeded (3.3.5.18)
				req.Flags = smb2.QueryDirectoryReopen
			}
		}
		if d.Single {
			req.Flags |= smb2.QueryDirectoryReturnSingleEntry
		}
		if d.ByIndex {
			req.Flags |= smb2.QueryDirectoryIndexSpecified
		}
		return req.Append(b)
	},
	decode: func(x *exchange, st nt.Status, body []byte) (nt.Status, int, error) {
		res, err := smb2.ParseQueryDirectoryResponse(body)
		if err != nil {
			return 0, 0, err
		}
		n, err := x.give(res.Output)
		return st, n, err
	},
	overflow: true,
}

// search is the pattern to send: the one given, or the one of before; all if there was none.
func (f *file) search(pattern string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if pattern != "" {
		f.pattern = pattern
	} else if f.pattern == "" {
		f.pattern = "*"
	}
	return f.pattern
}

// maxPattern is the longest search pattern in UTF-16 code units.
const maxPattern = 32767

// QueryDirectory lists a directory.
func (f *file) QueryDirectory(r *api.Request) {
	if nt.UTF16Len(r.Dir.Pattern) > maxPattern {
		r.Complete(nt.StatusObjectNameInvalid, 0)
		return
	}
	if f.d.dirty.Load() > 0 && !f.share && !f.pipe() {
		if !r.Pended() && !r.Pend(f.cancelRequest) {
			r.Complete(nt.StatusCancelled, 0)
			return
		}
		if f.d.cleanBelow(f.leaseName(), func() { f.QueryDirectory(r) }) {
			return
		}
	}
	if f.lease != nil && f.lease.dir != nil && r.Code <= 0xFF {
		answered, collect := f.listKept(r)
		if answered {
			return
		}
		if collect {
			at := f.at.Load()
			x := f.exchangeAt(at, &opQueryDirectory, r)
			x.out = r.Out[:x.conn.fit(len(r.Out), x.conn.maxTransact)]
			x.charge = x.conn.chargeFor(len(x.out))
			x.done = collected
			x.conn.start(x)
			return
		}
	}
	f.class(&opQueryDirectory, r)
}

// opNotify is CHANGE_NOTIFY (MS-SMB2 3.2.4.18, 3.2.5.18).
var opNotify = operation{
	cmd:  smb2.ChangeNotify,
	size: func(*exchange) int { return 32 },
	encode: func(x *exchange, b []byte) []byte {
		req := smb2.ChangeNotifyRequest{OutputBufferLength: uint32(len(x.out)), FileID: x.fid, CompletionFilter: x.r.Code}
		if x.r.Flags&api.FlagWatchTree != 0 {
			req.Flags = smb2.ChangeNotifyWatchTree
		}
		return req.Append(b)
	},
	decode: func(x *exchange, st nt.Status, body []byte) (nt.Status, int, error) {
		res, err := smb2.ParseChangeNotifyResponse(body)
		if err != nil {
			return 0, 0, err
		}
		n, err := x.give(res.Output)
		return st, n, err
	},
}

// NotifyChange waits for a change below a directory.
func (f *file) NotifyChange(r *api.Request) {
	if r.Out == nil {
		r.Out = make([]byte, r.Room)
	}
	f.send(&opNotify, r)
}
