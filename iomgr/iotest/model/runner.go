package model

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// Client is one user of the file system that is compared.
type Client struct {
	API  api.API
	Root string // `\pvfs\tmp\x`: an empty directory, the same for all clients
	// Rename gives the new name of a rename as FILE_RENAME_INFORMATION has it. Nil: the name below Root without its device.
	Rename func(name string) string
	// Contexts go with every create.
	Contexts []any
}

// Target is a file system.
type Target struct {
	Clients []Client
	// Remote says that a request may return before the file system has done it: handles that are closed.
	Remote bool
}

// Runner gives operations to the reference and to a target.
type Runner struct {
	Reference *Reference

	t       Target
	handles map[handle]api.Handle
	waits   map[handle]*api.Request
	done    map[handle]chan struct{}
	roots   []api.Handle // of each client: to ask something of that is answered after what was asked before
	script  []string
}

// Limit is how long an answer may take that has to come.
const Limit = 20 * time.Second

// NewRunner begins with an empty directory.
func NewRunner(t Target) (*Runner, error) {
	r := &Runner{Reference: NewReference(), t: t, handles: make(map[handle]api.Handle), waits: make(map[handle]*api.Request), done: make(map[handle]chan struct{})}
	if !t.Remote {
		return r, nil
	}
	for _, c := range t.Clients {
		a := c.args("")
		a.DesiredAccess, a.Disposition, a.Options = nt.FileReadAttributes|nt.Synchronize, nt.FileOpen, nt.FileDirectoryFile
		h, err := c.API.CreateFile(context.Background(), a)
		if err != nil {
			return nil, err
		}
		r.roots = append(r.roots, h)
	}
	return r, nil
}

// Script is what was done so far, with its results.
func (r *Runner) Script() string { return strings.Join(r.script, "\n") }

