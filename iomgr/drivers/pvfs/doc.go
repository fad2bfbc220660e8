// Package pvfs is the POSIX file system driver: `\pvfs\srv\data\file` is the file /srv/data/file of this machine.
//
// Names are matched without regard to case, by the NTFS upcase table, where no file has the exact name; new files keep the case they are given. `.` and
// `..` are no names.
//
// A symbolic link is followed where an open says through which share it comes (fsrtl.ShareOptions), as long as the way stays below that share's
// directory; absolute targets do not. What a link leads to elsewhere is not there, in listings neither. Without a share an open that meets a link is refused with
// StatusStoppedOnSymlink. Who deletes or renames means the link, as does who sets FILE_OPEN_REPARSE_POINT: see linkwalk.go and reparse.go.
//
// Share modes, byte-range locks, oplocks, leases and change notification are those of package fsrtl; here is only what POSIX has to do with them. What
// is open is known by device and inode, so that hard links and renames by others lead to the same file.
//
// # What is kept beside a file
//
// What POSIX has no place for is in extended attributes: DOS attributes and times (user.lwio.dos), named streams (user.lwio.stream.NAME), the
// security descriptor (user.lwio.sd), reparse points that are no symbolic links (user.lwio.reparse). The extended attributes that clients know are those of the namespace user. A file system without
// them keeps read-only, the names, the data and nothing else. Streams of more than 2 KiB are files in a folder `.lwio.streams` beside
// theirs, which clients do not see; what of them survives which crash and which local program is said in streamstore.go.
//
// # What local programs do
//
// Who watches a directory hears of what local programs change in it as of what goes through this driver. That is Linux's alone (5.9 and later for root,
// 5.13 for others), and not where something forbids fanotify(7), as some containers do: see localChanges. What other threads of this very process do to the files beside
// the driver is not heard of.
//
// With Config.KernelOplocks, or on a share that asks for it, a local program that opens a file waits for the client which caches it: see kernelLeases.
//
// # What it does not do
//
// Requests run on the goroutine that submits them. Compression and encryption are not offered, nor are extended attributes that forbid an open by those who do not know them (FILE_NEED_EA).
//
// # Lock order
//
//	streamData.mu (the content of a named stream), kernelLeases.mu (leases of the kernel)
//	  volume.mu (what is open)
//	    node.mu (names, deletion, times, named streams)
//	localChanges.mu (which directories are listened to)
//	file.mu (directory listing, watch)
//	nameCache.mu, tunnel.mu
//
// The machines of fsrtl are called with none of them held but, to be asked, with node.mu.
package pvfs
