package server

import (
	"crypto/rand"
	"encoding/binary"
	"sync"

	"lwio/rpc"
)

// Groups are the association groups of one server, or of several that are one to their clients: who is connected to one of them may join its group at
// another, as to the services of one process of Windows. Handles stay with their interface.
type Groups struct {
	mu   sync.Mutex
	byID map[uint32]*group // guarded by mu
}

// NewGroups makes groups for the Config of several servers.
func NewGroups() *Groups { return &Groups{byID: map[uint32]*group{}} }

// count is how many of the groups a server has begun.
func (g *Groups) count(s *Server) (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, x := range g.byID {
		if x.begun == s {
			n++
		}
	}
	return n
}

// group is an association group (C706 9.3.2.2): the connections of one client that share context handles.
type group struct {
	id        uint32
	transport rpc.Transport
	begun     *Server
	handles   rpc.HandleTable
	refs      int // connections; guarded by Groups.mu
}

// joinGroup finds the group a client names, or makes one if it names none. It returns nil for a group that is not, or that belongs to another
// transport.
func (s *Server) joinGroup(id uint32, t rpc.Transport) *group {
	all := s.cfg.Groups
	all.mu.Lock()
	defer all.mu.Unlock()
	if id != 0 {
		g := all.byID[id]
		if g == nil || g.transport != t {
			return nil
		}
		g.refs++
		return g
	}
	g := &group{transport: t, begun: s, refs: 1}
	g.handles.Max = s.cfg.MaxHandles
	for g.id == 0 || all.byID[g.id] != nil {
		// Random, so that nobody joins a group by counting.
		var b [4]byte
		rand.Read(b[:])
		g.id = binary.LittleEndian.Uint32(b[:])
	}
	all.byID[g.id] = g
	return g
}

// leaveGroup lets go of a group; its handles run down with the last connection.
func (s *Server) leaveGroup(g *group) {
	all := s.cfg.Groups
	all.mu.Lock()
	g.refs--
	last := g.refs == 0
	if last {
		delete(all.byID, g.id)
	}
	all.mu.Unlock()
	if last {
		g.handles.Rundown()
	}
}
