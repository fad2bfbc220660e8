package npfs_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/pipes/npfs"
)

// machine runs the transcripts in testdata. Each command submits one request; what completes, in which order and how, is the output:
//
//	open c name=p            a request named c, whose handle later commands name c
//	read c 10 as=r1          a request named r1 on handle c
type machine struct {
	t       *testing.T
	m       *iomgr.Manager
	handles map[string]api.Handle
	reqs    map[string]*api.Request
	events  []string
}

func newMachine(t *testing.T) *machine {
	m := iomgr.New(iomgr.Config{})
	if err := m.Load(context.Background(), npfs.DriverEntry(npfs.Config{})); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return &machine{t: t, m: m, handles: map[string]api.Handle{}, reqs: map[string]*api.Request{}}
}

func (x *machine) submit(name string, r *api.Request, show func(*api.Request) string) {
	r.Done = func(r *api.Request) {
		if r.Create != nil && r.Create.Result.Handle != nil {
			x.handles[name] = r.Create.Result.Handle
		}
		text := ""
		if show != nil && !r.Status.IsError() {
			text = show(r)
		}
		x.events = append(x.events, strings.TrimRight(fmt.Sprintf("%s: %s %s", name, r.Status.Name(), text), " "))
	}
	x.reqs[name] = r
	before := len(x.events)
	x.m.Submit(r)
	if len(x.events) == before || !r.Completed() {
		x.events = slices.Insert(x.events, before, name+": pending")
	}
}

func arg(d *datadriven.TestData, key string, def string) string {
	for _, a := range d.CmdArgs {
		if a.Key == key {
			if len(a.Vals) == 0 {
				return "true"
			}
			return a.Vals[0]
		}
	}
	return def
}

func (x *machine) num(d *datadriven.TestData, key string, def int) int {
	n, err := strconv.Atoi(arg(d, key, strconv.Itoa(def)))
	if err != nil {
		x.t.Fatalf("%s: %s: %v", d.Pos, key, err)
	}
	return n
}

