package srv_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"lwio/gen/srvctl"
	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

func withFlags(flags uint32) func(*srvctl.SRVCTL_SHARE) {
	return func(s *srvctl.SRVCTL_SHARE) { s.Flags = flags }
}

func offering(caps smb2.CompressionCapabilities) func(*negotiateOptions) {
	return func(o *negotiateOptions) { o.compress = &caps }
}

func readFlagged(id smb2.FileID, flags uint8, n int) []byte {
	return (&smb2.ReadRequest{FileID: id, Flags: flags, Length: uint32(n)}).Append(nil)
}

// newCompressing starts a server with shares "data" and "packed", and makes a file in each.
func newCompressing(t testing.TB, edit func(*srv.Config)) *env {
	dir := t.TempDir()
	return newEnv(t, func(c *srv.Config) {
		c.Shares = newTable(share("data", dir), share("packed", dir, withFlags(srv.ShareFlagCompress)))
		if edit != nil {
			edit(c)
		}
	})
}

func noise(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// TestCompression writes and reads compressed, in both forms, signed and sealed.
func TestCompression(t *testing.T) {
	e := newCompressing(t, nil)
	simple := smb2.CompressionCapabilities{Algorithms: []smb2.CompressionAlgorithm{smb2.CompressionLZNT1, smb2.CompressionLZ77, smb2.CompressionLZ77Huffman}}
	for _, x := range []struct {
		caps   smb2.CompressionCapabilities
		seal   bool
		share  string
		flags  uint8
		packed bool
	}{
		{smb2.CompressionOffer(), false, "data", smb2.ReadFlagRequestCompressed, true},
		{smb2.CompressionOffer(), true, "data", smb2.ReadFlagRequestCompressed, true},
		{smb2.CompressionOffer(), false, "data", 0, false},
		{smb2.CompressionOffer(), true, "packed", 0, true},
		{simple, false, "packed", 0, true},
		{simple, true, "data", smb2.ReadFlagRequestCompressed, true},
		{smb2.CompressionCapabilities{Algorithms: []smb2.CompressionAlgorithm{smb2.CompressionLZNT1}}, false, "packed", 0, false}, // which is only decoded
		{smb2.CompressionCapabilities{Algorithms: []smb2.CompressionAlgorithm{smb2.CompressionLZ4}}, false, "packed", smb2.ReadFlagRequestCompressed, false},
	} {
		t.Run(fmt.Sprintf("%d algorithms/flags %d/%s/%d/sealed %v", len(x.caps.Algorithms), x.caps.Flags, x.share, x.flags, x.seal), func(t *testing.T) {
			e := &env{t, e.m, e.addr}
			c := e.logon("alice", offering(x.caps))
			c.sess.seal = x.seal
			c.pack = c.compression.Enabled()
			tree := c.tree(x.share)
			for name, data := range map[string][]byte{
				"text":  []byte(strings.Repeat("what is written again and again. ", 1800)),
				"zeros": make([]byte, 60000),
				"noise": noise(60000),
				"short": make([]byte, 500),
			} {
				id := c.open(tree, name, creating(nt.GenericAll, nt.FileOverwriteIf, 0))
				c.do(smb2.Write, tree, (&smb2.WriteRequest{FileID: id, Data: data}).Append(nil), nt.StatusSuccess)
				r := c.do(smb2.Read, tree, readFlagged(id, x.flags, 60000), nt.StatusSuccess)
				res, err := smb2.ParseReadResponse(r.body)
				if err != nil || !bytes.Equal(res.Data, data) {
					t.Fatalf("%s: %d bytes, %v", name, len(res.Data), err)
				}
				if want := x.packed && name != "noise" && name != "short"; r.packed != want || r.sealed != x.seal {
					t.Errorf("%s: compressed %v, want %v; sealed %v", name, r.packed, want, r.sealed)
				}
				if !x.seal && !r.h.IsSigned() {
					t.Errorf("%s: not signed", name)
				}
				c.do(smb2.Close, tree, (&smb2.CloseRequest{FileID: id}).Append(nil), nt.StatusSuccess)
			}
		})
	}
}

// TestCompressionOffered: who does not ask, or is of an older dialect, gets no context; the flag of a share only who can make use of it.
func TestCompressionOffered(t *testing.T) {
	on := newCompressing(t, nil)
	off := newCompressing(t, func(c *srv.Config) { c.Compression = srv.CompressionOff })
	older := func(o *negotiateOptions) { o.dialects = allDialects[:4] }
	for _, x := range []struct {
		e       *env
		edit    func(*negotiateOptions)
		context bool
		flag    bool
	}{
		{on, offering(smb2.CompressionOffer()), true, true},
		{on, offering(smb2.CompressionCapabilities{Algorithms: []smb2.CompressionAlgorithm{smb2.CompressionLZ4}}), true, false},
		{on, func(*negotiateOptions) {}, false, false},
		{on, older, false, false},
		{off, offering(smb2.CompressionOffer()), false, false},
	} {
		c := x.e.logon("alice", x.edit)
		found := false
		for _, ctx := range c.response.Contexts {
			found = found || ctx.Type == smb2.ContextCompression
		}
		r := c.do(smb2.TreeConnect, 0, treeBody("packed"), nt.StatusSuccess)
		res, err := smb2.ParseTreeConnectResponse(r.body)
		if err != nil {
			t.Fatal(err)
		}
		if flag := res.ShareFlags&smb2.ShareFlagCompressData != 0; found != x.context || flag != x.flag {
			t.Errorf("context %v, want %v; flag %v, want %v", found, x.context, flag, x.flag)
		}
	}
	c := on.dial()
	o := negotiateOptions{compress: &smb2.CompressionCapabilities{}}
	if r := c.negotiate(o); r.h.Status != nt.StatusInvalidParameter {
		t.Errorf("no algorithm: %v", r.h.Status)
	}
}

// TestCompressionRefused: a compressed message that breaks the rules ends the connection, before it has cost anything.
func TestCompressionRefused(t *testing.T) {
	e := newCompressing(t, nil)
	echoed := (&smb2.EchoRequest{}).Append((&smb2.Header{Command: smb2.Echo, MessageID: 0, CreditCharge: 1}).Append(nil))
	chain := func(size int, p ...smb2.CompressionPayload) []byte {
		return (&smb2.ChainedCompressionTransform{OriginalCompressedSegmentSize: uint32(size), Payloads: p}).Append(nil)
	}
	plain := smb2.CompressionPayload{Data: echoed}
	pattern := func(n uint32) smb2.CompressionPayload {
		return smb2.CompressionPayload{CompressionAlgorithm: smb2.CompressionPatternV1, Data: (&smb2.PatternV1Payload{Repetitions: n}).Append(nil)}
	}
	inner := chain(len(echoed), plain)
	nothing := func(*negotiateOptions) {}
	all := offering(smb2.CompressionOffer())
	for _, x := range []struct {
		what  string
		offer func(*negotiateOptions)
		frame []byte
	}{
		{"not negotiated", nothing, chain(len(echoed), plain)},
		{"a bomb", all, chain(1<<31, plain, pattern(1<<31-uint32(len(echoed))))},
		{"longer than a message may be", all, chain(len(echoed)+9<<20, plain, pattern(9<<20))},
		{"unchained bomb", all, (&smb2.CompressionTransform{OriginalCompressedSegmentSize: 0xFFFFFFFF, CompressionAlgorithm: smb2.CompressionLZ77, Uncompressed: echoed}).Append(nil)},
		{"compressed twice", all, chain(len(inner), smb2.CompressionPayload{Data: inner})},
		{"encrypted inside", all, chain(52, smb2.CompressionPayload{Data: (&smb2.TransformHeader{Flags: 1}).Append(nil)})},
		{"corrupt", all, chain(len(echoed)+9, plain, smb2.CompressionPayload{CompressionAlgorithm: smb2.CompressionLZ77, OriginalPayloadSize: 9, Data: []byte{1, 2, 3, 4, 5}})},
		{"no message", all, chain(0, smb2.CompressionPayload{})},
	} {
		c := e.logon("alice", x.offer)
		if err := c.write(x.frame); err != nil {
			t.Fatalf("%s: %v", x.what, err)
		}
		c.ended()
	}
	// And before a session, only as much as fits.
	c := e.dial()
	o := negotiateOptions{}
	all(&o)
	c.negotiate(o)
	if err := c.write(chain(1<<20, pattern(1<<20))); err != nil {
		t.Fatal(err)
	}
	c.ended()
	e.logon("bob").tree("data")
}

// TestMutatedCompressed sends compressed requests with a few bytes changed, of the headers and of the data. The server stays up, serves the next
// client, and holds no more than 256 MiB.
func TestMutatedCompressed(t *testing.T) {
	e := newCompressing(t, nil)
	rng := rand.New(rand.NewPCG(3, 4))
	rounds := 1500
	if testing.Short() {
		rounds = 60
	}
	text := []byte(strings.Repeat("mutated and mutated. ", 300))
	for i := range rounds {
		caps := smb2.CompressionOffer()
		if i%3 == 0 {
			caps.Flags = 0
		}
		c := e.logon("alice", offering(caps))
		tree := c.tree("packed")
		id := c.open(tree, "file", creating(nt.GenericAll, nt.FileOpenIf, 0))
		go func() { _, _ = io.Copy(io.Discard, c.nc) }()
		for range 30 {
			body := (&smb2.WriteRequest{FileID: id, Data: append(bytes.Clone(text[:rng.IntN(len(text))]), make([]byte, rng.IntN(5000))...)}).Append(nil)
			m := append((&smb2.Header{Command: smb2.Write, MessageID: c.nextID, Credits: 10, CreditCharge: 1, SessionID: c.sess.id, TreeID: tree}).Append(nil), body...)
			c.nextID++
			c.sess.signer.Sign(m)
			frame := make([]byte, len(m))
			n, ok := c.compression.Compress(frame, m, 112)
			if !ok {
				continue
			}
			frame = frame[:n]
			for range rng.IntN(4) {
				at := rng.IntN(n)
				if rng.IntN(2) == 0 {
					at = rng.IntN(min(n, 24))
				}
				frame[at] = byte(rng.IntN(256))
			}
			if err := c.write(frame); err != nil {
				break
			}
		}
		c.nc.Close()
	}
	e.logon("bob").tree("packed")
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.Sys > 256<<20 {
		t.Errorf("%d MiB", m.Sys>>20)
	}
}
