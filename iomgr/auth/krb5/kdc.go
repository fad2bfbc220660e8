package krb5

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"time"

	"lwio/iomgr/nt"
)

const (
	kdcPort = "88"
	// kdcTimeout is how long one KDC may take before the next is asked.
	kdcTimeout = 5 * time.Second
	// udpResend is after how long a datagram is sent once more.
	udpResend = time.Second
	// maxKDCReply bounds what a KDC may answer: tickets are at most some 64 KiB.
	maxKDCReply = 256 << 10

	kdcUnavailable errorCode = 29
)

// kdcAddress is one way to a KDC.
type kdcAddress struct{ network, address string }

// kdcs lists the KDCs of a realm: those of krb5.conf in a random order, else those of DNS in theirs; TCP first, since answers with a PAC
// rarely fit into a datagram.
func (c *Client) kdcs(ctx context.Context, realm string) ([]kdcAddress, error) {
	var tcp, udp []kdcAddress
	for _, r := range c.conf.Realms {
		if !strings.EqualFold(r.Realm, realm) {
			continue
		}
		for _, i := range rand.Perm(len(r.KDC)) {
			tcp, udp = appendKDC(tcp, udp, r.KDC[i])
		}
	}
	if tcp != nil || udp != nil {
		return append(tcp, udp...), nil
	}
	var last error
	for _, network := range []string{"tcp", "udp"} {
		_, list, err := c.resolver.LookupSRV(ctx, "kerberos", network, realm)
		if err != nil {
			last = err
			continue
		}
		for _, s := range list {
			a := kdcAddress{network, net.JoinHostPort(strings.TrimSuffix(s.Target, "."), strconv.Itoa(int(s.Port)))}
			if network == "tcp" {
				tcp = append(tcp, a)
			} else {
				udp = append(udp, a)
			}
		}
	}
	if tcp == nil && udp == nil {
		return nil, fmt.Errorf("krb5: no KDC of realm %s in krb5.conf or DNS: %w (%v)", realm, nt.StatusNoLogonServers, last)
	}
	return append(tcp, udp...), nil
}

// appendKDC takes "host", "host:port", "[v6]:port", "tcp/host" and "udp/host".
func appendKDC(tcp, udp []kdcAddress, s string) (_, _ []kdcAddress) {
	network, host, ok := strings.Cut(s, "/")
	if !ok || network != "tcp" && network != "udp" {
		network, host = "", s
	}
	if _, _, err := net.SplitHostPort(host); err != nil {
		host = net.JoinHostPort(strings.Trim(host, "[]"), kdcPort)
	}
	if network != "udp" {
		tcp = append(tcp, kdcAddress{"tcp", host})
	}
	if network != "tcp" {
		udp = append(udp, kdcAddress{"udp", host})
	}
	return tcp, udp
}

// send asks the KDCs of a realm until one answers. A KRB_ERROR comes back as *krbError.
func (c *Client) send(ctx context.Context, realm string, req []byte) ([]byte, error) {
	list, err := c.kdcs(ctx, realm)
	if err != nil {
		return nil, err
	}
	var failed []error
	for len(list) > 0 {
		a := list[0]
		list = list[1:]
		reply, err := c.ask(ctx, a, req)
		if err == nil && len(reply) > 0 && reply[0] == tagError {
			e, perr := parseError(reply)
			switch {
			case perr != nil:
				err = perr
			case e.code == kdcUnavailable:
				err = errors.New(e.Error())
			case e.code == errTooBig && a.network == "udp": // RFC 4120 7.2.1
				err = errors.New(e.Error())
				list = append([]kdcAddress{{"tcp", a.address}}, list...)
			default:
				return nil, &e
			}
		}
		if err == nil {
			return reply, nil
		}
		failed = append(failed, fmt.Errorf("%s %s: %w", a.network, a.address, err))
		if ctx.Err() != nil {
			break
		}
	}
	return nil, fmt.Errorf("krb5: no KDC of realm %s answers: %w (%w)", realm, nt.StatusNoLogonServers, errors.Join(failed...))
}

// ask sends one request over a connection of its own. The context ends it at any time.
func (c *Client) ask(ctx context.Context, a kdcAddress, req []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	conn, err := c.dial(ctx, a.network, a.address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	var reply []byte
	if a.network == "tcp" {
		reply, err = askTCP(conn, req)
	} else {
		reply, err = askUDP(conn, req)
	}
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return reply, err
}

func askTCP(conn net.Conn, req []byte) ([]byte, error) {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(req)), uint32(len(req)))
	if _, err := conn.Write(append(b, req...)); err != nil {
		return nil, err
	}
	var head [4]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n == 0 || n > maxKDCReply {
		return nil, fmt.Errorf("answer of %d bytes", n)
	}
	reply, err := io.ReadAll(io.LimitReader(conn, int64(n)))
	if err == nil && len(reply) != int(n) {
		err = io.ErrUnexpectedEOF
	}
	return reply, err
}

func askUDP(conn net.Conn, req []byte) ([]byte, error) {
	buf := make([]byte, 64<<10)
	for range 2 {
		if _, err := conn.Write(req); err != nil {
			return nil, err
		}
		if err := conn.SetReadDeadline(time.Now().Add(udpResend)); err != nil {
			return nil, err
		}
		n, err := conn.Read(buf)
		if err == nil {
			return buf[:n], nil
		}
		var ne net.Error
		if !errors.As(err, &ne) || !ne.Timeout() {
			return nil, err
		}
	}
	return nil, errors.New("no answer")
}
