package srv_test

import (
	"bytes"
	"testing"

	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
	"lwio/pipes"
)

var (
	allCiphers  = []smb2.CipherID{smb2.CipherAES128CCM, smb2.CipherAES128GCM, smb2.CipherAES256CCM, smb2.CipherAES256GCM}
	allSignings = []smb2.SigningAlgorithm{smb2.SigningHMACSHA256, smb2.SigningAESCMAC, smb2.SigningAESGMAC}
)

func TestTransceive(t *testing.T) {
	e := newEnv(t, nil)
	peers := make(chan *pipes.Conn, 1)
	e.listen("echo", func(c *pipes.Conn) {
		peers <- c
		echo(c)
	})
	c := e.logon("alice")
	tree := c.tree("IPC$")
	id := c.open(tree, "echo")
	for range 3 {
		if got := c.transceive(tree, id, []byte("hello"), nt.StatusSuccess); string(got) != "hello" {
			t.Fatalf("got %q", got)
		}
	}
	// The pipe's server knows who is there.
	p := wait(t, peers)
	if tok := p.Token(); tok == nil || tok.Account != "alice" {
		t.Fatalf("token %+v", tok)
	}
	if key := p.SessionKey(); !bytes.Equal(key, c.sess.appKey[:]) {
		t.Fatalf("session key %x, want %x", key, c.sess.appKey)
	}
	// And which request brought what it read, on which connection and session.
	conn, session, message := p.Activity()
	c.transceive(tree, id, []byte("hello"), nt.StatusSuccess)
	if conn2, session2, next := p.Activity(); conn == 0 || session == 0 || conn2 != conn || session2 != session || next != message+1 {
		t.Errorf("activity %d/%d of session %x, then %d/%d of %x", conn, message, session, conn2, next, session2)
	}
	// A long answer comes in parts.
	long := bytes.Repeat([]byte("0123456789"), 600)
	part := c.transceive(tree, id, long, nt.StatusBufferOverflow)
	r := c.do(smb2.Read, tree, (&smb2.ReadRequest{Length: 65536, FileID: id}).Append(nil), nt.StatusSuccess)
	res, err := smb2.ParseReadResponse(r.body)
	if err != nil || !bytes.Equal(append(part, res.Data...), long) {
		t.Fatalf("%d and %d bytes: %v", len(part), len(res.Data), err)
	}
	c.do(smb2.Close, tree, (&smb2.CloseRequest{FileID: id}).Append(nil), nt.StatusSuccess)
	c.do(smb2.Close, tree, (&smb2.CloseRequest{FileID: id}).Append(nil), nt.StatusFileClosed)
}
