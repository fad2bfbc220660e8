package nt

// Status is an NTSTATUS (MS-ERREF 2.3). Errors and warnings satisfy the error
// interface; a success is never returned as an error.
type Status uint32

// IsSuccess reports severity success or informational: NT_SUCCESS of the NT API.
func (s Status) IsSuccess() bool { return s>>31 == 0 }

// IsWarning reports severity warning (0x80000000..0xBFFFFFFF): the call has data and says something of it.
func (s Status) IsWarning() bool { return s>>30 == 2 }

// IsError reports severity error (0xC0000000 and above).
func (s Status) IsError() bool { return s>>30 == 3 }
