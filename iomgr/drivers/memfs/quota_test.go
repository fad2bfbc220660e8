package memfs_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/drivers/memfs"
	"lwio/iomgr/nt"
)

var le = binary.LittleEndian

var everyone = []nt.Group{{SID: nt.SIDWorld, Attributes: nt.SEGroupDefault}}

var (
	alice = &nt.Token{User: nt.MustSID("S-1-5-21-1-2-3-1001"), PrimaryGroup: nt.SIDBuiltinUsers, Groups: everyone}
	bob   = &nt.Token{User: nt.MustSID("S-1-5-21-1-2-3-1002"), PrimaryGroup: nt.SIDBuiltinUsers, Groups: everyone}
	root  = &nt.Token{User: nt.MustSID("S-1-5-21-1-2-3-500"), PrimaryGroup: nt.SIDBuiltinUsers, Privileges: nt.AllPrivileges,
		Groups: append(everyone, nt.Group{SID: nt.SIDBuiltinAdministrators, Attributes: nt.SEGroupDefault})}
)

type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), text)
}

// quotaEnv is a volume and its quotas, open.
type quotaEnv struct {
	t   *testing.T
	m   *iomgr.Manager
	q   api.Handle
	log *logged
}

func newQuotaEnv(t *testing.T) *quotaEnv {
	e := &quotaEnv{t: t, log: &logged{}}
	e.m = iomgr.New(iomgr.Config{Log: slog.New(slog.NewTextHandler(e.log, nil))})
	if err := e.m.Load(context.Background(), memfs.DriverEntry(memfs.Config{Capacity: 1 << 20})); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.m.Shutdown(context.Background()) })
	var err error
	if e.q, err = e.openQuotas(root, nt.FileWriteData|nt.FileAppendData|nt.FileWriteEA); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.m.Close(e.q) })
	return e
}

func (e *quotaEnv) openQuotas(who *nt.Token, access nt.AccessMask) (api.Handle, error) {
	return e.m.CreateFile(e.t.Context(), &api.CreateArgs{Name: `\memfs\$Extend\$Quota:$Q:$INDEX_ALLOCATION`, Token: who, DesiredAccess: access, ShareAccess: 3, Disposition: nt.FileOpen})
}

