// Package pipes is the named pipe API: the calls of Win32 over any [api.API], and pipes as net.Listener and net.Conn.
//
// A service listens and a client dials; both sides are ordinary Go network code:
//
//	l, err := pipes.Listen(ctx, m, "srvsvc", pipes.Config{Message: true})
//	conn, err := l.Accept()
//
//	conn, err := pipes.Dial(ctx, m, `\npfs\srvsvc`, pipes.DialConfig{Message: true})
//
// The conns that Accept gives know their client: see [Conn.Token], [Conn.SessionKey], [Conn.ClientName], [Conn.Transport]. Those that Dial
// gives can make a write and the read of its answer one request: see [Conn.Transact]. A name that the redirector leads to another machine
// (`\rdr\server\IPC$\srvsvc`) is dialled like any other; that conn too knows its [Conn.SessionKey].
//
// The functions named after Win32's (CreateNamedPipe, ConnectNamedPipe, …) take the API and a handle and do what MS documents for them, with a
// context where Win32 has a thread's wait.
package pipes
