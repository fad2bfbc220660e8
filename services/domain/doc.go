// Package domain makes this machine a member of an Active Directory domain and lives as one: it finds controllers, makes and keeps the machine
// account, holds the Netlogon secure channel, has NTLM logons of domain users verified there, and looks names and SIDs up. It is no controller, and decides nothing about local accounts.
//
//	m, err := domain.New(ctx, domain.Config{Table: state.NewDomain(store), Pipe: pipe, Host: accounts.Host, Keytab: path})
//	err = m.Join(ctx, domain.JoinRequest{Realm: "LAB.TEST", User: "Administrator", Password: pw}, report)
//	who := domain.NewAuthority(accounts, m) // an auth.Authority: local accounts, and those of the domain
//	go m.Run(ctx)                           // keeps the channel warm and changes the password when it is due
//
// What has to be goes over named pipes, which the caller opens: as the user who joins, and later as the machine account. LDAP, sealed with Kerberos, describes the account in the
// directory; where it is closed a join goes on without. An offline join asks nobody: [Member.Provision] and [ParseProvision] write and read the data of djoin.
//
// # The password of the account
//
// A new one is stored as pending before the controller hears of it, promoted when the controller has confirmed it, and the one before is kept for
// the tickets that are about. Whoever finds a pending one asks the controller which of the two counts; so a change may be cut off at any step.
//
// # Lock order
//
//	Member.change (a channel of one: join, leave, rotation; held over calls to the controller)
//	  Member.mu (the account in memory, the channel; nothing is called while it is held)
//	operations.mu, operation.mu, Locator.mu, cache.mu (leaves)
package domain
