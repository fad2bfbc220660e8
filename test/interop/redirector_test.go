//go:build interop

package interop

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/auth/credential"
	"lwio/iomgr/drivers/rdr"
	"lwio/iomgr/iotest"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// redirector is a manager with nothing but the redirector.
func redirector(t testing.TB, cfg rdr.Config, by credential.Config) *iomgr.Manager {
	t.Helper()
	src := credential.New(by)
	cfg.Initiator = src.Initiator
	m := iomgr.New(iomgr.Config{})
	if err := m.Load(context.Background(), rdr.DriverEntry(cfg)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := m.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return m
}

// smbd starts Samba's server with the share data, and enc that wants encryption, and gives its address.
func smbd(t testing.TB) string {
	t.Helper()
	need(t, "smbd")
	if os.Getuid() != 0 {
		t.Skip("smbd wants to be root")
	}
	dir, err := os.MkdirTemp("", "lwsmbd") // it has sockets below
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for _, d := range []string{"private", "lock", "state", "cache", "pid", "log", "ncalrpc", "data", "dfs"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	port := freePort(t)
	for link, to := range map[string]string{"link": `msdfs:127.0.0.1\data`, "second": `msdfs:127.0.0.99\away,127.0.0.1\data`, "nowhere": `msdfs:127.0.0.99\away`} {
		if err := os.Symlink(to, filepath.Join(dir, "dfs", link)); err != nil {
			t.Fatal(err)
		}
	}
	conf := filepath.Join(dir, "smb.conf")
	text := strings.ReplaceAll(strings.ReplaceAll(`[global]
netbios name = PEER
server role = standalone server
map to guest = never
interfaces = "127.0.0.1/8;speed=1000000000,capability=RSS"
bind interfaces only = yes
server multi channel support = yes
smb ports = PORT
disable netbios = yes
passdb backend = tdbsam:DIR/private/passdb.tdb
private dir = DIR/private
lock directory = DIR/lock
state directory = DIR/state
cache directory = DIR/cache
pid directory = DIR/pid
ncalrpc dir = DIR/ncalrpc
log file = DIR/log/log.%m
load printers = no
disable spoolss = yes
[data]
path = DIR/data
read only = no
[durable]
path = DIR/data
read only = no
kernel oplocks = no
kernel share modes = no
posix locking = no
[enc]
path = DIR/data
read only = no
smb encrypt = required
[dfs]
path = DIR/dfs
read only = no
msdfs root = yes
[proxy]
path = DIR/dfs
msdfs root = yes
msdfs proxy = \\127.0.0.1\data
`, "PORT", port), "DIR", dir)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := peerInput(t, password+"\n"+password+"\n", "smbpasswd", "-c", conf, "-s", "-a", admin); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command("smbd", "-F", "--no-process-group", "-s", conf)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // it ends its process group with itself
	log := &logBuffer{}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
		pids, _ := filepath.Glob(filepath.Join(dir, "pid", "samba-dcerpcd*.pid")) // which it starts for RPC, and leaves
		for _, file := range pids {
			b, _ := os.ReadFile(file)
			if pid, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil && pid > 1 {
				syscall.Kill(pid, syscall.SIGTERM)
			}
		}
	})
	addr := "127.0.0.1:" + port
	if !within(20*time.Second, func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
		}
		return err == nil
	}) {
		t.Fatalf("smbd does not listen:\n%s", log)
	}
	return addr
}

// suites counts, so that each run of a case has a directory of its own.
var suites atomic.Int32

// files runs the suite for file systems on a share, `server\share`.
func files(t *testing.T, share string, cfg rdr.Config, kerberos credential.Config, who *api.Credential, lacks map[string]string) {
	m := redirector(t, cfg, kerberos)
	iotest.RunFiles(t, func(t testing.TB) iotest.Files {
		x := iotest.Files{API: m, Root: fmt.Sprintf(`\rdr\%s\suite%d-%d`, share, os.Getpid(), suites.Add(1)), Contexts: []any{who}, Lacks: lacks}
		h, err := m.CreateFile(context.Background(), &api.CreateArgs{Name: x.Root, DesiredAccess: nt.FileReadAttributes, ShareAccess: 7, Disposition: nt.FileCreate,
			Options: nt.FileDirectoryFile, Impersonation: api.ImpersonateImpersonation, Contexts: x.Contexts})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Close(h); err != nil {
			t.Fatal(err)
		}
		return x
	})
}

// byNTLM is the administrator of both servers.
var byNTLM = &api.Credential{User: admin, Password: password, Method: api.MethodNTLM}

