package nt

import (
	"fmt"
	"sort"
)

// Status is an NTSTATUS (MS-ERREF 2.3). Errors and warnings satisfy the error
// interface; a success is never returned as an error.
type Status uint32

// IsSuccess reports severity success or informational: NT_SUCCESS of the NT API.
func (s Status) IsSuccess() bool { return s>>31 == 0 }

// IsWarning reports severity warning (0x80000000..0xBFFFFFFF): the call has data and says something of it.
func (s Status) IsWarning() bool { return s>>30 == 2 }

// IsError reports severity error (0xC0000000 and above).
func (s Status) IsError() bool { return s>>30 == 3 }

// Name is the name as MS-ERREF prints it (STATUS_ACCESS_DENIED), or 0x and eight digits where it is not known.
func (s Status) Name() string {
	if row := s.row(); row != nil {
		return row.name
	}
	return fmt.Sprintf("0x%08X", uint32(s))
}

// String is Name.
func (s Status) String() string { return s.Name() }

// Error is Name, so that a Status can be returned, wrapped, and found again by errors.Is and errors.As.
func (s Status) Error() string { return s.Name() }

// Err is nil for StatusSuccess, and s for everything else. An informational status such as StatusPending is not
// nil: whoever returns it as an error means to say it.
func (s Status) Err() error {
	if s == StatusSuccess {
		return nil
	}
	return s
}

// row finds s in statusTable; nil where it is not known.
func (s Status) row() *statusRow {
	i := sort.Search(len(statusTable), func(i int) bool { return statusTable[i].status >= s })
	if i < len(statusTable) && statusTable[i].status == s {
		return &statusTable[i]
	}
	return nil
}
