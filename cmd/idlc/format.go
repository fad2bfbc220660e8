package main

import (
	"bytes"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"lwio/idl/compiler"
)

// formatCommand prints files in their canonical form, or rewrites them.
func formatCommand() *cobra.Command {
	var write, list bool
	c := &cobra.Command{
		Use:   "fmt [-w | -l] file.idl…",
		Short: "print files in their canonical form",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			for _, name := range files {
				src, err := os.ReadFile(name)
				if err != nil {
					return err
				}
				out, err := compiler.Format(name, src)
				if err != nil {
					return err
				}
				switch {
				case list:
					if !bytes.Equal(src, out) {
						fmt.Fprintln(c.OutOrStdout(), name)
					}
				case write:
					if !bytes.Equal(src, out) {
						if err := os.WriteFile(name, out, 0o666); err != nil {
							return err
						}
					}
				default:
					if _, err := c.OutOrStdout().Write(out); err != nil {
						return err
					}
				}
			}
			return nil
		},
	}
	c.Flags().BoolVarP(&write, "write", "w", false, "rewrite the files")
	c.Flags().BoolVarP(&list, "list", "l", false, "list the files that are not in that form")
	c.MarkFlagsMutuallyExclusive("write", "list")
	return c
}
