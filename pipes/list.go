package pipes

import (
	"context"
	"errors"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// Entry is a pipe in a listing.
type Entry struct {
	Name         string
	Instances    uint32
	MaxInstances uint32 // nt.FilePipeUnlimitedInstances for no limit
}

// List gives the pipes whose names match a pattern with NT's wildcards; an empty one stands for all.
func List(ctx context.Context, a api.API, pattern string) ([]Entry, error) {
	h, err := a.CreateFile(ctx, &api.CreateArgs{Name: `\npfs\`, DesiredAccess: nt.FileReadData | nt.Synchronize, Disposition: nt.FileOpen,
		ShareAccess: nt.FileShareRead | nt.FileShareWrite, Options: nt.FileDirectoryFile})
	if err != nil {
		return nil, err
	}
	defer a.Close(h)
	var out []Entry
	buf := make([]byte, 16<<10)
	for {
		n, err := a.QueryDirectoryFile(ctx, h, nt.FileDirectoryInformation, &api.DirArgs{Pattern: pattern}, buf)
		if errors.Is(err, nt.StatusNoMoreFiles) || errors.Is(err, nt.StatusNoSuchFile) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		for b := buf[:n]; ; {
			if len(b) < 64 || uint64(le.Uint32(b[60:])) > uint64(len(b)-64) {
				return nil, nt.StatusInvalidNetworkResponse
			}
			out = append(out, Entry{nt.DecodeUTF16(b[64 : 64+le.Uint32(b[60:])]), le.Uint32(b[40:]), le.Uint32(b[48:])})
			next := le.Uint32(b)
			if next == 0 {
				break
			}
			if uint64(next) > uint64(len(b)) {
				return nil, nt.StatusInvalidNetworkResponse
			}
			b = b[next:]
		}
	}
}
