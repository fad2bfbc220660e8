package stress

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

const (
	files  = 6
	blocks = 40
	tokens = 10 // files that everybody renames
	places = 25 // names that they may have
)

// client is one of those who use the server.
type client struct {
	id    int
	m     *iomgr.Manager
	wire  *wire
	root  string // `\rdr\server\share`
	rng   *rand.Rand
	led   *ledger
	open  map[int]api.Handle // of the shared files
	cuts  int64              // when they were opened
	seq   uint64
	count map[string]int
	buf   []byte
}

// gone reports whether a status says that the connection was cut.
func gone(err error) bool {
	return errors.Is(err, nt.StatusConnectionDisconnected) || errors.Is(err, nt.StatusConnectionReset) || errors.Is(err, nt.StatusConnectionAborted) ||
		errors.Is(err, nt.StatusNetworkNameDeleted) || errors.Is(err, nt.StatusUserSessionDeleted)
}

var errCut = errors.New("cut")

// run does operations until the time is over. What went wrong because the connection was cut is left where it stands.
func (c *client) run(ctx context.Context) error {
	acts := []struct {
		weight int
		name   string
		do     func(context.Context) error
	}{{30, "write", c.write}, {15, "read", c.read}, {2, "truncate", c.truncate}, {8, "own rename", c.renameOwn}, {10, "rename", c.renameToken},
		{8, "list", c.list}, {6, "delete", c.deleteOwn}, {3, "wait", c.lockWait}, {1, "reopen", c.reopen}}
	sum := 0
	for _, a := range acts {
		sum += a.weight
	}
	for ctx.Err() == nil {
		n := c.rng.IntN(sum)
		for _, a := range acts {
			if n -= a.weight; n >= 0 {
				continue
			}
			limit, cancel := context.WithTimeout(context.Background(), 90*time.Second) // an operation under way ends
			err := a.do(limit)
			cancel()
			switch {
			case err == nil:
				c.count[a.name]++
			case gone(err), errors.Is(err, errCut):
				c.count["cut"]++
				c.forget()
			default:
				return fmt.Errorf("client %d: %s: %w", c.id, a.name, err)
			}
			break
		}
	}
	c.forget()
	return nil
}

