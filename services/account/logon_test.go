package account_test

import "lwio/iomgr/auth"

// wrongLogon is a response that no password makes.
func wrongLogon(name string) *auth.NTLMLogon {
	return &auth.NTLMLogon{Account: name, NTResponse: make([]byte, 60)}
}
