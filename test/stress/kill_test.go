package stress

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
)

const serverVariable = "STRESS_SERVER"

// TestServerChild serves a directory in a process of its own, until it is killed.
func TestServerChild(t *testing.T) {
	dir := os.Getenv(serverVariable)
	if dir == "" {
		t.Skip("is another test's child process")
	}
	m, addr := startServer(t, dir, srv.Limits{})
	fmt.Println("SERVES", addr)
	_, _ = bufio.NewReader(os.Stdin).ReadByte() // ends with the parent
	_ = m.Shutdown(context.Background())
}

// serverProcess starts one.
func serverProcess(t *testing.T, dir string) (cmd *exec.Cmd, addr string) {
	cmd = exec.Command(os.Args[0], "-test.run=^TestServerChild$", "-test.v")
	cmd.Env = append(os.Environ(), serverVariable+"="+dir)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for s := bufio.NewScanner(out); s.Scan(); {
		if a, ok := strings.CutPrefix(s.Text(), "SERVES "); ok {
			return cmd, a
		}
	}
	_ = cmd.Process.Kill()
	t.Fatal("the server does not start")
	return nil, ""
}

// promise is what the server has acknowledged to one client.
type promise struct {
	id      int
	blocks  []bool // of its growing file, by write-through
	version uint64 // of the file that is replaced by rename, flushed before
	stream  uint64 // written to a stream and flushed
	ea      uint64
	next    uint64
}

