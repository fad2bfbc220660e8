package srv

import (
	"lwio/gen/srvctl"
	"lwio/iomgr/api"
	"lwio/iomgr/devctl"
	"lwio/iomgr/nt"
)

// device is `\srv`: what administers the server. Only administrators and the system open it.
type device struct {
	api.DefaultDevice
	s *server
}

// control is an open of the device.
type control struct {
	api.DefaultFile
	s     *server
	token *nt.Token
}

// DeviceControl is a call of srvctl.
func (f *control) DeviceControl(r *api.Request) {
	devctl.Serve(srvctl.SrvctlInterface, controls{s: f.s}, f.token, r)
}

// Create opens the device.
func (d *device) Create(r *api.Request) {
	a := r.Create
	switch {
	case r.File().Path() != "":
		r.Complete(nt.StatusObjectNameNotFound, 0)
		return
	case a.Token == nil || !a.Token.IsAdmin():
		r.Complete(nt.StatusAccessDenied, 0)
		return
	}
	r.File().SetImpl(&control{s: d.s, token: a.Token}, nt.GenericMappingDevice.Map(a.DesiredAccess&^nt.MaximumAllowed)|nt.FileReadData|nt.FileWriteData)
	a.Result.Action = nt.FileOpened
	r.Complete(nt.StatusSuccess, 0)
}
