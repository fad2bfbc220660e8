package srv_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// protections are the ways in which messages go.
var protections = []struct {
	name       string
	sign, seal bool
}{{"plain", false, false}, {"signed", true, false}, {"sealed", false, true}}

// newBulk gives a client of a share "data", with credits for large requests.
func newBulk(t *testing.T, sign, seal bool, edit ...func(*srv.Config)) (*client, uint32, string) {
	t.Helper()
	dir := t.TempDir()
	e := newEnv(t, func(c *srv.Config) {
		c.Shares, c.Signing = newTable(share("data", dir)), srv.SigningEnabled
		for _, f := range edit {
			f(c)
		}
	})
	c := e.logon("alice")
	tree := c.tree("data")
	c.wantCred = 512
	for range 4 {
		c.do(smb2.Echo, 0, (&smb2.EchoRequest{}).Append(nil), nt.StatusSuccess)
	}
	c.sess.sign, c.sess.seal = sign, seal
	return c, tree, dir
}

// charged starts a request that moves n bytes.
func (c *client) charged(cmd smb2.Command, tree uint32, body []byte, n int) pending {
	c.t.Helper()
	p, err := c.send(c.sess, call{cmd: cmd, tree: tree, body: body, charge: uint16(max(1, (n+65535)>>16))})
	if err != nil {
		c.t.Fatal(err, c.reason())
	}
	return p[0]
}

// TestBulkOrder: requests of all sizes that are sent without waiting have the effect of requests done one after the other, whatever of them goes on at
// the same time. But the data of a large plain READ may be those of a WRITE that was sent behind it, as long as it has not been answered.
func TestBulkOrder(t *testing.T) {
	const room = 4 << 20
	for _, p := range protections {
		t.Run(p.name, func(t *testing.T) {
			c, tree, dir := newBulk(t, p.sign, p.seal)
			r := rand.New(rand.NewPCG(1, 2))
			for round := range 6 {
				name := fmt.Sprintf("file%d", round)
				ids := [2]smb2.FileID{c.open(tree, name, creating(nt.GenericAll, nt.FileOpenIf, 0)), c.open(tree, name, creating(nt.GenericAll, nt.FileOpenIf, 0))}
				var model []byte
				var checks []func()
				type written struct {
					at, n int
					b     byte
				}
				var writes []written
				for step := range 40 {
					id := ids[r.IntN(8)/7] // seldom the other open
					n := []int{1, 4096, 65536, 256 << 10, 512 << 10, 1 << 20}[r.IntN(6)]
					at := r.IntN(room-n) &^ 4095
					switch k := r.IntN(10); {
					case k < 6:
						data := bytes.Repeat([]byte{byte(step + 1)}, n)
						if len(model) < at+n {
							model = append(model, make([]byte, at+n-len(model))...)
						}
						copy(model[at:], data)
						writes = append(writes, written{at, n, byte(step + 1)})
						w := c.charged(smb2.Write, tree, (&smb2.WriteRequest{FileID: id, Offset: uint64(at), Data: data}).Append(nil), n)
						checks = append(checks, func() { w.want(nt.StatusSuccess) })
					case k < 9:
						want := bytes.Clone(model[min(at, len(model)):min(at+n, len(model))])
						before, pages := len(writes), p.name == "plain" && n >= 128<<10
						q := c.charged(smb2.Read, tree, (&smb2.ReadRequest{FileID: id, Offset: uint64(at), Length: uint32(n)}).Append(nil), n)
						checks = append(checks, func() {
							if len(want) == 0 {
								q.want(nt.StatusEndOfFile)
								return
							}
							res, err := smb2.ParseReadResponse(q.want(nt.StatusSuccess).body)
							for i := 0; err == nil && pages && len(res.Data) == len(want) && i < len(want); i++ {
								for _, w := range writes[before:] {
									if b := res.Data[i]; b != want[i] && w.b == b && w.at <= at+i && at+i < w.at+w.n {
										want[i] = b
									}
								}
							}
							if err != nil || !bytes.Equal(res.Data, want) {
								t.Fatalf("round %d step %d: READ of %d at %d gives %d bytes (%v) that are not what was written before", round, step, n, at, len(res.Data), err)
							}
						})
					default:
						end := uint64(len(model))
						q := c.start(smb2.QueryInfo, tree, queryBody(id, smb2.InfoFile, uint8(nt.FileStandardInformation), 24))
						checks = append(checks, func() {
							res, err := smb2.ParseQueryInfoResponse(q.want(nt.StatusSuccess).body)
							if err != nil || le.Uint64(res.Output[8:]) != end {
								t.Fatalf("round %d step %d: size %d, want %d", round, step, le.Uint64(res.Output[8:]), end)
							}
						})
					}
				}
				for _, id := range ids {
					q := c.start(smb2.Close, tree, (&smb2.CloseRequest{FileID: id}).Append(nil))
					checks = append(checks, func() { q.want(nt.StatusSuccess) })
				}
				for _, f := range checks {
					f()
				}
				if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(got, model) {
					t.Fatalf("round %d: the file has %d bytes that are not the %d written (%v)", round, len(got), len(model), err)
				}
			}
		})
	}
}

