package state

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
)

const (
	machineKey     = "machine"
	machineVersion = 1
	maxNetBIOS     = 15
)

// Machine is who this host is. The computer name and the SID are made once and stay, whatever the host is called later: accounts and
// descriptors stand on them.
type Machine struct {
	Name    string // NetBIOS name, upper case
	SID     nt.SID // S-1-5-21-…
	Created nt.Time

	DNSName, DNSDomain string // of this start, not stored
}

// MachineHint says how to name a machine that has no name yet. Zero fields are taken from the host's name.
type MachineHint struct {
	Name    string // NetBIOS name
	DNSName string // fully qualified
}

// complete takes what is missing from the system.
func (h MachineHint) complete() MachineHint {
	if h.DNSName == "" {
		h.DNSName, _ = os.Hostname() // without one there is the default name
	}
	if h.Name == "" {
		h.Name, _, _ = strings.Cut(h.DNSName, ".")
	}
	return h
}

// LoadMachine gives the machine of a store, and makes it the first time.
func LoadMachine(ctx context.Context, store Store, hint MachineHint) (Machine, error) {
	hint = hint.complete()
	m, err := readMachine(ctx, store)
	if errors.Is(err, ErrNotFound) {
		fresh := Machine{Name: NetBIOSName(hint.Name), SID: newMachineSID(), Created: nt.NowTime()}
		if _, err = CompareAndSwap(ctx, store, machineKey, 0, fresh.record()); err == nil || errors.Is(err, ErrConflict) {
			m, err = readMachine(ctx, store) // of two that make one, the first counts
		}
	}
	if err != nil {
		return Machine{}, err
	}
	m.setDNS(hint.DNSName)
	return m, nil
}

func (m *Machine) setDNS(name string) {
	m.DNSName = strings.ToLower(strings.TrimSuffix(name, "."))
	if m.DNSName == "" {
		m.DNSName = strings.ToLower(m.Name)
	}
	_, m.DNSDomain, _ = strings.Cut(m.DNSName, ".")
}

func (m *Machine) record() []byte {
	w := recordWriter{b: []byte{machineVersion}}
	w.string(m.Name)
	w.sid(m.SID)
	w.time(m.Created)
	return w.b
}

func readMachine(ctx context.Context, store Store) (Machine, error) {
	e, err := store.Get(ctx, machineKey)
	if err != nil {
		return Machine{}, err
	}
	return parseMachine(e.Value)
}

func parseMachine(b []byte) (Machine, error) {
	r, err := openRecord(machineKey, b, machineVersion)
	if err != nil {
		return Machine{}, err
	}
	m := Machine{Name: r.string(), SID: r.sid(), Created: r.time()}
	if err := r.err(machineKey); err != nil {
		return Machine{}, err
	}
	if m.Name != NetBIOSName(m.Name) || m.SID.SubAuthorityCount() != 4 {
		return Machine{}, fmt.Errorf("%w: name or SID of the machine", ErrCorrupt)
	}
	return m, nil
}

// newMachineSID makes a SID as Windows' setup does: S-1-5-21 and 96 random bits.
func newMachineSID() nt.SID {
	var b [12]byte
	rand.Read(b[:]) // never fails
	return nt.NewSID(5, 21, binary.LittleEndian.Uint32(b[:]), binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:]))
}

// NetBIOSName makes a computer name of a host's: upper case, at most 15 characters, and none that MS-NBTE 2.2.1 and
// Windows' setup refuse. An empty one becomes LWIO.
func NetBIOSName(host string) string {
	host, _, _ = strings.Cut(host, ".")
	var b strings.Builder
	for _, r := range nt.Upcase(host) {
		if b.Len() == maxNetBIOS {
			break
		}
		switch {
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			b.WriteRune(r)
		default:
			b.WriteByte('-')
		}
	}
	if name := strings.Trim(b.String(), "-"); name != "" {
		return name
	}
	return "LWIO"
}

// Host is the machine as authentication names it. In no domain, it is a domain of its own.
func (m *Machine) Host() auth.Host {
	return auth.Host{
		Name: m.Name, Domain: m.Name, DNSName: m.DNSName, DNSDomain: m.DNSDomain, DNSForest: m.DNSDomain, MachineSID: m.SID,
	}
}
