package rpc

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"lwio/iomgr/nt"
	"lwio/rpc/ndr"
)

// Fault is the status of a fault PDU: a reject or fault code of C706 appendix E, or a Win32 error or NTSTATUS, which
// Windows sends in the same place (MS-RPCE 2.2.2.10 and 3.3.3.5).
type Fault uint32

// What a server answers to a call it does not take.
const (
	FaultUnknownInterface Fault = 0x1C010003 // nca_s_unk_if: the presentation context names no interface of this server
	FaultOpRange          Fault = 0x1C010002 // nca_s_op_rng_error: no such operation
	FaultProtocol         Fault = 0x1C01000B // nca_s_proto_error: broken framing or sequence
	FaultServerTooBusy    Fault = 0x1C010014 // nca_s_server_too_busy
	FaultOutArgsTooBig    Fault = 0x1C010013 // nca_s_out_args_too_big
	FaultUnsupportedType  Fault = 0x1C010017 // nca_s_unsupported_type
	FaultCommFailure      Fault = 0x1C010001 // nca_s_comm_failure
	FaultInvalidContextID Fault = 0x1C00001C // nca_s_invalid_pres_context_id
	FaultUnsupportedAuth  Fault = 0x1C00001D // nca_s_unsupported_authn_level
	FaultInvalidChecksum  Fault = 0x1C00001F // nca_s_invalid_checksum
	FaultInvalidCRC       Fault = 0x1C000020 // nca_s_invalid_crc
)

// What a call that was taken ended with.
const (
	FaultInvalidTag      Fault = 0x1C000006 // nca_s_fault_invalid_tag: a union's discriminant selects no arm
	FaultInvalidBound    Fault = 0x1C000007 // nca_s_fault_invalid_bound
	FaultRPCVersion      Fault = 0x1C000008 // nca_s_fault_rpc_version_mismatch
	FaultCancel          Fault = 0x1C00000D // nca_s_fault_cancel
	FaultAddress         Fault = 0x1C000002 // nca_s_fault_addr_error
	FaultIllegal         Fault = 0x1C00000E // nca_s_fault_ill_inst
	FaultUnspecified     Fault = 0x1C000012 // nca_s_fault_unspec: a method failed, or panicked
	FaultPipeEmpty       Fault = 0x1C000014 // nca_s_fault_pipe_empty
	FaultRemoteNoMemory  Fault = 0x1C00001B // nca_s_fault_remote_no_memory
	FaultContextMismatch Fault = 0x1C00001A // nca_s_fault_context_mismatch: a context handle this server did not give
	FaultUserDefined     Fault = 0x1C000021 // nca_s_fault_user_defined
	FaultObjectNotFound  Fault = 0x1C000024 // nca_s_fault_object_not_found
)

// What Windows sends from its own error space.
const (
	FaultAccessDenied      Fault = 0x00000005 // ERROR_ACCESS_DENIED
	FaultInvalidParameter  Fault = 0x00000057 // ERROR_INVALID_PARAMETER
	FaultCannotSupport     Fault = 0x000006E4 // RPC_S_CANNOT_SUPPORT
	FaultNDR               Fault = 0x000006F7 // RPC_X_BAD_STUB_DATA: the request did not decode
	FaultNullRef           Fault = 0x000006F4 // RPC_X_NULL_REF_POINTER
	FaultByteCountTooSmall Fault = 0x000006F6 // RPC_X_BYTE_COUNT_TOO_SMALL
	FaultEnumRange         Fault = 0x000006F5 // RPC_X_ENUM_VALUE_OUT_OF_RANGE
	FaultSecPackage        Fault = 0x00000721 // RPC_S_SEC_PKG_ERROR
	FaultCancelled         Fault = 0x0000071A // RPC_S_CALL_CANCELLED
	FaultServerUnavailable Fault = 0x000006BA // RPC_S_SERVER_UNAVAILABLE
)

