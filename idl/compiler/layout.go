package compiler

// Layout: how a type lies on the wire, in NDR 2.0 (C706 14.2 and 14.3) and in NDR64 (MS-RPCE 2.2.5.3).

type layoutState struct {
	state      uint8 // 1 while computed
	align      int
	align64    int
	size64     int  // octets of its body in NDR64, or unsized if values differ
	min        int  // octets it takes at least, padding aside
	deferred   bool // something of it is sent after its body
	conformant bool // it ends in a conformant array, whose count goes ahead
	recursive  bool
	loop       bool // it holds itself by value: reported, and not laid out
}

// shape is the layout of any type. align and min are of NDR 2.0; what has the least size there has no less in NDR64.
type shape struct {
	align, min           int
	align64, size64      int
	deferred, conformant bool
}

// unsized is the size of a body whose values differ in size.
const unsized = -1

// roundUp is n up to a multiple of align.
func roundUp(n, align int) int { return (n + align - 1) / align * align }

func shapeOf(t Type) shape {
	switch t := t.(type) {
	case *Basic:
		wide := t.Size
		if t.Method == "Uint3264" || t.Method == "Int3264" {
			wide = 8
		}
		return shape{align: t.Size, min: t.Size, align64: wide, size64: wide}
	case *Enum:
		if t.Wide {
			return shape{align: 4, min: 4, align64: 4, size64: 4}
		}
		return shape{align: 2, min: 2, align64: 4, size64: 4}
	case *Pointer:
		return shape{align: 4, min: 4, align64: 8, size64: 8, deferred: !t.Ignore}
	case *GUID:
		return shape{align: 4, min: 16, align64: 4, size64: 16}
	case *ContextHandle:
		return shape{align: 4, min: 20, align64: 4, size64: 20}
	case *Pipe:
		return shape{align: 4, min: 4, align64: 8, size64: unsized}
	case *String:
		width := 1
		if t.Wide {
			width = 2
		}
		return shape{align: 4, min: 8 + width, align64: 8, size64: unsized, conformant: t.Fixed < 0}
	case *Array:
		e := shapeOf(t.Elem)
		s := shape{align: e.align, align64: e.align64, size64: unsized, deferred: e.deferred}
		switch {
		case t.Length != nil:
			s.align, s.align64, s.min = max(4, e.align), 8, 8
		case t.Fixed >= 0:
			s.min = int(min(t.Fixed*int64(e.min), 1<<24))
			if e.size64 != unsized && t.Fixed < 1<<24 {
				s.size64 = int(t.Fixed) * e.size64
			}
		}
		s.conformant = t.Fixed < 0
		return s
	case *Struct:
		l := t.laid()
		return shape{l.align, l.min, l.align64, l.size64, l.deferred, l.conformant}
	case *Union:
		l := t.laid()
		return shape{l.align, l.min, l.align64, unsized, l.deferred, false}
	case *UnionRef:
		l := t.Union.laid()
		return shape{l.align, l.min, l.align64, unsized, l.deferred, false}
	}
	return shape{align: 1, min: 1, align64: 1, size64: 1}
}

// leads is the alignment that the code for the body of t makes sure of by itself, which may be less than the alignment of t.
func leads(t Type) (ndr20, ndr64 int) {
	sh := shapeOf(t)
	switch t := t.(type) {
	case *Array:
		if t.Length != nil {
			return 4, 8
		}
		return leads(t.Elem)
	case *UnionRef:
		return shapeOf(t.Union.Tag).align, sh.align64
	}
	return sh.align, sh.align64
}

// trails reports that the octets of a structure may end off its alignment in NDR64, where they are padded up to it.
func (t *Struct) trails() bool {
	l := t.laid()
	if l.align64 == 1 {
		return false
	}
	if l.size64 != unsized {
		end := 0
		for _, f := range t.Fields {
			s := shapeOf(f.Type)
			end = roundUp(end, s.align64) + s.size64
		}
		return end%l.align64 != 0
	}
	last := shapeOf(t.Fields[len(t.Fields)-1].Type)
	return last.size64 == unsized || last.align64 < l.align64 || last.size64%l.align64 != 0
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
	l.state, l.align, l.align64 = 1, 1, 1
	for i, f := range t.Fields {
		s := shapeOf(f.Type)
		l.align, l.align64 = max(l.align, s.align), max(l.align64, s.align64)
		l.min += s.min
		if s.size64 == unsized || l.size64 == unsized {
			l.size64 = unsized
		} else {
			l.size64 = roundUp(l.size64, s.align64) + s.size64
		}
		l.deferred = l.deferred || s.deferred
		if i == len(t.Fields)-1 {
			l.conformant = s.conformant
		}
	}
	if l.size64 != unsized {
		l.size64 = roundUp(l.size64, l.align64)
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
	l.align, l.min, l.align64 = tag.align, tag.min, tag.align64
	for _, a := range t.Arms {
		if a.Field != nil {
			s := shapeOf(a.Field.Type)
			l.align, l.align64 = max(l.align, s.align), max(l.align64, s.align64)
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
	case *Pipe:
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
