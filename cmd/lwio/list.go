package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lwio/cmd/internal/transfer"
	"lwio/gen/srvsvc"
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/rpc/client"
)

// entry is a file in a listing.
type entry struct {
	Name       string    `json:"name"`
	Type       string    `json:"type"` // file, directory, link
	Size       int64     `json:"size"`
	Modified   time.Time `json:"modified"`
	Attributes string    `json:"attributes,omitempty"`
	Path       string    `json:"path,omitempty"` // with -R
}

func listCommand(a *app) *cobra.Command {
	f := &rpcFlags{}
	var long, recursive, self bool
	c := &cobra.Command{Use: "ls [PATH...]", Aliases: []string{"dir"}, Short: `List files, or the shares of a \\server`,
		RunE: func(c *cobra.Command, args []string) error { return a.list(c, f, args, long, recursive, self) }}
	c.Flags().BoolVarP(&long, "long", "l", false, "attributes, sizes and times too")
	c.Flags().BoolVarP(&recursive, "recursive", "R", false, "what lies in directories too")
	c.Flags().BoolVarP(&self, "directory", "d", false, "directories themselves, not what is in them")
	return a.fileFlags(c, f)
}

func entryOf(name string, i fs.FileInfo) entry {
	e := entry{Name: name, Type: "file", Size: i.Size(), Modified: i.ModTime()}
	switch {
	case i.IsDir():
		e.Type, e.Size = "directory", 0
	case i.Mode()&fs.ModeSymlink != 0:
		e.Type = "link"
	case !i.Mode().IsRegular():
		e.Type = "other"
	}
	if info, ok := i.Sys().(api.FileInfo); ok {
		e.Attributes = attributeLetters(info.Attributes)
	} else {
		e.Attributes = i.Mode().String()
	}
	return e
}

// attributeNames are the letters of attrib(1) and dir, and their names.
var attributeNames = []struct {
	bit    uint32
	letter byte
	name   string
}{
	{nt.FileAttributeDirectory, 'd', "directory"}, {nt.FileAttributeReadonly, 'r', "read-only"}, {nt.FileAttributeHidden, 'h', "hidden"},
	{nt.FileAttributeSystem, 's', "system"}, {nt.FileAttributeArchive, 'a', "archive"}, {nt.FileAttributeReparsePoint, 'l', "reparse point"},
	{nt.FileAttributeSparseFile, 'p', "sparse"}, {nt.FileAttributeCompressed, 'c', "compressed"}, {nt.FileAttributeEncrypted, 'e', "encrypted"},
	{nt.FileAttributeOffline, 'o', "offline"}, {nt.FileAttributeTemporary, 't', "temporary"},
}

func attributeLetters(bits uint32) string {
	b := make([]byte, 0, len(attributeNames))
	for _, n := range attributeNames {
		if bits&n.bit != 0 {
			b = append(b, n.letter)
		} else {
			b = append(b, '-')
		}
	}
	return string(b)
}

func (a *app) list(c *cobra.Command, f *rpcFlags, args []string, long, recursive, self bool) error {
	if len(args) == 0 {
		args = []string{"."}
	}
	s := a.files(f)
	defer s.close()
	all := []entry{}
	out := c.OutOrStdout()
	for i, text := range args {
		l, err := parseLocation(text)
		if err != nil {
			return err
		}
		if l.remote && l.share == "" {
			if err := a.listShares(c, s, l); err != nil {
				return s.explain(l, err)
			}
			continue
		}
		list, err := s.entries(c.Context(), l, recursive, self)
		if err != nil {
			return s.explain(l, err)
		}
		if a.json {
			all = append(all, list...)
			continue
		}
		if len(args) > 1 {
			if i > 0 {
				fmt.Fprintln(out)
			}
			fmt.Fprintf(out, "%s:\n", printable(text))
		}
		for _, e := range list {
			name := e.Name
			if recursive {
				name = e.Path
			}
			if name = printable(name); e.Type == "directory" {
				name += "/"
			}
			if long {
				fmt.Fprintf(out, "%s  %14d  %s  %s\n", e.Attributes, e.Size, e.Modified.Local().Format("2006-01-02 15:04:05"), name)
			} else {
				fmt.Fprintln(out, name)
			}
		}
	}
	if a.json && (len(all) > 0 || len(args) == 1) {
		if l, _ := parseLocation(args[0]); l.remote && l.share == "" {
			return nil // the shares have been printed
		}
		return a.print(out, all, nil, nil)
	}
	return nil
}

