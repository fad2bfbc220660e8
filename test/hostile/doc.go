// Package hostile holds tests of a whole server, assembled in process as lwiod assembles it, against peers that lie: valid conversations of
// every layer are mutated (transport frames, SMB2 messages, create contexts, security tokens, RPC PDUs, NDR stub data), and connections are
// abused. After each phase the server has to serve a fresh client, to hold little memory, to have let goroutines and descriptors go, and to
// have logged no panic. It has no API: what is here for others is the finding.
//
//	go test ./test/hostile                                  20,000 messages
//	go test -tags stress -run Stress ./test/hostile         200,000 messages
//	LWIO_SEED=0x1234 go test -run TestMutated ./test/hostile   the same messages again
//
// Decoders by themselves are fuzzed in their own packages; real peers are those of test/interop.
package hostile
