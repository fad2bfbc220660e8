//go:build !linux

package pvfs_test

import "errors"

func setUserAttribute(string) error { return errors.ErrUnsupported }
