package compiler

import "fmt"

// fill resolves the members of a structure or union. It runs after all names are known.
func (r *resolver) fill(t Type) {
	s := r.pkg.bodies[t]
	problems := &diagnostics{}
	r.pkg.problems[t] = problems
	r = &resolver{pkg: r.pkg, diags: problems, hard: r.nameDiags()}
	switch t := t.(type) {
	case *Struct:
		r.fillStruct(t, s)
	case *Union:
		r.fillUnion(t, s)
	}
}

func (r *resolver) fillStruct(t *Struct, s *TypeSpec) {
	goNames, seen := methodNames(), map[string]bool{}
	for i, m := range s.Fields {
		name := m.Decl.Name
		if name == "" {
			name = fmt.Sprintf("anonymous%d", i+1)
		}
		if seen[name] {
			r.diags.add(m.Pos, "", "%s has two members named %s", t.IDL, name)
			continue
		}
		seen[name] = true
		if i < len(s.Fields)-1 {
			m = r.insidePointer(m)
		}
		if m.Init != nil {
			r.diags.add(m.Init.Pos, "send it, or leave it out", "%s is computed of other members, which NDR does not do", name)
		}
		f := r.member(m, r.pkg.specPtr[s], t.IDL+"_"+name, false)
		f.GoName = goNames.take(GoName(name))
		t.Fields = append(t.Fields, f)
	}
}

// insidePointer reads T *x[] in the midst of a structure, where no conformant array can stand, as the pointer to an array that
// printed interfaces mean by it.
func (r *resolver) insidePointer(m *Member) *Member {
	if len(m.Decl.Mods) != 2 || !m.Decl.Mods[0].Open || m.Decl.Mods[1].Array {
		return m
	}
	c := *m
	c.Decl.Mods = m.Decl.Mods[1:]
	return &c
}

func (r *resolver) fillUnion(t *Union, s *TypeSpec) {
	goNames := methodNames()
	attrs := r.pkg.specAttrs[s]
	def := r.pkg.specPtr[s]
	switch a := findAttr(attrs, "switch_type"); {
	case s.Switch != nil:
		t.Switch = r.member(s.Switch, def, "", false)
		t.Switch.GoName = goNames.take(GoName(t.Switch.Name))
		t.Tag = t.Switch.Type
	case a != nil:
		t.Tag = r.finish(r.spec(a.Type, "", def), def, false)
	}
	if t.Tag != nil && !isTag(t.Tag) {
		r.diags.add(s.Pos, "discriminate by an integer, a character, a boolean or an enum", "the discriminant of %s is %s", t.IDL, typeName(t.Tag))
		t.Tag = basics["unsigned long"]
	}
	values := map[int64]bool{}
	for i, m := range s.Fields {
		arm := &Arm{Default: m.Default}
		if m.Default {
			if t.Default != nil {
				r.diags.add(m.Pos, "", "%s has two default arms", t.IDL)
			}
			t.Default = arm
		}
		for _, c := range m.Cases {
			if c.Op == "str" {
				r.diags.add(c.Pos, "number the arms", "an arm of %s is selected by a string", t.IDL)
				continue
			}
			v, ok := r.constant(c)
			if !ok {
				continue
			}
			if values[v] {
				r.diags.add(c.Pos, "", "%s has two arms for %d", t.IDL, v)
				continue
			}
			values[v] = true
			arm.Values = append(arm.Values, v)
		}
		if len(m.Cases) == 0 && !m.Default {
			r.diags.add(m.Pos, "write [case(1)] or [default] in front of it", "an arm of %s that nothing selects", t.IDL)
		}
		if !m.Empty {
			name := m.Decl.Name
			if name == "" {
				name = fmt.Sprintf("arm%d", i+1)
			}
			arm.Field = r.member(m, def, t.IDL+"_"+name, false)
			arm.Field.GoName = goNames.take(GoName(name))
		}
		t.Arms = append(t.Arms, arm)
	}
	if len(t.Arms) == 0 && !s.Broken {
		r.diags.add(s.Pos, "", "the union %s has no arm", t.IDL)
	}
}

func isTag(t Type) bool {
	switch t := t.(type) {
	case *Basic:
		return t.Int || t.Name == "boolean"
	case *Enum:
		return true
	}
	return false
}
