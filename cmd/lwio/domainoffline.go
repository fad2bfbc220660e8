package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"lwio/gen/domain"
	"lwio/iomgr/nt"
)

// maxBlob bounds a file of an offline join. Real ones are of some kilobytes.
const maxBlob = 1 << 20

const domainProvisionLong = `Make the account of another computer, and write what that one joins with where it reaches no controller yet: the file that djoin writes, which Windows and net offlinejoin take too.

The file has the password of the account in it: whoever has it is that computer.`

func (a *app) domainProvisionCommand() *cobra.Command {
	var j domainJoin
	var file string
	var reuse bool
	c := &cobra.Command{Use: "provision REALM --computer NAME --user NAME --output FILE", Short: "Make another computer's account, and what it joins with offline", Long: domainProvisionLong,
		Example: "  lwio domain provision LAB.TEST --computer WEB1 --user Administrator --output web1.odj", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.domainProvision(c, args[0], &j, file, reuse) }}
	f := c.Flags()
	f.StringVarP(&j.user, "user", "U", "", "who of the domain may make the account")
	f.BoolVar(&j.stdin, "password-stdin", false, "read the password from the standard input")
	f.StringVar(&j.controller, "controller", "", "the controller to make it at (default the nearest)")
	f.StringVar(&j.computer, "computer", "", "NetBIOS name of the computer")
	f.StringVar(&j.ou, "ou", "", "organizational unit of the account; needs LDAP")
	f.StringVarP(&file, "output", "o", "", "the file, which must not exist")
	f.BoolVar(&reuse, "reuse", false, "take an account that exists over; the computer that has it now is out")
	return c
}

func (a *app) domainProvision(c *cobra.Command, realm string, j *domainJoin, file string, reuse bool) error {
	if j.user == "" || j.computer == "" || file == "" {
		return usage("--user, --computer and --output are needed")
	}
	if _, err := os.Lstat(file); err == nil {
		return usage("%s exists", file)
	}
	password, err := domainPassword(j.user, j.stdin)
	if err != nil {
		return err
	}
	in := &domain.DomainProvisionRequest{Join: j.request(realm), Password: password}
	if reuse {
		in.Join.Flags |= domain.DOMAIN_REUSE
	}
	var blob []byte
	if err := a.domainCall(c, "provision", func(cl *domain.Client, tag nt.GUID) (int32, *domain.DOMAIN_REPORT, error) {
		in.Join.Tag = tag
		res, err := cl.DomainProvision(c.Context(), in)
		if err != nil {
			return 0, nil, err
		}
		blob = res.Blob.Data
		return res.Return, &res.Report, nil
	}); err != nil {
		return err
	}
	return writeSecret(file, blob)
}

// writeSecret writes a file that nobody else may read, whole or not at all.
func writeSecret(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".lwio-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), path) // over nothing that is there
}

// domainJoinOffline joins by a file.
func (a *app) domainJoinOffline(c *cobra.Command, file string) error {
	var from io.Reader = os.Stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()
		from = f
	}
	b, err := io.ReadAll(io.LimitReader(from, maxBlob+1))
	if err == nil && (len(b) == 0 || len(b) > maxBlob) {
		err = fmt.Errorf("%s is no file of an offline join", file)
	}
	if err != nil {
		return err
	}
	in := &domain.DomainJoinOfflineRequest{Blob: domain.DOMAIN_BLOB{Length: uint32(len(b)), Data: b}}
	return a.domainCall(c, "join", func(cl *domain.Client, tag nt.GUID) (int32, *domain.DOMAIN_REPORT, error) {
		in.Tag = tag
		res, err := cl.DomainJoinOffline(c.Context(), in)
		if err != nil {
			return 0, nil, err
		}
		return res.Return, &res.Report, nil
	})
}
