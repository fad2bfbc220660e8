// Package iofs shows a directory of the I/O manager's namespace as a file system of Go: fs.FS and its optional interfaces for what reads, and beside
// them the calls of package os for what writes. What lies below the directory may be a share of another machine, files of this one, or memory; the
// program cannot tell.
//
//	files := iofs.New(m, `\rdr\fs1.example\projects`, iofs.Config{Contexts: []any{credential}})
//	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error { … })
//	f, err := files.OpenFile("plan/2026.txt", os.O_RDWR|os.O_CREATE, 0)
//	n, err := f.WriteAt(b, 4096) // may be called by several goroutines at once
//
// Names are those of package fs: elements with slashes between them, without one at either end, "." for the directory itself. An element has no
// backslash and no colon, which separate elements and streams below; the rules of the file system for the rest (`<`, `>`, `"`, `|`, `?`, `*`, names of
// 255 UTF-16 units) come back as errors from there. Letters are found without regard to case where the file system does so.
//
// Errors are *fs.PathError or *os.LinkError around the nt.Status that the file system gave, in which errors.Is finds fs.ErrNotExist, fs.ErrExist,
// fs.ErrPermission and fs.ErrInvalid. Permission bits show the read-only attribute and nothing else: who may do what, a security descriptor decides,
// which File.Handle leads to.
//
// It is not for named pipes (package pipes) nor for what has no counterpart in package os: locks, oplocks, streams, notification. For those the handle
// of an open file goes to the calls of package api.
//
// An FS is safe for use by several goroutines, and so is a File, whose Read, Write and Seek share one position.
package iofs
