package srvsvc

import (
	"context"

	gen "lwio/gen/srvsvc"
	"lwio/rpc"
)

// What the server has not, and says so of to everybody: ERROR_NOT_SUPPORTED as the call's result, not a fault, so that the
// association and the client's patience last.

// Character devices and their queues, operations 0 to 7, went with LAN Manager.

func (*Server) NetrCharDevEnum(_ context.Context, _ *rpc.Call, in *gen.NetrCharDevEnumRequest) (*gen.NetrCharDevEnumResponse, error) {
	return &gen.NetrCharDevEnumResponse{InfoStruct: gen.CHARDEV_ENUM_STRUCT{Level: in.InfoStruct.Level}, ResumeHandle: in.ResumeHandle, Return: notSupported}, nil
}

func (*Server) NetrCharDevGetInfo(context.Context, *rpc.Call, *gen.NetrCharDevGetInfoRequest) (*gen.NetrCharDevGetInfoResponse, error) {
	return &gen.NetrCharDevGetInfoResponse{Return: notSupported}, nil
}

func (*Server) NetrCharDevControl(context.Context, *rpc.Call, *gen.NetrCharDevControlRequest) (*gen.NetrCharDevControlResponse, error) {
	return &gen.NetrCharDevControlResponse{Return: notSupported}, nil
}

func (*Server) NetrCharDevQEnum(_ context.Context, _ *rpc.Call, in *gen.NetrCharDevQEnumRequest) (*gen.NetrCharDevQEnumResponse, error) {
	return &gen.NetrCharDevQEnumResponse{InfoStruct: gen.CHARDEVQ_ENUM_STRUCT{Level: in.InfoStruct.Level}, ResumeHandle: in.ResumeHandle, Return: notSupported}, nil
}

func (*Server) NetrCharDevQGetInfo(context.Context, *rpc.Call, *gen.NetrCharDevQGetInfoRequest) (*gen.NetrCharDevQGetInfoResponse, error) {
	return &gen.NetrCharDevQGetInfoResponse{Return: notSupported}, nil
}

func (*Server) NetrCharDevQSetInfo(_ context.Context, _ *rpc.Call, in *gen.NetrCharDevQSetInfoRequest) (*gen.NetrCharDevQSetInfoResponse, error) {
	return &gen.NetrCharDevQSetInfoResponse{ParmErr: refusal{}.parmErr(in.ParmErr), Return: notSupported}, nil
}

func (*Server) NetrCharDevQPurge(context.Context, *rpc.Call, *gen.NetrCharDevQPurgeRequest) (*gen.NetrCharDevQPurgeResponse, error) {
	return &gen.NetrCharDevQPurgeResponse{Return: notSupported}, nil
}

func (*Server) NetrCharDevQPurgeSelf(context.Context, *rpc.Call, *gen.NetrCharDevQPurgeSelfRequest) (*gen.NetrCharDevQPurgeSelfResponse, error) {
	return &gen.NetrCharDevQPurgeSelfResponse{Return: notSupported}, nil
}

// Transports are bound by the configuration, operations 25, 27, 41 and 53.

func (*Server) NetrServerTransportAdd(context.Context, *rpc.Call, *gen.NetrServerTransportAddRequest) (*gen.NetrServerTransportAddResponse, error) {
	return &gen.NetrServerTransportAddResponse{Return: notSupported}, nil
}

func (*Server) NetrServerTransportDel(context.Context, *rpc.Call, *gen.NetrServerTransportDelRequest) (*gen.NetrServerTransportDelResponse, error) {
	return &gen.NetrServerTransportDelResponse{Return: notSupported}, nil
}

func (*Server) NetrServerTransportAddEx(context.Context, *rpc.Call, *gen.NetrServerTransportAddExRequest) (*gen.NetrServerTransportAddExResponse, error) {
	return &gen.NetrServerTransportAddExResponse{Return: notSupported}, nil
}

func (*Server) NetrServerTransportDelEx(context.Context, *rpc.Call, *gen.NetrServerTransportDelExRequest) (*gen.NetrServerTransportDelExResponse, error) {
	return &gen.NetrServerTransportDelExResponse{Return: notSupported}, nil
}

