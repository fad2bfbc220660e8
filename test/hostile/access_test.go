package hostile

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"lwio/gen/dtyp"
	eventloggen "lwio/gen/eventlog"
	lsarpcgen "lwio/gen/lsarpc"
	samrgen "lwio/gen/samr"
	svcctlgen "lwio/gen/svcctl"
	winreggen "lwio/gen/winreg"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
	"lwio/pipes"
	"lwio/rpc"
	rpcclient "lwio/rpc/client"
	"lwio/rpc/ndr"
)

var update = flag.Bool("update", false, "write testdata/access.txt anew, for somebody to read")

// client of the table: what makes a call of an operation number.
type callFunc func(opnum uint16, stub []byte) ([]byte, error)

// callerOf binds a service as one of the three: nobody comes by the pipe itself, since the server has no null session, the others by SMB.
func (h *host) callerOf(t *testing.T, which int, who string) callFunc {
	t.Helper()
	s := &services[which]
	if who != "nobody" {
		c, err := logon(h.addr, who, smb2.Dialect311, false)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.nc.Close() })
		if err := c.connectTree("IPC$"); err != nil {
			t.Fatal(err)
		}
		a, err := c.associate(which)
		if err != nil {
			t.Fatal(err)
		}
		return a.call
	}
	pipe, err := pipes.Dial(t.Context(), h.m, s.pipe, pipes.DialConfig{Message: true, Timeout: patience, Token: nt.AnonymousToken()})
	if err != nil {
		t.Fatal(err)
	}
	conn := rpcclient.NewConn(pipe, rpcclient.Config{})
	t.Cleanup(func() { conn.Close() })
	b, err := conn.Bind(t.Context(), s.iface, nil)
	if err != nil {
		t.Fatal(err)
	}
	return func(opnum uint16, stub []byte) (out []byte, err error) {
		err = b.Call(t.Context(), opnum, func(e *ndr.Encoder) { e.Uint8s(stub) }, func(d *ndr.Decoder) error {
			out = make([]byte, d.Remaining())
			d.FillUint8s(out)
			return nil
		})
		return out, err
	}
}

// Call makes callFunc a rpc.Caller for generated clients.
func (f callFunc) Call(_ context.Context, opnum uint16, in func(*ndr.Encoder), out func(*ndr.Decoder) error) error {
	e := ndr.NewEncoder(nil)
	if in != nil {
		in(e)
	}
	if e.Err() != nil {
		return e.Err()
	}
	b, err := f(opnum, e.Bytes())
	if err != nil || out == nil {
		return err
	}
	return out(ndr.NewDecoder(b, ndr.LittleEndian))
}

// maximum asks for all that the caller may have.
const maximum = uint32(nt.MaximumAllowed)

// handlesFor opens what there is, for all that the caller may have: by the names that the fields of requests have. What is not granted is not there.
func (h *host) handlesFor(ctx context.Context, name string, call callFunc) map[string]rpc.ContextHandle {
	list := map[string]rpc.ContextHandle{}
	unicode := dtyp.NewRPC_UNICODE_STRING
	switch name {
	case "lsarpc":
		c := lsarpcgen.NewClient(call)
		if out, err := c.LsarOpenPolicy2(ctx, &lsarpcgen.LsarOpenPolicy2Request{ObjectAttributes: lsarpcgen.LSAPR_OBJECT_ATTRIBUTES{Length: 24}, DesiredAccess: maximum}); err == nil {
			list["PolicyHandle"], list["ObjectHandle"] = out.PolicyHandle, out.PolicyHandle
		}
		if out, err := c.LsarOpenAccount(ctx, &lsarpcgen.LsarOpenAccountRequest{PolicyHandle: list["PolicyHandle"], AccountSid: *dtyp.NewRPC_SID(nt.SIDBuiltinAdministrators), DesiredAccess: maximum}); err == nil {
			list["AccountHandle"] = out.AccountHandle
		}
		if out, err := c.LsarCreateSecret(ctx, &lsarpcgen.LsarCreateSecretRequest{PolicyHandle: list["PolicyHandle"], SecretName: unicode("secret"), DesiredAccess: maximum}); err == nil {
			list["SecretHandle"] = out.SecretHandle
		}
	case "samr":
		c := samrgen.NewClient(call)
		if out, err := c.SamrConnect2(ctx, &samrgen.SamrConnect2Request{DesiredAccess: maximum}); err == nil {
			list["ServerHandle"] = out.ServerHandle
		}
		if out, err := c.SamrOpenDomain(ctx, &samrgen.SamrOpenDomainRequest{ServerHandle: list["ServerHandle"], DesiredAccess: maximum, DomainId: *dtyp.NewRPC_SID(h.who.Host().MachineSID)}); err == nil {
			list["DomainHandle"] = out.DomainHandle
		}
		if out, err := c.SamrOpenUser(ctx, &samrgen.SamrOpenUserRequest{DomainHandle: list["DomainHandle"], DesiredAccess: maximum, UserId: 1001}); err == nil {
			list["UserHandle"], list["ObjectHandle"], list["SamHandle"] = out.UserHandle, out.UserHandle, out.UserHandle
		}
		if out, err := c.SamrOpenGroup(ctx, &samrgen.SamrOpenGroupRequest{DomainHandle: list["DomainHandle"], DesiredAccess: maximum, GroupId: 513}); err == nil {
			list["GroupHandle"] = out.GroupHandle
		}
		if out, err := c.SamrCreateAliasInDomain(ctx, &samrgen.SamrCreateAliasInDomainRequest{DomainHandle: list["DomainHandle"], AccountName: unicode("helpers"), DesiredAccess: maximum}); err == nil {
			list["AliasHandle"] = out.AliasHandle
		}
	case "winreg":
		c := winreggen.NewClient(call)
		if out, err := c.OpenLocalMachine(ctx, &winreggen.OpenLocalMachineRequest{SamDesired: maximum}); err == nil {
			list["HKey"] = out.PhKey
		}
	case "svcctl":
		c := svcctlgen.NewClient(call)
		for _, access := range []uint32{maximum, uint32(nt.SCManagerConnect)} {
			if out, err := c.ROpenSCManagerW(ctx, &svcctlgen.ROpenSCManagerWRequest{DwDesiredAccess: access}); err == nil && out.Return == 0 {
				list["HSCManager"], list["HSCObject"] = out.LpScHandle, out.LpScHandle
				break
			}
		}
		if out, err := c.ROpenServiceW(ctx, &svcctlgen.ROpenServiceWRequest{HSCManager: list["HSCManager"], LpServiceName: "LanmanServer", DwDesiredAccess: maximum}); err == nil {
			list["HService"] = out.LpServiceHandle
		}
	case "eventlog":
		c := eventloggen.NewClient(call)
		if out, err := c.ElfrOpenELW(ctx, &eventloggen.ElfrOpenELWRequest{ModuleName: unicode("Application"), MajorVersion: 1, MinorVersion: 1}); err == nil {
			list["LogHandle"] = out.LogHandle
		}
	}
	return list
}

