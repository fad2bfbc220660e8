package fsrtl

import "math/rand/v2"

// rangeTree is an interval tree: a treap by offset, in which every node knows the last byte of all below it.
type rangeTree struct{ root *rangeNode }

type rangeNode struct {
	lock        Lock
	max         uint64 // the highest end of the subtree
	prio        uint32
	left, right *rangeNode
}

// last is the last byte; of an empty range the byte before it, and nothing at offset 0.
func (l *Lock) last() uint64 {
	if l.Length == 0 && l.Offset == 0 {
		return 0
	}
	return l.Offset + l.Length - 1
}

// nowhere is the empty range at offset 0, which meets nothing.
func (l *Lock) nowhere() bool { return l.Offset == 0 && l.Length == 0 }

// conflicts says whether l cannot stand beside what is held: as a lock, or as a read (not exclusive) or write.
func (t *rangeTree) conflicts(l *Lock, lock bool) bool {
	if l.nowhere() {
		return false
	}
	return t.root.conflicts(l, l.last(), lock)
}

func (n *rangeNode) conflicts(l *Lock, last uint64, lock bool) bool {
	for n != nil && n.max >= l.Offset {
		if n.left.conflicts(l, last, lock) {
			return true
		}
		if n.lock.Offset > last {
			return false // so is everything to the right
		}
		if n.lock.last() >= l.Offset && !n.lock.nowhere() && n.lock.refuses(l, lock) {
			return true
		}
		n = n.right
	}
	return false
}

// refuses says whether a held range h, which overlaps l, is in its way (MS-FSA 2.1.4.10).
func (h *Lock) refuses(l *Lock, lock bool) bool {
	own := h.Owner == l.Owner && h.Key == l.Key
	if h.Exclusive {
		return !own || lock && l.Exclusive
	}
	return l.Exclusive
}

func (t *rangeTree) insert(l Lock) {
	t.root = t.root.insert(&rangeNode{lock: l, max: l.last(), prio: rand.Uint32()})
}

func (n *rangeNode) insert(x *rangeNode) *rangeNode {
	if n == nil {
		return x
	}
	if x.prio > n.prio {
		x.left, x.right = n.split(x.lock.Offset)
		x.fix()
		return x
	}
	if x.lock.Offset < n.lock.Offset {
		n.left = n.left.insert(x)
	} else {
		n.right = n.right.insert(x)
	}
	n.fix()
	return n
}

// split parts what is up to offset from what is behind it, so that equal offsets stay in the order in which they came.
func (n *rangeNode) split(offset uint64) (before, rest *rangeNode) {
	if n == nil {
		return nil, nil
	}
	if n.lock.Offset <= offset {
		n.right, rest = n.right.split(offset)
		n.fix()
		return n, rest
	}
	before, n.left = n.left.split(offset)
	n.fix()
	return before, n
}

// remove takes out one lock that equals l, the last that came of those that stand at its offset.
func (t *rangeTree) remove(l *Lock) bool {
	root, ok := t.root.remove(l)
	t.root = root
	return ok
}

func (n *rangeNode) remove(l *Lock) (_ *rangeNode, ok bool) {
	switch {
	case n == nil || n.max < l.last():
		return n, false
	case n.lock.Offset == l.Offset && n.lock == *l:
		return join(n.left, n.right), true
	case l.Offset < n.lock.Offset:
		n.left, ok = n.left.remove(l)
	case l.Offset > n.lock.Offset:
		n.right, ok = n.right.remove(l)
	default: // equal offsets may be on both sides
		if n.right, ok = n.right.remove(l); !ok {
			n.left, ok = n.left.remove(l)
		}
	}
	if ok {
		n.fix()
	}
	return n, ok
}

func join(a, b *rangeNode) *rangeNode {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case a.prio > b.prio:
		a.right = join(a.right, b)
		a.fix()
		return a
	}
	b.left = join(a, b.left)
	b.fix()
	return b
}

func (n *rangeNode) fix() {
	n.max = n.lock.last()
	if n.left != nil {
		n.max = max(n.max, n.left.max)
	}
	if n.right != nil {
		n.max = max(n.max, n.right.max)
	}
}

func (t *rangeTree) walk(f func(*Lock)) { t.root.walk(f) }

func (n *rangeNode) walk(f func(*Lock)) {
	for ; n != nil; n = n.right {
		n.left.walk(f)
		f(&n.lock)
	}
}
