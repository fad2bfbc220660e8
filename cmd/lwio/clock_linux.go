package main

import "golang.org/x/sys/unix"

// clockSynchronized asks the kernel whether a program keeps the clock right.
func clockSynchronized() (synchronized, known bool) {
	const timeError = 5 // TIME_ERROR of adjtimex(2)
	state, err := unix.Adjtimex(&unix.Timex{})
	return state != timeError, err == nil
}
