package api

import "lwio/iomgr/nt"

// NotifyInformation is FILE_NOTIFY_INFORMATION (MS-FSCC 2.7.1).
type NotifyInformation struct {
	Action   uint32 // nt.FileActionAdded …
	FileName string // from the directory on
}

// ParseNotify reads the list that NotifyChangeDirectoryFile gave.
func ParseNotify(b []byte) ([]NotifyInformation, error) {
	var list []NotifyInformation
	for {
		if len(b) < 12 {
			return nil, nt.StatusInvalidNetworkResponse
		}
		next, length := uint64(le.Uint32(b)), uint64(le.Uint32(b[8:]))
		if length > uint64(len(b)-12) || length%2 != 0 || next > uint64(len(b)) || next != 0 && next < 12+length {
			return nil, nt.StatusInvalidNetworkResponse
		}
		list = append(list, NotifyInformation{le.Uint32(b[4:]), nt.DecodeUTF16(b[12 : 12+length])})
		if next == 0 {
			return list, nil
		}
		b = b[next:]
	}
}

// StreamInformation is an entry of FILE_STREAM_INFORMATION (MS-FSCC 2.4.47).
type StreamInformation struct {
	StreamSize int64
	StreamName string // ":name:$DATA"; "::$DATA" is the data of the file itself
}

// ParseStreams reads the list that QueryInformationFile gave for nt.FileStreamInformation.
func ParseStreams(b []byte) ([]StreamInformation, error) {
	var list []StreamInformation
	for len(b) > 0 {
		if len(b) < 24 {
			return nil, nt.StatusInvalidNetworkResponse
		}
		next, length, size := uint64(le.Uint32(b)), uint64(le.Uint32(b[4:])), int64(le.Uint64(b[8:]))
		if length > uint64(len(b)-24) || length%2 != 0 || next > uint64(len(b)) || next != 0 && next < 24+length || size < 0 {
			return nil, nt.StatusInvalidNetworkResponse
		}
		list = append(list, StreamInformation{size, nt.DecodeUTF16(b[24 : 24+length])})
		if next == 0 {
			break
		}
		b = b[next:]
	}
	return list, nil
}
