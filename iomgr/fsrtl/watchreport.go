package fsrtl

import (
	"encoding/binary"

	"lwio/iomgr/nt"
)

// Report tells everybody whom a change concerns. Changes that are reported together are heard in one answer by those whom they concern
// all.
func (ws *Watches) Report(changes ...Change) {
	if !ws.Any() {
		return
	}
	ws.mu.Lock()
	var touched []*Watch
	for i := range changes {
		touched = ws.report(&changes[i], touched)
	}
	var out []told
	for _, w := range touched {
		out = w.answer(out)
	}
	ws.mu.Unlock()
	tellAll(out)
}

// report notes a change with those who watch the directory, and with those who watch a tree that it is in.
func (ws *Watches) report(c *Change, touched []*Watch) []*Watch {
	n, rest := &ws.root, c.Dir
	for {
		for _, w := range n.watches {
			if w.size == 0 || w.filter&c.Filter == 0 || w.filter&c.Unless != 0 || rest != "" && !w.tree {
				continue
			}
			w.note(rest, c)
			if !w.touched(touched) {
				touched = append(touched, w)
			}
		}
		if rest == "" {
			return touched
		}
		part := rest
		rest = ""
		for i := range len(part) {
			if part[i] == '\\' {
				part, rest = part[:i], part[i+1:]
				break
			}
		}
		if n = n.children[part]; n == nil {
			return touched
		}
	}
}

func (w *Watch) touched(list []*Watch) bool {
	for _, x := range list {
		if x == w {
			return true
		}
	}
	return false
}

// note keeps a change as one more FILE_NOTIFY_INFORMATION (MS-FSCC 2.7.1), unless that would be more than the watcher's buffer.
func (w *Watch) note(below string, c *Change) {
	if w.missed {
		return
	}
	name := c.Name
	if below != "" {
		name = below + `\` + c.Name
	}
	at := (len(w.kept) + 3) &^ 3
	n := nt.UTF16Len(name) * 2
	if at+12+n > w.size {
		w.missed, w.kept = true, nil
		return
	}
	if at > 0 {
		binary.LittleEndian.PutUint32(w.kept[w.lastAt:], uint32(at-w.lastAt))
	}
	for len(w.kept) < at {
		w.kept = append(w.kept, 0)
	}
	w.kept = binary.LittleEndian.AppendUint32(w.kept, 0)
	w.kept = binary.LittleEndian.AppendUint32(w.kept, c.Action)
	w.kept = binary.LittleEndian.AppendUint32(w.kept, uint32(n))
	w.kept = nt.AppendUTF16(w.kept, name)
	w.lastAt = at
}

// answer gives what is kept to the first who waits.
func (w *Watch) answer(out []told) []told {
	if len(w.pending) == 0 {
		return out
	}
	wait := w.pending[0]
	status, data, ok := w.take(wait.max)
	if !ok {
		return out
	}
	w.pending = without(w.pending, wait)
	out = append(out, told{wait.done, status, data})
	wait.done = nil
	return out
}
