package fsrtl

// ShareOptions is a create context, given as a pointer, that says what the share is like through which an open comes. A file system heeds what it knows.
type ShareOptions struct {
	// Root is the share's directory on its device, `\srv\data`, empty for the device's root. Symbolic links that stay below it are followed;
	// without the context none is.
	Root string
	// KernelOplocks has local programs break oplocks and leases, where the system can tell of them.
	KernelOplocks bool
}
