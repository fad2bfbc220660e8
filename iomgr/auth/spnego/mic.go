package spnego

import (
	"fmt"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
)

// canSign reports whether the established context signs. Those that do not say do.
func canSign(c auth.Context) bool {
	s, ok := c.(interface{ CanSign() bool })
	return !ok || s.CanSign()
}

// resetKeystream undoes what signing and verifying the list did to the context's key streams, and with sequence to its numbers.
func resetKeystream(c auth.Context, sequence bool) {
	if r, ok := c.(interface{ ResetKeystream(sequence bool) }); ok {
		r.ResetKeystream(sequence)
	}
}

func refuse(what string, s nt.Status) error { return fmt.Errorf("spnego: %s: %w", what, s) }

func verifyMIC(c auth.Context, list, mic []byte) error {
	if err := c.Verify(list, mic); err != nil {
		return fmt.Errorf("spnego: list of mechanisms was changed: %w", err)
	}
	return nil
}
