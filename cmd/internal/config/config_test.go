package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestLoad(t *testing.T) {
	good := `
listen = ["127.0.0.1:4450", "[::1]:0"]
services = ["srvsvc", "lsarpc"]
log_level = "debug"
[smb]
signing = "enabled"
[limits]
auth_timeout = "5s"
[roots]
"C:" = "/srv"
`
	for text, want := range map[string]string{
		good: "",
		"authority = \"lsassd\"\n[smb]\nntlm = \"off\"\n[kerberos]\nenabled = \"required\"\nkeytab = \"/k\"\nallow_rc4 = true": "",
		"authority = \"remote\"":                                    `authority = "remote": want one of local, lsassd`,
		"authority = \"lsassd\"\nservices = [\"all\", \"account\"]": "it is lsassd that serves account",
		"[smb]\nntlm = \"v1\"":                                      `smb.ntlm = "v1": want one of v2, off`,
		"[smb]\nntlm = \"off\"\n[kerberos]\nenabled = \"off\"":      "nobody could log on",
		"[kerberos]\nenabled = \"on\"":                              `kerberos.enabled = "on": want one of auto, required, off`,
		"[kerberos]\nkeytab = \"k\"":                                "want an absolute path",
		"listn = []":                                                "file.toml:1:1: there is no setting listn",
		"[smb]\nsigning = \"maybe\"":                                `smb.signing = "maybe": want one of required, enabled`,
		"listen = [\"localhost:445\"]":                              "want a numeric address",
		"listen = [\"1.2.3.4\"]":                                    "want ADDRESS:PORT",
		"listen = [\"1.2.3.4:70000\"]":                              "want a port from 0 to 65535",
		"services = [\"smbd\"]":                                     `there is no service "smbd"`,
		"[roots]\n\"CC\" = \"/x\"":                                  "is no drive",
		"[roots]\n\"C:\" = \"x\"":                                   "want an absolute path",
		"[host]\nname = \"a.b\"":                                    "NetBIOS name",
		"[memory]\ncapacity = 1048576":                              "",
		"[memory]\ncapacity = -1":                                   "want 0 for no volume in memory",
		"[client]\nleases = \"off\"\ncache = \"shared\"\ncache_bytes = 1000\ndurable_time = \"5s\"": "",
		"[client]\nleases = \"yes\"":     "client.leases",
		"[client]\ncache = \"on!\"":      "client.cache",
		"[client]\ncache_bytes = -1":     "client.cache_bytes",
		"[limits]\nconnections = -1":     "want 0 for the default",
		"[files]\nlocal_watches = -1":    "files.local_watches = -1: want a number",
		"[limits]\nauth_timeout = \"5\"": "file.toml:2:16",
		"[rpc]\ntcp = [\"0.0.0.0:49152\", \"[::]:5000-5010\"]\nendpoint_mapper = [\"0.0.0.0:135\"]\nlocal = \"off\"": "",
		"[rpc]\ntcp = [\"localhost:135\"]":               "rpc.tcp: \"localhost:135\": want a numeric address",
		"[rpc]\ntcp = [\"1.2.3.4:10-5\"]":                "the first is the lower",
		"[rpc]\ntcp = [\"1.2.3.4:0-5\"]":                 "the first is the lower",
		"[rpc]\ntcp = [\"1.2.3.4\"]":                     "want ADDRESS:PORT or ADDRESS:LOW-HIGH",
		"[rpc]\nendpoint_mapper = [\"1.2.3.4:135-136\"]": "rpc.endpoint_mapper: ",
		"[rpc]\nlocal = \"ncalrpc\"":                     "rpc.local = \"ncalrpc\": want an absolute path",
		"[metrics]\nlisten = \"/run/m.sock\"\n[lsassd]\ntcp = [\"0.0.0.0:49153\"]\nmetrics = \"127.0.0.1:9446\"": "",
		"[metrics]\nlisten = \"m.sock\"": "metrics.listen: \"m.sock\": want ADDRESS:PORT",
		"[lsassd]\ntcp = [\"x:1\"]":      "lsassd.tcp: ",
		"[srvsvcd]\nmetrics = \"x:1\"":   "srvsvcd.metrics: ",
		"[domain]\npreferred = [\"dc1.lab.test\"]\npassword_age = \"168h\"\nfirst_id = 100000\nids = 100000": "",
		"[accounts]\nfirst_id = 999\nids = 10":                                               "accounts.first_id = 999 with accounts.ids = 10: want a range above 1000",
		"[accounts]\nfirst_id = 200000\nids = 1000\n[domain]\nfirst_id = 201000\nids = 1000": "",
		"[accounts]\nfirst_id = 200000\nids = 1001\n[domain]\nfirst_id = 201000\nids = 1000": "are partly the same",
		"[userdb]\nsocket = \"io.lwio\"":                                                     "want an absolute path",
		"[domain]\nfirst_id = 100000\nids = 1000000\nid_map = \"autorid\"":                   "",
		"[domain]\nfirst_id = 100000\nids = 50000\nid_map = \"autorid\"":                     "at least one slice",
		"[domain]\nid_map = \"ad\"":                                                          "want one of rid, autorid",
		"[domain]\nfirst_id = 500\nids = 10":                                                 "want a range above 1000",
		"[domain]\nfirst_id = 4294967295\nids = 9":                                           "want a range above 1000",
		"state = 5": "file.toml:1:9",
		"=":         "file.toml:1:1",
	} {
		path := filepath.Join(t.TempDir(), "file.toml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q:\n got %v\nwant %s", text, err, want)
		}
	}
}

