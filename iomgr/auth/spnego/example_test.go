package spnego_test

import (
	"errors"
	"fmt"

	"lwio/iomgr/auth"
	"lwio/iomgr/auth/ntlm"
	"lwio/iomgr/auth/ntlm/ntlmtest"
	"lwio/iomgr/auth/spnego"
	"lwio/iomgr/nt"
)

// Both sides of a logon, as the session setup of SMB and the bind of RPC drive them.
func Example() {
	accounts := ntlmtest.Accounts{"alice": "secret"}
	server := spnego.NewMechanism(spnego.Mech{OID: spnego.OIDNTLM, Name: "NTLM", Mechanism: ntlm.NewMechanism(ntlm.Config{Authority: accounts})})
	client := spnego.NewInitiator(spnego.MechInitiator{OID: spnego.OIDNTLM, Name: "NTLM",
		Initiator: ntlm.NewInitiator(ntlm.Credentials{User: "alice", Password: "secret"}, ntlm.InitiatorConfig{})})

	acc := server.NewAcceptor(auth.Peer{})
	token, done, err := client.Init(ctx, server.Hint())
	for err == nil && !done {
		var reply []byte
		if reply, err = acc.Accept(ctx, token); err != nil && !errors.Is(err, nt.StatusMoreProcessingRequired) {
			break
		}
		token, done, err = client.Init(ctx, reply)
	}
	fmt.Println(done, err, acc.Context().Token().Account)
	// Output: true <nil> alice
}
