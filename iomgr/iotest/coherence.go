package iotest

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// RunCoherence has two clients read and write one file, each of which may keep parts of it. name is that of the file, which is made; both open it
// again and again, alone and at the same time, with and without write access. The file is a row of registers of which each has one writer, who
// writes numbers that count up: whoever reads one must find no less than what was written before the read began and before it was last read, and
// no more than what was being written when it ended. Nothing else may come but registers.
func RunCoherence(t *testing.T, a, b api.API, name string, contexts []any, rounds int, seed uint64) {
	const registers = 3 * (64 << 10) / 8 / 512 // each at the beginning of 4 KiB, so that the file has several blocks
	c := &coherence{t: t, name: name, contexts: contexts, started: make([]atomic.Uint64, registers), written: make([]atomic.Uint64, registers)}
	h := c.open(a, nt.FileOverwriteIf, true)
	if _, err := a.WriteFile(t.Context(), h, make([]byte, registers*registerStep), 0); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(h); err != nil {
		t.Fatal(err)
	}
	t.Logf("seed %d", seed)
	var wg sync.WaitGroup
	for i, client := range []api.API{a, a, b, b} { // of which each writes a quarter of the registers
		wg.Go(func() { c.run(client, i, rounds, rand.New(rand.NewPCG(seed, uint64(i)))) })
	}
	wg.Wait()
}

const registerStep = 4 << 10

type coherence struct {
	t        *testing.T
	name     string
	contexts []any

	started []atomic.Uint64 // what is being written to a register
	written []atomic.Uint64 // what has been
}

func (c *coherence) open(x api.API, disposition uint32, write bool) api.Handle {
	access := nt.AccessMask(nt.GenericRead)
	if write {
		access |= nt.GenericWrite
	}
	h, err := x.CreateFile(c.t.Context(), &api.CreateArgs{Name: c.name, DesiredAccess: access, Disposition: disposition,
		ShareAccess: nt.FileShareRead | nt.FileShareWrite | nt.FileShareDelete, Impersonation: api.ImpersonateImpersonation, Contexts: c.contexts})
	if err != nil {
		c.t.Errorf("open: %v", err)
		return nil
	}
	return h
}

func (c *coherence) run(x api.API, who, rounds int, rnd *rand.Rand) {
	ctx := c.t.Context()
	seen := make([]uint64, len(c.written))
	for range rounds {
		if c.t.Failed() {
			return
		}
		write := rnd.IntN(4) > 0
		h := c.open(x, nt.FileOpen, write)
		if h == nil {
			return
		}
		for range 1 + rnd.IntN(30) {
			reg := rnd.IntN(len(c.written))
			if write && rnd.IntN(3) == 0 {
				reg -= reg % 4
				if reg += who; reg >= len(c.written) {
					continue
				}
				v := c.started[reg].Add(1)
				if _, err := x.WriteFile(ctx, h, binary.LittleEndian.AppendUint64(nil, v), int64(reg*registerStep)); err != nil {
					c.t.Errorf("write: %v", err)
					return
				}
				c.written[reg].Store(v)
				continue
			}
			least := max(c.written[reg].Load(), seen[reg])
			buf := make([]byte, 8)
			if n, err := x.ReadFile(ctx, h, buf, int64(reg*registerStep)); n != 8 || err != nil && !errors.Is(err, nt.StatusSuccess) {
				c.t.Errorf("read: %d bytes, %v", n, err)
				return
			}
			most := c.started[reg].Load()
			v := binary.LittleEndian.Uint64(buf)
			if v < least || v > most {
				c.t.Errorf("client %d reads %d of register %d, which is from %d to %d", who, v, reg, least, most)
				return
			}
			seen[reg] = v
		}
		if err := x.Close(h); err != nil {
			c.t.Errorf("close: %v", err)
			return
		}
	}
}
