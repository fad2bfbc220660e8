// Package svcctl serves the service control manager (MS-SCMR): the services of this host listed, looked at and, where they let themselves, controlled.
//
// Its services are those of the Config. The host's own part is fixed: services are not created, deleted or configured anew from afar, since who does
// that here is the init system; such calls are denied to everybody. A change that changes nothing succeeds. Descriptors of services stick: they are
// kept in the registry, where Windows has them.
//
//	s := server.New(server.Config{…})
//	err := s.Register(gen.SvcctlInterface, svcctl.New(svcctl.Config{Services: svcctl.Host("/usr/sbin/lwiod"), Registry: registry}))
//
// # Who may what
//
// The descriptors are Windows': who is authenticated may connect, who is logged on at this machine may list, administrators may everything. Of a
// service, who is logged on at this machine may see all; users of the network nothing. The null session is denied.
//
// # Controls
//
// A Service with a Control function is stopped, started and paused by it. All that [Host] lists are parts of the daemon and have none: they end with
// it, and a control is ERROR_INVALID_SERVICE_CONTROL, a start ERROR_SERVICE_ALREADY_RUNNING. RGetNotifyResults waits for a change, and a client that
// does not allow concurrent calls waits for it with its other calls, too.
package svcctl
