package state

import "lwio/iomgr/nt"

// LSA is the security policy that the accounts' tokens are made with.
func (a *Accounts) LSA() *LSA { return a.lsa }

// logOn gives a token of a network logon its privileges, or refuses the logon by the policy.
func (a *Accounts) logOn(t *nt.Token, address string) error {
	err := a.lsa.LogOn(t)
	if err != nil {
		a.log.Info("logon refused", "account", t.Account, "domain", t.Domain, "address", address, "reason", "no right to log on over the network")
	}
	return err
}
