//go:build !linux

package pvfs

import (
	"errors"
	"os"
)

// errNoXattr stands for file systems without extended attributes, which these systems' are taken for.
var errNoXattr = errors.New("no extended attributes")

func getXattr(*os.File, string, []byte) (int, error) { return 0, errNoXattr }

func setXattr(*os.File, string, []byte) error { return errNoXattr }

func createXattr(*os.File, string, []byte) error { return errNoXattr }

func removeXattr(*os.File, string) error { return errNoXattr }

func listXattr(*os.File) ([]string, error) { return nil, nil }

func getXattrAt(*os.File, string, string, []byte) (int, error) { return 0, errNoXattr }

func listXattrAt(*os.File, string) ([]string, error) { return nil, nil }

func noXattr(err error) bool { return errors.Is(err, errNoXattr) }

func isNoAttr(err error) bool { return noXattr(err) }

func noRoom(error) bool { return false }

// allocate promises nothing.
func allocate(*os.File, int64) error { return nil }
