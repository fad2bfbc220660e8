// Package samr serves the account manager (MS-SAMR): users, groups and aliases of this machine, those of BUILTIN, their membership, the policy for
// passwords, and passwords themselves.
//
// The accounts are state.Accounts; the service decides who may do what with them, puts them into the form of the protocol, and decrypts passwords.
// It is that of a member server or a machine in no domain: there are two domains, the machine's and BUILTIN, and what a domain controller alone has
// (the recovery password, accounts of computers that may be used again) is answered with STATUS_NOT_SUPPORTED.
//
//	s := server.New(server.Config{…})
//	err := s.Register(gen.SamrInterface, samr.New(samr.Config{Accounts: accounts}))
//
// # Who may what
//
// The server, each domain and each entry has a descriptor, against which opening it is checked once; what the handle was granted decides then, as
// each operation needs it (MS-SAMR 3.1.2). By default administrators have all rights, everybody else may look, and users may change their own
// password and preferences. Callers of the network have besides to pass Config.Remote to connect at all: administrators, by default, as Windows has
// had it since 2016 (RestrictRemoteSAM). Changing a password by the old one needs no handle.
//
// A handle is of who opened it: another caller of the same association group gets nca_s_fault_context_mismatch, as for one that is not open or is
// of another kind.
//
// # Passwords
//
// New passwords come encrypted with the session key, or with a key that is made of the old password; nothing is accepted in the clear. LM hashes are
// neither kept nor accepted: SamrChangePasswordUser and SamrOemChangePasswordUser2 are refused with STATUS_PASSWORD_RESTRICTION. RC4 protects little
// against who can read the connection: SMB is to be sealed, or clients are to use AES (levels 31 and 32, SamrUnicodeChangePasswordUser4). Over TCP, where
// the key of the session is the same for all, passwords are set by calls that are sealed only.
//
// # Lists
//
// Enumerations go on from a RID, lists for people from a place in the order of names. A handle of a domain remembers where the last page ended, so
// that the next costs no more than itself; no list is ever in memory as a whole.
package samr