func TestServiceList(t *testing.T) {
	for in, want := range map[string][]string{"all": {"account", "domain", "echo", "epmapper", "eventlog", "initshutdown", "lsarpc", "netlogon", "ntsvcs", "samr", "srvsvc", "svcctl", "winreg", "wkssvc"}, "none": nil, "srvsvc,lsarpc,srvsvc": {"lsarpc", "srvsvc"}} {
		c := Config{Services: []string{in}}
		if got, err := c.ServiceList(); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v %v", in, got, err)
		}
	}
	if got, err := (&Config{Authority: "lsassd", Services: []string{"all"}}).ServiceList(); err != nil || !slices.Equal(got, []string{"echo", "epmapper", "eventlog", "initshutdown", "netlogon", "ntsvcs", "srvsvc", "svcctl", "winreg", "wkssvc"}) {
		t.Errorf("all but what lsassd serves: %v %v", got, err)
	}
	if got, _ := (&Config{Authority: "lsassd"}).ServiceList(); slices.Contains(got, "lsarpc") {
		t.Errorf("the default beside lsassd: %v", got)
	}
	if got, _ := (&Config{}).ServiceList(); len(got) != len(ServiceNames) {
		t.Errorf("the default is all: %v", got)
	}
}

// TestPage loads the example of the page about the configuration.
func TestPage(t *testing.T) {
	b, err := os.ReadFile("../../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(b), "```toml\n")
	text, _, ok2 := strings.Cut(rest, "```")
	if !ok || !ok2 {
		t.Fatal("the page has no example")
	}
	path := filepath.Join(t.TempDir(), "page.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err != nil {
		t.Error(err)
	}
}

// Rules know where they and their settings stand.
func TestPlaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.toml")
	text := "state = \"/x\"\n\n[[rpc.policy]] # one\ninterface = \"srvsvc\"\n  rate = 2.0\n[smb]\nsigning = \"enabled\"\n[[rpc.policy]]\ndeny = [\"S-1-1-0\"]\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		rule      int
		key, want string
	}{{0, "", ":3"}, {0, "interface", ":4:1"}, {0, "rate", ":5:3"}, {0, "deny", ":3"}, {1, "", ":8"}, {1, "deny", ":9:1"}} {
		if got := c.RPC.Policy[tt.rule].At(tt.key); got != path+tt.want {
			t.Errorf("rule %d, %q: %s, want %s", tt.rule, tt.key, got, tt.want)
		}
	}
	text = "[rpc]\npolicy = [{rate = 1.0}, {rate = 2.0}]\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err = Load(path); err != nil || c.RPC.Policy[1].At("rate") != path+", rule 2" {
		t.Errorf("%v %+v", err, c)
	}
}
