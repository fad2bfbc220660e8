package host

import (
	"lwio/cmd/internal/config"
	"lwio/services/state"
)

// OpenState opens a file of the state, whose secrets are sealed if the configuration has keys.
func OpenState(cfg *config.Config, path string) (state.Store, error) {
	var opts state.Options
	if cfg.SealKeyFile != "" {
		keys, err := state.LoadSealKeys(cfg.SealKeyFile)
		if err != nil {
			return nil, err
		}
		opts.Keys = keys
	}
	return state.Open(path, opts)
}
