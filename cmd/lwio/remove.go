package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// isCrossDevice reports that a file cannot be renamed because its new name is of another file system.
func isCrossDevice(err error) bool { return errors.Is(err, syscall.EXDEV) }

func removeCommand(a *app) *cobra.Command {
	f := &rpcFlags{}
	var recursive, force bool
	c := &cobra.Command{Use: "rm PATH...", Aliases: []string{"del"}, Short: "Delete files, with -r directories too", Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			s := a.files(f)
			defer s.close()
			for _, text := range args {
				l, err := parseLocation(text)
				if err == nil {
					err = s.remove(c, l, recursive, force)
				}
				if err != nil {
					return s.explain(l, err)
				}
			}
			return nil
		}}
	c.Flags().BoolVarP(&recursive, "recursive", "r", false, "delete directories with all that is in them")
	c.Flags().BoolVarP(&force, "force", "f", false, "it is no error if there is nothing of the name; read-only files are deleted too")
	return a.fileFlags(c, f)
}

func (s *files) remove(c *cobra.Command, l location, recursive, force bool) error {
	p, err := s.place(c.Context(), l)
	if err != nil {
		return err
	}
	if l.remote && l.name == "." || !l.remote && (p.Base(l.name) == string(os.PathSeparator) || strings.Trim(l.name, "./") == "") {
		return hint(usage("%s: the root of a share, and the directory one stands in, stay", l.text), "name what is in it")
	}
	i, err := p.Lstat(l.name)
	switch {
	case force && errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case i.IsDir() && !recursive:
		return hint(usage("%s: is a directory", l.text), "-r deletes directories")
	case recursive:
		return p.RemoveAll(l.name)
	}
	err = p.Remove(l.name)
	if w, ok := p.(interface {
		Chmod(string, fs.FileMode) error
	}); ok && force && err != nil && i.Mode()&0o200 == 0 && errors.Is(err, fs.ErrPermission) {
		if err = w.Chmod(l.name, 0o644); err == nil {
			err = p.Remove(l.name)
		}
	}
	return err
}

func mkdirCommand(a *app) *cobra.Command {
	f := &rpcFlags{}
	var parents bool
	c := &cobra.Command{Use: "mkdir PATH...", Aliases: []string{"md"}, Short: "Make directories", Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			s := a.files(f)
			defer s.close()
			for _, text := range args {
				l, err := parseLocation(text)
				if err == nil {
					err = s.mkdir(c, l, parents)
				}
				if err != nil {
					return s.explain(l, err)
				}
			}
			return nil
		}}
	c.Flags().BoolVarP(&parents, "parents", "p", false, "make those that it lies in too; it is no error if it is there")
	return a.fileFlags(c, f)
}

func (s *files) mkdir(c *cobra.Command, l location, parents bool) error {
	if !l.remote {
		if parents {
			return os.MkdirAll(l.name, 0o777)
		}
		return os.Mkdir(l.name, 0o777)
	}
	f, err := s.open(c.Context(), l)
	if err != nil {
		return err
	}
	if parents {
		return f.MkdirAll(l.name, 0)
	}
	if l.name == "." {
		return fmt.Errorf("%s: %w", l.text, fs.ErrExist)
	}
	return f.Mkdir(l.name, 0)
}
