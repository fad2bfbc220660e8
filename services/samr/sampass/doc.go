// Package sampass is how SAMR carries passwords: encrypted with a session key, or with a key made of the old password (MS-SAMR 2.2.11, 3.2.2). Both
// sides are here, since the service opens what clients seal.
//
//	blob := sampass.SealAES("new password", sessionKey)        // a client
//	text, ok := sampass.OpenAES(&blob.AuthData, &blob.Salt, blob.Cipher, sessionKey)
//
// It keeps nothing and judges nothing. RC4, DES and MD5 are what the protocol says, for clients that know nothing else.
package sampass
