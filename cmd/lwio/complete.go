package main

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// completeTime is how long a shell waits for what could follow.
const completeTime = 2 * time.Second

// completePath gives what a PATH of a share may go on with: the shares of \\server\, the files of a directory. Nothing is asked of the user: there are
// tickets, or LWIO_PASSWORD_FILE, or there is no answer. Names of this machine the shell completes itself.
func (a *app) completePath(ctx context.Context, f *rpcFlags, text string) ([]string, cobra.ShellCompDirective) {
	const none = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	if !strings.HasPrefix(text, `\\`) && !strings.HasPrefix(text, "//") {
		return nil, cobra.ShellCompDirectiveDefault
	}
	// What stands before the last separator is a directory, or a server.
	i := strings.LastIndexAny(text, `\/`)
	if i < 3 || f.stdin || f.user != "" && os.Getenv("LWIO_PASSWORD_FILE") == "" {
		return nil, none
	}
	l, err := parseLocation(text[:i])
	if err != nil {
		return nil, none
	}
	ctx, cancel := context.WithTimeout(ctx, completeTime)
	defer cancel()
	s := a.files(f)
	defer s.close()
	var names []string
	if l.share == "" {
		list, err := s.remoteShares(ctx, l)
		if err != nil {
			return nil, none
		}
		for _, e := range list {
			if strings.HasPrefix(e.Type, "disk") {
				names = append(names, e.Name+text[i:i+1])
			}
		}
	} else {
		p, err := s.place(ctx, l)
		if err != nil {
			return nil, none
		}
		list, err := p.ReadDir(l.name)
		if err != nil {
			return nil, none
		}
		for _, e := range list {
			name := e.Name()
			if e.IsDir() {
				name += text[i : i+1]
			}
			names = append(names, name)
		}
	}
	return matching(names, text[:i+1], text[i+1:]), none
}

// matching gives those names that begin with what was typed, in whatever case, behind what stands before it. One that would write to the terminal is none.
func matching(names []string, before, typed string) []string {
	var list []string
	for _, n := range names {
		if len(n) >= len(typed) && strings.EqualFold(n[:len(typed)], typed) && printable(n) == n {
			list = append(list, before+n)
		}
	}
	return list
}
