package winreg

import (
	"context"

	"lwio/gen/dtyp"
	gen "lwio/gen/winreg"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/state"
)

// reading is the part that the calls which read a value have in common: type, data, and the two lengths, each of which may be asked for or not.
type reading struct {
	kind      *uint32
	data      []byte // nil for NULL
	size, len *uint32
}

// answer puts a value into what was offered. Of data that do not fit, or are not wanted, the size is told.
func (r *reading) answer(v state.RegistryValue) uint32 {
	room := r.size
	size, none := uint32(len(v.Data)), uint32(0)
	if r.kind != nil {
		r.kind = &v.Type
	}
	code := success
	switch {
	case r.data == nil:
	case room == nil || *room < size:
		code = moreData
		r.data = []byte{}
	default:
		r.data = v.Data
		if r.data == nil {
			r.data = []byte{}
		}
		none = size
	}
	if r.size != nil {
		r.size = &size
	}
	if r.len != nil {
		r.len = &none
	}
	return code
}

// none leaves what was offered as it was, with no data.
func (r *reading) none() {
	zero := uint32(0)
	if r.data != nil {
		r.data = []byte{}
	}
	if r.len != nil {
		r.len = &zero
	}
}

// BaseRegQueryValue reads a value (MS-RRP 3.1.5.17).
func (s *Service) BaseRegQueryValue(_ context.Context, call *rpc.Call, in *gen.BaseRegQueryValueRequest) (*gen.BaseRegQueryValueResponse, error) {
	r := reading{in.LpType, in.LpData, in.LpcbData, in.LpcbLen}
	k, code, err := s.keyOf(call, in.HKey, nt.KeyQueryValue)
	if err != nil {
		return nil, err
	}
	name, ok := textOf(in.LpValueName)
	switch {
	case code != success:
	case !ok || in.LpType == nil || in.LpcbData == nil || in.LpcbLen == nil:
		code = invalidParameter
	default:
		var v state.RegistryValue
		if v, err = s.value(k, name); err != nil {
			code = codeOf(err)
			break
		}
		code = r.answer(v)
		return &gen.BaseRegQueryValueResponse{LpType: r.kind, LpData: r.data, LpcbData: r.size, LpcbLen: r.len, Return: code}, nil
	}
	r.none()
	return &gen.BaseRegQueryValueResponse{LpType: r.kind, LpData: r.data, LpcbData: r.size, LpcbLen: r.len, Return: code}, nil
}

func (s *Service) value(k *key, name string) (state.RegistryValue, error) {
	if k.perf {
		return s.perfValue(name)
	}
	return s.reg.Value(k.RegistryKey, name)
}

// BaseRegEnumValue names the value of an index, with its data where they are wanted (MS-RRP 3.1.5.11).
func (s *Service) BaseRegEnumValue(_ context.Context, call *rpc.Call, in *gen.BaseRegEnumValueRequest) (*gen.BaseRegEnumValueResponse, error) {
	r := reading{in.LpType, in.LpData, in.LpcbData, in.LpcbLen}
	name := dtyp.RPC_UNICODE_STRING{MaximumLength: in.LpValueNameIn.MaximumLength}
	k, code, err := s.keyOf(call, in.HKey, nt.KeyQueryValue)
	if err != nil {
		return nil, err
	}
	if code == success {
		var list []state.RegistryValue
		if !k.perf {
			list, err = s.reg.Values(k.RegistryKey)
		}
		switch {
		case err != nil:
			code = codeOf(err)
		case uint64(in.DwIndex) >= uint64(len(list)):
			code = noMoreItems
		case r.data != nil && (r.size == nil || r.len == nil):
			code = invalidParameter
		default:
			v := list[in.DwIndex]
			if full := terminated(v.Name, in.LpValueNameIn.MaximumLength); full.Length > in.LpValueNameIn.MaximumLength {
				code = moreData
			} else if code = r.answer(v); true {
				name = full
				return &gen.BaseRegEnumValueResponse{LpValueNameOut: name, LpType: r.kind, LpData: r.data, LpcbData: r.size, LpcbLen: r.len, Return: code}, nil
			}
		}
	}
	r.none()
	return &gen.BaseRegEnumValueResponse{LpValueNameOut: name, LpType: r.kind, LpData: r.data, LpcbData: r.size, LpcbLen: r.len, Return: code}, nil
}

// valueOf finds the key and the name of a value that is to be changed.
func (s *Service) valueOf(call *rpc.Call, h rpc.ContextHandle, value *dtyp.RPC_UNICODE_STRING) (k *key, name string, code uint32, err error) {
	k, code, err = s.keyOf(call, h, nt.KeySetValue)
	if err != nil || code != success {
		return nil, "", code, err
	}
	name, ok := textOf(*value)
	switch {
	case k.perf:
		code = accessDenied
	case !ok && value.Buffer != nil:
		code = invalidParameter
	}
	return k, name, code, nil
}

