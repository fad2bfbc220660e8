package smb2_test

import (
	"fmt"

	"lwio/iomgr/smb2"
)

// A compound of two requests is built, sealed in place and read by the other side.
func Example() {
	b := make([]byte, smb2.SealHeadroom, 4096)
	b = (&smb2.Header{Command: smb2.Create, MessageID: 1}).Append(b)
	b = (&smb2.CreateRequest{Name: []byte("a\x00")}).Append(b)
	b = smb2.AppendPadding(b, smb2.SealHeadroom)
	next := len(b)
	smb2.SetNextCommand(b[smb2.SealHeadroom:], uint32(next-smb2.SealHeadroom))
	b = (&smb2.Header{Command: smb2.Close, MessageID: 2, Flags: smb2.FlagRelated}).Append(b)
	b = (&smb2.CloseRequest{FileID: smb2.RelatedFileID}).Append(b)

	key := make([]byte, 16)
	sealer, _ := smb2.NewSealer(smb2.CipherAES128GCM, key, 0x25)
	opener, _ := smb2.NewOpener(smb2.CipherAES128GCM, key)
	if err := sealer.Seal(b); err != nil {
		fmt.Println(err)
	}
	frame, err := opener.Open(b)
	if err != nil {
		fmt.Println(err)
	}
	for it := smb2.NewMessages(frame); it.More(); {
		msg, err := it.Next()
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(msg.Header.MessageID, msg.Header.Command, len(msg.Body))
	}
	// Output:
	// 1 CREATE 64
	// 2 CLOSE 24
}
