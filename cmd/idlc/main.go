// Idlc compiles MIDL, as the Open Specifications print it, into Go.
//
//	idlc gen -o gen idl/*.idl    write a package for each file under gen
//	idlc check idl/*.idl         report mistakes and write nothing
//	idlc fmt -w idl/*.idl        put files into the canonical form, comments and all
//	idlc dump idl/samr.idl SamrConnect5 stub.bin
//	                             show what the stub data of a request says; -r of a response
//
// What the Go looks like is told in package lwio/idl/compiler.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"lwio/idl/compiler"
)

func main() { os.Exit(run()) }

func run() int {
	if err := command().Execute(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func command() *cobra.Command {
	var cfg compiler.Config
	root := &cobra.Command{
		Use:           "idlc",
		Short:         "compile MIDL into Go",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	cfg.Warn = func(d compiler.Diagnostic) {
		d.Msg = "warning: " + d.Msg
		fmt.Fprintln(root.ErrOrStderr(), d)
	}
	root.PersistentFlags().StringArrayVarP(&cfg.Include, "include", "I", nil, "also look for imports in `folder`")

	gen := &cobra.Command{
		Use:   "gen [-o folder] file.idl…",
		Short: "write a Go package for each file",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, files []string) error {
			return generate(cfg, files)
		},
	}
	gen.Flags().StringVarP(&cfg.Out, "out", "o", "gen", "put the packages under `folder`")
	gen.Flags().StringVar(&cfg.ImportBase, "import-base", "", "import `path` of that folder (found from go.mod)")

	check := &cobra.Command{
		Use:   "check file.idl…",
		Short: "report mistakes and write nothing",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, files []string) error {
			return compiler.Check(cfg, files...)
		},
	}
	root.AddCommand(gen, check, formatCommand(), dumpCommand(&cfg))
	return root
}

// generate writes what the compiler returns. Files that stay the same are left alone, and files it wrote before and no longer
// makes are removed.
func generate(cfg compiler.Config, files []string) error {
	out, err := compiler.Compile(cfg, files...)
	if err != nil {
		return err
	}
	made := map[string]bool{}
	for _, o := range out {
		made[o.Path] = true
		if old, err := os.ReadFile(o.Path); err == nil {
			if bytes.Equal(old, o.Data) {
				continue
			}
			if !strings.HasPrefix(string(old), compiler.Header) {
				return fmt.Errorf("%s is not a file that idlc wrote: it is left alone\n\thint: move it, or choose another folder with -o", o.Path)
			}
		}
		if err := os.MkdirAll(filepath.Dir(o.Path), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(o.Path, o.Data, 0o666); err != nil {
			return err
		}
	}
	return removeStale(made)
}

func removeStale(made map[string]bool) error {
	dirs := map[string]bool{}
	for path := range made {
		dirs[filepath.Dir(path)] = true
	}
	var errs []error
	for dir := range dirs {
		names, _ := filepath.Glob(filepath.Join(dir, "*.go"))
		for _, name := range names {
			if made[name] {
				continue
			}
			if src, err := os.ReadFile(name); err == nil && strings.HasPrefix(string(src), compiler.Header) {
				errs = append(errs, os.Remove(name))
			}
		}
	}
	return errors.Join(errs...)
}
