package windows

import (
	"slices"
	"testing"

	"lwio/gen/dtyp"
	"lwio/gen/winreg"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// reg are the calls of a tool that browses a registry.
type reg struct {
	x *tool
	c *winreg.Client
}

// terminated is a string of the registry's calls: its terminator is counted.
func terminated(s string) dtyp.RPC_UNICODE_STRING { return unicode(s + "\x00") }

// room is an empty string with room for n units, the terminator among them.
func room(n int) dtyp.RPC_UNICODE_STRING {
	return dtyp.RPC_UNICODE_STRING{MaximumLength: uint16(2 * n), Buffer: []uint16{}}
}

// keys lists the keys below one, as Registry Editor does: winreg 16, then 9 until ERROR_NO_MORE_ITEMS.
func (r *reg) keys(h rpc.ContextHandle) []string {
	r.x.t.Helper()
	info, err := r.c.BaseRegQueryInfoKey(r.x.ctx(), &winreg.BaseRegQueryInfoKeyRequest{HKey: h, LpClassIn: room(0)})
	if err != nil || info.Return != 0 {
		r.x.t.Fatalf("winreg 16: %+v %v", info, err)
	}
	var list []string
	longest := uint32(0)
	for i := uint32(0); ; i++ {
		out, err := r.c.BaseRegEnumKey(r.x.ctx(), &winreg.BaseRegEnumKeyRequest{HKey: h, DwIndex: i, LpNameIn: room(256), LpClassIn: ptr(room(256)), LpftLastWriteTime: &dtyp.FILETIME{}})
		if err != nil {
			r.x.t.Fatal(err)
		}
		if out.Return == uint32(nt.WErrNoMoreItems) {
			break
		}
		name := out.LpNameOut.String()
		if out.Return != 0 || out.LpftLastWriteTime == nil || *out.LpftLastWriteTime == (dtyp.FILETIME{}) || len(name) == 0 || name[len(name)-1] != 0 {
			r.x.t.Fatalf("winreg 9: %+v", out)
		}
		longest = max(longest, uint32(out.LpNameOut.Length)-2)
		list = append(list, name[:len(name)-1])
	}
	if int(info.LpcSubKeys) != len(list) || info.LpcbMaxSubKeyLen != longest {
		r.x.t.Errorf("winreg 16 tells of %d keys, the longest of %d octets; there are %d, %d", info.LpcSubKeys, info.LpcbMaxSubKeyLen, len(list), longest)
	}
	return list
}

// TestRegistryEditor connects to the registry of another machine, opens branches, and edits a key of its own.
func TestRegistryEditor(t *testing.T) {
	x := start(t).as(admin)
	c := winreg.NewClient(x.bind("winreg", winreg.WinregInterface, rpc.AuthLevelPktPrivacy))
	r := &reg{x, c}
	const all = 0x000F003F // KEY_ALL_ACCESS
	var hklm, hku, key, sub rpc.ContextHandle
	open := func(h *rpc.ContextHandle, path string, access uint32, to *rpc.ContextHandle) step {
		return step{"winreg 15 " + path, func() (any, error) {
			out, err := c.BaseRegOpenKey(x.ctx(), &winreg.BaseRegOpenKeyRequest{HKey: *h, LpSubKey: terminated(path), SamDesired: access})
			*to = out.PhkResult
			return out, err
		}, &winreg.BaseRegOpenKeyResponse{PhkResult: handle}}
	}
	x.play([]step{
		{"winreg 2", func() (any, error) {
			out, err := c.OpenLocalMachine(x.ctx(), &winreg.OpenLocalMachineRequest{ServerName: ptr(uint16('W')), SamDesired: 0x02000000})
			hklm = out.PhKey
			return out, err
		}, &winreg.OpenLocalMachineResponse{PhKey: handle}},
		{"winreg 4", func() (any, error) {
			out, err := c.OpenUsers(x.ctx(), &winreg.OpenUsersRequest{SamDesired: 0x02000000})
			hku = out.PhKey
			return out, err
		}, &winreg.OpenUsersResponse{PhKey: handle}},
		{"winreg 26", func() (any, error) {
			return c.BaseRegGetVersion(x.ctx(), &winreg.BaseRegGetVersionRequest{HKey: hklm})
		}, &winreg.BaseRegGetVersionResponse{LpdwVersion: 6}},
		{"HKLM", func() (any, error) { return r.keys(hklm), nil }, []string{"HARDWARE", "SAM", "SECURITY", "SOFTWARE", "SYSTEM"}},
		{"HKU", func() (any, error) { return r.keys(hku), nil }, that(".DEFAULT is there", func(l []string) bool { return slices.Contains(l, ".DEFAULT") })},
		open(&hklm, `SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters`, winreg.KEY_QUERY_VALUE, &key),
		{"winreg 17", func() (any, error) {
			return c.BaseRegQueryValue(x.ctx(), &winreg.BaseRegQueryValueRequest{HKey: key, LpValueName: terminated("RequireSecuritySignature"), LpType: ptr(uint32(0)), LpData: []byte{},
				LpcbData: ptr(uint32(4)), LpcbLen: ptr(uint32(0))})
		}, &winreg.BaseRegQueryValueResponse{LpType: ptr(winreg.REG_DWORD), LpData: []byte{1, 0, 0, 0}, LpcbData: ptr(uint32(4)), LpcbLen: ptr(uint32(4))}},
		{"winreg 5", func() (any, error) {
			return c.BaseRegCloseKey(x.ctx(), &winreg.BaseRegCloseKeyRequest{HKey: key})
		}, &winreg.BaseRegCloseKeyResponse{}},
		open(&hklm, "SOFTWARE", all, &key),
		{"winreg 6", func() (any, error) { // new, key
			out, err := c.BaseRegCreateKey(x.ctx(), &winreg.BaseRegCreateKeyRequest{HKey: key, LpSubKey: terminated("Größe"), LpClass: terminated(""), SamDesired: all, LpdwDisposition: ptr(uint32(0))})
			sub = out.PhkResult
			return out, err
		}, &winreg.BaseRegCreateKeyResponse{PhkResult: handle, LpdwDisposition: ptr(winreg.REG_CREATED_NEW_KEY)}},
		{"winreg 22", func() (any, error) { // new, string
			return c.BaseRegSetValue(x.ctx(), &winreg.BaseRegSetValueRequest{HKey: sub, LpValueName: terminated("Wert"), DwType: winreg.REG_SZ, LpData: nt.AppendUTF16(nil, "fünf\x00"), CbData: 10})
		}, &winreg.BaseRegSetValueResponse{}},
		{"winreg 10", func() (any, error) {
			return c.BaseRegEnumValue(x.ctx(), &winreg.BaseRegEnumValueRequest{HKey: sub, LpValueNameIn: room(256), LpType: ptr(uint32(0)), LpData: []byte{}, LpcbData: ptr(uint32(256)), LpcbLen: ptr(uint32(0))})
		}, &winreg.BaseRegEnumValueResponse{LpValueNameOut: terminated("Wert"), LpType: ptr(winreg.REG_SZ), LpData: nt.AppendUTF16(nil, "fünf\x00"), LpcbData: ptr(uint32(10)), LpcbLen: ptr(uint32(10))}},
		{"winreg 10, no more", func() (any, error) {
			out, err := c.BaseRegEnumValue(x.ctx(), &winreg.BaseRegEnumValueRequest{HKey: sub, DwIndex: 1, LpValueNameIn: room(256), LpType: ptr(uint32(0)), LpData: []byte{}, LpcbData: ptr(uint32(256)), LpcbLen: ptr(uint32(0))})
			return out.Return, err
		}, uint32(nt.WErrNoMoreItems)},
		{"winreg 12", func() (any, error) { // permissions
			return c.BaseRegGetKeySecurity(x.ctx(), &winreg.BaseRegGetKeySecurityRequest{HKey: sub, SecurityInformation: 7, PRpcSecurityDescriptorIn: winreg.RPC_SECURITY_DESCRIPTOR{LpSecurityDescriptor: []byte{}, CbInSecurityDescriptor: 4096}})
		}, that("owner, group and an inherited list", func(out *winreg.BaseRegGetKeySecurityResponse) bool {
			d, err := nt.ParseSecurityDescriptor(out.PRpcSecurityDescriptorOut.LpSecurityDescriptor)
			return out.Return == 0 && err == nil && !d.Owner.IsZero() && d.DACL != nil && len(d.DACL.ACEs) > 0 && int(out.PRpcSecurityDescriptorOut.CbOutSecurityDescriptor) == len(out.PRpcSecurityDescriptorOut.LpSecurityDescriptor)
		})},
		{"winreg 8", func() (any, error) {
			return c.BaseRegDeleteValue(x.ctx(), &winreg.BaseRegDeleteValueRequest{HKey: sub, LpValueName: terminated("Wert")})
		}, &winreg.BaseRegDeleteValueResponse{}},
		{"winreg 7", func() (any, error) {
			return c.BaseRegDeleteKey(x.ctx(), &winreg.BaseRegDeleteKeyRequest{HKey: key, LpSubKey: terminated("Größe")})
		}, &winreg.BaseRegDeleteKeyResponse{}},
		{"winreg 15, gone", func() (any, error) {
			return c.BaseRegOpenKey(x.ctx(), &winreg.BaseRegOpenKeyRequest{HKey: key, LpSubKey: terminated("Größe"), SamDesired: winreg.KEY_QUERY_VALUE})
		}, &winreg.BaseRegOpenKeyResponse{Return: uint32(nt.WErrFileNotFound)}},
	})
}
