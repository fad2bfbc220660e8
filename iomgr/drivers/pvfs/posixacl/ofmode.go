package posixacl

import "lwio/iomgr/nt"

// DescribeMode makes the descriptor of a file whose maker says by a mode alone who may use it: that of Describe, but for its owner and group, who
// are the maker's, be they of Unix or not.
func DescribeMode(owner, group nt.SID, mode uint32, dir bool) *nt.SecurityDescriptor {
	if group.IsZero() {
		group = nt.SIDLocalSystem
	}
	s := &Source{Mode: mode, Dir: dir, Server: noID} // nobody acts as its owner
	d := describing{s: s, owner: owner, group: group}
	return d.descriptor(FromMode(mode))
}
