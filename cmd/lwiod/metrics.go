package main

import (
	"context"

	"lwio/cmd/internal/metrics"
	"lwio/gen/srvctl"
	"lwio/iomgr"
	"lwio/iomgr/devctl"
	"lwio/iomgr/nt"
	"lwio/rpc/ndr"
)

// families are what the I/O manager and the SMB server count.
func families(ctx context.Context, m *iomgr.Manager) ([]metrics.Family, error) {
	return append(driverFamilies(m), serverFamilies(ctx, m)...), nil
}

func counter(name, help string) metrics.Family {
	return metrics.Family{Name: name, Help: help, Type: metrics.Counter}
}

func gauge(name, help string) metrics.Family {
	return metrics.Family{Name: name, Help: help, Type: metrics.Gauge}
}

// driverFamilies are the requests of each device.
func driverFamilies(m *iomgr.Manager) []metrics.Family {
	requests := counter("lwio_io_requests_total", "Requests of the I/O manager, by device and operation.")
	failed := counter("lwio_io_failed_total", "Of them, that ended with an error.")
	pended := counter("lwio_io_pended_total", "Of them, that were not done at once.")
	files := gauge("lwio_io_files", "Open files now, by device.")
	for _, d := range m.Drivers() {
		for _, dev := range d.Devices {
			files.Add(float64(dev.Files), "driver", d.Name, "device", dev.Name)
			for _, r := range dev.Requests {
				labels := []string{"driver", d.Name, "device", dev.Name, "operation", r.Op}
				requests.Add(float64(r.Requests), labels...)
				failed.Add(float64(r.Failed), labels...)
				pended.Add(float64(r.Pended), labels...)
			}
		}
	}
	return []metrics.Family{requests, failed, pended, files}
}

// serverFamilies are what the SMB server tells through its device. While it is not there, as before the daemon is ready, they are none.
func serverFamilies(ctx context.Context, m *iomgr.Manager) []metrics.Family {
	dev, err := devctl.Open(ctx, m, `\srv`)
	if err != nil {
		return nil
	}
	defer dev.Close()
	c := srvctl.NewClient(dev)
	var out []metrics.Family
	if res, err := c.SrvStatistics(ctx, &srvctl.SrvStatisticsRequest{}); err == nil && nt.WinError(res.Return) == nt.WErrSuccess {
		s := &res.Statistics
		add := func(name, help string, v float64, labels ...string) {
			f := counter(name, help)
			f.Add(v, labels...)
			out = append(out, f)
		}
		bytes := counter("lwio_smb_bytes_total", "Octets of SMB connections, by direction.")
		bytes.Add(float64(s.BytesReceived), "direction", "in")
		bytes.Add(float64(s.BytesSent), "direction", "out")
		opens := counter("lwio_smb_opens_total", "Files and pipes opened by clients.")
		opens.Add(float64(s.FileOpens), "kind", "file")
		opens.Add(float64(s.DeviceOpens), "kind", "pipe")
		out = append(out, bytes, opens)
		add("lwio_smb_sessions_total", "Sessions of SMB clients so far.", float64(s.SessionsOpened))
		add("lwio_smb_sessions_timed_out_total", "Sessions that ended for idleness.", float64(s.SessionsTimedOut))
		add("lwio_smb_sessions_failed_total", "Sessions that ended with an error.", float64(s.SessionsFailed))
		add("lwio_smb_password_errors_total", "Logons that failed.", float64(s.PasswordErrors))
		add("lwio_smb_permission_errors_total", "Opens and connections that were denied.", float64(s.PermissionErrors))
	}
	if res, err := c.SrvServerGet(ctx, &srvctl.SrvServerGetRequest{}); err == nil && nt.WinError(res.Return) == nt.WErrSuccess {
		f := gauge("lwio_smb_sessions", "Sessions of SMB clients now.")
		f.Add(float64(res.Server.Sessions))
		out = append(out, f)
	}
	if res, err := c.SrvListenerEnum(ctx, &srvctl.SrvListenerEnumRequest{}); err == nil && nt.WinError(res.Return) == nt.WErrSuccess {
		f := gauge("lwio_smb_connections", "Connections of SMB clients now, by listener.")
		for _, l := range res.Listeners.Listeners {
			f.Add(float64(l.Connections), "listener", ndr.Text(l.Address))
		}
		out = append(out, f)
	}
	if res, err := c.SrvShareEnum(ctx, &srvctl.SrvShareEnumRequest{}); err == nil && nt.WinError(res.Return) == nt.WErrSuccess {
		f := gauge("lwio_smb_tree_connections", "Clients that are connected to a share now.")
		for _, s := range res.Shares.Shares {
			f.Add(float64(s.CurrentUses), "share", ndr.Text(s.Name))
		}
		out = append(out, f)
	}
	return out
}
