package gcm_test

import (
	"fmt"

	"lwio/iomgr/smb2/gcm"
)

func Example() {
	g, err := gcm.New(make([]byte, 16)) // the key of a session
	if err != nil {
		panic(err)
	}
	nonce := make([]byte, gcm.NonceSize) // another one for every message
	header, body := []byte("header"), []byte("a message")

	var tag [gcm.TagSize]byte
	g.SealInPlace(body, &tag, nonce, header)
	fmt.Printf("%x\n", body)
	fmt.Println(g.OpenInPlace(body, &tag, nonce, header), string(body))
	header[0]++
	fmt.Println(g.OpenInPlace(body, &tag, nonce, header))
	// Output:
	// 62a8b7ab13c5c2f596
	// <nil> a message
	// gcm: message does not authenticate
}
