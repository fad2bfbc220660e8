package api

// NetworkOpen is a create context, in process alone, by which who opens has FileNetworkOpenInformation with the open and needs no query for it. It is a pointer to
// one that the opener keeps; a driver that knows nothing of it, or cannot tell, leaves it as it is.
type NetworkOpen struct {
	Given bool
	Info  [NetworkOpenSize]byte
}

// NetworkOpenSize is the size of FileNetworkOpenInformation (MS-FSCC 2.4.34).
const NetworkOpenSize = 56

// Give is the driver's: it answers from what it knows of the file, as of the open.
func (n *NetworkOpen) Give(i *FileInfo) {
	i.appendNetworkOpen(n.Info[:0])
	n.Given = true
}

func (i *FileInfo) appendNetworkOpen(b []byte) []byte {
	b = i.appendTimes(b)
	b = le.AppendUint64(b, uint64(i.AllocationSize))
	b = le.AppendUint64(b, uint64(i.EndOfFile))
	b = le.AppendUint32(b, i.Attributes)
	return le.AppendUint32(b, 0)
}
