package winreg

import (
	"encoding/binary"
	"fmt"

	gen "lwio/gen/winreg"
	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/services/state"
)

// System is what the registry tells of the system that it is of.
type System struct {
	// Host names the computer and its domain. It is required.
	Host func() auth.Host
	// Server tells of the SMB server as it is set now. Nil, or false, is not at all.
	Server func() (LanmanServer, bool)
	// Services are those that the service control manager has.
	Services []SystemService
	// Logs are the names of the event logs.
	Logs []string
}

// LanmanServer are the parameters of the server service.
type LanmanServer struct {
	Comment         string
	Hidden          bool
	RequireSigning  bool
	EncryptData     bool
	RejectPlaintext bool // EncryptData without exceptions
	Idle            uint32
}

// SystemService is a service as the registry has it.
type SystemService struct {
	Name, Display, Description string
	Type, Start, ErrorControl  uint32
	Image, Account, Group      string
	DependOn                   []string
}

// Text, Number and Texts are values of these kinds.
func Text(name, s string) state.RegistryValue {
	return state.RegistryValue{Name: name, Type: gen.REG_SZ, Data: nt.AppendUTF16(nil, s+"\x00")}
}

// Number is a REG_DWORD.
func Number(name string, v uint32) state.RegistryValue {
	return state.RegistryValue{Name: name, Type: gen.REG_DWORD, Data: binary.LittleEndian.AppendUint32(nil, v)}
}

// Texts is a REG_MULTI_SZ.
func Texts(name string, list ...string) state.RegistryValue {
	b := []byte{}
	for _, s := range list {
		b = nt.AppendUTF16(b, s+"\x00")
	}
	return state.RegistryValue{Name: name, Type: gen.REG_MULTI_SZ, Data: nt.AppendUTF16(b, "\x00")}
}

func truth(name string, v bool) state.RegistryValue {
	if v {
		return Number(name, 1)
	}
	return Number(name, 0)
}

// The descriptors of the keys that do not have that of the key above.
const (
	machineSDDL = "O:BAG:SYD:P(A;CI;KA;;;BA)(A;CI;KA;;;SY)(A;CI;KR;;;WD)"
	secretSDDL  = "O:BAG:SYD:P(A;CI;KA;;;SY)(A;CI;RCWD;;;BA)"
	remoteSDDL  = "O:BAG:SYD:P(A;CI;KA;;;BA)(A;CI;KA;;;SY)(A;;KR;;;BO)(A;CI;KR;;;LS)"
)

const (
	control  = `MACHINE\SYSTEM\CurrentControlSet\Control`
	services = `MACHINE\SYSTEM\CurrentControlSet\Services`
	software = `MACHINE\SOFTWARE\Microsoft`
)

// allowedPaths and allowedExact are what Windows lets users of other machines read.
var (
	allowedPaths = []string{`System\CurrentControlSet\Control\Print\Printers`, `System\CurrentControlSet\Services\Eventlog`, `Software\Microsoft\OLAP Server`,
		`Software\Microsoft\Windows NT\CurrentVersion\Print`, `Software\Microsoft\Windows NT\CurrentVersion\Windows`, `System\CurrentControlSet\Control\ContentIndex`,
		`System\CurrentControlSet\Control\Terminal Server`, `System\CurrentControlSet\Control\Terminal Server\UserConfig`,
		`System\CurrentControlSet\Control\Terminal Server\DefaultUserConfiguration`, `Software\Microsoft\Windows NT\CurrentVersion\Perflib`,
		`System\CurrentControlSet\Services\SysmonLog`}
	allowedExact = []string{`System\CurrentControlSet\Control\ProductOptions`, `System\CurrentControlSet\Control\Server Applications`,
		`Software\Microsoft\Windows NT\CurrentVersion`}
)

