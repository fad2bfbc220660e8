package server

import "lwio/rpc"

// AuditNote notes a refusal for tests.
func AuditNote(a *Audit, call *rpc.Call) { a.note(call, RefusedDenied, "rule") }
