package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"lwio/cmd/internal/transfer"
	"lwio/iomgr/api"
	"lwio/iomgr/auth/credential"
	"lwio/iomgr/iofs"
	"lwio/iomgr/nt"
)

const placesLong = `PATH is a file of this machine, or of a share:
  \\server\share\folder\file           server:port if it is not 445; //server/share/folder/file is the same
  smb://[user@]server/share/folder     as other programs write it, with %20 for a space

Without --user the tickets of kinit are used (KRB5CCNAME). A password is asked for at the terminal, or read from the standard input with
--password-stdin, or from the file that LWIO_PASSWORD_FILE names; it is never on the command line.`

// location is what a PATH names.
type location struct {
	text   string
	remote bool
	server string // with a port, if it is not 445
	share  string // empty for the server itself
	name   string // of the share with slashes, "." for its root; else a local name
	user   string // of a URL
}

// parseLocation reads a PATH.
func parseLocation(text string) (location, error) {
	l := location{text: text, remote: true}
	var rest string
	switch {
	case len(text) >= 4 && strings.EqualFold(text[:4], "smb:"):
		u, err := url.Parse(text)
		if err != nil || u.Host == "" {
			return l, hint(usage("%s is no URL of a share", text), "for example smb://server/share/folder")
		}
		if _, has := u.User.Password(); has {
			return l, hint(usage("the URL has a password in it"), "leave it out; it is asked for, or read with --password-stdin")
		}
		if u.User != nil {
			l.user = strings.Replace(u.User.Username(), ";", `\`, 1) // DOMAIN;user
		}
		l.server, rest = u.Host, strings.Trim(u.Path, "/")
		if strings.Contains(rest, `\`) {
			return l, usage(`%s has a backslash in it`, text)
		}
	case strings.HasPrefix(text, `\\`):
		l.server, rest, _ = strings.Cut(strings.ReplaceAll(text[2:], `\`, "/"), "/")
	case strings.HasPrefix(text, "//"):
		l.server, rest, _ = strings.Cut(text[2:], "/")
	default:
		if text == "" {
			return l, usage("an empty name")
		}
		l.remote, l.name = false, text
		return l, nil
	}
	if l.server == "" {
		return l, hint(usage("%s names no server", text), `for example \\server\share\folder, in quotes for the shell`)
	}
	l.share, l.name, _ = strings.Cut(rest, "/")
	l.name = strings.Trim(l.name, "/")
	for strings.Contains(l.name, "//") {
		l.name = strings.ReplaceAll(l.name, "//", "/")
	}
	if l.name == "" {
		l.name = "."
	}
	if !fs.ValidPath(l.name) {
		return l, usage("%s: . and .. are no names on a share", text)
	}
	return l, nil
}

// files is one run of a command with PATHs: what reaches them.
type files struct {
	*rpcSession
	shares map[string]*iofs.FS
	places []placed // of --user-at, the longest first
	plain  *api.Credential
	began  bool
}

// placed is as whom a place and what lies below it are asked for.
type placed struct {
	at   location
	cred *api.Credential
}

// covers reports whether a location is the place or lies below it.
func (p *placed) covers(l *location) bool {
	at := &p.at
	switch {
	case !strings.EqualFold(at.server, l.server):
		return false
	case at.share == "":
		return true
	case !strings.EqualFold(at.share, l.share):
		return false
	}
	return at.name == "." || strings.EqualFold(at.name, l.name) || len(l.name) > len(at.name) && l.name[len(at.name)] == '/' && strings.EqualFold(at.name, l.name[:len(at.name)])
}

// fileFlags adds the flags of who logs on where to a command with PATHs.
func (a *app) fileFlags(c *cobra.Command, f *rpcFlags) *cobra.Command {
	if c.Long == "" {
		c.Long = c.Short + ".\n\n" + placesLong
	} else {
		c.Long += "\n\n" + placesLong
	}
	f.register(c, false)
	c.Flags().StringArrayVar(&f.userAt, "user-at", nil, `log on as another user at a place and what lies below it, '\\server\share=NAME'; may be given again`)
	c.ValidArgsFunction = func(c *cobra.Command, _ []string, text string) ([]string, cobra.ShellCompDirective) {
		return a.completePath(c.Context(), f, text)
	}
	return c
}

func (a *app) files(f *rpcFlags) *files {
	return &files{rpcSession: &rpcSession{a: a, f: f}, shares: map[string]*iofs.FS{}}
}

// logon finds the credential for a place.
func (s *files) logon(l location) error {
	if err := s.begin(l); err != nil {
		return err
	}
	s.cred = s.plain
	for i := range s.places {
		if s.places[i].covers(&l) {
			s.cred = s.places[i].cred
			break
		}
	}
	if s.cred == nil {
		return &credential.Error{Err: fmt.Errorf("no credential for %s: %w", l.server, nt.StatusNoSuchLogonSession), Hint: "log on with kinit, or give --user or --anonymous"}
	}
	return nil
}

// begin reads the credentials, once.
func (s *files) begin(l location) error {
	if s.began {
		return nil
	}
	if s.f.user == "" && l.user != "" {
		s.f.user = l.user
	}
	cfg := credential.Config{}
	if s.f.noNTLM {
		cfg.NTLM = credential.Denied
	}
	var err error
	if s.plain, err = s.f.credential(); err != nil {
		return err
	}
	for _, text := range s.f.userAt {
		place, user, ok := cutLast(text, "=")
		at, err := parseLocation(place)
		if !ok || err != nil || !at.remote || user == "" {
			return usage(`--user-at %s: want \\server\share=NAME`, text)
		}
		if _, _, err := credential.ParseUser(user); err != nil {
			return usageError{err}
		}
		cred := &api.Credential{User: user, HasPassword: true}
		if s.plain != nil {
			cred.Method = s.plain.Method
		}
		if cred.Password, err = s.f.password(user); err != nil {
			return err
		}
		s.places = append(s.places, placed{at, cred})
	}
	slices.SortStableFunc(s.places, func(a, b placed) int { return len(b.at.share+b.at.name) - len(a.at.share+a.at.name) })
	s.began = true
	cfg.Default = s.plain
	s.source = credential.New(cfg)
	return nil
}

// open gives the files of a share.
func (s *files) open(ctx context.Context, l location) (*iofs.FS, error) {
	if l.share == "" {
		return nil, hint(usage("%s names no share", l.text), `lwio ls \\%s lists them`, l.server)
	}
	dir := `\rdr\` + l.server + `\` + l.share
	if err := s.logon(l); err != nil {
		return nil, err
	}
	key := strings.ToUpper(dir) + fmt.Sprintf("%p", s.cred)
	if f := s.shares[key]; f != nil {
		return f.WithContext(ctx), nil
	}
	via, err := s.redirector(ctx)
	if err != nil {
		return nil, err
	}
	f := iofs.New(via, dir, iofs.Config{Contexts: []any{s.cred}, Context: ctx})
	s.shares[key] = f
	return f, nil
}

// place gives where a PATH lies, for copying.
func (s *files) place(ctx context.Context, l location) (transfer.FileSystem, error) {
	if !l.remote {
		return transfer.Local{}, nil
	}
	f, err := s.open(ctx, l)
	if err != nil {
		return nil, err
	}
	return transfer.Remote(f), nil
}

// remoteOnly gives the files of a share for a command that has no use for local ones.
func (s *files) remoteOnly(ctx context.Context, text, instead string) (*iofs.FS, location, error) {
	l, err := parseLocation(text)
	if err != nil {
		return nil, l, err
	}
	if !l.remote {
		return nil, l, hint(usage("%s is a file of this machine", text), `%s does it; for a share write \\server\share\…`, instead)
	}
	f, err := s.open(ctx, l)
	return f, l, err
}

// explainFile says of an error which PATH it is about and what can be done.
func (s *files) explain(l location, err error) error {
	var told *hinted
	var cred *credential.Error
	switch {
	case err == nil || errors.As(err, &told):
		return err
	case errors.As(err, &cred):
		return hint(err, "%s", cred.Hint)
	}
	s.mu.Lock()
	why := s.why
	s.mu.Unlock()
	if why != nil && (errors.As(why, &cred) || isLogon(err)) {
		err = why
		if errors.As(why, &cred) {
			return hint(err, "%s", cred.Hint)
		}
	}
	switch {
	case errors.Is(err, nt.StatusBadNetworkName):
		return hint(err, `lwio ls \\%s lists the shares of the server`, l.server)
	case errors.Is(err, nt.StatusLogonFailure), errors.Is(err, nt.StatusWrongPassword):
		return hint(err, "user name or password is wrong")
	case errors.Is(err, nt.StatusNoSuchLogonSession):
		return hint(err, "log on with kinit, or give --user")
	case errors.Is(err, nt.StatusAccountLockedOut):
		return hint(err, "wait, or have an administrator unlock the account")
	case errors.Is(err, nt.StatusNoLogonServers):
		return hint(err, "krb5.conf, or DNS, has to lead to a KDC that answers; --auth ntlm does without")
	case errors.Is(err, nt.StatusSharingViolation):
		return hint(err, "another program has the file open; lwio file list on the server says who")
	case errors.Is(err, nt.StatusFileLockConflict):
		return hint(err, "another program holds a lock there")
	case errors.Is(err, nt.StatusAccessDenied), errors.Is(err, nt.StatusCannotDelete):
		return hint(err, "lwio acl and lwio stat show who may do what, and whether the file is read-only")
	case errors.Is(err, nt.StatusDiskFull):
		return hint(err, "lwio df shows the space that is left")
	case errors.Is(err, nt.StatusObjectNameInvalid), errors.Is(err, fs.ErrInvalid) && l.remote:
		return hint(err, `names on a share have none of \ / : * ? " < > | and no controls`)
	case errors.Is(err, nt.StatusDirectoryNotEmpty):
		return hint(err, "-r removes what is in it too")
	case errors.Is(err, nt.StatusFileIsADirectory), errors.Is(err, syscall.EISDIR):
		return hint(err, "-r takes directories")
	case errors.Is(err, nt.StatusConnectionRefused), errors.Is(err, syscall.ECONNREFUSED):
		return hint(err, "no server listens there")
	case errors.Is(err, nt.StatusBadNetworkPath), errors.Is(err, nt.StatusHostUnreachable), errors.Is(err, nt.StatusNetworkUnreachable), errors.Is(err, nt.StatusIoTimeout):
		return hint(err, "%s cannot be reached", l.server)
	}
	return err
}

// isLogon reports that an error is about a logon that could not begin.
func isLogon(err error) bool {
	return errors.Is(err, nt.StatusNoSuchLogonSession) || errors.Is(err, nt.StatusNotSupported) || errors.Is(err, nt.StatusNoLogonServers) || errors.Is(err, nt.StatusLogonFailure)
}

// with runs a command on one PATH of a share.
func (a *app) with(c *cobra.Command, f *rpcFlags, text, instead string, run func(*files, *iofs.FS, location) error) error {
	s := a.files(f)
	defer s.close()
	share, l, err := s.remoteOnly(c.Context(), text, instead)
	if err == nil {
		err = run(s, share, l)
	}
	return s.explain(l, err)
}
