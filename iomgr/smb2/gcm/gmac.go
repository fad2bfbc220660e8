package gcm

import "unsafe"

// GMAC writes the tag of a message that is authenticated and not enciphered: the additional data of an empty text (SP
// 800-38D section 3). The message is msg and the pieces after it, one behind the other; they are not copied together but where
// there is no assembly. tag may lie in the message, which is read before it is written.
func (g *AEAD) GMAC(tag *[TagSize]byte, nonce, msg []byte, more ...[]byte) {
	checkNonce(nonce)
	if g.std != nil {
		gmacStd(g.std, tag, nonce, msg, more)
		return
	}
	j0 := counterBlock(nonce)
	var sum, out block
	if len(more) == 0 {
		mac(&g.key, &sum, &j0, unsafe.SliceData(msg), len(msg), len(msg), &out)
		*tag = out
		return
	}
	var part block // the last begun block
	n := 0         // bytes of it
	total := 0
	for i, p := 0, msg; ; i++ {
		total += len(p)
		if n > 0 {
			c := copy(part[n:], p)
			n, p = n+c, p[c:]
			if n == blockSize {
				hash(&g.key, &sum, &part[0], blockSize)
				n = 0
			}
		}
		if i == len(more) && n == 0 {
			mac(&g.key, &sum, &j0, unsafe.SliceData(p), len(p), total, &out)
			break
		}
		if whole := len(p) &^ (blockSize - 1); whole > 0 {
			hash(&g.key, &sum, &p[0], whole)
			p = p[whole:]
		}
		if len(p) > 0 { // then n is 0
			n = copy(part[:], p)
		}
		if i == len(more) {
			mac(&g.key, &sum, &j0, &part[0], n, total, &out)
			break
		}
		p = more[i]
	}
	*tag = out
}
