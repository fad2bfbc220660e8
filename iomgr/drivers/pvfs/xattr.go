package pvfs

import "os"

// maxXattr is what Linux takes as a value, and as a list of names.
const maxXattr = 64 << 10

// readXattr gives the value of an extended attribute of any size.
func readXattr(h *os.File, name string) ([]byte, error) {
	var small [1024]byte
	n, err := getXattr(h, name, small[:])
	if err == nil {
		return append([]byte(nil), small[:n]...), nil
	}
	if !tooSmall(err) {
		return nil, err
	}
	b := make([]byte, maxXattr)
	if n, err = getXattr(h, name, b); err != nil {
		return nil, err
	}
	return append([]byte(nil), b[:n]...), nil
}