// TestLabShare is run by another test, on a host of a domain, with the tickets of its environment.
func TestLabShare(t *testing.T) {
	share := os.Getenv("LWIO_LAB_SHARE")
	if share == "" {
		return
	}
	cred, err := credential.FromEnvironment()
	if err != nil || cred == nil {
		t.Fatalf("no tickets: %v", err)
	}
	files(t, share, rdr.Config{}, credential.Config{NTLM: credential.Denied}, cred, nil)
}

// TestFilesOnLwiod runs the suite for file systems through the redirector and lwiod.
func TestFilesOnLwiod(t *testing.T) {
	d := start(t)
	t.Run("signed", func(t *testing.T) {
		files(t, "127.0.0.1:"+d.port+`\data`, rdr.Config{}, credential.Config{}, byNTLM, nil)
	})
	t.Run("sealed", func(t *testing.T) {
		files(t, "127.0.0.1:"+d.port+`\data`, rdr.Config{Encryption: rdr.EncryptionRequired}, credential.Config{}, byNTLM, nil)
	})
}

// TestFilesOnSmbd runs it through the redirector and Samba's server.
func TestFilesOnSmbd(t *testing.T) {
	addr := smbd(t)
	t.Run("signed", func(t *testing.T) { files(t, addr+`\data`, rdr.Config{}, credential.Config{}, byNTLM, nil) })
	t.Run("sealed", func(t *testing.T) { files(t, addr+`\enc`, rdr.Config{}, credential.Config{}, byNTLM, nil) })
}

// cuttable dials, and cuts what it has dialled.
type cuttable struct {
	mu    sync.Mutex
	conns []net.Conn
}

func (c *cuttable) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	nc, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err == nil {
		c.mu.Lock()
		c.conns = append(c.conns, nc)
		c.mu.Unlock()
	}
	return nc, err
}

func (c *cuttable) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, nc := range c.conns {
		nc.Close()
	}
	c.conns = nil
}

// TestDurable loses the connection between what is done to a file, of lwiod's and of Samba's server, which both keep it open.
func TestDurable(t *testing.T) {
	through := func(t *testing.T, share string) {
		for name, dialect := range map[string]smb2.Dialect{"2.1": smb2.Dialect210, "3.0": smb2.Dialect300, "3.1.1": smb2.Dialect311} {
			t.Run(name, func(t *testing.T) {
				var net cuttable
				m := redirector(t, rdr.Config{Dial: net.dial, MaxDialect: dialect}, credential.Config{})
				ctx := t.Context()
				h, err := m.CreateFile(ctx, &api.CreateArgs{Name: `\rdr\` + share + `\durable` + name, DesiredAccess: nt.GenericRead | nt.GenericWrite,
					Disposition: nt.FileOpenIf, Impersonation: api.ImpersonateImpersonation, Contexts: []any{byNTLM}})
				if err != nil {
					t.Fatal(err)
				}
				var want []byte
				lock := &api.LockArgs{Offset: 1000, Length: 10, Exclusive: true, FailImmediately: true}
				for i := range 5 {
					part := []byte(fmt.Sprintf("part %d;", i))
					if _, err := m.WriteFile(ctx, h, part, int64(len(want))); err != nil {
						t.Errorf("write %d: %v", i, err)
					}
					want = append(want, part...)
					net.cut()
					if err := m.LockFile(ctx, h, lock); err != nil {
						t.Errorf("lock %d: %v", i, err)
					}
					net.cut()
					got := make([]byte, 100)
					if n, err := m.ReadFile(ctx, h, got, 0); err != nil || string(got[:n]) != string(want) {
						t.Errorf("read %d: %q, %v", i, got[:n], err)
					}
					net.cut()
					if err := m.UnlockFile(ctx, h, lock); err != nil {
						t.Errorf("unlock %d: %v", i, err)
					}
				}
				if err := m.Close(h); err != nil {
					t.Error(err)
				}
			})
		}
	}
	t.Run("lwiod", func(t *testing.T) { through(t, "127.0.0.1:"+start(t).port+`\data`) })
	t.Run("smbd", func(t *testing.T) { through(t, smbd(t)+`\durable`) })
}

// TestCoherence checks histories of two clients with caches on one file of lwiod and of Samba's server.
func TestCoherence(t *testing.T) {
	run := func(t *testing.T, share string) {
		a, b := redirector(t, rdr.Config{}, credential.Config{}), redirector(t, rdr.Config{}, credential.Config{})
		iotest.RunCoherence(t, a, b, `\rdr\`+share+`\coherent`, []any{byNTLM}, 100, rand.Uint64())
	}
	t.Run("lwiod", func(t *testing.T) { run(t, "127.0.0.1:"+start(t).port+`\data`) })
	t.Run("smbd", func(t *testing.T) { run(t, smbd(t)+`\data`) })
}
