// Package pvfs is the POSIX file system driver: `\pvfs\srv\data\file` is the file /srv/data/file of this machine.
//
// Names are matched without regard to case, by the NTFS upcase table, where no file has the exact name; new files keep the case they are given. A
// symbolic link is never followed, at any place of a name: an open that meets one is refused with StatusStoppedOnSymlink, so that
// no name leaves the directory it seems to be in. `.` and `..` are no names.
//
// Share modes, byte-range locks, oplocks, leases and change notification are those of package fsrtl; here is only what POSIX has to do with them. What
// is open is known by device and inode, so that hard links and renames by others lead to the same file.
//
// # What it does not do
//
// Named streams and extended attributes are not here. Files have no security descriptors of their own: what the process may do with a file, the
// share's descriptor lets its users do. Notification hears of what goes through this driver, not of what local programs do. Requests run on the
// goroutine that submits them.
//
// # Lock order
//
//	volume.mu (what is open)
//	  node.mu (names, deletion)
//	file.mu (directory listing, watch)
//
// The machines of fsrtl are called with none of them held.
package pvfs