func (x *machine) run(d *datadriven.TestData) string {
	x.events = x.events[:0]
	target := ""
	if len(d.CmdArgs) > 0 {
		target = d.CmdArgs[0].Key
	}
	name := arg(d, "as", d.Cmd)
	text := strings.ReplaceAll(arg(d, "data", ""), "_", " ")
	if n := x.num(d, "fill", -1); n >= 0 {
		text = strings.Repeat("x", n)
	}
	data := func(r *api.Request) string { return fmt.Sprintf("%d %q", r.N, r.Out[:r.N]) }
	count := func(r *api.Request) string { return strconv.Itoa(r.N) }
	h := x.handles[target]
	control := func(code uint32, in []byte, out int, show func(*api.Request) string) {
		x.submit(name, &api.Request{Op: api.OpFsControl, Handle: h, Code: code, In: in, Out: make([]byte, out)}, show)
	}
	switch d.Cmd {
	case "create":
		a := &api.CreateArgs{Name: `\npfs\` + arg(d, "name", "p"), Disposition: nt.FileOpenIf, ShareAccess: nt.FileShareRead | nt.FileShareWrite,
			DesiredAccess: nt.Synchronize, Pipe: &api.PipeArgs{MaxInstances: uint32(x.num(d, "max", 255)),
				InboundQuota: uint32(x.num(d, "in", 64)), OutboundQuota: uint32(x.num(d, "out", 64)), DefaultTimeout: -500000}}
		if arg(d, "type", "message") == "message" {
			a.Pipe.Type = nt.FilePipeMessageType
		}
		if arg(d, "read", "byte") == "message" {
			a.Pipe.ReadMode = nt.FilePipeMessageMode
		}
		if arg(d, "nowait", "") != "" {
			a.Pipe.CompletionMode = nt.FilePipeCompleteOperation
		}
		if arg(d, "first", "") != "" {
			a.Disposition = nt.FileCreate
		}
		switch arg(d, "dir", "duplex") {
		case "in":
			a.ShareAccess = nt.FileShareWrite
		case "out":
			a.ShareAccess = nt.FileShareRead
		}
		x.submit(target, &api.Request{Op: api.OpCreateNamedPipe, Create: a}, nil)
	case "open":
		a := &api.CreateArgs{Name: `\npfs\` + arg(d, "name", "p"), Disposition: nt.FileOpen, DesiredAccess: nt.GenericRead | nt.GenericWrite,
			Impersonation: api.ImpersonateImpersonation}
		switch arg(d, "access", "rw") {
		case "r":
			a.DesiredAccess = nt.GenericRead
		case "w":
			a.DesiredAccess = nt.GenericWrite
		}
		if arg(d, "remote", "") != "" {
			a.Contexts = []any{&api.Peer{Address: "192.0.2.1:1", ClientName: "CLIENT", SessionKey: make([]byte, 16)}}
		}
		x.submit(target, &api.Request{Op: api.OpCreate, Create: a}, nil)
	case "listen":
		control(nt.FsctlPipeListen, nil, 0, nil)
	case "disconnect":
		control(nt.FsctlPipeDisconnect, nil, 0, nil)
	case "impersonate":
		control(nt.FsctlPipeImpersonate, nil, 4096, func(r *api.Request) string {
			tok, err := api.ParseToken(r.Out[:r.N])
			if err != nil {
				return err.Error()
			}
			return tok.User.String()
		})
	case "attribute":
		control(nt.FsctlPipeGetConnectionAttribute, append([]byte(arg(d, "name", "")), 0), 4096, data)
	case "transceive":
		control(nt.FsctlPipeTransceive, []byte(text), x.num(d, "n", 64), data)
	case "peek":
		control(nt.FsctlPipePeek, nil, 16+x.num(d, "n", 64), func(r *api.Request) string {
			u := func(i int) uint32 { return binary.LittleEndian.Uint32(r.Out[4*i:]) }
			return fmt.Sprintf("state=%d available=%d messages=%d message=%d %q", u(0), u(1), u(2), u(3), r.Out[16:r.N])
		})
	case "read":
		x.submit(name, &api.Request{Op: api.OpRead, Handle: h, Out: make([]byte, x.num(d, "n", 64))}, data)
	case "write":
		x.submit(name, &api.Request{Op: api.OpWrite, Handle: h, In: []byte(text)}, count)
	case "flush":
		x.submit(name, &api.Request{Op: api.OpFlush, Handle: h}, nil)
	case "mode":
		var b [8]byte
		if arg(d, "read", "byte") == "message" {
			b[0] = nt.FilePipeMessageMode
		}
		if arg(d, "nowait", "") != "" {
			b[4] = nt.FilePipeCompleteOperation
		}
		x.submit(name, &api.Request{Op: api.OpSetInformation, Handle: h, Code: uint32(nt.FilePipeInformation), In: b[:]}, nil)
	case "info":
		x.submit(name, &api.Request{Op: api.OpQueryInformation, Handle: h, Code: uint32(nt.FilePipeLocalInformation), Out: make([]byte, 40)}, func(r *api.Request) string {
			u := func(i int) uint32 { return binary.LittleEndian.Uint32(r.Out[4*i:]) }
			return fmt.Sprintf("type=%d config=%d max=%d current=%d in=%d readable=%d out=%d writable=%d state=%d end=%d", u(0), u(1), u(2), u(3), u(4), u(5), u(6), u(7), u(8), u(9))
		})
	case "wait":
		root := &api.Request{Op: api.OpCreate, Create: &api.CreateArgs{Name: `\npfs`, Disposition: nt.FileOpen, DesiredAccess: nt.FileReadAttributes}}
		if err := api.Do(context.Background(), x.m, root); err != nil {
			return err.Error()
		}
		h = root.Create.Result.Handle
		pipe := arg(d, "name", "p")
		in := make([]byte, 14)
		binary.LittleEndian.PutUint64(in, 1<<63)
		binary.LittleEndian.PutUint32(in[8:], uint32(2*len(pipe)))
		in[12] = 1
		control(nt.FsctlPipeWait, nt.AppendUTF16(in, pipe), 0, nil)
	case "cancel":
		x.reqs[target].Cancel()
	case "close":
		x.submit(name, &api.Request{Op: api.OpClose, Handle: h}, nil)
	default:
		x.t.Fatalf("%s: unknown command %s", d.Pos, d.Cmd)
	}
	if len(x.events) == 0 {
		return "nothing\n"
	}
	return strings.Join(x.events, "\n") + "\n"
}

func TestStateMachine(t *testing.T) {
	datadriven.Walk(t, "testdata/machine", func(t *testing.T, path string) {
		x := newMachine(t)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string { return x.run(d) })
	})
}
