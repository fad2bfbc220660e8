//go:build !amd64 || purego

package aesni

// usable says that this build has no assembly: crypto/aes does all.
const usable = false

// Expand is there with the assembly alone.
func Expand(*[15][BlockSize]byte, []byte) int { return 0 }

func cbcmac(*[15][BlockSize]byte, int, *[BlockSize]byte, *byte, int) {}
