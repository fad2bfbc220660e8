package nt

import "testing"

func TestMerge(t *testing.T) {
	const (
		old = "O:BAG:SYD:AI(A;ID;FA;;;SY)S:AI(AU;SA;FA;;;WD)(ML;;NW;;;HI)"
		in  = "O:BUG:BUD:P(A;;FR;;;WD)S:P(AU;FA;FW;;;AN)(ML;;NR;;;LW)"
	)
	parse := func(s string) *SecurityDescriptor {
		sd, err := ParseSDDL(s, SID{})
		if err != nil {
			t.Fatal(err)
		}
		return sd
	}
	for _, c := range []struct {
		old, in string
		info    SecurityInformation
		want    string
	}{
		{old, in, 0, old},
		{old, in, OwnerSecurityInformation, "O:BUG:SYD:AI(A;ID;FA;;;SY)S:AI(AU;SA;FA;;;WD)(ML;;NW;;;HI)"},
		{old, in, GroupSecurityInformation, "O:BAG:BUD:AI(A;ID;FA;;;SY)S:AI(AU;SA;FA;;;WD)(ML;;NW;;;HI)"},
		{old, in, DACLSecurityInformation, "O:BAG:SYD:P(A;;FR;;;WD)S:AI(AU;SA;FA;;;WD)(ML;;NW;;;HI)"},
		{old, in, DACLSecurityInformation | UnprotectedDACLSecurityInformation, "O:BAG:SYD:(A;;FR;;;WD)S:AI(AU;SA;FA;;;WD)(ML;;NW;;;HI)"},
		{old, in, ProtectedDACLSecurityInformation, "O:BAG:SYD:PAI(A;ID;FA;;;SY)S:AI(AU;SA;FA;;;WD)(ML;;NW;;;HI)"},
		{old, in, ProtectedSACLSecurityInformation, "O:BAG:SYD:AI(A;ID;FA;;;SY)S:PAI(AU;SA;FA;;;WD)(ML;;NW;;;HI)"},
		{old, in, SACLSecurityInformation, "O:BAG:SYD:AI(A;ID;FA;;;SY)S:P(ML;;NW;;;HI)(AU;FA;FW;;;AN)"},
		{old, in, SACLSecurityInformation | UnprotectedSACLSecurityInformation, "O:BAG:SYD:AI(A;ID;FA;;;SY)S:(ML;;NW;;;HI)(AU;FA;FW;;;AN)"},
		{old, in, LabelSecurityInformation, "O:BAG:SYD:AI(A;ID;FA;;;SY)S:AI(AU;SA;FA;;;WD)(ML;;NR;;;LW)"},
		{old, in, BackupSecurityInformation, in},
		{old, "", OwnerSecurityInformation | GroupSecurityInformation, old},
		{old, "", DACLSecurityInformation, "O:BAG:SYS:AI(AU;SA;FA;;;WD)(ML;;NW;;;HI)"},
		{old, "", SACLSecurityInformation | LabelSecurityInformation, "O:BAG:SYD:AI(A;ID;FA;;;SY)"},
		{old, "", SACLSecurityInformation, "O:BAG:SYD:AI(A;ID;FA;;;SY)S:(ML;;NW;;;HI)"},
		{"O:BA", in, SACLSecurityInformation, "O:BAS:P(AU;FA;FW;;;AN)"},
	} {
		from, with := parse(c.old), parse(c.in)
		if got := from.Merge(with, c.info).SDDL(); got != c.want {
			t.Errorf("%s with 0x%x of %s is\n%s, want\n%s", c.old, c.info, c.in, got, c.want)
		}
		if !from.Equal(parse(c.old)) || !with.Equal(parse(c.in)) {
			t.Errorf("0x%x changed what it was given", c.info)
		}
	}
	if got := (*SecurityDescriptor)(nil).Merge(parse(in), OwnerSecurityInformation).SDDL(); got != "O:BU" {
		t.Errorf("onto nothing: %s", got)
	}
}
