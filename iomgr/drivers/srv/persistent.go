package srv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/fsrtl"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// OpenTable is what a ShareTable has besides if it keeps persistent opens, which outlive the server (MS-SMB2 3.3.1.10: IsPersistent). ChangeOpens puts
// records by their keys, and lets those of nil go: all or nothing, and durable when it returns.
type OpenTable interface {
	LoadOpens(ctx context.Context) (map[string][]byte, error)
	ChangeOpens(ctx context.Context, records map[string][]byte) error
}

// persistentRecord is a persistent open as the table keeps it: what has to be asked of the file system for it to be as it was.
type persistentRecord struct {
	Version    int
	FileID     smb2.FileID
	CreateGUID nt.GUID
	ClientGUID nt.GUID
	Share      string
	Name       string
	Token      []byte // api.AppendToken
	Access     nt.AccessMask
	Sharing    uint32
	Options    uint32
	Deleting   bool // the file is to be deleted with the last handle
	Timeout    time.Duration
	Disk       api.DiskID
	Action     uint32

	Level uint8 // the oplock, where it is no lease
	Lease *leaseRecord
	Locks []lockedRange
}

type leaseRecord struct {
	Key, Parent smb2.LeaseKey
	Version     uint8
	Epoch       uint16
	State       uint8
}

const recordVersion = 1

// lockedRange is a byte range that an open has locked.
type lockedRange struct {
	Offset, Length uint64
	Exclusive      bool
}

// persistence is what a persistent open has besides what a durable one has.
type persistence struct {
	sharing uint32
	options uint32
	parent  smb2.LeaseKey

	saving sync.Mutex // held while the record is written: the last one written is the last one made

	mu       sync.Mutex
	deleting bool          // guarded by mu
	locks    []lockedRange // guarded by mu
}

// openTable gives where persistent opens are kept; nil if nowhere.
func (s *server) openTable() OpenTable {
	t, _ := s.cfg.Shares.(OpenTable)
	return t
}

// continuous reports whether opens of the share may be persistent.
func (sh *share) continuous(s *server) bool {
	return sh.info.Load().Flags&ShareFlagContinuous != 0 && s.openTable() != nil
}

func (o *open) recordKey() string { return strconv.FormatUint(o.id.Persistent, 16) }

// persistent describes the open as it is.
func (o *open) persistent() persistentRecord {
	d, p := o.durable.Load(), o.persistence.Load()
	r := persistentRecord{Version: recordVersion, FileID: o.id, CreateGUID: d.guid, ClientGUID: o.client, Share: o.share.info.Load().Name, Name: *o.name.Load(),
		Token: api.AppendToken(nil, o.owner), Access: o.granted, Sharing: p.sharing, Options: p.options, Timeout: d.timeout, Disk: d.disk, Action: o.action,
		Level: uint8(o.level.Load())}
	if st, leased := o.srv.leases.state(o); leased {
		r.Lease = &leaseRecord{Key: st.key, Parent: p.parent, Version: st.version, Epoch: st.epoch, State: st.state}
	}
	p.mu.Lock()
	r.Deleting = p.deleting
	r.Locks = append([]lockedRange(nil), p.locks...)
	p.mu.Unlock()
	return r
}

// save writes the record of a persistent open.
func (o *open) save() error {
	p := o.persistence.Load()
	if p == nil {
		return nil
	}
	p.saving.Lock()
	defer p.saving.Unlock()
	if o.closed.Load() {
		return nil
	}
	r := o.persistent()
	b, err := json.Marshal(&r)
	if err != nil {
		return err
	}
	return o.srv.saveOpen(o.srv.ctx, o.recordKey(), b)
}

// saveLater writes the record of an open that changed in what a client can do without after a restart: what it may cache.
func (o *open) saveLater() {
	if o.persistence.Load() == nil {
		return
	}
	go func() {
		if err := o.save(); err != nil && !o.srv.closing.Load() {
			o.srv.log.Error("persistent open not kept", "share", o.share.info.Load().Name, "name", *o.name.Load(), "err", err)
		}
	}()
}

