package smb2

import "crypto/sha512"

// PreauthHash is the preauthentication integrity hash value of a connection or of a session being set up (MS-SMB2
// 3.3.5.4, 3.3.5.5). Its zero value is where each connection starts. A session's begins
// as a copy of its connection's after NEGOTIATE.
type PreauthHash [sha512.Size]byte

// Update takes a message into the hash: from its header to its end, without the transport header, as it was sent or
// received, signature and all. A message in pieces is given piece by piece in one call.
func (h *PreauthHash) Update(pieces ...[]byte) {
	d := sha512.New()
	d.Write(h[:])
	for _, p := range pieces {
		d.Write(p)
	}
	d.Sum(h[:0])
}
