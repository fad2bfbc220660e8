//go:build interop

package interop

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// session is a running smbclient.
type smbSession struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out chan string
}

// smbclientSession starts an smbclient and waits until it is connected.
func (d *daemon) smbclientSession(who string) *smbSession {
	d.t.Helper()
	need(d.t, "stdbuf") // smbclient would keep its answers until it ends
	line := append(append([]string{}, d.enter...), "stdbuf", "-o0", "smbclient", "//127.0.0.1/data", "-p", d.port, "-U", who+"%"+password)
	cmd := exec.Command(line[0], line[1:]...)
	in, err := cmd.StdinPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	s := &smbSession{cmd, in, make(chan string, 1000)}
	go func() {
		defer close(s.out)
		for r := bufio.NewScanner(out); r.Scan(); {
			s.out <- r.Text()
		}
	}()
	s.send(d.t, "pwd", "Current directory")
	return s
}

// send has a command carried out, and waits for the line that answers it.
func (s *smbSession) send(t testing.TB, command, answer string) {
	t.Helper()
	io.WriteString(s.in, command+"\n")
	for {
		select {
		case line, ok := <-s.out:
			if !ok {
				t.Fatal("smbclient ended")
			}
			if strings.Contains(line, answer) {
				return
			}
		case <-time.After(20 * time.Second):
			s.cmd.Process.Kill()
			t.Fatal("smbclient does not answer")
		}
	}
}

// ended asks for a directory and reports whether the connection was gone.
func (s *smbSession) ended() bool {
	io.WriteString(s.in, "ls\n")
	for {
		select {
		case line, ok := <-s.out:
			if !ok || strings.Contains(line, "NT_STATUS_CONNECTION") {
				return true
			}
			if strings.Contains(line, "blocks available") {
				return false
			}
		case <-time.After(20 * time.Second):
			return false
		}
	}
}

func (s *smbSession) Close() {
	s.in.Close()
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

func (d *daemon) smbclient(share, commands string, flags ...string) (string, error) {
	args := append([]string{"//127.0.0.1/" + share, "-p", d.port, "-U", user + "%" + password, "-c", commands}, flags...)
	return peer(d.t, "smbclient", args...)
}

func TestSmbclient(t *testing.T) {
	need(t, "smbclient")
	d := start(t)
	local := filepath.Join(d.dir, "local")
	content := strings.Repeat("The quick brown fox. ", 100000)
	if err := os.WriteFile(local, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, flags := range map[string][]string{"signed": nil, "2.0.2": {"-m", "SMB2_02"}, "2.1": {"-m", "SMB2_10"}, "3.0": {"-m", "SMB3_00"}, "3.0.2": {"-m", "SMB3_02"},
		"3.1.1": {"-m", "SMB3_11"}, "encrypted 3.0": {"-m", "SMB3_00", "--client-protection=encrypt"}, "encrypted 3.1.1": {"--client-protection=encrypt"}} {
		back := filepath.Join(d.dir, "back")
		os.Remove(back)
		out, err := d.smbclient("data", "put "+local+" f; ls; rename f g; get g "+back+"; mkdir sub; cd sub; put "+local+" h; del h; cd ..; rmdir sub; del g", flags...)
		if err != nil || strings.Contains(out, "NT_STATUS") {
			t.Errorf("%s: %v\n%s", name, err, tail(out, 2000))
		}
		if got, _ := os.ReadFile(back); string(got) != content {
			t.Errorf("%s: %d bytes came back, %d went", name, len(got), len(content))
		}
	}
	if left, _ := os.ReadDir(filepath.Join(d.dir, "data")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	out, err := peer(t, "smbclient", "-L", "127.0.0.1", "-p", d.port, "-U", user+"%"+password)
	if err != nil {
		t.Errorf("smbclient -L: %v", err)
	}
	contains(t, out, "data", "IPC$")
}

func TestEncryptedShare(t *testing.T) {
	need(t, "smbclient")
	d := start(t)
	d.lwio("", "share", "add", "secret", filepath.Join(d.dir, "data"), "--encrypt")
	if out, err := d.smbclient("secret", "ls", "-m", "SMB2_10"); err == nil || !strings.Contains(out, "NT_STATUS_ACCESS_DENIED") {
		t.Errorf("SMB 2.1: %v\n%s", err, out)
	}
	if out, err := d.smbclient("secret", "ls"); err != nil {
		t.Errorf("SMB 3: %v\n%s", err, out)
	}
}

func TestShareDescriptor(t *testing.T) {
	need(t, "smbclient")
	d := start(t)
	dir := filepath.Join(d.dir, "data")
	d.lwio("", "share", "add", "admins", dir, "--sddl", "D:(A;;FA;;;BA)")
	d.lwio("", "share", "add", "look", dir, "--read-only")
	if out, err := d.smbclient("admins", "ls"); err == nil || !strings.Contains(out, "NT_STATUS_ACCESS_DENIED") {
		t.Errorf("a plain user on an administrators' share: %v\n%s", err, out)
	}
	if out, err := d.smbclient("look", "ls"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if out, _ := d.smbclient("look", "mkdir x"); !strings.Contains(out, "NT_STATUS_ACCESS_DENIED") {
		t.Errorf("writing a read-only share:\n%s", out)
	}
	// A change is seen at once.
	d.lwio("", "share", "set", "admins", "--sddl", "D:(A;;FA;;;WD)")
	if out, err := d.smbclient("admins", "ls"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestDeletedShare: the trees of a deleted share are cut.
func TestDeletedShare(t *testing.T) {
	need(t, "smbclient")
	d := start(t)
	s := d.smbclientSession(user)
	defer s.Close()
	d.lwio("", "share", "del", "data")
	io.WriteString(s.in, "ls\n")
	for {
		select {
		case line, ok := <-s.out:
			if !ok || strings.Contains(line, "NT_STATUS_NETWORK_NAME_DELETED") {
				return
			}
			if strings.Contains(line, "blocks available") {
				t.Fatal("the tree lives on")
			}
		case <-time.After(20 * time.Second):
			t.Fatal("no answer")
		}
	}
}
