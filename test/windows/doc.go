// Package windows replays what the tools of Windows ask of a server that they administer: Explorer, Shared Folders, Computer Management with its Services,
// Event Viewer and Local Users and Groups, Registry Editor, the Security tab and the object picker. It is tests alone. Each tool has a file with a table: the calls in the order in
// which the tool makes them, with its parameters, and every field of the answers that Windows gives.
//
// The client is lwio's own: the redirector opens the pipes of a lwiod that runs beside the test, and the clients that idlc made call over them, with NDR64 offered, as
// Windows does. No other program is needed.
package windows
