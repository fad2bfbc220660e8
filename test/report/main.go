// Command report reads what `go test -json` writes and prints what a person wants of it: a line a package, the output of what failed, the names of
// what was skipped, and a closing line that counts.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// event is a line of test2json.
type event struct {
	Action, Package, ImportPath, Test, Output string
	Elapsed                                   float64
}

// maxOutput bounds what is shown of one failure; the end says most.
const maxOutput = 12 << 10

// unfinished prints what the tests of a package said that were under way when it died, and counts them. Where a test hung, the beginning says most.
func unfinished(output map[string]*strings.Builder, pkg string) (n int) {
	for _, key := range slices.Sorted(maps.Keys(output)) {
		if test, of := strings.CutPrefix(key, pkg+" "); !of || test == "" {
			continue
		}
		text := output[key].String()
		if len(text) > maxOutput {
			text = text[:maxOutput] + "…\n"
		}
		delete(output, key)
		fmt.Printf("FAIL  %s: did not finish\n%s", key, text)
		n++
	}
	return n
}

func main() {
	output := map[string]*strings.Builder{}
	var skipped []string
	passed, failed := 0, 0
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 16<<20)
	for in.Scan() {
		var e event
		if json.Unmarshal(in.Bytes(), &e) != nil {
			fmt.Println(in.Text()) // not from the tests
			continue
		}
		key := e.Package + " " + e.Test
		switch e.Action {
		case "build-output":
			fmt.Print(e.Output)
		case "output":
			b := output[key]
			if b == nil {
				b = &strings.Builder{}
				output[key] = b
			}
			b.WriteString(e.Output)
		case "pass", "skip":
			delete(output, key)
			switch {
			case e.Test == "" && e.Action == "pass":
				fmt.Printf("ok    %-40s %.1fs\n", e.Package, e.Elapsed)
			case e.Test == "":
			case e.Action == "skip":
				skipped = append(skipped, key)
			default:
				passed++
			}
		case "fail":
			text := ""
			if b := output[key]; b != nil {
				if text = b.String(); len(text) > maxOutput {
					text = "…" + text[len(text)-maxOutput:]
				}
			}
			delete(output, key)
			if e.Test == "" {
				failed += unfinished(output, e.Package)
			}
			if e.Test != "" {
				failed++
				fmt.Printf("FAIL  %s\n%s", key, text)
				continue
			}
			fmt.Printf("FAIL  %-40s %.1fs\n", e.Package, e.Elapsed)
			if !strings.Contains(text, "--- FAIL") { // it did not come to the tests, or died in one
				failed++
				fmt.Print(text)
			}
		}
	}
	for _, s := range skipped {
		fmt.Println("skipped:", s)
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", passed, failed, len(skipped))
	if failed > 0 || in.Err() != nil {
		os.Exit(1)
	}
}
