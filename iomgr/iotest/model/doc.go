// Package model compares file systems with a reference of Windows semantics.
//
// The reference ([Reference]) is a plain tree in memory that follows MS-FSA 2.1.5: opens with their access and share modes, dispositions,
// deletion, rename, byte-range locks and those who wait for them, data, attributes, named streams. It has no concurrency, no disk and no
// speed, only the rules. A [Runner] gives each operation ([Op]) to it and to a file system behind an api.API, by two or more clients, and
// compares statuses and bytes.
//
//	r := model.NewRunner(model.Target{Clients: []model.Client{a, b}})
//	defer r.Close()
//	for _, line := range script {
//		op, err := model.ParseOp(line) // 0.1 create d\f access=rw share=rwd do=open-if
//		diff := r.Do(op)               // "" where both agree
//	}
//
// Tests draw operations at random; what fails is a script that is as short as can be, and goes to testdata, where it is replayed.
//
// # What is not compared
//
// Where the specification names no order for two reasons to refuse an operation, either status will do. Times, allocation, security and
// what only some file systems have are for other tests; so are oplocks, whose states come with timing: package model's test of caches
// observes those.
package model
