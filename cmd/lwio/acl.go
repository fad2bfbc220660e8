package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"lwio/gen/lsarpc"
	"lwio/iomgr/iofs"
	"lwio/iomgr/nt"
	"lwio/rpc/client"
)

const aclLong = `Without flags the security descriptor of a file of a share is shown: owner, group, and who may do what.

--grant and --deny take NAME:RIGHTS, where NAME is an account, a group or a SID as the server knows it, and RIGHTS are letters of F (full), M (modify),
R (read), W (write), X (execute), D (delete), or a mask as 0x1200a9. What NAME had by entries of the file itself is replaced. On a directory the entry
is for what is in it, too, unless --this-only is given. --remove NAME takes its entries away. --set takes a whole descriptor in SDDL, of which the parts
that it has are set.`

// aclFlags are the changes that are asked for.
type aclFlags struct {
	rpcFlags
	grant, deny, remove []string
	owner, set          string
	sddl, thisOnly      bool
}

func aclCommand(a *app) *cobra.Command {
	f := &aclFlags{}
	c := &cobra.Command{Use: `acl \\server\share\file`, Short: "Show or change who may do what with a file of a share", Long: aclLong, Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c, &f.rpcFlags, args[0], "getfacl(1)", func(s *files, share *iofs.FS, l location) error { return a.acl(c, s, f, share, l) })
		}}
	p := c.Flags()
	p.StringArrayVar(&f.grant, "grant", nil, "allow NAME:RIGHTS")
	p.StringArrayVar(&f.deny, "deny", nil, "deny NAME:RIGHTS")
	p.StringArrayVar(&f.remove, "remove", nil, "take the entries of NAME away")
	p.StringVar(&f.owner, "owner", "", "make NAME the owner")
	p.StringVar(&f.set, "set", "", "set this descriptor, in SDDL")
	p.BoolVar(&f.sddl, "sddl", false, "show SDDL")
	p.BoolVar(&f.thisOnly, "this-only", false, "entries are for the directory itself alone")
	return a.fileFlags(c, &f.rpcFlags)
}

// aceRow is an entry as it is shown.
type aceRow struct {
	Type      string   `json:"type"`
	Name      string   `json:"name"`
	SID       string   `json:"sid"`
	Rights    string   `json:"rights"`
	Mask      string   `json:"mask"`
	Inherited bool     `json:"inherited"`
	For       []string `json:"for"`
}

// aclView is a descriptor as it is shown.
type aclView struct {
	Path      string   `json:"path"`
	Owner     string   `json:"owner"`
	Group     string   `json:"group"`
	Protected bool     `json:"protected"` // nothing is inherited
	Entries   []aceRow `json:"entries"`   // null if there is no list, which lets everybody do everything
	SDDL      string   `json:"sddl"`
}

const aclParts = nt.OwnerSecurityInformation | nt.GroupSecurityInformation | nt.DACLSecurityInformation

func (a *app) acl(c *cobra.Command, s *files, f *aclFlags, share *iofs.FS, l location) error {
	ctx := c.Context()
	names := &principals{s: s, server: l.server, byName: map[string]nt.SID{}, bySID: map[nt.SID]string{}}
	defer names.close()
	changes := len(f.grant)+len(f.deny)+len(f.remove) > 0 || f.owner != ""
	if f.set != "" && changes {
		return usage("--set excludes the other changes")
	}
	access := nt.ReadControl | nt.FileReadAttributes
	if changes || f.set != "" {
		access |= nt.WriteDAC
	}
	if f.owner != "" {
		access |= nt.WriteOwner
	}
	var set *nt.SecurityDescriptor
	if f.set != "" {
		var err error
		if set, err = nt.ParseSDDL(f.set, nt.SID{}); err != nil {
			return hint(usageError{err}, "for example 'D:P(A;OICI;FA;;;BA)(A;OICI;FR;;;AU)'")
		}
		if !set.Owner.IsZero() || !set.Group.IsZero() {
			access |= nt.WriteOwner
		}
	}
	o, err := share.OpenAccess(l.name, access, 0)
	if err != nil {
		return err
	}
	defer o.Close()
	switch {
	case set != nil:
		info := nt.SecurityInformation(0)
		for part, has := range map[nt.SecurityInformation]bool{nt.OwnerSecurityInformation: !set.Owner.IsZero(), nt.GroupSecurityInformation: !set.Group.IsZero(),
			nt.DACLSecurityInformation: set.DACL != nil || set.Control&nt.ControlDACLPresent != 0} {
			if has {
				info |= part
			}
		}
		return share.API().SetSecurityObject(ctx, o.Handle(), info, set.Append(nil))
	case changes:
		return f.change(ctx, names, share, o)
	}
	sd, err := security(ctx, share, o)
	if err != nil {
		return err
	}
	if f.sddl && !a.json {
		_, err = fmt.Fprintln(c.OutOrStdout(), sd.SDDL())
		return err
	}
	view := names.view(ctx, l.text, sd)
	if a.json {
		return a.print(c.OutOrStdout(), view, nil, nil)
	}
	fmt.Fprintf(c.OutOrStdout(), "Owner: %s\nGroup: %s\n", printable(view.Owner), printable(view.Group))
	switch {
	case view.Entries == nil:
		fmt.Fprintln(c.OutOrStdout(), "There is no list: everybody may do everything.")
		return nil
	case view.Protected:
		fmt.Fprintln(c.OutOrStdout(), "Nothing is inherited.")
	}
	fmt.Fprintln(c.OutOrStdout())
	rows := [][]string{}
	for _, e := range view.Entries {
		inherited := ""
		if e.Inherited {
			inherited = "inherited"
		}
		rows = append(rows, []string{e.Type, e.Name, e.Rights, strings.Join(e.For, ", "), inherited})
	}
	return a.print(c.OutOrStdout(), nil, []string{"TYPE", "WHO", "RIGHTS", "FOR", "FROM"}, rows)
}

