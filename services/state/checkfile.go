package state

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// bbolt maps its file and believes it: a damaged page ends in a panic, or in SIGBUS where the file is too short. So the file
// is read here first, with the layout of bbolt's pages (version 2 of its format, in the host's byte order):
//
//	page    id u64, flags u16, count u16, overflow u32, elements
//	branch  pos u32, key size u32, page u64          pos counts from the element
//	leaf    flags u32, pos u32, key size u32, value size u32
//	meta    magic u32, version u32, page size u32, flags u32, root page u64, sequence u64, freelist u64, pages u64, txid u64, FNV-64a u64
//	bucket  root page u64, sequence u64; root page 0: a page follows in place
const (
	boltMagic   = 0xED0CDAED
	boltVersion = 2

	pageHeader  = 16
	branchSize  = 16
	leafSize    = 16
	metaSize    = 64
	metaSummed  = 56
	bucketSize  = 16
	leafBucket  = 1
	flagBranch  = 1
	flagLeaf    = 2
	flagMeta    = 4
	flagFree    = 16
	maxDepth    = 32
	maxPageSize = 1 << 24
)

type boltMeta struct {
	pageSize                    uint32
	root, freelist, pages, txid uint64
}

// boltFile is a file under check.
type boltFile struct {
	r    io.ReaderAt
	size int64
	meta boltMeta
	seen map[uint64]bool // pages reached: none is reached twice

	format, schema, revision []byte
}

var order = binary.NativeEndian

// checkFile reads every page that the file's last good transaction reaches and every record in them.
func checkFile(f *os.File, newest uint32) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	c := &boltFile{r: f, size: info.Size(), seen: make(map[uint64]bool)}
	if err := c.readMeta(); err != nil {
		return err
	}
	return c.check(newest)
}

func (c *boltFile) check(newest uint32) error {
	damage := c.tree(c.meta.root, 0, c.rootElement)
	if damage == nil {
		damage = c.free()
	}
	switch {
	case damage != nil:
		return damage
	case !bytes.Equal(c.format, formatName):
		return fmt.Errorf("%w: a bbolt database of another program", ErrForeign)
	case len(c.schema) != 4 || len(c.revision) != 8:
		return fmt.Errorf("%w: schema or revision is missing", ErrCorrupt)
	}
	if v := binary.BigEndian.Uint32(c.schema); v > newest {
		return fmt.Errorf("%w: schema %d, this program knows up to %d", ErrNewer, v, newest)
	}
	return nil
}

// readMeta takes the newer of the two meta pages that are whole, as bbolt does.
func (c *boltFile) readMeta() error {
	if c.size == 0 {
		return fmt.Errorf("%w: it is empty", ErrForeign)
	}
	ours := false
	var found []boltMeta
	try := func(at int64) bool {
		b := make([]byte, pageHeader+metaSize)
		if _, err := c.r.ReadAt(b, at); err != nil {
			return false
		}
		m := b[pageHeader:]
		if order.Uint32(m) == boltMagic {
			ours = true
		}
		sum := fnv.New64a()
		sum.Write(m[:metaSummed])
		if order.Uint32(m) != boltMagic || order.Uint32(m[4:]) != boltVersion || order.Uint64(m[metaSummed:]) != sum.Sum64() {
			return false
		}
		found = append(found, boltMeta{order.Uint32(m[8:]), order.Uint64(m[16:]), order.Uint64(m[32:]), order.Uint64(m[40:]), order.Uint64(m[48:])})
		return true
	}
	if try(0) {
		try(int64(found[0].pageSize))
	} else {
		for at := int64(1024); at <= maxPageSize && !try(at); at *= 2 {
		}
	}
	if len(found) == 0 {
		if ours {
			return fmt.Errorf("%w: no whole meta page", ErrCorrupt)
		}
		return ErrForeign
	}
	c.meta = found[0]
	if len(found) == 2 && found[1].txid > found[0].txid {
		c.meta = found[1]
	}
	m := &c.meta
	switch {
	case m.pageSize < 1024 || m.pageSize > maxPageSize || m.pageSize&(m.pageSize-1) != 0:
		return fmt.Errorf("%w: pages of %d bytes", ErrCorrupt, m.pageSize)
	case m.pages < 3 || m.pages > uint64(c.size)/uint64(m.pageSize):
		return fmt.Errorf("%w: %d bytes where there should be %d pages of %d", ErrCorrupt, c.size, m.pages, m.pageSize)
	}
	return nil
}

// page reads a page with its overflow pages.
func (c *boltFile) page(id uint64) ([]byte, error) {
	if id < 2 || id >= c.meta.pages {
		return nil, fmt.Errorf("%w: page %d of %d", ErrCorrupt, id, c.meta.pages)
	}
	at := int64(id) * int64(c.meta.pageSize)
	head := make([]byte, pageHeader)
	if _, err := c.r.ReadAt(head, at); err != nil {
		return nil, fmt.Errorf("%w: page %d: %w", ErrCorrupt, id, err)
	}
	over := uint64(order.Uint32(head[12:]))
	if order.Uint64(head) != id || over >= c.meta.pages-id {
		return nil, fmt.Errorf("%w: header of page %d", ErrCorrupt, id)
	}
	for n := id; n <= id+over; n++ {
		if c.seen[n] {
			return nil, fmt.Errorf("%w: page %d is used twice", ErrCorrupt, n)
		}
		c.seen[n] = true
	}
	b := make([]byte, (over+1)*uint64(c.meta.pageSize)) // no more than the file has
	if _, err := c.r.ReadAt(b, at); err != nil {
		return nil, fmt.Errorf("%w: page %d: %w", ErrCorrupt, id, err)
	}
	return b, nil
}

