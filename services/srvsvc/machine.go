package srvsvc

import (
	"context"
	"time"

	"lwio/gen/srvctl"
	gen "lwio/gen/srvsvc"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/ndr"
)

// NetrServerDiskEnum lists drives (MS-SRVS 3.1.4.19). An empty name ends the list, as Windows and Samba have it; they are so few that the
// preferred length is not asked, which some clients leave zero.
func (s *Server) NetrServerDiskEnum(_ context.Context, call *rpc.Call, in *gen.NetrServerDiskEnumRequest) (*gen.NetrServerDiskEnumResponse, error) {
	out := &gen.NetrServerDiskEnumResponse{ResumeHandle: in.ResumeHandle}
	level := nobody
	if in.Level == 0 {
		level = administrator
	}
	if out.Return = admit(call, administrator, level); out.Return != success {
		return out, nil
	}
	w := windowOf(len(s.cfg.Drives), in.ResumeHandle, gen.MAX_PREFERRED_LENGTH, func(int) int { return 6 })
	list := entries(s.cfg.Drives, w, func(drive *string) gen.DISK_INFO { return gen.DISK_INFO{Disk: *drive} })
	list = append(list, gen.DISK_INFO{})
	out.DiskInfoStruct = gen.DISK_ENUM_CONTAINER{EntriesRead: uint32(len(list)), Buffer: list}
	out.TotalEntries, out.ResumeHandle, out.Return = w.total, w.resume, w.result
	return out, nil
}

// NetrServerStatisticsGet counts what the server did since it started (MS-SRVS 3.1.4.20).
func (s *Server) NetrServerStatisticsGet(ctx context.Context, call *rpc.Call, in *gen.NetrServerStatisticsGetRequest) (*gen.NetrServerStatisticsGetResponse, error) {
	level := nobody
	if in.Level == 0 {
		level = administrator
	}
	out := &gen.NetrServerStatisticsGetResponse{Return: admit(call, administrator, level)}
	service := ndr.Text(in.Service)
	switch {
	case out.Return != success:
		return out, nil
	case in.Options != 0:
		out.Return = invalidParam
		return out, nil
	case service != "" && !nt.EqualFold(service, "SERVER") && !nt.EqualFold(service, "LanmanServer"):
		out.Return = uint32(nt.NErrServiceNotInstalled)
		return out, nil
	}
	res, err := s.client.SrvStatistics(ctx, &srvctl.SrvStatisticsRequest{})
	if err != nil {
		out.Return, err = s.failed(ctx, err)
		return out, err
	}
	if out.Return = res.Return; out.Return != success {
		return out, nil
	}
	v := &res.Statistics
	out.InfoStruct = &gen.STAT_SERVER_0{
		Sts0Start: uint32(nt.Time(v.Started).Go().Unix()), Sts0Fopens: v.FileOpens, Sts0Devopens: v.DeviceOpens, Sts0Jobsqueued: v.JobsQueued,
		Sts0Sopens: v.SessionsOpened, Sts0Stimedout: v.SessionsTimedOut, Sts0Serrorout: v.SessionsFailed, Sts0Pwerrors: v.PasswordErrors,
		Sts0Permerrors: v.PermissionErrors, Sts0Syserrors: v.SystemErrors, Sts0BytessentLow: uint32(v.BytesSent),
		Sts0BytessentHigh: uint32(uint64(v.BytesSent) >> 32), Sts0BytesrcvdLow: uint32(v.BytesReceived),
		Sts0BytesrcvdHigh: uint32(uint64(v.BytesReceived) >> 32), Sts0Avresponse: v.AverageResponse, Sts0Reqbufneed: v.RequestBuffers,
		Sts0Bigbufneed: v.BigBuffers,
	}
	return out, nil
}

// tickInterval is the clock's resolution in 0.0001 s, as Windows gives it.
const tickInterval = 310

// started stands for when the machine did: tod_msecs is for differences only.
var started = time.Now()

// NetrRemoteTOD tells the time (MS-SRVS 3.1.4.21): in UTC, with the time zone beside it.
func (s *Server) NetrRemoteTOD(_ context.Context, call *rpc.Call, _ *gen.NetrRemoteTODRequest) (*gen.NetrRemoteTODResponse, error) {
	out := &gen.NetrRemoteTODResponse{Return: admit(call, s.least(), s.least())}
	if out.Return != success {
		return out, nil
	}
	now := s.cfg.Now()
	_, east := now.Zone()
	utc := now.UTC()
	out.BufferPtr = &gen.TIME_OF_DAY_INFO{
		TodElapsedt: uint32(utc.Unix()), TodMsecs: uint32(now.Sub(started).Milliseconds()), TodHours: uint32(utc.Hour()), TodMins: uint32(utc.Minute()),
		TodSecs: uint32(utc.Second()), TodHunds: uint32(utc.Nanosecond() / 1e7), TodTimezone: int32(-east / 60), TodTinterval: tickInterval,
		TodDay: uint32(utc.Day()), TodMonth: uint32(utc.Month()), TodYear: uint32(utc.Year()), TodWeekday: uint32(utc.Weekday()),
	}
	return out, nil
}