// unsave takes the record of an open that is closed out. A server that stops leaves it to the next one.
func (o *open) unsave() {
	p := o.persistence.Load()
	if p == nil || o.srv.closing.Load() {
		return
	}
	p.saving.Lock()
	defer p.saving.Unlock()
	if err := o.srv.saveOpen(o.srv.ctx, o.recordKey(), nil); err != nil {
		o.srv.log.Error("persistent open not let go: it comes back with the next start, until its time is over", "share", o.share.info.Load().Name,
			"name", *o.name.Load(), "err", err)
	}
}

// makePersistent asks the table to keep the open, and goes on with step. An open that cannot be kept is durable.
func (c *command) makePersistent(k *creating, step func(*command, *request) nt.Status) nt.Status {
	o := k.open
	p := &persistence{sharing: k.args.ShareAccess, options: k.args.Options}
	if l := k.leaseContext; l != nil && l.LeaseFlags&smb2.LeaseFlagParentKeySet != 0 {
		p.parent = l.ParentKey
	}
	o.persistence.Store(p)
	return c.elsewhere(func() nt.Status {
		if err := o.save(); err != nil {
			o.srv.log.Error("open is not persistent: it cannot be kept", "share", o.share.info.Load().Name, "name", *o.name.Load(), "err", err)
			o.persistence.Store(nil)
		}
		return nt.StatusSuccess
	}, step)
}

// locked takes note of a range, or that it is unlocked.
func (p *persistence) locked(r lockedRange, unlock bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !unlock {
		p.locks = append(p.locks, r)
		return
	}
	for i, x := range p.locks {
		if x.Offset == r.Offset && x.Length == r.Length {
			p.locks = append(p.locks[:i], p.locks[i+1:]...)
			return
		}
	}
}

// changedBy takes note of a SET_INFO that was done, and reports whether the record has to tell of it.
func (p *persistence) changedBy(c *command, r *request) bool {
	if r.Op != api.OpSetInformation {
		return false
	}
	switch nt.FileInfoClass(r.Code) {
	case nt.FileRenameInformation, nt.FileRenameInformationEx:
		return true
	case nt.FileDispositionInformation, nt.FileDispositionInformationEx:
		p.mu.Lock()
		p.deleting = len(r.In) > 0 && r.In[0]&1 != 0
		p.mu.Unlock()
		return true
	}
	return false
}

// answerSaved gives an answer once the record of the open is written.
func (c *command) answerSaved(o *open, answer func(*command, *request) nt.Status) nt.Status {
	return c.elsewhere(func() nt.Status { return nt.StatusOf(o.save()) }, func(c *command, r *request) nt.Status {
		if r.Status.IsError() {
			return r.Status
		}
		return answer(c, r)
	})
}

// restoreOpens opens again what was open when the last server ended. It is done before anybody can connect: nobody gets in between.
func (s *server) restoreOpens(ctx context.Context) error {
	t := s.openTable()
	if t == nil {
		return nil
	}
	records, err := t.LoadOpens(ctx)
	if err != nil {
		return fmt.Errorf("load persistent opens: %w", err)
	}
	for key, b := range records {
		var r persistentRecord
		err := json.Unmarshal(b, &r)
		if err == nil {
			err = s.restore(ctx, &r)
		}
		if err != nil {
			s.log.Warn("persistent open is lost", "share", r.Share, "name", r.Name, "err", err)
			if err := t.ChangeOpens(ctx, map[string][]byte{key: nil}); err != nil {
				return fmt.Errorf("let a persistent open go: %w", err)
			}
		}
	}
	return nil
}

var (
	errNotContinuous = errors.New("the share is not continuously available any more")
	errOtherFile     = errors.New("another file has its name")
	errTaken         = errors.New("its id is taken")
	errUnknown       = errors.New("the record is of another version")
)

// restoreTimeout is how long the file system may take for one open.
const restoreTimeout = 10 * time.Second

