package smbclient

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// Protection is what is done to the messages of a session once it is there.
type Protection int

const (
	Signed Protection = iota // as the session signs: the default
	Plain                    // not at all, where the server allows it
	Sealed                   // encrypted by AES-128-GCM
)

func (p Protection) String() string { return [...]string{"signed", "plain", "sealed"}[p] }

// Protect chooses the protection of what follows Logon and Connect.
func (c *Client) Protect(p Protection) error {
	if p == Sealed && c.sealer == nil {
		return errors.New("the server offers no AES-128-GCM")
	}
	c.protection = p
	return nil
}

// File is an open file.
type File struct {
	c  *Client
	id smb2.FileID
}

// Open opens or creates a file of the tree.
func (c *Client) Open(name string, access nt.AccessMask, disposition, options uint32) (*File, error) {
	return c.create(name, smb2.CreateRequest{DesiredAccess: access, ShareAccess: 7, CreateDisposition: disposition, CreateOptions: options})
}

// OpenPersistent opens or creates a file for itself, in a way that outlives the server; Reclaim of another client takes it up.
func (c *Client) OpenPersistent(name string, access nt.AccessMask, id nt.GUID) (*File, error) {
	ask := smb2.DurableHandleRequestV2{CreateGUID: id, Flags: smb2.DurableHandleFlagPersistent}
	return c.create(name, smb2.CreateRequest{DesiredAccess: access, CreateDisposition: nt.FileOpenIf, Contexts: smb2.CreateContexts(nil).Append(smb2.ContextDurableHandleRequestV2, ask.Append(nil))})
}

// Reclaim takes up a file that was opened by OpenPersistent.
func (c *Client) Reclaim(f *File, id nt.GUID) (*File, error) {
	ask := smb2.DurableHandleReconnectV2{FileID: f.id, CreateGUID: id, Flags: smb2.DurableHandleFlagPersistent}
	return c.create("", smb2.CreateRequest{CreateDisposition: nt.FileOpen, Contexts: smb2.CreateContexts(nil).Append(smb2.ContextDurableHandleReconnectV2, ask.Append(nil))})
}

