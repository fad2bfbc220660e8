package fsrtl

// Missed tells those who watch a directory, or a tree that it is in, that they missed changes there: they are answered with StatusNotifyEnumDir, now or
// when they ask next, so that they look for themselves.
func (ws *Watches) Missed(dir string) {
	if !ws.Any() {
		return
	}
	ws.mu.Lock()
	n := &ws.root
	out := n.miss(dir != "", nil)
	rest := dir
	for part := range components(dir) {
		if n = n.children[part]; n == nil {
			break
		}
		rest = rest[min(len(part)+1, len(rest)):]
		out = n.miss(rest != "", out)
	}
	ws.mu.Unlock()
	tellAll(out)
}

// MissedAll tells everybody so.
func (ws *Watches) MissedAll() {
	ws.mu.Lock()
	out := ws.root.missAll(nil)
	ws.mu.Unlock()
	tellAll(out)
}

// miss is for those who watch the directory; where the changes were below it, for those alone who watch its tree. The caller holds mu.
func (n *watchNode) miss(below bool, out []told) []told {
	for _, w := range n.watches {
		if below && !w.tree && w.size != 0 {
			continue
		}
		w.missed, w.kept = true, nil
		out = w.answer(out)
	}
	return out
}

func (n *watchNode) missAll(out []told) []told {
	for _, c := range n.children {
		out = c.missAll(out)
	}
	return n.miss(false, out)
}
