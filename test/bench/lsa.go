package main

import (
	"context"
	"fmt"
	"time"

	"lwio/gen/dtyp"
	"lwio/gen/lsarpc"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
)

// lsa measures lookups in lsarpc: of one SID of a local user, and of a thousand.
func (b *bench) lsa(targets []target) error {
	return b.run(targets, []row{
		{"LookupSids/s, 1 SID", 5, func(a string, s time.Time) (int, error) { return b.lookups(a, 1, s) }},
		{"LookupSids/s, 1,000 SIDs", 5, func(a string, s time.Time) (int, error) { return b.lookups(a, 1000, s) }},
	})
}

// lookups asks for the account that the session is of, so many times in each call.
func (b *bench) lookups(addr string, sids int, stop time.Time) (int, error) {
	ctx := context.Background()
	c, err := b.session(addr)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if err := c.Connect("IPC$"); err != nil {
		return 0, err
	}
	p, err := c.OpenPipe("lsarpc")
	if err != nil {
		return 0, err
	}
	assoc := client.NewConn(p, client.Config{})
	defer assoc.Close()
	binding, err := assoc.Bind(ctx, lsarpc.LsarpcInterface, nil)
	if err != nil {
		return 0, err
	}
	cl := lsarpc.NewClient(binding)
	opened, err := cl.LsarOpenPolicy2(ctx, &lsarpc.LsarOpenPolicy2Request{DesiredAccess: uint32(nt.PolicyLookupNames)})
	if err != nil || opened.Return != 0 {
		return 0, fmt.Errorf("open the policy: %#x %w", opened.Return, err)
	}
	sid, err := b.ownSID(ctx, cl, opened.PolicyHandle)
	if err != nil {
		return 0, err
	}
	in := &lsarpc.LsarLookupSidsRequest{PolicyHandle: opened.PolicyHandle, LookupLevel: lsarpc.LsapLookupWksta}
	for range sids {
		in.SidEnumBuffer.SidInfo = append(in.SidEnumBuffer.SidInfo, lsarpc.LSAPR_SID_INFORMATION{Sid: sid})
	}
	n := 0
	for time.Now().Before(stop) {
		res, err := cl.LsarLookupSids(ctx, in)
		if err != nil {
			return 0, err
		}
		if res.Return != 0 || int(res.MappedCount) != sids {
			return 0, fmt.Errorf("LsarLookupSids answered %#x, %d of %d", uint32(res.Return), res.MappedCount, sids)
		}
		n++
	}
	return n, nil
}

func (b *bench) ownSID(ctx context.Context, cl *lsarpc.Client, h rpc.ContextHandle) (*dtyp.RPC_SID, error) {
	in := &lsarpc.LsarLookupNames3Request{PolicyHandle: h, Count: 1, Names: []dtyp.RPC_UNICODE_STRING{dtyp.NewRPC_UNICODE_STRING(b.user)}, LookupLevel: lsarpc.LsapLookupWksta}
	res, err := cl.LsarLookupNames3(ctx, in)
	if err != nil {
		return nil, err
	}
	if res.Return != 0 || len(res.TranslatedSids.Sids) != 1 {
		return nil, fmt.Errorf("LsarLookupNames3 of %s answered %#x", b.user, uint32(res.Return))
	}
	return res.TranslatedSids.Sids[0].Sid, nil
}