func (c *Client) create(name string, r smb2.CreateRequest) (*File, error) {
	r.ImpersonationLevel, r.Name = smb2.Impersonation, nt.AppendUTF16(nil, name)
	c.body = r.Append(c.body[:0])
	m, err := c.check(smb2.Create, c.body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	res, err := smb2.ParseCreateResponse(m.Body)
	if err != nil {
		return nil, err
	}
	return &File{c: c, id: res.FileID}, nil
}

// Close closes it.
func (f *File) Close() error {
	f.c.body = (&smb2.CloseRequest{FileID: f.id}).Append(f.c.body[:0])
	_, err := f.c.check(smb2.Close, f.c.body)
	return err
}

// List reads the whole directory, with the name, times and sizes of each entry, and gives their number and the longest time that one request took.
func (f *File) List() (n int, longest time.Duration, err error) {
	flags := smb2.QueryDirectoryRestartScans
	for {
		f.c.body = (&smb2.QueryDirectoryRequest{FileInformationClass: 37, Flags: flags, FileID: f.id, OutputBufferLength: 1 << 20, Pattern: []byte{'*', 0}}).Append(f.c.body[:0])
		flags = 0
		start := time.Now()
		m, err := f.c.charge(smb2.QueryDirectory, f.c.body, 16)
		longest = max(longest, time.Since(start))
		if err != nil {
			return 0, 0, err
		}
		if m.Header.Status == nt.StatusNoMoreFiles {
			return n, longest, nil
		}
		if m.Header.Status != nt.StatusSuccess {
			return 0, 0, m.Header.Status
		}
		res, err := smb2.ParseQueryDirectoryResponse(m.Body)
		if err != nil {
			return 0, 0, err
		}
		for b := res.Output; ; n++ {
			if len(b) < 104 {
				return 0, 0, errors.New("a short entry")
			}
			next := binary.LittleEndian.Uint32(b)
			if next == 0 {
				n++
				break
			}
			if uint64(next) > uint64(len(b)) {
				return 0, 0, errors.New("an entry beyond the answer")
			}
			b = b[next:]
		}
	}
}

// Transfer is a run of reads or writes of one size, several under way at once.
type Transfer struct {
	Write  bool
	Size   int              // of each
	Depth  int              // under way at once
	Count  int              // how many; 0 for as many as Until allows
	Until  time.Time        // when to begin no more
	Offset func(int) uint64 // of the nth
}

// sample is which answers are looked into; of the others only the length is, so that the server is measured and not the client.
const sample = 16

// Do runs a transfer and gives how many requests were answered with success.
func (f *File) Do(t Transfer) (int, error) {
	c := f.c
	charge := uint16((t.Size-1)/65536 + 1)
	want := smb2.HeaderSize + 16 // of an answer
	if !t.Write {
		want += t.Size
	}
	if c.protection == Sealed {
		want += smb2.SealHeadroom
	}
	sent, done := 0, 0
	more := func() bool {
		if t.Count > 0 {
			return sent < t.Count
		}
		return sent == 0 || time.Now().Before(t.Until)
	}
	for {
		for sent-done < t.Depth && more() {
			if err := f.send(t, sent, charge); err != nil {
				return done, err
			}
			sent++
		}
		if sent == done {
			return done, nil
		}
		n, err := c.in.Length()
		if err != nil {
			return done, err
		}
		if done%sample == 0 || n < want {
			if cap(c.buf) < n+smb2.SealTailroom {
				c.buf = make([]byte, n, n+smb2.SealTailroom)
			}
			frame := c.buf[:n]
			if _, err := io.ReadFull(c.rd, frame); err != nil {
				return done, err
			}
			m, err := c.open(frame)
			if err != nil {
				return done, err
			}
			if m.Header.Status == nt.StatusPending && m.Header.IsAsync() {
				continue
			}
			if m.Header.Status != nt.StatusSuccess {
				return done, m.Header.Status
			}
		} else if err := c.discard(n); err != nil {
			return done, err
		}
		done++
	}
}

// send sends the nth request of a transfer. What is written stands in one buffer behind the room for the headers, and is what the last encryption
// has left of it: nobody reads it, and the client does as little as it can.
func (f *File) send(t Transfer, n int, charge uint16) error {
	c := f.c
	h := smb2.Header{CreditCharge: charge, Credits: charge, MessageID: c.id, SessionID: c.session, TreeID: c.tree, ProcessID: 0xfeff, Command: smb2.Read}
	if t.Write {
		h.Command = smb2.Write
	}
	c.id += uint64(charge)
	c.Sent[h.Command]++
	const at = smb2.FrameHeaderSize + smb2.SealHeadroom // of the message
	const fixed = smb2.HeaderSize + 48
	if need := at + fixed + 16 + t.Size + smb2.SealTailroom; len(c.data) < need {
		c.data = make([]byte, need)
		for i := range c.data {
			c.data[i] = byte(i * 7 >> 3)
		}
	}
	b := h.Append(c.data[:at])
	if t.Write {
		r := smb2.WriteRequest{Offset: t.Offset(n), FileID: f.id, Data: c.data[at+fixed : at+fixed+1]}
		b = r.Append(b)
		binary.LittleEndian.PutUint32(b[at+smb2.HeaderSize+4:], uint32(t.Size))
		b = c.data[:at+fixed+t.Size]
	} else {
		b = (&smb2.ReadRequest{Length: uint32(t.Size), Offset: t.Offset(n), FileID: f.id}).Append(b)
	}
	from := at - smb2.FrameHeaderSize
	switch c.protection {
	case Signed:
		c.signer.Sign(b[at:])
	case Sealed:
		from = 0
		if err := c.sealer.Seal(b[smb2.FrameHeaderSize:]); err != nil {
			return err
		}
	}
	smb2.PutFrameHeader(b[from:], len(b)-from-smb2.FrameHeaderSize)
	_, err := c.nc.Write(b[from:])
	return err
}

// open checks an answer and gives its message.
func (c *Client) open(frame []byte) (smb2.Message, error) {
	var err error
	if smb2.ProtocolID(frame) == smb2.ProtocolTransform {
		if c.opener == nil {
			return smb2.Message{}, errors.New("an encrypted answer, and no key")
		}
		if frame, err = c.opener.Open(frame); err != nil {
			return smb2.Message{}, err
		}
	} else if c.protection == Sealed {
		return smb2.Message{}, errors.New("an answer that is not encrypted")
	}
	it := smb2.NewMessages(frame)
	m, err := it.Next()
	if err != nil {
		return smb2.Message{}, err
	}
	if c.signer != nil && m.Header.IsSigned() && m.Header.Status != nt.StatusPending && smb2.ProtocolID(frame) == smb2.ProtocolSMB2 {
		err = c.signer.Verify(m.Raw)
	}
	return m, err
}

// WriteThrough writes, durably.
func (f *File) WriteThrough(b []byte, offset uint64) error {
	f.c.body = (&smb2.WriteRequest{Offset: offset, FileID: f.id, Flags: smb2.WriteFlagWriteThrough, Data: b}).Append(f.c.body[:0])
	_, err := f.c.check(smb2.Write, f.c.body)
	return err
}

// Lock locks a range for itself, without waiting.
func (f *File) Lock(offset, length uint64) error {
	req := smb2.LockRequest{FileID: f.id, Locks: smb2.LockElements(nil).Append(smb2.LockElement{Offset: offset, Length: length,
		Flags: smb2.LockExclusive | smb2.LockFailImmediately})}
	f.c.body = req.Append(f.c.body[:0])
	_, err := f.c.check(smb2.Lock, f.c.body)
	return err
}

// Watch asks to be told of changes, and does not wait for them.
func (f *File) Watch() error {
	c := f.c
	h := smb2.Header{Command: smb2.ChangeNotify, CreditCharge: 1, Credits: 2, MessageID: c.id, SessionID: c.session, TreeID: c.tree, ProcessID: 0xfeff}
	c.id++
	c.Sent[h.Command]++
	b := h.Append(make([]byte, smb2.FrameHeaderSize))
	b = (&smb2.ChangeNotifyRequest{OutputBufferLength: 4096, FileID: f.id, CompletionFilter: nt.FileNotifyChangeFileName}).Append(b)
	smb2.PutFrameHeader(b, len(b)-smb2.FrameHeaderSize)
	c.signer.Sign(b[smb2.FrameHeaderSize:])
	if _, err := c.nc.Write(b); err != nil {
		return err
	}
	frame, err := c.in.Frame(nil)
	if err != nil {
		return err
	}
	m, err := c.open(frame)
	if err == nil && m.Header.Status != nt.StatusPending {
		err = m.Header.Status
	}
	return err
}
