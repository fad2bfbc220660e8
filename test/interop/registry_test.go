//go:build interop

package interop

import (
	"strings"
	"testing"
)

// TestNetRegistry edits the registry by `net rpc registry`: what one call writes the next one reads, and what is deleted is gone.
func TestNetRegistry(t *testing.T) {
	need(t, "net")
	ns := namespace(t)
	bootIn(t, ns, "445")
	run := func(ok bool, args ...string) string {
		t.Helper()
		out, err := peer(t, "ip", append([]string{"netns", "exec", ns, "net", "rpc", "-S", "127.0.0.1", "-U", admin + "%" + password, "registry"}, args...)...)
		if (err == nil) != ok {
			t.Errorf("net rpc registry %s: %v\n%s", strings.Join(args, " "), err, tail(out, 2000))
		}
		return out
	}
	contains(t, run(true, "enumerate", `HKLM`), "SOFTWARE", "SYSTEM")
	contains(t, run(true, "enumerate", `HKLM\SYSTEM\CurrentControlSet\Control\ProductOptions`), "ProductType", "ServerNT")
	contains(t, run(true, "getvalue", `HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion`, "CurrentVersion"), "REG_SZ")
	const key = `HKLM\SOFTWARE\lwiotest`
	run(true, "createkey", key)
	run(true, "setvalue", key, "Größe", "sz", "fünf")
	run(true, "setvalue", key, "Zahl", "dword", "5")
	contains(t, run(true, "getvalue", key, "Größe"), "fünf")
	contains(t, run(true, "getvalue", key, "Zahl"), "REG_DWORD", "5")
	contains(t, run(true, "enumerate", key), "Größe", "Zahl")
	contains(t, run(true, "getsd", key), "S-1-5-32-544")
	run(true, "deletevalue", key, "Zahl")
	const notFound = "NT_STATUS_NO_SUCH_DEVICE" // what Samba makes of ERROR_FILE_NOT_FOUND
	if out := run(false, "getvalue", key, "Zahl"); !strings.Contains(out, notFound) {
		t.Errorf("a deleted value: %s", tail(out, 500))
	}
	run(true, "deletekey", key)
	if out := run(false, "enumerate", key); !strings.Contains(out, notFound) {
		t.Errorf("a deleted key: %s", tail(out, 500))
	}
}

// TestNetService lists services by `net rpc service`, as an administrator, and is refused as a user.
func TestNetService(t *testing.T) {
	need(t, "net")
	ns := namespace(t)
	d := bootIn(t, ns, "445")
	d.addData() // and the user
	run := func(who string, args ...string) (string, error) {
		return peer(t, "ip", append([]string{"netns", "exec", ns, "net", "rpc", "-S", "127.0.0.1", "-U", who + "%" + password, "service"}, args...)...)
	}
	out, err := run(admin, "list")
	if err != nil {
		t.Error(err)
	}
	contains(t, out, "LanmanServer", "LanmanWorkstation", "RpcSs", "SamSs", "Eventlog")
	if out, err = run(admin, "status", "LanmanServer"); err != nil {
		t.Error(err)
	}
	contains(t, out, "LanmanServer service is running")
	if out, err = run(admin, "stop", "SamSs"); err == nil && !strings.Contains(out, "WERR") {
		t.Errorf("SamSs stops: %s", out)
	}
	if out, err := run(user, "stop", "LanmanServer"); err == nil && !strings.Contains(out, "ACCESS") {
		t.Errorf("a user stops the server: %s", out)
	}
}

// TestImpacketRegistry asks what Computer Management does, by impacket's programs.
func TestImpacketRegistry(t *testing.T) {
	_, run := impacketIn(t, "reg")
	out, err := run("", admin+":"+password+"@127.0.0.1", "query", "-keyName", `HKLM\SYSTEM\CurrentControlSet\Control\ProductOptions`)
	if err != nil || strings.Contains(out, "Traceback") {
		t.Errorf("%v\n%s", err, tail(out, 2000))
	}
	contains(t, out, "ProductType", "ServerNT")
}

func TestImpacketServices(t *testing.T) {
	_, run := impacketIn(t, "services")
	out, err := run("", admin+":"+password+"@127.0.0.1", "list")
	if err != nil || strings.Contains(out, "Traceback") {
		t.Errorf("%v\n%s", err, tail(out, 2000))
	}
	contains(t, out, "LanmanServer", "RUNNING")
}

// TestEventLog reads the logs by rpcclient.
func TestEventLog(t *testing.T) {
	need(t, "rpcclient")
	d := start(t)
	contains(t, d.mustRPC("eventlog_numrecord System"), "number of records:")
	contains(t, d.mustRPC("eventlog_oldestrecord Security"), "oldest entry:")
	contains(t, d.lwio("", "eventlog", "list"), "Security")
}

// TestAbsentPipes: printing and browsing are not there, and a client is told so at once.
func TestAbsentPipes(t *testing.T) {
	need(t, "rpcclient")
	d := start(t)
	for _, command := range []string{"enumprinters", "enumports"} {
		if out, _ := d.rpcclient(admin, command); !strings.Contains(out, "NT_STATUS_OBJECT_NAME_NOT_FOUND") {
			t.Errorf("%s: %s", command, tail(out, 500))
		}
	}
	for _, pipe := range []string{"spoolss", "browser"} {
		if out, err := d.tryLwio("", "rpc", "ping", `ncacn_np:127.0.0.1:`+d.port+`[\pipe\`+pipe+`]`, "--anonymous"); err == nil {
			t.Errorf("%s answers: %s", pipe, out)
		}
	}
}
