// Package iotest holds what drivers are tested with: a driver that misbehaves on demand, and the conformance suite that every driver passes.
//
// The test driver's device is `\iotest`; the name that is opened says what the file does:
//
//	\iotest\echo      reads give what was written last; controls give their input
//	\iotest\pend      every request is pended until it is cancelled or Driver.Release is called
//	\iotest\stubborn  as pend, but cancel is not heeded; only Release ends a request
//	\iotest\block     requests block the caller until Release
//	\iotest\leak      as echo, but each open keeps a reference until Release
//	\iotest\fail\S    every request fails with the status S in hexadecimal, the create itself if S has the prefix "create:"
package iotest
