package pvfs_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/drivers/pvfs"
	"lwio/iomgr/nt"
)

// faultCase is an operation of several system calls. What is on the disk is to be as it was before it or as it is after it, whatever
// happens to one of them.
type faultCase struct {
	name   string
	setup  func(*faultRun)
	do     func(*faultRun) error
	unless func(state string) bool // what may be found besides

	// killed is unless for a process that was killed: what was being made may be there, empty, nobody's but the server's, and not yet all that it was
	// to be. Nobody was told that it is.
	killed  func(state string) bool
	atClose bool // it is done when the handle closes, and what fails then is heard by nobody
}

// faultRun is one run of a case.
type faultRun struct {
	m    *iomgr.Manager
	root string
	h    api.Handle // what setup opened
	err  error      // of setup
}

func newFaultRun(root string) (*faultRun, error) {
	m := iomgr.New(iomgr.Config{})
	return &faultRun{m: m, root: root}, m.Load(context.Background(), pvfs.DriverEntry(pvfs.Config{Root: root}))
}

func (x *faultRun) end() {
	if x.h != nil {
		_ = x.m.Close(x.h)
	}
	_ = x.m.Shutdown(context.Background())
}

func (x *faultRun) try(name string, disposition, options uint32, edit ...func(*api.CreateArgs)) (api.Handle, error) {
	a := &api.CreateArgs{Name: `\pvfs\` + name, DesiredAccess: nt.FileAllAccess, ShareAccess: 7, Disposition: disposition, Options: options}
	for _, f := range edit {
		f(a)
	}
	return x.m.CreateFile(context.Background(), a)
}

// open is for setup.
func (x *faultRun) open(name string, disposition, options uint32) {
	if x.h != nil {
		x.check(x.m.Close(x.h))
	}
	h, err := x.try(name, disposition, options)
	x.check(err)
	x.h = h
}

func (x *faultRun) check(err error) {
	if err != nil && x.err == nil {
		x.err = err
	}
}

func (x *faultRun) write(data string, at int64) error {
	n, err := x.m.WriteFile(context.Background(), x.h, []byte(data), at)
	if err == nil && n != len(data) {
		err = fmt.Errorf("%d of %d bytes", n, len(data))
	}
	return err
}

func (x *faultRun) set(class nt.FileInfoClass, in []byte) error {
	return x.m.SetInformationFile(context.Background(), x.h, class, in)
}

func (x *faultRun) file(name, content string) {
	x.open(name, nt.FileCreate, 0)
	x.check(x.write(content, 0))
}

func (x *faultRun) dir(name string) {
	x.open(name, nt.FileCreate, nt.FileDirectoryFile)
}

var (
	faultLE  = binary.LittleEndian
	faultBig = strings.Repeat("0123456789abcdef", 400)
)

func faultEA(name, value string) []byte {
	b := faultLE.AppendUint32(nil, 0)
	b = append(b, 0, byte(len(name)))
	b = faultLE.AppendUint16(b, uint16(len(value)))
	return append(append(append(b, name...), 0), value...)
}

func faultBasic(attrs uint32) []byte { return faultLE.AppendUint32(make([]byte, 32), attrs) }

func faultEOF(n uint64) []byte { return faultLE.AppendUint64(nil, n) }

// makeNew is an open that makes something, and closes it.
func (x *faultRun) makeNew(name string, disposition, options uint32, edit ...func(*api.CreateArgs)) error {
	h, err := x.try(name, disposition, options, edit...)
	if err != nil {
		return err
	}
	return x.m.Close(h)
}

func full(a *api.CreateArgs) {
	a.FileAttributes = nt.FileAttributeHidden
	a.EA = faultEA("COLOR", "blue")
}

func emptyOne(state string) bool {
	last := state[strings.LastIndexByte(state, '\n')+1:]
	return strings.Contains(last, " size=0 ") && !strings.Contains(last, "=\"")
}

// faultCases are the operations of this driver that take more than one step.
var faultCases = []faultCase{
	{"create", func(x *faultRun) { x.dir("d") }, func(x *faultRun) error { return x.makeNew(`d\f`, nt.FileCreate, 0) }, nil, emptyOne, false},
	{"create with attributes", func(x *faultRun) {}, func(x *faultRun) error { return x.makeNew("f", nt.FileCreate, 0, full) }, nil, emptyOne, false},
	{"create read-only", func(x *faultRun) {}, func(x *faultRun) error {
		return x.makeNew("f", nt.FileCreate, 0, func(a *api.CreateArgs) { a.FileAttributes = nt.FileAttributeReadonly })
	}, nil, emptyOne, false},
	{"create directory", func(x *faultRun) {}, func(x *faultRun) error { return x.makeNew("d", nt.FileCreate, nt.FileDirectoryFile) }, nil, emptyOne, false},
	{"create for another", func(x *faultRun) {}, func(x *faultRun) error {
		sd, err := nt.ParseSDDL("O:S-1-22-1-12345D:P(A;;FA;;;S-1-22-1-12345)(A;;FA;;;SY)", nt.SID{})
		if err != nil {
			return err
		}
		return x.makeNew("f", nt.FileCreate, 0, func(a *api.CreateArgs) { a.SecurityDescriptor = sd })
	}, nil, emptyOne, false},
	{"open", func(x *faultRun) { x.dir("D"); x.file(`D\f`, "old"); x.open("", nt.FileOpen, 0) }, func(x *faultRun) error { return x.makeNew(`d\F`, nt.FileOpen, 0) }, nil, nil, false},
	{"overwrite", func(x *faultRun) {
		x.check(x.makeNew("f", nt.FileCreate, 0, full))
		x.open("f", nt.FileOpen, 0)
		x.check(x.write("old", 0))
		x.open("f:s", nt.FileCreate, 0)
		x.check(x.write("stream", 0))
		x.open("", nt.FileOpen, 0)
	}, func(x *faultRun) error {
		return x.makeNew("f", nt.FileOverwrite, 0, func(a *api.CreateArgs) { a.FileAttributes = nt.FileAttributeHidden })
	}, func(s string) bool { return strings.Contains(s, "f size=0") }, nil, false}, // the content goes first, what hangs on it after that
	{"write", func(x *faultRun) { x.file("f", "old content") }, func(x *faultRun) error { return x.write("NEW", 4) }, nil, nil, false},
	{"write through", func(x *faultRun) {
		x.file("f", "old content")
		x.check(x.set(nt.FileModeInformation, faultLE.AppendUint32(nil, nt.FileWriteThrough)))
	}, func(x *faultRun) error { return x.write("NEW", 4) }, nil, nil, false},
	{"append", func(x *faultRun) {
		x.file("f", "old")
		x.check(x.set(nt.FileBasicInformation, faultBasic(nt.FileAttributeNormal)))
	},
		func(x *faultRun) error { return x.write(" and new", 3) },
		func(s string) bool { return strings.Contains(s, `"old and new"`) }, nil, false}, // FILE_ATTRIBUTE_ARCHIVE follows
	{"read", func(x *faultRun) { x.file("f", "old") }, func(x *faultRun) error {
		b := make([]byte, 3)
		_, err := x.m.ReadFile(context.Background(), x.h, b, 0)
		if err == nil && string(b) != "old" {
			err = fmt.Errorf("read %q", b)
		}
		return err
	}, nil, nil, false},
	{"flush", func(x *faultRun) { x.file("f", "old") }, func(x *faultRun) error { return x.m.FlushBuffersFile(context.Background(), x.h) }, nil, nil, false},
	{"size", func(x *faultRun) { x.file("f", "old") }, func(x *faultRun) error { return x.set(nt.FileEndOfFileInformation, faultEOF(2)) }, nil, nil, false},
	{"allocate", func(x *faultRun) { x.file("f", "old") }, func(x *faultRun) error { return x.set(nt.FileAllocationInformation, faultEOF(100000)) }, nil, nil, false},
	{"rename", func(x *faultRun) { x.file("f", "old") }, func(x *faultRun) error { return x.set(nt.FileRenameInformation, renameInfo(`\g`, false)) }, nil, nil, false},
	{"rename replacing", func(x *faultRun) { x.file("G", "replaced"); x.file("f", "old") },
		func(x *faultRun) error { return x.set(nt.FileRenameInformation, renameInfo(`\G`, true)) }, nil, nil, false},
	{"rename replacing another case", func(x *faultRun) { x.file("G", "replaced"); x.file("f", "old") },
		func(x *faultRun) error { return x.set(nt.FileRenameInformation, renameInfo(`\g`, true)) },
		func(s string) bool { return strings.HasPrefix(s, "G size=3") && !strings.Contains(s, "f size") }, nil, false}, // it replaces, and has the old case
	{"rename away with a large stream", func(x *faultRun) {
		x.dir("d")
		x.file("f", "old")
		x.open("f:s", nt.FileCreate, 0)
		x.check(x.write(faultBig, 0))
		x.open("f", nt.FileOpen, 0)
	}, func(x *faultRun) error { return x.set(nt.FileRenameInformation, renameInfo(`\d\g`, false)) }, nil, nil, false},
	{"rename directory", func(x *faultRun) { x.dir("d"); x.file(`d\f`, "old"); x.open("d", nt.FileOpen, 0) },
		func(x *faultRun) error { return x.set(nt.FileRenameInformation, renameInfo(`\e`, false)) }, nil, nil, false},
	{"link", func(x *faultRun) { x.file("f", "old") }, func(x *faultRun) error { return x.set(nt.FileLinkInformation, renameInfo(`\g`, false)) }, nil, nil, false},
	{"delete", func(x *faultRun) {
		x.file("f", "old")
		x.open("f:s", nt.FileCreate, 0)
		x.check(x.write(faultBig, 0))
		x.open("f", nt.FileOpen, 0)
	}, func(x *faultRun) error {
		err := x.set(nt.FileDispositionInformation, []byte{1})
		if e := x.m.Close(x.h); err == nil {
			err = e
		}
		x.h = nil
		return err
	}, nil, nil, true},
	{"attributes", func(x *faultRun) { x.file("f", "old") }, func(x *faultRun) error { return x.set(nt.FileBasicInformation, faultBasic(nt.FileAttributeHidden)) }, nil, nil, false},
	{"read-only", func(x *faultRun) { x.file("f", "old") }, func(x *faultRun) error { return x.set(nt.FileBasicInformation, faultBasic(nt.FileAttributeReadonly)) },
		func(s string) bool {
			return strings.Contains(s, "attributes=0x80") || strings.Contains(s, "attributes=0x1 ")
		}, nil, false}, // the attributes first, then the mode; between them the descriptor is what the mode says
	{"attribute", func(x *faultRun) { x.file("f", "old") }, func(x *faultRun) error {
		return x.m.SetEaFile(context.Background(), x.h, faultEA("COLOR", "red"))
	}, nil, nil, false},
	{"stream", func(x *faultRun) { x.file("f", "old") }, func(x *faultRun) error { return x.makeNew("f:s", nt.FileCreate, 0) }, nil, nil, false},
	{"write stream", func(x *faultRun) {
		x.file("f", "old")
		x.open("f:s", nt.FileCreate, 0)
		x.check(x.write("old stream", 0))
	},
		func(x *faultRun) error { return x.write("new", 0) }, nil, nil, false},
	{"grow stream", func(x *faultRun) {
		x.file("f", "old")
		x.open("f:s", nt.FileCreate, 0)
		x.check(x.write("old stream", 0))
	},
		func(x *faultRun) error { return x.write(faultBig, 5) },
		func(s string) bool { return strings.Contains(s, `:s="old stream"`) }, nil, false},
	{"rename stream", func(x *faultRun) { x.file("f", "old"); x.open("f:s", nt.FileCreate, 0); x.check(x.write("stream", 0)) },
		func(x *faultRun) error { return x.set(nt.FileRenameInformation, renameInfo(":t", false)) },
		func(s string) bool { return strings.Contains(s, `:s="stream" :t="stream"`) }, nil, false}, // under both names
	{"delete stream", func(x *faultRun) { x.file("f", "old"); x.open("f:s", nt.FileCreate, 0); x.check(x.write(faultBig, 0)) }, func(x *faultRun) error {
		err := x.set(nt.FileDispositionInformation, []byte{1})
		if e := x.m.Close(x.h); err == nil {
			err = e
		}
		x.h = nil
		return err
	}, nil, nil, true},
	{"security", func(x *faultRun) { x.file("f", "old") }, func(x *faultRun) error {
		sd, err := nt.ParseSDDL("D:P(A;;FA;;;WD)", nt.SID{})
		if err != nil {
			return err
		}
		return x.m.SetSecurityObject(context.Background(), x.h, nt.DACLSecurityInformation, sd.Append(nil))
	}, func(s string) bool { return true }, nil, false}, // between its two steps the descriptor is what the mode says
	{"list", func(x *faultRun) { x.file("f", "old"); x.open("", nt.FileOpen, nt.FileDirectoryFile) }, func(x *faultRun) error {
		_, err := x.m.QueryDirectoryFile(context.Background(), x.h, nt.FileIdBothDirectoryInformation, &api.DirArgs{Pattern: "*", Restart: true}, make([]byte, 4096))
		return err
	}, nil, nil, false},
	{"query", func(x *faultRun) { x.file("f", "old") }, func(x *faultRun) error {
		_, err := x.m.QueryInformationFile(context.Background(), x.h, nt.FileAllInformation, make([]byte, 4096))
		return err
	}, nil, nil, false},
}

// stateOf tells what clients see of a directory, by a driver that has just come: names, attributes, sizes, content, streams, extended
// attributes, descriptors. What the disk has besides, under names of its own, shows as names.
func stateOf(root string) (string, error) {
	x, err := newFaultRun(root)
	if err != nil {
		return "", err
	}
	defer x.end()
	var out []string
	err = filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		if d.Name() == ".lwio.streams" {
			return filepath.SkipDir
		}
		rel, _ := filepath.Rel(root, path)
		line, err := x.describe(strings.ReplaceAll(rel, "/", `\`))
		out = append(out, line)
		return err
	})
	slices.Sort(out)
	return strings.Join(out, "\n"), err
}

func (x *faultRun) describe(name string) (string, error) {
	ctx := context.Background()
	h, err := x.try(name, nt.FileOpen, 0, func(a *api.CreateArgs) { a.DesiredAccess = nt.FileGenericRead })
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	defer x.m.Close(h)
	b := make([]byte, 8192)
	if _, err = x.m.QueryInformationFile(ctx, h, nt.FileNetworkOpenInformation, b); err != nil {
		return "", err
	}
	attrs := faultLE.Uint32(b[48:])
	line := fmt.Sprintf("%s size=%d attributes=%#x", name, faultLE.Uint64(b[40:]), attrs)
	if attrs&nt.FileAttributeDirectory == 0 {
		n, err := x.m.ReadFile(ctx, h, b, 0)
		if err != nil && !errors.Is(err, nt.StatusEndOfFile) {
			return "", err
		}
		line += fmt.Sprintf(" %q", b[:n])
	}
	n, err := x.m.QueryEaFile(ctx, h, nil, b)
	if err == nil && n > 0 {
		line += fmt.Sprintf(" ea=%q", b[8:n])
	}
	if n, err = x.m.QuerySecurityObject(ctx, h, nt.DACLSecurityInformation|nt.OwnerSecurityInformation, b); err != nil {
		return "", err
	}
	line += fmt.Sprintf(" sd=%x", b[:n])
	streams, err := x.streams(name, h)
	return line + streams, err
}

// streams reads the named ones.
func (x *faultRun) streams(file string, h api.Handle) (string, error) {
	ctx := context.Background()
	b := make([]byte, 8192)
	n, err := x.m.QueryInformationFile(ctx, h, nt.FileStreamInformation, b)
	if err != nil {
		return "", err
	}
	var out []string
	for b = b[:n]; len(b) >= 24; {
		name := strings.TrimSuffix(nt.DecodeUTF16(b[24:24+faultLE.Uint32(b[4:])]), ":$DATA")
		if name != ":" {
			s, err := x.try(file+name, nt.FileOpen, 0, func(a *api.CreateArgs) { a.DesiredAccess = nt.FileGenericRead })
			if err != nil {
				return "", fmt.Errorf("%s%s: %w", file, name, err)
			}
			data := make([]byte, 16384)
			n, err := x.m.ReadFile(ctx, s, data, 0)
			x.m.Close(s)
			if err != nil && !errors.Is(err, nt.StatusEndOfFile) {
				return "", fmt.Errorf("%s%s: %w", file, name, err)
			}
			out = append(out, fmt.Sprintf("%s=%q", name, data[:n]))
		}
		next := faultLE.Uint32(b)
		if next == 0 {
			break
		}
		b = b[next:]
	}
	slices.Sort(out)
	if len(out) == 0 {
		return "", nil
	}
	return " " + strings.Join(out, " "), nil
}
