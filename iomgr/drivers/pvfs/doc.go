// Package pvfs is the POSIX file system driver: `\pvfs\srv\data\file` is the file /srv/data/file of this machine.
//
// Names are matched without regard to case, by the NTFS upcase table, where no file has the exact name; new files keep the case they are given. A
// symbolic link is never followed, at any place of a name: an open that meets one is refused with StatusStoppedOnSymlink, so that
// no name leaves the directory it seems to be in. `.` and `..` are no names.
//
// # What it does not do
//
// Share modes, byte-range locks, oplocks, named streams, extended attributes and change notification are not here: they belong to
// the code that all file system drivers will share. Files have no security descriptors of their own: what the process may do with a file, the share's
// descriptor lets its users do. Requests run on the goroutine that submits them.
//
// # Lock order
//
//	volume.mu (files whose deletion is pending)
//	  file.mu (directory listing)
package pvfs