// TestKilledServer kills a server in the midst of what clients write. When it is back, everything that was acknowledged is there, whole: writes
// through, with the end of the file that they moved, several under way at once; files flushed and put in the place of others; streams; extended
// attributes.
func TestKilledServer(t *testing.T) {
	dir := t.TempDir()
	rounds := 4
	if d := duration(t); d > time.Minute {
		rounds = int(d / (2 * time.Second))
	}
	rng := rand.New(rand.NewPCG(3, 1))
	promises := []*promise{{id: 0}, {id: 1}, {id: 2}}
	total := 0
	for round := range rounds + 1 {
		cmd, addr := serverProcess(t, dir)
		for _, p := range promises {
			m := startClient(t, "user", new(wire))
			if err := p.kept(m, `\rdr\`+addr+`\data`); err != nil {
				t.Errorf("round %d: client %d: %v", round, p.id, err)
			}
			_ = m.Shutdown(context.Background())
		}
		if round == rounds || t.Failed() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			break
		}
		var wg sync.WaitGroup
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		for _, p := range promises {
			wg.Go(func() {
				m := startClient(t, "user", new(wire))
				defer m.Shutdown(context.Background())
				if err := p.ask(ctx, m, `\rdr\`+addr+`\data`); !gone(err) && !errors.Is(err, nt.StatusConnectionRefused) && !errors.Is(err, nt.StatusBadNetworkPath) {
					t.Errorf("round %d: client %d: %v", round, p.id, err)
				}
			})
		}
		<-time.After(time.Duration(20+rng.IntN(250)) * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		wg.Wait()
		cancel()
	}
	for _, p := range promises {
		total += len(p.blocks)
		t.Logf("client %d: %d blocks, version %d, stream %d, attribute %d", p.id, len(p.blocks), p.version, p.stream, p.ea)
	}
	if total < 20 && !t.Failed() {
		t.Errorf("%d blocks in %d rounds", total, rounds)
	}
}

func (p *promise) open(ctx context.Context, m *iomgr.Manager, root, name string, disposition, options uint32) (api.Handle, error) {
	return m.CreateFile(ctx, &api.CreateArgs{Name: fmt.Sprintf(`%s\p%d%s`, root, p.id, name), DesiredAccess: nt.FileGenericRead | nt.FileGenericWrite | nt.Delete, ShareAccess: 7,
		Disposition: disposition, Options: options, Impersonation: api.ImpersonateImpersonation})
}

func payload(n uint64) []byte {
	return []byte(fmt.Sprintf("<%d %s %d>", n, strings.Repeat("z", int(n*37%5000)), n))
}

// whole gives the number of a payload.
func whole(b []byte) (n uint64, err error) {
	if _, err = fmt.Sscanf(string(b), "<%d ", &n); err != nil || string(b) != string(payload(n)) {
		return 0, fmt.Errorf("%d bytes that are no whole payload: %.30q", len(b), b)
	}
	return n, nil
}

// ask writes until the server has gone.
func (p *promise) ask(ctx context.Context, m *iomgr.Manager, root string) error {
	grow, err := p.open(ctx, m, root, "grow", nt.FileOpenIf, nt.FileWriteThrough)
	if err != nil {
		return err
	}
	defer m.Close(grow)
	stream, err := p.open(ctx, m, root, "grow:s", nt.FileOpenIf, 0)
	if err != nil {
		return err
	}
	defer m.Close(stream)
	for {
		if err := p.grow(m, grow); err != nil {
			return err
		}
		p.next++
		n := p.next
		if err := m.SetInformationFile(ctx, stream, nt.FileEndOfFileInformation, le.AppendUint64(nil, 0)); err != nil {
			return err
		}
		if _, err = m.WriteFile(ctx, stream, payload(n), 0); err == nil {
			err = m.FlushBuffersFile(ctx, stream)
		}
		if err != nil {
			return err
		}
		p.stream = n
		ea := append(append([]byte{0, 0, 0, 0, 0, 1, 8, 0, 'N', 0}, le.AppendUint64(nil, n)...), 0)
		if err := m.SetEaFile(ctx, grow, ea[:18]); err != nil {
			return err
		}
		p.ea = n
		if err := p.replace(ctx, m, root, n); err != nil {
			return err
		}
		p.version = n
	}
}

// grow writes blocks at the end, several at once.
func (p *promise) grow(m *iomgr.Manager, h api.Handle) error {
	const at = 4
	first := len(p.blocks)
	p.blocks = append(p.blocks, make([]bool, at)...)
	type result struct {
		i int
		s nt.Status
	}
	done := make(chan result, at)
	for i := first; i < first+at; i++ {
		b := make([]byte, blockSize)
		makeBlock(b, p.id, i, stamp{uint32(p.id), uint64(i)})
		m.Submit(&api.Request{Op: api.OpWrite, Handle: h, In: b, Offset: int64(i) * blockSize, Done: func(r *api.Request) { done <- result{i, r.Status} }})
	}
	var err error
	for range at {
		if r := <-done; r.s == nt.StatusSuccess {
			p.blocks[r.i] = true
		} else {
			err = r.s
		}
	}
	return err
}

// replace puts a new version in the place of the old one.
func (p *promise) replace(ctx context.Context, m *iomgr.Manager, root string, n uint64) error {
	h, err := p.open(ctx, m, root, "new", nt.FileOverwriteIf, 0)
	if err != nil {
		return err
	}
	defer m.Close(h)
	if _, err = m.WriteFile(ctx, h, payload(n), 0); err == nil {
		err = m.FlushBuffersFile(ctx, h)
	}
	if err != nil {
		return err
	}
	name := strings.TrimPrefix(root, `\rdr`) + fmt.Sprintf(`\p%dversion`, p.id)
	b := make([]byte, 20)
	b[0] = 1
	le.PutUint32(b[16:], uint32(2*nt.UTF16Len(name)))
	return m.SetInformationFile(ctx, h, nt.FileRenameInformation, nt.AppendUTF16(b, name))
}

// kept looks whether all is there that was promised.
func (p *promise) kept(m *iomgr.Manager, root string) error {
	ctx := context.Background()
	if len(p.blocks) == 0 {
		return nil
	}
	h, err := p.open(ctx, m, root, "grow", nt.FileOpen, 0)
	if err != nil {
		return err
	}
	defer m.Close(h)
	for i, sure := range p.blocks {
		if !sure {
			continue
		}
		b := make([]byte, blockSize)
		n, err := m.ReadFile(ctx, h, b, int64(i)*blockSize)
		if err != nil {
			return fmt.Errorf("block %d: %w", i, err)
		}
		if s, err := readBlock(b, n, p.id, i); err != nil || s != (stamp{uint32(p.id), uint64(i)}) {
			return fmt.Errorf("block %d: %v, %w", i, s, err)
		}
	}
	if err := p.keptEA(ctx, m, h); err != nil {
		return err
	}
	return p.keptVersion(ctx, m, root)
}

func (p *promise) keptEA(ctx context.Context, m *iomgr.Manager, h api.Handle) error {
	if p.ea == 0 {
		return nil
	}
	b := make([]byte, 100)
	n, err := m.QueryEaFile(ctx, h, nil, b)
	if err != nil || n < 18 {
		return fmt.Errorf("attribute: %d bytes, %w", n, err)
	}
	if got := le.Uint64(b[10:]); got < p.ea || got > p.next {
		return fmt.Errorf("attribute %d, %d was acknowledged", got, p.ea)
	}
	return nil
}

func (p *promise) keptVersion(ctx context.Context, m *iomgr.Manager, root string) error {
	if p.version == 0 {
		return nil
	}
	h, err := p.open(ctx, m, root, "version", nt.FileOpen, 0)
	if err != nil {
		return fmt.Errorf("version: %w", err)
	}
	defer m.Close(h)
	b := make([]byte, 1<<14)
	n, err := m.ReadFile(ctx, h, b, 0)
	if err != nil {
		return fmt.Errorf("version: %w", err)
	}
	got, err := whole(b[:n])
	if err == nil && (got < p.version || got > p.next) {
		err = fmt.Errorf("version %d, %d was acknowledged", got, p.version)
	}
	return err
}
