package pvfs_test

import (
	"testing"

	"lwio/iomgr/iotest"
	"lwio/iomgr/nt"
)

func TestFiles(t *testing.T) {
	iotest.RunFiles(t, func(t testing.TB) iotest.Files {
		m, _ := mount(t)
		h := mustOpen(t, m, "suite", nt.FileCreate, nt.FileDirectoryFile)
		if err := m.Close(h); err != nil {
			t.Fatal(err)
		}
		return iotest.Files{API: m, Root: `\pvfs\suite`}
	})
}
