package server

import (
	"crypto/rand"
	"encoding/binary"

	"lwio/rpc"
)

// group is an association group (C706 9.3.2.2): the connections of one client that share context handles.
type group struct {
	id        uint32
	transport rpc.Transport
	handles   rpc.HandleTable
	refs      int // connections; guarded by Server.mu
}

// joinGroup finds the group a client names, or makes one if it names none. It returns nil for a group that is not, or that belongs to another
// transport.
func (s *Server) joinGroup(id uint32, t rpc.Transport) *group {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id != 0 {
		g := s.groups[id]
		if g == nil || g.transport != t {
			return nil
		}
		g.refs++
		return g
	}
	g := &group{transport: t, refs: 1}
	g.handles.Max = s.cfg.MaxHandles
	for g.id == 0 || s.groups[g.id] != nil {
		// Random, so that nobody joins a group by counting.
		var b [4]byte
		rand.Read(b[:])
		g.id = binary.LittleEndian.Uint32(b[:])
	}
	s.groups[g.id] = g
	return g
}

// leaveGroup lets go of a group; its handles run down with the last connection.
func (s *Server) leaveGroup(g *group) {
	s.mu.Lock()
	g.refs--
	last := g.refs == 0
	if last {
		delete(s.groups, g.id)
	}
	s.mu.Unlock()
	if last {
		g.handles.Rundown()
	}
}