func (e *quotaEnv) open(who *nt.Token, name string, options uint32) api.Handle {
	e.t.Helper()
	h, err := e.m.CreateFile(e.t.Context(), &api.CreateArgs{Name: `\memfs\` + name, Token: who, DesiredAccess: nt.MaximumAllowed, ShareAccess: 7, Disposition: nt.FileOpenIf, Options: options})
	if err != nil {
		e.t.Fatal(err)
	}
	return h
}

func (e *quotaEnv) write(h api.Handle, at int64, n, want int, status nt.Status) {
	e.t.Helper()
	got, err := e.m.WriteFile(e.t.Context(), h, make([]byte, n), at)
	if got != want || nt.StatusOf(err) != status {
		e.t.Errorf("%d bytes at %d: %d, %v; want %d, %v", n, at, got, err, want, status)
	}
}

func (e *quotaEnv) set(status nt.Status, list ...api.Quota) {
	e.t.Helper()
	if err := e.m.SetQuotaInformationFile(e.t.Context(), e.q, api.AppendQuotas(nil, list)); nt.StatusOf(err) != status {
		e.t.Errorf("%+v: %v, want %v", list, err, status)
	}
}

func (e *quotaEnv) of(who *nt.Token) api.Quota {
	e.t.Helper()
	b := make([]byte, 200)
	n, err := e.m.QueryQuotaInformationFile(e.t.Context(), e.q, api.AppendQuotaSIDs(nil, []nt.SID{who.User}), b)
	if err != nil {
		e.t.Fatal(err)
	}
	list, status := api.ParseQuotas(b[:n])
	if status != 0 || len(list) != 1 || list[0].SID != who.User {
		e.t.Fatalf("%+v %v", list, status)
	}
	return list[0]
}

func (e *quotaEnv) control(flags uint32, threshold, limit int64) {
	e.t.Helper()
	c := api.VolumeControl{DefaultThreshold: threshold, DefaultLimit: limit, Flags: flags}
	if err := e.m.SetVolumeInformationFile(e.t.Context(), e.q, nt.FileFsControlInformation, c.Append(nil)); err != nil {
		e.t.Error(err)
	}
	b := make([]byte, 48)
	if n, err := e.m.QueryVolumeInformationFile(e.t.Context(), e.q, nt.FileFsControlInformation, b); err != nil || !bytes.Equal(b[:n], c.Append(nil)) {
		e.t.Errorf("%x %v", b[:n], err)
	}
}

const page = 4096

// TestQuotaEnforced: an owner's files take no more than the limit, whoever writes them; what is not enforced is counted.
func TestQuotaEnforced(t *testing.T) {
	e := newQuotaEnv(t)
	a := e.open(alice, "a", 0)
	defer e.m.Close(a)
	e.set(0, api.Quota{SID: alice.User, Threshold: 2 * page, Limit: 4 * page})
	e.write(a, 0, 6*page, 6*page, 0) // nothing is enforced yet
	if q := e.of(alice); q.Used != 6*page || q.Threshold != 2*page || q.Limit != 4*page || q.Changed == 0 {
		t.Errorf("%+v", q)
	}
	e.control(nt.FileVcQuotaEnforce|nt.FileVcLogQuotaThreshold|nt.FileVcLogQuotaLimit, 3*page, 5*page)
	e.write(a, 6*page, 1, 0, nt.StatusDiskFull)
	e.write(a, 0, page, page, 0) // what is there can be written again
	if err := e.m.SetInformationFile(t.Context(), a, nt.FileEndOfFileInformation, le.AppendUint64(nil, page)); err != nil {
		t.Fatal(err)
	}
	if q := e.of(alice); q.Used != page {
		t.Errorf("%+v", q)
	}
	byBob := e.open(bob, "a", 0)
	defer e.m.Close(byBob)
	e.write(byBob, page, 5*page, 3*page, 0) // as much as alice has left
	if e.log.count("quota threshold passed") != 1 || e.log.count("quota limit reached") != 2 {
		t.Errorf("%s", &e.log.b)
	}
	// What is left is told to each of his own.
	size := func(h api.Handle) (own, free uint64) {
		b := make([]byte, 32)
		if _, err := e.m.QueryVolumeInformationFile(t.Context(), h, nt.FileFsFullSizeInformation, b); err != nil {
			t.Fatal(err)
		}
		return le.Uint64(b[8:]), le.Uint64(b[16:])
	}
	if own, free := size(a); own != 0 || free != 252 {
		t.Errorf("alice %d of %d", own, free)
	}
	// Who had no entry gets one with the defaults of the time.
	if own, _ := size(byBob); own != 5 {
		t.Errorf("bob %d", own)
	}
	b := e.open(bob, "b", 0)
	e.write(b, 0, 6*page, 5*page, 0)
	e.control(nt.FileVcQuotaEnforce, nt.QuotaUnlimited, nt.QuotaUnlimited)
	if q := e.of(bob); q.Used != 5*page || q.Threshold != 3*page || q.Limit != 5*page {
		t.Errorf("%+v", q)
	}
	e.write(b, 5*page, 1, 0, nt.StatusDiskFull)
	// Administrators have none, and none can be set on them.
	byRoot := e.open(root, "r", 0)
	e.write(byRoot, 0, 20*page, 20*page, 0)
	e.m.Close(byRoot)
	e.set(nt.StatusAccessDenied, api.Quota{SID: nt.SIDBuiltinAdministrators, Limit: 1})
	// A deleted file gives back what it took, and an entry that nobody set goes with it.
	if err := e.m.SetInformationFile(t.Context(), b, nt.FileDispositionInformation, []byte{1}); err != nil {
		t.Fatal(err)
	}
	e.m.Close(b)
	if q := e.of(bob); q.Used != 0 || q.Limit != nt.QuotaUnlimited || q.Changed != 0 {
		t.Errorf("%+v", q)
	}
}

// TestQuotaOwner: with its owner a file changes who pays.
func TestQuotaOwner(t *testing.T) {
	e := newQuotaEnv(t)
	e.control(nt.FileVcQuotaEnforce, nt.QuotaUnlimited, nt.QuotaUnlimited)
	e.set(0, api.Quota{SID: bob.User, Threshold: nt.QuotaUnlimited, Limit: 2 * page})
	h := e.open(alice, "f", 0)
	e.write(h, 0, 3*page, 3*page, 0)
	e.m.Close(h)
	h, err := e.m.CreateFile(t.Context(), &api.CreateArgs{Name: `\memfs\f`, Token: root, DesiredAccess: nt.FileGenericWrite | nt.WriteOwner, ShareAccess: 7, Disposition: nt.FileOpen})
	if err != nil {
		t.Fatal(err)
	}
	defer e.m.Close(h)
	to := &nt.SecurityDescriptor{Control: nt.ControlSelfRelative, Owner: bob.User}
	if err := e.m.SetSecurityObject(t.Context(), h, nt.OwnerSecurityInformation, to.Append(nil)); !errors.Is(err, nt.StatusDiskFull) {
		t.Errorf("%v", err)
	}
	if err := e.m.SetInformationFile(t.Context(), h, nt.FileEndOfFileInformation, le.AppendUint64(nil, 2*page)); err != nil {
		t.Fatal(err)
	}
	if err := e.m.SetSecurityObject(t.Context(), h, nt.OwnerSecurityInformation, to.Append(nil)); err != nil {
		t.Errorf("%v", err)
	}
	if a, b := e.of(alice), e.of(bob); a.Used != 0 || b.Used != 2*page {
		t.Errorf("%+v %+v", a, b)
	}
	e.write(h, 2*page, 1, 0, nt.StatusDiskFull)
}

// TestQuotaEntries: who may open them, list, set and delete.
func TestQuotaEntries(t *testing.T) {
	e := newQuotaEnv(t)
	if _, err := e.openQuotas(alice, nt.FileReadData); !errors.Is(err, nt.StatusAccessDenied) {
		t.Errorf("%v", err)
	}
	if _, err := e.m.CreateFile(t.Context(), &api.CreateArgs{Name: `\memfs\nothing\$Extend\$Quota:$Q:$INDEX_ALLOCATION`, Token: root, DesiredAccess: nt.FileReadData,
		Disposition: nt.FileOpen}); !errors.Is(err, nt.StatusObjectPathNotFound) {
		t.Errorf("%v", err)
	}
	list := func(flags uint32) (out []nt.SID, status nt.Status) {
		r := &api.Request{Op: api.OpQueryQuota, Handle: e.q, Flags: flags, Out: make([]byte, 1000)}
		if err := api.Do(t.Context(), e.m, r); err != nil {
			return nil, r.Status
		}
		got, status := api.ParseQuotas(r.Out[:r.N])
		for _, q := range got {
			out = append(out, q.SID)
		}
		return out, status
	}
	if got, status := list(0); status != nt.StatusNoMoreEntries {
		t.Errorf("%v %v", got, status)
	}
	e.set(0, api.Quota{SID: bob.User, Limit: 5}, api.Quota{SID: alice.User, Limit: 6})
	if got, status := list(api.FlagRestartScan); status != 0 || len(got) != 2 || got[0] != alice.User {
		t.Errorf("%v %v", got, status)
	}
	if got, status := list(0); status != nt.StatusNoMoreEntries {
		t.Errorf("%v %v", got, status)
	}
	e.set(nt.StatusNoMatch, api.Quota{SID: root.User, Limit: nt.QuotaDelete})
	e.set(0, api.Quota{SID: bob.User, Limit: nt.QuotaDelete})
	if got, _ := list(api.FlagRestartScan); len(got) != 1 || got[0] != alice.User {
		t.Errorf("%v", got)
	}
	reader, err := e.openQuotas(root, nt.FileReadData)
	if err != nil {
		t.Fatal(err)
	}
	defer e.m.Close(reader)
	if err := e.m.SetQuotaInformationFile(t.Context(), reader, api.AppendQuotas(nil, []api.Quota{{SID: alice.User}})); !errors.Is(err, nt.StatusAccessDenied) {
		t.Errorf("%v", err)
	}
	f := e.open(alice, "f", 0)
	defer e.m.Close(f)
	var c api.VolumeControl
	if err := e.m.SetVolumeInformationFile(t.Context(), f, nt.FileFsControlInformation, c.Append(nil)); !errors.Is(err, nt.StatusAccessDenied) {
		t.Errorf("%v", err)
	}
	if _, err := e.m.QueryQuotaInformationFile(t.Context(), f, nil, make([]byte, 100)); !errors.Is(err, nt.StatusInvalidDeviceRequest) {
		t.Errorf("%v", err)
	}
	b := make([]byte, 100)
	if _, err := e.m.QueryVolumeInformationFile(t.Context(), f, nt.FileFsAttributeInformation, b); err != nil || le.Uint32(b)&nt.FileVolumeQuotas == 0 {
		t.Errorf("%x %v", le.Uint32(b), err)
	}
}

// TestDuplicateExtents: a range of one file becomes another's.
func TestDuplicateExtents(t *testing.T) {
	m := mount(t, memfs.Config{})
	open := func(name string) api.Handle {
		h, err := m.CreateFile(t.Context(), &api.CreateArgs{Name: `\memfs\` + name, DesiredAccess: nt.GenericAll, ShareAccess: 7, Disposition: nt.FileOpenIf})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	a, b := open("a"), open("b")
	write := func(h api.Handle, fill byte, n int) {
		if _, err := m.WriteFile(t.Context(), h, bytes.Repeat([]byte{fill}, n), 0); err != nil {
			t.Fatal(err)
		}
	}
	write(a, 'a', 5000)
	write(b, 'b', 4*page)
	duplicate := func(source, target api.Handle, at, toAt, n uint64) nt.Status {
		in := make([]byte, 16)
		for _, v := range []uint64{at, toAt, n} {
			in = le.AppendUint64(in, v)
		}
		return nt.StatusOf(api.Do(t.Context(), m, &api.Request{Op: api.OpFsControl, Handle: target, Source: source, Code: nt.FsctlDuplicateExtentsToFile, In: in}))
	}
	for _, c := range []struct {
		source, target  api.Handle
		at, toAt, count uint64
		status          nt.Status
	}{
		{a, b, 0, page, 2 * page, 0},
		{a, b, 0, page, 3 * page, nt.StatusNotSupported},
		{a, b, 1, page, page, nt.StatusInvalidParameter},
		{nil, b, 0, 0, page, nt.StatusInvalidParameter},
		{b, b, 0, page, 2 * page, nt.StatusNotSupported},
		{a, b, 0, 5 * page, page, 0}, // behind the end: nothing
	} {
		if status := duplicate(c.source, c.target, c.at, c.toAt, c.count); status != c.status {
			t.Errorf("%+v: %v", c, status)
		}
	}
	got := make([]byte, 5*page)
	n, err := m.ReadFile(t.Context(), b, got, 0)
	want := bytes.Repeat([]byte{'b'}, 4*page)
	copy(want[page:], append(bytes.Repeat([]byte{'a'}, 5000), make([]byte, 2*page-5000)...))
	if err != nil || !bytes.Equal(got[:n], want) {
		t.Errorf("%d bytes, %v", n, err)
	}
}
