// Package userdb tells systemd of the accounts of this machine: it is a provider of io.systemd.UserDatabase (systemd.io/USER_GROUP_API), which nss-systemd, userdbctl, systemd-logind and others
// ask over varlink, so that `ls -l`, `getent` and file managers show names for the Unix ids that files of lwio's accounts have. Nobody logs on by it: no record has a password, and
// the shell of all is none.
//
//	p := &userdb.Provider{Directory: directory, Service: "io.lwio"}
//	s := &varlink.Server{Product: "lwio", Interfaces: []varlink.Interface{p.Interface()}}
//	err := s.Serve(ctx, listener) // of /run/systemd/userdb/io.lwio
//
// A service is called as its socket is, and answers to that name alone. Who of the machine asks is not looked at: what is told is what `getent` tells everybody.
//
// # What is told
//
// Users, groups and aliases of this machine that have a Unix id; of domains, those that are asked for by name (DOMAIN\name) or id. Aliases of BUILTIN have no id. Names and ids that the
// system's own files have are the system's: there is no record for them here, so that an account of the network that is called root is not taken for root. Names are told and
// compared as they are written, as Unix does.
package userdb

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	"lwio/iomgr/nt"
	"lwio/services/identity"
	"lwio/services/varlink"
)

// Name of the interface.
const Name = "io.systemd.UserDatabase"

// Description is the interface in varlink's language.
const Description = `# Users and groups, and who is in which
interface io.systemd.UserDatabase

method GetUserRecord(uid: ?int, userName: ?string, service: string) -> (record: object, incomplete: bool)
method GetGroupRecord(gid: ?int, groupName: ?string, service: string) -> (record: object, incomplete: bool)
method GetMemberships(userName: ?string, groupName: ?string, service: string) -> (userName: string, groupName: string)

error NoRecordFound()
error BadService()
error ServiceNotAvailable()
error ConflictingRecordFound()
error EnumerationNotSupported()
`

// The errors of the interface.
var (
	errNoRecord    = &varlink.Error{Name: Name + ".NoRecordFound"}
	errBadService  = &varlink.Error{Name: Name + ".BadService"}
	errUnavailable = &varlink.Error{Name: Name + ".ServiceNotAvailable"}
	errConflict    = &varlink.Error{Name: Name + ".ConflictingRecordFound"}
)

// patience is how long a lookup may take that has to ask a domain.
const patience = 10 * time.Second

// Provider answers. Directory and Service are needed.
type Provider struct {
	Directory *identity.Directory
	Service   string // the name of the socket's file

	// Passwd and Group are the system's own files; empty for /etc/passwd and /etc/group.
	Passwd, Group string
}

// Interface is what a varlink server serves.
func (p *Provider) Interface() varlink.Interface {
	return varlink.Interface{Name: Name, Description: Description, Methods: map[string]varlink.Method{
		"GetUserRecord":  p.getUser,
		"GetGroupRecord": p.getGroup,
		"GetMemberships": p.getMemberships,
	}}
}

// UserRecord is what is told of a user (systemd.io/USER_RECORD).
type UserRecord struct {
	UserName      string  `json:"userName"`
	UID           uint32  `json:"uid"`
	GID           uint32  `json:"gid"`
	RealName      string  `json:"realName,omitempty"`
	HomeDirectory string  `json:"homeDirectory"`
	Shell         string  `json:"shell"`
	Disposition   string  `json:"disposition"`
	Service       string  `json:"service"`
	Locked        *bool   `json:"locked,omitempty"`
	NotAfterUSec  *uint64 `json:"notAfterUSec,omitempty"`
}

// GroupRecord is what is told of a group (systemd.io/GROUP_RECORD).
type GroupRecord struct {
	GroupName   string `json:"groupName"`
	GID         uint32 `json:"gid"`
	Description string `json:"description,omitempty"`
	Disposition string `json:"disposition"`
	Service     string `json:"service"`
}

// answer is a reply with a record.
type answer struct {
	Record     any  `json:"record"`
	Incomplete bool `json:"incomplete"`
}

// system are the names and ids that the system has for itself.
type system struct {
	names map[string]bool
	ids   map[uint32]bool
}

