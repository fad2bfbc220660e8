// Package devctl makes device controls of the calls of an IDL interface: a driver serves the interface on its device, a client calls it
// with the generated client, and no payload is laid out by hand.
//
// The control's code is CTL_CODE(FILE_DEVICE_NETWORK_FILE_SYSTEM, 0x800+opnum, METHOD_BUFFERED, FILE_ANY_ACCESS); its input is the stub of the
// request, its output that of the response, in little-endian NDR 2.0.
//
//	// the driver's file
//	func (f *file) DeviceControl(r *api.Request) { devctl.Serve(srvctl.SrvctlInterface, f.server, f.token, r) }
//
//	// its client
//	dev, err := devctl.Open(ctx, a, `\srv`)
//	res, err := srvctl.NewClient(dev).SrvShareEnum(ctx, &srvctl.SrvShareEnumRequest{})
package devctl

import (
	"context"
	"errors"
	"fmt"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/ndr"
)

const (
	firstFunction = 0x800
	maxFunction   = 0xfff
	maxResponse   = 8 << 20
)

// Code is the control code of an operation.
func Code(opnum uint16) uint32 {
	return nt.FileDeviceNetworkFileSystem<<16 | (firstFunction+uint32(opnum))<<2
}

func opnumOf(code uint32) (uint16, bool) {
	f := code >> 2 & 0xfff
	return uint16(f - firstFunction), f >= firstFunction && code == Code(uint16(f-firstFunction))
}

// Serve answers a device control with a method of impl, which gets a Call with the token. The method runs on a goroutine of its own, since it may
// wait; the request is pended and ends the method's context when it is cancelled. An output that has no room is answered with
// StatusBufferTooSmall and the room that is needed; the method has then been called, so clients give small answers room beforehand.
func Serve(iface *rpc.Interface, impl any, token *nt.Token, r *api.Request) {
	opnum, ok := opnumOf(r.Code)
	op := iface.Op(opnum)
	if !ok || op == nil {
		r.Complete(nt.StatusInvalidDeviceRequest, 0)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	if !r.Pend(func(*api.Request) { cancel() }) {
		cancel()
		r.Complete(nt.StatusCancelled, 0)
		return
	}
	go func() {
		defer cancel()
		call := &rpc.Call{Interface: iface, Opnum: opnum, Token: token, Transport: rpc.TransportLocal}
		enc := ndr.NewEncoder(nil)
		if err := op.Invoke(ctx, impl, call, ndr.NewDecoder(r.In, ndr.LittleEndian), enc); err != nil {
			r.Complete(statusOf(err), 0)
			return
		}
		if err := enc.Err(); err != nil {
			r.Complete(nt.StatusInternalError, 0)
			return
		}
		r.Reply(enc.Bytes())
	}()
}

func statusOf(err error) nt.Status {
	var status nt.Status
	if errors.As(err, &status) {
		return status
	}
	switch rpc.FaultOf(err) {
	case rpc.FaultOpRange:
		return nt.StatusInvalidDeviceRequest
	case rpc.FaultAccessDenied:
		return nt.StatusAccessDenied
	case rpc.FaultNDR:
		return nt.StatusInvalidParameter
	}
	return nt.StatusOf(err)
}

// Conn is an open of a device as an rpc.Caller.
type Conn struct {
	a api.API
	h api.Handle
}

var _ rpc.Caller = (*Conn)(nil)

// Open opens a device that serves an interface.
func Open(ctx context.Context, a api.API, device string) (*Conn, error) {
	h, err := a.CreateFile(ctx, &api.CreateArgs{Name: device, DesiredAccess: nt.FileReadData | nt.FileWriteData | nt.Synchronize,
		ShareAccess: nt.FileShareRead | nt.FileShareWrite, Disposition: nt.FileOpen})
	if err != nil {
		return nil, fmt.Errorf("open device %s: %w", device, err)
	}
	return &Conn{a: a, h: h}, nil
}

// Close closes the device.
func (c *Conn) Close() error { return c.a.Close(c.h) }

// Call makes a call as one device control.
func (c *Conn) Call(ctx context.Context, opnum uint16, in func(*ndr.Encoder), out func(*ndr.Decoder) error) error {
	if opnum > maxFunction-firstFunction {
		return nt.StatusInvalidDeviceRequest
	}
	enc := ndr.NewEncoder(nil)
	in(enc)
	if err := enc.Err(); err != nil {
		return err
	}
	buf := make([]byte, 4096)
	for range 4 {
		n, err := c.a.DeviceIoControlFile(ctx, c.h, Code(opnum), enc.Bytes(), buf)
		if errors.Is(err, nt.StatusBufferTooSmall) && n > len(buf) && n <= maxResponse {
			buf = make([]byte, n+n/8) // the answer may have grown by the next try
			continue
		}
		if err != nil {
			return err
		}
		return out(ndr.NewDecoder(buf[:n], ndr.LittleEndian))
	}
	return nt.StatusBufferTooSmall
}