// Seed makes the keys that every registry has, and those that tell of the system.
func Seed(r *state.Registry, sys System) error {
	var failed error
	seed := func(path, sddl string, values ...state.RegistryValue) *state.RegistryKey {
		var sd *nt.SecurityDescriptor
		var err error
		if sddl != "" {
			sd, err = nt.ParseSDDL(sddl, nt.SID{})
		}
		var k *state.RegistryKey
		if err == nil {
			k, err = r.Seed(path, sd, values...)
		}
		if err != nil && failed == nil {
			failed = fmt.Errorf("seed the registry: %s: %w", path, err)
		}
		return k
	}
	live := func(path string, f func() []state.RegistryValue) {
		if k := seed(path, ""); k != nil {
			r.Live(k, f)
		}
	}
	seed(machineKey, machineSDDL)
	seed(usersKey, machineSDDL)
	seed(usersKey+`\.DEFAULT`, "")
	seed(`MACHINE\HARDWARE`, "")
	seed(`MACHINE\SAM`, secretSDDL)
	seed(`MACHINE\SECURITY`, secretSDDL)
	seed(classesKey, "")
	seed(configKey, "")
	seed(software+`\Windows\CurrentVersion`, "", Text("ProgramFilesDir", `C:\Program Files`), Text("CommonFilesDir", `C:\Program Files\Common Files`))
	seed(remoteKey, remoteSDDL, Text("Description", "Registry Server"))
	seed(remoteKey+`\AllowedPaths`, "", Texts("Machine", allowedPaths...))
	seed(remoteKey+`\AllowedExactPaths`, "", Texts("Machine", allowedExact...))
	seed(control+`\Print\Printers`, "")
	seed(control+`\Terminal Server`, "", Number("fDenyTSConnections", 1))
	seed(control+`\Lsa`, "", Number("LmCompatibilityLevel", 5), Number("RestrictAnonymous", 1), Number("RestrictAnonymousSAM", 1), Number("NoLMHash", 1),
		Number("EveryoneIncludesAnonymous", 0))
	live(control+`\ProductOptions`, func() []state.RegistryValue {
		return []state.RegistryValue{Text("ProductType", "ServerNT"), Texts("ProductSuite")}
	})
	// What srvsvc and wkssvc tell of the version, too.
	live(software+`\Windows NT\CurrentVersion`, func() []state.RegistryValue {
		return []state.RegistryValue{Text("ProductName", "lwio"), Text("CurrentVersion", "6.3"), Number("CurrentMajorVersionNumber", 10), Number("CurrentMinorVersionNumber", 0),
			Text("CurrentBuild", "0"), Text("CurrentBuildNumber", "0"), Text("InstallationType", "Server"), Text("CurrentType", "Multiprocessor Free"),
			Text("SystemRoot", `C:\Windows`), Text("PathName", `C:\Windows`)}
	})
	seed(software+`\Windows NT\CurrentVersion\Perflib`, "", Number("Base Index", 1847), Number("Last Counter", 0), Number("Last Help", 0))
	seed(software+`\Windows NT\CurrentVersion\Perflib\009`, "", Texts("Counter"), Texts("Help"))
	for _, name := range []string{`ComputerName\ComputerName`, `ComputerName\ActiveComputerName`} {
		live(control+`\`+name, func() []state.RegistryValue { return []state.RegistryValue{Text("ComputerName", sys.Host().Name)} })
	}
	for _, s := range sys.Services {
		values := []state.RegistryValue{Text("DisplayName", s.Display), Text("Description", s.Description), Number("Type", s.Type), Number("Start", s.Start),
			Number("ErrorControl", s.ErrorControl), {Name: "ImagePath", Type: gen.REG_EXPAND_SZ, Data: nt.AppendUTF16(nil, s.Image+"\x00")}, Text("ObjectName", s.Account)}
		if s.Group != "" {
			values = append(values, Text("Group", s.Group))
		}
		if len(s.DependOn) > 0 {
			values = append(values, Texts("DependOnService", s.DependOn...))
		}
		live(services+`\`+s.Name, func() []state.RegistryValue { return values })
	}
	live(services+`\Tcpip\Parameters`, func() []state.RegistryValue {
		h := sys.Host()
		return []state.RegistryValue{Text("Hostname", h.Name), Text("NV Hostname", h.Name), Text("Domain", h.DNSDomain), Text("NV Domain", h.DNSDomain)}
	})
	for _, name := range sys.Logs {
		seed(services+`\EventLog\`+name, "", Number("MaxSize", 20<<20), Number("Retention", 0),
			state.RegistryValue{Name: "File", Type: gen.REG_EXPAND_SZ, Data: nt.AppendUTF16(nil, `%SystemRoot%\System32\winevt\Logs\`+name+".evtx\x00")})
	}
	seed(services+`\LanmanServer\Parameters`, "", Texts("NullSessionPipes"), Texts("NullSessionShares"))
	if sys.Server != nil {
		live(services+`\LanmanServer\Parameters`, func() []state.RegistryValue {
			v, ok := sys.Server()
			if !ok {
				return nil
			}
			return []state.RegistryValue{Text("srvcomment", v.Comment), truth("hidden", v.Hidden), truth("RequireSecuritySignature", v.RequireSigning), Number("EnableSecuritySignature", 1),
				truth("EncryptData", v.EncryptData), truth("RejectUnencryptedAccess", v.RejectPlaintext), Number("autodisconnect", v.Idle), Number("RestrictNullSessAccess", 1),
				Number("AutoShareServer", 1), Number("SMB1", 0), Number("SMB2", 1)}
		})
	}
	return failed
}
