package main

import (
	"fmt"
	"strconv"
	"strings"

	interfaces "lwio/idl/known"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// known is an interface whose operations can be called by name.
type known struct {
	iface  *rpc.Interface
	client func(rpc.Caller) any
}

var knownInterfaces = func() (list []known) {
	for _, i := range interfaces.All {
		list = append(list, known{i.Interface, i.Client})
	}
	return list
}()

// otherNames are interfaces that servers of domains have besides, as their specifications name them.
var otherNames = map[string]string{
	"12345778-1234-abcd-ef00-0123456789ac": "samr",
	"12345678-1234-abcd-ef00-01234567cffb": "logon",          // MS-NRPC
	"338cd001-2244-31f1-aaaa-900038001003": "winreg",         // MS-RRP
	"367abb81-9844-35f1-ad32-98f038001003": "svcctl",         // MS-SCMR
	"12345678-1234-abcd-ef00-0123456789ab": "spoolss",        // MS-RPRN
	"82273fdc-e32a-18c3-3f78-827929dc23ea": "eventlog",       // MS-EVEN
	"894de0c0-0d55-11d3-a322-00c04fa321a1": "initshutdown",   // MS-RSP
	"4fc742e0-4a10-11cf-8273-00aa004ae673": "netdfs",         // MS-DFSNM
	"e3514235-4b06-11d1-ab04-00c04fc2dcd2": "drsuapi",        // MS-DRSR
	"50abc2a4-574d-40b3-9d66-ee4fd5fba076": "dnsserver",      // MS-DNSP
	"3dde7c30-165d-11d1-ab8f-00805f14db40": "backupkey",      // MS-BKRP
	"ecec0d70-a603-11d0-96b1-00a0c91ece30": "NTDSBackup",     // MS-ADTS
	"16e0cf3a-a604-11d0-96b1-00a0c91ece30": "NTDSRestore",    // MS-ADTS
	"f5cc5a18-4264-101a-8c59-08002b2f8426": "nspi",           // MS-NSPI
	"6bffd098-a112-3610-9833-46c3f87e345a": "wkssvc",         // MS-WKST
	"8d9f4e40-a03d-11ce-8f69-08003e30051b": "ntsvcs",         // plug and play
	"1ff70682-0a51-30e8-076d-740be8cee98b": "atsvc",          // MS-TSCH
	"86d35949-83c9-4044-b424-db363231fd0c": "ITaskScheduler", // MS-TSCH
	"99fcfec4-5260-101b-bbcb-00aa0021347a": "IObjectExporter",
	"a8e0653c-2744-4389-a61d-7373df8b2292": "FileServerVssAgent", // MS-FSRVP
	"ccd8c074-d0e5-4a40-92b4-d074faa6ba28": "witness",            // MS-SWN
}

// interfaceName is the name by which people know an interface; empty if they do not.
func interfaceName(id nt.GUID) string {
	for _, k := range knownInterfaces {
		if k.iface.UUID == id {
			return k.iface.Name
		}
	}
	return otherNames[id.String()]
}

// findInterface finds an interface by its name, or makes one of `uuid/major.minor`.
func findInterface(s string) (known, error) {
	uuid, version, versioned := strings.Cut(s, "/")
	id, err := nt.ParseGUID(uuid)
	for _, k := range knownInterfaces {
		if strings.EqualFold(k.iface.Name, s) || err == nil && k.iface.UUID == id {
			return k, nil
		}
	}
	if err == nil && versioned {
		major, minor, _ := strings.Cut(version, ".")
		m, errMajor := strconv.ParseUint(major, 10, 16)
		n, errMinor := strconv.ParseUint(minor, 10, 16)
		if minor == "" {
			n, errMinor = 0, nil
		}
		if errMajor == nil && errMinor == nil {
			return known{iface: &rpc.Interface{Name: s, UUID: id, Major: uint16(m), Minor: uint16(n)}}, nil
		}
	}
	names := make([]string, len(knownInterfaces))
	for i, k := range knownInterfaces {
		names[i] = k.iface.Name
	}
	return known{}, hint(usage("no interface %q", s), "%s; or a UUID and version as %s/1.0, with --hex", strings.Join(names, ", "), "60a15ec5-4de8-11d7-a637-005056a20182")
}

// opnum finds an operation by its number or name.
func (k known) opnum(s string) (uint16, error) {
	if n, err := strconv.ParseUint(s, 10, 16); err == nil {
		return uint16(n), nil
	}
	var names []string
	for n := range k.iface.Ops {
		op := k.iface.Op(uint16(n))
		if op == nil {
			continue
		}
		if plain(op.Name) == plain(s) {
			return uint16(n), nil
		}
		names = append(names, op.Name)
	}
	if len(names) == 0 {
		return 0, usage("%q is no number of an operation", s)
	}
	return 0, hint(usage("%s has no operation %q", k.iface.Name, s), "%s", strings.Join(names, ", "))
}

// plain is what the spellings of a name in IDL and in Go have in common.
func plain(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }

// opName names an operation in messages.
func (k known) opName(n uint16) string {
	if op := k.iface.Op(n); op != nil {
		return op.Name
	}
	return fmt.Sprintf("operation %d", n)
}
