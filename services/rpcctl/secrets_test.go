package rpcctl

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"lwio/gen/account"
	"lwio/gen/dtyp"
	"lwio/gen/srvsvc"
	"lwio/idl/known"
	"lwio/rpc"
)

// arm is which arm of a union that holds one is filled, and arms how many there are.
var arm, arms int

// fill fills every member at any depth: texts with the path that leads to them, octets with S, lists with two elements. Members that hold themselves end.
func fill(v reflect.Value, path string, depth int) {
	if depth > 14 {
		return
	}
	if v.Type() == typeText {
		v.Set(reflect.ValueOf(dtyp.NewRPC_UNICODE_STRING("@" + path)))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), path, depth+1)
	case reflect.Struct:
		if u, ok := v.Interface().(armed); ok { // each arm in turn, as the path has it
			list := u.Arms()
			arms = max(arms, len(list))
			x := reflect.New(reflect.TypeOf(list[arm%len(list)]).Elem())
			fill(x.Elem(), path+"."+x.Elem().Type().Name(), depth+1)
			v.FieldByName("Value").Set(x)
			return
		}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				fill(v.Field(i), path+"."+f.Name, depth+1)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), path, depth+1)
		}
	case reflect.String:
		v.SetString("@" + path)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(0x53)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(0x53)
	}
}

// suspicious is written without a look at secrets.go: what a person would not want to read in a log.
var suspicious = regexp.MustCompile(`(?i)passw|\.[^.]*pwd|credential|owf|cipher|encrypted|sessionkey|privatedata|parameters|hash|challenge`)

// check reports the texts and the octets that are shown and should not be.
func check(t *testing.T, name string, shown string) (texts int) {
	t.Helper()
	var x any
	if err := json.Unmarshal([]byte(shown), &x); err != nil {
		t.Errorf("%s: %v\n%s", name, err, shown)
		return
	}
	var walk func(any)
	walk = func(x any) {
		switch x := x.(type) {
		case string:
			if strings.HasPrefix(x, "@") {
				texts++
				if suspicious.MatchString(x) {
					t.Errorf("%s shows %s", name, x)
				}
			}
		case []any:
			if len(x) >= 4 && fmt.Sprint(x[:4]) == "[83 83 83 83]" {
				t.Errorf("%s shows octets: %v", name, x)
			}
			for _, y := range x {
				walk(y)
			}
		case map[string]any:
			for _, y := range x {
				walk(y)
			}
		}
	}
	walk(x)
	return texts
}

// Nothing secret of any operation of any interface is shown, whatever is in it.
func TestSecrets(t *testing.T) {
	ty := types{client: func(i *rpc.Interface) any {
		for _, k := range known.All {
			if k.Interface == i {
				return k.Client(nil)
			}
		}
		return nil
	}}
	ops, texts := 0, 0
	for _, k := range known.All {
		for n := range k.Ops {
			if k.Op(uint16(n)) == nil {
				continue
			}
			op := ty.of(k.Interface, uint16(n))
			if op.request == nil || op.response == nil {
				t.Errorf("%s: the types of %s are not found", k.Name, k.Ops[n].Name)
				continue
			}
			ops++
			for _, x := range []reflect.Type{op.request, op.response} {
				for arm, arms = 0, 1; arm < arms; arm++ {
					v := reflect.New(x)
					fill(v.Elem(), "", 0)
					w := &writer{unbounded: true}
					w.value(v, false, 0)
					texts += check(t, k.Name+" "+x.Name(), w.b.String())
				}
			}
		}
	}
	if ops < 400 || texts < 500 {
		t.Errorf("%d operations with %d texts were looked at", ops, texts)
	}
}

func TestShown(t *testing.T) {
	password, comment := "hunter2", "a comment"
	add := &account.AccountAddRequest{Name: "alice", Comment: &comment, Password: account.ACCOUNT_PASSWORD{Length: 4, Data: []byte{1, 2, 3, 4}}}
	if got := asJSON(reflect.ValueOf(add)); got != `{"Name":"alice","Comment":"a comment","Flags":0,"Password":"(secret)"}` {
		t.Error(got)
	}
	share := &srvsvc.SHARE_INFO_2{Shi2Netname: &comment, Shi2Passwd: &password}
	if got := asJSON(reflect.ValueOf(share)); strings.Contains(got, password) || !strings.Contains(got, `"Shi2Passwd":"(secret)"`) || !strings.Contains(got, comment) {
		t.Error(got)
	}
	long := strings.Repeat("ä", 100_000)
	if got := asJSON(reflect.ValueOf(&srvsvc.SHARE_INFO_2{Shi2Netname: &long})); len(got) > 2000 || !json.Valid([]byte(got)) {
		t.Errorf("%d octets of a long text", len(got))
	}
	server := srvsvc.SERVER_INFO{Value: &srvsvc.SERVER_INFO_102{Sv102Comment: &comment}}
	if got := asJSON(reflect.ValueOf(&server)); !strings.HasPrefix(got, `{"SERVER_INFO_102":{`) || !strings.Contains(got, comment) {
		t.Error(got)
	}
	if got := asJSON(reflect.ValueOf(&srvsvc.SERVER_INFO{})); got != "null" {
		t.Error(got)
	}
	many := &srvsvc.SHARE_INFO_1_CONTAINER{Buffer: make([]srvsvc.SHARE_INFO_1, 5000)}
	for i := range many.Buffer {
		many.Buffer[i].Shi1Netname = &long
	}
	if got := asJSON(reflect.ValueOf(many)); len(got) > 2*maxShown || !json.Valid([]byte(got)) || !strings.Contains(got, "and 4968 more") {
		t.Errorf("%d octets of a long list", len(got))
	}
}
