package nt

// SID is a security identifier (MS-DTYP 2.4.2). It is immutable and comparable, so it serves as a map key;
// the zero value is "no SID".
type SID struct{ b string }
