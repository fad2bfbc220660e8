package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/pipes"
)

const pipeNames = `NAME is a pipe of the daemon on this machine; \\server\pipe\NAME one of another.`

// pipeVia opens what a NAME leads to: the API, the name there, and what goes with the create.
func (a *app) pipeVia(ctx context.Context, f *rpcFlags, text string) (via api.API, name string, contexts []any, done func(), err error) {
	rest, remote := strings.CutPrefix(text, `\\`)
	if !remote || strings.HasPrefix(rest, `.\`) {
		c, err := a.connect(ctx)
		if err != nil {
			return nil, "", nil, nil, err
		}
		return c, strings.TrimPrefix(text, `\\.\pipe\`), nil, func() { c.Shutdown() }, nil
	}
	server, rest, _ := strings.Cut(rest, `\`)
	kind, pipe, _ := strings.Cut(rest, `\`)
	if server == "" || pipe == "" || !strings.EqualFold(kind, "pipe") && !strings.EqualFold(kind, "ipc$") {
		return nil, "", nil, nil, hint(usage("%s is no pipe", text), `for example \\server\pipe\echo`)
	}
	s := a.files(f)
	if err := s.logon(location{server: server}); err != nil {
		return nil, "", nil, nil, err
	}
	r, err := s.redirector(ctx)
	if err != nil {
		return nil, "", nil, nil, err
	}
	return r, `\rdr\` + server + `\IPC$\` + pipe, []any{s.cred}, s.close, nil
}

// pipeError says what can be done about a pipe that does not open.
func pipeError(err error, text string) error {
	switch {
	case errors.Is(err, nt.StatusObjectNameNotFound):
		return hint(fmt.Errorf("there is no pipe %s: %w", text, err), "lwio pipe list shows those of this machine")
	case errors.Is(err, nt.StatusPipeNotAvailable), errors.Is(err, nt.StatusIoTimeout):
		return hint(err, "every instance of the pipe is busy; try again, or give --wait more")
	case errors.Is(err, nt.StatusObjectNameCollision), errors.Is(err, nt.StatusAccessDenied):
		return hint(err, "another program may serve the name, or you may not: the daemon's user and root serve pipes")
	}
	return err
}

func pipeCat(a *app) *cobra.Command {
	f := &rpcFlags{}
	var message bool
	c := &cobra.Command{Use: "cat NAME", Short: "Connect the standard input and output to a pipe", Args: cobra.ExactArgs(1),
		Long: pipeNames + "\nIt ends when the server closes the pipe, or at the end of the input once the server has read it all.",
		RunE: func(c *cobra.Command, args []string) error {
			via, name, contexts, done, err := a.pipeVia(c.Context(), f, args[0])
			if err != nil {
				return err
			}
			defer done()
			conn, err := pipes.Dial(c.Context(), via, name, pipes.DialConfig{Message: message, Contexts: contexts})
			if err != nil {
				return pipeError(err, args[0])
			}
			return relay(c.Context(), via, conn, c.InOrStdin(), c.OutOrStdout())
		}}
	c.Flags().BoolVar(&message, "message", false, "read messages whole; each line of the input, or what came at once, is one")
	f.register(c, false)
	return c
}

// relay copies both ways until the pipe ends.
func relay(ctx context.Context, via api.API, conn *pipes.Conn, in io.Reader, out io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		<-ctx.Done()
		conn.Close()
	}()
	sent := make(chan error, 1)
	go func() {
		_, err := io.Copy(conn, in)
		if err == nil {
			err = via.FlushBuffersFile(ctx, conn.Handle()) // until the server has read it
		}
		if sent <- err; err != nil {
			stop()
			return
		}
		// A server that answers does so in a moment, or it was a one-way stream.
		conn.SetReadDeadline(time.Now().Add(time.Second))
	}()
	_, err := io.Copy(out, conn)
	if errors.Is(err, nt.StatusPipeBroken) || errors.Is(err, nt.StatusPipeDisconnected) || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed) || ctx.Err() != nil {
		err = nil
	}
	select {
	case e := <-sent:
		if e != nil && !errors.Is(e, nt.StatusPipeBroken) && !errors.Is(e, nt.StatusPipeDisconnected) && !errors.Is(e, net.ErrClosed) && ctx.Err() == nil {
			err = errors.Join(err, e)
		}
	default:
	}
	return err
}

// maxPipeMessage is the longest message that lwio pipe call sends and takes.
const maxPipeMessage = 1 << 20

func pipeCall(a *app) *cobra.Command {
	f := &rpcFlags{}
	var wait time.Duration
	c := &cobra.Command{Use: "call NAME", Short: "Send the standard input as one message and print the answer", Long: pipeNames, Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			in, err := io.ReadAll(io.LimitReader(c.InOrStdin(), maxPipeMessage+1))
			if err != nil {
				return err
			}
			if len(in) > maxPipeMessage {
				return usage("the message is longer than %d bytes", maxPipeMessage)
			}
			via, name, contexts, done, err := a.pipeVia(c.Context(), f, args[0])
			if err != nil {
				return err
			}
			defer done()
			ctx, cancel := context.WithTimeout(c.Context(), wait)
			defer cancel()
			if contexts == nil {
				if err := pipes.WaitNamedPipe(ctx, via, name, wait); err != nil && !errors.Is(err, nt.StatusNotSupported) {
					return pipeError(err, args[0])
				}
			}
			conn, err := pipes.Dial(ctx, via, name, pipes.DialConfig{Message: true, Contexts: contexts})
			if err != nil {
				return pipeError(err, args[0])
			}
			defer conn.Close()
			out := make([]byte, maxPipeMessage)
			n, err := conn.Transact(ctx, in, out)
			if err != nil {
				return pipeError(err, args[0])
			}
			_, err = c.OutOrStdout().Write(out[:n])
			return err
		}}
	c.Flags().DurationVar(&wait, "wait", 10*time.Second, "how long to wait for an instance and for the answer")
	f.register(c, false)
	return c
}

func pipeServe(a *app) *cobra.Command {
	var message, remote bool
	var count int
	var sddl string
	c := &cobra.Command{Use: "serve NAME -- COMMAND...", Short: "Serve a pipe by a command, which is run for each client", Args: cobra.MinimumNArgs(2),
		Long: `The command's standard input and output are the pipe; LWIO_PIPE_CLIENT names the user, LWIO_PIPE_COMPUTER the machine he comes from.
Clients of this machine alone are let in, unless --remote is given. It goes on until interrupted, or until --count clients were served.`,
		RunE: func(c *cobra.Command, args []string) error {
			var sd *nt.SecurityDescriptor
			if sddl != "" {
				var err error
				if sd, err = nt.ParseSDDL(sddl, nt.SID{}); err != nil {
					return hint(usageError{err}, "for example 'D:(A;;GRGW;;;AU)'")
				}
			}
			via, err := a.connect(c.Context())
			if err != nil {
				return err
			}
			defer via.Shutdown()
			l, err := pipes.Listen(c.Context(), via, args[0], pipes.Config{Message: message, RejectRemote: !remote, Security: sd})
			if err != nil {
				return pipeError(err, args[0])
			}
			return servePipe(c, l, args[1:], count)
		}}
	c.Flags().BoolVar(&message, "message", false, "a pipe of messages: what the command writes at once is one")
	c.Flags().BoolVar(&remote, "remote", false, "let in clients of other machines too")
	c.Flags().StringVar(&sddl, "sddl", "", "who may open it, as a descriptor in SDDL; without it everybody may read, and who serves it, root and administrators write")
	c.Flags().IntVarP(&count, "count", "c", 0, "end after so many clients; 0 for never")
	return c
}

// maxServed is how many commands run at once.
const maxServed = 64

func servePipe(c *cobra.Command, l *pipes.Listener, command []string, count int) error {
	ctx := c.Context()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	defer l.Close()
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, maxServed)
	fmt.Fprintf(c.ErrOrStderr(), "serving %s\n", l.Addr())
	for n := 0; count == 0 || n < count; n++ {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			defer conn.Close()
			p := conn.(*pipes.Conn)
			cmd := exec.CommandContext(ctx, command[0], command[1:]...)
			cmd.Env = os.Environ()
			if t := p.Token(); t != nil {
				cmd.Env = append(cmd.Env, "LWIO_PIPE_CLIENT="+t.Domain+`\`+t.Account)
			}
			cmd.Env = append(cmd.Env, "LWIO_PIPE_COMPUTER="+p.ClientName())
			in, err := cmd.StdinPipe()
			if err == nil {
				cmd.Stdout, cmd.Stderr = p, c.ErrOrStderr()
				if err = cmd.Start(); err == nil {
					go func() { _, _ = io.Copy(in, p); in.Close() }() // ends with the pipe
					err = cmd.Wait()
				}
			}
			if err != nil && ctx.Err() == nil {
				fmt.Fprintf(c.ErrOrStderr(), "lwio: %s: %v\n", command[0], err)
			}
		})
	}
	return nil
}
