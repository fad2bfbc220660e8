package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"github.com/spf13/cobra"

	"lwio/rpc/client"
	"lwio/rpc/ndr"
)

const callLong = `Call operations of an interface.

INTERFACE is a name as lwio rpc ifs shows it. Each OPERATION, a name or number, may be followed by its input, a JSON object, or by - to read it from
the standard input; without any, all members are zero. The answer is printed as JSON. All calls are made on one association, so that
a handle of one can be given to the next: "$1.PolicyHandle" is that member of the first answer.

With --hex the input is stub data in hexadecimal and so is the answer; INTERFACE may then be any, as UUID/MAJOR.MINOR.

Members have the names of the generated Go types. Numbers may be strings ("0x20"), octets are hexadecimal, strings, SIDs and UUIDs what people
write, absent pointers null. What an operation returns is shown, and not judged: the exit status is 0 when the calls were made.`

const callExample = `  lwio rpc call 'ncacn_np:dc1.lab.test' wkssvc NetrWkstaGetInfo '{"Level": 100}'
  lwio rpc call 'ncacn_np:dc1.lab.test[,seal]' lsarpc \
      LsarOpenPolicy2 '{"DesiredAccess": "0x02000000"}' \
      LsarQueryInformationPolicy '{"PolicyHandle": "$1.PolicyHandle", "InformationClass": 5}'
  lwio rpc call --hex 'ncacn_ip_tcp:dc1.lab.test[135]' afa8bd80-7d8a-11c9-bef4-08002b102989/1.0 2`

func callCommand(a *app, f *rpcFlags) *cobra.Command {
	var raw bool
	c := &cobra.Command{Use: "call BINDING INTERFACE OPERATION [INPUT] [OPERATION [INPUT]]...", Short: "Call operations", Long: callLong, Example: callExample,
		Args: cobra.MinimumNArgs(3),
		RunE: func(c *cobra.Command, args []string) error { return a.rpcCall(c, f, raw, args) }}
	c.Flags().BoolVar(&raw, "hex", false, "stub data in hexadecimal instead of JSON")
	return c
}

// step is one call to make.
type step struct {
	opnum uint16
	input string
	given bool
}

// steps takes the operations and their inputs apart. An input is told from an operation by how it begins.
func (k known) steps(args []string, raw bool, stdin io.Reader) (list []step, err error) {
	for i := 0; i < len(args); i++ {
		var x step
		if x.opnum, err = k.opnum(args[i]); err != nil {
			return nil, err
		}
		if i+1 < len(args) && (args[i+1] == "-" || strings.HasPrefix(strings.TrimSpace(args[i+1]), "{") || raw) {
			i++
			if x.input, x.given = args[i], true; x.input == "-" {
				b, err := io.ReadAll(io.LimitReader(stdin, 64<<20))
				if err != nil {
					return nil, fmt.Errorf("read the input: %w", err)
				}
				x.input = string(b)
			}
		}
		list = append(list, x)
	}
	return list, nil
}

func (a *app) rpcCall(c *cobra.Command, f *rpcFlags, raw bool, args []string) error {
	k, err := findInterface(args[1])
	if err != nil {
		return err
	}
	if k.client == nil && !raw {
		return usage("%s is not known, so its operations can only be called with --hex", args[1])
	}
	list, err := k.steps(args[2:], raw, os.Stdin)
	if err != nil {
		return err
	}
	s, sb, err := a.open(f, args[0])
	if err != nil {
		return err
	}
	defer s.close()
	ctx, cancel := context.WithTimeout(c.Context(), f.timeout)
	defer cancel()
	// What is wrong with the first input is said before anything is connected.
	if !raw {
		if _, _, err := k.method(list[0], nil); err != nil {
			return err
		}
	}
	b, err := s.dialer.Bind(ctx, sb, k.iface)
	if err != nil {
		return s.explain(sb, err)
	}
	defer b.Close()
	var answers []any
	for _, x := range list {
		out, err := k.make(ctx, b, x, raw, &answers)
		if err != nil {
			return s.explain(sb, fmt.Errorf("%s: %w", k.opName(x.opnum), err))
		}
		fmt.Fprintf(c.OutOrStdout(), "%s\n", out)
	}
	return nil
}

// make makes one call and returns what to print.
func (k known) make(ctx context.Context, b *client.Binding, x step, raw bool, answers *[]any) ([]byte, error) {
	if raw {
		return callHex(ctx, b, x)
	}
	name, in, err := k.method(x, *answers)
	if err != nil {
		return nil, err
	}
	res := reflect.ValueOf(k.client(b)).MethodByName(name).Call([]reflect.Value{reflect.ValueOf(ctx), in})
	if err, _ := res[1].Interface().(error); err != nil {
		return nil, err
	}
	*answers = append(*answers, res[0].Interface())
	return stubJSON(res[0].Interface())
}

// method finds the client's method of an operation and makes its request.
func (k known) method(x step, answers []any) (string, reflect.Value, error) {
	op := k.iface.Op(x.opnum)
	if op == nil {
		return "", reflect.Value{}, usage("%s has no operation %d", k.iface.Name, x.opnum)
	}
	t := reflect.TypeOf(k.client(nil))
	for i := range t.NumMethod() {
		m := t.Method(i)
		if plain(m.Name) != plain(op.Name) {
			continue
		}
		in := reflect.New(m.Type.In(2).Elem())
		if !x.given {
			return m.Name, in, nil
		}
		if answers == nil && strings.Contains(x.input, `"$`) {
			return "", in, usage("%s: there is no answer before the first call", op.Name)
		}
		if err := parseStub([]byte(x.input), in.Interface(), answers); err != nil {
			return "", in, usage("%s: %w", op.Name, err)
		}
		return m.Name, in, nil
	}
	return "", reflect.Value{}, usage("%s: operation %s can only be called with --hex", k.iface.Name, op.Name)
}

func callHex(ctx context.Context, b *client.Binding, x step) (out []byte, err error) {
	stub, err := hex.DecodeString(strings.Join(strings.Fields(x.input), ""))
	if err != nil {
		return nil, usage("input: %w", err)
	}
	err = b.Call(ctx, x.opnum, func(e *ndr.Encoder) { e.Uint8s(stub) }, func(d *ndr.Decoder) error {
		answer := make([]byte, d.Remaining())
		d.FillUint8s(answer)
		out = hex.AppendEncode(nil, answer)
		return d.Err()
	})
	return bytes.TrimSpace(out), err
}
