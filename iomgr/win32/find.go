package win32

import (
	"context"
	"errors"
	"strings"
	"sync"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// FindData is WIN32_FIND_DATA.
type FindData struct {
	FileAttributes                              uint32
	CreationTime, LastAccessTime, LastWriteTime nt.Time
	FileSize                                    int64
	ReparseTag                                  uint32 // of a reparse point
	FileName                                    string
}

// Search is a listing under way.
type Search struct {
	s       *System
	h       api.Handle
	pattern string

	mu    sync.Mutex
	buf   []byte         // guarded by mu
	list  *api.DirReader // guarded by mu
	begun bool           // guarded by mu
}

// findBuffer is how much of a directory is asked for at a time: what one credit of SMB carries.
const findBuffer = 64 << 10

const findClass = nt.FileIdBothDirectoryInformation

// FindFirstFile begins to list what a pattern matches, and gives the first entry: a name whose last element may have wildcards. With none that matches
// it fails with WErrFileNotFound. "." and ".." are among the entries where the file system lists them.
func (s *System) FindFirstFile(ctx context.Context, pattern string) (*Search, FindData, error) {
	dir, last, err := splitPattern(pattern)
	if err != nil {
		return nil, FindData{}, err
	}
	n, err := s.name(dir)
	if err != nil {
		return nil, FindData{}, err
	}
	h, _, err := s.open(ctx, n, nt.FileListDirectory, shareAll, nt.FileOpen, nt.FileDirectoryFile|nt.FileOpenForBackupIntent, 0)
	if err != nil {
		if errors.Is(err, nt.StatusObjectNameNotFound) {
			return nil, FindData{}, nt.WErrPathNotFound // it is a directory that is not there
		}
		return nil, FindData{}, Error(err)
	}
	f := &Search{s: s, h: h, pattern: last}
	d, err := s.FindNextFile(ctx, f)
	if err != nil {
		_ = s.api.Close(h)
		if errors.Is(err, nt.WErrNoMoreFiles) {
			err = nt.WErrFileNotFound
		}
		return nil, FindData{}, err
	}
	return f, d, nil
}

// splitPattern takes the pattern off the directory, and converts its wildcards.
func splitPattern(file string) (dir, last string, err error) {
	separators := `\/`
	if strings.HasPrefix(file, `\\?\`) {
		separators = `\`
	}
	i := strings.LastIndexAny(file, separators)
	if dir, last = file[:i+1], file[i+1:]; i < 0 {
		if dir = "."; len(file) > 1 && file[1] == ':' {
			dir, last = file[:2], file[2:]
		}
	}
	switch {
	case last == "":
		return "", "", nt.WErrFileNotFound
	case last == "." || last == "..":
		return "", "", nt.WErrFileNotFound
	case strings.ContainsAny(last, "|:\x00"):
		return "", "", nt.WErrInvalidName
	}
	for _, r := range last {
		if r < ' ' {
			return "", "", nt.WErrInvalidName
		}
	}
	if separators == `\` {
		return dir, last, nil
	}
	if last = wildcards(last); last == "" {
		return "", "", nt.WErrFileNotFound
	}
	return dir, last, nil
}

// wildcards makes the search expression of the file system (MS-FSA 2.1.4.4) of a pattern, so that it matches what it did in DOS: ? is one character or
// none at the end, a dot before a wildcard also the end of a name, a * before a dot stops at the last one. *.* is every name, with a dot or without,
// and "*." those without one. Dots and spaces at the end are dropped.
func wildcards(p string) string {
	noExtension := strings.HasSuffix(p, "*.")
	if p = strings.TrimRight(p, ". "); p == "*.*" {
		return "*"
	}
	b := []byte(p)
	for i, c := range b {
		switch {
		case c == '?':
			b[i] = '>'
			if i > 0 && b[i-1] == '.' {
				b[i-1] = '"'
			}
		case c == '*' && i > 0 && b[i-1] == '.':
			b[i-1] = '"'
		case c == '.' && i > 0 && b[i-1] == '*':
			b[i-1] = '<'
		}
	}
	if noExtension && len(b) > 0 && b[len(b)-1] == '*' {
		b[len(b)-1] = '<'
	}
	return string(b)
}

// FindNextFile gives the next entry, and WErrNoMoreFiles after the last.
func (s *System) FindNextFile(ctx context.Context, f *Search) (FindData, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		if f.list != nil {
			i, more, err := f.list.Next()
			switch {
			case err != nil:
				return FindData{}, Error(err)
			case !more:
				f.list = nil
			case i.Name == "" || strings.ContainsAny(i.Name, "\\/\x00"):
				return FindData{}, Error(nt.StatusInvalidNetworkResponse) // a name that leads elsewhere
			default:
				return FindData{i.Attributes, i.CreationTime, i.LastAccessTime, i.LastWriteTime, i.EndOfFile, i.ReparseTag, i.Name}, nil
			}
		}
		if f.buf == nil {
			f.buf = make([]byte, findBuffer)
		}
		n, err := s.api.QueryDirectoryFile(ctx, f.h, findClass, &api.DirArgs{Pattern: f.pattern, Restart: !f.begun}, f.buf)
		switch {
		case errors.Is(err, nt.StatusNoMoreFiles), errors.Is(err, nt.StatusNoSuchFile):
			return FindData{}, nt.WErrNoMoreFiles
		case err != nil:
			return FindData{}, Error(err)
		case n == 0:
			return FindData{}, Error(nt.StatusInvalidNetworkResponse)
		}
		f.begun = true
		f.list, _ = api.NewDirReader(findClass, f.buf[:n])
	}
}

// FindClose ends a listing.
func (s *System) FindClose(f *Search) error { return Error(s.api.Close(f.h)) }

// StreamData is WIN32_FIND_STREAM_DATA.
type StreamData = api.StreamInformation

// StreamSearch is a listing of streams.
type StreamSearch struct {
	mu   sync.Mutex
	list []StreamData // guarded by mu
}

// FindFirstStream begins to list the streams of a file (FindFirstStreamW), and gives the first; with none it fails with WErrHandleEof.
func (s *System) FindFirstStream(ctx context.Context, file string) (*StreamSearch, StreamData, error) {
	f := &StreamSearch{}
	err := s.with(ctx, file, nt.FileReadAttributes, nt.FileOpenForBackupIntent, func(h api.Handle) (err error) {
		f.list, err = s.streams(ctx, h)
		return err
	})
	if err != nil {
		return nil, StreamData{}, err
	}
	d, err := s.FindNextStream(f)
	if err != nil {
		return nil, StreamData{}, err
	}
	return f, d, nil
}

// FindNextStream gives the next stream, and WErrHandleEof after the last. There is nothing to close.
func (s *System) FindNextStream(f *StreamSearch) (StreamData, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.list) == 0 {
		return StreamData{}, nt.WErrHandleEof
	}
	d := f.list[0]
	f.list = f.list[1:]
	return d, nil
}

// streamsMax is the most that the names of a file's streams may take.
const streamsMax = 1 << 20

func (s *System) streams(ctx context.Context, h api.Handle) ([]StreamData, error) {
	for size := 4 << 10; ; size *= 4 {
		b := make([]byte, size)
		n, err := s.api.QueryInformationFile(ctx, h, nt.FileStreamInformation, b)
		if (errors.Is(err, nt.StatusBufferOverflow) || errors.Is(err, nt.StatusBufferTooSmall) || errors.Is(err, nt.StatusInfoLengthMismatch)) && size < streamsMax {
			continue
		}
		if err != nil {
			return nil, err
		}
		return api.ParseStreams(b[:n])
	}
}