// maxSystemFile bounds what is read of a file of the system.
const maxSystemFile = 8 << 20

// systemOf reads passwd or group: a name in the first column, an id in the third. Without the file there are none.
func systemOf(path string) system {
	s := system{map[string]bool{}, map[uint32]bool{}}
	f, err := os.Open(path)
	if err != nil {
		return s
	}
	defer f.Close()
	for r := bufio.NewScanner(io.LimitReader(f, maxSystemFile)); r.Scan(); {
		cols := strings.Split(r.Text(), ":")
		if len(cols) < 3 {
			continue
		}
		s.names[cols[0]] = true
		if id, err := strconv.ParseUint(cols[2], 10, 32); err == nil {
			s.ids[uint32(id)] = true
		}
	}
	return s
}

func (p *Provider) users() system {
	if p.Passwd != "" {
		return systemOf(p.Passwd)
	}
	return systemOf("/etc/passwd")
}

func (p *Provider) groups() system {
	if p.Group != "" {
		return systemOf(p.Group)
	}
	return systemOf("/etc/group")
}

// ours reports whether an entry is one to tell of.
func (s system) ours(e *identity.Entry) bool {
	return e.HasID && !strings.HasPrefix(e.SID.String(), "S-1-22-") && validName(e.Name) && !s.names[e.Name] && !s.ids[e.ID]
}

// validName takes the names that systemd takes of databases that are not its own: text without control characters, colon and slash, without blanks at its ends, and no number.
func validName(s string) bool {
	if s == "" || len(s) > 255 || s != strings.TrimSpace(s) || s == "." || s == ".." || strings.ContainsAny(s, ":/") || strings.ContainsFunc(s, unicode.IsControl) || s[0] == '-' {
		return false
	}
	_, err := strconv.ParseUint(s, 10, 64)
	return err != nil
}

// gecos is a text that stands in a line of its own with colons for columns.
func gecos(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == ':' || unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, s))
}

// failed turns what a lookup said into an error of the interface; a context that ended ends the connection.
func failed(ctx context.Context, err error) error {
	var e *varlink.Error
	switch {
	case err == nil, errors.As(err, &e):
		return err
	case errors.Is(err, identity.ErrNotFound):
		return errNoRecord
	case ctx.Err() != nil:
		return ctx.Err()
	}
	var s nt.Status
	if errors.As(err, &s) || errors.Is(err, context.DeadlineExceeded) {
		return errUnavailable // the domain does not answer, or the state
	}
	return err
}

// within bounds a lookup.
func within(ctx context.Context, f func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return failed(ctx, f(limited))
}

// find looks for one entry by name, id or both.
func (p *Provider) find(ctx context.Context, name *string, id *uint32, group bool, sys system) (*identity.Entry, error) {
	var e *identity.Entry
	var err error
	if name != nil {
		if !validName(*name) {
			return nil, errNoRecord
		}
		e, err = p.Directory.ByName(ctx, *name)
	} else {
		e, err = p.Directory.ByID(ctx, *id, group)
	}
	switch {
	case err != nil:
		return nil, err
	case group && !e.IsGroup() || !group && !e.IsUser() || !sys.ours(e) || name != nil && e.Name != *name:
		return nil, errNoRecord
	case id != nil && *id != e.ID:
		return nil, errConflict
	}
	return e, nil
}

func (p *Provider) userRecord(e *identity.Entry) any {
	const nobody = 65534
	r := UserRecord{UserName: e.Name, UID: e.ID, GID: nobody, RealName: gecos(e.FullName), HomeDirectory: "/", Shell: "/usr/sbin/nologin", Disposition: "regular", Service: p.Service}
	if e.HasPrimaryID {
		r.GID = e.PrimaryID
	}
	if e.Disabled {
		locked := true
		r.Locked = &locked
	}
	if e.Expires != 0 {
		at := uint64(max(0, e.Expires.Go().UnixMicro()))
		r.NotAfterUSec = &at
	}
	return answer{Record: r}
}

func (p *Provider) groupRecord(e *identity.Entry) any {
	return answer{Record: GroupRecord{GroupName: e.Name, GID: e.ID, Description: gecos(e.Comment), Disposition: "regular", Service: p.Service}}
}

