package api

// Then is a create context, given as a pointer, that says what is to be done with the file as soon as it is open: the requests in their order,
// whatever becomes of each, and with Close the file is closed then. Who can do that on the way to the file does it, and answers with a ThenDone; over a
// network it saves the time of an answer for each. Who cannot answers nothing, and the caller does it by itself.
//
// The requests are reads, writes, flushes and those that query or set information of the file. They are not submitted: Op, Code, In, Out and Offset say
// what to do, Status and N become the result. The handle is closed as any other; with Close it takes no further requests before.
type Then struct {
	Requests []*Request
	Close    bool
}

// ThenDone says that all of a Then has been tried.
type ThenDone struct{}
