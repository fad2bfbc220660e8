package fsrtl

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/cockroachdb/datadriven"

	"lwio/iomgr/nt"
)

var actionNames = map[uint32]string{nt.FileActionAdded: "added", nt.FileActionRemoved: "removed", nt.FileActionModified: "modified",
	nt.FileActionRenamedOldName: "old-name", nt.FileActionRenamedNewName: "new-name"}

// notifyRecords reads a list of FILE_NOTIFY_INFORMATION.
func notifyRecords(t *testing.T, b []byte) string {
	t.Helper()
	var out []string
	for {
		if len(b) < 12 {
			t.Fatalf("record of %d bytes", len(b))
		}
		next, n := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[8:])
		out = append(out, actionNames[binary.LittleEndian.Uint32(b[4:])]+" "+nt.DecodeUTF16(b[12:12+n]))
		if next == 0 {
			if int(12+n) != len(b) {
				t.Fatalf("%d bytes behind the last record", len(b)-int(12+n))
			}
			return strings.Join(out, ", ")
		}
		if next%4 != 0 || next < 12+n {
			t.Fatalf("next record at %d, after %d bytes", next, 12+n)
		}
		b = b[next:]
	}
}

func TestWatchTranscripts(t *testing.T) {
	filters := map[string]uint32{"file": nt.FileNotifyChangeFileName, "dir": nt.FileNotifyChangeDirName, "attributes": nt.FileNotifyChangeAttributes, "size": nt.FileNotifyChangeSize}
	datadriven.Walk(t, "testdata/watches", func(t *testing.T, path string) {
		var ws Watches
		watches, waits := map[string]*Watch{}, map[string]*NotifyWait{}
		var said []string
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			said = nil
			say := func(name string, status nt.Status, data []byte) {
				line := name + ": " + status.Name()
				if len(data) > 0 {
					line += " " + notifyRecords(t, data)
				}
				said = append(said, line+"\n")
			}
			args := map[string]string{}
			var words []string
			for _, a := range d.CmdArgs {
				if len(a.Vals) > 0 {
					args[a.Key] = a.Vals[0]
				} else {
					words = append(words, a.Key)
				}
			}
			dir := strings.ReplaceAll(args["dir"], "/", `\`)
			switch d.Cmd {
			case "watch":
				watches[words[0]] = ws.Open(dir)
			case "next":
				name, size := words[0], 4096
				if v := args["size"]; v != "" {
					size, _ = strconv.Atoi(v)
				}
				var filter uint32
				for f := range strings.SplitSeq(args["filter"], "+") {
					filter |= filters[f]
				}
				wait, status, data := watches[name].Next(filter, len(words) > 1 && words[1] == "tree", size, func(s nt.Status, b []byte) { say(name+" (waited)", s, b) })
				waits[name] = wait
				say(name, status, data)
			case "report":
				var changes []Change
				for line := range strings.Lines(d.Input) {
					f := strings.Fields(line)
					c := Change{Filter: filters[f[0]], Dir: strings.Trim(strings.ReplaceAll(f[2], "/", `\`), `.`), Name: f[3]}
					if len(f) > 4 {
						c.Unless = filters[strings.TrimPrefix(f[4], "unless=")]
					}
					for k, v := range actionNames {
						if v == f[1] {
							c.Action = k
						}
					}
					changes = append(changes, c)
				}
				ws.Report(changes...)
			case "missed":
				if len(words) > 0 {
					ws.MissedAll()
					slices.Sort(said) // everybody is told, in no order
				} else {
					ws.Missed(dir)
				}
			case "cancel":
				waits[words[0]].Cancel()
			case "close":
				watches[words[0]].Close()
				delete(watches, words[0])
			case "delete":
				ws.EndDirectory(dir, nt.StatusDeletePending)
			case "rename":
				ws.Rename(dir, strings.ReplaceAll(args["to"], "/", `\`))
			default:
				t.Fatalf("no command %q", d.Cmd)
			}
			return strings.Join(said, "")
		})
		for _, w := range watches {
			w.Close()
		}
		if ws.Any() || len(ws.root.children) > 0 || len(ws.root.watches) > 0 {
			t.Errorf("something is left: %+v", ws.root)
		}
	})
}

func TestWatchSize(t *testing.T) {
	if n := unsafe.Sizeof(Watch{}) + unsafe.Sizeof(NotifyWait{}) + unsafe.Sizeof(watchNode{}); n >= 1024-256 {
		t.Errorf("a watch takes %d bytes and its path", n)
	}
}

// What is reported while nobody reads is bounded by the buffer that was asked for.
func TestWatchIsBounded(t *testing.T) {
	var ws Watches
	w := ws.Open("")
	defer w.Close()
	w.Next(nt.FileNotifyChangeFileName, true, 1<<30, func(nt.Status, []byte) {})
	for i := range 100000 {
		ws.Report(Change{Filter: nt.FileNotifyChangeFileName, Action: nt.FileActionAdded, Dir: "some\\folder", Name: fmt.Sprint("name", i)})
	}
	if cap(w.kept) > 2*maxNotifyBuffer {
		t.Errorf("%d bytes are kept", cap(w.kept))
	}
	if _, status, _ := w.Next(0, false, 1<<30, nil); status != nt.StatusNotifyEnumDir {
		t.Errorf("after too many changes: %v", status)
	}
}

func BenchmarkReport(b *testing.B) {
	var ws Watches
	for i := range 100 {
		w := ws.Open(fmt.Sprint("dir", i))
		defer w.Close()
		w.Next(nt.FileNotifyChangeFileName, true, 4096, func(nt.Status, []byte) {})
	}
	c := Change{Filter: nt.FileNotifyChangeSize, Action: nt.FileActionModified, Dir: `dir7\below`, Name: "name"}
	b.ReportAllocs()
	for b.Loop() {
		ws.Report(c)
	}
}
