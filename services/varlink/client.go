package varlink

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"time"
)

// Client is a connection to a service. It is for one goroutine.
type Client struct {
	c net.Conn
	r *bufio.Reader
}

// Dial connects to the socket of a service.
func Dial(ctx context.Context, path string) (*Client, error) {
	c, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	return NewClient(c), nil
}

// NewClient speaks over a connection, which it owns from then on.
func NewClient(c net.Conn) *Client { return &Client{c, bufio.NewReader(c)} }

// Close ends the connection.
func (c *Client) Close() error { return c.c.Close() }

// Call calls a method and gives its one reply to each. A context that ends before the reply is there ends the connection.
func (c *Client) Call(ctx context.Context, method string, in any, each func(json.RawMessage) error) error {
	return c.call(ctx, method, in, false, each)
}

// CallMore calls a method and gives all its replies to each, in their order. An error of each ends the connection, since more replies may be on their way.
func (c *Client) CallMore(ctx context.Context, method string, in any, each func(json.RawMessage) error) error {
	return c.call(ctx, method, in, true, each)
}

func (c *Client) call(ctx context.Context, method string, in any, more bool, each func(json.RawMessage) error) (err error) {
	call := Call{Method: method, More: more}
	if in != nil {
		if call.Parameters, err = json.Marshal(in); err != nil {
			return err
		}
	}
	b, err := call.Append(nil)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := c.c.Write(b); err != nil {
		return err
	}
	for {
		b, err := ReadMessage(c.r, MaxMessage)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		r, err := ParseReply(b)
		if err != nil {
			return err
		}
		if r.Error != "" {
			e := &Error{Name: r.Error}
			if len(r.Parameters) > 0 {
				e.Parameters = r.Parameters
			}
			return e
		}
		if each != nil {
			if err := each(r.Parameters); err != nil {
				_ = c.c.Close()
				return err
			}
		}
		if !r.Continues {
			return nil
		}
		if !more {
			return fmt.Errorf("%w: a reply continues that was to be one", ErrMessage)
		}
	}
}
