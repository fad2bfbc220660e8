package main

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"lwio/gen/samr"
	"lwio/iomgr/nt"
)

// samPolicy is the policy as the command shows it. Times are as Go writes them; empty for never.
type samPolicy struct {
	MinLength        uint16 `json:"min_length"`
	History          uint16 `json:"history"`
	Complex          bool   `json:"complex"`
	MaxAge           string `json:"max_age"`
	MinAge           string `json:"min_age"`
	LockoutThreshold uint16 `json:"lockout_threshold"`
	LockoutWindow    string `json:"lockout_window"`
	LockoutDuration  string `json:"lockout_duration"`
}

const never = int64(-1) << 63

// spanOf is a delta of the protocol, of which 100 ns are -1; never is zero.
func spanOf(d int64) (time.Duration, bool) {
	if d == never || d <= -(1<<63-1)/100 {
		return 0, false
	}
	return time.Duration(-d) * 100, true
}

func spanText(d int64) string {
	t, ok := spanOf(d)
	if !ok {
		return "never"
	}
	return t.String()
}

func samPolicyCommand(a *app, f *rpcFlags) *cobra.Command {
	var length, history, threshold uint16
	var complex bool
	var maxAge, minAge, window, duration time.Duration
	c := &cobra.Command{Use: `policy [\\server]`, Short: "Show the policy for passwords and lockout, or change it", Args: cobra.MaximumNArgs(1),
		Example: "  lwio sam policy\n  lwio sam policy --min-length 10 --complex --lockout-threshold 10"}
	p := c.Flags()
	p.Uint16Var(&length, "min-length", 0, "passwords have at least so many characters")
	p.Uint16Var(&history, "history", 0, "so many passwords may not come again (at most 24 are kept)")
	p.BoolVar(&complex, "complex", false, "passwords have characters of three kinds, and no name")
	p.DurationVar(&maxAge, "max-age", 0, "passwords expire after this time; 0 for never")
	p.DurationVar(&minAge, "min-age", 0, "passwords may be changed after this time")
	p.Uint16Var(&threshold, "lockout-threshold", 0, "wrong passwords that lock an account; 0 for never")
	p.DurationVar(&window, "lockout-window", 0, "after which wrong passwords are forgotten")
	p.DurationVar(&duration, "lockout-duration", 0, "for which an account stays locked; 0 until it is unlocked")
	c.RunE = func(c *cobra.Command, args []string) error {
		server, rest := serverArg(args)
		if len(rest) > 0 {
			return usage(`%q is no server: want \\server`, rest[0])
		}
		s, err := a.sam(c.Context(), f, server)
		if err != nil {
			return err
		}
		defer s.done()
		passwords, lockout, err := s.policy(c.Context())
		if err != nil {
			return err
		}
		set := func(name string) bool { return c.Flags().Changed(name) }
		age := func(d time.Duration, zero int64) (x samr.OLD_LARGE_INTEGER) {
			v := -int64(d / 100)
			if d == 0 {
				v = zero
			}
			return samr.OLD_LARGE_INTEGER{LowPart: uint32(v), HighPart: int32(v >> 32)}
		}
		if set("min-length") {
			passwords.MinPasswordLength = length
		}
		if set("history") {
			passwords.PasswordHistoryLength = history
		}
		if set("complex") {
			passwords.PasswordProperties &^= 1
			if complex {
				passwords.PasswordProperties |= 1
			}
		}
		if set("max-age") {
			passwords.MaxPasswordAge = age(maxAge, never)
		}
		if set("min-age") {
			passwords.MinPasswordAge = age(minAge, 0)
		}
		if set("min-length") || set("history") || set("complex") || set("max-age") || set("min-age") {
			if err := s.setPolicy(c.Context(), samr.DomainPasswordInformation, samr.SAMPR_DOMAIN_INFO_BUFFER{Password: passwords}); err != nil {
				return err
			}
		}
		if set("lockout-threshold") {
			lockout.LockoutThreshold = threshold
		}
		if set("lockout-window") {
			lockout.LockoutObservationWindow.QuadPart = -int64(window / 100)
		}
		if set("lockout-duration") {
			if lockout.LockoutDuration.QuadPart = -int64(duration / 100); duration == 0 {
				lockout.LockoutDuration.QuadPart = never
			}
		}
		if set("lockout-threshold") || set("lockout-window") || set("lockout-duration") {
			if err := s.setPolicy(c.Context(), samr.DomainLockoutInformation, samr.SAMPR_DOMAIN_INFO_BUFFER{Lockout: lockout}); err != nil {
				return err
			}
		}
		v := samPolicy{passwords.MinPasswordLength, passwords.PasswordHistoryLength, passwords.PasswordProperties&1 != 0,
			spanText(oldNumber(passwords.MaxPasswordAge)), spanText(oldNumber(passwords.MinPasswordAge)),
			lockout.LockoutThreshold, spanText(lockout.LockoutObservationWindow.QuadPart), spanText(lockout.LockoutDuration.QuadPart)}
		n := func(v uint16) string { return strconv.FormatUint(uint64(v), 10) }
		return a.print(c.OutOrStdout(), v, []string{"POLICY", "VALUE"}, [][]string{{"shortest password", n(v.MinLength)}, {"passwords remembered", n(v.History)},
			{"complex passwords", strconv.FormatBool(v.Complex)}, {"passwords expire after", v.MaxAge}, {"passwords change after", v.MinAge},
			{"wrong passwords that lock", n(v.LockoutThreshold)}, {"forgotten after", v.LockoutWindow}, {"locked for", v.LockoutDuration}})
	}
	return c
}

func oldNumber(v samr.OLD_LARGE_INTEGER) int64 { return int64(v.HighPart)<<32 | int64(v.LowPart) }

// policy asks for the two parts of the policy.
func (s *samSession) policy(ctx context.Context) (*samr.DOMAIN_PASSWORD_INFORMATION, *samr.SAMPR_DOMAIN_LOCKOUT_INFORMATION, error) {
	var out [2]*samr.SAMPR_DOMAIN_INFO_BUFFER
	for i, class := range []samr.DOMAIN_INFORMATION_CLASS{samr.DomainPasswordInformation, samr.DomainLockoutInformation} {
		res, err := s.SamrQueryInformationDomain2(ctx, &samr.SamrQueryInformationDomain2Request{DomainHandle: s.domain, DomainInformationClass: class})
		if err != nil {
			return nil, nil, err
		}
		if err := samStatus(res.Return, "ask for the policy"); err != nil {
			return nil, nil, err
		}
		out[i] = res.Buffer
	}
	return out[0].Password, out[1].Lockout, nil
}

func (s *samSession) setPolicy(ctx context.Context, class samr.DOMAIN_INFORMATION_CLASS, b samr.SAMPR_DOMAIN_INFO_BUFFER) error {
	res, err := s.SamrSetInformationDomain(ctx, &samr.SamrSetInformationDomainRequest{DomainHandle: s.domain, DomainInformationClass: class, DomainInformation: b})
	if err != nil {
		return err
	}
	if err := samStatus(res.Return, "change the policy"); nt.Status(uint32(res.Return)) == nt.StatusInvalidParameter {
		return hint(err, "passwords have to be allowed to change before they expire, and an account is locked at least as long as wrong passwords count")
	} else {
		return err
	}
}
