package state

import (
	"bytes"
	"errors"
	"hash/fnv"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheckFileRefuses makes one lie each that bbolt would believe.
func TestCheckFileRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := mustOpen(t, path)
	fill(t, s, 600)
	s.Close()
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	look := func(b []byte) (*boltFile, error) {
		c := &boltFile{r: bytes.NewReader(b), size: int64(len(b)), seen: make(map[uint64]bool)}
		if err := c.readMeta(); err != nil {
			return c, err
		}
		return c, c.check(uint32(len(migrations)))
	}
	c, err := look(good)
	if err != nil {
		t.Fatal(err)
	}
	page := func(b []byte, id uint64) []byte { return b[id*pageSize:] }
	// A branch page and the last page in use.
	var branch, last uint64
	for id := uint64(2); id < c.meta.pages; id++ {
		if c.seen[id] && order.Uint64(page(good, id)) == id && order.Uint16(page(good, id)[8:]) == flagBranch && branch == 0 {
			branch = id
		}
		if c.seen[id] && order.Uint64(page(good, id)) == id && order.Uint16(page(good, id)[8:]) == flagLeaf {
			last = id
		}
	}
	if branch == 0 || last == 0 || order.Uint16(page(good, c.meta.freelist)[10:]) == 0 {
		t.Fatalf("branch %d, last %d: the file is too simple", branch, last)
	}
	meta := func(b []byte, change func(m []byte)) {
		for id := range uint64(2) {
			m := page(b, id)[pageHeader : pageHeader+metaSize]
			change(m)
			sum := fnv.New64a()
			sum.Write(m[:metaSummed])
			order.PutUint64(m[metaSummed:], sum.Sum64())
		}
	}
	for _, test := range []struct {
		name, want string
		lie        func(b []byte)
	}{
		{"more pages than the file has", "bytes where there should be", func(b []byte) {
			meta(b, func(m []byte) { order.PutUint64(m[40:], uint64(len(b))/pageSize+1) })
		}},
		{"pages of an odd size", "pages of 4097 bytes", func(b []byte) { meta(b, func(m []byte) { order.PutUint32(m[8:], 4097) }) }},
		{"root is a meta page", "page 1 of", func(b []byte) { meta(b, func(m []byte) { order.PutUint64(m[16:], 1) }) }},
		{"root beyond the end", "page", func(b []byte) { meta(b, func(m []byte) { order.PutUint64(m[16:], 1<<40) }) }},
		{"overflow beyond the end", "header of page", func(b []byte) { order.PutUint32(page(b, last)[12:], uint32(c.meta.pages-last)) }},
		{"overflow of everything", "header of page", func(b []byte) { order.PutUint32(page(b, last)[12:], 0xFFFFFFFF) }},
		{"other page's header", "header of page", func(b []byte) { order.PutUint64(page(b, last), last-1) }},
		{"a child twice", "is used twice", func(b []byte) {
			p := page(b, branch)
			order.PutUint64(p[pageHeader+branchSize+8:], order.Uint64(p[pageHeader+8:]))
		}},
		{"its own child", "is used twice", func(b []byte) { order.PutUint64(page(b, branch)[pageHeader+8:], branch) }},
		{"no children", "is empty", func(b []byte) { order.PutUint16(page(b, branch)[10:], 0) }},
		{"children beyond the page", "of page", func(b []byte) {
			order.PutUint16(page(b, branch)[10:], 0xFFFF)
			clear(page(b, branch)[pageHeader+3*branchSize : pageSize])
		}},
		{"key beyond the page", "keys of page", func(b []byte) { order.PutUint32(page(b, last)[pageHeader+8:], 0xFFFF) }},
		{"key and value wrap", "keys of page", func(b []byte) {
			order.PutUint32(page(b, last)[pageHeader+8:], 0xFFFFFFF0)
			order.PutUint32(page(b, last)[pageHeader+12:], 0x20)
		}},
		{"a free page in use", "free page", func(b []byte) { order.PutUint64(page(b, c.meta.freelist)[pageHeader:], last) }},
		{"a free page beyond the end", "free page", func(b []byte) { order.PutUint64(page(b, c.meta.freelist)[pageHeader:], c.meta.pages) }},
		{"more free pages than have room", "list of free pages", func(b []byte) { order.PutUint16(page(b, c.meta.freelist)[10:], 0xFFFE) }},
		{"free pages without number", "list of free pages", func(b []byte) {
			p := page(b, c.meta.freelist)
			order.PutUint16(p[10:], 0xFFFF)
			order.PutUint64(p[pageHeader:], 1<<60)
		}},
		{"no list of free pages", "list of free pages", func(b []byte) { order.PutUint16(page(b, c.meta.freelist)[8:], flagLeaf) }},
	} {
		b := bytes.Clone(good)
		test.lie(b)
		if _, err := look(b); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}
