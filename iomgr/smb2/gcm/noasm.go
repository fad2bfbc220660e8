//go:build !amd64 || purego

package gcm

// assembly says that this build has none: crypto/cipher does all.
const assembly = false

// A key of the assembly. There is none.
type key struct{}

func (*key) expand([]byte) {}

func seal(*key, *block, *block, *byte, *byte, int, int, *block) {}

func open(*key, *block, *block, *byte, *byte, int, int, *block) {}

func hash(*key, *block, *byte, int) {}

func mac(*key, *block, *block, *byte, int, int, *block) {}
