// Package memfs is a file system in memory, `\memfs`: the example for those who write a driver, and a place for tests that want no disk.
//
// It has directories, files, security descriptors, share modes, byte-range locks, oplocks and leases, change notification, rename and deletion,
// and quotas of each owner. The most come of package fsrtl, of [api.QuotaFile] and of [nt.AccessCheck]; what is here is the tree of nodes, and when
// to ask whom. It has no streams, extended attributes or links, and everything is lost with the process.
//
//	manager.Load(ctx, memfs.DriverEntry(memfs.Config{Capacity: 1 << 30}))
//	manager.CreateFile(ctx, &api.CreateArgs{Name: `\memfs\f`, DesiredAccess: nt.GenericAll, Disposition: nt.FileCreate})
//
// # Lock order
//
//	volume.mu (the tree, and all that nodes hold)
//	file.mu (where a listing stands; the watch)
//
// A machine of fsrtl calls back into requests, and a request's end may begin the next one: none is called, and no request completed, under a lock.
package memfs
