package state

import (
	"errors"
	"strings"

	"lwio/iomgr/nt"
)

// Errors of Accounts that the caller caused.
var (
	ErrAccountExists   = errors.New("state: there is an account of that name")
	ErrNoAccount       = errors.New("state: no such account")
	ErrAccountName     = errors.New(`state: account names have 1 to 20 characters, none of "/\[]:;|=,+*?<>@ and no controls, and are not only dots and spaces`)
	ErrAccountReserved = errors.New("state: the name is of a well-known account or of this computer")
	ErrPassword        = errors.New("state: passwords have 1 to 127 characters")
	ErrAccountText     = errors.New("state: full names and comments have at most 256 characters and no NUL")
)

const (
	maxAccountName = 20
	maxPassword    = 127
	maxAccountText = 256
)

// CheckAccountName applies the rules of the account database (MS-SAMR 3.1.1.6, 3.1.1.8.4).
func CheckAccountName(name string) error {
	if n := nt.UTF16Len(name); n == 0 || n > maxAccountName || strings.ContainsAny(name, `"/\[]:;|=,+*?<>@`) || strings.Trim(name, ". ") == "" ||
		strings.HasSuffix(name, ".") || strings.HasPrefix(name, " ") || strings.HasSuffix(name, " ") {
		return ErrAccountName
	}
	for _, r := range name {
		if r < ' ' || r == 0x7F {
			return ErrAccountName
		}
	}
	return nil
}

// CheckPassword applies the rules for passwords.
func CheckPassword(password string) error {
	if n := nt.UTF16Len(password); n == 0 || n > maxPassword {
		return ErrPassword
	}
	return nil
}

func checkAccountText(texts ...string) error {
	for _, s := range texts {
		if nt.UTF16Len(s) > maxAccountText || strings.ContainsRune(s, 0) {
			return ErrAccountText
		}
	}
	return nil
}
