// Package interop runs real clients (Samba's smbclient, rpcclient, net and smbtorture, and impacket) against a lwiod. It is built with the tag
// interop and wants the binaries of the tree in $LWIO_BIN; `make interop` sees to both.
package interop
