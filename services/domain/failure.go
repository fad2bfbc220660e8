package domain

import (
	"errors"
	"fmt"
	"time"

	gen "lwio/gen/domain"
	"lwio/iomgr/nt"
)

// Stage says what a step is about.
type Stage = gen.DOMAIN_STAGE

// The stages.
const (
	StageDNS        = gen.DOMAIN_STAGE_DNS
	StageNetwork    = gen.DOMAIN_STAGE_NETWORK
	StageTime       = gen.DOMAIN_STAGE_TIME
	StagePermission = gen.DOMAIN_STAGE_PERMISSION
	StageAccount    = gen.DOMAIN_STAGE_ACCOUNT
	StageEncryption = gen.DOMAIN_STAGE_ENCRYPTION
	StageChannel    = gen.DOMAIN_STAGE_CHANNEL
	StageState      = gen.DOMAIN_STAGE_STATE
)

// Failure is an error that says where it belongs and what to do.
type Failure struct {
	Stage Stage
	Err   error
	Hint  string
}

func (f *Failure) Error() string { return f.Err.Error() }
func (f *Failure) Unwrap() error { return f.Err }

// Step is one step of a join and the like, as it is reported. Err is nil where it went well.
type Step struct {
	Stage   Stage
	Text    string
	Elapsed time.Duration
	Err     error
	Hint    string
}

// causes are what a status tells whatever was done.
var causes = []struct {
	status nt.Status
	stage  Stage
	hint   string
}{
	{nt.StatusTimeDifferenceAtDc, StageTime, "set this machine's clock by the controller's: they may be five minutes apart at most"},
	{nt.StatusNoLogonServers, StageNetwork, "no controller answers: check the network, and that ports 88 and 445 of the controllers can be reached"},
	{nt.StatusDomainControllerNotFound, StageDNS, "check the name of the domain and the resolver of this machine"},
	{nt.StatusHostUnreachable, StageNetwork, "check the network and the firewall: port 445 of the controller is needed"},
	{nt.StatusConnectionRefused, StageNetwork, "port 445 of the controller refuses connections: is it a controller, and running?"},
	{nt.StatusIoTimeout, StageNetwork, "the controller does not answer in time: try again, or name another with --controller"},
	{nt.StatusBadNetworkPath, StageNetwork, "the controller cannot be reached by its name: check DNS and port 445"},
	{nt.StatusKdcUnknownEtype, StageEncryption, "controller and account have no encryption type in common: AES is needed (msDS-SupportedEncryptionTypes)"},
	{nt.StatusDsMachineAccountQuotaExceeded, StagePermission, "the user has made as many machine accounts as it may: join as another, or have the account made before"},
}

// fail gives an error its place: what its status tells, else the stage and hint of what was tried.
func fail(stage Stage, err error, hint, format string, args ...any) error {
	if err == nil {
		return nil
	}
	var f *Failure
	if errors.As(err, &f) {
		return f
	}
	f = &Failure{Stage: stage, Hint: hint, Err: fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), err)}
	for _, c := range causes {
		if errors.Is(err, c.status) {
			f.Stage, f.Hint = c.stage, c.hint
			break
		}
	}
	return f
}

// status is the result of a call as an error: nil for success.
func status(code int32) error {
	if s := nt.Status(uint32(code)); s != nt.StatusSuccess {
		return s
	}
	return nil
}
