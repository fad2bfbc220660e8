package srv

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"lwio/gen/srvctl"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/ndr"
)

// controls serves idl/srvctl.idl. The device has let only administrators in.
type controls struct{ s *server }

var _ srvctl.SrvctlServer = controls{}

var errAdministrator = errors.New("ended by an administrator")

// seconds since t, as the 32-bit number that the structures have.
func seconds(t time.Time) uint32 {
	return uint32(min(max(time.Since(t)/time.Second, 0), 1<<32-1))
}

func count(n uint64) uint32 { return uint32(min(n, 1<<32-1)) }

// SrvShareEnum lists the shares, IPC$ among them.
func (c controls) SrvShareEnum(context.Context, *rpc.Call, *srvctl.SrvShareEnumRequest) (*srvctl.SrvShareEnumResponse, error) {
	out := &srvctl.SrvShareEnumResponse{}
	for _, sh := range c.s.shares.list() {
		out.Shares.Shares = append(out.Shares.Shares, c.share(sh))
	}
	out.Shares.Count = uint32(len(out.Shares.Shares))
	return out, nil
}

// share is a live share with the descriptor that is in force.
func (c controls) share(sh *share) srvctl.SRVCTL_SHARE {
	info := *sh.info.Load()
	info.Security = c.s.shares.security(&info)
	r := info.record()
	r.CurrentUses = uint32(max(sh.uses.Load(), 0))
	return r
}

// SrvShareGet describes one.
func (c controls) SrvShareGet(_ context.Context, _ *rpc.Call, in *srvctl.SrvShareGetRequest) (*srvctl.SrvShareGetResponse, error) {
	sh := c.s.shares.find(in.Name)
	if sh == nil {
		return &srvctl.SrvShareGetResponse{Return: uint32(nt.NErrNetNameNotFound)}, nil
	}
	return &srvctl.SrvShareGetResponse{Share: c.share(sh)}, nil
}

// SrvShareAdd adds a share.
func (c controls) SrvShareAdd(ctx context.Context, call *rpc.Call, in *srvctl.SrvShareAddRequest) (*srvctl.SrvShareAddResponse, error) {
	info, err := shareOfRecord(&in.Share)
	if err == nt.WErrSuccess {
		err = c.s.shares.create(ctx, info)
	}
	c.audit(call, "add share", ndr.Text(in.Share.Name), err)
	return &srvctl.SrvShareAddResponse{Return: uint32(err)}, nil
}

// SrvShareSet changes one.
func (c controls) SrvShareSet(ctx context.Context, call *rpc.Call, in *srvctl.SrvShareSetRequest) (*srvctl.SrvShareSetResponse, error) {
	info, err := shareOfRecord(&in.Share)
	if err == nt.WErrSuccess {
		err = c.s.shares.set(ctx, info)
	}
	c.audit(call, "change share", ndr.Text(in.Share.Name), err)
	return &srvctl.SrvShareSetResponse{Return: uint32(err)}, nil
}

// SrvShareDel deletes one.
func (c controls) SrvShareDel(ctx context.Context, call *rpc.Call, in *srvctl.SrvShareDelRequest) (*srvctl.SrvShareDelResponse, error) {
	err := c.s.shares.remove(ctx, in.Name)
	c.audit(call, "delete share", in.Name, err)
	return &srvctl.SrvShareDelResponse{Return: uint32(err)}, nil
}

func (c controls) audit(call *rpc.Call, what, name string, err nt.WinError) {
	by := ""
	if call != nil && call.Token != nil {
		by = call.Token.QualifiedName()
	}
	if err != nt.WErrSuccess {
		c.s.log.Info(what, "name", name, "by", by, "err", err)
		return
	}
	c.s.log.Info(what, "name", name, "by", by)
}

// sessions gives the established sessions of a client and a user, oldest first; nil or empty stands for all.
func (c controls) sessions(client, user *string) ([]*session, nt.WinError) {
	name, account := strings.TrimPrefix(ndr.Text(client), `\\`), ndr.Text(user)
	var out []*session
	known := false
	for _, s := range c.s.sessions.all() {
		token := s.token.Load()
		if token == nil || s.gone.Load() || name != "" && !s.isFrom(name) {
			continue
		}
		known = true
		if account == "" || nt.EqualFold(account, token.Account) {
			out = append(out, s)
		}
	}
	switch {
	case name != "" && !known:
		return nil, nt.NErrClientNameNotFound
	case account != "" && len(out) == 0:
		return nil, nt.NErrUserNotFound
	}
	slices.SortFunc(out, func(a, b *session) int { return a.created.Compare(b.created) })
	return out, nt.WErrSuccess
}