// security reads the descriptor of a file.
func security(ctx context.Context, share *iofs.FS, o *iofs.File) (*nt.SecurityDescriptor, error) {
	b := make([]byte, nt.MaxSecurityDescriptorSize)
	n, err := share.API().QuerySecurityObject(ctx, o.Handle(), aclParts, b)
	if err != nil {
		return nil, err
	}
	return nt.ParseSecurityDescriptor(b[:n])
}

// change edits the list of a file.
func (f *aclFlags) change(ctx context.Context, names *principals, share *iofs.FS, o *iofs.File) error {
	sd, err := security(ctx, share, o)
	if err != nil {
		return err
	}
	info := nt.SecurityInformation(0)
	if f.owner != "" {
		if sd.Owner, err = names.sid(ctx, f.owner); err != nil {
			return err
		}
		info |= nt.OwnerSecurityInformation
	}
	if len(f.grant)+len(f.deny)+len(f.remove) > 0 {
		if sd.DACL == nil {
			return hint(errors.New("the file has no list, which lets everybody do everything"), "--set 'D:(A;;FA;;;AU)' gives it one")
		}
		i, err := o.Stat()
		if err != nil {
			return err
		}
		flags := uint8(0)
		if i.IsDir() && !f.thisOnly {
			flags = nt.ObjectInheritACE | nt.ContainerInheritACE
		}
		info |= nt.DACLSecurityInformation
		for _, name := range f.remove {
			sid, err := names.sid(ctx, name)
			if err != nil {
				return err
			}
			if !without(sd.DACL, sid) {
				return hint(fmt.Errorf("%s has no entry of the file's own", name), "what is inherited is changed where it comes from")
			}
		}
		for i, list := range [][]string{f.grant, f.deny} {
			for _, text := range list {
				name, letters, ok := cutLast(text, ":")
				mask, err := parseRights(letters)
				if !ok || err != nil {
					return hint(usage("%s: want NAME:RIGHTS", text), "for example --grant 'alice:RX'")
				}
				sid, err := names.sid(ctx, name)
				if err != nil {
					return err
				}
				without(sd.DACL, sid)
				sd.DACL.ACEs = append(sd.DACL.ACEs, nt.ACE{Type: uint8(i), Flags: flags, Mask: mask, SID: sid}) // 0 allows, 1 denies
			}
		}
		sd.DACL.Canonicalize()
	}
	return share.API().SetSecurityObject(ctx, o.Handle(), info, sd.Select(info).Append(nil))
}

