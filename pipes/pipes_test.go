package pipes_test

import (
	"context"
	"testing"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/pipes/npfs"
	"lwio/pipes/pipetest"
)

func TestConformance(t *testing.T) {
	pipetest.Run(t, func(t testing.TB) (api.API, api.API) {
		m := iomgr.New(iomgr.Config{})
		if err := m.Load(context.Background(), npfs.DriverEntry(npfs.Config{})); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := m.Shutdown(context.Background()); err != nil {
				t.Error(err)
			}
		})
		return m, m
	})
}
