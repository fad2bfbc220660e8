package hostile

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"lwio/rpc"
	"lwio/rpc/ndr"
)

// resumes tells the fields that say where a list goes on.
func resumes(name string) bool {
	return slices.Contains([]string{"ResumeHandle", "EnumerationContext", "LpResumeIndex", "Index", "DwIndex", "RecordOffset"}, name)
}

// entries counts what an answer lists: the elements of its longest list of structures, at any depth.
func entries(v reflect.Value, depth int) (n int) {
	switch {
	case depth > 6:
	case v.Kind() == reflect.Pointer && !v.IsNil():
		return entries(v.Elem(), depth+1)
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			n = max(n, entries(v.Field(i), depth+1))
		}
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		return v.Len()
	}
	return n
}

// TestForgedResume: places to go on at that no server gave are behind the end, or no places at all: a list that is asked for from there is empty or refused, and nothing else happens. (Indexes
// that are handles, those of the endpoint mapper, are forged with the other handles.)
func TestForgedResume(t *testing.T) {
	asked := map[string]bool{}
	for which := range services {
		s := &services[which]
		h := start(t, nil)
		call := h.callerOf(t, which, admin)
		handles := h.handlesFor(t.Context(), s.iface.Name, call)
		for _, o := range allOperations()[which] {
			field := -1
			for i := range o.in.NumField() {
				if resumes(o.in.Field(i).Name) {
					field = i
				}
			}
			if field < 0 {
				continue
			}
			for _, level := range []uint64{0, 1, 2} {
				for _, resume := range []uint32{200_000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF} {
					in := reflect.New(o.in)
					leveled := plain(in.Elem(), handles, level, 0)
					f := in.Elem().Field(field)
					switch {
					case f.Kind() == reflect.Pointer:
						f.Set(reflect.ValueOf(&resume))
					case f.CanUint():
						f.SetUint(uint64(resume))
					}
					for i := range o.in.NumField() { // room for an answer
						name, f := o.in.Field(i).Name, in.Elem().Field(i)
						if f.CanUint() && (strings.HasSuffix(name, "BufSize") || name == "EntryCount" || name == "NumberOfBytesToRead") {
							f.SetUint(4096)
						}
					}
					e := ndr.NewEncoder(nil)
					in.Interface().(interface{ MarshalNDR(*ndr.Encoder) }).MarshalNDR(e)
					if e.Err() != nil {
						continue
					}
					stub, err := call(o.opnum, e.Bytes())
					if err != nil {
						var fault rpc.Fault
						if errors.As(err, &fault) && (fault == rpc.FaultInvalidTag || fault == rpc.FaultEnumRange || fault == rpc.FaultNDR && resume > 1<<18) {
							continue // no such level, or beyond the range that the interface has for it
						}
						t.Fatalf("%s %s, level %d, from %#x: %v", s.iface.Name, o.name, level, resume, err)
					}
					out, d := reflect.New(o.out), ndr.NewDecoder(stub, ndr.LittleEndian)
					out.MethodByName("UnmarshalNDR").Call([]reflect.Value{reflect.ValueOf(d), in})
					if d.Err() != nil {
						t.Fatalf("%s %s: %v", s.iface.Name, o.name, d.Err())
					}
					asked[s.iface.Name] = true
					most := 0
					if o.name == "NetrServerDiskEnum" {
						most = 1 // its list ends with an empty entry (MS-SRVS 3.1.4.19)
					}
					if n := entries(out, 0); n > most {
						t.Errorf("%s %s, level %d, from %#x: %d entries", s.iface.Name, o.name, level, resume, n)
					}
					if !leveled {
						break
					}
				}
				if !hasLevel(o.in) {
					break
				}
			}
		}
		h.sound()
	}
	for _, name := range []string{"lsarpc", "samr", "srvsvc", "wkssvc", "svcctl", "winreg", "eventlog"} {
		if !asked[name] {
			t.Errorf("%s was not asked", name)
		}
	}
}

func hasLevel(in reflect.Type) bool { return plain(reflect.New(in).Elem(), nil, 0, 0) }
