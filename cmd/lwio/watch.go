package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lwio/iomgr/api"
	"lwio/iomgr/iofs"
	"lwio/iomgr/nt"
)

// change is one line of lwio watch.
type change struct {
	Time   time.Time `json:"time"`
	Action string    `json:"action"`
	Name   string    `json:"name"`
}

// actions name FILE_ACTION values (MS-FSCC 2.7.1).
var actions = map[uint32]string{nt.FileActionAdded: "added", nt.FileActionRemoved: "removed", nt.FileActionModified: "modified", nt.FileActionRenamedOldName: "renamed from",
	nt.FileActionRenamedNewName: "renamed to", nt.FileActionAddedStream: "stream added", nt.FileActionRemovedStream: "stream removed", nt.FileActionModifiedStream: "stream modified"}

func watchCommand(a *app) *cobra.Command {
	f := &rpcFlags{}
	var recursive bool
	var count int
	c := &cobra.Command{Use: `watch \\server\share\folder`, Short: "Tell of changes in a directory of a share, until interrupted", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c, f, args[0], "inotifywait(1)", func(_ *files, share *iofs.FS, l location) error { return a.watch(c, share, l, recursive, count) })
		}}
	c.Flags().BoolVarP(&recursive, "recursive", "r", false, "changes in all that lies in it too")
	c.Flags().IntVarP(&count, "count", "c", 0, "end after so many changes; 0 for never")
	return a.fileFlags(c, f)
}

const watchFilter = nt.FileNotifyChangeFileName | nt.FileNotifyChangeDirName | nt.FileNotifyChangeAttributes | nt.FileNotifyChangeSize | nt.FileNotifyChangeLastWrite |
	nt.FileNotifyChangeCreation | nt.FileNotifyChangeEa | nt.FileNotifyChangeSecurity | nt.FileNotifyChangeStreamName | nt.FileNotifyChangeStreamSize | nt.FileNotifyChangeStreamWrite

func (a *app) watch(c *cobra.Command, share *iofs.FS, l location, recursive bool, count int) error {
	o, err := share.OpenAccess(l.name, nt.FileListDirectory|nt.FileReadAttributes, nt.FileDirectoryFile)
	if err != nil {
		return err
	}
	defer o.Close()
	fmt.Fprintf(c.ErrOrStderr(), "watching %s\n", printable(l.text))
	b := make([]byte, 64<<10)
	for seen := 0; count == 0 || seen < count; {
		n, err := share.API().NotifyChangeDirectoryFile(c.Context(), o.Handle(), watchFilter, recursive, b)
		switch {
		case c.Context().Err() != nil:
			return nil // interrupted, as it is meant to be
		case errors.Is(err, nt.StatusNotifyEnumDir), err == nil && n == 0:
			fmt.Fprintln(c.ErrOrStderr(), "lwio: more has changed than could be told")
			continue
		case err != nil:
			return err
		}
		list, err := changes(b[:n])
		if err != nil {
			return err
		}
		for _, e := range list {
			if seen++; a.json {
				err = a.print(c.OutOrStdout(), e, nil, nil)
			} else {
				_, err = fmt.Fprintf(c.OutOrStdout(), "%s  %-15s  %s\n", e.Time.Local().Format("15:04:05.000"), e.Action, printable(e.Name))
			}
			if err != nil {
				return err
			}
			if count > 0 && seen >= count {
				break
			}
		}
	}
	return nil
}

// changes reads what a watch was told.
func changes(b []byte) ([]change, error) {
	now := time.Now()
	all, err := api.ParseNotify(b)
	var list []change
	for _, n := range all {
		action := actions[n.Action]
		if action == "" {
			action = fmt.Sprintf("action %d", n.Action)
		}
		list = append(list, change{now, action, strings.ReplaceAll(n.FileName, `\`, "/")})
	}
	return list, err
}

func lockCommand(a *app) *cobra.Command {
	f := &rpcFlags{}
	var offset, length uint64
	var shared, wait bool
	c := &cobra.Command{Use: `lock \\server\share\file [-- COMMAND...]`, Short: "Hold a lock on a range of a file while a command runs, or until interrupted", Args: cobra.MinimumNArgs(1),
		Long: "The lock is a mandatory one, as SMB clients take it: nobody else writes the range, nor reads it unless the lock is shared.\nThe exit status is that of the command.",
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c, f, args[0], "flock(1)", func(_ *files, share *iofs.FS, l location) error {
				if length == 0 {
					length = 1<<63 - offset&(1<<63-1)
				}
				return lock(c, share, l, &api.LockArgs{Offset: offset, Length: length, Exclusive: !shared, FailImmediately: !wait}, args[1:])
			})
		}}
	c.Flags().Uint64Var(&offset, "offset", 0, "where the range begins")
	c.Flags().Uint64Var(&length, "length", 0, "how long it is; 0 for all that follows")
	c.Flags().BoolVar(&shared, "shared", false, "let others hold shared locks on it, and read")
	c.Flags().BoolVarP(&wait, "wait", "w", false, "wait until it can be had")
	return a.fileFlags(c, f)
}

// exitError is the exit status of a command that was run.
type exitError struct{ code int }

func (e exitError) Error() string { return fmt.Sprintf("the command ended with status %d", e.code) }

func lock(c *cobra.Command, share *iofs.FS, l location, args *api.LockArgs, command []string) error {
	access := nt.FileGenericRead
	if args.Exclusive {
		access |= nt.FileGenericWrite
	}
	o, err := share.OpenAccess(l.name, access, nt.FileNonDirectoryFile)
	if err != nil {
		return err
	}
	defer o.Close()
	if err := share.API().LockFile(c.Context(), o.Handle(), args); err != nil {
		if errors.Is(err, nt.StatusLockNotGranted) {
			return hint(err, "another program holds a lock there; --wait waits for it")
		}
		return err
	}
	if len(command) == 0 {
		fmt.Fprintf(c.ErrOrStderr(), "locked %s\n", printable(l.text))
		<-c.Context().Done()
		return nil
	}
	cmd := exec.CommandContext(c.Context(), command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, c.OutOrStdout(), c.ErrOrStderr()
	err = cmd.Run()
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		return exitError{ended.ExitCode()}
	}
	return err
}
