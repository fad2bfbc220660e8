//go:build interop

package interop

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// inside runs f in the network of a host of the lab. Sockets that f makes stay there.
func (l *lab) inside(host string, f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine, and its namespace with it
		done <- func() error {
			pid, err := os.ReadFile(filepath.Join(l.dir, host, "holder.pid"))
			if err != nil {
				return err
			}
			ns, err := os.Open("/proc/" + strings.TrimSpace(string(pid)) + "/ns/net")
			if err != nil {
				return err
			}
			defer ns.Close()
			if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
				return err
			}
			return f()
		}()
	}()
	return <-done
}

// dial connects from a host of the lab to a numeric address.
func (l *lab) dial(host, addr string) (nc net.Conn, err error) {
	err = l.inside(host, func() (err error) { nc, err = net.Dial("tcp", addr); return err })
	return nc, err
}

// middle stands between the host ours and its controller: it counts the messages that the host sends by SMB, Kerberos and LDAP, and at one of them is gone, as a controller
// that dies is, or silent, as one that hangs.
type middle struct {
	l *lab

	mu     sync.Mutex
	seen   int               // messages since the last pass; guarded by mu
	at     int               // the message that does not come through, 0 for none; guarded by mu
	silent bool              // instead of gone; guarded by mu
	down   bool              // guarded by mu
	conns  map[net.Conn]bool // guarded by mu
	asked  time.Time         // when the last message went on; guarded by mu
	answer time.Duration     // how long the last part of its answer took; guarded by mu
	total  time.Duration     // of those before it; guarded by mu
	noLDAP bool              // as where a firewall drops it; guarded by mu
}

const middleAddress = "127.0.0.2"

// newMiddle has the host find its controller at the middle. It is for a lab whose server has not started.
func newMiddle(t *testing.T, l *lab) *middle {
	t.Helper()
	m := &middle{l: l, conns: map[net.Conn]bool{}}
	for _, name := range []string{"hosts", "krb5.conf"} {
		path := filepath.Join(l.dir, "ours", "etc", name)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(b), l.env["LAB_DC_ADDR"], middleAddress)
		if text == string(b) {
			t.Fatalf("%s does not name the controller:\n%s", name, b)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil { // in place: it is mounted
			t.Fatal(err)
		}
	}
	for _, port := range []string{"88", "389", "445"} {
		var ln net.Listener
		if err := l.inside("ours", func() (err error) { ln, err = net.Listen("tcp", middleAddress+":"+port); return err }); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ln.Close(); m.cut() })
		go func() {
			for {
				c, err := ln.Accept()
				if err != nil {
					return
				}
				go m.carry(c, port)
			}
		}()
	}
	return m
}

// pass lets everything through, but for the message of that number from now on, if it is not 0, and what follows it.
func (m *middle) pass(at int, silent bool) {
	m.cut()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen, m.at, m.silent, m.down = 0, at, silent, false
}

// ldap opens or closes port 389.
func (m *middle) ldap(open bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.noLDAP = !open
}

// count is how many messages there were since.
func (m *middle) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.seen
}

// waited is how long the controller has been waited for, where nothing went on beside it.
func (m *middle) waited() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.total + m.answer
}

// cut ends all connections.
func (m *middle) cut() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for c := range m.conns {
		c.Close()
	}
	clear(m.conns)
}

func (m *middle) carry(c net.Conn, port string) {
	m.mu.Lock()
	down := m.down && !m.silent || m.noLDAP && port == "389"
	m.conns[c] = true
	m.mu.Unlock()
	defer c.Close()
	if down {
		return
	}
	up, err := m.l.dial("ours", net.JoinHostPort(m.l.env["LAB_DC_ADDR"], port))
	if err != nil {
		return
	}
	defer up.Close()
	m.mu.Lock()
	m.conns[up] = true
	m.mu.Unlock()
	go func() { // answers; of one that is silent there are none
		defer c.Close()
		b := make([]byte, 64<<10)
		for {
			n, err := up.Read(b)
			m.mu.Lock()
			drop := m.down
			m.answer = time.Since(m.asked)
			m.mu.Unlock()
			if !drop {
				if _, err := c.Write(b[:n]); err != nil {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	for {
		b, err := message(c, port)
		if err != nil {
			return
		}
		m.mu.Lock()
		m.seen++
		m.total, m.answer, m.asked = m.total+m.answer, 0, time.Now()
		if m.at != 0 && m.seen >= m.at {
			m.down = true
		}
		down, silent := m.down, m.silent
		m.mu.Unlock()
		switch {
		case down && silent:
		case down:
			m.cut()
			return
		default:
			if _, err := up.Write(b); err != nil {
				return
			}
		}
	}
}

// message reads one: SMB and Kerberos have their length before them, of LDAP it is what came together.
func message(r io.Reader, port string) ([]byte, error) {
	if port == "389" {
		b := make([]byte, 64<<10)
		n, err := r.Read(b)
		return b[:n], err
	}
	b := make([]byte, 4)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(b)
	if n > 16<<20 {
		return nil, errors.New("a message that long is none")
	}
	b = append(b, make([]byte, n)...)
	_, err := io.ReadFull(r, b[4:])
	return b, err
}