// restore makes an open of its record: parked, until its client comes or its time is over.
func (s *server) restore(ctx context.Context, r *persistentRecord) error {
	ctx, cancel := context.WithTimeout(ctx, restoreTimeout)
	defer cancel()
	if r.Version != recordVersion {
		return errUnknown
	}
	sh := s.shares.find(r.Share)
	if sh == nil || !sh.continuous(s) {
		return errNotContinuous
	}
	if _, there := s.opens.get(r.FileID.Persistent); there || r.FileID.Persistent == 0 {
		return errTaken
	}
	device, err := s.devicePath(sh.info.Load().Path)
	if err != nil {
		return err
	}
	token, err := api.ParseToken(r.Token)
	if err != nil {
		return err
	}
	a := &api.CreateArgs{Name: joinName(device, r.Name), Token: token, DesiredAccess: r.Access, ShareAccess: r.Sharing, Disposition: nt.FileOpen,
		Options: r.Options | nt.FileCompleteIfOplocked, Impersonation: api.Impersonation(smb2.Impersonation), Contexts: []any{api.DiskID{}, &fsrtl.ShareOptions{Root: directoryOf(device)}}}
	want := api.Oplock{State: levels[r.Level]}
	if l := r.Lease; l != nil {
		want = api.Oplock{State: l.State, Lease: true, Client: r.ClientGUID, Key: nt.GUID(l.Key), ParentKey: nt.GUID(l.Parent), Version: l.Version, Epoch: l.Epoch - 1}
	}
	if want.State != 0 || want.Lease {
		a.Contexts = append(a.Contexts, want)
	}
	h, err := s.api.CreateFile(ctx, a)
	if err != nil {
		return err
	}
	o := &open{srv: s, id: r.FileID, share: sh, owner: token, client: r.ClientGUID, handle: h, action: r.Action, granted: r.Access, created: time.Now(), parked: true}
	for o.number == 0 {
		o.number = openNumbers.Add(1)
	}
	o.name.Store(&r.Name)
	o.durable.Store(&durable{v2: true, persistent: true, guid: r.CreateGUID, timeout: r.Timeout, disk: r.Disk})
	p := &persistence{sharing: r.Sharing, options: r.Options, deleting: r.Deleting, locks: r.Locks}
	if r.Lease != nil {
		p.parent = r.Lease.Parent
	}
	o.persistence.Store(p)
	if err := s.restoreState(ctx, o, a, r); err != nil {
		_ = s.api.Close(h)
		s.leases.remove(o)
		return err
	}
	s.parked.Add(1)
	s.opens.put(o.id.Persistent, o)
	id := createID{r.ClientGUID, r.CreateGUID}
	s.creations.begin(id)
	s.creations.end(id, o)
	o.mu.Lock()
	o.timer = time.AfterFunc(r.Timeout, o.expire)
	o.mu.Unlock()
	return nil
}

// restoreState gives an open back what it held.
func (s *server) restoreState(ctx context.Context, o *open, a *api.CreateArgs, r *persistentRecord) error {
	if disk, ok := api.Find[api.DiskID](a.Result.Contexts); !ok || disk != r.Disk {
		return errOtherFile
	}
	got, ok := api.Find[api.Oplock](a.Result.Contexts)
	switch {
	case !ok:
	case got.Lease:
		if !s.leases.add(leaseID{r.ClientGUID, r.Lease.Key}, nt.Upcase(a.Name), o, &got) {
			return nt.StatusInvalidParameter
		}
	default:
		o.level.Store(uint32(levelOf(got.State)))
	}
	if ok && got.State != 0 {
		(&breakWait{o: o}).submit()
	}
	for _, l := range r.Locks {
		if err := s.api.LockFile(ctx, o.handle, &api.LockArgs{Offset: l.Offset, Length: l.Length, Exclusive: l.Exclusive, FailImmediately: true}); err != nil {
			return fmt.Errorf("lock of %d bytes at %d: %w", l.Length, l.Offset, err)
		}
		o.locks.Add(1)
	}
	if r.Deleting {
		return s.api.SetInformationFile(ctx, o.handle, nt.FileDispositionInformation, []byte{1})
	}
	return nil
}

// joinName puts a name under the directory of a share.
func joinName(device, name string) string {
	for device != "" && device[len(device)-1] == '\\' {
		device = device[:len(device)-1]
	}
	return device + `\` + name
}
