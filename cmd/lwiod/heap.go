package main

import (
	"math"
	"os"
	"runtime/debug"
)

// heapFloor is how much counts as in use before anything is. The collector runs when the heap has doubled: that of a server which serves few clients is so small that
// it would run dozens of times a second, on the processors that the clients' requests are served by, and a cycle of making and deleting a file took a tenth
// more of them. The floor itself takes no memory, as nothing is written to it; what is garbage does, up to as much.
const heapFloor = 16 << 20

// raiseHeap makes the floor, where nobody has said otherwise in the environment. What it gives is to be kept.
func raiseHeap() []byte {
	if os.Getenv("GOGC") != "" || debug.SetMemoryLimit(-1) != math.MaxInt64 {
		return nil
	}
	return make([]byte, heapFloor)
}