// File security, operations 39 and 40, was for Windows 95. The service opens the device as itself, and over ipc it can be nobody else: to
// reach a file's descriptor from here would pass by the access check of the caller's own session.

func (*Server) NetrpGetFileSecurity(context.Context, *rpc.Call, *gen.NetrpGetFileSecurityRequest) (*gen.NetrpGetFileSecurityResponse, error) {
	return &gen.NetrpGetFileSecurityResponse{Return: notSupported}, nil
}

func (*Server) NetrpSetFileSecurity(context.Context, *rpc.Call, *gen.NetrpSetFileSecurityRequest) (*gen.NetrpSetFileSecurityResponse, error) {
	return &gen.NetrpSetFileSecurityResponse{Return: notSupported}, nil
}

// Names besides the server's own, operations 54 and 56.

func (*Server) NetrServerAliasAdd(context.Context, *rpc.Call, *gen.NetrServerAliasAddRequest) (*gen.NetrServerAliasAddResponse, error) {
	return &gen.NetrServerAliasAddResponse{Return: notSupported}, nil
}

func (*Server) NetrServerAliasDel(context.Context, *rpc.Call, *gen.NetrServerAliasDelRequest) (*gen.NetrServerAliasDelResponse, error) {
	return &gen.NetrServerAliasDelResponse{Return: notSupported}, nil
}

// DFS, operations 43 to 52: the server is no DFS root.

func (*Server) NetrDfsGetVersion(context.Context, *rpc.Call, *gen.NetrDfsGetVersionRequest) (*gen.NetrDfsGetVersionResponse, error) {
	return &gen.NetrDfsGetVersionResponse{Return: notSupported}, nil
}

func (*Server) NetrDfsCreateLocalPartition(context.Context, *rpc.Call, *gen.NetrDfsCreateLocalPartitionRequest) (*gen.NetrDfsCreateLocalPartitionResponse, error) {
	return &gen.NetrDfsCreateLocalPartitionResponse{Return: notSupported}, nil
}

func (*Server) NetrDfsDeleteLocalPartition(context.Context, *rpc.Call, *gen.NetrDfsDeleteLocalPartitionRequest) (*gen.NetrDfsDeleteLocalPartitionResponse, error) {
	return &gen.NetrDfsDeleteLocalPartitionResponse{Return: notSupported}, nil
}

func (*Server) NetrDfsSetLocalVolumeState(context.Context, *rpc.Call, *gen.NetrDfsSetLocalVolumeStateRequest) (*gen.NetrDfsSetLocalVolumeStateResponse, error) {
	return &gen.NetrDfsSetLocalVolumeStateResponse{Return: notSupported}, nil
}

func (*Server) NetrDfsCreateExitPoint(context.Context, *rpc.Call, *gen.NetrDfsCreateExitPointRequest) (*gen.NetrDfsCreateExitPointResponse, error) {
	return &gen.NetrDfsCreateExitPointResponse{Return: notSupported}, nil
}

func (*Server) NetrDfsDeleteExitPoint(context.Context, *rpc.Call, *gen.NetrDfsDeleteExitPointRequest) (*gen.NetrDfsDeleteExitPointResponse, error) {
	return &gen.NetrDfsDeleteExitPointResponse{Return: notSupported}, nil
}

func (*Server) NetrDfsModifyPrefix(context.Context, *rpc.Call, *gen.NetrDfsModifyPrefixRequest) (*gen.NetrDfsModifyPrefixResponse, error) {
	return &gen.NetrDfsModifyPrefixResponse{Return: notSupported}, nil
}

func (*Server) NetrDfsFixLocalVolume(context.Context, *rpc.Call, *gen.NetrDfsFixLocalVolumeRequest) (*gen.NetrDfsFixLocalVolumeResponse, error) {
	return &gen.NetrDfsFixLocalVolumeResponse{Return: notSupported}, nil
}

func (*Server) NetrDfsManagerReportSiteInfo(_ context.Context, _ *rpc.Call, in *gen.NetrDfsManagerReportSiteInfoRequest) (*gen.NetrDfsManagerReportSiteInfoResponse, error) {
	return &gen.NetrDfsManagerReportSiteInfoResponse{PpSiteInfo: in.PpSiteInfo, Return: notSupported}, nil
}