// without takes the entries of the list's own for a SID out, and reports whether there were any.
func without(a *nt.ACL, sid nt.SID) bool {
	kept := a.ACEs[:0]
	for _, e := range a.ACEs {
		if e.SID != sid || e.Flags&nt.InheritedACE != 0 {
			kept = append(kept, e)
		}
	}
	found := len(kept) < len(a.ACEs)
	a.ACEs = kept
	return found
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// rightLetters are those of icacls.
var rightLetters = []struct {
	letter byte
	mask   nt.AccessMask
}{
	{'F', nt.FileAllAccess}, {'M', 0x1301BF}, {'R', nt.FileGenericRead}, {'W', nt.FileGenericWrite}, {'X', nt.FileGenericExecute}, {'D', nt.Delete},
}

func parseRights(s string) (nt.AccessMask, error) {
	if strings.HasPrefix(s, "0x") {
		var m uint32
		if _, err := fmt.Sscanf(s, "0x%x", &m); err != nil || m == 0 {
			return 0, errors.New("not a mask")
		}
		return nt.AccessMask(m), nil
	}
	m := nt.AccessMask(0)
	for _, c := range []byte(strings.ToUpper(s)) {
		found := false
		for _, r := range rightLetters {
			if r.letter == c {
				m, found = m|r.mask, true
			}
		}
		if !found {
			return 0, fmt.Errorf("%c is no right", c)
		}
	}
	if m == 0 {
		return 0, errors.New("no rights")
	}
	return m, nil
}

// formatRights writes a mask with the letters that make it up, or as a number if they do not.
func formatRights(m nt.AccessMask) string {
	m = nt.GenericMappingFile.Map(m)
	for _, r := range rightLetters[:2] {
		if m == r.mask {
			return string(r.letter)
		}
	}
	text, covered := "", nt.AccessMask(0)
	for _, r := range rightLetters[2:] {
		if m&r.mask == r.mask {
			text += string(r.letter)
			covered |= r.mask
		}
	}
	if covered != m || text == "" {
		return fmt.Sprintf("%#x", uint32(m))
	}
	return text
}

// principals translates between names and SIDs, as the server sees them.
type principals struct {
	s      *files
	server string
	lsa    *lsaSession
	assoc  *client.Conn
	byName map[string]nt.SID
	bySID  map[nt.SID]string
}

func (p *principals) close() {
	if p.assoc != nil {
		p.assoc.Close()
	}
}

// open binds to the server's LSA; on the pipe, since the session says who asks.
func (p *principals) open(ctx context.Context) error {
	if p.lsa != nil {
		return nil
	}
	conn, err := p.s.pipe(ctx, p.server, "lsarpc")
	if err != nil {
		return err
	}
	assoc := client.NewConn(conn, client.Config{})
	b, err := assoc.Bind(ctx, lsarpc.LsarpcInterface, nil)
	if err != nil {
		assoc.Close()
		return err
	}
	lsa := lsarpc.NewClient(b)
	res, err := lsa.LsarOpenPolicy2(ctx, &lsarpc.LsarOpenPolicy2Request{DesiredAccess: uint32(nt.PolicyLookupNames)})
	if err == nil {
		err = nt.Status(uint32(res.Return)).Err()
	}
	if err != nil {
		assoc.Close()
		return err
	}
	p.assoc, p.lsa = assoc, &lsaSession{Client: lsa, policy: res.PolicyHandle}
	return nil
}

// sid finds the SID of a name.
func (p *principals) sid(ctx context.Context, name string) (nt.SID, error) {
	if strings.HasPrefix(strings.ToUpper(name), "S-1-") {
		sid, err := nt.ParseSID(name)
		if err != nil {
			return sid, usageError{fmt.Errorf("%s: %w", name, err)}
		}
		return sid, nil
	}
	if sid, ok := p.byName[name]; ok {
		return sid, nil
	}
	if err := p.open(ctx); err != nil {
		return nt.SID{}, fmt.Errorf("ask the server who %s is: %w", name, err)
	}
	list, err := p.lsa.lookupNames(ctx, []string{name})
	if err != nil {
		return nt.SID{}, fmt.Errorf("ask the server who %s is: %w", name, err)
	}
	if list[0].SID != "" {
		sid, err := nt.ParseSID(list[0].SID)
		if err == nil {
			p.byName[name] = sid
		}
		return sid, err
	}
	return nt.SID{}, hint(fmt.Errorf("the server knows nobody of the name %s", name), `DOMAIN\name says which domain; a SID as S-1-5-… is taken as it is`)
}

// lookup finds the names of SIDs; what the server does not tell stays a SID.
func (p *principals) lookup(ctx context.Context, sids []nt.SID) {
	var unknown []nt.SID
	for _, sid := range sids {
		if p.bySID[sid] == "" && !sid.IsZero() {
			p.bySID[sid] = sid.String()
			unknown = append(unknown, sid)
		}
	}
	if len(unknown) == 0 || p.open(ctx) != nil {
		return
	}
	list, err := p.lsa.lookupSIDs(ctx, unknown)
	if err != nil {
		return
	}
	for i, n := range list {
		if n.Name != "" {
			p.bySID[unknown[i]] = n.Name
		}
	}
}

// aceTypes name the types that lists of files have (MS-DTYP 2.4.4.1).
var aceTypes = map[uint8]string{0: "allow", 1: "deny", 9: "allow (callback)", 10: "deny (callback)"}

// view makes a descriptor readable.
func (p *principals) view(ctx context.Context, path string, sd *nt.SecurityDescriptor) aclView {
	sids := []nt.SID{sd.Owner, sd.Group}
	if sd.DACL != nil {
		for _, e := range sd.DACL.ACEs {
			sids = append(sids, e.SID)
		}
	}
	p.lookup(ctx, sids)
	v := aclView{Path: path, Owner: p.bySID[sd.Owner], Group: p.bySID[sd.Group], Protected: sd.Control&nt.ControlDACLProtected != 0, SDDL: sd.SDDL()}
	if sd.DACL == nil {
		return v
	}
	v.Entries = []aceRow{}
	for _, e := range sd.DACL.ACEs {
		r := aceRow{Type: aceTypes[e.Type], Name: p.bySID[e.SID], SID: e.SID.String(), Rights: formatRights(e.Mask), Mask: fmt.Sprintf("%#x", uint32(e.Mask)), Inherited: e.Flags&nt.InheritedACE != 0, For: []string{}}
		if r.Type == "" {
			r.Type = fmt.Sprintf("type %d", e.Type)
		}
		if e.Flags&nt.InheritOnlyACE == 0 {
			r.For = append(r.For, "this")
		}
		if e.Flags&nt.ContainerInheritACE != 0 {
			r.For = append(r.For, "directories")
		}
		if e.Flags&nt.ObjectInheritACE != 0 {
			r.For = append(r.For, "files")
		}
		v.Entries = append(v.Entries, r)
	}
	return v
}
