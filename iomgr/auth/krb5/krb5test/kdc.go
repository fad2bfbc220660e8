package krb5test

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"lwio/iomgr/nt"
)

// KDC is a running key distribution centre.
type KDC struct {
	t        testing.TB
	cfg      Config
	tcp      net.Listener
	udp      net.PacketConn
	wg       sync.WaitGroup
	accounts map[string]*principal // by every name in lower case
	krbtgt   *principal

	mu     sync.Mutex
	conns  map[net.Conn]struct{} // guarded by mu
	closed bool                  // guarded by mu
	forge  Forge                 // guarded by mu
	offset time.Duration         // guarded by mu
	fail   int32                 // guarded by mu
	silent bool                  // guarded by mu
	as     int                   // guarded by mu
	tgs    int                   // guarded by mu
}

// maxRequest bounds a request by TCP, maxDatagram an answer by UDP.
const (
	maxRequest  = 1 << 20
	maxDatagram = 1400
)

// New starts a KDC that runs until the test ends.
func New(t testing.TB, cfg Config) *KDC {
	t.Helper()
	cfg.defaults()
	k := &KDC{t: t, cfg: cfg, conns: map[net.Conn]struct{}{}}
	k.build()
	for try := 0; ; try++ { // until a port is free for both
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		u, err := net.ListenPacket("udp", l.Addr().String())
		if err == nil {
			k.tcp, k.udp = l, u
			break
		}
		l.Close()
		if try == 20 {
			t.Fatal(err)
		}
	}
	k.wg.Go(k.acceptTCP)
	k.wg.Go(k.serveUDP)
	t.Cleanup(k.Close)
	return k
}

// Close stops it; the end of the test does too.
func (k *KDC) Close() {
	k.mu.Lock()
	k.closed = true
	for c := range k.conns {
		c.Close()
	}
	k.mu.Unlock()
	k.tcp.Close()
	k.udp.Close()
	k.wg.Wait()
}

// Addr is its address, of both protocols.
func (k *KDC) Addr() string { return k.tcp.Addr().String() }

// Realm is its realm.
func (k *KDC) Realm() string { return k.cfg.Realm }

// SID is the domain's.
func (k *KDC) SID() nt.SID { return k.cfg.SID }

// Forge has tickets made so from now on.
func (k *KDC) Forge(f Forge) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forge = f
}

// SetClock has its clock differ from the host's.
func (k *KDC) SetClock(offset time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.offset = offset
}

// Fail answers every request with the error code (RFC 4120 7.5.9) from now on; zero ends that.
func (k *KDC) Fail(code int32) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fail = code
}

// Silence has it take requests and not answer them.
func (k *KDC) Silence(on bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.silent = on
}

// Requests is how many requests of each kind arrived.
func (k *KDC) Requests() (as, tgs int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.as, k.tgs
}

// now is its time, to the second as Kerberos has it.
func (k *KDC) now() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return time.Now().Add(k.offset).UTC().Truncate(time.Second)
}

func (k *KDC) forged() Forge {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.forge
}

func (k *KDC) acceptTCP() {
	for {
		c, err := k.tcp.Accept()
		if err != nil {
			return
		}
		k.mu.Lock()
		if k.closed {
			c.Close()
		} else {
			k.conns[c] = struct{}{}
			k.wg.Go(func() { k.serveTCP(c) })
		}
		k.mu.Unlock()
	}
}

// serveTCP answers requests behind their lengths (RFC 4120 7.2.2).
func (k *KDC) serveTCP(c net.Conn) {
	defer func() {
		c.Close()
		k.mu.Lock()
		delete(k.conns, c)
		k.mu.Unlock()
	}()
	var head [4]byte
	for {
		if _, err := io.ReadFull(c, head[:]); err != nil {
			return
		}
		n := binary.BigEndian.Uint32(head[:])
		if n > maxRequest {
			return
		}
		req := make([]byte, n)
		if _, err := io.ReadFull(c, req); err != nil {
			return
		}
		answer := k.handle(req)
		if answer == nil {
			continue
		}
		if _, err := c.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(answer))), answer...)); err != nil {
			return
		}
	}
}

func (k *KDC) serveUDP() {
	buf := make([]byte, 1<<16)
	for {
		n, from, err := k.udp.ReadFrom(buf)
		if err != nil {
			return
		}
		answer := k.handle(buf[:n])
		if len(answer) > maxDatagram {
			answer = k.error(responseTooBig, "", nil)
		}
		if answer != nil {
			k.udp.WriteTo(answer, from)
		}
	}
}
