// Package ndr is the transfer syntaxes of DCE/RPC over byte slices: NDR 2.0 (C706 chapter 14, MS-RPCE 2.2.4) and NDR64 (MS-RPCE 2.2.5).
//
// It has two concrete types. An Encoder appends, always little-endian; a Decoder reads what a peer sent in the byte order
// the peer chose. Neither knows any type of an interface: the code that idlc generates calls them member by member,
// straight on, and asks for the error once at the end. It calls by meaning (Conformance, Pointer, Enum16) and not by width, and
// says where alignments differ (Align64, AlignEither), so that the same code carries both syntaxes: SetSyntax chooses for a call.
//
//	d := ndr.NewDecoder(stub, ndr.LittleEndian)
//	x.UnmarshalNDR(d)
//	if err := d.Err(); err != nil {
//		…
//	}
//
// Both keep the first error and do nothing after it: a Decoder's methods then return zero values and an Encoder's write
// nothing of use. That is what lets generated code run straight on.
//
// # What a Decoder promises
//
// Its input is hostile. No method reads past the input or panics. Every conformance is compared with the bytes that remain
// before anything is allocated for it; the memory that one Decoder hands out in all, and how deep pointers nest, are capped.
// Each unique pointer gets a referent of its own whatever referent identifiers the peer chose; only full pointers ([ptr])
// alias. A NULL string, an empty one and an absent one stay three different things: strings lose their terminator and
// nothing else, and characters that are no valid UTF-16 come back as they were when encoded again (nt.DecodeUTF16).
//
// # Two passes
//
// A constructed type is sent in two parts: its body, in which a pointer is only a referent identifier, and after the body
// of the outermost type, what the pointers point to (C706 14.3.12.3). Generated types have a method for each, and a third
// for the conformance of a structure that ends in a conformant array, which is sent ahead of everything (C706 14.3.7.1).
package ndr
