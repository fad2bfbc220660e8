//go:build interop

package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"lwio/gen/eventlog"
	"lwio/gen/netlogon"
	"lwio/gen/samr"
	"lwio/gen/spoolss"
	"lwio/gen/svcctl"
	"lwio/gen/winreg"
	"lwio/rpc"
	"lwio/rpc/ndr"
	"lwio/rpc/rpctest"
)

// pidlInterfaces are those whose IDL was written from the specifications. What Samba's code for them, which pidl made, is known to see otherwise stands
// behind each, by operation number. Where there is a specification it counts, but where Samba has learnt better from Windows.
var pidlInterfaces = []struct {
	name   string
	iface  *rpc.Interface
	client any
	known  map[string][]int
}{
	{"samr", samr.SamrInterface, samr.NewClient(nil), map[string][]int{
		"Samba reads the descriptor, which is no descriptor here": {2, 3},
		"Samba converts octets that are not ASCII":                {54},
		"newer than Samba": {74, 77},
	}},
	{"winreg", winreg.WinregInterface, winreg.NewClient(nil), map[string][]int{
		"Samba wants a terminator inside of the counted string":           {6, 7, 8, 15, 16, 17, 18, 19, 20, 22, 23, 31, 35},
		"Samba's name buffer has no room for what is made up":             {10},
		"Samba has pointers to the names":                                 {13},
		"the specification has nothing there, and Samba what Windows had": {14, 24, 28},
	}},
	{"svcctl", svcctl.SvcctlInterface, svcctl.NewClient(nil), map[string][]int{
		"Samba has no parameters":                                       {7, 9, 35},
		"Samba has strings for arrays of octets":                        {11, 23, 24},
		"Samba has a pointer to the name; impacket has not":             {20, 21, 32, 33},
		"Samba has UTF-16, or octets, where the specification has ANSI": {27, 28, 29, 30, 31, 41},
		"Samba has a pointer to an octet for the union":                 {36, 37},
		"newer than Samba, or not in it":                                {44, 45, 47, 48, 49, 50, 51, 56, 60, 64},
	}},
	{"netlogon", netlogon.LogonInterface, netlogon.NewClient(nil), map[string][]int{
		"Samba has a PAC at level 4":                                      {2},
		"Samba reads the octets of the parameter, which are made up here": {10, 17},
		"Samba has a name for one function more":                          {18},
		"Samba has no parameters":                                         {22, 24, 25, 35},
		"Samba counts the strings by the numbers' count":                  {46},
		"unused in the specification":                                     {47},
		"newer than Samba":                                                {49},
	}},
	{"spoolss", spoolss.WinspoolInterface, spoolss.NewClient(nil), map[string][]int{
		"Samba reads what is in the buffer, which is made up here":             {0, 3, 10, 11, 32, 35, 36, 53},
		"Samba reads the DEVMODE and the descriptor of the container":          {1, 5, 7, 40, 52, 69, 70},
		"Samba lays out the level's structures or what is made up differently": {9, 30, 61, 66, 71, 89, 97},
		"Samba has no parameters":                     {28, 46, 47, 62, 96},
		"Samba sets the version and reserved members": {65, 67},
	}},
	{"eventlog", eventlog.EventlogInterface, eventlog.NewClient(nil), map[string][]int{
		"Samba has no parameters":                 {6, 12, 13, 14, 15, 16, 17, 18},
		"Samba has a SID without its conformance": {11, 24},
		"newer than Samba":                        {25, 26},
	}},
}

// TestLikePidl: requests and responses that are made up and encoded by our stubs are to Samba's ndrdump whole messages, which it encodes to the same
// octets.
func TestLikePidl(t *testing.T) {
	if _, err := exec.LookPath("ndrdump"); err != nil {
		t.Skip("ndrdump is not installed")
	}
	for _, f := range pidlInterfaces {
		t.Run(f.name, func(t *testing.T) {
			var known []int
			for _, list := range f.known {
				known = append(known, list...)
			}
			var wg sync.WaitGroup
			slots := make(chan struct{}, 2)
			passed := make([]bool, len(f.iface.Ops))
			for opnum, op := range f.iface.Ops {
				if op.Invoke == nil {
					continue
				}
				wg.Add(1)
				slots <- struct{}{}
				go func() {
					defer func() { <-slots; wg.Done() }()
					why := likePidl(t, f.name, opnum, methodOf(t, f.client, op.Name))
					switch {
					case why == "" && slices.Contains(known, opnum):
						t.Errorf("%d %s is no longer different", opnum, op.Name)
					case why != "" && !slices.Contains(known, opnum):
						t.Errorf("%d %s: %s", opnum, op.Name, why)
					}
					passed[opnum] = why == ""
				}()
			}
			wg.Wait()
			n := 0
			for _, ok := range passed {
				if ok {
					n++
				}
			}
			t.Logf("%d operations are alike, %d are known to differ", n, len(known))
		})
	}
}

// methodOf is the client's method of an operation.
func methodOf(t *testing.T, client any, op string) reflect.Type {
	plain := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }
	c := reflect.TypeOf(client)
	for i := range c.NumMethod() {
		if plain(c.Method(i).Name) == plain(op) {
			return c.Method(i).Type
		}
	}
	t.Fatalf("no method for %s", op)
	return nil
}

// likePidl makes up five calls of an operation and gives what ndrdump has against one.
func likePidl(t *testing.T, iface string, opnum int, method reflect.Type) string {
	in, out := filepath.Join(t.TempDir(), "in"), filepath.Join(t.TempDir(), "out")
	dump := func(e *ndr.Encoder, args ...string) string {
		file := in
		if args[0] == "out" {
			file = out
		}
		if err := os.WriteFile(file, e.Bytes(), 0o600); err != nil {
			return err.Error()
		}
		b, err := exec.Command("ndrdump", append([]string{"--validate", iface, strconv.Itoa(opnum), args[0], file}, args[1:]...)...).CombinedOutput()
		if s := string(b); err != nil || strings.Contains(s, "WARNING") || !strings.Contains(s, "dump OK") {
			return fmt.Sprintf("%s %x: %v\n%.3000s", args[0], e.Bytes(), err, s)
		}
		return ""
	}
	made := 0
	for seed := 0; seed < 400 && made < 5; seed++ {
		m := rpctest.NewMutator(uint64(opnum*1000 + seed))
		request, response := reflect.New(method.In(2).Elem()), reflect.New(method.Out(0).Elem())
		m.Fill(request.Interface())
		e := ndr.NewEncoder(nil)
		request.Interface().(interface{ MarshalNDR(*ndr.Encoder) }).MarshalNDR(e)
		if e.Err() != nil {
			continue
		}
		if why := dump(e, "in"); why != "" {
			return why
		}
		made++
		m.Fill(response.Interface())
		e = ndr.NewEncoder(nil)
		response.MethodByName("MarshalNDR").Call([]reflect.Value{reflect.ValueOf(e), request})
		if e.Err() != nil {
			continue
		}
		if why := dump(e, "out", "-c", in); why != "" {
			return why
		}
	}
	if made == 0 {
		return "nothing that was made up encodes"
	}
	return ""
}
