package domain

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"lwio/gen/dtyp"
	gen "lwio/gen/netlogon"
	"lwio/iomgr/auth/netlogon"
	"lwio/iomgr/auth/ntlm"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/services/state"
)

// channel is a Netlogon secure channel.
type channel struct {
	host, server string // of the controller, and as calls name it
	acct         *state.MachineAccount
	computer     string
	conn         *client.Conn
	calls        *gen.Client
	key          netlogon.Key
	chain        *netlogon.Chain
	busy         chan struct{} // of one: a call is under way
}

var errNoAES = errors.New("the controller does not speak AES on the secure channel")

// open opens a channel, one at a time: a controller keeps one session key for a computer, so that of two that authenticate at once one is refused
// when it binds. Another process of the machine may be the other one: that is tried again.
func (m *Member) open(ctx context.Context, host string, acct *state.MachineAccount, password string) (*channel, error) {
	select {
	case m.alone <- struct{}{}:
		defer func() { <-m.alone }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for try := 1; ; try++ {
		ch, err := m.authenticate(ctx, host, acct, password)
		if err == nil || try == 3 || !errors.Is(err, rpc.FaultSecPackage) {
			return ch, err
		}
	}
}

// authenticate authenticates with a password and binds the channel (MS-NRPC 3.4.5.2).
func (m *Member) authenticate(ctx context.Context, host string, acct *state.MachineAccount, password string) (*channel, error) {
	cred := machineCredential(acct, password)
	b, conn, _, err := m.bind(ctx, host, "netlogon", cred, gen.LogonInterface, nil)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	ch := &channel{host: host, server: `\\` + host, acct: acct, computer: shortName(acct.Name), busy: make(chan struct{}, 1)}
	calls := gen.NewClient(b)
	var mine [8]byte
	rand.Read(mine[:]) // never fails
	challenge, err := calls.NetrServerReqChallenge(ctx, &gen.NetrServerReqChallengeRequest{PrimaryName: &ch.server, ComputerName: ch.computer, ClientChallenge: gen.NETLOGON_CREDENTIAL{Data: mine}})
	if err == nil {
		err = status(challenge.Return)
	}
	if err != nil {
		return nil, fmt.Errorf("challenge: %w", err)
	}
	theirs := challenge.ServerChallenge.Data
	ch.key = netlogon.SessionKey(ntlm.NTHash(password), mine, theirs)
	res, err := calls.NetrServerAuthenticate3(ctx, &gen.NetrServerAuthenticate3Request{PrimaryName: &ch.server, AccountName: acct.Name, SecureChannelType: gen.WorkstationSecureChannel,
		ComputerName: ch.computer, ClientCredential: gen.NETLOGON_CREDENTIAL{Data: ch.key.Credential(mine)}, NegotiateFlags: netlogon.Flags})
	if err == nil {
		err = status(res.Return)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("authenticate: %w", err)
	case res.NegotiateFlags&netlogon.FlagAES == 0 || res.NegotiateFlags&netlogon.FlagSecureRPC == 0:
		return nil, errNoAES
	case res.ServerCredential.Data != ch.key.Credential(theirs):
		return nil, fmt.Errorf("the controller does not know the password: %w", nt.StatusTrustFailure)
	}
	ch.chain = netlogon.NewChain(ch.key, mine)
	init := netlogon.NewInitiator(netlogon.Channel{Domain: acct.Domain, Computer: ch.computer, Key: ch.key})
	b, ch.conn, _, err = m.bind(ctx, host, "netlogon", cred, gen.LogonInterface, &client.Auth{Type: rpc.AuthTypeNetlogon, Level: rpc.AuthLevelPktPrivacy, Initiator: init})
	if err != nil {
		return nil, fmt.Errorf("bind the channel: %w", err)
	}
	ch.calls = gen.NewClient(b)
	if err := ch.capabilities(ctx, res.NegotiateFlags); err != nil {
		ch.conn.Close()
		return nil, err
	}
	return ch, nil
}

// lock makes the caller the only one who calls.
func (ch *channel) lock(ctx context.Context) error {
	select {
	case ch.busy <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (ch *channel) unlock() { <-ch.busy }

// authenticated makes a call that has authenticators. f gets that of the request and gives that of the answer, and the result.
func (ch *channel) authenticated(ctx context.Context, what string, f func(gen.NETLOGON_AUTHENTICATOR) (*gen.NETLOGON_AUTHENTICATOR, int32, error)) error {
	if err := ch.lock(ctx); err != nil {
		return err
	}
	defer ch.unlock()
	now := uint32(time.Now().Unix())
	back, code, err := f(gen.NETLOGON_AUTHENTICATOR{Credential: gen.NETLOGON_CREDENTIAL{Data: ch.chain.Next(now)}, Timestamp: now})
	if err == nil {
		if err = status(code); err == nil && !ch.chain.Verify(back.Credential.Data) {
			err = fmt.Errorf("the controller's authenticator is wrong: %w", nt.StatusTrustFailure)
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// capabilities makes sure that nobody changed what was negotiated (MS-NRPC 3.4.5.2.11).
func (ch *channel) capabilities(ctx context.Context, negotiated uint32) error {
	return ch.authenticated(ctx, "capabilities", func(a gen.NETLOGON_AUTHENTICATOR) (*gen.NETLOGON_AUTHENTICATOR, int32, error) {
		res, err := ch.calls.NetrLogonGetCapabilities(ctx, &gen.NetrLogonGetCapabilitiesRequest{ServerName: ch.server, ComputerName: &ch.computer, Authenticator: a, QueryLevel: 1})
		if err != nil {
			return nil, 0, err
		}
		if res.Return == 0 && res.Capabilities.ServerCapabilities != negotiated {
			return nil, 0, fmt.Errorf("the controller agreed to %#x and the answer was %#x: %w", res.Capabilities.ServerCapabilities, negotiated, nt.StatusDowngradeDetected)
		}
		return &res.ReturnAuthenticator, res.Return, nil
	})
}

// Flags of NETLOGON_WORKSTATION_INFO.
const (
	handlesInboundTrusts = 1
	handlesNames         = 2 // the member writes dNSHostName and servicePrincipalName by itself; a controller that does it takes out what others have added (MS-NRPC 2.2.1.3.6)
)

// describe tells the controller the machine's name in DNS, and learns of the domain. names has the controller write the names of the account.
func (ch *channel) describe(ctx context.Context, names bool) (info *gen.NETLOGON_DOMAIN_INFO, err error) {
	flags := uint32(handlesInboundTrusts)
	if !names {
		flags |= handlesNames
	}
	err = ch.authenticated(ctx, "domain information", func(a gen.NETLOGON_AUTHENTICATOR) (*gen.NETLOGON_AUTHENTICATOR, int32, error) {
		in := &gen.NetrLogonGetDomainInfoRequest{ServerName: ch.server, ComputerName: &ch.computer, Authenticator: a, Level: 1}
		in.WkstaBuffer.WorkstationInfo = &gen.NETLOGON_WORKSTATION_INFO{DnsHostName: &ch.acct.DNSName, OsName: dtyp.NewRPC_UNICODE_STRING("lwio"),
			WorkstationFlags: flags, KerberosSupportedEncryptionTypes: 0x18} // AES128 and AES256
		res, err := ch.calls.NetrLogonGetDomainInfo(ctx, in)
		if err != nil {
			return nil, 0, err
		}
		info = res.DomBuffer.DomainInfo
		return &res.ReturnAuthenticator, res.Return, nil
	})
	if err == nil && info == nil {
		err = fmt.Errorf("domain information: %w", nt.StatusInvalidNetworkResponse)
	}
	return info, err
}

// setPassword changes the password of the account (MS-NRPC 3.5.4.4.5).
func (ch *channel) setPassword(ctx context.Context, password string) error {
	text := nt.AppendUTF16(nil, password)
	var clear [512]byte
	rand.Read(clear[:])
	copy(clear[len(clear)-len(text):], text)
	plain := append(clear[:], byte(len(text)), byte(len(text)>>8), 0, 0)
	ch.key.Encrypt(plain)
	var trust gen.NL_TRUST_PASSWORD
	for i := range trust.Buffer {
		trust.Buffer[i] = uint16(plain[2*i]) | uint16(plain[2*i+1])<<8
	}
	for i, c := range plain[512:] {
		trust.Length |= uint32(c) << (8 * i)
	}
	return ch.authenticated(ctx, "set the password", func(a gen.NETLOGON_AUTHENTICATOR) (*gen.NETLOGON_AUTHENTICATOR, int32, error) {
		res, err := ch.calls.NetrServerPasswordSet2(ctx, &gen.NetrServerPasswordSet2Request{PrimaryName: &ch.server, AccountName: ch.acct.Name,
			SecureChannelType: gen.WorkstationSecureChannel, ComputerName: ch.computer, Authenticator: a, ClearNewPassword: trust})
		if err != nil {
			return nil, 0, err
		}
		return &res.ReturnAuthenticator, res.Return, nil
	})
}

// secure gives the secure channel, which is opened where there is none: by one, for whom the others wait.
func (m *Member) secure(ctx context.Context) (*channel, error) {
	for {
		m.mu.Lock()
		switch {
		case m.account == nil:
			m.mu.Unlock()
			return nil, errUnjoined
		case m.channel != nil:
			ch := m.channel
			m.mu.Unlock()
			return ch, nil
		case m.failed != nil && m.cfg.Now().Before(m.failAt.Add(failFast)):
			err := m.failed
			m.mu.Unlock()
			return nil, err
		}
		wait := m.opening
		if wait == nil {
			done := make(chan struct{})
			acct := m.account
			m.opening = done
			go m.reopen(acct, done) // goes on where the first who waits gives up: others do not
			wait = done
		}
		m.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, fmt.Errorf("secure channel: %w (%w)", nt.StatusNoLogonServers, ctx.Err())
		}
	}
}

// reopen opens the channel for everybody.
func (m *Member) reopen(acct *state.MachineAccount, done chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	ch, err := m.openAny(ctx, acct, acct.Password.Value)
	if err != nil {
		m.cfg.Log.Warn("the secure channel is not up", "domain", acct.Domain, "err", err)
	} else {
		m.cfg.Log.Info("the secure channel is up", "domain", acct.Domain, "controller", ch.host)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.opening = nil
	m.failed, m.failAt = err, m.cfg.Now()
	if err == nil {
		if m.account != acct && (m.account == nil || m.account.Password != acct.Password) {
			ch.conn.Close() // of an account that is not any more
		} else {
			m.channel = ch
		}
	}
	close(done)
}

// openAny opens a channel to the best controller that lets it.
func (m *Member) openAny(ctx context.Context, acct *state.MachineAccount, password string) (*channel, error) {
	hosts, err := m.candidates(ctx, acct)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", nt.StatusNoLogonServers, err)
	}
	for i, host := range hosts {
		var ch *channel
		each, cancel := context.WithTimeout(ctx, callTimeout/time.Duration(min(len(hosts)-i, 2)))
		ch, err = m.open(each, host, acct, password)
		cancel()
		if err == nil {
			return ch, nil
		}
		if refused(err) {
			return nil, err // the others know the same password
		}
		m.cfg.Locator.Avoid(host)
	}
	m.cfg.Locator.Forget(acct.DNSDomain)
	return nil, fmt.Errorf("%w: %w", nt.StatusNoLogonServers, err)
}

// refused reports whether a controller answered that it does not take the account or its password.
func refused(err error) bool {
	for _, s := range []nt.Status{nt.StatusAccessDenied, nt.StatusLogonFailure, nt.StatusWrongPassword, nt.StatusNoTrustSamAccount, nt.StatusTrustFailure, nt.StatusAccountDisabled,
		nt.StatusTrustedRelationshipFailure, nt.StatusNoSuchUser} {
		if errors.Is(err, s) {
			return true
		}
	}
	return false
}

// drop ends the channel; nil ends whichever there is.
func (m *Member) drop(ch *channel) {
	m.mu.Lock()
	have := m.channel
	if ch == nil || have == ch {
		m.channel = nil
	} else {
		have = nil
	}
	m.mu.Unlock()
	if have != nil {
		have.conn.Close()
	}
}
