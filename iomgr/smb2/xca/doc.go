// Package xca is the Xpress compression algorithm in its three forms (MS-XCA): plain LZ77, LZ77 with Huffman codes, and LZNT1. It
// knows nothing of messages: how SMB frames what is compressed is package smb2's business.
//
// Each decoder fills a buffer of the caller's, who knows by the message how long the data must come out, and never writes or
// allocates beyond it:
//
//	dst := make([]byte, original) // bounded by the caller
//	n, err := xca.DecompressLZ77(dst, compressed)
//	if err != nil || n != len(dst) {
//		…
//	}
//
// Each encoder writes into a buffer of the caller's and gives up when that is full, so that data that does not become shorter costs
// little:
//
//	n, ok := xca.CompressLZ77(dst, data)
package xca

import (
	"encoding/binary"
	"errors"
)

// ErrCorrupt is returned for data that no encoder makes, and for data that would not fit.
var ErrCorrupt = errors.New("xca: compressed data is corrupt")

var le = binary.LittleEndian

// minMatch is the shortest match that all three formats know.
const minMatch = 3

// copyMatch appends to dst[:out] the n bytes that stand off before its end; the two may overlap. The caller has checked both against dst.
func copyMatch(dst []byte, out, off, n int) int {
	from, end := out-off, out+n
	for out < end {
		out += copy(dst[out:end], dst[from:out])
	}
	return end
}
