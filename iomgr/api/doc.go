// Package api is the Nt file API: what every client of the I/O manager and every driver is written against.
//
// A client holds an [API]: the manager itself in process, or a connection to another process's. It calls the synchronous
// methods (CreateFile, ReadFile, …), each a thin layer over [Submitter.Submit], or submits a [Request] and is told by its
// Done function. A driver fills a [Registration]; its device makes files, its files complete requests, at once or later:
//
//	func (f *file) Read(r *api.Request) {
//		f.mu.Lock()
//		if len(f.data) == 0 && r.Pend(f.cancelRead) { // stays queued until data comes or r is cancelled
//			f.readers = append(f.readers, r)
//			f.mu.Unlock()
//			return
//		}
//		…
//		r.Complete(nt.StatusSuccess, n)
//	}
//
// Names at this layer are `\device\rest`; only the backslash separates and nothing is collapsed. Strings are WTF-8, so that
// every UTF-16 name has one.
//
// # Life of a file
//
// CreateFile makes a [File] and a handle to it. Each request under way holds a reference. Close of the last handle calls the driver's
// Cleanup at once: locks go, what is pended ends. The driver's Close comes when the last reference has gone, after which nothing reaches
// the driver's object again.
//
// # Lock order
//
//	Device.mu (list of files)
//	  File.mu (list of pended requests)
//
// Both are leaves for drivers: no driver function is called under them, and a driver may hold its own locks when it calls
// Pend. It must hold none when it calls Complete, because Done may submit the next request from there.
package api
