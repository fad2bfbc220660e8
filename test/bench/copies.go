package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// copying is a row that the command lwio and Samba's smbclient do both, from and to a share.
type copying struct {
	name   string
	want   float64 // ratio to smbclient
	round  int
	amount float64
	unit   string
	lwio   []string // arguments; SHARE and DIR stand for the places
	smb    string   // commands of smbclient
	flags  [2][]string
	clean  func(local, share string) error
}

const smallFiles = 10000

// copies measures `lwio cp` beside smbclient on both servers: one GiB each way under each protection, and many small files. tmp is where files of
// this machine lie, roots are the directories behind the share bulk of each server.
func (b *bench) copies(targets []target, lwio, tmp string, roots map[string]string, passwordFile, only string) error {
	if _, err := exec.LookPath("smbclient"); err != nil {
		fmt.Println("smbclient is not installed: copies are not measured")
		return nil
	}
	if err := prepareCopies(tmp); err != nil {
		return err
	}
	protections := []struct {
		name  string
		flags [2][]string
	}{
		{"plain", [2][]string{{"--no-sign"}, {"--client-protection=off"}}},
		{"signed", [2][]string{nil, {"--client-protection=sign"}}},
		{"sealed", [2][]string{{"--encrypt"}, {"--client-protection=encrypt"}}},
	}
	var rows []copying
	for _, p := range protections {
		rows = append(rows,
			copying{name: "put 1 GiB, " + p.name, want: 1, round: 3, amount: 1024, unit: "MiB/s", flags: p.flags,
				lwio: []string{"put", "-q", "DIR/large", "SHARE"}, smb: "put DIR/large large"},
			copying{name: "get 1 GiB, " + p.name, want: 1, round: 3, amount: 1024, unit: "MiB/s", flags: p.flags,
				lwio: []string{"get", "-q", `SHARE\large`, "DIR/back"}, smb: "get large DIR/back/large"})
	}
	signed := protections[1].flags
	rows = append(rows,
		copying{name: "put 10,000 files of 1 KiB", want: 5, round: 2, amount: smallFiles, unit: "/s", flags: signed,
			lwio: []string{"cp", "-qr", "DIR/small", "SHARE"}, smb: "lcd DIR; prompt; recurse; mput small",
			clean: func(_, share string) error { return os.RemoveAll(filepath.Join(share, "small")) }},
		copying{name: "get 10,000 files of 1 KiB", want: 5, round: 2, amount: smallFiles, unit: "/s", flags: signed,
			lwio: []string{"cp", "-qr", `SHARE\small`, "DIR/back"}, smb: "lcd DIR/back; prompt; recurse; mget small",
			clean: func(local, _ string) error { return os.RemoveAll(filepath.Join(local, "back", "small")) }})
	for _, t := range targets {
		host, port, _ := strings.Cut(t.addr, ":")
		for _, r := range rows {
			if !strings.Contains(r.name, only) {
				continue
			}
			share := `\\` + t.addr + `\bulk`
			fill := strings.NewReplacer("SHARE", share, "DIR", tmp)
			args := append([]string{r.lwio[0], "--user", b.user}, r.flags[0]...)
			for _, a := range r.lwio[1:] {
				args = append(args, fill.Replace(a))
			}
			best := [2]float64{}
			for range r.round {
				for i := range best {
					if r.clean != nil {
						if err := r.clean(tmp, roots[t.name]); err != nil {
							return err
						}
					}
					cmd := exec.Command(lwio, args...)
					if i == 1 {
						cmd = exec.Command("smbclient", append([]string{"//" + host + "/bulk", "-p", port, "-U", b.user + "%" + b.password, "-E", "-c", fill.Replace(r.smb)}, r.flags[1]...)...)
					}
					cmd.Env = append(os.Environ(), "LWIO_PASSWORD_FILE="+passwordFile)
					var out bytes.Buffer
					cmd.Stdout, cmd.Stderr = &out, &out
					start := time.Now()
					if err := cmd.Run(); err != nil {
						return fmt.Errorf("%s, %s: %v: %w\n%.2000s", r.name, t.name, cmd.Args[0], err, out.Bytes())
					}
					best[i] = max(best[i], r.amount/time.Since(start).Seconds())
				}
			}
			verdict := "ok"
			if best[0] < r.want*best[1] {
				verdict = "SHORT"
			}
			fmt.Printf("%-28s to %-6s lwio %8.0f  smbclient %8.0f %-6s ratio %5.2f (want %g) %s\n", r.name, t.name, best[0], best[1], r.unit, best[0]/best[1], r.want, verdict)
		}
	}
	return nil
}

// prepareCopies makes what is copied: a file of one GiB that does not compress, and small ones.
func prepareCopies(tmp string) error {
	if err := os.MkdirAll(filepath.Join(tmp, "back"), 0o755); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(tmp, "large"))
	if err != nil {
		return err
	}
	defer f.Close()
	block := make([]byte, 1<<20)
	x := uint64(88172645463325252)
	for i := range block { // xorshift
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		block[i] = byte(x)
	}
	for range gigabyte / len(block) {
		if _, err := f.Write(block); err != nil {
			return err
		}
	}
	for i := range smallFiles {
		dir := filepath.Join(tmp, "small", fmt.Sprintf("%02d", i/100))
		if i%100 == 0 {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return err
			}
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("file %d.txt", i)), block[i:i+1024], 0o644); err != nil {
			return err
		}
	}
	return nil
}
