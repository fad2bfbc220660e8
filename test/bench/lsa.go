package main

import (
	"context"
	"fmt"
	"time"

	"lwio/gen/dtyp"
	"lwio/gen/lsarpc"
	"lwio/gen/samr"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
)

// lsa measures lookups in lsarpc, of one SID of a local user and of a thousand, and lists of accounts in samr.
func (b *bench) lsa(targets []target) error {
	return b.run(targets, []row{
		{"LookupSids/s, 1 SID", 5, func(a string, s time.Time) (int, error) { return b.lookups(a, 1, s) }},
		{"LookupSids/s, 1,000 SIDs", 5, func(a string, s time.Time) (int, error) { return b.lookups(a, 1000, s) }},
		{"QueryDisplayInfo/s, users", 2, func(a string, s time.Time) (int, error) { return b.accounts(a, s, display) }},
		{"EnumDomainUsers/s", 2, func(a string, s time.Time) (int, error) { return b.accounts(a, s, enumerate) }},
	})
}

// display asks for the users as tools show them, and enumerate for their names.
func display(ctx context.Context, c *samr.Client, domain rpc.ContextHandle) (int32, uint32, error) {
	out, err := c.SamrQueryDisplayInformation(ctx, &samr.SamrQueryDisplayInformationRequest{DomainHandle: domain, DisplayInformationClass: samr.DomainDisplayUser, EntryCount: 1000, PreferredMaximumLength: 1 << 16})
	if err != nil || out.Buffer.UserInformation == nil {
		return out.Return, 0, err
	}
	return out.Return, out.Buffer.UserInformation.EntriesRead, nil
}

func enumerate(ctx context.Context, c *samr.Client, domain rpc.ContextHandle) (int32, uint32, error) {
	out, err := c.SamrEnumerateUsersInDomain(ctx, &samr.SamrEnumerateUsersInDomainRequest{DomainHandle: domain, PreferedMaximumLength: 1 << 16})
	return out.Return, out.CountReturned, err
}

// onPipe logs on and binds an interface.
func (b *bench) onPipe(addr, pipe string, iface *rpc.Interface) (*client.Binding, func(), error) {
	c, err := b.session(addr)
	if err != nil {
		return nil, nil, err
	}
	if err := c.Connect("IPC$"); err != nil {
		c.Close()
		return nil, nil, err
	}
	p, err := c.OpenPipe(pipe)
	if err != nil {
		c.Close()
		return nil, nil, err
	}
	assoc := client.NewConn(p, client.Config{})
	binding, err := assoc.Bind(context.Background(), iface, nil)
	if err != nil {
		assoc.Close()
		return nil, nil, err
	}
	return binding, func() { assoc.Close(); c.Close() }, nil
}

// accounts makes one call for the domain of the server's accounts over and over.
func (b *bench) accounts(addr string, stop time.Time, call func(context.Context, *samr.Client, rpc.ContextHandle) (int32, uint32, error)) (int, error) {
	ctx := context.Background()
	binding, done, err := b.onPipe(addr, "samr", samr.SamrInterface)
	if err != nil {
		return 0, err
	}
	defer done()
	c := samr.NewClient(binding)
	const maximum = uint32(nt.MaximumAllowed)
	server, err := c.SamrConnect2(ctx, &samr.SamrConnect2Request{DesiredAccess: maximum})
	if err != nil || server.Return != 0 {
		return 0, fmt.Errorf("connect to the accounts: %#x %w", uint32(server.Return), err)
	}
	domains, err := c.SamrEnumerateDomainsInSamServer(ctx, &samr.SamrEnumerateDomainsInSamServerRequest{ServerHandle: server.ServerHandle, PreferedMaximumLength: 1 << 16})
	if err != nil || domains.Buffer == nil || len(domains.Buffer.Buffer) == 0 {
		return 0, fmt.Errorf("list the domains: %#x %w", uint32(domains.Return), err)
	}
	sid, err := c.SamrLookupDomainInSamServer(ctx, &samr.SamrLookupDomainInSamServerRequest{ServerHandle: server.ServerHandle, Name: domains.Buffer.Buffer[0].Name})
	if err != nil || sid.DomainId == nil {
		return 0, fmt.Errorf("find the domain: %#x %w", uint32(sid.Return), err)
	}
	domain, err := c.SamrOpenDomain(ctx, &samr.SamrOpenDomainRequest{ServerHandle: server.ServerHandle, DesiredAccess: maximum, DomainId: *sid.DomainId})
	if err != nil || domain.Return != 0 {
		return 0, fmt.Errorf("open the domain: %#x %w", uint32(domain.Return), err)
	}
	n := 0
	for time.Now().Before(stop) {
		code, users, err := call(ctx, c, domain.DomainHandle)
		if err != nil {
			return 0, err
		}
		if code != 0 || users == 0 {
			return 0, fmt.Errorf("list of accounts: %#x, %d of them", uint32(code), users)
		}
		n++
	}
	return n, nil
}

// handles opens ten thousand policies and tells what they take of the server's memory.
func (b *bench) handles(addr string, pid int) error {
	const n, onEach = 10000, 500
	ctx := context.Background()
	open := func(c *lsarpc.Client) error {
		out, err := c.LsarOpenPolicy2(ctx, &lsarpc.LsarOpenPolicy2Request{DesiredAccess: uint32(nt.PolicyLookupNames)})
		if err == nil && out.Return != 0 {
			err = nt.Status(uint32(out.Return))
		}
		return err
	}
	var clients []*lsarpc.Client
	for range n / onEach {
		binding, done, err := b.onPipe(addr, "lsarpc", lsarpc.LsarpcInterface)
		if err != nil {
			return err
		}
		defer done()
		c := lsarpc.NewClient(binding)
		if err := open(c); err != nil {
			return err
		}
		clients = append(clients, c)
	}
	base, err := b.rss(addr, pid) // with the connections, which are measured elsewhere
	if err != nil {
		return err
	}
	for _, c := range clients {
		for range onEach - 1 {
			if err := open(c); err != nil {
				return err
			}
		}
	}
	after, err := b.rss(addr, pid)
	if err != nil {
		return err
	}
	mib := float64(after-base) / (1 << 20)
	verdict("10,000 context handles", fmt.Sprintf("lwiod %9.1f MiB (want under 16)", mib), mib < 16)
	return nil
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
