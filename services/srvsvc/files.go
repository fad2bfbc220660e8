package srvsvc

import (
	"context"
	"strconv"

	"lwio/gen/srvctl"
	gen "lwio/gen/srvsvc"
	"lwio/rpc"
	"lwio/rpc/ndr"
)

type (
	file       = srvctl.SRVCTL_FILE
	connection = srvctl.SRVCTL_CONNECTION
)

func fileInfo2(f *file) gen.FILE_INFO_2 { return gen.FILE_INFO_2{Fi2Id: f.Id} }

func fileInfo3(f *file) gen.FILE_INFO_3 {
	return gen.FILE_INFO_3{
		Fi3Id: f.Id, Fi3Permissions: f.Permissions, Fi3NumLocks: f.Locks, Fi3Pathname: present(f.Path), Fi3Username: present(f.User),
	}
}

func fileLevel(level uint32) who {
	if level == 2 || level == 3 {
		return administrator
	}
	return nobody
}

// NetrFileEnum lists open files, devices and pipes (MS-SRVS 3.1.4.2).
func (s *Server) NetrFileEnum(ctx context.Context, call *rpc.Call, in *gen.NetrFileEnumRequest) (*gen.NetrFileEnumResponse, error) {
	out := &gen.NetrFileEnumResponse{ResumeHandle: in.ResumeHandle}
	level := in.InfoStruct.Level
	out.InfoStruct.Level = level
	if out.Return = admit(call, administrator, fileLevel(level)); out.Return != success {
		return out, nil
	}
	res, err := s.client.SrvFileEnum(ctx, &srvctl.SrvFileEnumRequest{Path: in.BasePath, User: in.UserName})
	if err != nil {
		out.Return, err = s.failed(ctx, err)
		return out, err
	}
	if out.Return = res.Return; out.Return != success {
		return out, nil
	}
	list := res.Files.Files
	w := windowOf(len(list), in.ResumeHandle, in.PreferedMaximumLength, func(i int) int {
		if level == 2 {
			return 4
		}
		return entrySize(20, present(list[i].Path), present(list[i].User))
	})
	out.TotalEntries, out.ResumeHandle, out.Return = w.total, w.resume, w.result
	n := uint32(w.to - w.from)
	if level == 2 {
		out.InfoStruct.FileInfo.Level2 = &gen.FILE_INFO_2_CONTAINER{EntriesRead: n, Buffer: entries(list, w, fileInfo2)}
	} else {
		out.InfoStruct.FileInfo.Level3 = &gen.FILE_INFO_3_CONTAINER{EntriesRead: n, Buffer: entries(list, w, fileInfo3)}
	}
	return out, nil
}

// NetrFileGetInfo describes an open file (MS-SRVS 3.1.4.3).
func (s *Server) NetrFileGetInfo(ctx context.Context, call *rpc.Call, in *gen.NetrFileGetInfoRequest) (*gen.NetrFileGetInfoResponse, error) {
	out := &gen.NetrFileGetInfoResponse{Return: admit(call, administrator, fileLevel(in.Level))}
	if out.Return != success {
		return out, nil
	}
	res, err := s.client.SrvFileGet(ctx, &srvctl.SrvFileGetRequest{Id: in.FileId})
	if err != nil {
		out.Return, err = s.failed(ctx, err)
		return out, err
	}
	switch out.Return = res.Return; {
	case out.Return != success:
	case in.Level == 2:
		out.InfoStruct.FileInfo2 = ptr(fileInfo2(&res.File))
	default:
		out.InfoStruct.FileInfo3 = ptr(fileInfo3(&res.File))
	}
	return out, nil
}

// NetrFileClose closes a file under who has it open (MS-SRVS 3.1.4.4).
func (s *Server) NetrFileClose(ctx context.Context, call *rpc.Call, in *gen.NetrFileCloseRequest) (*gen.NetrFileCloseResponse, error) {
	out := &gen.NetrFileCloseResponse{Return: admit(call, administrator, administrator)}
	if out.Return != success {
		return out, nil
	}
	res, err := s.client.SrvFileClose(ctx, &srvctl.SrvFileCloseRequest{Id: in.FileId})
	if err != nil {
		out.Return, err = s.failed(ctx, err)
		return out, err
	}
	out.Return = res.Return
	s.changed(call, "file closed", strconv.FormatUint(uint64(in.FileId), 10), out.Return)
	return out, nil
}

func connectionInfo0(c *connection) gen.CONNECTION_INFO_0 {
	return gen.CONNECTION_INFO_0{Coni0Id: c.Id}
}

func connectionInfo1(c *connection) gen.CONNECTION_INFO_1 {
	return gen.CONNECTION_INFO_1{
		Coni1Id: c.Id, Coni1Type: c.Type, Coni1NumOpens: c.Opens, Coni1NumUsers: c.Users, Coni1Time: c.Seconds, Coni1Username: present(c.User),
		Coni1Netname: present(c.Netname),
	}
}

// NetrConnectionEnum lists the tree connections of a share, or of a client named with two backslashes (MS-SRVS 3.1.4.1).
func (s *Server) NetrConnectionEnum(ctx context.Context, call *rpc.Call, in *gen.NetrConnectionEnumRequest) (*gen.NetrConnectionEnumResponse, error) {
	out := &gen.NetrConnectionEnumResponse{ResumeHandle: in.ResumeHandle}
	level := in.InfoStruct.Level
	out.InfoStruct.Level = level
	needs := nobody
	if level == 0 || level == 1 {
		needs = administrator
	}
	if out.Return = admit(call, administrator, needs); out.Return != success {
		return out, nil
	}
	if ndr.Text(in.Qualifier) == "" {
		out.Return = invalidParam
		return out, nil
	}
	res, err := s.client.SrvConnectionEnum(ctx, &srvctl.SrvConnectionEnumRequest{Qualifier: *in.Qualifier})
	if err != nil {
		out.Return, err = s.failed(ctx, err)
		return out, err
	}
	if out.Return = res.Return; out.Return != success {
		return out, nil
	}
	list := res.Connections.Connections
	w := windowOf(len(list), in.ResumeHandle, in.PreferedMaximumLength, func(i int) int {
		if level == 0 {
			return 4
		}
		return entrySize(28, present(list[i].User), present(list[i].Netname))
	})
	out.TotalEntries, out.ResumeHandle, out.Return = w.total, w.resume, w.result
	n := uint32(w.to - w.from)
	if level == 0 {
		out.InfoStruct.ConnectInfo.Level0 = &gen.CONNECT_INFO_0_CONTAINER{EntriesRead: n, Buffer: entries(list, w, connectionInfo0)}
	} else {
		out.InfoStruct.ConnectInfo.Level1 = &gen.CONNECT_INFO_1_CONTAINER{EntriesRead: n, Buffer: entries(list, w, connectionInfo1)}
	}
	return out, nil
}