// plain fills a request so that it can be sent: every pointer to a structure points to an empty one, handles are those that are open, and a level is what is asked for. It reports whether there
// is a level.
func plain(v reflect.Value, handles map[string]rpc.ContextHandle, level uint64, depth int) (leveled bool) {
	if v.Kind() != reflect.Struct {
		return false
	}
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i).Name
		switch {
		case f.Type() == handleType:
			f.Set(reflect.ValueOf(handles[name]))
		case f.Kind() == reflect.Pointer && f.Type().Elem().Kind() == reflect.Struct && depth < 3:
			if f.Type() != reflect.TypeFor[*dtyp.RPC_SID]() {
				f.Set(reflect.New(f.Type().Elem()))
				plain(f.Elem(), handles, level, depth+1)
			}
		case isLevel(name) && f.CanUint():
			f.SetUint(level)
			leveled = true
		case f.Kind() == reflect.Struct:
			if f.Type() == reflect.TypeFor[dtyp.RPC_SID]() {
				f.Set(reflect.ValueOf(*dtyp.NewRPC_SID(nt.MustSID("S-1-5-21-1-2-3-4"))))
			} else if plain(f, handles, level, depth+1) {
				leveled = true
			}
		case strings.HasPrefix(name, "Prefer") && f.CanUint():
			f.SetUint(0xFFFFFFFF)
		}
	}
	return leveled
}

// isLevel tells the fields that choose a level or an information class.
func isLevel(name string) bool {
	return name == "Level" || name == "InfoLevel" || name == "DwInfoLevel" || name == "QueryLevel" || strings.HasSuffix(name, "InformationClass") || name == "InVersion"
}

// everyLevel has all levels that any of the interfaces has, and some that none has.
var everyLevel = func() (list []uint64) {
	for l := range uint64(40) {
		list = append(list, l)
	}
	return append(list, 100, 101, 102, 103, 402, 403, 501, 502, 503, 599, 1004, 1005, 1006, 1007, 1010, 1013, 1016, 1017, 1018, 1107, 1501, 1510, 1533, 1556, 5000)
}()

// turn orders the operations: those last that take away what others ask for, and closing behind deleting.
func turn(o operation) int {
	contains := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(o.name, w) })
	}
	switch {
	case contains("Close", "Deregister"):
		return 2
	case contains("Delete", "Shutdown", "Unlock"):
		return 1
	}
	return 0
}

// faults are those that tell something of themselves.
var faults = map[rpc.Fault]string{rpc.FaultContextMismatch: "no-handle", rpc.FaultOpRange: "no-operation", rpc.FaultNDR: "malformed", rpc.FaultEnumRange: "no-such-value",
	rpc.FaultAccessDenied: "access-denied", rpc.FaultInvalidTag: "no-such-level"}

