// Package varlink speaks the varlink protocol (varlink.org) over unix sockets: calls and replies are JSON objects, each ended by a NUL octet. It is for
// services of the system that ask in it; what is served here is in package userdb. It knows no interface but org.varlink.service, of which every service has to be able to tell.
//
//	s := &varlink.Server{Product: "lwio", Interfaces: []varlink.Interface{{Name: "io.example", Description: text, Methods: map[string]varlink.Method{"Ping": ping}}}}
//	err := s.Serve(ctx, listener)
//
//	c, err := varlink.Dial(ctx, "/run/io.example")
//	err = c.Call(ctx, "io.example.Ping", in, func(out json.RawMessage) error { … })
//
// Messages of peers are bounded before they are kept, and decoded once they are whole. Calls of one connection are carried out one after the other, in the order in which they
// came, as the protocol wants it. Upgrades to another protocol are not taken.
package varlink

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Bounds of a message, without the NUL: of any, and of one that a server takes.
const (
	MaxMessage = 1 << 20
	MaxCall    = 64 << 10
)

// Errors of messages.
var (
	ErrMessage  = errors.New("varlink: not a message")
	ErrTooLarge = errors.New("varlink: message too large")
)

// Call asks for a method.
type Call struct {
	Method     string          `json:"method"`
	Parameters json.RawMessage `json:"parameters,omitempty"`
	OneWay     bool            `json:"oneway,omitempty"` // nobody waits for a reply
	More       bool            `json:"more,omitempty"`   // there may be several replies
	Upgrade    bool            `json:"upgrade,omitempty"`
}

// Reply answers a call, or a part of one.
type Reply struct {
	Parameters json.RawMessage `json:"parameters,omitempty"`
	Continues  bool            `json:"continues,omitempty"` // there are more replies
	Error      string          `json:"error,omitempty"`
}

// object checks that a message is one JSON object in UTF-8.
func object(b []byte) error {
	if !utf8.Valid(b) || len(b) == 0 || b[0] != '{' || !json.Valid(b) {
		return ErrMessage
	}
	return nil
}

// parameters checks that what came as parameters is an object, or nothing.
func parameters(b json.RawMessage) (json.RawMessage, error) {
	b = bytes.TrimSpace(b)
	if len(b) == 0 || string(b) == "null" {
		return nil, nil
	}
	if b[0] != '{' {
		return nil, ErrMessage
	}
	return b, nil
}

// ParseCall reads a call.
func ParseCall(b []byte) (c Call, err error) {
	if err := object(b); err != nil {
		return c, err
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return Call{}, fmt.Errorf("%w: %v", ErrMessage, err)
	}
	if c.Parameters, err = parameters(c.Parameters); err != nil {
		return Call{}, err
	}
	if !validName(c.Method, 2) || c.OneWay && (c.More || c.Upgrade) {
		return Call{}, ErrMessage
	}
	return c, nil
}

// ParseReply reads a reply.
func ParseReply(b []byte) (r Reply, err error) {
	if err := object(b); err != nil {
		return r, err
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return Reply{}, fmt.Errorf("%w: %v", ErrMessage, err)
	}
	if r.Parameters, err = parameters(r.Parameters); err != nil {
		return Reply{}, err
	}
	if r.Error != "" && (!validName(r.Error, 2) || r.Continues) {
		return Reply{}, ErrMessage
	}
	return r, nil
}

// validName checks the name of a method or an error: at least so many parts with dots between, of letters, digits and inner hyphens.
func validName(s string, parts int) bool {
	if len(s) > 255 {
		return false
	}
	n := 0
	for part := range strings.SplitSeq(s, ".") {
		if part == "" || strings.Trim(part, "-") != part {
			return false
		}
		for i := range len(part) {
			if c := part[i]; !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-') {
				return false
			}
		}
		n++
	}
	return n >= parts
}

// Append appends the call with its NUL.
func (c *Call) Append(b []byte) ([]byte, error) { return appendMessage(b, c) }

// Append appends the reply with its NUL.
func (r *Reply) Append(b []byte) ([]byte, error) { return appendMessage(b, r) }

func appendMessage(b []byte, v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return b, err
	}
	if len(text) > MaxMessage {
		return b, ErrTooLarge
	}
	return append(append(b, text...), 0), nil
}

// ReadMessage reads up to the next NUL, which it leaves out, at most limit octets. io.EOF is between two messages, io.ErrUnexpectedEOF within one.
func ReadMessage(r *bufio.Reader, limit int) ([]byte, error) {
	var out []byte
	for {
		part, err := r.ReadSlice(0)
		if len(out)+len(part) > limit+1 {
			return nil, ErrTooLarge
		}
		out = append(out, part...)
		switch {
		case err == nil:
			return out[:len(out)-1], nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(out) > 0:
			return nil, io.ErrUnexpectedEOF
		default:
			return nil, err
		}
	}
}