// TestBulkCut: a client that goes in the middle of large writes leaves nothing behind that is open or at work.
func TestBulkCut(t *testing.T) {
	for _, p := range protections {
		t.Run(p.name, func(t *testing.T) {
			dir := t.TempDir()
			e := newEnv(t, func(c *srv.Config) { c.Shares, c.Signing = newTable(share("data", dir)), srv.SigningEnabled })
			other := e.logon("alice")
			otherTree := other.tree("data")
			for round := range 17 {
				c := e.logon("alice")
				tree := c.tree("data")
				c.wantCred = 512
				c.do(smb2.Echo, 0, (&smb2.EchoRequest{}).Append(nil), nt.StatusSuccess)
				c.sess.sign, c.sess.seal = p.sign, p.seal
				id := c.open(tree, "file", func(r *smb2.CreateRequest) {
					r.DesiredAccess, r.CreateDisposition = nt.GenericAll, nt.FileOverwriteIf
				})
				data := bytes.Repeat([]byte{byte(round + 1)}, 1<<20)
				for i := range 3 {
					c.charged(smb2.Write, tree, (&smb2.WriteRequest{FileID: id, Offset: uint64(i) << 20, Data: data}).Append(nil), len(data))
				}
				// The last one stops at a multiple of 64 KiB.
				body := (&smb2.WriteRequest{FileID: id, Offset: 3 << 20, Data: data}).Append(nil)
				c.cutAfter(tree, body, 120+round<<16)
				other.await("file", otherTree)
				got, err := os.ReadFile(filepath.Join(dir, "file"))
				if err != nil || len(got) > 4<<20 || bytes.ContainsFunc(got, func(r rune) bool { return r != rune(round+1) && r != 0 }) {
					t.Fatalf("round %d: %d bytes, %v", round, len(got), err)
				}
			}
		})
	}
}

// cutAfter sends the first n bytes of a WRITE of a mebibyte, and goes.
func (c *client) cutAfter(tree uint32, body []byte, n int) {
	c.t.Helper()
	h := smb2.Header{Command: smb2.Write, TreeID: tree, Credits: 1, CreditCharge: 16, MessageID: c.nextID, SessionID: c.sess.id, ProcessID: 0xfeff}
	msg := append(h.Append(nil), body...)
	if c.sess.sign {
		c.sess.signer.Sign(msg)
	}
	frame := append(smb2.AppendFrameHeader(nil, len(msg)), msg...)
	if _, err := c.nc.Write(frame[:min(n, len(frame)-1)]); err != nil {
		c.t.Fatal(err)
	}
	c.nc.Close()
}

// await opens a file that a client which has gone had for itself.
func (c *client) await(name string, tree uint32) {
	c.t.Helper()
	for range 10000 {
		r, err := c.try(smb2.Create, tree, createBody(name, creating(nt.GenericAll, nt.FileOpen, 0)))
		if err != nil {
			c.t.Fatal(err)
		}
		if r.h.Status == nt.StatusSharingViolation {
			continue
		}
		res, err := smb2.ParseCreateResponse(r.body)
		if err != nil || r.h.Status != nt.StatusSuccess {
			c.t.Fatal(r.h.Status, err)
		}
		c.do(smb2.Close, tree, (&smb2.CloseRequest{FileID: res.FileID}).Append(nil), nt.StatusSuccess)
		return
	}
	c.t.Fatal("what had gone still has the file open")
}
