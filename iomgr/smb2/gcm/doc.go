// Package gcm is AES-GCM and AES-GMAC (NIST SP 800-38D) as SMB 3 uses them: keys of 16 or 32 bytes, nonces of 12, tags
// of 16. It is here for its speed alone. On amd64 processors with the vector forms of the AES and the carry-less
// multiplication instructions (VAES, VPCLMULQDQ, AVX-512) it takes four blocks an instruction, which crypto/cipher does
// not; everywhere else, and in FIPS 140 mode, it hands all over to crypto/cipher. Nothing in it depends on secrets in
// time or in which memory it reads.
//
// It is entered by New. An AEAD is a [cipher.AEAD]; besides it seals in place with the tag elsewhere, which is where
// SMB has it, and authenticates a message of several pieces where they lie:
//
//	g, err := gcm.New(key)
//	g.SealInPlace(message, &tag, nonce, header)
//	err = g.OpenInPlace(message, &tag, nonce, header)
//	g.GMAC(&tag, nonce, header, body, padding)
//
// It is not for general use. It has no nonces of other lengths, no shorter tags and no keys of 24 bytes, it makes no
// nonces, and it does not count messages: who uses a nonce twice gives the key away. A call is one run of assembly, which
// the Go scheduler cannot interrupt: half a millisecond for the 8 MiB that a message of SMB may have.
package gcm
