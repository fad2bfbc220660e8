package main

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lwio/gen/dtyp"
	"lwio/gen/winreg"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

const regLong = `Look at the registry of this machine or, where the first argument is \\server, of another, and change it. A key begins with HKLM, HKU, HKCR, HKCU or HKCC:
HKLM\SOFTWARE\Example.`

func regCommand(a *app) *cobra.Command {
	f := &rpcFlags{}
	c := &cobra.Command{Use: "reg", Short: "The registry: keys and values", Long: regLong}
	f.register(c, true)
	c.PersistentFlags().DurationVar(&f.timeout, "timeout", 30*time.Second, "give up after this time")
	var kind string
	set := &cobra.Command{Use: `set [\\server] KEY NAME DATA...`, Short: "Write a value, and make its key if there is none", Args: cobra.MinimumNArgs(3),
		RunE: func(c *cobra.Command, args []string) error { return a.regSet(c, f, args, kind) }}
	set.Flags().StringVarP(&kind, "type", "t", "sz", "sz, expand_sz, multi_sz (a string each), dword, qword or binary (hexadecimal)")
	var subtree bool
	watch := &cobra.Command{Use: `watch [\\server] KEY`, Short: "Wait for a change of a key", Args: cobra.RangeArgs(1, 2), RunE: func(c *cobra.Command, args []string) error { return a.regWatch(c, f, args, subtree) }}
	watch.Flags().BoolVarP(&subtree, "recursive", "r", false, "or of one under it")
	c.AddCommand(set, watch,
		&cobra.Command{Use: `list [\\server] KEY`, Short: "List the keys under a key and its values", Args: cobra.RangeArgs(1, 2),
			RunE: func(c *cobra.Command, args []string) error { return a.regList(c, f, args) }},
		&cobra.Command{Use: `get [\\server] KEY NAME`, Short: "Print a value", Args: cobra.RangeArgs(2, 3), RunE: func(c *cobra.Command, args []string) error { return a.regGet(c, f, args) }},
		&cobra.Command{Use: `create [\\server] KEY`, Short: "Make a key", Args: cobra.RangeArgs(1, 2), RunE: func(c *cobra.Command, args []string) error { return a.regCreate(c, f, args) }},
		&cobra.Command{Use: `delete [\\server] KEY [NAME]`, Short: "Delete a key that has none under it, or a value", Args: cobra.RangeArgs(1, 3),
			RunE: func(c *cobra.Command, args []string) error { return a.regDelete(c, f, args) }})
	return c
}

// regSession is an open predefined key.
type regSession struct {
	*winreg.Client
	root rpc.ContextHandle
	path string // below it
	done func()
}

func regError(code uint32, what string, args ...any) error {
	w := nt.WinError(code)
	if w == nt.WErrSuccess {
		return nil
	}
	err := fmt.Errorf(what+": %w", append(args, w)...)
	if w == nt.WErrAccessDenied {
		return hint(err, "run as root or as the user of the daemon, or log on to the server as an administrator")
	}
	return err
}

