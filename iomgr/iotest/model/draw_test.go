package model_test

import (
	"lwio/iomgr/iotest/model"
	"lwio/iomgr/nt"

	"pgregory.net/rapid"
)

// drawing is what operations are drawn from.
type drawing struct {
	clients, slots int
	streams        bool
}

var (
	drawNames   = []string{"a", "A", "b", "B", "d", "D", `d\a`, `D\B`, `d\e`, `d\E\a`, `d\e\b`, "c"}
	drawStreams = []string{"a:s", "A:S", "b:s", "d:s", `d\a:s`, "a:t"}
	drawAccess  = []nt.AccessMask{nt.FileReadData, nt.FileWriteData, nt.FileReadData | nt.FileWriteData, nt.FileAppendData, nt.Delete,
		nt.FileReadData | nt.FileWriteData | nt.Delete, nt.FileReadData | nt.Delete, 0, 0, nt.FileExecute}
	drawShare = []uint32{7, 7, 7, 7, 3, 1, 2, 5, 6, 0}
	drawDo    = []uint32{nt.FileOpenIf, nt.FileOpen, nt.FileOpenIf, nt.FileCreate, nt.FileOverwriteIf, nt.FileOverwrite, nt.FileSupersede}
	drawAttrs = []uint32{0, 0, nt.FileAttributeHidden, nt.FileAttributeReadonly, nt.FileAttributeSystem, nt.FileAttributeHidden | nt.FileAttributeArchive}
	drawVerbs = []model.Verb{model.Write, model.Read, model.Close, model.Query, model.Lock, model.Unlock, model.Rename, model.Delete, model.Size, model.List, model.Attributes,
		model.Write, model.Close, model.Lock, model.Rename, model.Allocate, model.Cancel, model.Flush}
)

func oneOf[T any](t *rapid.T, list []T, what string) T { return rapid.SampledFrom(list).Draw(t, what) }

// op draws one, for a handle that is open or, for a create, one that is not.
func (d drawing) op(t *rapid.T, m *model.Reference) model.Op {
	client := rapid.IntRange(0, d.clients-1).Draw(t, "client")
	slot := rapid.IntRange(0, d.slots-1).Draw(t, "slot")
	op := model.Op{Client: client, Slot: slot}
	if !m.Open(client, slot) {
		d.create(t, &op)
		return op
	}
	op.Verb = oneOf(t, drawVerbs, "verb")
	switch op.Verb {
	case model.Read, model.Lock, model.Unlock:
		op.Offset, op.Length = d.span(t)
		if op.Verb == model.Read && op.Length == 0 {
			op.Length = 1
		}
		op.On, op.Wait = rapid.Bool().Draw(t, "exclusive"), rapid.Bool().Draw(t, "wait")
	case model.Write:
		op.Offset, op.Length = d.span(t)
		op.Length = max(op.Length, 1)
		op.Fill = "abcdefgh"[rapid.IntRange(0, 7).Draw(t, "fill")]
	case model.Size, model.Allocate:
		op.Length = oneOf(t, []int64{0, 1, 5, 20, 3000, 5000}, "size")
	case model.Rename:
		op.Name, op.On = oneOf(t, drawNames, "name"), rapid.Bool().Draw(t, "replace")
	case model.Delete:
		op.On = !rapid.Bool().Draw(t, "off")
	case model.Attributes:
		op.Attributes = oneOf(t, []uint32{nt.FileAttributeNormal, nt.FileAttributeReadonly, nt.FileAttributeHidden, nt.FileAttributeArchive,
			nt.FileAttributeSystem | nt.FileAttributeArchive, nt.FileAttributeDirectory}, "attributes")
		if m.Directory(client, slot) { // read-only directories are for other tests
			op.Attributes = oneOf(t, []uint32{nt.FileAttributeNormal, nt.FileAttributeHidden, nt.FileAttributeDirectory}, "attributes")
		}
	}
	return op
}

// span draws a range, mostly a small one.
func (d drawing) span(t *rapid.T) (offset, length int64) {
	return oneOf(t, []int64{0, 0, 1, 5, 10, 11, 2040, 4096}, "offset"), oneOf(t, []int64{5, 1, 10, 20, 0, 100, 3000}, "length")
}

func (d drawing) create(t *rapid.T, op *model.Op) {
	op.Verb = model.Create
	op.Name = oneOf(t, drawNames, "name")
	op.Access = oneOf(t, drawAccess, "access") | nt.FileReadAttributes | nt.FileWriteAttributes | nt.Synchronize
	op.Share = oneOf(t, drawShare, "share")
	op.Disposition = oneOf(t, drawDo, "do")
	op.Attributes = oneOf(t, drawAttrs, "attributes")
	named := d.streams && rapid.IntRange(0, 4).Draw(t, "stream") == 4
	switch kind := rapid.IntRange(0, 4).Draw(t, "kind"); {
	case named:
		op.Name, op.Share = oneOf(t, drawStreams, "stream"), 7
	case kind >= 3:
		op.Options = nt.FileDirectoryFile
		op.Share |= nt.FileShareWrite
		op.Attributes &^= nt.FileAttributeReadonly | nt.FileAttributeArchive // of directories, servers differ
	case kind == 2:
		op.Options = nt.FileNonDirectoryFile
	}
	if rapid.IntRange(0, 7).Draw(t, "delete on close") == 7 {
		op.Options |= nt.FileDeleteOnClose
		op.Access |= nt.Delete
	}
}
