package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lwio/gen/srvsvc"
	"lwio/iomgr/nt"
	"lwio/rpc/ndr"
)

func sessionCommand(a *app) *cobra.Command {
	c := &cobra.Command{Use: "session", Short: "Sessions of clients"}
	var user string
	closeCmd := &cobra.Command{Use: "close CLIENT", Short: "Close the sessions of a client, all of them or one user's", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.sessionClose(c, args[0], user) }}
	closeCmd.Flags().StringVar(&user, "of", "", "only this user's")
	c.AddCommand(&cobra.Command{Use: "list", Short: "List the sessions", Args: cobra.NoArgs, RunE: a.sessionList}, closeCmd)
	return a.remotely(c)
}

type session struct {
	Client    string `json:"client"`
	User      string `json:"user"`
	Opens     uint32 `json:"opens"`
	Connected uint32 `json:"connected_seconds"`
	Idle      uint32 `json:"idle_seconds"`
	Transport string `json:"transport"`
}

func (a *app) sessionList(c *cobra.Command, _ []string) error {
	cl, done, err := a.srvsvc(c.Context())
	if err != nil {
		return err
	}
	defer done()
	list := []session{}
	resume := ptr(uint32(0))
	for {
		in := &srvsvc.NetrSessionEnumRequest{PreferedMaximumLength: 1 << 20, ResumeHandle: resume}
		in.InfoStruct.Level = 502
		in.InfoStruct.SessionInfo.Level502 = &srvsvc.SESSION_INFO_502_CONTAINER{}
		res, err := cl.NetrSessionEnum(c.Context(), in)
		if err != nil {
			return err
		}
		more := nt.WinError(res.Return) == nt.WErrMoreData
		if !more {
			if err := win32(res.Return, "list the sessions"); err != nil {
				return err
			}
		}
		l := res.InfoStruct.SessionInfo.Level502
		if l == nil {
			break
		}
		for _, s := range l.Buffer {
			list = append(list, session{ndr.Text(s.Sesi502Cname), ndr.Text(s.Sesi502Username), s.Sesi502NumOpens, s.Sesi502Time, s.Sesi502IdleTime, ndr.Text(s.Sesi502Transport)})
		}
		if resume = res.ResumeHandle; !more || resume == nil || len(l.Buffer) == 0 {
			break
		}
	}
	rows := make([][]string, 0, len(list))
	for _, s := range list {
		rows = append(rows, []string{s.Client, s.User, strconv.Itoa(int(s.Opens)), seconds(s.Connected), seconds(s.Idle)})
	}
	return a.print(c.OutOrStdout(), list, []string{"CLIENT", "USER", "OPENS", "CONNECTED", "IDLE"}, rows)
}

func seconds(n uint32) string { return (time.Duration(n) * time.Second).String() }

func (a *app) sessionClose(c *cobra.Command, client, user string) error {
	cl, done, err := a.srvsvc(c.Context())
	if err != nil {
		return err
	}
	defer done()
	name := `\\` + strings.TrimLeft(client, `\`)
	in := &srvsvc.NetrSessionDelRequest{ClientName: &name}
	if user != "" {
		in.UserName = &user
	}
	res, err := cl.NetrSessionDel(c.Context(), in)
	if err != nil {
		return err
	}
	err = win32(res.Return, "close the sessions of %s", client)
	if nt.WinError(res.Return) == nt.NErrClientNameNotFound || nt.WinError(res.Return) == nt.NErrUserNotFound {
		return hint(err, "lwio session list shows the clients and users")
	}
	return err
}

func fileCommand(a *app) *cobra.Command {
	c := &cobra.Command{Use: "file", Short: "Files and pipes that clients have open"}
	c.AddCommand(
		&cobra.Command{Use: "list", Short: "List the open files", Args: cobra.NoArgs, RunE: a.fileList},
		&cobra.Command{Use: "close ID", Short: "Close an open file", Args: cobra.ExactArgs(1), RunE: a.fileClose},
	)
	return a.remotely(c)
}

type openFile struct {
	ID          uint32 `json:"id"`
	Path        string `json:"path"`
	User        string `json:"user"`
	Locks       uint32 `json:"locks"`
	Permissions uint32 `json:"permissions"`
}

func (a *app) fileList(c *cobra.Command, _ []string) error {
	cl, done, err := a.srvsvc(c.Context())
	if err != nil {
		return err
	}
	defer done()
	list := []openFile{}
	resume := ptr(uint32(0))
	for {
		in := &srvsvc.NetrFileEnumRequest{PreferedMaximumLength: 1 << 20, ResumeHandle: resume}
		in.InfoStruct.Level = 3
		in.InfoStruct.FileInfo.Level3 = &srvsvc.FILE_INFO_3_CONTAINER{}
		res, err := cl.NetrFileEnum(c.Context(), in)
		if err != nil {
			return err
		}
		more := nt.WinError(res.Return) == nt.WErrMoreData
		if !more {
			if err := win32(res.Return, "list the open files"); err != nil {
				return err
			}
		}
		l := res.InfoStruct.FileInfo.Level3
		if l == nil {
			break
		}
		for _, f := range l.Buffer {
			list = append(list, openFile{f.Fi3Id, ndr.Text(f.Fi3Pathname), ndr.Text(f.Fi3Username), f.Fi3NumLocks, f.Fi3Permissions})
		}
		if resume = res.ResumeHandle; !more || resume == nil || len(l.Buffer) == 0 {
			break
		}
	}
	rows := make([][]string, 0, len(list))
	for _, f := range list {
		mode := ""
		for i, letter := range "rwx" { // PERM_FILE_READ, PERM_FILE_WRITE, PERM_FILE_CREATE (MS-SRVS 2.2.2.6)
			if f.Permissions>>i&1 != 0 {
				mode += string(letter)
			}
		}
		rows = append(rows, []string{strconv.FormatUint(uint64(f.ID), 10), f.User, mode, strconv.Itoa(int(f.Locks)), f.Path})
	}
	return a.print(c.OutOrStdout(), list, []string{"ID", "USER", "ACCESS", "LOCKS", "PATH"}, rows)
}

func (a *app) fileClose(c *cobra.Command, args []string) error {
	id, err := strconv.ParseUint(args[0], 10, 32)
	if err != nil {
		return usage("%q is no file id: want a number that lwio file list shows", args[0])
	}
	cl, done, err := a.srvsvc(c.Context())
	if err != nil {
		return err
	}
	defer done()
	res, err := cl.NetrFileClose(c.Context(), &srvsvc.NetrFileCloseRequest{FileId: uint32(id)})
	if err != nil {
		return err
	}
	err = win32(res.Return, "close file %d", id)
	if nt.WinError(res.Return) == nt.NErrFileIdNotFound {
		return hint(err, "lwio file list shows the ids")
	}
	return err
}
