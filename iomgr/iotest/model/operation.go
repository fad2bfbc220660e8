package model

import (
	"fmt"
	"strconv"
	"strings"

	"lwio/iomgr/nt"
)

// Op is one operation of a client on one of its handles. Its text is a line of a script:
//
//	0.1 create d\f access=rw share=rwd do=open-if options=directory attributes=h
//	0.1 write 10 4 x         four times x at offset 10
//	0.1 read 0 20
//	0.1 lock 0 10 exclusive wait
//	0.1 rename d\g replace
//
// The number before the dot is the client, the one behind it names the handle.
type Op struct {
	Client, Slot int
	Verb         Verb

	Name        string // of create and rename
	Access      nt.AccessMask
	Share       uint32
	Disposition uint32
	Options     uint32
	Attributes  uint32 // of create and of attributes

	Offset, Length int64 // of read, write, lock, unlock; Length is the new end for size and allocate
	Fill           byte  // of write

	On   bool // replace, exclusive, delete on
	Wait bool // a lock waits
}

// Verb is what an operation does.
type Verb string

// The verbs.
const (
	Create     Verb = "create"
	Close      Verb = "close"
	Read       Verb = "read"
	Write      Verb = "write"
	Size       Verb = "size"
	Allocate   Verb = "allocate"
	Rename     Verb = "rename"
	Delete     Verb = "delete"
	Attributes Verb = "attributes"
	Query      Verb = "query"
	List       Verb = "list"
	Lock       Verb = "lock"
	Unlock     Verb = "unlock"
	Cancel     Verb = "cancel" // of a lock that waits
	Flush      Verb = "flush"
)

// letter is a bit and how scripts spell it.
type letter struct {
	bit  uint32
	name string
}

var (
	accessLetters = []letter{{uint32(nt.FileReadData), "r"}, {uint32(nt.FileWriteData), "w"}, {uint32(nt.FileAppendData), "a"}, {uint32(nt.FileExecute), "x"},
		{uint32(nt.Delete), "d"}, {uint32(nt.FileReadAttributes), "i"}, {uint32(nt.FileWriteAttributes), "j"}, {uint32(nt.Synchronize), "s"}}
	shareLetters     = []letter{{nt.FileShareRead, "r"}, {nt.FileShareWrite, "w"}, {nt.FileShareDelete, "d"}}
	attributeLetters = []letter{{nt.FileAttributeReadonly, "r"}, {nt.FileAttributeHidden, "h"}, {nt.FileAttributeSystem, "s"}, {nt.FileAttributeArchive, "a"},
		{nt.FileAttributeDirectory, "d"}, {nt.FileAttributeNormal, "n"}}
	optionNames = []letter{{nt.FileDirectoryFile, "directory"}, {nt.FileNonDirectoryFile, "file"}, {nt.FileDeleteOnClose, "delete"}}
	doNames     = []letter{{nt.FileSupersede, "supersede"}, {nt.FileOpen, "open"}, {nt.FileCreate, "create"}, {nt.FileOpenIf, "open-if"},
		{nt.FileOverwrite, "overwrite"}, {nt.FileOverwriteIf, "overwrite-if"}}
)

// letters spells bits, "-" for none.
func letters(bits uint32, list []letter, between string) string {
	var out []string
	for _, l := range list {
		if bits&l.bit != 0 {
			out = append(out, l.name)
		}
	}
	if len(out) == 0 {
		return "-"
	}
	return strings.Join(out, between)
}

func parseLetters(s string, list []letter, between string) (bits uint32, err error) {
	if s == "-" {
		return 0, nil
	}
next:
	for _, part := range strings.Split(s, between) {
		for _, l := range list {
			if l.name == part {
				bits |= l.bit
				continue next
			}
		}
		return 0, fmt.Errorf("%q is none of %v", part, list)
	}
	return bits, nil
}

