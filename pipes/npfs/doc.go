// Package npfs is the named pipe file system: a driver of the I/O manager whose files are the ends of pipes.
//
// A server makes an instance of a pipe with CreateNamedPipeFile on `\npfs\name`, waits for a client with FSCTL_PIPE_LISTEN, and lets it go with
// FSCTL_PIPE_DISCONNECT. A client opens `\npfs\name` with CreateFile and is connected to the instance that has listened longest. Everything
// else is reads, writes and the controls of MS-FSCC 2.3.28 to 2.3.33. Programs use package pipes, which wraps these calls.
//
// A pipe is of byte or message type, as its first instance says; each end reads it in byte or, on a message pipe, in message mode. A message that does
// not fit the reader's buffer comes with StatusBufferOverflow and its first part; the rest stays for the next read. Clients from the
// network (a create with api.Peer) start in the pipe's own mode, as a Windows server opens pipes for them; local ones start in byte mode.
//
// What an instance holds in memory is bounded by the quotas that it was created with: data that does not fit stays in the
// writer's request, which is pended. An end that is open and idle costs well under 1 KiB.
//
// # Lock order
//
//	fs.mu (names)
//	  pipe.mu (instances, who listens, who waits)
//	    instance.mu (state and data)
//
// Requests are completed with none of them held: the code under a lock collects them in completions, which run after.
package npfs
