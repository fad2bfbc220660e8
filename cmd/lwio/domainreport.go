package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"lwio/gen/domain"
	"lwio/iomgr/nt"
	"lwio/rpc/ndr"
)

var stageNames = map[domain.DOMAIN_STAGE]string{domain.DOMAIN_STAGE_DNS: "dns", domain.DOMAIN_STAGE_NETWORK: "network", domain.DOMAIN_STAGE_TIME: "time",
	domain.DOMAIN_STAGE_PERMISSION: "permission", domain.DOMAIN_STAGE_ACCOUNT: "account", domain.DOMAIN_STAGE_ENCRYPTION: "encryption",
	domain.DOMAIN_STAGE_CHANNEL: "channel", domain.DOMAIN_STAGE_STATE: "state"}

type domainStep struct {
	Stage   string `json:"stage"`
	OK      bool   `json:"ok"`
	Text    string `json:"text"`
	Hint    string `json:"hint,omitempty"`
	Elapsed uint32 `json:"elapsed_ms"`
}

func stepOf(s *domain.DOMAIN_STEP) domainStep {
	return domainStep{stageNames[s.Stage], s.Status == 0, ndr.Text(s.Text), ndr.Text(s.Hint), s.Elapsed}
}

func (s *domainStep) write(w io.Writer) {
	mark := "ok    "
	if !s.OK {
		mark = "FAILED"
	}
	fmt.Fprintf(w, "%s  %-10s  %s (%d ms)\n", mark, s.Stage, printable(s.Text), s.Elapsed)
}

// domainCall makes a call of steps, shows them on the standard error as they come, and with --json all of them on the standard output in the end.
func (a *app) domainCall(c *cobra.Command, what string, f func(*domain.Client, nt.GUID) (int32, *domain.DOMAIN_REPORT, error)) error {
	cl, done, err := a.domain(c.Context())
	if err != nil {
		return err
	}
	defer done()
	var tag nt.GUID
	rand.Read(tag[:])
	watching, stop := context.WithCancel(c.Context())
	defer stop()
	shown := 0
	var wg sync.WaitGroup
	wg.Go(func() { shown = a.domainWatch(watching, c.ErrOrStderr(), tag) })
	code, report, err := f(cl, tag)
	if err != nil || len(report.Steps) == 0 { // it may not have begun, so that nobody would tell that it has ended
		stop()
	}
	defer time.AfterFunc(time.Second, stop).Stop() // the end is told by then
	wg.Wait()
	if err != nil {
		return err
	}
	for i := shown; i < len(report.Steps); i++ { // what came while nobody watched
		s := stepOf(&report.Steps[i])
		s.write(c.ErrOrStderr())
	}
	return a.domainReport(c, what, code, report)
}

// domainWatch shows the steps of a call, over a connection of its own, until it has ended, and says how many there were.
func (a *app) domainWatch(ctx context.Context, w io.Writer, tag nt.GUID) (shown int) {
	cl, done, err := a.domain(ctx)
	if err != nil {
		return 0
	}
	defer done()
	for {
		res, err := cl.DomainProgress(ctx, &domain.DomainProgressRequest{Tag: tag, From: uint32(shown)})
		if err != nil || res.Return != 0 {
			return shown
		}
		for i := range res.Report.Steps {
			s := stepOf(&res.Report.Steps[i])
			s.write(w)
			shown++
		}
		if res.Ended != 0 {
			return shown
		}
	}
}

// domainReport makes an error of the step that failed.
func (a *app) domainReport(c *cobra.Command, what string, code int32, r *domain.DOMAIN_REPORT) error {
	list, failed := []domainStep{}, (*domainStep)(nil)
	for i := range r.Steps {
		list = append(list, stepOf(&r.Steps[i]))
		if r.Steps[i].Status != 0 {
			failed = &list[i]
		}
	}
	if a.json {
		if err := a.print(c.OutOrStdout(), list, nil, nil); err != nil {
			return err
		}
	}
	s := nt.Status(uint32(code))
	switch {
	case s == nt.StatusSuccess:
		return nil
	case failed == nil && s == nt.StatusAccessDenied:
		return hint(fmt.Errorf("%s: %w", what, s), "run as root or as the user of the daemon")
	case failed == nil:
		return fmt.Errorf("%s: %w", what, s)
	}
	err := fmt.Errorf("%s failed at %s: %s", what, failed.Stage, printable(failed.Text))
	if failed.Hint != "" {
		return hint(err, "%s", failed.Hint)
	}
	return err
}