// String is the line.
func (o Op) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d.%d %s", o.Client, o.Slot, o.Verb)
	word := func(on bool, w string) {
		if on {
			b.WriteString(" " + w)
		}
	}
	switch o.Verb {
	case Create:
		do := ""
		for _, l := range doNames {
			if l.bit == o.Disposition {
				do = l.name
			}
		}
		fmt.Fprintf(&b, " %s access=%s share=%s do=%s", o.Name, letters(uint32(o.Access), accessLetters, ""), letters(o.Share, shareLetters, ""), do)
		word(o.Options != 0, "options="+letters(o.Options, optionNames, ","))
		word(o.Attributes != 0, "attributes="+letters(o.Attributes, attributeLetters, ""))
	case Read:
		fmt.Fprintf(&b, " %d %d", o.Offset, o.Length)
	case Write:
		fmt.Fprintf(&b, " %d %d %c", o.Offset, o.Length, o.Fill)
	case Size, Allocate:
		fmt.Fprintf(&b, " %d", o.Length)
	case Rename:
		b.WriteString(" " + o.Name)
		word(o.On, "replace")
	case Delete:
		word(o.On, "on")
		word(!o.On, "off")
	case Attributes:
		b.WriteString(" " + letters(o.Attributes, attributeLetters, ""))
	case Lock:
		fmt.Fprintf(&b, " %d %d", o.Offset, o.Length)
		word(o.On, "exclusive")
		word(!o.On, "shared")
		word(o.Wait, "wait")
	case Unlock:
		fmt.Fprintf(&b, " %d %d", o.Offset, o.Length)
	}
	return b.String()
}

// ParseOp reads a line.
func ParseOp(line string) (Op, error) {
	f := strings.Fields(line)
	if len(f) < 2 {
		return Op{}, fmt.Errorf("%q: want a handle and a verb", line)
	}
	o := Op{Verb: Verb(f[1])}
	if _, err := fmt.Sscanf(f[0], "%d.%d", &o.Client, &o.Slot); err != nil {
		return o, fmt.Errorf("%q: %w", line, err)
	}
	if err := o.parse(f[2:]); err != nil {
		return o, fmt.Errorf("%q: %w", line, err)
	}
	return o, nil
}

func (o *Op) parse(f []string) (err error) {
	numbers := func(to ...*int64) {
		for i, p := range to {
			if err == nil && i >= len(f) {
				err = fmt.Errorf("want %d numbers", len(to))
			}
			if err == nil {
				*p, err = strconv.ParseInt(f[i], 10, 64)
			}
		}
	}
	has := func(w string) bool {
		for _, s := range f {
			if s == w {
				return true
			}
		}
		return false
	}
	switch o.Verb {
	case Create:
		return o.parseCreate(f)
	case Read, Unlock:
		numbers(&o.Offset, &o.Length)
	case Lock:
		numbers(&o.Offset, &o.Length)
		o.On, o.Wait = has("exclusive"), has("wait")
	case Write:
		if numbers(&o.Offset, &o.Length); err == nil && (len(f) < 3 || len(f[2]) != 1) {
			return fmt.Errorf("want a character to write")
		}
		if err == nil {
			o.Fill = f[2][0]
		}
	case Size, Allocate:
		numbers(&o.Length)
	case Rename:
		if len(f) == 0 {
			return fmt.Errorf("want a name")
		}
		o.Name, o.On = f[0], has("replace")
	case Delete:
		o.On = has("on")
	case Attributes:
		if len(f) == 0 {
			return fmt.Errorf("want attributes")
		}
		o.Attributes, err = parseLetters(f[0], attributeLetters, "")
	case Close, Query, List, Cancel, Flush:
	default:
		return fmt.Errorf("no verb")
	}
	return err
}

func (o *Op) parseCreate(f []string) (err error) {
	if len(f) == 0 {
		return fmt.Errorf("want a name")
	}
	o.Name = f[0]
	for _, word := range f[1:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "access":
			var m uint32
			m, err = parseLetters(value, accessLetters, "")
			o.Access = nt.AccessMask(m)
		case "share":
			o.Share, err = parseLetters(value, shareLetters, "")
		case "options":
			o.Options, err = parseLetters(value, optionNames, ",")
		case "attributes":
			o.Attributes, err = parseLetters(value, attributeLetters, "")
		case "do":
			err = fmt.Errorf("no disposition %q", value)
			for _, l := range doNames {
				if l.name == value {
					o.Disposition, err = l.bit, nil
				}
			}
		default:
			err = fmt.Errorf("no parameter %q", key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
