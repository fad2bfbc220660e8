// Package smb2 is the wire codec of SMB 2 and 3 (MS-SMB2): headers, every command, negotiate and create contexts, the
// payloads of the SMB controls, framing on TCP, key derivation, signing and sealing. Server and client share it.
//
// It holds no sockets, no sessions and no policy: whether a request is allowed, which dialect wins and what a field means
// for an open is the business of the packages that import it.
//
// # Bodies and offsets
//
// A message is a 64-byte header and a body. Header and body are handled apart: a receiver parses the header once, looks at
// its Command and hands the body to ParseXRequest or ParseXResponse. The offset fields of a body count from the start of
// the header; since the body always begins 64 bytes after it, an offset field o names byte o-64 of the body, and neither
// Parse nor Append needs to see the header. Append therefore may write to any position of a buffer, provided that in the
// end 64 bytes of header stand right before what it wrote:
//
//	b = (&smb2.Header{Command: smb2.Echo, MessageID: 7}).Append(b)
//	b = (&smb2.EchoRequest{}).Append(b)
//
// Alignment inside a body is relative to the body's first byte, which is the same as relative to the header.
// In a compound each message starts at a multiple of eight from the first one: see AppendPadding and SetNextCommand.
//
// # Parsing
//
// Parsed structs alias the input: byte slices point into it, with their capacity cut to their length, and are valid as long
// as it is. Names stay raw UTF-16LE with an accessor that decodes. Fields that are reserved are not kept. A parser checks
// StructureSize, that each offset lies behind the fixed part and that offset plus length lies in the body, and bounds
// counts by the bytes that remain before it allocates anything. Every error wraps one of the Err variables of this package;
// a server answers them with STATUS_INVALID_PARAMETER, except that ErrProtocol and ErrFrame end the connection.
// A length of zero makes the offset beside it meaningless, as in Windows: it is then not checked.
package smb2
