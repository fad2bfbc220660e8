package state

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"lwio/iomgr/nt"
)

const (
	lsaSecretVersion = 1

	// MaxLSASecrets bounds the secrets of a policy.
	MaxLSASecrets = 4096
	// MaxLSASecretName is how many UTF-16 units the name of a secret has at most.
	MaxLSASecretName = 128
	// MaxLSASecretValue is how many bytes a value of a secret has at most.
	MaxLSASecretValue = 64 << 10
)

// Errors of secrets that the caller caused.
var (
	ErrLSASecretExists = errors.New("state: there is a secret of that name")
	ErrNoLSASecret     = errors.New("state: no such secret")
	ErrLSASecretName   = errors.New(`state: names of secrets have 1 to 128 characters, no NUL and no \`)
	ErrLSASecretValue  = errors.New("state: a secret has at most 65536 bytes")
)

// LSASecret is a secret object (MS-LSAD 3.1.1.4): a value, the one before it, and when each was set. Values are as clear in the store as
// password hashes are; the file is its owner's alone.
type LSASecret struct {
	Name         string
	Current, Old []byte // nil where there is none
	CurrentSet   nt.Time
	OldSet       nt.Time
	Security     *nt.SecurityDescriptor // nil means that of every new secret
}

// CheckLSASecretName applies the rules for names of secrets (MS-LSAD 3.1.4.6.1).
func CheckLSASecretName(name string) error {
	if n := nt.UTF16Len(name); n == 0 || n > MaxLSASecretName {
		return ErrLSASecretName
	}
	for _, r := range name {
		if r == 0 || r == '\\' {
			return ErrLSASecretName
		}
	}
	return nil
}

func lsaSecretKey(name string) (string, error) {
	if err := CheckLSASecretName(name); err != nil {
		return "", err
	}
	key, err := nameKey(lsaSecretPrefix, name)
	if err != nil {
		return "", ErrLSASecretName
	}
	return key, nil
}

func (s *LSASecret) encode() []byte {
	w := recordWriter{b: []byte{lsaSecretVersion}}
	w.string(s.Name)
	for _, v := range []struct {
		value []byte
		set   nt.Time
	}{{s.Current, s.CurrentSet}, {s.Old, s.OldSet}} {
		if v.value != nil {
			w.u64(1)
		} else {
			w.u64(0)
		}
		w.bytes(v.value)
		w.time(v.set)
	}
	w.descriptor(s.Security)
	return w.b
}

func parseLSASecret(b []byte) (LSASecret, error) {
	const what = "secret"
	r, err := openRecord(what, b, lsaSecretVersion)
	if err != nil {
		return LSASecret{}, err
	}
	s := LSASecret{Name: r.string()}
	value := func() ([]byte, nt.Time) {
		set, b, at := r.u64(), slices.Clone(r.bytes()), r.time()
		if set == 0 {
			return nil, at
		}
		return append([]byte{}, b...), at
	}
	s.Current, s.CurrentSet = value()
	s.Old, s.OldSet = value()
	s.Security = r.descriptor()
	if CheckLSASecretName(s.Name) != nil {
		r.bad = true
	}
	return s, r.err(what)
}

// Secret gives the secret of a name, which is compared without regard to case.
func (l *LSA) Secret(ctx context.Context, name string) (LSASecret, error) {
	key, err := lsaSecretKey(name)
	if err != nil {
		return LSASecret{}, err
	}
	e, err := l.store.Get(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return LSASecret{}, ErrNoLSASecret
	}
	if err != nil {
		return LSASecret{}, err
	}
	s, err := parseLSASecret(e.Value)
	if err != nil {
		return LSASecret{}, fmt.Errorf("a secret of the policy: %w", err)
	}
	return s, nil
}

// AddSecret makes a secret without values.
func (l *LSA) AddSecret(ctx context.Context, name string) error {
	l.change.Lock()
	defer l.change.Unlock()
	switch _, err := l.Secret(ctx, name); {
	case err == nil:
		return ErrLSASecretExists
	case !errors.Is(err, ErrNoLSASecret):
		return err
	}
	return l.putSecret(ctx, &LSASecret{Name: name}, true)
}

// ChangeSecret changes a secret, or makes it where there is none and create is set. An error of change leaves it as it was.
func (l *LSA) ChangeSecret(ctx context.Context, name string, create bool, change func(*LSASecret) error) error {
	l.change.Lock()
	defer l.change.Unlock()
	s, err := l.Secret(ctx, name)
	fresh := errors.Is(err, ErrNoLSASecret) && create
	if err != nil && !fresh {
		return err
	}
	if fresh {
		s = LSASecret{Name: name}
	}
	if err := change(&s); err != nil {
		return err
	}
	if len(s.Current) > MaxLSASecretValue || len(s.Old) > MaxLSASecretValue {
		return ErrLSASecretValue
	}
	return l.putSecret(ctx, &s, fresh)
}

// putSecret stores a secret. change is held.
func (l *LSA) putSecret(ctx context.Context, s *LSASecret, fresh bool) error {
	key, err := lsaSecretKey(s.Name)
	if err != nil {
		return err
	}
	if fresh && l.secrets >= MaxLSASecrets {
		return ErrLSAFull
	}
	if _, err := l.store.Put(ctx, key, s.encode()); err != nil {
		return err
	}
	if fresh {
		l.secrets++
	}
	return nil
}

// DeleteSecret takes a secret out.
func (l *LSA) DeleteSecret(ctx context.Context, name string) error {
	l.change.Lock()
	defer l.change.Unlock()
	s, err := l.Secret(ctx, name)
	if err != nil {
		return err
	}
	key, err := lsaSecretKey(s.Name)
	if err != nil {
		return err
	}
	if err := l.store.Delete(ctx, key); err != nil {
		return err
	}
	l.secrets--
	return nil
}

// Secrets gives the secrets in the order of their names, without their values.
func (l *LSA) Secrets(ctx context.Context) ([]LSASecret, error) {
	var out []LSASecret
	for e, err := range All(ctx, l.store, lsaSecretPrefix) {
		if err != nil {
			return nil, err
		}
		s, err := parseLSASecret(e.Value)
		if err != nil {
			return nil, fmt.Errorf("a secret of the policy: %w", err)
		}
		s.Current, s.Old = nil, nil
		out = append(out, s)
	}
	return out, nil
}
