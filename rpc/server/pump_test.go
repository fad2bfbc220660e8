package server_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// awaited is whether the servers' ends of the tests' connections are read without a goroutine. The tests run both ways.
var awaited bool

func TestMain(m *testing.M) {
	for _, awaited = range []bool{false, true} {
		if code := m.Run(); code != 0 {
			fmt.Println("connections that are read without a goroutine:", awaited)
			os.Exit(code)
		}
	}
}

func served(nc net.Conn) net.Conn {
	if awaited {
		return &later{Conn: nc}
	}
	return nc
}

// later reads a connection by StartRead.
type later struct {
	net.Conn // for which nobody asks for CloseWrite
	ready    func(int, error)
	once     sync.Once
	out      atomic.Bool
}

func (l *later) OnRead(ready func(int, error)) { l.ready = ready }

func (l *later) StartRead(b []byte) (int, bool, error) {
	if l.out.Swap(true) {
		panic("two reads at a time")
	}
	go func() {
		n, err := l.Conn.Read(b)
		l.out.Store(false)
		l.ready(n, err)
	}()
	return 0, true, nil
}

// SetWriteTimeout is of no interest: no test has a client whom a response that is one fragment waits for.
func (l *later) SetWriteTimeout(time.Duration) {}

// Close leaves what was written for the client to read, as it is left in a pipe.
func (l *later) Close() error {
	tcp, ok := l.Conn.(*net.TCPConn)
	if !ok {
		return l.Conn.Close()
	}
	l.once.Do(func() {
		tcp.CloseWrite()
		tcp.SetReadDeadline(time.Unix(1, 0))
		go func() {
			for l.out.Load() {
				runtime.Gosched()
			}
			tcp.SetReadDeadline(time.Now().Add(time.Second))
			io.Copy(io.Discard, tcp)
			tcp.Close()
		}()
	})
	return nil
}
