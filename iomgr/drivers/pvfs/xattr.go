package pvfs

import "os"

// maxXattr is what Linux takes as a value, and as a list of names.
const maxXattr = 64 << 10

// readXattr gives the value of an extended attribute of any size.
func readXattr(h *os.File, name string) ([]byte, error) {
	var small [1024]byte
	b, err := readXattrInto(h, name, small[:])
	if err != nil {
		return nil, err
	}
	return append([]byte(nil), b...), nil
}

// readXattrInto is readXattr that needs no memory for a value which small has room for.
func readXattrInto(h *os.File, name string, small []byte) ([]byte, error) {
	n, err := getXattr(h, name, small)
	if err == nil {
		return small[:n], nil
	}
	if !tooSmall(err) {
		return nil, err
	}
	b := make([]byte, maxXattr)
	if n, err = getXattr(h, name, b); err != nil {
		return nil, err
	}
	return b[:n], nil
}
