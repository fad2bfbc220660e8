package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"lwio/idl/compiler"
)

// dumpCommand shows what stub data says, by the declarations of a file.
func dumpCommand(cfg *compiler.Config) *cobra.Command {
	var call compiler.Call
	var asJSON bool
	c := &cobra.Command{
		Use:   "dump file.idl operation [stub]",
		Short: "take the stub data of a call apart",
		Long: "Takes the stub data of a call apart. The operation is named, or numbered; where a file has several interfaces, as interface.operation.\n" +
			"The stub is a file of octets or of hexadecimal, - or nothing for the standard input.",
		Args: cobra.RangeArgs(2, 3),
		RunE: func(c *cobra.Command, args []string) error {
			var stub []byte
			var err error
			if len(args) < 3 || args[2] == "-" {
				stub, err = io.ReadAll(c.InOrStdin())
			} else {
				stub, err = os.ReadFile(args[2])
			}
			if err != nil {
				return err
			}
			call.Operation = args[1]
			quiet := *cfg
			quiet.Warn = nil
			d, err := compiler.NewDumper(quiet, args[0])
			if err != nil {
				return err
			}
			v, err := d.Dump(call, octets(stub))
			if v != nil {
				if asJSON {
					b, jerr := json.MarshalIndent(v, "", "  ")
					if jerr != nil {
						return jerr
					}
					fmt.Fprintf(c.OutOrStdout(), "%s\n", b)
				} else {
					fmt.Fprint(c.OutOrStdout(), v)
				}
			}
			return err
		},
	}
	c.Flags().BoolVarP(&call.Response, "response", "r", false, "the stub is of a response")
	c.Flags().BoolVar(&call.NDR64, "ndr64", false, "it is in NDR64")
	c.Flags().BoolVar(&call.BigEndian, "big-endian", false, "it is big-endian")
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return c
}

// octets takes hexadecimal for what it says, and anything else as it is.
func octets(stub []byte) []byte {
	text := strings.Join(strings.Fields(string(stub)), "")
	if b, err := hex.DecodeString(text); err == nil && len(bytes.TrimSpace(stub)) > 0 {
		return b
	}
	return stub
}