// answerTo is what an operation answers at a level: its result, or the fault.
func answerTo(o *operation, call callFunc, handles map[string]rpc.ContextHandle, level uint64) (answer string, leveled bool, err error) {
	in := reflect.New(o.in)
	leveled = plain(in.Elem(), handles, level, 0)
	e := ndr.NewEncoder(nil)
	in.Interface().(interface{ MarshalNDR(*ndr.Encoder) }).MarshalNDR(e)
	if e.Err() != nil {
		return "", leveled, nil // a level that its union has not
	}
	stub, err := call(o.opnum, e.Bytes())
	var fault rpc.Fault
	switch {
	case errors.As(err, &fault):
		if name := faults[fault]; name != "" {
			return name, leveled, nil
		}
		return fmt.Sprintf("fault-%#x", uint32(fault)), leveled, nil
	case err != nil:
		return "", leveled, err
	}
	out, d := reflect.New(o.out), ndr.NewDecoder(stub, ndr.LittleEndian)
	out.MethodByName("UnmarshalNDR").Call([]reflect.Value{reflect.ValueOf(d), in})
	if d.Err() != nil {
		return "", leveled, fmt.Errorf("%s: %w", o.name, d.Err())
	}
	r := out.Elem().FieldByName("Return")
	if !r.IsValid() || !r.CanInt() && !r.CanUint() {
		r = out.Elem().FieldByName("Status") // of the endpoint mapper and of mgmt
	}
	if !r.IsValid() || !r.CanInt() && !r.CanUint() {
		return "done", leveled, nil
	}
	code := uint32(0)
	if r.CanInt() {
		code = uint32(r.Int())
	} else {
		code = uint32(r.Uint())
	}
	switch {
	case code == 0:
		return "ok", leveled, nil
	case code>>28 == 0xC || code>>28 == 8 || code>>24 == 0x40 || code == 0x105 || code == 0x107:
		return nt.Status(code).Name(), leveled, nil
	}
	return strings.ReplaceAll(nt.WinError(code).Name(), " ", "-"), leveled, nil
}

// TestAccess is who may what: every operation of every interface at every level, asked by nobody, a user and an administrator of the network with plain requests, by handles opened for all that each
// may have. The table is in testdata/access.txt; a row is `interface opnum operation [levels]: nobody user administrator`. `else` are the levels that have no row of their own; where it is not
// there, the union has no others. What is
// answered to a right is not the point (the services' own tests have it), but that it is another answer than to a wrong: with -update the table is written, and its changes are to be read.
func TestAccess(t *testing.T) {
	var table strings.Builder
	for which := range services {
		s := &services[which]
		h := start(t, nil)
		ops := slices.Clone(allOperations()[which])
		slices.SortStableFunc(ops, func(a, b operation) int { return cmp.Compare(turn(a), turn(b)) })
		answers := map[uint16]map[uint64][]string{}
		leveled := map[uint16]bool{}
		for i, who := range []string{"nobody", user, admin} {
			call := h.callerOf(t, which, who)
			handles := h.handlesFor(t.Context(), s.iface.Name, call)
			for _, o := range ops {
				if answers[o.opnum] == nil {
					answers[o.opnum] = map[uint64][]string{}
				}
				for _, level := range everyLevel {
					answer, has, err := answerTo(&o, call, handles, level)
					if err != nil {
						t.Fatalf("%s %s level %d as %s: %v", s.iface.Name, o.name, level, who, err)
					}
					if answer != "" {
						row := answers[o.opnum][level]
						for len(row) < i {
							row = append(row, "-")
						}
						answers[o.opnum][level] = append(row, answer)
					}
					if leveled[o.opnum] = has; !has {
						break
					}
				}
			}
		}
		for _, o := range allOperations()[which] {
			groups := map[string][]string{}
			var order []string
			for _, level := range everyLevel {
				if row, ok := answers[o.opnum][level]; ok {
					key := strings.Join(row, " ")
					if groups[key] == nil {
						order = append(order, key)
					}
					groups[key] = append(groups[key], fmt.Sprint(level))
				}
			}
			for _, key := range order {
				if list := groups[key]; leveled[o.opnum] {
					if list[len(list)-1] == "5000" {
						list = []string{"else"}
					}
					fmt.Fprintf(&table, "%s %d %s [%s]: %s\n", s.iface.Name, o.opnum, o.name, strings.Join(list, ","), key)
				} else {
					fmt.Fprintf(&table, "%s %d %s: %s\n", s.iface.Name, o.opnum, o.name, key)
				}
			}
		}
	}
	path := filepath.Join("testdata", "access.txt")
	if *update {
		if err := os.WriteFile(path, []byte(table.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wanted, got := strings.Split(string(want), "\n"), strings.Split(table.String(), "\n")
	for _, line := range got {
		if !slices.Contains(wanted, line) {
			t.Errorf("is:     %s", line)
		}
	}
	for _, line := range wanted {
		if !slices.Contains(got, line) {
			t.Errorf("was to: %s", line)
		}
	}
}