func (a *app) reg(ctx context.Context, f *rpcFlags, server, key string) (*regSession, error) {
	hive, path, _ := strings.Cut(key, `\`)
	b, done, err := a.caller(ctx, f, server, "winreg", winreg.WinregInterface)
	if err != nil {
		return nil, err
	}
	s := &regSession{Client: winreg.NewClient(b), path: path, done: done}
	access := uint32(nt.MaximumAllowed)
	var code uint32
	switch strings.ToUpper(hive) {
	case "HKLM", "HKEY_LOCAL_MACHINE":
		res, e := s.OpenLocalMachine(ctx, &winreg.OpenLocalMachineRequest{SamDesired: access})
		if err = e; e == nil {
			s.root, code = res.PhKey, res.Return
		}
	case "HKU", "HKEY_USERS":
		res, e := s.OpenUsers(ctx, &winreg.OpenUsersRequest{SamDesired: access})
		if err = e; e == nil {
			s.root, code = res.PhKey, res.Return
		}
	case "HKCR", "HKEY_CLASSES_ROOT":
		res, e := s.OpenClassesRoot(ctx, &winreg.OpenClassesRootRequest{SamDesired: access})
		if err = e; e == nil {
			s.root, code = res.PhKey, res.Return
		}
	case "HKCU", "HKEY_CURRENT_USER":
		res, e := s.OpenCurrentUser(ctx, &winreg.OpenCurrentUserRequest{SamDesired: access})
		if err = e; e == nil {
			s.root, code = res.PhKey, res.Return
		}
	case "HKCC", "HKEY_CURRENT_CONFIG":
		res, e := s.OpenCurrentConfig(ctx, &winreg.OpenCurrentConfigRequest{SamDesired: access})
		if err = e; e == nil {
			s.root, code = res.PhKey, res.Return
		}
	default:
		err = hint(usage("%q: no such part of the registry", hive), "a key begins with HKLM, HKU, HKCR, HKCU or HKCC")
	}
	if err == nil {
		err = regError(code, "open %s", hive)
	}
	if err != nil {
		done()
		return nil, err
	}
	return s, nil
}

func regText(s string) dtyp.RPC_UNICODE_STRING {
	u := append(nt.ToUTF16(s), 0)
	return dtyp.RPC_UNICODE_STRING{Length: uint16(2 * len(u)), MaximumLength: uint16(2 * len(u)), Buffer: u}
}

// regString takes the terminator off.
func regString(s dtyp.RPC_UNICODE_STRING) string { return strings.TrimSuffix(s.String(), "\x00") }

func (s *regSession) open(ctx context.Context, access nt.AccessMask) (rpc.ContextHandle, error) {
	res, err := s.BaseRegOpenKey(ctx, &winreg.BaseRegOpenKeyRequest{HKey: s.root, LpSubKey: regText(s.path), SamDesired: uint32(access)})
	if err != nil {
		return rpc.ContextHandle{}, err
	}
	return res.PhkResult, regError(res.Return, "open %s", s.path)
}

func (s *regSession) create(ctx context.Context) (rpc.ContextHandle, error) {
	res, err := s.BaseRegCreateKey(ctx, &winreg.BaseRegCreateKeyRequest{HKey: s.root, LpSubKey: regText(s.path), SamDesired: uint32(nt.KeySetValue)})
	if err != nil {
		return rpc.ContextHandle{}, err
	}
	return res.PhkResult, regError(res.Return, "create %s", s.path)
}

// regRow is a key or a value as the commands show it.
type regRow struct {
	Name string `json:"name"`
	Type string `json:"type"` // key, or that of a value
	Data any    `json:"data,omitempty"`
}

var regTypes = map[uint32]string{0: "none", 1: "sz", 2: "expand_sz", 3: "binary", 4: "dword", 5: "dword_big_endian", 6: "link", 7: "multi_sz", 11: "qword"}

func regData(kind uint32, b []byte) any {
	switch {
	case kind == winreg.REG_SZ || kind == winreg.REG_EXPAND_SZ:
		return strings.TrimRight(nt.DecodeUTF16(b), "\x00")
	case kind == winreg.REG_MULTI_SZ:
		return strings.FieldsFunc(nt.DecodeUTF16(b), func(r rune) bool { return r == 0 })
	case kind == winreg.REG_DWORD && len(b) == 4:
		return binary.LittleEndian.Uint32(b)
	case kind == winreg.REG_QWORD && len(b) == 8:
		return binary.LittleEndian.Uint64(b)
	}
	return hex.EncodeToString(b)
}

func regKind(kind uint32) string {
	if s, ok := regTypes[kind]; ok {
		return s
	}
	return strconv.FormatUint(uint64(kind), 10)
}

func (a *app) regList(c *cobra.Command, f *rpcFlags, args []string) error {
	server, rest := serverArg(args)
	if len(rest) != 1 {
		return usage(`want [\\server] KEY`)
	}
	s, err := a.reg(c.Context(), f, server, rest[0])
	if err != nil {
		return err
	}
	defer s.done()
	h, err := s.open(c.Context(), nt.KeyRead)
	if err != nil {
		return err
	}
	list, rows := []regRow{}, [][]string{}
	name := dtyp.RPC_UNICODE_STRING{MaximumLength: 512, Buffer: []uint16{}}
	for i := uint32(0); ; i++ {
		res, err := s.BaseRegEnumKey(c.Context(), &winreg.BaseRegEnumKeyRequest{HKey: h, DwIndex: i, LpNameIn: name})
		if err != nil {
			return err
		}
		if nt.WinError(res.Return) == nt.WErrNoMoreItems {
			break
		}
		if err := regError(res.Return, "list the keys"); err != nil {
			return err
		}
		r := regRow{Name: regString(res.LpNameOut), Type: "key"}
		list, rows = append(list, r), append(rows, []string{r.Name, r.Type, ""})
	}
	name.MaximumLength = 0x7FFE
	size := uint32(0)
	for i := uint32(0); ; i++ {
		in := &winreg.BaseRegEnumValueRequest{HKey: h, DwIndex: i, LpValueNameIn: name, LpType: new(uint32), LpData: []byte{}, LpcbData: &size, LpcbLen: new(uint32)}
		res, err := s.BaseRegEnumValue(c.Context(), in)
		if err == nil && nt.WinError(res.Return) == nt.WErrMoreData && res.LpcbData != nil && *res.LpcbData > size {
			size = *res.LpcbData
			i--
			continue
		}
		if err != nil {
			return err
		}
		if nt.WinError(res.Return) == nt.WErrNoMoreItems {
			break
		}
		if err := regError(res.Return, "list the values"); err != nil {
			return err
		}
		r := regRow{Name: regString(res.LpValueNameOut), Type: regKind(*res.LpType), Data: regData(*res.LpType, res.LpData)}
		list, rows = append(list, r), append(rows, []string{r.Name, r.Type, fmt.Sprint(r.Data)})
	}
	return a.print(c.OutOrStdout(), list, []string{"NAME", "TYPE", "DATA"}, rows)
}

func (a *app) regGet(c *cobra.Command, f *rpcFlags, args []string) error {
	server, rest := serverArg(args)
	if len(rest) != 2 {
		return usage(`want [\\server] KEY NAME`)
	}
	s, err := a.reg(c.Context(), f, server, rest[0])
	if err != nil {
		return err
	}
	defer s.done()
	h, err := s.open(c.Context(), nt.KeyQueryValue)
	if err != nil {
		return err
	}
	size := uint32(0)
	for range 5 { // it may grow in between
		res, err := s.BaseRegQueryValue(c.Context(), &winreg.BaseRegQueryValueRequest{HKey: h, LpValueName: regText(rest[1]), LpType: new(uint32), LpData: []byte{}, LpcbData: &size, LpcbLen: new(uint32)})
		if err != nil {
			return err
		}
		if nt.WinError(res.Return) == nt.WErrMoreData && res.LpcbData != nil {
			size = *res.LpcbData
			continue
		}
		if err := regError(res.Return, "read %s", rest[1]); err != nil {
			return err
		}
		r := regRow{Name: rest[1], Type: regKind(*res.LpType), Data: regData(*res.LpType, res.LpData)}
		return a.print(c.OutOrStdout(), r, []string{"NAME", "TYPE", "DATA"}, [][]string{{r.Name, r.Type, fmt.Sprint(r.Data)}})
	}
	return fmt.Errorf("read %s: it changes all the time", rest[1])
}

// regParse makes the data of a value.
func regParse(kind string, data []string) (uint32, []byte, error) {
	one := strings.Join(data, " ")
	switch kind {
	case "sz":
		return winreg.REG_SZ, nt.AppendUTF16(nil, one+"\x00"), nil
	case "expand_sz":
		return winreg.REG_EXPAND_SZ, nt.AppendUTF16(nil, one+"\x00"), nil
	case "multi_sz":
		return winreg.REG_MULTI_SZ, nt.AppendUTF16(nil, strings.Join(data, "\x00")+"\x00\x00"), nil
	case "dword":
		v, err := strconv.ParseUint(one, 0, 32)
		if err != nil {
			return 0, nil, usage("%q is no number of 32 bits", one)
		}
		return winreg.REG_DWORD, binary.LittleEndian.AppendUint32(nil, uint32(v)), nil
	case "qword":
		v, err := strconv.ParseUint(one, 0, 64)
		if err != nil {
			return 0, nil, usage("%q is no number of 64 bits", one)
		}
		return winreg.REG_QWORD, binary.LittleEndian.AppendUint64(nil, v), nil
	case "binary":
		b, err := hex.DecodeString(strings.ReplaceAll(one, " ", ""))
		if err != nil {
			return 0, nil, usage("%q is not hexadecimal", one)
		}
		return winreg.REG_BINARY, b, nil
	}
	return 0, nil, usage("there is no type %q: want sz, expand_sz, multi_sz, dword, qword or binary", kind)
}

func (a *app) regSet(c *cobra.Command, f *rpcFlags, args []string, kind string) error {
	server, rest := serverArg(args)
	if len(rest) < 3 {
		return usage(`want [\\server] KEY NAME DATA`)
	}
	t, b, err := regParse(kind, rest[2:])
	if err != nil {
		return err
	}
	s, err := a.reg(c.Context(), f, server, rest[0])
	if err != nil {
		return err
	}
	defer s.done()
	h, err := s.create(c.Context())
	if err != nil {
		return err
	}
	res, err := s.BaseRegSetValue(c.Context(), &winreg.BaseRegSetValueRequest{HKey: h, LpValueName: regText(rest[1]), DwType: t, LpData: b, CbData: uint32(len(b))})
	if err != nil {
		return err
	}
	return regError(res.Return, "write %s", rest[1])
}

func (a *app) regCreate(c *cobra.Command, f *rpcFlags, args []string) error {
	server, rest := serverArg(args)
	if len(rest) != 1 {
		return usage(`want [\\server] KEY`)
	}
	s, err := a.reg(c.Context(), f, server, rest[0])
	if err != nil {
		return err
	}
	defer s.done()
	_, err = s.create(c.Context())
	return err
}

func (a *app) regDelete(c *cobra.Command, f *rpcFlags, args []string) error {
	server, rest := serverArg(args)
	if len(rest) < 1 || len(rest) > 2 {
		return usage(`want [\\server] KEY [NAME]`)
	}
	s, err := a.reg(c.Context(), f, server, rest[0])
	if err != nil {
		return err
	}
	defer s.done()
	if len(rest) == 1 {
		if s.path == "" {
			return usage("%s is not deleted: name a key under it", rest[0])
		}
		res, err := s.BaseRegDeleteKey(c.Context(), &winreg.BaseRegDeleteKeyRequest{HKey: s.root, LpSubKey: regText(s.path)})
		if err != nil {
			return err
		}
		return regError(res.Return, "delete %s", rest[0])
	}
	h, err := s.open(c.Context(), nt.KeySetValue)
	if err != nil {
		return err
	}
	res, err := s.BaseRegDeleteValue(c.Context(), &winreg.BaseRegDeleteValueRequest{HKey: h, LpValueName: regText(rest[1])})
	if err != nil {
		return err
	}
	return regError(res.Return, "delete %s", rest[1])
}

func (a *app) regWatch(c *cobra.Command, f *rpcFlags, args []string, subtree bool) error {
	server, rest := serverArg(args)
	if len(rest) != 1 {
		return usage(`want [\\server] KEY`)
	}
	s, err := a.reg(c.Context(), f, server, rest[0])
	if err != nil {
		return err
	}
	defer s.done()
	h, err := s.open(c.Context(), nt.KeyNotify)
	if err != nil {
		return err
	}
	in := &winreg.BaseRegNotifyChangeKeyValueRequest{HKey: h, DwNotifyFilter: winreg.REG_NOTIFY_CHANGE_NAME | winreg.REG_NOTIFY_CHANGE_LAST_SET | winreg.REG_NOTIFY_CHANGE_SECURITY}
	if subtree {
		in.FWatchSubtree = 1
	}
	res, err := s.BaseRegNotifyChangeKeyValue(c.Context(), in)
	if err != nil {
		return err
	}
	return regError(res.Return, "wait for a change of %s", rest[0])
}
