package api

import (
	"context"
	"log/slog"
	"sync"

	"lwio/iomgr/nt"
)

// DriverEntry fills a registration. It has no other effect: no goroutine, no file, no device.
type DriverEntry func(*Registration) error

// Registration is what a driver tells the manager. Every phase may be nil.
type Registration struct {
	Name string
	// Start brings the driver up: it creates its devices on host.
	Start func(ctx context.Context, host Host) error
	// Stop ends what Start began. The manager has refused new opens and run down the files of the driver's devices before.
	Stop func(ctx context.Context) error
	// Unload is the last call.
	Unload func()
}

// Host is the manager as a starting driver sees it.
type Host interface {
	CreateDevice(name string, impl DeviceImpl) (*Device, error)
	API() API
	Log() *slog.Logger
}

// DeviceImpl is a driver's own device.
type DeviceImpl interface {
	// Create opens r.File(), the rest of whose name is r.File().Path. On success it calls SetImpl, grants access and completes.
	Create(r *Request)
	// CreateNamedPipe makes an instance of a pipe.
	CreateNamedPipe(r *Request)
}

// Device is a name below the root of the namespace.
type Device struct {
	name   string
	driver string

	counters [stripes]stripe

	mu     sync.Mutex
	closed bool               // guarded by mu: no opens any more
	files  map[*File]struct{} // guarded by mu
	idle   chan struct{}      // guarded by mu: closed when files is empty and closed is set

	impl DeviceImpl
}

// NewDevice makes a device; the manager calls it.
func NewDevice(name, driver string, impl DeviceImpl) *Device {
	return &Device{name: name, driver: driver, impl: impl, files: make(map[*File]struct{}), idle: make(chan struct{})}
}

// Name is the device's name without a backslash.
func (d *Device) Name() string { return d.name }

// Driver is the name of the driver that created it.
func (d *Device) Driver() string { return d.driver }

// Impl is the driver's own object.
func (d *Device) Impl() DeviceImpl { return d.impl }

// OpenFiles counts the files of the device.
func (d *Device) OpenFiles() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.files)
}

func (d *Device) add(f *File) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return false
	}
	d.files[f] = struct{}{}
	return true
}

func (d *Device) remove(f *File) {
	d.mu.Lock()
	delete(d.files, f)
	if d.closed && len(d.files) == 0 {
		select {
		case <-d.idle:
		default:
			close(d.idle)
		}
	}
	d.mu.Unlock()
}

// Rundown refuses new opens, closes every handle to the device's files and waits until the last file has gone, or for ctx.
func (d *Device) Rundown(ctx context.Context) error {
	d.mu.Lock()
	d.closed = true
	files := make([]*File, 0, len(d.files))
	for f := range d.files {
		files = append(files, f)
	}
	if len(files) == 0 {
		select {
		case <-d.idle:
		default:
			close(d.idle)
		}
	}
	d.mu.Unlock()
	for _, f := range files {
		f.CloseHandle()
	}
	select {
	case <-d.idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// DefaultDevice answers creates with StatusInvalidDeviceRequest; embed it and write what the device does.
type DefaultDevice struct{}

// Create refuses.
func (DefaultDevice) Create(r *Request) { r.Complete(nt.StatusInvalidDeviceRequest, 0) }

// CreateNamedPipe refuses: the device is no pipe file system.
func (DefaultDevice) CreateNamedPipe(r *Request) { r.Complete(nt.StatusInvalidDeviceRequest, 0) }
