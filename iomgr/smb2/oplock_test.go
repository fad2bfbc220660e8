package smb2

import "testing"

var (
	testLeaseBreak = LeaseBreakNotification{NewEpoch: 513, Flags: LeaseBreakAckRequired, LeaseKey: seq16(), CurrentLeaseState: 7,
		NewLeaseState: 3, BreakReason: 1, AccessMaskHint: 2, ShareMaskHint: 3}
	testLeaseAck = LeaseBreakAck{Flags: 1, LeaseKey: seq16(), LeaseState: 3, LeaseDuration: 1 << 40}
	testOplock   = OplockBreakMessage{OplockLevel: OplockLevelII, FileID: testID}
)

func TestOplockBreak(t *testing.T) {
	testCodec(t, ParseOplockBreak, 0, testOplock)
	testCodec(t, ParseLeaseBreakNotification, 0, testLeaseBreak)
	testCodec(t, ParseLeaseBreakAck, 0, testLeaseAck)
	if IsLeaseBreak(testOplock.Append(nil)) || !IsLeaseBreak(testLeaseBreak.Append(nil)) || !IsLeaseBreak(testLeaseAck.Append(nil)) || IsLeaseBreak(nil) {
		t.Error("oplock and lease breaks are mixed up")
	}
}

func FuzzOplockBreak(f *testing.F) { fuzzCodec(f, ParseOplockBreak, testOplock) }
func FuzzLeaseBreakNotification(f *testing.F) {
	fuzzCodec(f, ParseLeaseBreakNotification, testLeaseBreak)
}
func FuzzLeaseBreakAck(f *testing.F) { fuzzCodec(f, ParseLeaseBreakAck, testLeaseAck) }
