package nt

// AccessMask is an ACCESS_MASK (MS-DTYP 2.4.3).
type AccessMask uint32
