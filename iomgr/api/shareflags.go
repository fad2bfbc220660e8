package api

// ShareFlags is a create context that says how the share is offered through which the open comes. srv adds it; a file system heeds what it knows.
type ShareFlags struct {
	// AccessBasedEnumeration leaves out of the listing of a directory what the opener may not read (SHI1005_FLAGS_ACCESS_BASED_DIRECTORY_ENUM).
	AccessBasedEnumeration bool
}