// Close closes what is open.
func (r *Runner) Close() error {
	var errs []error
	for h, open := range r.handles {
		if err := r.t.Clients[h.client].API.Close(open); err != nil {
			errs = append(errs, err)
		}
	}
	for h, ch := range r.done {
		select {
		case <-ch:
		case <-time.After(Limit):
			errs = append(errs, fmt.Errorf("%d.%d: a lock waits after the close", h.client, h.slot))
		}
	}
	for i, h := range r.roots {
		if err := r.t.Clients[i].API.Close(h); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Do gives one operation to both. It returns how they differ, "" if they do not. What has no handle is left out.
func (r *Runner) Do(op Op) string {
	m := r.Reference
	o := m.opens[handle{op.Client, op.Slot}]
	switch {
	case op.Client >= len(r.t.Clients), (o == nil) != (op.Verb == Create):
		return ""
	case op.Verb == Rename && o.stream.name != "": // another operation
		return ""
	case op.Verb == Lock && m.Waits(op.Client, op.Slot), op.Verb == Cancel && !m.Waits(op.Client, op.Slot):
		return ""
	}
	v := m.Judge(op)
	status, detail := r.perform(op, v)
	result := strings.TrimSpace(status.Name() + " " + detail)
	r.script = append(r.script, op.String(), "    "+result)
	if v.Pending {
		if status != nt.StatusPending {
			return "want it to wait"
		}
		m.wait(op)
		return ""
	}
	if !v.Allows(status) {
		return "want " + v.String()
	}
	if status != nt.StatusSuccess {
		m.Ended = nil
		return ""
	}
	if want := m.Apply(op); want != detail {
		return "want " + want
	}
	return r.ended()
}

// String names what is allowed.
func (v Verdict) String() string {
	var out []string
	if len(v.Must) == 0 {
		out = append(out, nt.StatusSuccess.Name())
	}
	for _, s := range append(v.Must[:len(v.Must):len(v.Must)], v.May...) {
		out = append(out, s.Name())
	}
	return strings.Join(out, " or ")
}

// ended has the locks end that the reference says have ended, and no other.
func (r *Runner) ended() string {
	for _, e := range r.Reference.Ended {
		h := handle{e.Client, e.Slot}
		q, ch := r.waits[h], r.done[h]
		delete(r.waits, h)
		delete(r.done, h)
		select {
		case <-ch:
		case <-time.After(Limit):
			return fmt.Sprintf("the lock of %d.%d waits on", e.Client, e.Slot)
		}
		r.script = append(r.script, fmt.Sprintf("    %d.%d %s", e.Client, e.Slot, q.Status.Name()))
		if !slices.Contains(e.Statuses, q.Status) {
			return fmt.Sprintf("want %s of the lock of %d.%d", e.Statuses[0].Name(), e.Client, e.Slot)
		}
	}
	for h := range r.waits {
		r.sync(h.client)
		if r.waits[h].Completed() {
			return fmt.Sprintf("the lock of %d.%d has ended with %s", h.client, h.slot, r.waits[h].Status.Name())
		}
	}
	return ""
}

// sync waits for what a client has asked before.
func (r *Runner) sync(client int) {
	if r.t.Remote {
		b := make([]byte, 40)
		_, _ = r.t.Clients[client].API.QueryInformationFile(context.Background(), r.roots[client], nt.FileBasicInformation, b)
	}
}

func (c *Client) args(name string) *api.CreateArgs {
	a := &api.CreateArgs{Name: c.Root, Impersonation: api.ImpersonateImpersonation, Contexts: c.Contexts,
		ShareAccess: nt.FileShareRead | nt.FileShareWrite | nt.FileShareDelete}
	if name != "" {
		a.Name += `\` + name
	}
	return a
}

// perform has the target do it.
func (r *Runner) perform(op Op, v Verdict) (nt.Status, string) {
	c := &r.t.Clients[op.Client]
	ctx, cancel := context.WithTimeout(context.Background(), Limit)
	defer cancel()
	key := handle{op.Client, op.Slot}
	h := r.handles[key]
	set := func(class nt.FileInfoClass, in []byte) (nt.Status, string) {
		return nt.StatusOf(c.API.SetInformationFile(ctx, h, class, in)), ""
	}
	switch op.Verb {
	case Create:
		return r.openFile(ctx, op, c, key)
	case Close:
		delete(r.handles, key)
		err := c.API.Close(h)
		r.sync(op.Client)
		return nt.StatusOf(err), ""
	case Read:
		b := make([]byte, op.Length)
		n, err := c.API.ReadFile(ctx, h, b, op.Offset)
		return nt.StatusOf(err), show(b[:n])
	case Write:
		n, err := c.API.WriteFile(ctx, h, fill(op), op.Offset)
		if err != nil {
			return nt.StatusOf(err), ""
		}
		return nt.StatusSuccess, fmt.Sprint(n)
	case Size:
		return set(nt.FileEndOfFileInformation, le.AppendUint64(nil, uint64(op.Length)))
	case Allocate:
		return set(nt.FileAllocationInformation, le.AppendUint64(nil, uint64(op.Length)))
	case Rename:
		return set(nt.FileRenameInformation, c.renameInformation(op))
	case Delete:
		b := []byte{0}
		if op.On {
			b[0] = 1
		}
		return set(nt.FileDispositionInformation, b)
	case Attributes:
		b := make([]byte, 40)
		le.PutUint32(b[32:], op.Attributes)
		return set(nt.FileBasicInformation, b)
	case Query:
		return c.query(ctx, h)
	case List:
		return c.list(ctx, h)
	case Lock:
		return r.lock(op, v, c, h, key)
	case Unlock:
		return nt.StatusOf(c.API.UnlockFile(ctx, h, &api.LockArgs{Offset: uint64(op.Offset), Length: uint64(op.Length)})), ""
	case Cancel:
		r.waits[key].Cancel()
		return nt.StatusSuccess, ""
	case Flush:
		return nt.StatusOf(c.API.FlushBuffersFile(ctx, h)), ""
	}
	return nt.StatusInvalidParameter, ""
}

var le = binary.LittleEndian

func fill(op Op) []byte {
	b := make([]byte, op.Length)
	for i := range b {
		b[i] = op.Fill
	}
	return b
}

func (r *Runner) openFile(ctx context.Context, op Op, c *Client, key handle) (nt.Status, string) {
	a := c.args(op.Name)
	a.DesiredAccess, a.ShareAccess, a.Disposition, a.Options, a.FileAttributes = op.Access, op.Share, op.Disposition, op.Options, op.Attributes
	h, err := c.API.CreateFile(ctx, a)
	if err != nil {
		return nt.StatusOf(err), ""
	}
	r.handles[key] = h
	action := "?"
	switch a.Result.Action {
	case nt.FileOpened:
		action = "opened"
	case nt.FileCreated:
		action = "created"
	case nt.FileOverwritten:
		action = "overwritten"
	case nt.FileSuperseded:
		action = "superseded"
	}
	return nt.StatusSuccess, action
}

func (c *Client) renameInformation(op Op) []byte {
	name := c.Root + `\` + op.Name
	if c.Rename != nil {
		name = c.Rename(op.Name)
	} else if i := strings.IndexByte(name[1:], '\\'); i >= 0 {
		name = name[1+i:] // without the device
	}
	b := make([]byte, 20)
	if op.On {
		b[0] = 1
	}
	le.PutUint32(b[16:], uint32(2*nt.UTF16Len(name)))
	return nt.AppendUTF16(b, name)
}

// lock submits a lock: one that has to wait is looked at when what was asked before has been answered, any other is waited for.
func (r *Runner) lock(op Op, v Verdict, c *Client, h api.Handle, key handle) (nt.Status, string) {
	ch := make(chan struct{})
	q := &api.Request{Op: api.OpLock, Handle: h, Done: func(*api.Request) { close(ch) },
		Lock: &api.LockArgs{Offset: uint64(op.Offset), Length: uint64(op.Length), Exclusive: op.On, FailImmediately: !op.Wait}}
	c.API.Submit(q)
	if v.Pending {
		r.sync(op.Client)
		if !q.Completed() {
			r.waits[key], r.done[key] = q, ch
			return nt.StatusPending, ""
		}
	}
	select {
	case <-ch:
		return q.Status, ""
	case <-time.After(Limit):
		r.waits[key], r.done[key] = q, ch
		return nt.StatusPending, "for too long"
	}
}

// query asks for what the reference tells of an open.
func (c *Client) query(ctx context.Context, h api.Handle) (nt.Status, string) {
	standard, basic := make([]byte, 24), make([]byte, 40)
	if n, err := c.API.QueryInformationFile(ctx, h, nt.FileStandardInformation, standard); err != nil || n != 24 {
		return nt.StatusOf(err), ""
	}
	if n, err := c.API.QueryInformationFile(ctx, h, nt.FileBasicInformation, basic); err != nil || n != 40 {
		return nt.StatusOf(err), ""
	}
	size := int64(le.Uint64(standard[8:]))
	return nt.StatusSuccess, fmt.Sprintf("size=%d deleting=%t directory=%t attributes=%s", size, standard[20] != 0, standard[21] != 0,
		letters(le.Uint32(basic[32:]), attributeLetters, ""))
}

// list gives the entries, without the dots, in the order of their names.
func (c *Client) list(ctx context.Context, h api.Handle) (nt.Status, string) {
	var out []string
	args := &api.DirArgs{Pattern: "*", Restart: true}
	for {
		b := make([]byte, 4096)
		n, err := c.API.QueryDirectoryFile(ctx, h, nt.FileDirectoryInformation, args, b)
		if errors.Is(err, nt.StatusNoMoreFiles) {
			break
		}
		if err != nil {
			return nt.StatusOf(err), ""
		}
		args = &api.DirArgs{Pattern: "*"}
		for b = b[:n]; len(b) >= 64; {
			name := nt.DecodeUTF16(b[64 : 64+le.Uint32(b[60:])])
			attrs, size := le.Uint32(b[56:]), le.Uint64(b[40:])
			if name != "." && name != ".." {
				out = append(out, fmt.Sprintf("%s size=%d attributes=%s", name, size, letters(attrs, attributeLetters, "")))
			}
			next := le.Uint32(b)
			if next == 0 {
				break
			}
			b = b[next:]
		}
	}
	slices.Sort(out)
	return nt.StatusSuccess, strings.Join(out, ", ")
}
