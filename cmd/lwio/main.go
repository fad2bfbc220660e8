// Command lwio administers a running lwiod through the RPC interfaces that remote administrators use, over the daemon's local pipes, and copies,
// lists and changes files of shares.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit statuses.
const (
	exitFailure = 1 // the daemon refused, or could not be reached
	exitUsage   = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:]))
}

func run(ctx context.Context, args []string) int {
	root := newRoot()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	var ended exitError
	if errors.As(err, &ended) { // which has said itself what there is to say
		return ended.code
	}
	fmt.Fprintln(os.Stderr, "lwio:", strings.ReplaceAll(err.Error(), "\n", "\nlwio: "))
	var h *hinted
	if errors.As(err, &h) {
		fmt.Fprintln(os.Stderr, "hint:", h.hint)
	}
	var u usageError
	if errors.As(err, &u) {
		return exitUsage
	}
	return exitFailure
}

// hinted is an error with what to do about it.
type hinted struct {
	err  error
	hint string
}

func (h *hinted) Error() string { return h.err.Error() }
func (h *hinted) Unwrap() error { return h.err }

func hint(err error, format string, args ...any) error {
	return &hinted{err, fmt.Sprintf(format, args...)}
}

// usageError is a mistake in the command line.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// withUsage has a mistake in a command's arguments answered with how it is used.
func withUsage(c *cobra.Command) {
	check := c.Args
	if check == nil {
		return
	}
	c.Args = func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return hint(usageError{err}, "usage: %s", c.UseLine())
		}
		return nil
	}
}

func newRoot() *cobra.Command {
	a := &app{}
	root := &cobra.Command{
		Use:           "lwio",
		Short:         "Administer a running lwiod",
		Long:          "lwio administers a running lwiod. Root and the user that the daemon runs as may do everything; others may look at what any user may see.",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.PersistentFlags().StringVar(&a.socket, "socket", "", "socket of the daemon (default $LWIO_SOCKET, else that of the system or of the user)")
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print JSON")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return hint(usageError{err}, "%s --help lists the flags", c.CommandPath())
	})
	root.AddCommand(userCommand(a), shareCommand(a), sessionCommand(a), connectionCommand(a), fileCommand(a), pipeCommand(a), rpcCommand(a), lsaCommand(a), samCommand(a), domainCommand(a), regCommand(a), svcCommand(a), eventlogCommand(a), idCommand(a), doctorCommand(a), traceCommand(a), statsCommand(a), manCommand())
	root.AddGroup(&cobra.Group{ID: "files", Title: "Files of shares and of this machine:"})
	for _, c := range []*cobra.Command{listCommand(a), copyCommand(a), putCommand(a), getCommand(a), moveCommand(a), removeCommand(a), mkdirCommand(a), catCommand(a), statCommand(a),
		aclCommand(a), lockCommand(a), watchCommand(a), treeCommand(a), spaceCommand(a)} {
		c.GroupID = "files"
		withUsage(c)
		root.AddCommand(c)
	}
	for _, c := range root.Commands() {
		for _, sub := range c.Commands() {
			withUsage(sub)
		}
	}
	return root
}
