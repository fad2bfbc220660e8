// Package krb5test is a Kerberos domain for tests: a key distribution centre in the process, on the loopback interface, by TCP and UDP, that
// knows the users and services it is given and puts the PAC of a Windows domain into its tickets (RFC 4120, MS-KILE, MS-PAC).
//
//	kdc := krb5test.New(t, krb5test.Config{})           // realm LWIO.TEST, user alice, service account FILES$
//	conf := kdc.Krb5Conf()                              // for a client
//	keys := kdc.Keytab("FILES$")                        // for a server
//	cache := kdc.CCache("alice", "cifs/files.lwio.test") // a ticket in hand, without asking
//
// It exists to be lied to and to lie: Forge has the next tickets expired, of another realm, in a forced encryption type, without a PAC or
// with one whose signatures are wrong. It is no KDC to run: keys are passwords' keys, nothing is kept, no replay is noticed.
package krb5test
