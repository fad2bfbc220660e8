// Package winreg serves the remote registry (MS-RRP) on a [state.Registry], and refuses the shutdown calls that share its interface (MS-RSP).
//
//	s := server.New(server.Config{…})
//	err := s.Register(gen.WinregInterface, winreg.New(winreg.Config{Registry: registry, Authority: accounts}))
//
// [Seed] makes the keys that administrators' tools look for: what Windows calls itself and its computer, and the parameters of the services; the values
// that are this daemon's own are told as they are at the moment.
//
// # Who may what
//
// The null session may nothing. From another machine the descriptor of HKLM\SYSTEM\CurrentControlSet\Control\SecurePipeServers\winreg decides who
// may open predefined keys: administrators, backup operators (to read) and the local service. Everybody else who is authenticated gets HKLM
// alone, and there the keys that the values Machine of its AllowedPaths and AllowedExactPaths name. Callers of this machine are not asked for that.
// Then each key's own descriptor decides, when it is opened. A handle has what it was granted until it is closed.
// What hangs under HKLM is the administrators' to write and everybody's to read; SAM and SECURITY are the system's.
//
// # What is not done
//
// Keys are not written to files or read from them (BaseRegSaveKey, BaseRegLoadKey, BaseRegRestoreKey and their like): ERROR_NOT_SUPPORTED for who holds the
// privileges, ERROR_PRIVILEGE_NOT_HELD for everybody else. There are no symbolic links, and one view for programs of 32 and of 64 bits. Performance
// data are those of a machine that counts nothing. The machine is not shut down from here.
//
// BaseRegNotifyChangeKeyValue ends when the key has changed; a client that does not allow concurrent calls waits for it with its other calls, too.
package winreg
