package varlink

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds of a server.
const (
	maxConnections = 256
	idleTimeout    = 30 * time.Second // of a connection, between two calls: one is made for few of them
	writeTimeout   = 30 * time.Second // of a reply that the client does not read
	pending        = 64               // replies that are collected before they are sent
)

// Error is one of an interface: its whole name, and its parameters, which may be nil.
type Error struct {
	Name       string
	Parameters any
}

func (e *Error) Error() string { return "varlink: " + e.Name }

// service is the interface that every service has (varlink.org, Service Interface).
const service = "org.varlink.service"

// The errors of org.varlink.service. ExpectedMore is newer than the others.
func methodNotFound(method string) *Error {
	return &Error{service + ".MethodNotFound", map[string]string{"method": method}}
}

func interfaceNotFound(name string) *Error {
	return &Error{service + ".InterfaceNotFound", map[string]string{"interface": name}}
}

// InvalidParameter says which parameter was wrong.
func InvalidParameter(name string) *Error {
	return &Error{service + ".InvalidParameter", map[string]string{"parameter": name}}
}

// ExpectedMore refuses a call that has several replies if the client takes but one.
func ExpectedMore() *Error { return &Error{service + ".ExpectedMore", nil} }

// Method carries a call out. It gives its replies to reply, as values that encoding/json takes; where more is not set, one at most. An *Error that it returns is the answer, and ends
// the replies; any other error ends the connection.
type Method func(ctx context.Context, parameters json.RawMessage, more bool, reply func(any) error) error

// Interface is what is served under a name.
type Interface struct {
	Name        string
	Description string // in the interface definition language of varlink
	Methods     map[string]Method
}

// Server serves interfaces. The zero value serves org.varlink.service alone.
type Server struct {
	Vendor, Product, Version, URL string
	Interfaces                    []Interface
}

// Serve serves connections until ctx ends, and closes the listener then. What is under way is cut.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	slots := make(chan struct{}, maxConnections)
	for {
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		select {
		case slots <- struct{}{}:
		default: // one more would be one too many
			_ = c.Close()
			continue
		}
		wg.Go(func() {
			defer func() { <-slots }()
			_ = s.ServeConn(ctx, c)
		})
	}
}

// ServeConn serves one connection to its end.
func (s *Server) ServeConn(ctx context.Context, c net.Conn) error {
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	r := bufio.NewReader(c)
	for {
		_ = c.SetReadDeadline(time.Now().Add(idleTimeout))
		b, err := ReadMessage(r, MaxCall)
		if err != nil {
			if errors.Is(err, io.EOF) || ctx.Err() != nil {
				return nil
			}
			return err
		}
		call, err := ParseCall(b)
		if err != nil {
			return err // who sends what is no message is not understood any more
		}
		if err := s.answer(ctx, c, &call); err != nil {
			return err
		}
	}
}

// answer carries a call out. Replies are held back by one, since the last tells that it is.
func (s *Server) answer(ctx context.Context, c net.Conn, call *Call) error {
	var out []byte
	var last *Reply
	put := func(r *Reply) error {
		if call.OneWay {
			return nil
		}
		b, err := r.Append(out)
		if err != nil {
			return err
		}
		out = b
		return nil
	}
	flush := func() error {
		if len(out) == 0 {
			return nil
		}
		_ = c.SetWriteDeadline(time.Now().Add(writeTimeout))
		_, err := c.Write(out)
		out = out[:0]
		return err
	}
	n := 0
	reply := func(v any) error {
		b, err := json.Marshal(v)
		if err != nil {
			return err
		}
		if last != nil {
			if !call.More {
				return ExpectedMore()
			}
			last.Continues = true
			if err := put(last); err != nil {
				return err
			}
			if n++; n%pending == 0 {
				if err := flush(); err != nil {
					return err
				}
			}
		}
		last = &Reply{Parameters: b}
		return nil
	}
	err := s.invoke(ctx, call, reply)
	var e *Error
	switch {
	case errors.As(err, &e):
		if last != nil && call.More {
			last.Continues = true
			if err := put(last); err != nil {
				return err
			}
		}
		r := &Reply{Error: e.Name}
		if e.Parameters != nil {
			if r.Parameters, err = json.Marshal(e.Parameters); err != nil {
				return err
			}
		}
		last = r
	case err != nil:
		return err
	case last == nil:
		last = &Reply{}
	}
	if err := put(last); err != nil {
		return err
	}
	return flush()
}

func (s *Server) invoke(ctx context.Context, call *Call, reply func(any) error) error {
	i := strings.LastIndexByte(call.Method, '.')
	name, method := call.Method[:i], call.Method[i+1:]
	if call.Upgrade {
		return &Error{service + ".MethodNotImplemented", map[string]string{"method": call.Method}}
	}
	if name == service {
		return s.describe(call, method, reply)
	}
	for _, f := range s.Interfaces {
		if f.Name == name {
			m := f.Methods[method]
			if m == nil {
				return methodNotFound(call.Method)
			}
			return m(ctx, call.Parameters, call.More, reply)
		}
	}
	return interfaceNotFound(name)
}

const serviceDescription = `# The interface that every varlink service has
interface org.varlink.service

method GetInfo() -> (vendor: string, product: string, version: string, url: string, interfaces: []string)
method GetInterfaceDescription(interface: string) -> (description: string)

error InterfaceNotFound (interface: string)
error MethodNotFound (method: string)
error MethodNotImplemented (method: string)
error InvalidParameter (parameter: string)
error PermissionDenied ()
error ExpectedMore ()
`

// describe is org.varlink.service.
func (s *Server) describe(call *Call, method string, reply func(any) error) error {
	switch method {
	case "GetInfo":
		names := []string{service}
		for _, f := range s.Interfaces {
			names = append(names, f.Name)
		}
		slices.Sort(names)
		return reply(map[string]any{"vendor": s.Vendor, "product": s.Product, "version": s.Version, "url": s.URL, "interfaces": names})
	case "GetInterfaceDescription":
		var in struct {
			Interface *string `json:"interface"`
		}
		if err := Parameters(call.Parameters, &in); err != nil {
			return err
		}
		switch {
		case in.Interface == nil:
			return InvalidParameter("interface")
		case *in.Interface == service:
			return reply(map[string]string{"description": serviceDescription})
		}
		for _, f := range s.Interfaces {
			if f.Name == *in.Interface {
				return reply(map[string]string{"description": f.Description})
			}
		}
		return interfaceNotFound(*in.Interface)
	}
	return methodNotFound(call.Method)
}

// Parameters decodes the parameters of a call. One that v has not, or of another type, is InvalidParameter; missing ones stay as they are.
func Parameters(b json.RawMessage, v any) error {
	if len(b) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil {
		return nil
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return InvalidParameter(wrong.Field)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return InvalidParameter(strings.Trim(name, `"`))
	}
	return InvalidParameter("")
}
