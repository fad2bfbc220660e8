// Package state is what a daemon remembers: shares, local accounts, the security policy, the machine's identity, the server's settings.
//
// It has two layers. A [Store] is an ordered map from short keys to small values with revisions, compare-and-swap,
// transactions over few keys and watches: what bbolt gives on one machine and etcd gives to several. Above it stand typed
// tables ([Shares], [Server], [Machine], [Accounts], [LSA], [Registry]) whose records carry their own version, so that a value written by an
// older program is read by a newer one.
//
//	store, err := state.Open(filepath.Join(dir, "state.db"), state.Options{})
//	machine, err := state.LoadMachine(ctx, store, state.MachineHint{})
//	accounts, err := state.NewAccounts(ctx, store, state.AccountsConfig{Machine: machine})
//	shares := state.NewShares(store)
//
// It is not a cache and not a log: what changes at every logon is counted in memory and written later ([Accounts]), and
// what is read at every request is kept by who needs it, told of changes by [Store].Watch.
//
// # The file
//
// Open keeps everything in one bbolt file of mode 0600, which one process has at a time. Before bbolt sees the file, every
// page and every record of it is checked, so that a file that is damaged, or is something else, is refused and left as it
// was. A commit is durable when the call that made it returns.
//
// # Keys
//
//	machine                 computer name and machine SID
//	host                    what a daemon without accounts was told of the machine
//	server                  settings of the SMB server
//	share/NAME              a share, by its name in upper case
//	account/next            the RID that the next account, group or alias gets
//	account/seed            that what every machine has was made
//	account/rid/RRRRRRRR    a user, by its RID in hexadecimal
//	account/name/NAME       the RID of a user, group or alias and what it is, by its name in upper case
//	account/logon/RRRRRRRR  when it logged on and how often it failed
//	group/rid/RRRRRRRR      a group of the account domain
//	alias/rid/RRRRRRRR      an alias of the account domain
//	alias/builtin/RRRRRRRR  what was changed of an alias of BUILTIN
//	member/…, memberof/…    memberships, found from either side
//	policy/account          the policy for passwords and lockout; policy/builtin has that of BUILTIN
//	security/K/RRRRRRRR     the descriptor that an object was given, by its kind
//	workstation             limits of the workstation service, and further names of the computer
//	lsa/policy              settings of the security policy
//	lsa/account/SID         privileges and logon rights of a user or group
//	lsa/secret/NAME         a secret, by its name in upper case
//	registry/key/N          a key of the registry, by its number in hexadecimal
//	registry/value/N/M      a value of a key
//	eventlog/LOG/N          an event, by its number in hexadecimal
//
// # Lock order
//
//	bolt.writer (one write transaction; held over fdatasync)
//	  hub.mu
//	    watch.mu
//	LSA.change (one change of the policy; held over the store's commit)
//	  LSA.mu (what of it is in memory; nothing is called while it is held)
//	Registry.change (one change of the registry; held over the store's commit)
//	  Registry.mu (the tree; nothing is called while it is held)
//	EventLogs.write (one write of events; held over the store's commit)
//	  EventLogs.mu (the logs; nothing is called while it is held)
//	Accounts.mu (bad-password counts; not held while the store is called)
//	principals.mu (names of users of domains; nothing is called while it is held)
package state
