package api

import (
	"bytes"
	"testing"

	"lwio/iomgr/nt"
)

func duplicateInput(ex bool, source, target, count uint64) []byte {
	id := bytes.Repeat([]byte{7}, 16)
	b := id
	if ex {
		b = append(le.AppendUint64(nil, 0x30), id...)
	}
	b = le.AppendUint64(le.AppendUint64(le.AppendUint64(b, source), target), count)
	if ex {
		b = le.AppendUint64(b, 1)
	}
	return b
}

func TestDuplicateExtents(t *testing.T) {
	const cluster = 4096
	for _, c := range []struct {
		source, target, count uint64
		status                nt.Status
	}{
		{0, 0, 0, 0},
		{4096, 8192, 12288, 0},
		{1, 0, 4096, nt.StatusInvalidParameter},
		{0, 512, 4096, nt.StatusInvalidParameter},
		{0, 0, 4095, nt.StatusInvalidParameter},
		{1 << 63, 0, 4096, nt.StatusInvalidParameter},
		{0, 1 << 63, 4096, nt.StatusInvalidParameter},
		{0, 0, 1 << 63, nt.StatusInvalidParameter},
		{1<<63 - 4096, 0, 4096, nt.StatusInvalidParameter},
		{0, 1<<63 - 4096, 4096, nt.StatusInvalidParameter},
	} {
		for _, ex := range []bool{false, true} {
			code := nt.FsctlDuplicateExtentsToFile
			if ex {
				code = nt.FsctlDuplicateExtentsToFileEx
			}
			in := duplicateInput(ex, c.source, c.target, c.count)
			d, status := ParseDuplicateExtents(uint32(code), in, cluster)
			if status != c.status || status == 0 && (uint64(d.SourceOffset) != c.source || uint64(d.TargetOffset) != c.target || uint64(d.Count) != c.count || d.Atomic != ex) {
				t.Errorf("%+v: %+v %v", c, d, status)
			}
			if id, ok := DuplicateSource(uint32(code), in); !ok || !bytes.Equal(id, bytes.Repeat([]byte{7}, 16)) {
				t.Errorf("%x %t", id, ok)
			}
			least := 40
			if ex {
				least = 52
			}
			for n := range least {
				if _, status := ParseDuplicateExtents(uint32(code), in[:n:n], cluster); status != nt.StatusBufferTooSmall {
					t.Errorf("%d bytes: %v", n, status)
				}
			}
		}
	}
	in := duplicateInput(true, 0, 0, 0)
	in[0] = 0x38
	if _, status := ParseDuplicateExtents(nt.FsctlDuplicateExtentsToFileEx, in, cluster); status != nt.StatusNotSupported {
		t.Errorf("%v", status)
	}
	if _, status := ParseDuplicateExtents(nt.FsctlSetSparse, in, cluster); status != nt.StatusBufferTooSmall {
		t.Errorf("%v", status)
	}
}

func TestDuplicateClip(t *testing.T) {
	for _, c := range []struct {
		d              DuplicateExtents
		source, target int64
		n, zeros       int64
		status         nt.Status
	}{
		{DuplicateExtents{Count: 8192}, 8192, 8192, 8192, 0, 0},
		{DuplicateExtents{Count: 8192}, 5000, 8192, 5000, 3192, 0}, // the last cluster is zeros behind the end
		{DuplicateExtents{Count: 8192}, 5000, 6000, 5000, 1000, 0},
		{DuplicateExtents{Count: 8192}, 5000, 100, 100, 0, 0},
		{DuplicateExtents{Count: 8192}, 4096, 8192, 0, 0, nt.StatusNotSupported},
		{DuplicateExtents{Count: 8192}, 8192, 0, 0, 0, 0},
		{DuplicateExtents{SourceOffset: 4096, TargetOffset: 8192, Count: 4096}, 8192, 10000, 1808, 0, 0},
		{DuplicateExtents{SourceOffset: 8192}, 4096, 4096, 0, 0, nt.StatusNotSupported},
	} {
		if n, zeros, status := c.d.Clip(c.source, c.target, 4096); n != c.n || zeros != c.zeros || status != c.status {
			t.Errorf("%+v: %d %d %v", c, n, zeros, status)
		}
	}
	for _, c := range []struct {
		d    DuplicateExtents
		want bool
	}{{DuplicateExtents{0, 4096, 4096, false}, false}, {DuplicateExtents{4096, 0, 4096, false}, false}, {DuplicateExtents{0, 4096, 8192, false}, true},
		{DuplicateExtents{0, 0, 4096, false}, true}, {DuplicateExtents{0, 0, 0, false}, false}} {
		if c.d.Overlaps() != c.want {
			t.Errorf("%+v", c)
		}
	}
}

func FuzzDuplicateExtents(f *testing.F) {
	f.Add(true, duplicateInput(true, 4096, 0, 4096), int64(5000), int64(9000))
	f.Add(false, duplicateInput(false, 0, 4096, 8192), int64(8192), int64(4096))
	f.Fuzz(func(t *testing.T, ex bool, in []byte, source, target int64) {
		code := nt.FsctlDuplicateExtentsToFile
		if ex {
			code = nt.FsctlDuplicateExtentsToFileEx
		}
		d, status := ParseDuplicateExtents(uint32(code), in, 4096)
		if status != 0 || source < 0 || target < 0 || source > 1<<60 || target > 1<<60 {
			return
		}
		n, zeros, status := d.Clip(source, target, 4096)
		if status == 0 && (n < 0 || zeros < 0 || n+zeros > d.Count || n > 0 && d.SourceOffset+n > source || n+zeros > 0 && d.TargetOffset+n+zeros > target) {
			t.Errorf("%+v of %d to %d: %d, %d", d, source, target, n, zeros)
		}
	})
}