func (c *client) create(ctx context.Context, name string, access nt.AccessMask, disposition, options uint32) (api.Handle, error) {
	return c.m.CreateFile(ctx, &api.CreateArgs{Name: c.root + `\` + name, DesiredAccess: access | nt.Synchronize | nt.FileReadAttributes, ShareAccess: 7,
		Disposition: disposition, Options: options, Impersonation: api.ImpersonateImpersonation})
}

// file gives the open of a shared file.
func (c *client) file(ctx context.Context, i int) (api.Handle, error) {
	if h := c.open[i]; h != nil {
		return h, nil
	}
	if len(c.open) == 0 {
		c.cuts = c.wire.cuts.Load()
	}
	h, err := c.create(ctx, fmt.Sprintf(`shared\f%d`, i), nt.FileReadData|nt.FileWriteData, nt.FileOpenIf, nt.FileNonDirectoryFile)
	if err == nil {
		c.open[i] = h
	}
	return h, err
}

// forget closes what is open.
func (c *client) forget() {
	for i, h := range c.open {
		_ = c.m.Close(h)
		delete(c.open, i)
	}
}

func (c *client) reopen(context.Context) error { c.forget(); return nil }

// locked calls f with blocks of a file locked.
func (c *client) locked(ctx context.Context, exclusive, wait bool, from, to int, file int, f func(api.Handle) error) error {
	h, err := c.file(ctx, file)
	if err != nil {
		return err
	}
	l := &api.LockArgs{Offset: uint64(from * blockSize), Length: uint64((to - from) * blockSize), Exclusive: exclusive, FailImmediately: !wait}
	err = c.m.LockFile(ctx, h, l)
	if errors.Is(err, nt.StatusLockNotGranted) && !wait {
		return nil
	}
	if err != nil {
		return err
	}
	held := &hold{c, c.cuts}
	if exclusive {
		if err := c.led.lock(file, from, to, held); err != nil {
			return c.unlessCut(err)
		}
	}
	err = f(h)
	if exclusive {
		c.led.unlock(file, from, to, held)
	}
	if err != nil {
		return c.unlessCut(err)
	}
	return c.m.UnlockFile(ctx, h, l)
}

// unlessCut excuses what a cut explains: locks that are lost are somebody else's by now.
func (c *client) unlessCut(err error) error {
	if c.wire.cuts.Load() != c.cuts {
		return errCut
	}
	return err
}

// check reads a block and compares it.
func (c *client) check(ctx context.Context, h api.Handle, file, index int) error {
	n, err := c.m.ReadFile(ctx, h, c.buf[:blockSize], int64(index*blockSize))
	if err != nil && !errors.Is(err, nt.StatusEndOfFile) {
		return err
	}
	s, err := readBlock(c.buf[:blockSize], n, file, index)
	if err != nil {
		return err
	}
	return c.led.found(file, index, s)
}

// write locks some blocks, looks at what they have, and writes them anew, in one request or in several at once.
func (c *client) write(ctx context.Context) error { return c.rewrite(ctx, false) }

// lockWait is write, but waits for its turn.
func (c *client) lockWait(ctx context.Context) error { return c.rewrite(ctx, true) }

func (c *client) rewrite(ctx context.Context, wait bool) error {
	file, from := c.rng.IntN(files), c.rng.IntN(blocks)
	to := min(blocks, from+1+c.rng.IntN(4))
	return c.locked(ctx, true, wait, from, to, file, func(h api.Handle) error {
		for i := from; i < to; i++ {
			if err := c.check(ctx, h, file, i); err != nil {
				return err
			}
		}
		data := c.buf[:(to-from)*blockSize]
		stamps := make([]stamp, to-from)
		for i := range stamps {
			c.seq++
			stamps[i] = stamp{uint32(c.id + 1), c.seq}
			makeBlock(data[i*blockSize:], file, from+i, stamps[i])
			c.led.writing(file, from+i, stamps[i])
		}
		if err := c.put(ctx, h, data, int64(from*blockSize)); err != nil {
			return err
		}
		for i, s := range stamps {
			c.led.wrote(file, from+i, s)
		}
		if c.rng.IntN(20) == 0 {
			if err := c.m.FlushBuffersFile(ctx, h); err != nil {
				return err
			}
		}
		return c.check(ctx, h, file, to-1)
	})
}

// put writes in one request, or block by block without waiting in between.
func (c *client) put(ctx context.Context, h api.Handle, data []byte, at int64) error {
	if c.rng.IntN(2) == 0 {
		n, err := c.m.WriteFile(ctx, h, data, at)
		if err == nil && n != len(data) {
			err = fmt.Errorf("%d of %d bytes written", n, len(data))
		}
		return err
	}
	done := make(chan nt.Status, len(data)/blockSize)
	for i := 0; i < len(data); i += blockSize {
		c.m.Submit(&api.Request{Op: api.OpWrite, Handle: h, In: data[i : i+blockSize], Offset: at + int64(i), Done: func(r *api.Request) { done <- r.Status }})
	}
	var err error
	for range cap(done) {
		if s := <-done; s != nt.StatusSuccess {
			err = s
		}
	}
	return err
}

// read locks some blocks with others who read, and looks at them.
func (c *client) read(ctx context.Context) error {
	file, from := c.rng.IntN(files), c.rng.IntN(blocks)
	to := min(blocks, from+1+c.rng.IntN(8))
	return c.locked(ctx, false, c.rng.IntN(8) == 0, from, to, file, func(h api.Handle) error {
		for i := from; i < to; i++ {
			if err := c.check(ctx, h, file, i); err != nil {
				return err
			}
		}
		return nil
	})
}

// truncate cuts a file with all of it locked, and makes it longer again.
func (c *client) truncate(ctx context.Context) error {
	file, keeps := c.rng.IntN(files), c.rng.IntN(blocks)
	return c.locked(ctx, true, false, 0, blocks, file, func(h api.Handle) error {
		for i := keeps; i < blocks; i++ {
			c.led.writing(file, i, stamp{})
		}
		for _, size := range []int{keeps * blockSize, blocks * blockSize} {
			if err := c.m.SetInformationFile(ctx, h, nt.FileEndOfFileInformation, le.AppendUint64(nil, uint64(size))); err != nil {
				return err
			}
			b := make([]byte, 24)
			if _, err := c.m.QueryInformationFile(ctx, h, nt.FileStandardInformation, b); err != nil {
				return err
			} else if got := le.Uint64(b[8:]); got != uint64(size) {
				return fmt.Errorf("file %d has %d bytes, want %d", file, got, size)
			}
		}
		for i := keeps; i < blocks; i++ {
			c.led.wrote(file, i, stamp{})
		}
		return c.check(ctx, h, file, keeps)
	})
}

func (c *client) rename(ctx context.Context, from, to string, replace bool) error {
	h, err := c.create(ctx, from, nt.Delete, nt.FileOpen, nt.FileNonDirectoryFile)
	if err != nil {
		return err
	}
	name := strings.TrimPrefix(c.root, `\rdr`) + `\` + to
	b := make([]byte, 20)
	if replace {
		b[0] = 1
	}
	le.PutUint32(b[16:], uint32(2*nt.UTF16Len(name)))
	err = c.m.SetInformationFile(ctx, h, nt.FileRenameInformation, nt.AppendUTF16(b, name))
	if e := c.m.Close(h); err == nil {
		err = e
	}
	return err
}

// renameOwn puts a new file of the client's in the place of its old one, as editors do.
func (c *client) renameOwn(ctx context.Context) error {
	c.seq++
	old, next := fmt.Sprintf(`own\c%d`, c.id), fmt.Sprintf(`own\c%d.new`, c.id)
	content := []byte(fmt.Sprintf("%d %s", c.seq, strings.Repeat("x", c.rng.IntN(5000))))
	h, err := c.create(ctx, next, nt.FileWriteData, nt.FileOverwriteIf, nt.FileNonDirectoryFile)
	if err != nil {
		return err
	}
	_, err = c.m.WriteFile(ctx, h, content, 0)
	if e := c.m.Close(h); err == nil {
		err = e
	}
	if err == nil {
		err = c.rename(ctx, next, old, true)
	}
	if err != nil {
		return err
	}
	h, err = c.create(ctx, old, nt.FileReadData, nt.FileOpen, 0)
	if err != nil {
		return err
	}
	defer c.m.Close(h)
	b := make([]byte, 8192)
	n, err := c.m.ReadFile(ctx, h, b, 0)
	if err == nil && string(b[:n]) != string(content) {
		err = fmt.Errorf("%s has %d bytes, %.20q, want %d", old, n, b[:n], len(content))
	}
	return err
}

// refusals are what one hears who is in another's way.
var refusals = []nt.Status{nt.StatusObjectNameNotFound, nt.StatusObjectNameCollision, nt.StatusSharingViolation, nt.StatusAccessDenied, nt.StatusDeletePending}

// renameToken gives a file that everybody renames another name, if it is still where it was and nobody was faster.
func (c *client) renameToken(ctx context.Context) error {
	err := c.rename(ctx, fmt.Sprintf(`moves\p%d`, c.rng.IntN(places)), fmt.Sprintf(`MOVES\P%d`, c.rng.IntN(places)), false)
	if slices.Contains(refusals, nt.StatusOf(err)) {
		return nil
	}
	return err
}

// names lists a directory.
func (c *client) names(ctx context.Context, dir string) ([]string, error) {
	h, err := c.create(ctx, dir, nt.FileReadData, nt.FileOpen, nt.FileDirectoryFile)
	if err != nil {
		return nil, err
	}
	defer c.m.Close(h)
	var out []string
	for first := true; ; first = false {
		b := make([]byte, 600)
		n, err := c.m.QueryDirectoryFile(ctx, h, nt.FileNamesInformation, &api.DirArgs{Pattern: "*", Restart: first}, b)
		if errors.Is(err, nt.StatusNoMoreFiles) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		for b = b[:n]; len(b) >= 12; {
			if name := nt.DecodeUTF16(b[12 : 12+le.Uint32(b[8:])]); name != "." && name != ".." {
				out = append(out, name)
			}
			next := le.Uint32(b)
			if next == 0 {
				break
			}
			b = b[next:]
		}
	}
}

// list finds every shared file once, and what moves at most as often as it moved meanwhile.
func (c *client) list(ctx context.Context) error {
	got, err := c.names(ctx, "shared")
	if err != nil {
		return err
	}
	slices.Sort(got)
	var want []string
	for i := range files {
		want = append(want, fmt.Sprintf("f%d", i))
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("shared has %q", got)
	}
	_, err = c.names(ctx, "moves")
	return err
}

// deleteOwn makes a file that goes with its handle.
func (c *client) deleteOwn(ctx context.Context) error {
	c.seq++
	name := fmt.Sprintf(`own\gone%d-%d`, c.id, c.seq)
	h, err := c.create(ctx, name, nt.FileWriteData|nt.Delete, nt.FileCreate, nt.FileDeleteOnClose)
	if err != nil {
		return err
	}
	_, err = c.m.WriteFile(ctx, h, c.buf[:c.rng.IntN(3000)+1], 0)
	if e := c.m.Close(h); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	h, err = c.create(ctx, name, nt.FileReadData, nt.FileOpen, 0)
	if err == nil {
		c.m.Close(h)
		return fmt.Errorf("%s is there after its last close", name)
	}
	if !errors.Is(err, nt.StatusObjectNameNotFound) {
		return err
	}
	return nil
}
