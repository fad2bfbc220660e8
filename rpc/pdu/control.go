package pdu

// Cancel is the co_cancel PDU (C706 12.6.4.6): the call of its CallID is to be given up, and is still answered.
type Cancel struct{ Header }

// Orphaned is the orphaned PDU (C706 12.6.4.8): the call of its CallID is to be given up, and its answer is not wanted.
type Orphaned struct{ Header }

// Shutdown is the shutdown PDU (C706 12.6.4.11): the server asks the client to close the connection.
type Shutdown struct{ Header }

// ParseCancel parses a co_cancel PDU. A verifier is not looked at.
func ParseCancel(b []byte) (Cancel, error) {
	h, err := parse(b, TypeCancel, 0)
	return Cancel{h}, err
}

// ParseOrphaned parses an orphaned PDU. A verifier is not looked at.
func ParseOrphaned(b []byte) (Orphaned, error) {
	h, err := parse(b, TypeOrphaned, 0)
	return Orphaned{h}, err
}

// ParseShutdown parses a shutdown PDU.
func ParseShutdown(b []byte) (Shutdown, error) {
	h, err := parse(b, TypeShutdown, 0)
	return Shutdown{h}, err
}

// Append appends the PDU.
func (x *Cancel) Append(b []byte) []byte { return x.Header.appendControl(b, TypeCancel) }

// Append appends the PDU.
func (x *Orphaned) Append(b []byte) []byte { return x.Header.appendControl(b, TypeOrphaned) }

// Append appends the PDU.
func (x *Shutdown) Append(b []byte) []byte { return x.Header.appendControl(b, TypeShutdown) }

func (h *Header) appendControl(b []byte, t Type) []byte {
	base := len(b)
	return finish(h.append(b, t), base, nil)
}