// BaseRegSetValue writes a value (MS-RRP 3.1.5.23). Any number is a type.
func (s *Service) BaseRegSetValue(ctx context.Context, call *rpc.Call, in *gen.BaseRegSetValueRequest) (*gen.BaseRegSetValueResponse, error) {
	k, name, code, err := s.valueOf(call, in.HKey, &in.LpValueName)
	if err != nil {
		return nil, err
	}
	if code == success {
		code = codeOf(s.reg.SetValue(ctx, k.RegistryKey, state.RegistryValue{Name: name, Type: in.DwType, Data: in.LpData}))
	}
	return &gen.BaseRegSetValueResponse{Return: code}, nil
}

// BaseRegDeleteValue deletes a value (MS-RRP 3.1.5.9).
func (s *Service) BaseRegDeleteValue(ctx context.Context, call *rpc.Call, in *gen.BaseRegDeleteValueRequest) (*gen.BaseRegDeleteValueResponse, error) {
	k, name, code, err := s.valueOf(call, in.HKey, &in.LpValueName)
	if err != nil {
		return nil, err
	}
	if code == success {
		code = codeOf(s.reg.DeleteValue(ctx, k.RegistryKey, name))
	}
	return &gen.BaseRegDeleteValueResponse{Return: code}, nil
}

// multiple finds all the values of a list and lays their data one behind another, each at a multiple of four.
func (s *Service) multiple(call *rpc.Call, h rpc.ContextHandle, list []gen.RVALENT) (out []gen.RVALENT, data []byte, code uint32, err error) {
	k, code, err := s.keyOf(call, h, nt.KeyQueryValue)
	if err != nil {
		return nil, nil, 0, err
	}
	if code != success {
		return list, nil, code, nil
	}
	out = make([]gen.RVALENT, len(list))
	for i, want := range list {
		if want.VeValuename == nil {
			return list, nil, invalidParameter, nil
		}
		name, ok := textOf(*want.VeValuename)
		if !ok && len(want.VeValuename.Buffer) > 0 {
			return list, nil, invalidParameter, nil
		}
		v, err := s.value(k, name)
		if err != nil {
			return list, nil, codeOf(err), nil
		}
		for len(data)%4 != 0 {
			data = append(data, 0)
		}
		if len(data)+len(v.Data) > state.MaxRegistryData {
			return list, nil, uint32(nt.WErrTransportFull), nil
		}
		out[i] = gen.RVALENT{VeValuename: want.VeValuename, VeValuelen: uint32(len(v.Data)), VeValueptr: uint32(len(data)), VeType: v.Type}
		data = append(data, v.Data...)
	}
	return out, data, success, nil
}

// fill is a buffer of the size that the client offered, with data at its beginning.
func fill(buf, data []byte, size uint32) []byte {
	if buf == nil {
		return nil
	}
	out := make([]byte, size)
	copy(out, data)
	return out
}

// BaseRegQueryMultipleValues reads several values (MS-RRP 3.1.5.26).
func (s *Service) BaseRegQueryMultipleValues(_ context.Context, call *rpc.Call, in *gen.BaseRegQueryMultipleValuesRequest) (*gen.BaseRegQueryMultipleValuesResponse, error) {
	list, data, code, err := s.multiple(call, in.HKey, in.ValListIn)
	if err != nil {
		return nil, err
	}
	out := &gen.BaseRegQueryMultipleValuesResponse{ValListOut: list, LdwTotsize: in.LdwTotsize, LpvalueBuf: in.LpvalueBuf, Return: code}
	if code != success {
		return out, nil
	}
	size := uint32(len(data))
	if size > in.LdwTotsize || in.LpvalueBuf == nil && size > 0 {
		// The size that it takes is told in the same parameter as that of the buffer, which goes back as long as that.
		out.Return, out.ValListOut, out.LdwTotsize, out.LpvalueBuf = moreData, in.ValListIn, size, fill(in.LpvalueBuf, nil, size)
		return out, nil
	}
	out.LdwTotsize, out.LpvalueBuf = size, fill(in.LpvalueBuf, data, size)
	return out, nil
}

// BaseRegQueryMultipleValues2 does the same and tells the size in a parameter of its own (MS-RRP 3.1.5.30).
func (s *Service) BaseRegQueryMultipleValues2(_ context.Context, call *rpc.Call, in *gen.BaseRegQueryMultipleValues2Request) (*gen.BaseRegQueryMultipleValues2Response, error) {
	list, data, code, err := s.multiple(call, in.HKey, in.ValListIn)
	if err != nil {
		return nil, err
	}
	out := &gen.BaseRegQueryMultipleValues2Response{ValListOut: list, LpvalueBuf: in.LpvalueBuf, LdwRequiredSize: uint32(len(data)), Return: code}
	if code != success {
		return out, nil
	}
	if uint32(len(data)) > in.LdwTotsize || in.LpvalueBuf == nil && len(data) > 0 {
		out.Return, out.ValListOut = moreData, in.ValListIn
		return out, nil
	}
	out.LpvalueBuf = fill(in.LpvalueBuf, data, in.LdwTotsize)
	return out, nil
}
