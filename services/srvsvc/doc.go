// Package srvsvc is the server service (MS-SRVS): shares, sessions, connections and open files of the SMB server,
// administered from afar. It keeps nothing of its own: every call becomes a device control of `\srv` (idl/srvctl.idl), so that it works the
// same inside the daemon that serves and in a process of its own.
//
//	svc := srvsvc.New(srvsvc.Config{API: manager}) // or an ipc.Client
//	defer svc.Close()
//	err := svc.Register(rpcServer)
//
// What it adds to the device is the interface: levels, paging, which parameter was wrong, and who may ask. The device takes the service
// for the administrator that it is; the caller of a method is judged here.
//
// # Who may what
//
//	share levels 0, 1, 501, 1004, 1005; session levels 0, 10; server levels 100, 101; share check; time    any authenticated user
//	all else that reads, and every change                                                                administrators
//	names and paths, which say nothing about the server                                                  everybody who has the pipe
//
// An administrator is in BUILTIN\Administrators, or the system itself. The anonymous get ERROR_ACCESS_DENIED unless
// [Config].Anonymous lets them see share levels 0 and 1, and 501 and 1005 of a share that they name.
//
// # What is not here
//
// Operations that speak of what the server has not answer ERROR_NOT_SUPPORTED: character devices and their queues (0 to
// 7), changing transports (25, 27, 41, 53), file security past the SMB session that checks it (39, 40), DFS (43 to 52), and aliases (54 and 56; 55
// lists none).
package srvsvc
