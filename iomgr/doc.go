// Package iomgr is the I/O manager: one namespace of devices, the drivers behind them, and the requests on their way.
//
//	m := iomgr.New(iomgr.Config{})
//	err := m.Load(ctx, npfs.DriverEntry(npfs.Config{}))
//	h, err := m.CreateFile(ctx, &api.CreateArgs{Name: `\npfs\srvsvc`, DesiredAccess: nt.GenericRead | nt.GenericWrite, Disposition: nt.FileOpen})
//
// The manager implements [api.API] in process; package ipc carries the same API to other processes. It knows no file system and no
// protocol. Drivers are loaded explicitly by the program, never by an init function.
//
// # Lock order
//
//	Manager.loadMu (one load or unload at a time; held while a driver starts and stops)
//	  Manager.mu (tables of drivers and devices)
//
// The path of a request takes neither: it reads the device table through an atomic pointer.
package iomgr
