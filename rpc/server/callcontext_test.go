package server

import (
	"context"
	"errors"
	"sync"
	"testing"
)

type contextKey struct{}

// TestCallContext: the context of a call ends with the call or with the association, whoever asks first for what, and takes with it what was made of it.
func TestCallContext(t *testing.T) {
	for name, end := range map[string]func(c *callContext, association context.CancelFunc){
		"the call":        func(c *callContext, _ context.CancelFunc) { c.cancel() },
		"twice":           func(c *callContext, _ context.CancelFunc) { c.cancel(); c.cancel() },
		"the association": func(_ *callContext, association context.CancelFunc) { association() },
		"both":            func(c *callContext, association context.CancelFunc) { association(); c.cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			for _, asked := range []bool{true, false} { // before it ends
				of, association := context.WithCancel(context.WithValue(t.Context(), contextKey{}, "value"))
				c := newCallContext(of)
				if err := c.Err(); err != nil {
					t.Error(err)
				}
				if asked {
					select {
					case <-c.Done():
						t.Error("it has ended")
					default:
					}
				}
				child, cancel := context.WithCancel(c)
				end(c, association)
				<-c.Done()
				<-child.Done()
				if err := c.Err(); !errors.Is(err, context.Canceled) {
					t.Errorf("asked %v: %v", asked, err)
				}
				if c.Value(contextKey{}) != "value" {
					t.Error("the association's values are lost")
				}
				cancel()
				association()
			}
		})
	}
}

// TestCallContextRaces has all ends come together.
func TestCallContextRaces(t *testing.T) {
	for range 200 {
		of, association := context.WithCancel(t.Context())
		c := newCallContext(of)
		var wg sync.WaitGroup
		wg.Go(c.cancel)
		wg.Go(association)
		wg.Go(func() { <-c.Done() })
		wg.Go(func() { _ = c.Err() })
		wg.Go(func() { <-c.Done() })
		wg.Wait()
		if c.Err() == nil {
			t.Fatal("it goes on")
		}
	}
}
