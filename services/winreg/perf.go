package winreg

import (
	"context"
	"encoding/binary"
	"strings"
	"time"

	gen "lwio/gen/winreg"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/state"
)

func (s *Service) openPerf(call *rpc.Call) (rpc.ContextHandle, uint32, error) {
	if restricted, ok := s.admitted(call); restricted || !ok {
		return rpc.ContextHandle{}, accessDenied, nil
	}
	h, err := call.Handles.Open(call, &key{granted: nt.KeyRead, perf: true}, nil)
	return h, success, err
}

// OpenPerformanceData opens HKEY_PERFORMANCE_DATA (MS-RRP 3.1.5.4).
func (s *Service) OpenPerformanceData(_ context.Context, call *rpc.Call, _ *gen.OpenPerformanceDataRequest) (*gen.OpenPerformanceDataResponse, error) {
	h, code, err := s.openPerf(call)
	return &gen.OpenPerformanceDataResponse{PhKey: h, Return: code}, err
}

// OpenPerformanceText opens HKEY_PERFORMANCE_TEXT (MS-RRP 3.1.5.28).
func (s *Service) OpenPerformanceText(_ context.Context, call *rpc.Call, _ *gen.OpenPerformanceTextRequest) (*gen.OpenPerformanceTextResponse, error) {
	h, code, err := s.openPerf(call)
	return &gen.OpenPerformanceTextResponse{PhKey: h, Return: code}, err
}

// OpenPerformanceNlsText opens HKEY_PERFORMANCE_NLSTEXT (MS-RRP 3.1.5.29).
func (s *Service) OpenPerformanceNlsText(_ context.Context, call *rpc.Call, _ *gen.OpenPerformanceNlsTextRequest) (*gen.OpenPerformanceNlsTextResponse, error) {
	h, code, err := s.openPerf(call)
	return &gen.OpenPerformanceNlsTextResponse{PhKey: h, Return: code}, err
}

// perfValue is what a machine without counters tells: names of none, and a block without objects (PERF_DATA_BLOCK of the Windows SDK) for whatever objects
// are asked for.
func (s *Service) perfValue(name string) (state.RegistryValue, error) {
	word, _, _ := strings.Cut(name, " ")
	switch word := nt.Upcase(word); {
	case word == "COUNTER", word == "EXPLAIN", word == "HELP":
		return state.RegistryValue{Name: name, Type: gen.REG_MULTI_SZ, Data: []byte{0, 0}}, nil
	case word == "GLOBAL", word == "COSTLY", word == "FOREIGN", word != "" && strings.Trim(word, "0123456789") == "":
		return state.RegistryValue{Name: name, Type: gen.REG_BINARY, Data: perfBlock(s.cfg.Computer, time.Now())}, nil
	}
	return state.RegistryValue{}, state.ErrNotFound
}

func perfBlock(computer string, now time.Time) []byte {
	const header = 88
	name := nt.AppendUTF16(nil, computer+"\x00")
	for (header+len(name))%8 != 0 {
		name = append(name, 0)
	}
	now = now.UTC()
	b := nt.AppendUTF16(nil, "PERF")
	u32 := func(v ...uint32) {
		for _, x := range v {
			b = binary.LittleEndian.AppendUint32(b, x)
		}
	}
	u16 := func(v ...int) {
		for _, x := range v {
			b = binary.LittleEndian.AppendUint16(b, uint16(x))
		}
	}
	total := uint32(header + len(name))
	u32(1, 1, 1, total, total, 0, 0xFFFFFFFF) // little-endian, version 1.1, no objects, none by default
	u16(now.Year(), int(now.Month()), int(now.Weekday()), now.Day(), now.Hour(), now.Minute(), now.Second(), now.Nanosecond()/1e6)
	u32(0)
	t := uint64(nt.TimeOf(now))
	for _, v := range []uint64{t, 10_000_000, t} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	u32(uint32(2*len(nt.ToUTF16(computer))+2), header)
	return append(b, name...)
}
