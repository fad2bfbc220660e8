package stress

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"sync"
)

// blockSize is that of a block: magic, file, index, writer, sequence, filling, checksum.
const blockSize = 1000

const magic = 0x6B636F6C // "lock"

// stamp is what a block says of itself. The zero stamp is a block that is not there, or all zeros.
type stamp struct {
	writer   uint32
	sequence uint64
}

func (s stamp) String() string { return fmt.Sprintf("%d of writer %d", s.sequence, s.writer) }

var le = binary.LittleEndian

func makeBlock(b []byte, file, index int, s stamp) {
	le.PutUint32(b, magic)
	le.PutUint32(b[4:], uint32(file))
	le.PutUint32(b[8:], uint32(index))
	le.PutUint32(b[12:], s.writer)
	le.PutUint64(b[16:], s.sequence)
	x := s.sequence*0x9E3779B97F4A7C15 + uint64(s.writer)
	for i := 24; i < blockSize-4; i++ {
		x = x*6364136223846793005 + 1442695040888963407
		b[i] = byte(x >> 56)
	}
	le.PutUint32(b[blockSize-4:], crc32.ChecksumIEEE(b[:blockSize-4]))
}

// readBlock says what a block is. n is how much of it there was.
func readBlock(b []byte, n, file, index int) (stamp, error) {
	clear(b[n:])
	zero := true
	for _, c := range b {
		zero = zero && c == 0
	}
	switch {
	case zero:
		return stamp{}, nil
	case n < blockSize:
		return stamp{}, fmt.Errorf("file %d, block %d: %d bytes of it", file, index, n)
	case le.Uint32(b) != magic, le.Uint32(b[blockSize-4:]) != crc32.ChecksumIEEE(b[:blockSize-4]):
		return stamp{}, fmt.Errorf("file %d, block %d: torn: %x", file, index, b[:24])
	case le.Uint32(b[4:]) != uint32(file) || le.Uint32(b[8:]) != uint32(index):
		return stamp{}, fmt.Errorf("file %d, block %d: is block %d of file %d", file, index, le.Uint32(b[8:]), le.Uint32(b[4:]))
	}
	return stamp{le.Uint32(b[12:]), le.Uint64(b[16:])}, nil
}

// record is what must be in a block, and who has locked it.
type record struct {
	may    []stamp // one of these
	holder *hold   // who holds it exclusively, nil for nobody
}

// hold is one exclusive lock. It is over when its connection has been cut.
type hold struct {
	by   *client
	cuts int64
}

// ledger is what the clients know of each other.
type ledger struct {
	mu      sync.Mutex
	records [][]record // guarded by mu: by file and block
}

func newLedger() *ledger {
	l := &ledger{records: make([][]record, files)}
	for i := range l.records {
		l.records[i] = make([]record, blocks)
		for j := range l.records[i] {
			l.records[i][j].may = []stamp{{}}
		}
	}
	return l
}

// lock notes that blocks are held, by nobody else.
func (l *ledger) lock(file, from, to int, h *hold) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := from; i < to; i++ {
		r := &l.records[file][i]
		if o := r.holder; o != nil && o.by.wire.cuts.Load() == o.cuts {
			return fmt.Errorf("file %d, block %d is locked by client %d and client %d", file, i, o.by.id, h.by.id)
		}
		r.holder = h
	}
	return nil
}

// unlock is called before the lock is let go.
func (l *ledger) unlock(file, from, to int, h *hold) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := from; i < to; i++ {
		if r := &l.records[file][i]; r.holder == h {
			r.holder = nil
		}
	}
}

// found compares a block with what must be in it, which it then is known to be.
func (l *ledger) found(file, index int, s stamp) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := &l.records[file][index]
	for _, m := range r.may {
		if m == s {
			r.may = []stamp{s}
			return nil
		}
	}
	return fmt.Errorf("file %d, block %d has %v, want one of %v", file, index, s, r.may)
}

// writing notes that a block is about to get another content, and wrote that it has.
func (l *ledger) writing(file, index int, s stamp) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := &l.records[file][index]
	r.may = append(r.may[:len(r.may):len(r.may)], s)
}

func (l *ledger) wrote(file, index int, s stamp) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records[file][index].may = []stamp{s}
}
