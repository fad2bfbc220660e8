// Package server serves RPC interfaces over connections: associations, presentation contexts, authentication, fragments,
// calls and context handles (C706 chapters 9 to 12, MS-RPCE 3.3). A net.Conn is all it needs, so one server answers on
// named pipes, TCP and Unix sockets; it knows nothing of what carries it.
//
//	s := server.New(server.Config{Mechanisms: map[uint8]auth.Mechanism{rpc.AuthTypeSPNEGO: spnego}})
//	if err := s.Register(srvsvc.SrvsvcInterface, service{}); err != nil { … }
//	err := s.Serve(listener)
//
// Who calls is the RPC authentication's Token where the client authenticated, else the transport's. A connection tells of
// its peer by methods that are found by assertion:
//
//	Token() *nt.Token                         who opened it; without it the caller is anonymous
//	SessionKey() []byte                       of the transport
//	ClientName() string                       what the client calls itself
//	Transport() (protseq, endpoint string)    "ncacn_np", `\PIPE\srvsvc`; TCP and Unix addresses are understood without it
//	Activity() (connection, session, message uint64)   which request of SMB brought what was read last; asked while calls are traced
//
// # What ends an association and what does not
//
// A call that fails is a fault, and the association lives: an unknown operation, input that does not decode, a method's error, a panic, a
// denied caller. Broken framing, a wrong verifier, a failed authentication or a request over the limits end it, after a fault
// where there is a call to give one to.
//
// # Policy, and who looks on
//
// A Policy and the registration say which calls are made; Explain says what they would say of one, and an Audit writes down what is refused, within bounds. A
// Tracer shows calls to Followers, with their stub data as it is: who shows them to people leaves out what is secret (services/rpcctl). OpStats counts.
//
// # Goroutines and memory
//
// A connection has one goroutine, which reads; one that can be read without (it has OnRead and StartRead, as the ends of pipes have) has none, and what comes is taken
// in by who wrote it, or by a goroutine of its own. A call without another beside it runs on the goroutine that read it, and reading goes on
// meanwhile: by the next read's, or by one that relieves it after a moment. Other calls have one each while they run. An idle connection holds a kilobyte of buffer; all
// larger ones are pooled. Calls of one connection run one after another, unless the client negotiated PFC_CONC_MPX: then up to Config.MaxCalls run at
// once. The methods' contexts end with the connection and by cancel and orphaned PDUs.
//
// Every fragment is one Write, so a message-mode pipe has a fragment a message. The fragments of one response are never mixed with those
// of another.
//
// # Lock order
//
//	Server.mu                  listeners, connections
//	    Groups.mu              association groups
//	    conn.mu                running calls
//	conn.wmu                   what is written, and the sending half of security contexts; held over Write
//
// Neither conn.mu nor Server.mu is held while a method runs or a connection is read or written.
package server
