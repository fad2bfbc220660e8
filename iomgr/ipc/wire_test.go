package ipc

import (
	"bytes"
	"io"
	"net"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// everyone is a descriptor as parsing gives it.
func everyone() *nt.SecurityDescriptor {
	sd, err := nt.ParseSecurityDescriptor((&nt.SecurityDescriptor{Owner: nt.SIDWorld}).Append(nil))
	if err != nil {
		panic(err)
	}
	return sd
}

// credential has every field.
var credential = &api.Credential{User: "alice", Domain: "LAB", Method: api.MethodKerberos, Anonymous: true, Password: "pässwort", HasPassword: true,
	NTHash: []byte("0123456789abcdef"), CCache: []byte("cache"), Keytab: []byte("keytab")}

func samples() []*api.Request {
	return []*api.Request{
		{Op: api.OpRead, Offset: 7, Out: make([]byte, 100)},
		{Op: api.OpWrite, Offset: -1, In: []byte("data")},
		{Op: api.OpFsControl, Code: nt.FsctlPipeTransceive, In: []byte("in"), Out: make([]byte, 10)},
		{Op: api.OpCreate, Create: &api.CreateArgs{Name: `\x\ü`, DesiredAccess: 1, ShareAccess: 2, Disposition: 3, Options: 4, FileAttributes: 5,
			AllocationSize: 6, Impersonation: 2, CaseSensitive: true, EA: []byte{1, 2}, SecurityDescriptor: everyone(),
			Contexts: []any{api.MaximalAccess{Status: 1, Access: 2}, api.DiskID{FileID: 3, VolumeID: 4}, credential}}},
		{Op: api.OpCreateNamedPipe, Create: &api.CreateArgs{Name: `\npfs\p`, Pipe: &api.PipeArgs{Type: 1, ReadMode: 1, CompletionMode: 1, MaxInstances: 2,
			InboundQuota: 3, OutboundQuota: 4, DefaultTimeout: -5}}},
		{Op: api.OpQueryDirectory, Code: 3, Dir: &api.DirArgs{Pattern: "*.x", Restart: true, Single: true, ByIndex: true, Index: 9}, Out: make([]byte, 5)},
		{Op: api.OpLock, Lock: &api.LockArgs{Offset: 1, Length: 2, Key: 3, Exclusive: true, FailImmediately: true}},
	}
}

func TestRequestRoundTrip(t *testing.T) {
	for _, r := range samples() {
		b := appendRequest(nil, r, 11, 12, span{})
		var got api.Request
		p, err := parseRequest(b, &got)
		if err != nil {
			t.Fatalf("%s: %v", r.Op, err)
		}
		if p.handle != 11 || r.Create != nil && p.root != 12 || p.out != len(r.Out) {
			t.Errorf("%s: %+v", r.Op, p)
		}
		if r.Create != nil && p.secret != (len(r.Create.Contexts) == 3) {
			t.Errorf("%s: secret %v", r.Op, p.secret)
		}
		if got.Op != r.Op || got.Code != r.Code || got.Offset != r.Offset || !bytes.Equal(got.In, r.In) ||
			!reflect.DeepEqual(got.Create, r.Create) || !reflect.DeepEqual(got.Dir, r.Dir) || !reflect.DeepEqual(got.Lock, r.Lock) {
			t.Errorf("%s:\n got %+v\nwant %+v", r.Op, got.Create, r.Create)
		}
		for i := range b { // cut anywhere it is refused
			if _, err := parseRequest(b[:i], new(api.Request)); err == nil {
				t.Errorf("%s: accepted when cut to %d of %d bytes", r.Op, i, len(b))
			}
		}
		if _, err := parseRequest(append(b, 0), new(api.Request)); err == nil {
			t.Errorf("%s: accepted with a byte too many", r.Op)
		}
	}
}

// TestRegionRoundTrip: a request whose data are in the region says where, and nothing else is one.
func TestRegionRoundTrip(t *testing.T) {
	for _, r := range []*api.Request{{Op: api.OpRead, Out: make([]byte, 100000)}, {Op: api.OpWrite, In: make([]byte, 100000)}} {
		b := appendRequest(nil, r, 3, 0, span{in: true, at: 5 * slotSize})
		var got api.Request
		p, err := parseRequest(b, &got)
		if err != nil || !p.region || p.at != 5*slotSize || p.in != len(r.In) || p.out != len(r.Out) || got.In != nil {
			t.Errorf("%s: %+v, %v", r.Op, p, err)
		}
		for i := range b {
			if _, err := parseRequest(b[:i], new(api.Request)); err == nil {
				t.Errorf("%s: accepted when cut to %d of %d bytes", r.Op, i, len(b))
			}
		}
	}
	for name, r := range map[string]*struct {
		r    api.Request
		room span
	}{
		"a read that reaches beyond":  {api.Request{Op: api.OpRead, Out: make([]byte, slotSize+1)}, span{in: true, at: (slots - 1) * slotSize}},
		"a write that reaches beyond": {api.Request{Op: api.OpWrite, In: make([]byte, slotSize+1)}, span{in: true, at: (slots - 1) * slotSize}},
		"a read behind the end":       {api.Request{Op: api.OpRead, Out: make([]byte, 1)}, span{in: true, at: regionSize}},
		"a read with input":           {api.Request{Op: api.OpRead, In: make([]byte, 1), Out: make([]byte, 1)}, span{in: true}},
		"a write with output":         {api.Request{Op: api.OpWrite, In: make([]byte, 1), Out: make([]byte, 1)}, span{in: true}},
		"a control":                   {api.Request{Op: api.OpFsControl, In: make([]byte, 1)}, span{in: true}},
		"a query":                     {api.Request{Op: api.OpQueryInformation, Out: make([]byte, 1)}, span{in: true}},
	} {
		if _, err := parseRequest(appendRequest(nil, &r.r, 3, 0, r.room), new(api.Request)); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	twice := appendRequest(nil, &api.Request{Op: api.OpWrite, In: make([]byte, 4)}, 3, 0, span{in: true})
	le.PutUint32(twice[len(twice)-4:], 4) // data here and there
	if _, err := parseRequest(append(twice, "data"...), new(api.Request)); err == nil {
		t.Error("a write with data in both places is accepted")
	}
}

// answerOf makes the frame of an answer as the server does, and gives its body.
func answerOf(r *api.Request, handle uint64) []byte {
	if r.Create != nil {
		return appendCreated(nil, r, 7, handle)[frameHeader:]
	}
	b := make([]byte, responseHead+len(r.Out))
	copy(b[responseHead:], r.Out)
	return finishResponse(b[:responseHead], r, 7)[frameHeader:]
}

func TestResponseRoundTrip(t *testing.T) {
	r := &api.Request{Op: api.OpRead, Out: []byte("hello, there"), Status: nt.StatusBufferOverflow, N: 5}
	b := answerOf(r, 0)
	got := &api.Request{Op: api.OpRead, Out: make([]byte, 5)}
	status, n, _, err := parseResponse(b, got)
	if err != nil || status != nt.StatusBufferOverflow || n != 5 || string(got.Out) != "hello" {
		t.Errorf("%v %d %q %v", status, n, got.Out, err)
	}
	for i := range b {
		if _, _, _, err := parseResponse(b[:i], got); err == nil {
			t.Errorf("accepted when cut to %d bytes", i)
		}
	}
	if _, _, _, err := parseResponse(b, &api.Request{Op: api.OpRead, Out: make([]byte, 4)}); err == nil {
		t.Error("more data than was asked for is accepted")
	}
	for _, quiet := range []*api.Request{{Op: api.OpRead, Out: []byte("secret"), N: 6, Status: nt.StatusAccessDenied}, {Op: api.OpWrite, Out: []byte("secret"), N: 6}} {
		if b := answerOf(quiet, 0); bytes.Contains(b, []byte("secret")) {
			t.Errorf("%s with %v answers data", quiet.Op, quiet.Status)
		}
	}
	c := &api.Request{Op: api.OpCreate, Create: &api.CreateArgs{Result: api.CreateResult{Action: 1, Contexts: []any{api.DiskID{FileID: 1}}}}}
	b = answerOf(c, 77)
	gc := &api.Request{Op: api.OpCreate, Create: &api.CreateArgs{}}
	if _, _, h, err := parseResponse(b, gc); err != nil || h != 77 || !reflect.DeepEqual(gc.Create.Result, c.Create.Result) {
		t.Errorf("%d %+v %v", h, gc.Create.Result, err)
	}
}

// TestSecretsGoOneWay: no answer carries a credential, whatever a driver puts there, and none is read from one.
func TestSecretsGoOneWay(t *testing.T) {
	r := &api.Request{Op: api.OpCreate, Create: &api.CreateArgs{Result: api.CreateResult{Contexts: []any{credential, api.DiskID{}}}}}
	if b := answerOf(r, 1); bytes.Contains(b, []byte("pässwort")) {
		t.Error("an answer has the password in it")
	}
	forged := le.AppendUint64(le.AppendUint32(le.AppendUint32(nil, 0), 0), 1)
	forged = appendContexts(le.AppendUint32(forged, 1), []any{credential}, FeatureCredentials)
	if _, _, _, err := parseResponse(appendBytes(forged, nil), &api.Request{Op: api.OpCreate, Create: &api.CreateArgs{}}); err == nil {
		t.Error("an answer with a credential is taken")
	}
}

func TestMayCross(t *testing.T) {
	long := string(make([]byte, maxText+1))
	for name, tt := range map[string]struct {
		list []any
		want bool
	}{
		"nothing": {nil, true}, "what is known": {[]any{api.MaximalAccess{}, api.DiskID{}, credential}, true}, "something else": {[]any{1}, false},
		"nil": {[]any{(*api.Credential)(nil)}, false}, "a long password": {[]any{&api.Credential{Password: long}}, false},
		"a short hash": {[]any{&api.Credential{NTHash: []byte{1}}}, false}, "a large cache": {[]any{&api.Credential{CCache: make([]byte, maxSecret+1)}}, false},
		"the largest": {[]any{&api.Credential{CCache: make([]byte, maxSecret), Keytab: make([]byte, maxSecret), Password: long[1:]}}, true},
		"a method":    {[]any{&api.Credential{Method: 3}}, false}, "many": {make([]any, maxContexts+1), false},
	} {
		if got := mayCross(tt.list, FeatureCredentials); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
		if tt.want && tt.list != nil { // what may cross does
			var got api.Request
			if _, err := parseRequest(appendRequest(nil, &api.Request{Create: &api.CreateArgs{Contexts: tt.list}}, 0, 0, span{}), &got); err != nil || !reflect.DeepEqual(got.Create.Contexts, tt.list) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if mayCross([]any{credential}, 0) {
		t.Error("a credential goes to a server that does not know them")
	}
}

func TestHello(t *testing.T) {
	h := Hello{Version: Version, Lowest: Lowest, Features: ourFeatures, Requests: 5, Bytes: 1 << 30}
	b := h.Append(nil)
	if got, err := ParseHello(b); err != nil || got != h {
		t.Errorf("%+v %v", got, err)
	}
	for i := range b {
		if _, err := ParseHello(b[:i]); err == nil {
			t.Errorf("accepted when cut to %d bytes", i)
		}
		if _, err := readHello(bytes.NewReader(b[:i])); err == nil {
			t.Errorf("read when cut to %d bytes", i)
		}
	}
	later := bytes.Clone(b) // a version that says more, and still speaks this one
	later[4] = Version + 3
	le.PutUint16(later[6:], helloBody+5)
	later = append(later, "later"...)
	r := bytes.NewReader(append(later, "frame"...))
	got, err := readHello(r)
	if err != nil || got.Version != Version+3 || got.Requests != 5 || r.Len() != len("frame") {
		t.Errorf("%+v %v, %d bytes left", got, err, r.Len())
	}
	for name, b := range map[string][]byte{"version 1": []byte("lwio\x01"), "another magic": []byte("lwip\x02\x02\x0c\x00............"), "too long": []byte("lwio\x02\x02\xff\xff")} {
		if _, err := readHello(bytes.NewReader(b)); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}

// TestGreet: two sides find the version that both speak, or say why there is none.
func TestGreet(t *testing.T) {
	for name, tt := range map[string]struct {
		theirs Hello
		want   bool
	}{
		"the same": {Hello{Version: Version, Lowest: Lowest, Features: 0xFFFFFFFF}, true}, "later, speaks ours": {Hello{Version: Version + 9, Lowest: Lowest}, true},
		"later": {Hello{Version: Version + 9, Lowest: Version + 1}, false}, "older": {Hello{Version: 1, Lowest: 1}, false},
	} {
		near, far := net.Pipe()
		go func() {
			io.ReadFull(far, make([]byte, helloHead+helloBody))
			far.Write(tt.theirs.Append(nil))
			far.Close()
		}()
		got, err := greet(near, Hello{})
		if (err == nil) != tt.want || err != nil && !strings.Contains(err.Error(), "restart the daemons") {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil && got.Features&^ourFeatures != 0 {
			t.Errorf("%s: features that we do not know: %b", name, got.Features)
		}
		near.Close()
	}
}

// cuts reads a few bytes at a time.
type cuts struct {
	b []byte
	n int
}

func (c *cuts) Read(p []byte) (int, error) {
	if len(c.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), c.n)], c.b)
	c.b = c.b[n:]
	return n, nil
}

func TestFrames(t *testing.T) {
	sizes := []int{0, 1, readSize - frameHeader - 1, readSize - frameHeader, readSize - frameHeader + 1, smallBuffer, largeBuffer, 70 << 10, 300 << 10, 3}
	var all []byte
	for i, n := range sizes {
		at := len(all)
		all = startFrame(all, byte(i), uint64(i)<<40)
		all = endFrame(append(all, bytes.Repeat([]byte{byte(i)}, n)...), at)
	}
	for _, n := range []int{1, 7, 13, readSize, 1 << 20} {
		r := &frameReader{r: &cuts{all, n}}
		for i, size := range sizes {
			f, err := r.next()
			if err != nil || f.kind != byte(i) || f.id != uint64(i)<<40 || !bytes.Equal(f.body, bytes.Repeat([]byte{byte(i)}, size)) {
				t.Fatalf("%d bytes at a time, frame %d: kind %d id %x, %d bytes, %v", n, i, f.kind, f.id, len(f.body), err)
			}
			f.own.put()
		}
		if _, err := r.next(); err != io.EOF {
			t.Errorf("after the last: %v", err)
		}
	}
	for i := 1; i < frameHeader+5; i++ {
		whole := endFrame(append(startFrame(nil, 1, 1), "hello"...), 0)
		if _, err := (&frameReader{r: bytes.NewReader(whole[:i])}).next(); err != io.ErrUnexpectedEOF {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
	}
	// A length alone gets no memory.
	lie := startFrame(nil, 1, 1)
	le.PutUint32(lie, maxFrame)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		if _, err := (&frameReader{r: bytes.NewReader(lie)}).next(); err == nil {
			t.Fatal("a frame without its body is read")
		}
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 100*(128<<10) {
		t.Errorf("%d bytes for lengths alone", got/100)
	}
}

func FuzzParseRequest(f *testing.F) {
	for _, r := range samples() {
		f.Add(appendRequest(nil, r, 1, 2, span{}))
	}
	f.Add(appendRequest(nil, &api.Request{Op: api.OpRead, Out: make([]byte, 100)}, 1, 0, span{in: true, at: 2 * slotSize}))
	f.Add(appendRequest(nil, &api.Request{Op: api.OpWrite, In: make([]byte, 100)}, 1, 0, span{in: true, at: 7*slotSize + 5}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r api.Request
		p, err := parseRequest(b, &r)
		if err != nil {
			return
		}
		if p.region { // the server takes what lies in it
			if p.at < 0 || p.in < 0 || p.at+p.in > regionSize || r.Op == api.OpRead && p.at+p.out > regionSize || len(r.In) > 0 {
				t.Errorf("%+v of a region of %d bytes", p, regionSize)
			}
			return
		}
		r.Out = make([]byte, min(p.out, 1<<10))
		again := appendRequest(nil, &r, p.handle, p.root, span{})
		var r2 api.Request
		if p2, err := parseRequest(again, &r2); err != nil || p2.secret != p.secret || !bytes.Equal(r.In, r2.In) {
			t.Errorf("what was parsed does not parse again: %v", err)
		}
	})
}

func FuzzParseResponse(f *testing.F) {
	f.Add(answerOf(&api.Request{Op: api.OpRead, Out: []byte("hello"), N: 5}, 0), false)
	f.Add(answerOf(&api.Request{Op: api.OpCreate, Create: &api.CreateArgs{Result: api.CreateResult{Contexts: []any{api.DiskID{FileID: 1}}}}}, 3), true)
	f.Fuzz(func(t *testing.T, b []byte, create bool) {
		r := &api.Request{Op: api.OpRead, Out: make([]byte, 64)}
		if create {
			r = &api.Request{Op: api.OpCreate, Create: &api.CreateArgs{}}
		}
		if _, n, _, err := parseResponse(b, r); err == nil && n < 0 {
			t.Errorf("%d bytes", n)
		}
	})
}

func FuzzFrames(f *testing.F) {
	f.Add((&Hello{Version: Version, Lowest: Lowest}).Append(nil), 3)
	f.Add(endFrame(append(startFrame(nil, kindRequest, 9), "body"...), 0), 1)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		readHello(&cuts{b, 1 + n&1023})
		r := &frameReader{r: &cuts{b, 1 + n&1023}}
		for total := 0; ; {
			x, err := r.next()
			if err != nil {
				return
			}
			if total += frameHeader + len(x.body); total > len(b) {
				t.Fatalf("%d bytes of frames in %d", total, len(b))
			}
			x.own.put()
		}
	})
}
