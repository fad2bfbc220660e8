//go:build !race

package smb2

const raceEnabled = false