var faultNames = map[Fault]string{
	FaultUnknownInterface: "nca_s_unk_if", FaultOpRange: "nca_s_op_rng_error", FaultProtocol: "nca_s_proto_error",
	FaultServerTooBusy: "nca_s_server_too_busy", FaultOutArgsTooBig: "nca_s_out_args_too_big",
	FaultUnsupportedType: "nca_s_unsupported_type", FaultUnsupportedAuth: "nca_s_unsupported_authn_level",
	FaultInvalidChecksum: "nca_s_invalid_checksum", FaultInvalidCRC: "nca_s_invalid_crc",
	FaultCommFailure: "nca_s_comm_failure", FaultInvalidContextID: "nca_s_invalid_pres_context_id",

	FaultInvalidTag: "nca_s_fault_invalid_tag", FaultInvalidBound: "nca_s_fault_invalid_bound",
	FaultRPCVersion: "nca_s_fault_rpc_version_mismatch", FaultCancel: "nca_s_fault_cancel",
	FaultAddress: "nca_s_fault_addr_error", FaultIllegal: "nca_s_fault_ill_inst",
	FaultUnspecified: "nca_s_fault_unspec", FaultPipeEmpty: "nca_s_fault_pipe_empty",
	FaultRemoteNoMemory: "nca_s_fault_remote_no_memory", FaultContextMismatch: "nca_s_fault_context_mismatch",
	FaultUserDefined: "nca_s_fault_user_defined", FaultObjectNotFound: "nca_s_fault_object_not_found",

	FaultAccessDenied: "nca_s_fault_access_denied", FaultInvalidParameter: "ERROR_INVALID_PARAMETER",
	FaultCannotSupport: "RPC_S_CANNOT_SUPPORT", FaultNDR: "nca_s_fault_ndr",
	FaultNullRef: "RPC_X_NULL_REF_POINTER", FaultByteCountTooSmall: "RPC_X_BYTE_COUNT_TOO_SMALL",
	FaultEnumRange: "RPC_X_ENUM_VALUE_OUT_OF_RANGE", FaultSecPackage: "nca_s_fault_sec_pkg_error",
	FaultCancelled: "RPC_S_CALL_CANCELLED", FaultServerUnavailable: "RPC_S_SERVER_UNAVAILABLE",
}

// Name is the code's name in C706 or MS-ERREF, or its hexadecimal value.
func (f Fault) Name() string {
	if s, ok := faultNames[f]; ok {
		return s
	}
	return fmt.Sprintf("0x%08x", uint32(f))
}

// Error makes a Fault an error.
func (f Fault) Error() string { return "rpc fault " + f.Name() }

// FaultOf is the fault that tells a caller of err: a Fault as it is, a decoding error as FaultNDR, an nt.Status or
// nt.WinError by its number, denial and cancellation by their codes, and FaultUnspecified for all else.
func FaultOf(err error) Fault {
	var f Fault
	var decode *ndr.Error
	var status nt.Status
	var win nt.WinError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &f):
		return f
	case errors.As(err, &decode):
		return faultOfNDR(decode)
	case errors.As(err, &win):
		return Fault(win)
	case errors.As(err, &status):
		return faultOfStatus(status)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return FaultCancel
	case errors.Is(err, fs.ErrPermission):
		return FaultAccessDenied
	}
	return FaultUnspecified
}

// faultOfNDR keeps to one code: Windows sends RPC_X_BAD_STUB_DATA for all that does not decode, but for memory.
func faultOfNDR(err *ndr.Error) Fault {
	if errors.Is(err, ndr.ErrLimit) {
		return FaultRemoteNoMemory
	}
	return FaultNDR
}

func faultOfStatus(s nt.Status) Fault {
	switch s {
	case nt.StatusAccessDenied:
		return FaultAccessDenied
	case nt.StatusCancelled:
		return FaultCancel
	case nt.StatusSuccess:
		return FaultUnspecified // an error that says success is a fault of the method
	}
	return Fault(s)
}
