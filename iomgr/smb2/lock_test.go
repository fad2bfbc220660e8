package smb2

import "testing"

func testLocks() LockElements {
	var l LockElements
	l = l.Append(LockElement{Offset: 1 << 40, Length: 10, Flags: LockExclusive | LockFailImmediately})
	return l.Append(LockElement{Offset: 3, Length: 0xFFFFFFFFFFFFFFFF, Flags: LockUnlock})
}

func testLockRequest() LockRequest {
	return LockRequest{LockSequence: 0x12, FileID: testID, Locks: testLocks()}
}

func TestLockRequest(t *testing.T) {
	r := testLockRequest()
	testCodec(t, ParseLockRequest, 0, r)
	if r.Locks.Len() != 2 || r.Locks.At(0).Offset != 1<<40 || r.Locks.At(1) != (LockElement{3, 0xFFFFFFFFFFFFFFFF, LockUnlock}) {
		t.Errorf("elements %+v %+v", r.Locks.At(0), r.Locks.At(1))
	}
	testReject(t, ParseLockRequest, r.Append(nil),
		reject{"LockCount zero", 2, []byte{0}, ErrBounds},
		reject{"LockCount", 2, []byte{3}, ErrBounds},
		reject{"largest LockCount", 2, []byte{0xFF, 0xFF}, ErrBounds})
}

func FuzzLockRequest(f *testing.F) { fuzzCodec(f, ParseLockRequest, testLockRequest()) }
