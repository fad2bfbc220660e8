package state

import (
	"context"
	"errors"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
)

const (
	namesKey     = "names"
	namesVersion = 1
	maxNames     = MaxValue * 7 / 8 // bytes of the record
)

// KnownName is what a controller once said of a name or a SID. Asked is the name that was asked for; it is empty where the SID was.
type KnownName struct {
	Asked string
	auth.Identity
	At nt.Time
}

// SaveNames keeps names for times without a controller; those that are more than a record holds are left out.
func (d *Domain) SaveNames(ctx context.Context, names []KnownName) error {
	w := recordWriter{b: []byte{namesVersion}}
	for i := range names {
		n := &names[i]
		at := len(w.b)
		w.u32(1)
		w.string(n.Asked)
		w.sid(n.SID)
		w.u32(uint32(n.Type))
		w.string(n.Name)
		w.string(n.Domain)
		w.sid(n.DomainSID)
		w.time(n.At)
		if len(w.b) > maxNames {
			w.b = w.b[:at]
			break
		}
	}
	_, err := d.store.Put(ctx, namesKey, w.b)
	return err
}

// LoadNames gives those that were kept.
func (d *Domain) LoadNames(ctx context.Context) ([]KnownName, error) {
	e, err := d.store.Get(ctx, namesKey)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parseNames(e.Value)
}

func parseNames(b []byte) (out []KnownName, err error) {
	r, err := openRecord(namesKey, b, namesVersion)
	if err != nil {
		return nil, err
	}
	for r.u32() == 1 && !r.bad {
		n := KnownName{Asked: r.string()}
		n.SID = r.sid()
		n.Type = auth.SIDType(r.u32())
		n.Name, n.Domain, n.DomainSID, n.At = r.string(), r.string(), r.sid(), r.time()
		if !r.bad {
			out = append(out, n)
		}
	}
	return out, r.err(namesKey)
}

// ForgetNames forgets all.
func (d *Domain) ForgetNames(ctx context.Context) error { return d.store.Delete(ctx, namesKey) }
