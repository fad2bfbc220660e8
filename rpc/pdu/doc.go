// Package pdu is the wire form of connection-oriented DCE/RPC: the PDUs of C706 chapter 12 with the additions of
// MS-RPCE 2.2.2. It is a leaf: bytes in, structures out. It opens nothing, keeps no state and knows no interface; rpc/server and
// rpc/client hold the associations.
//
// A reader takes a header, waits for FragLength bytes and parses the whole fragment by its type:
//
//	h, err := pdu.ParseHeader(b)
//	…
//	switch h.Type {
//	case pdu.TypeBind:
//		bind, err := pdu.ParseBind(b[:h.FragLength])
//
// Both byte orders are read; what is appended is little-endian. Byte strings of parsed structures alias the input. A Parse function
// takes exactly one fragment: input that is shorter or longer than its FragLength is ErrLength.
//
// Requests and responses are also built in place, since they are signed and sealed in place: AppendRequestHeader and its like
// begin a fragment, AppendTrailer and SetLengths end it.
package pdu
