package iomgr

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// Errors of loading and unloading.
var (
	ErrDriverExists   = errors.New("a driver of that name is loaded")
	ErrDriverNotFound = errors.New("no driver of that name is loaded")
	ErrDeviceExists   = errors.New("a device of that name exists")
	ErrDeviceName     = errors.New(`a device name is not empty and has no backslash`)
)

// driver is a loaded driver; it is the Host that the driver sees.
type driver struct {
	m       *Manager
	reg     api.Registration
	devices []*api.Device // guarded by m.mu
}

// DriverInfo describes a loaded driver.
type DriverInfo struct {
	Name    string
	Devices []DeviceInfo
}

// DeviceInfo describes a device. Requests has a row for each operation that was asked for.
type DeviceInfo struct {
	Name     string
	Files    int
	Requests []RequestInfo
}

// RequestInfo counts the requests of one kind.
type RequestInfo struct {
	Op                       string
	Requests, Failed, Pended uint64
}

// Load runs a driver's entry and starts it. A driver whose start fails leaves nothing behind.
func (m *Manager) Load(ctx context.Context, entry api.DriverEntry) error {
	m.loadMu.Lock()
	defer m.loadMu.Unlock()
	d := &driver{m: m}
	if err := entry(&d.reg); err != nil {
		return fmt.Errorf("load driver: %w", err)
	}
	if d.reg.Name == "" {
		return errors.New("load driver: the registration has no name")
	}
	m.mu.Lock()
	for _, o := range m.loaded {
		if nt.EqualFold(o.reg.Name, d.reg.Name) {
			m.mu.Unlock()
			return fmt.Errorf("load driver %s: %w", d.reg.Name, ErrDriverExists)
		}
	}
	m.loaded = append(m.loaded, d)
	m.mu.Unlock()
	if d.reg.Start != nil {
		if err := d.reg.Start(ctx, d); err != nil {
			_ = d.teardown(ctx)
			return fmt.Errorf("start driver %s: %w", d.reg.Name, err)
		}
	}
	m.log.Debug("driver started", "driver", d.reg.Name)
	return nil
}

// Unload stops a driver: opens are refused, its files closed and run down, then Stop and Unload are called. If ctx ends before the last file
// has gone, or Stop fails, the driver is gone from the namespace all the same and the error says what was left.
func (m *Manager) Unload(ctx context.Context, name string) error {
	m.loadMu.Lock()
	defer m.loadMu.Unlock()
	m.mu.Lock()
	i := slices.IndexFunc(m.loaded, func(d *driver) bool { return nt.EqualFold(d.reg.Name, name) })
	var d *driver
	if i >= 0 {
		d = m.loaded[i]
	}
	m.mu.Unlock()
	if d == nil {
		return fmt.Errorf("unload driver %s: %w", name, ErrDriverNotFound)
	}
	return m.unload(ctx, d)
}

func (m *Manager) unload(ctx context.Context, d *driver) error {
	err := d.teardown(ctx)
	if d.reg.Stop != nil {
		if e := d.reg.Stop(ctx); e != nil {
			err = errors.Join(err, fmt.Errorf("stop driver %s: %w", d.reg.Name, e))
		}
	}
	if d.reg.Unload != nil {
		d.reg.Unload()
	}
	return err
}

// Shutdown unloads every driver, the last loaded first.
func (m *Manager) Shutdown(ctx context.Context) error {
	m.loadMu.Lock()
	defer m.loadMu.Unlock()
	var errs []error
	for {
		m.mu.Lock()
		n := len(m.loaded)
		var d *driver
		if n > 0 {
			d = m.loaded[n-1]
		}
		m.mu.Unlock()
		if d == nil {
			return errors.Join(errs...)
		}
		if err := m.unload(ctx, d); err != nil {
			errs = append(errs, err)
		}
	}
}

// Drivers describes what is loaded, in load order.
func (m *Manager) Drivers() []DriverInfo {
	m.mu.Lock()
	loaded := slices.Clone(m.loaded)
	devices := make([][]*api.Device, len(loaded))
	for i, d := range loaded {
		devices[i] = slices.Clone(d.devices)
	}
	m.mu.Unlock()
	out := make([]DriverInfo, len(loaded))
	for i, d := range loaded {
		out[i].Name = d.reg.Name
		for _, dev := range devices[i] {
			out[i].Devices = append(out[i].Devices, describe(dev))
		}
	}
	return out
}

func describe(dev *api.Device) DeviceInfo {
	info := DeviceInfo{Name: dev.Name(), Files: dev.OpenFiles()}
	for op := range api.NumOps {
		if c := dev.Counters(op); c.Requests > 0 {
			info.Requests = append(info.Requests, RequestInfo{op.String(), c.Requests, c.Failed, c.Pended})
		}
	}
	return info
}

// teardown takes the driver and its devices out of the namespace and runs the devices down.
func (d *driver) teardown(ctx context.Context) error {
	m := d.m
	m.mu.Lock()
	m.loaded = slices.DeleteFunc(m.loaded, func(o *driver) bool { return o == d })
	devices := d.devices
	d.devices = nil
	table := maps.Clone(*m.devices.Load())
	maps.DeleteFunc(table, func(_ string, dev *api.Device) bool { return slices.Contains(devices, dev) })
	m.devices.Store(&table)
	m.mu.Unlock()
	var errs []error
	for _, dev := range devices {
		if err := dev.Rundown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("device %s: %d files are still open: %w", dev.Name(), dev.OpenFiles(), err))
		}
	}
	return errors.Join(errs...)
}

// CreateDevice puts a device into the namespace.
func (d *driver) CreateDevice(name string, impl api.DeviceImpl) (*api.Device, error) {
	if name == "" || strings.Contains(name, `\`) {
		return nil, fmt.Errorf("create device %q: %w", name, ErrDeviceName)
	}
	m := d.m
	m.mu.Lock()
	defer m.mu.Unlock()
	old := *m.devices.Load()
	up := nt.Upcase(name)
	if old[up] != nil {
		return nil, fmt.Errorf("create device %s: %w", name, ErrDeviceExists)
	}
	dev := api.NewDevice(name, d.reg.Name, impl)
	table := maps.Clone(old)
	table[up], table[name] = dev, dev
	m.devices.Store(&table)
	d.devices = append(d.devices, dev)
	return dev, nil
}

// API is the manager's own call set.
func (d *driver) API() api.API { return d.m }

// Log is the manager's log, marked with the driver's name.
func (d *driver) Log() *slog.Logger { return d.m.log.With("driver", d.reg.Name) }