// visitor sees the elements of a tree in order.
type visitor func(key, value []byte, bucket bool) error

func (c *boltFile) tree(root uint64, depth int, visit visitor) error {
	if depth > maxDepth {
		return fmt.Errorf("%w: tree is too deep", ErrCorrupt)
	}
	b, err := c.page(root)
	if err != nil {
		return err
	}
	if order.Uint16(b[8:]) != flagBranch {
		return leaf(b, root, visit)
	}
	var last []byte
	count := int(order.Uint16(b[10:]))
	for i := range count {
		e := pageHeader + i*branchSize
		if e+branchSize > len(b) {
			return fmt.Errorf("%w: elements of page %d", ErrCorrupt, root)
		}
		key, ok := slot(b, e, order.Uint32(b[e:]), order.Uint32(b[e+4:]))
		if !ok || i > 0 && bytes.Compare(last, key) >= 0 {
			return fmt.Errorf("%w: keys of page %d", ErrCorrupt, root)
		}
		last = key
		if err := c.tree(order.Uint64(b[e+8:]), depth+1, visit); err != nil {
			return err
		}
	}
	if count == 0 {
		return fmt.Errorf("%w: page %d is empty", ErrCorrupt, root)
	}
	return nil
}

// leaf visits the elements of a leaf page, or of one that stands in place of a bucket's root.
func leaf(b []byte, id uint64, visit visitor) error {
	if len(b) < pageHeader || order.Uint16(b[8:]) != flagLeaf {
		return fmt.Errorf("%w: kind of page %d", ErrCorrupt, id)
	}
	var last []byte
	for i := range int(order.Uint16(b[10:])) {
		e := pageHeader + i*leafSize
		if e+leafSize > len(b) {
			return fmt.Errorf("%w: elements of page %d", ErrCorrupt, id)
		}
		pos, ksize, vsize := order.Uint32(b[e+4:]), order.Uint32(b[e+8:]), order.Uint32(b[e+12:])
		both, ok := slot(b, e, pos, ksize+vsize)
		if !ok || ksize+vsize < ksize || i > 0 && bytes.Compare(last, both[:ksize]) >= 0 {
			return fmt.Errorf("%w: keys of page %d", ErrCorrupt, id)
		}
		last = both[:ksize]
		if err := visit(last, both[ksize:], order.Uint32(b[e:])&leafBucket != 0); err != nil {
			return err
		}
	}
	return nil
}

func slot(b []byte, element int, pos, size uint32) ([]byte, bool) {
	from := uint64(element) + uint64(pos)
	to := from + uint64(size)
	if to > uint64(len(b)) {
		return nil, false
	}
	return b[from:to], true
}

func (c *boltFile) bucket(value []byte, visit visitor) error {
	if len(value) < bucketSize {
		return fmt.Errorf("%w: bucket of %d bytes", ErrCorrupt, len(value))
	}
	if root := order.Uint64(value); root != 0 {
		return c.tree(root, 0, visit)
	}
	return leaf(value[bucketSize:], 0, visit)
}

// rootElement sees the buckets at the top.
func (c *boltFile) rootElement(key, value []byte, bucket bool) error {
	switch {
	case bucket && bytes.Equal(key, bucketMeta):
		return c.bucket(value, func(key, value []byte, bucket bool) error {
			switch {
			case bucket:
			case bytes.Equal(key, metaFormat):
				c.format = value
			case bytes.Equal(key, metaSchema):
				c.schema = value
			case bytes.Equal(key, metaRevision):
				c.revision = value
			}
			return nil
		})
	case bucket && bytes.Equal(key, bucketKV):
		return c.bucket(value, func(key, value []byte, bucket bool) error {
			if bucket || !validKey(string(key)) {
				return fmt.Errorf("%w: key %q", ErrCorrupt, key)
			}
			_, _, err := parseRecord(key, value)
			return err
		})
	}
	return nil // of another program, which the missing format tells
}

// free checks the list of free pages: what is free is not in use.
func (c *boltFile) free() error {
	b, err := c.page(c.meta.freelist)
	if err != nil {
		return err
	}
	n, at := uint64(order.Uint16(b[10:])), uint64(pageHeader)
	if n == 0xFFFF { // the count did not fit
		n, at = order.Uint64(b[pageHeader:]), at+8
	}
	if order.Uint16(b[8:]) != flagFree || n > (uint64(len(b))-at)/8 {
		return fmt.Errorf("%w: list of free pages", ErrCorrupt)
	}
	for ; n > 0; n, at = n-1, at+8 {
		id := order.Uint64(b[at:])
		if id < 2 || id >= c.meta.pages || c.seen[id] {
			return fmt.Errorf("%w: free page %d", ErrCorrupt, id)
		}
		c.seen[id] = true
	}
	return nil
}
