package compiler

// Layout: how a type lies on the wire (C706 14.2 and 14.3).

type layoutState struct {
	state      uint8 // 1 while computed
	align      int
	min        int  // octets it takes at least, padding aside
	deferred   bool // something of it is sent after its body
	conformant bool // it ends in a conformant array, whose count goes ahead
	recursive  bool
	loop       bool // it holds itself by value: reported, and not laid out
}

// shape is the layout of any type.
type shape struct {
	align, min           int
	deferred, conformant bool
}

func shapeOf(t Type) shape {
	switch t := t.(type) {
	case *Basic:
		return shape{align: t.Size, min: t.Size}
	case *Enum:
		if t.Wide {
			return shape{align: 4, min: 4}
		}
		return shape{align: 2, min: 2}
	case *Pointer:
		return shape{align: 4, min: 4, deferred: !t.Ignore}
	case *GUID:
		return shape{align: 4, min: 16}
	case *ContextHandle:
		return shape{align: 4, min: 20}
	case *String:
		width := 1
		if t.Wide {
			width = 2
		}
		return shape{align: 4, min: 8 + width, conformant: t.Fixed < 0}
	case *Array:
		e := shapeOf(t.Elem)
		s := shape{align: e.align, deferred: e.deferred}
		switch {
		case t.Length != nil:
			s.align, s.min = max(4, e.align), 8
		case t.Fixed >= 0:
			s.min = int(min(t.Fixed*int64(e.min), 1<<24))
		}
		s.conformant = t.Fixed < 0
		return s
	case *Struct:
		l := t.laid()
		return shape{l.align, l.min, l.deferred, l.conformant}
	case *Union:
		l := t.laid()
		return shape{l.align, l.min, l.deferred, false}
	case *UnionRef:
		l := t.Union.laid()
		return shape{l.align, l.min, l.deferred, false}
	}
	return shape{align: 1, min: 1}
}

func (t *Struct) laid() *layoutState {
	l := &t.layout
	if l.state == 1 {
		l.loop = true
		return l
	}
	if l.state == 2 {
		return l
	}
	l.state, l.align = 1, 1
	for i, f := range t.Fields {
		s := shapeOf(f.Type)
		l.align = max(l.align, s.align)
		l.min += s.min
		l.deferred = l.deferred || s.deferred
		if i == len(t.Fields)-1 {
			l.conformant = s.conformant
		}
	}
	l.min = max(l.min, 1)
	l.state = 2
	return l
}

func (t *Union) laid() *layoutState {
	l := &t.layout
	if l.state == 1 {
		l.loop = true
		return l
	}
	if l.state == 2 {
		return l
	}
	l.state = 1
	tag := shapeOf(t.Tag)
	l.align, l.min = tag.align, tag.min
	for _, a := range t.Arms {
		if a.Field != nil {
			s := shapeOf(a.Field.Type)
			l.align = max(l.align, s.align)
			l.deferred = l.deferred || s.deferred
		}
	}
	l.state = 2
	return l
}

// markRecursive finds the structures and unions that reach themselves through pointers.
func markRecursive(order []Type) {
	for _, t := range order {
		seen := map[Type]bool{}
		found := false
		var walk func(Type)
		walk = func(u Type) {
			for _, next := range membersOf(u) {
				if next == t {
					found = true
				}
				if !seen[next] {
					seen[next] = true
					walk(next)
				}
			}
		}
		walk(t)
		switch t := t.(type) {
		case *Struct:
			t.layout.recursive = found
		case *Union:
			t.layout.recursive = found
		}
	}
}

// heldBy lists the structures, unions and enums at the bottom of the type of a member.
func heldBy(t Type) []Type {
	switch t := t.(type) {
	case *Pointer:
		if !t.Ignore {
			return heldBy(t.Elem)
		}
	case *Array:
		return heldBy(t.Elem)
	case *UnionRef:
		return []Type{t.Union}
	case *Struct, *Union, *Enum:
		return []Type{t}
	}
	return nil
}

// membersOf lists the structures, unions and enums that t holds.
func membersOf(t Type) []Type {
	var out []Type
	bottom := func(t Type) { out = append(out, heldBy(t)...) }
	switch t := t.(type) {
	case *Struct:
		for _, f := range t.Fields {
			bottom(f.Type)
		}
	case *Union:
		for _, a := range t.Arms {
			if a.Field != nil {
				bottom(a.Field.Type)
			}
		}
	}
	return out
}