// isFrom compares a client's name or address.
func (s *session) isFrom(name string) bool {
	name = strings.Trim(name, "[]")
	return nt.EqualFold(name, s.clientName) || name == s.address()
}

// address is the client's, without the port.
func (s *session) address() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.channels) == 0 {
		return ""
	}
	return s.channels[0].conn.clientIP
}

// SrvSessionEnum lists sessions.
func (c controls) SrvSessionEnum(_ context.Context, _ *rpc.Call, in *srvctl.SrvSessionEnumRequest) (*srvctl.SrvSessionEnumResponse, error) {
	list, err := c.sessions(in.Client, in.User)
	out := &srvctl.SrvSessionEnumResponse{Return: uint32(err)}
	for _, s := range list {
		out.Sessions.Sessions = append(out.Sessions.Sessions, s.record())
	}
	out.Sessions.Count = uint32(len(list))
	return out, nil
}

func (s *session) record() srvctl.SRVCTL_SESSION {
	token := s.token.Load()
	address, kind, transport := s.address(), "SMB "+s.dialect.String(), transportName
	r := srvctl.SRVCTL_SESSION{
		Id: int64(s.id), Client: &s.clientName, User: &token.Account, Domain: &token.Domain, Address: &address,
		ClientType: &kind, Transport: &transport, Opens: uint32(max(s.opens.Load(), 0)), ConnectedSeconds: seconds(s.created),
		IdleSeconds: seconds(time.Unix(0, s.lastUse.Load())), Dialect: uint32(s.dialect), // no guests: Guest is 0 (MS-SMB2 3.3.4.14)
	}
	if s.encrypt {
		r.Encrypted = 1
	}
	return r
}

// SrvSessionDel ends sessions. At least one of client and user is given.
func (c controls) SrvSessionDel(_ context.Context, call *rpc.Call, in *srvctl.SrvSessionDelRequest) (*srvctl.SrvSessionDelResponse, error) {
	if ndr.Text(in.Client) == "" && ndr.Text(in.User) == "" {
		return &srvctl.SrvSessionDelResponse{Return: uint32(nt.WErrInvalidParameter)}, nil
	}
	list, err := c.sessions(in.Client, in.User)
	for _, s := range list {
		s.disconnect(errAdministrator)
	}
	c.audit(call, "end sessions", ndr.Text(in.Client)+" "+ndr.Text(in.User), err)
	return &srvctl.SrvSessionDelResponse{Closed: uint32(len(list)), Return: uint32(err)}, nil
}

// SrvConnectionEnum lists tree connections, of a share or of a client.
func (c controls) SrvConnectionEnum(_ context.Context, _ *rpc.Call, in *srvctl.SrvConnectionEnumRequest) (*srvctl.SrvConnectionEnumResponse, error) {
	out := &srvctl.SrvConnectionEnumResponse{}
	client, byClient := strings.CutPrefix(in.Qualifier, `\\`)
	var trees []*tree
	if byClient {
		known := false
		for _, s := range c.s.sessions.all() {
			if s.token.Load() == nil || !s.isFrom(client) {
				continue
			}
			known = true
			s.mu.Lock()
			for _, t := range s.trees {
				trees = append(trees, t)
			}
			s.mu.Unlock()
		}
		if !known {
			out.Return = uint32(nt.NErrClientNameNotFound)
		}
	} else if sh := c.s.shares.find(in.Qualifier); sh != nil {
		sh.mu.Lock()
		for t := range sh.trees {
			trees = append(trees, t)
		}
		sh.mu.Unlock()
	} else {
		out.Return = uint32(nt.NErrNetNameNotFound)
	}
	slices.SortFunc(trees, func(a, b *tree) int { return a.created.Compare(b.created) })
	for _, t := range trees {
		token, info := t.sess.token.Load(), t.share.info.Load()
		r := srvctl.SRVCTL_CONNECTION{Id: t.id, Type: info.Type, Opens: uint32(max(t.opens.Load(), 0)), Users: 1, Seconds: seconds(t.created),
			User: &token.Account, Netname: &t.sess.clientName}
		if byClient {
			r.Netname = &info.Name
		}
		out.Connections.Connections = append(out.Connections.Connections, r)
	}
	out.Connections.Count = uint32(len(trees))
	return out, nil
}

