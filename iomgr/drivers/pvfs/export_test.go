package pvfs

// ShortName is the short name of a name.
func ShortName(name string) string { return shortName(name) }
