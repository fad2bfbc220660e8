package nt_test

import (
	"fmt"
	"os"

	"lwio/iomgr/nt"
)

func ExampleAccessCheck() {
	domain := nt.MustSID("S-1-5-21-1-2-3")
	sd, err := nt.ParseSDDL("O:BAG:SYD:(A;;FA;;;BA)(A;;FR;;;DU)", domain)
	if err != nil {
		fmt.Println(err)
		return
	}
	user := &nt.Token{User: domain.Child(1001), Groups: []nt.Group{
		{SID: domain.Child(nt.DomainGroupRIDUsers), Attributes: nt.SEGroupDefault}}}
	for _, desired := range []nt.AccessMask{nt.GenericRead, nt.GenericWrite, nt.MaximumAllowed} {
		granted, status := nt.AccessCheck(sd, user, desired, nt.GenericMappingFile)
		fmt.Printf("0x%08x %s\n", uint32(granted), status)
	}
	// Output:
	// 0x00120089 STATUS_SUCCESS
	// 0x00000000 STATUS_ACCESS_DENIED
	// 0x00120089 STATUS_SUCCESS
}

func ExampleParseSDDL() {
	sd, err := nt.ParseSDDL("O:BAD:P(A;OICI;GA;;;SY)", nt.SID{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sd.Owner, len(sd.Append(nil)), sd.SDDL())

	_, err = nt.ParseSDDL("D:(A;;GA;;;DA)", nt.SID{})
	fmt.Println(err)
	// Output:
	// S-1-5-32-544 64 O:BAD:P(A;OICI;GA;;;SY)
	// SDDL, character 12: DA is an account of a domain, and no domain is known here: give the SID: STATUS_INVALID_SECURITY_DESCR
}

func ExampleCreateSecurityDescriptor() {
	parent, err := nt.ParseSDDL("D:(A;OICI;FA;;;BA)(A;OICIIO;GA;;;CO)", nt.SID{})
	if err != nil {
		fmt.Println(err)
		return
	}
	user := &nt.Token{User: nt.MustSID("S-1-5-21-1-2-3-1001"), PrimaryGroup: nt.MustSID("S-1-5-21-1-2-3-513")}
	file, err := nt.CreateSecurityDescriptor(parent, nil, false, nil, nt.DACLAutoInherit, user, nt.GenericMappingFile)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(file.SDDL())
	// Output:
	// O:S-1-5-21-1-2-3-1001G:S-1-5-21-1-2-3-513D:AI(A;ID;FA;;;BA)(A;ID;FA;;;S-1-5-21-1-2-3-1001)
}

func ExampleStatusOf() {
	_, err := os.Open("/no/such/file")
	status := nt.StatusOf(err)
	fmt.Println(status, status.Win32())
	// Output: STATUS_OBJECT_NAME_NOT_FOUND ERROR_FILE_NOT_FOUND
}

func ExampleEqualFold() {
	fmt.Println(nt.EqualFold("Größe.TXT", "GRÖßE.txt"), nt.Upcase("größe"))
	// Output: true GRÖßE
}
