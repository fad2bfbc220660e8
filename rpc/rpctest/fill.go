package rpctest

import (
	"reflect"
	"strings"
)

// fillDepth is how deep Fill goes, so that recursive types end.
const fillDepth = 6

// Fill sets what x points to, a generated request or any struct, to values at random: small numbers, short strings with characters
// outside ASCII and the basic plane, arrays of a few elements, pointers that may be nil. Members that count others are left zero, so that MarshalNDR derives
// them. What it makes need not encode: a union's discriminant seldom selects the arm that is set. Stub says so, and the next Fill is another.
func (m *Mutator) Fill(x any) {
	v := reflect.ValueOf(x)
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		m.fill(v.Elem(), 0)
	}
}

var alphabet = []rune(`abcXYZ019 \:$._ü€語😀`)

func (m *Mutator) fill(v reflect.Value, depth int) {
	if !v.CanSet() {
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(m.rnd.IntN(2) == 0)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int:
		v.SetInt(int64(m.rnd.IntN(8)))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint:
		v.SetUint(uint64(m.rnd.IntN(8)))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(m.rnd.Float64())
	case reflect.String:
		var s strings.Builder
		for range m.rnd.IntN(12) {
			s.WriteRune(alphabet[m.rnd.IntN(len(alphabet))])
		}
		v.SetString(s.String())
	case reflect.Slice:
		v.SetZero()
		if depth < fillDepth {
			v.Set(reflect.MakeSlice(v.Type(), m.rnd.IntN(5), 5))
			m.elements(v, depth)
		}
	case reflect.Array:
		m.elements(v, depth)
	case reflect.Pointer:
		v.SetZero()
		if depth < fillDepth && m.rnd.IntN(4) != 0 {
			v.Set(reflect.New(v.Type().Elem()))
			m.fill(v.Elem(), depth+1)
		}
	case reflect.Struct:
		if u, ok := v.Interface().(interface{ Arms() []any }); ok { // a union that holds its arms in one value
			if arms := u.Arms(); m.rnd.IntN(4) != 0 {
				arm := reflect.New(reflect.TypeOf(arms[m.rnd.IntN(len(arms))])).Elem()
				m.fill(arm, depth+1)
				v.FieldByName("Value").Set(arm)
			}
			return
		}
		slices := false
		for i := range v.NumField() {
			slices = slices || v.Field(i).Kind() == reflect.Slice
		}
		for i := range v.NumField() {
			f := v.Field(i)
			if slices && f.CanInt() || slices && f.CanUint() {
				f.SetZero() // it may be their count
				continue
			}
			m.fill(f, depth+1)
		}
	}
}

func (m *Mutator) elements(v reflect.Value, depth int) {
	for i := range v.Len() {
		m.fill(v.Index(i), depth+1)
	}
}
