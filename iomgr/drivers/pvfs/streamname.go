package pvfs

import (
	"strings"

	"lwio/iomgr/nt"
)

// streamRef is what of a name stands behind the file's: nothing, or a stream and its type (MS-FSCC 2.1.5).
type streamRef struct {
	name  string // empty for the unnamed stream
	typed bool   // ::$DATA was there, which no directory has
}

// maxStreamName is in UTF-16 units (MS-FSCC 2.1.5.3).
const maxStreamName = 255

// splitStream parts the last component of a name into the file and the stream.
func splitStream(component string) (file string, ref streamRef, status nt.Status) {
	file, rest, found := strings.Cut(component, ":")
	if !found {
		return file, ref, nt.StatusSuccess
	}
	name, kind, typed := strings.Cut(rest, ":")
	switch {
	case !typed && name == "":
		return "", ref, nt.StatusObjectNameInvalid
	case !typed, nt.EqualFold(kind, "$DATA"):
	case nt.EqualFold(kind, "$INDEX_ALLOCATION") && (name == "" || nt.EqualFold(name, "$I30")):
		return file, ref, nt.StatusSuccess // the directory itself
	default:
		return "", ref, nt.StatusObjectNameInvalid
	}
	if !validStreamName(name) {
		return "", ref, nt.StatusObjectNameInvalid
	}
	return file, streamRef{name: name, typed: name == ""}, nt.StatusSuccess
}

// validStreamName follows MS-FSCC 2.1.5.3: other than names of files, those of streams may have control characters and wildcards.
func validStreamName(name string) bool {
	return !strings.ContainsAny(name, "\x00/\\:") && (len(name) <= maxStreamName || nt.UTF16Len(name) <= maxStreamName)
}