// called checks the name that the client takes this service for.
func (p *Provider) called(service *string) error {
	if service == nil || *service != p.Service {
		return errBadService
	}
	return nil
}

func (p *Provider) getUser(ctx context.Context, b json.RawMessage, more bool, reply func(any) error) error {
	var in struct {
		UID      *uint32 `json:"uid"`
		UserName *string `json:"userName"`
		Service  *string `json:"service"`
	}
	if err := varlink.Parameters(b, &in); err != nil {
		return err
	}
	return p.record(ctx, in.UserName, in.UID, in.Service, more, false, reply)
}

func (p *Provider) getGroup(ctx context.Context, b json.RawMessage, more bool, reply func(any) error) error {
	var in struct {
		GID       *uint32 `json:"gid"`
		GroupName *string `json:"groupName"`
		Service   *string `json:"service"`
	}
	if err := varlink.Parameters(b, &in); err != nil {
		return err
	}
	return p.record(ctx, in.GroupName, in.GID, in.Service, more, true, reply)
}

// record answers with one record, or with all of this machine's.
func (p *Provider) record(ctx context.Context, name *string, id *uint32, service *string, more, group bool, reply func(any) error) error {
	if err := p.called(service); err != nil {
		return err
	}
	sys, each, record := p.users(), p.Directory.EachUser, p.userRecord
	if group {
		sys, each, record = p.groups(), p.Directory.EachGroup, p.groupRecord
	}
	if name != nil || id != nil {
		return within(ctx, func(ctx context.Context) error {
			e, err := p.find(ctx, name, id, group, sys)
			if err != nil {
				return err
			}
			return reply(record(e))
		})
	}
	if !more {
		return varlink.ExpectedMore()
	}
	none := true
	err := each(ctx, func(e *identity.Entry) error {
		if !sys.ours(e) {
			return nil
		}
		none = false
		return reply(record(e))
	})
	if err == nil && none {
		return errNoRecord
	}
	return failed(ctx, err)
}

// membership is a reply of GetMemberships.
type membership struct {
	UserName  string `json:"userName"`
	GroupName string `json:"groupName"`
}

// getMemberships tells who is in which group besides its primary one.
func (p *Provider) getMemberships(ctx context.Context, b json.RawMessage, more bool, reply func(any) error) error {
	var in struct {
		UserName  *string `json:"userName"`
		GroupName *string `json:"groupName"`
		Service   *string `json:"service"`
	}
	if err := varlink.Parameters(b, &in); err != nil {
		return err
	}
	if err := p.called(in.Service); err != nil {
		return err
	}
	if !more && (in.UserName == nil || in.GroupName == nil) {
		return varlink.ExpectedMore()
	}
	users, groups := p.users(), p.groups()
	none := true
	tell := func(u, g *identity.Entry) error {
		if !users.ours(u) || !groups.ours(g) || u.Primary == g.SID || in.GroupName != nil && g.Name != *in.GroupName {
			return nil
		}
		none = false
		return reply(membership{u.Name, g.Name})
	}
	ofUser := func(ctx context.Context, u *identity.Entry) error {
		list, err := p.Directory.Groups(ctx, u)
		for _, g := range list {
			if err := tell(u, g); err != nil {
				return err
			}
		}
		return err
	}
	var err error
	switch {
	case in.UserName != nil:
		err = within(ctx, func(ctx context.Context) error {
			u, err := p.find(ctx, in.UserName, nil, false, users)
			if err != nil {
				return err
			}
			return ofUser(ctx, u)
		})
	case in.GroupName != nil:
		err = within(ctx, func(ctx context.Context) error {
			g, err := p.find(ctx, in.GroupName, nil, true, groups)
			if err != nil {
				return err
			}
			list, err := p.Directory.Members(ctx, g)
			for _, u := range list {
				if err := tell(u, g); err != nil {
					return err
				}
			}
			return err
		})
	default:
		err = failed(ctx, p.Directory.EachUser(ctx, func(u *identity.Entry) error { return ofUser(ctx, u) }))
	}
	if err == nil && none {
		return errNoRecord
	}
	return err
}