// entries lists a PATH: a directory's content, or the file itself.
func (s *files) entries(ctx context.Context, l location, recursive, self bool) ([]entry, error) {
	p, err := s.place(ctx, l)
	if err != nil {
		return nil, err
	}
	i, err := p.Lstat(l.name)
	if err == nil && i.Mode()&fs.ModeSymlink != 0 && !self {
		if to, e := p.Stat(l.name); e == nil {
			i = to
		}
	}
	if err != nil {
		return nil, err
	}
	if self || !i.IsDir() {
		e := entryOf(p.Base(l.name), i)
		e.Path = e.Name
		return []entry{e}, nil
	}
	list := []entry{}
	return list, walkEntries(ctx, p, l.name, "", recursive, func(e entry, _ int) error { list = append(list, e); return nil })
}

// walkEntries calls f for what lies in a directory, in the order of names, and below it if recursive.
func walkEntries(ctx context.Context, p transfer.FileSystem, dir, path string, recursive bool, f func(entry, int) error) error {
	return walkLevel(ctx, p, dir, path, 0, recursive, f)
}

func walkLevel(ctx context.Context, p transfer.FileSystem, dir, path string, depth int, recursive bool, f func(entry, int) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	list, err := p.ReadDir(dir)
	if err != nil {
		return err
	}
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, d := range list {
		i, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // gone since
		}
		if err != nil {
			return err
		}
		e := entryOf(d.Name(), i)
		if e.Path = e.Name; path != "" {
			e.Path = path + "/" + e.Name
		}
		if err := f(e, depth); err != nil {
			return err
		}
		if recursive && i.IsDir() {
			if err := walkLevel(ctx, p, p.Join(dir, d.Name()), e.Path, depth+1, true, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// remoteShare is a share in the listing of a server.
type remoteShare struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Comment string `json:"comment"`
}

// listShares prints the shares of a server.
func (a *app) listShares(c *cobra.Command, s *files, l location) error {
	list, err := s.remoteShares(c.Context(), l)
	if err != nil {
		return err
	}
	rows := [][]string{}
	for _, r := range list {
		rows = append(rows, []string{r.Name, r.Type, r.Comment})
	}
	return a.print(c.OutOrStdout(), list, []string{"SHARE", "TYPE", "COMMENT"}, rows)
}

// remoteShares asks a server for its shares (NetrShareEnum of level 1, which every user may).
func (s *files) remoteShares(ctx context.Context, l location) ([]remoteShare, error) {
	if err := s.logon(l); err != nil {
		return nil, err
	}
	conn, err := s.pipe(ctx, l.server, "srvsvc")
	if err != nil {
		return nil, err
	}
	assoc := client.NewConn(conn, client.Config{})
	defer assoc.Close()
	b, err := assoc.Bind(ctx, srvsvc.SrvsvcInterface, nil)
	if err != nil {
		return nil, err
	}
	rpc := srvsvc.NewClient(b)
	list, resume := []remoteShare{}, uint32(0)
	for {
		res, err := rpc.NetrShareEnum(ctx, &srvsvc.NetrShareEnumRequest{ServerName: ptr(`\\` + l.server), PreferedMaximumLength: 1 << 20, ResumeHandle: &resume,
			InfoStruct: srvsvc.SHARE_ENUM_STRUCT{Level: 1, ShareInfo: srvsvc.SHARE_ENUM_UNION{Level1: &srvsvc.SHARE_INFO_1_CONTAINER{}}}})
		if err != nil {
			return nil, err
		}
		if w := nt.WinError(res.Return); w != nt.WErrSuccess && w != nt.WErrMoreData {
			return nil, win32(res.Return, "list the shares of %s", l.server)
		}
		if got := res.InfoStruct.ShareInfo.Level1; got != nil {
			for _, e := range got.Buffer {
				r := remoteShare{Type: shareKind(e.Shi1Type)}
				if e.Shi1Netname != nil {
					r.Name = *e.Shi1Netname
				}
				if e.Shi1Remark != nil {
					r.Comment = *e.Shi1Remark
				}
				list = append(list, r)
			}
		}
		if nt.WinError(res.Return) == nt.WErrSuccess || res.ResumeHandle == nil || *res.ResumeHandle == resume {
			return list, nil
		}
		resume = *res.ResumeHandle
	}
}

// shareKind names the type of a share (MS-SRVS 2.2.2.4).
func shareKind(t uint32) string {
	kind := map[uint32]string{0: "disk", 1: "printer", 2: "device", 3: "ipc"}[t&0xFF]
	if kind == "" {
		kind = strconv.FormatUint(uint64(t&0xFF), 10)
	}
	if t&0x80000000 != 0 {
		kind += " (special)"
	}
	return kind
}

func treeCommand(a *app) *cobra.Command {
	f := &rpcFlags{}
	var level int
	var dirs bool
	c := &cobra.Command{Use: "tree [PATH]", Short: "Show a directory and all that lies in it", Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.tree(c, f, args, level, dirs) }}
	c.Flags().IntVarP(&level, "level", "L", 0, "go so deep and no deeper; 0 for all the way")
	c.Flags().BoolVarP(&dirs, "directories", "d", false, "directories only")
	return a.fileFlags(c, f)
}

// node is a directory in the JSON form of a tree.
type node struct {
	entry
	Children []*node `json:"children,omitempty"`
}

func (a *app) tree(c *cobra.Command, f *rpcFlags, args []string, level int, dirs bool) error {
	text := "."
	if len(args) > 0 {
		text = args[0]
	}
	l, err := parseLocation(text)
	if err != nil {
		return err
	}
	s := a.files(f)
	defer s.close()
	p, err := s.place(c.Context(), l)
	if err != nil {
		return s.explain(l, err)
	}
	root := &node{entry: entry{Name: text, Type: "directory"}}
	if err := grow(c.Context(), p, l.name, root, level, dirs); err != nil {
		return s.explain(l, err)
	}
	if a.json {
		return a.print(c.OutOrStdout(), root, nil, nil)
	}
	fmt.Fprintln(c.OutOrStdout(), printable(text))
	var count [2]int
	draw(c.OutOrStdout(), root, "", &count)
	fmt.Fprintf(c.OutOrStdout(), "\n%d directories, %d files\n", count[0], count[1])
	return nil
}

func grow(ctx context.Context, p transfer.FileSystem, dir string, to *node, level int, dirs bool) error {
	return walkEntries(ctx, p, dir, "", false, func(e entry, _ int) error {
		if dirs && e.Type != "directory" {
			return nil
		}
		e.Path = ""
		n := &node{entry: e}
		to.Children = append(to.Children, n)
		if e.Type != "directory" || level == 1 {
			return nil
		}
		return grow(ctx, p, p.Join(dir, e.Name), n, max(level-1, 0), dirs)
	})
}

func draw(w io.Writer, n *node, prefix string, count *[2]int) {
	for i, child := range n.Children {
		branch, next := "├── ", "│   "
		if i == len(n.Children)-1 {
			branch, next = "└── ", "    "
		}
		fmt.Fprintln(w, prefix+branch+printable(child.Name))
		if child.Type == "directory" {
			count[0]++
		} else {
			count[1]++
		}
		draw(w, child, prefix+next, count)
	}
}

// catCommand prints files.
func catCommand(a *app) *cobra.Command {
	f := &rpcFlags{}
	c := &cobra.Command{Use: "cat PATH...", Short: "Print files", Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			s := a.files(f)
			defer s.close()
			for _, text := range args {
				l, err := parseLocation(text)
				if err == nil {
					err = s.cat(c.Context(), c.OutOrStdout(), l)
				}
				if err != nil {
					return s.explain(l, err)
				}
			}
			return nil
		}}
	return a.fileFlags(c, f)
}

// catPart is how much is read while what was read before is printed.
const catPart = 1 << 20

func (s *files) cat(ctx context.Context, w io.Writer, l location) error {
	p, err := s.place(ctx, l)
	if err != nil {
		return err
	}
	f, err := p.Open(l.name, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if i, err := f.Stat(); err == nil && i.IsDir() {
		return fmt.Errorf("%s: is a directory", l.text)
	}
	type part struct {
		b   []byte
		err error
	}
	free, full := make(chan []byte, 2), make(chan part)
	free <- make([]byte, catPart)
	free <- make([]byte, catPart)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		for at := int64(0); ; at += catPart {
			var b []byte
			select {
			case b = <-free:
			case <-ctx.Done():
				return
			}
			n, err := f.ReadAt(b[:catPart], at)
			select {
			case full <- part{b[:n], err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	for {
		select {
		case r := <-full:
			if _, err := w.Write(r.b); err != nil {
				return err
			}
			switch {
			case r.err == io.EOF:
				return nil
			case r.err != nil:
				return r.err
			}
			free <- r.b
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
