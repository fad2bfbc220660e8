package server_test

import (
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/pdu"
	"lwio/rpc/server"
)

// Shutdown asks idle clients to close. Who does is gone at once; who does not is cut after a while.
func TestShutdownPDU(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := server.New(server.Config{})
		if err := s.Register(echoInterface, newEcho()); err != nil {
			t.Fatal(err)
		}
		open := func() net.Conn {
			near, far := net.Pipe()
			go s.ServeConn(bg, far)
			x := pdu.Bind{MaxXmitFrag: 4280, MaxRecvFrag: 4280, Contexts: []pdu.Context{{Abstract: echoSyntax, Transfer: []pdu.SyntaxID{pdu.NDR}}}}
			x.CallID, x.Flags = 1, pdu.FirstFrag|pdu.LastFrag
			near.Write(x.Append(nil))
			readPDU(t, near)
			return near
		}
		obeys, stays := open(), open()
		near, far := net.Pipe() // nothing has been bound on it: it is closed
		go s.ServeConn(bg, far)
		synctest.Wait()
		began := time.Now()
		done := make(chan error, 1)
		go func() { done <- s.Shutdown(bg) }()
		if _, err := near.Read(make([]byte, 1)); !errors.Is(err, io.EOF) || time.Since(began) != 0 {
			t.Errorf("a connection without association: %v after %v", err, time.Since(began))
		}
		for _, c := range []net.Conn{obeys, stays} {
			if h, frag := readPDU(t, c); h.Type != pdu.TypeShutdown {
				t.Errorf("instead of a shutdown PDU: %x", frag)
			}
		}
		obeys.Close()
		synctest.Wait()
		if n := s.Stats().Connections; n != 1 {
			t.Errorf("%d connections", n)
		}
		if _, err := stays.Read(make([]byte, 1)); !errors.Is(err, io.EOF) || time.Since(began) != 200*time.Millisecond {
			t.Errorf("cut with %v after %v", err, time.Since(began))
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// A client of ours that is asked to close while it does nothing learns of it with its next call, and its connection is gone.
func TestShutdownClient(t *testing.T) {
	s, _ := serve(t, server.Config{DrainTime: time.Hour})
	b := bind(t, newClient(t, s, client.Config{}), echoInterface, nil)
	mustAddOne(t, b)
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(bg) }()
	var err error
	for err == nil || errors.Is(err, rpc.FaultServerUnavailable) { // the call may come before the PDU has gone
		_, err = addOne(bg, b, 1)
	}
	if !errors.Is(err, client.ErrShutdown) {
		t.Errorf("call: %v", err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
