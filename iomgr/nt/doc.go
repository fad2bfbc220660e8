// Package nt holds the vocabulary of the NT I/O system: what every other package here names and none of them owns.
//
//   - Status and WinError, with their names, the one table from Status to Win32 and the one from Go errors to Status.
//   - SID, ACE, ACL and SecurityDescriptor with their wire form and SDDL, Token, AccessCheck and the making of a
//     new object's descriptor from its parent's (CreateSecurityDescriptor).
//   - AccessMask with the rights of each kind of object and their generic mappings.
//   - Time (FILETIME), UTF-16 as Windows has it (lone surrogates included), the NTFS upcase table and search expressions.
//   - The numbers of the file API: information classes, control codes, attributes, options.
//
// It is a leaf: it imports the standard library only, opens no file and no socket, and holds no state. It is not for
// protocol messages (the codecs have those) nor for policy: who a token is, an authority says.
//
// Strings in this package and above it are UTF-8 with lone surrogates as WTF-8; AppendUTF16 and DecodeUTF16 stand
// at every wire. Everything that parses takes hostile bytes and answers with an error that wraps a Status, which
// StatusOf finds. What a peer sent is bounded before memory is taken for it.
//
// A driver decides an open like this:
//
//	granted, status := nt.AccessCheck(sd, request.Token, desired, nt.GenericMappingFile)
//	if status != nt.StatusSuccess {
//		return status
//	}
//
// and gives a new file its descriptor like this:
//
//	sd, err := nt.CreateSecurityDescriptor(parent, requested, isDirectory, nil,
//		nt.DACLAutoInherit|nt.SACLAutoInherit, token, nt.GenericMappingFile)
package nt
