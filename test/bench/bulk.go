package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/ipc"
	"lwio/iomgr/nt"
)

// bulkBlock is what is read and written at once, of a file as long as a few of them.
const (
	bulkBlock  = 1 << 20
	bulkBlocks = 16
)

// ipcBulk measures reads and writes of 1 MiB through ipc, iomgr and pvfs beside pread and pwrite of the same file, in turns: in memory that the
// processes share, and in other.
func (b *bench) ipcBulk(socket string) error {
	dir, err := os.MkdirTemp("/dev/shm", "lwbench")
	if err != nil {
		dir, err = os.MkdirTemp("", "lwbench")
	}
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	f, err := os.OpenFile(filepath.Join(dir, "file"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	block := make([]byte, bulkBlock)
	for i := range bulkBlocks {
		if _, err := f.WriteAt(block, int64(i)*bulkBlock); err != nil {
			return err
		}
	}
	ctx := context.Background()
	c, err := ipc.Dial(ctx, socket)
	if err != nil {
		return err
	}
	defer c.Shutdown()
	h, err := c.CreateFile(ctx, &api.CreateArgs{Name: `\pvfs` + strings.ReplaceAll(f.Name(), "/", `\`), DesiredAccess: nt.FileReadData | nt.FileWriteData,
		Disposition: nt.FileOpen, ShareAccess: nt.FileShareRead | nt.FileShareWrite, Options: nt.FileNonDirectoryFile})
	if err != nil {
		return err
	}
	defer c.Close(h)
	shared, free := api.Buffer(c, bulkBlock)
	defer free()
	for _, row := range []struct {
		name, beside string
		limit        float64 // 0 for none
		ours, theirs func(at int64) (int, error)
	}{
		{"read of 1 MiB through ipc", "pread", 1.5,
			func(at int64) (int, error) { return c.ReadFile(ctx, h, shared, at) }, func(at int64) (int, error) { return f.ReadAt(block, at) }},
		{"write of 1 MiB through ipc", "pwrite", 1.5,
			func(at int64) (int, error) { return c.WriteFile(ctx, h, shared, at) }, func(at int64) (int, error) { return f.WriteAt(block, at) }},
		{"read of 1 MiB to other memory", "pread", 0,
			func(at int64) (int, error) { return c.ReadFile(ctx, h, block, at) }, func(at int64) (int, error) { return f.ReadAt(block, at) }},
		{"write of 1 MiB from other memory", "pwrite", 0,
			func(at int64) (int, error) { return c.WriteFile(ctx, h, block, at) }, func(at int64) (int, error) { return f.WriteAt(block, at) }},
	} {
		var best [2]time.Duration
		for range rounds {
			for i, f := range []func(int64) (int, error){row.ours, row.theirs} {
				n, start := 0, time.Now()
				for stop := start.Add(b.span / 2); time.Now().Before(stop); n++ {
					if got, err := f(int64(n%bulkBlocks) * bulkBlock); err != nil || got != bulkBlock {
						return fmt.Errorf("%s: %d bytes, %w", row.name, got, err)
					}
				}
				if took := time.Since(start) / time.Duration(n); best[i] == 0 || took < best[i] {
					best[i] = took
				}
			}
		}
		ratio := float64(best[0]) / float64(best[1])
		what := fmt.Sprintf("lwiod %9.1f µs  %s %.1f µs  ratio %.2f", float64(best[0].Nanoseconds())/1000, row.beside, float64(best[1].Nanoseconds())/1000, ratio)
		if row.limit > 0 {
			verdict(row.name, fmt.Sprintf("%s (want at most %g)", what, row.limit), ratio <= row.limit)
		} else {
			fmt.Printf("%-40s  %s\n", row.name, what)
		}
	}
	return nil
}