// Permissions of an open (MS-SRVS 2.2.2.6).
const (
	permRead   = 0x01
	permWrite  = 0x02
	permCreate = 0x04
)

func (o *open) record() srvctl.SRVCTL_FILE {
	path := o.path()
	token := o.owner
	r := srvctl.SRVCTL_FILE{Id: o.number, Locks: uint32(max(o.locks.Load(), 0)), Path: &path}
	if t := o.tree.Load(); t != nil {
		token, r.Session = t.sess.token.Load(), int64(t.sess.id)
	}
	r.User = &token.Account
	if o.granted&(nt.FileReadData|nt.FileExecute) != 0 {
		r.Permissions |= permRead
	}
	if o.granted&nt.FileWriteData != 0 {
		r.Permissions |= permWrite
	}
	if o.granted&nt.FileAppendData != 0 {
		r.Permissions |= permCreate
	}
	return r
}

// path is how an administrator knows the file.
func (o *open) path() string {
	if o.share.pipe {
		return `\PIPE\` + *o.name.Load()
	}
	dir := o.share.info.Load().Path
	if strings.HasPrefix(dir, "/") {
		return strings.TrimRight(dir, "/") + "/" + strings.ReplaceAll(*o.name.Load(), `\`, "/")
	}
	return strings.TrimRight(dir, `\`) + `\` + *o.name.Load()
}

// SrvFileEnum lists opens, of those whose path begins with one and of a user.
func (c controls) SrvFileEnum(_ context.Context, _ *rpc.Call, in *srvctl.SrvFileEnumRequest) (*srvctl.SrvFileEnumResponse, error) {
	base, account := ndr.Text(in.Path), ndr.Text(in.User)
	out := &srvctl.SrvFileEnumResponse{}
	for _, o := range c.s.opens.all() {
		if o.closed.Load() {
			continue
		}
		r := o.record()
		if account != "" && !nt.EqualFold(account, *r.User) || base != "" && !hasPrefixFold(*r.Path, base) {
			continue
		}
		out.Files.Files = append(out.Files.Files, r)
	}
	slices.SortFunc(out.Files.Files, func(a, b srvctl.SRVCTL_FILE) int { return int(int64(a.Id) - int64(b.Id)) })
	out.Files.Count = uint32(len(out.Files.Files))
	return out, nil
}

func hasPrefixFold(s, prefix string) bool {
	return strings.HasPrefix(nt.Upcase(s), nt.Upcase(prefix))
}

func (c controls) open(number uint32) *open {
	for _, o := range c.s.opens.all() {
		if o.number == number && !o.closed.Load() {
			return o
		}
	}
	return nil
}

// SrvFileGet describes an open.
func (c controls) SrvFileGet(_ context.Context, _ *rpc.Call, in *srvctl.SrvFileGetRequest) (*srvctl.SrvFileGetResponse, error) {
	o := c.open(in.Id)
	if o == nil {
		return &srvctl.SrvFileGetResponse{Return: uint32(nt.NErrFileIdNotFound)}, nil
	}
	return &srvctl.SrvFileGetResponse{File: o.record()}, nil
}

// SrvFileClose closes one under its client.
func (c controls) SrvFileClose(_ context.Context, call *rpc.Call, in *srvctl.SrvFileCloseRequest) (*srvctl.SrvFileCloseResponse, error) {
	o := c.open(in.Id)
	if o == nil {
		return &srvctl.SrvFileCloseResponse{Return: uint32(nt.NErrFileIdNotFound)}, nil
	}
	o.close()
	c.audit(call, "close file", o.path(), nt.WErrSuccess)
	return &srvctl.SrvFileCloseResponse{}, nil
}

const maxServerComment = 256

// neverIdle is the disc of a server whose sessions do not end by idleness.
const neverIdle = 0xFFFFFFFF

// SrvServerGet describes the server.
func (c controls) SrvServerGet(context.Context, *rpc.Call, *srvctl.SrvServerGetRequest) (*srvctl.SrvServerGetResponse, error) {
	return &srvctl.SrvServerGetResponse{Server: c.s.record()}, nil
}

func (s *server) record() srvctl.SRVCTL_SERVER {
	i := &s.info
	i.mu.Lock()
	defer i.mu.Unlock()
	name, domain, comment, path := s.cfg.Host.Name, s.cfg.Host.Domain, i.comment, `C:\`
	r := srvctl.SRVCTL_SERVER{Name: &name, Domain: &domain, Comment: &comment, Users: i.users, Disc: neverIdle, Announce: i.ann,
		AnnounceDelta: i.delta, UserPath: &path, Sessions: uint32(max(s.live.Load(), 0))}
	if i.idle > 0 {
		r.Disc = uint32(max(i.idle/time.Minute, 1))
	}
	if i.hidden {
		r.Hidden = 1
	}
	return r
}

// SrvServerSet changes comment, limits and announcement; name, domain and path stay.
func (c controls) SrvServerSet(ctx context.Context, call *rpc.Call, in *srvctl.SrvServerSetRequest) (*srvctl.SrvServerSetResponse, error) {
	v := &in.Server
	err := nt.WErrSuccess
	if nt.UTF16Len(ndr.Text(v.Comment)) > maxServerComment || v.Users == 0 {
		err = nt.WErrInvalidParameter
	} else if c.s.cfg.SaveServer != nil {
		if e := c.s.cfg.SaveServer(ctx, v); e != nil {
			c.s.log.Error("store server settings", "err", e)
			err = nt.WErrGenFailure
		}
	}
	if err == nt.WErrSuccess {
		c.s.apply(v)
	}
	c.audit(call, "change server", "", err)
	return &srvctl.SrvServerSetResponse{Return: uint32(err)}, nil
}

// apply takes settings over.
func (s *server) apply(v *srvctl.SRVCTL_SERVER) {
	i := &s.info
	i.mu.Lock()
	defer i.mu.Unlock()
	i.comment, i.users, i.hidden, i.ann, i.delta = ndr.Text(v.Comment), v.Users, v.Hidden != 0, v.Announce, v.AnnounceDelta
	if i.idle = time.Duration(v.Disc) * time.Minute; v.Disc == neverIdle {
		i.idle = 0
	}
}

// SrvStatistics counts since the start.
func (c controls) SrvStatistics(context.Context, *rpc.Call, *srvctl.SrvStatisticsRequest) (*srvctl.SrvStatisticsResponse, error) {
	n := &c.s.counts
	in, out := n.bytesIn.Load(), n.bytesOut.Load()
	for _, conn := range c.s.connections() {
		in += conn.bytesIn.Load()
		out += conn.bytesOut.Load()
	}
	return &srvctl.SrvStatisticsResponse{Statistics: srvctl.SRVCTL_STATISTICS{
		Started: int64(nt.TimeOf(c.s.started)), FileOpens: count(n.fileOpens.Load()), DeviceOpens: count(n.pipeOpens.Load()),
		SessionsOpened: count(n.sessions.Load()), SessionsTimedOut: count(n.sessionsTimedOut.Load()), SessionsFailed: count(n.sessionsFailed.Load()),
		PasswordErrors: count(n.passwordErrors.Load()), PermissionErrors: count(n.permissionErrors.Load()), SystemErrors: count(n.systemErrors.Load()),
		BytesSent: int64(out), BytesReceived: int64(in),
	}}, nil
}

// transportName is that of Direct TCP on a Windows server.
const transportName = `\Device\NetbiosSmb`

// SrvListenerEnum lists where the server listens.
func (c controls) SrvListenerEnum(context.Context, *rpc.Call, *srvctl.SrvListenerEnumRequest) (*srvctl.SrvListenerEnumResponse, error) {
	out := &srvctl.SrvListenerEnumResponse{}
	c.s.mu.Lock()
	listeners := c.s.listeners
	c.s.mu.Unlock()
	for _, l := range listeners {
		addr, name := l.Addr().String(), transportName
		out.Listeners.Listeners = append(out.Listeners.Listeners,
			srvctl.SRVCTL_LISTENER{Address: &addr, Name: &name, Connections: uint32(max(l.conns.Load(), 0))})
	}
	out.Listeners.Count = uint32(len(listeners))
	return out, nil
}
