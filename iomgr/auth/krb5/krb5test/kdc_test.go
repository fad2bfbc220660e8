package krb5test_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana/flags"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"lwio/gen/pac"
	"lwio/iomgr/auth/krb5/krb5test"
)

const password = "Us3r.Pass"

var quiet = log.New(io.Discard, "", 0)

func conf(t testing.TB, k *krb5test.KDC) *config.Config {
	t.Helper()
	c, err := config.NewFromString(k.Krb5Conf())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func keys(t testing.TB, k *krb5test.KDC, account string) *keytab.Keytab {
	t.Helper()
	kt := keytab.New()
	if err := kt.Unmarshal(k.Keytab(account)); err != nil {
		t.Fatal(err)
	}
	return kt
}

// open decrypts a ticket with the service's keytab and has the library verify and read the PAC.
func open(t testing.TB, k *krb5test.KDC, tkt messages.Ticket) (messages.EncTicketPart, credentials.ADCredentials, error) {
	t.Helper()
	kt, sname := keys(t, k, "FILES$"), types.NewPrincipalName(1, "FILES$")
	tkt.Realm = k.Realm()
	if err := tkt.DecryptEncPart(kt, &sname); err != nil {
		t.Fatal(err)
	}
	has, p, err := tkt.GetPACType(kt, &sname, quiet)
	var ad credentials.ADCredentials
	if err == nil && has {
		ad = credentials.ADCredentials{EffectiveName: p.KerbValidationInfo.EffectiveName.String(), UserID: int(p.KerbValidationInfo.UserID),
			GroupMembershipSIDs: p.KerbValidationInfo.GetGroupMembershipSIDs(), LogonDomainName: p.KerbValidationInfo.LogonDomainName.String()}
	}
	if !has {
		err = errNoPAC
	}
	return tkt.DecryptedEncPart, ad, err
}

var errNoPAC = errors.New("no PAC")

// TestExchanges logs a client on and gets a ticket, with each encryption type, over each transport.
func TestExchanges(t *testing.T) {
	for _, etype := range []int32{17, 18, 19, 20, 23} {
		for _, udp := range []bool{false, true} {
			t.Run(fmt.Sprint(etype, udp), func(t *testing.T) {
				k := krb5test.New(t, krb5test.Config{ETypes: []int32{etype}, UDP: udp})
				cl := client.NewWithPassword("alice", k.Realm(), password, conf(t, k))
				defer cl.Destroy()
				tkt, key, err := cl.GetServiceTicket("cifs/files.lwio.test")
				if err != nil {
					t.Fatal(err)
				}
				part, ad, err := open(t, k, tkt)
				rfc8009 := etype == 19 || etype == 20 // whose signatures in a PAC the library does not know; TestPACSignatures looks at them
				if err != nil && !rfc8009 {
					t.Fatal(err)
				}
				if !bytes.Equal(part.Key.KeyValue, key.KeyValue) || part.Key.KeyType != etype || tkt.EncPart.EType != etype {
					t.Errorf("key of type %d in a ticket of type %d", part.Key.KeyType, tkt.EncPart.EType)
				}
				if etype == 20 && len(key.KeyValue) != 32 {
					t.Errorf("key of %d octets", len(key.KeyValue))
				}
				sid := k.SID().String()
				if want := fmt.Sprint([]string{sid + "-513", sid + "-1108", sid + "-1111", "S-1-18-1"}); !rfc8009 && (ad.EffectiveName != "alice" || ad.UserID != 1103 ||
					ad.LogonDomainName != "LWIO" || fmt.Sprint(ad.GroupMembershipSIDs) != want) {
					t.Errorf("%+v", ad)
				}
				if as, tgs := k.Requests(); as < 2 || tgs < 1 {
					t.Errorf("%d AS requests, %d TGS requests", as, tgs)
				}
			})
		}
	}
}

func TestFiles(t *testing.T) {
	k := krb5test.New(t, krb5test.Config{})
	cl := client.NewWithKeytab("FILES$", k.Realm(), keys(t, k, "FILES$"), conf(t, k))
	defer cl.Destroy()
	if _, _, err := cl.GetServiceTicket("host/files"); err != nil {
		t.Errorf("by keytab: %v", err)
	}
	cc := new(credentials.CCache)
	if err := cc.Unmarshal(k.CCache("alice", "cifs/files.lwio.test")); err != nil {
		t.Fatal(err)
	}
	cached, err := client.NewFromCCache(cc, conf(t, k))
	if err != nil {
		t.Fatal(err)
	}
	defer cached.Destroy()
	_, before := k.Requests()
	if _, _, err := cached.GetServiceTicket("cifs/files.lwio.test"); err != nil {
		t.Errorf("from the cache: %v", err)
	}
	if _, after := k.Requests(); after != before {
		t.Error("a ticket of the cache was asked for")
	}
	tkt, _, err := cached.GetServiceTicket("HOST/Files.lwio.test") // names in any case
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := open(t, k, tkt); err != nil {
		t.Error(err)
	}
}

// TestRefusals looks for the error codes that clients act on.
func TestRefusals(t *testing.T) {
	k := krb5test.New(t, krb5test.Config{
		Users:    []krb5test.User{{Name: "alice", Password: password}, {Name: "off", Password: password, Disabled: true}},
		Services: []krb5test.Service{{Account: "FILES$", Password: password}},
	})
	get := func(user, pw, service string) error {
		cl := client.NewWithPassword(user, k.Realm(), pw, conf(t, k))
		defer cl.Destroy()
		_, _, err := cl.GetServiceTicket(service)
		return err
	}
	for name, tt := range map[string]struct {
		err  func() error
		want string
	}{
		"wrong password":  {func() error { return get("alice", "wrong", "FILES$") }, "KDC_ERR_PREAUTH_FAILED"},
		"unknown client":  {func() error { return get("nobody", password, "FILES$") }, "KDC_ERR_C_PRINCIPAL_UNKNOWN"},
		"unknown service": {func() error { return get("alice", password, "cifs/other") }, "KDC_ERR_S_PRINCIPAL_UNKNOWN"},
		"disabled":        {func() error { return get("off", password, "FILES$") }, "KDC_ERR_CLIENT_REVOKED"},
		"clock": {func() error {
			k.SetClock(time.Hour)
			defer k.SetClock(0)
			return get("alice", password, "FILES$")
		}, "KRB_AP_ERR_SKEW"},
		"as the test has it": {func() error {
			k.Fail(29)
			defer k.Fail(0)
			return get("alice", password, "FILES$")
		}, "KDC_ERR_SVC_UNAVAILABLE"},
		"expired TGT": {func() error {
			k.Forge(krb5test.Forge{Age: 20 * time.Hour})
			cc := new(credentials.CCache)
			if err := cc.Unmarshal(k.CCache("alice")); err != nil {
				return err
			}
			k.Forge(krb5test.Forge{})
			cl, err := client.NewFromCCache(cc, conf(t, k))
			if err != nil {
				return err
			}
			tgt, _ := cc.GetEntry(types.NewPrincipalName(2, "krbtgt/"+k.Realm()))
			var tkt messages.Ticket
			if err := tkt.Unmarshal(tgt.Ticket); err != nil {
				return err
			}
			_, _, err = cl.TGSREQGenerateAndExchange(types.NewPrincipalName(1, "FILES$"), k.Realm(), tkt, tgt.Key, false)
			return err
		}, "KRB_AP_ERR_TKT_EXPIRED"},
	} {
		if err := tt.err(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
}

func TestForge(t *testing.T) {
	k := krb5test.New(t, krb5test.Config{})
	for name, tt := range map[string]struct {
		forge krb5test.Forge
		check func(t *testing.T, tkt messages.Ticket, part messages.EncTicketPart, ad credentials.ADCredentials, err error) bool
	}{
		"honest": {krb5test.Forge{}, func(_ *testing.T, _ messages.Ticket, part messages.EncTicketPart, _ credentials.ADCredentials, err error) bool {
			return err == nil && part.CRealm == k.Realm() && time.Until(part.EndTime) > 9*time.Hour
		}},
		"server signature": {krb5test.Forge{BadServerSignature: true}, func(_ *testing.T, _ messages.Ticket, _ messages.EncTicketPart, _ credentials.ADCredentials, err error) bool {
			return err != nil && !errors.Is(err, errNoPAC)
		}},
		"no server signature": {krb5test.Forge{NoServerSignature: true}, func(_ *testing.T, _ messages.Ticket, _ messages.EncTicketPart, _ credentials.ADCredentials, err error) bool {
			return err != nil && !errors.Is(err, errNoPAC)
		}},
		"no PAC": {krb5test.Forge{NoPAC: true}, func(_ *testing.T, _ messages.Ticket, _ messages.EncTicketPart, _ credentials.ADCredentials, err error) bool {
			return errors.Is(err, errNoPAC)
		}},
		"expired": {krb5test.Forge{Age: 24 * time.Hour}, func(_ *testing.T, _ messages.Ticket, part messages.EncTicketPart, _ credentials.ADCredentials, _ error) bool {
			return time.Since(part.EndTime) > 13*time.Hour
		}},
		"realms": {krb5test.Forge{ClientRealm: "OTHER.TEST", ServiceRealm: "THIRD.TEST"}, func(_ *testing.T, tkt messages.Ticket, part messages.EncTicketPart, _ credentials.ADCredentials, _ error) bool {
			return part.CRealm == "OTHER.TEST" && tkt.Realm == "THIRD.TEST"
		}},
		"etypes": {krb5test.Forge{EType: 23, SessionEType: 17}, func(_ *testing.T, tkt messages.Ticket, part messages.EncTicketPart, _ credentials.ADCredentials, err error) bool {
			return err == nil && tkt.EncPart.EType == 23 && part.Key.KeyType == 17
		}},
		"flags": {krb5test.Forge{Flags: []int{flags.Invalid}}, func(_ *testing.T, _ messages.Ticket, part messages.EncTicketPart, _ credentials.ADCredentials, _ error) bool {
			return types.IsFlagSet(&part.Flags, flags.Invalid)
		}},
		"logon": {krb5test.Forge{Logon: func(x *pac.KERB_VALIDATION_INFO) { x.UserId = 7 }}, func(_ *testing.T, _ messages.Ticket, _ messages.EncTicketPart, ad credentials.ADCredentials, err error) bool {
			return err == nil && ad.UserID == 7
		}},
	} {
		t.Run(name, func(t *testing.T) {
			k.Forge(tt.forge)
			tkt, _ := k.Ticket("alice", "cifs/files.lwio.test")
			part, ad, err := open(t, k, tkt)
			if !tt.check(t, tkt, part, ad, err) {
				t.Errorf("%+v, %+v, %v", part, ad, err)
			}
		})
	}
}

// TestPACSignatures verifies both signatures of every type; the library looks at the server's only.
func TestPACSignatures(t *testing.T) {
	for _, etype := range []int32{17, 18, 19, 20, 23} {
		k := krb5test.New(t, krb5test.Config{ETypes: []int32{etype}})
		var whole []byte
		k.Forge(krb5test.Forge{PAC: func(b []byte) []byte { whole = b; return b }})
		k.Ticket("alice", "cifs/files.lwio.test")
		key, _, err := keys(t, k, "FILES$").GetEncryptionKey(types.NewPrincipalName(1, "FILES$"), k.Realm(), 0, etype)
		if err != nil {
			t.Fatal(err)
		}
		zeroed := bytes.Clone(whole)
		var server []byte
		for i := range binary.LittleEndian.Uint32(whole) {
			e := whole[8+16*i:]
			typ, n, off := binary.LittleEndian.Uint32(e), int(binary.LittleEndian.Uint32(e[4:])), int(binary.LittleEndian.Uint64(e[8:]))
			if off%8 != 0 || off+n > len(whole) {
				t.Fatalf("buffer %d at %d of %d", typ, off, len(whole))
			}
			if typ == 6 || typ == 7 {
				clear(zeroed[off+4 : off+n])
			}
			if typ == 6 {
				server = whole[off+4 : off+n]
			}
		}
		e, _ := crypto.GetEtype(etype)
		if want, _ := e.GetChecksumHash(key.KeyValue, zeroed, 17); !bytes.Equal(server, want) {
			t.Errorf("type %d: signature %x, want %x", etype, server, want)
		}
	}
}

// TestHostile sends what is no request, and requests cut short; the KDC answers the next one.
func TestHostile(t *testing.T) {
	k := krb5test.New(t, krb5test.Config{})
	c, err := net.Dial("tcp", k.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cfg := conf(t, k)
	as, err := messages.NewASReqForTGT(k.Realm(), cfg, types.NewPrincipalName(1, "alice"))
	if err != nil {
		t.Fatal(err)
	}
	good, _ := as.Marshal()
	ask := func(b []byte) messages.KRBError {
		t.Helper()
		c.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := c.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)); err != nil {
			t.Fatal(err)
		}
		var n [4]byte
		if _, err := io.ReadFull(c, n[:]); err != nil {
			t.Fatal(err)
		}
		out := make([]byte, binary.BigEndian.Uint32(n[:]))
		if _, err := io.ReadFull(c, out); err != nil {
			t.Fatal(err)
		}
		var e messages.KRBError
		if err := e.Unmarshal(out); err != nil {
			t.Fatal(err)
		}
		return e
	}
	for n := range good {
		if e := ask(good[:n]); e.ErrorCode != 60 {
			t.Fatalf("%d octets: %v", n, e)
		}
	}
	if e := ask(good); e.ErrorCode != 25 {
		t.Error(e)
	}
	as.PAData = types.PADataSequence{{PADataType: 2, PADataValue: []byte{0x30, 0}}}
	short, _ := as.Marshal()
	if e := ask(short); e.ErrorCode != 24 {
		t.Error(e)
	}
	ed := types.EncryptedData{EType: 18, Cipher: []byte{1, 2, 3}}
	value, _ := ed.Marshal()
	as.PAData = types.PADataSequence{{PADataType: 2, PADataValue: value}}
	if short, _ = as.Marshal(); ask(short).ErrorCode != 24 {
		t.Error("a ciphertext of three octets")
	}
	as.ReqBody.Realm = "OTHER.TEST"
	if short, _ = as.Marshal(); ask(short).ErrorCode != 68 {
		t.Error("another realm")
	}
	u, err := net.Dial("udp", k.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	k.Silence(true)
	u.Write(good)
	k.Silence(false)
}

// TestMIT has the clients of MIT Kerberos log on and get a ticket, where they are installed.
func TestMIT(t *testing.T) {
	for _, tool := range []string{"kinit", "kvno", "klist"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(tool + " is not installed")
		}
	}
	for _, etype := range []int32{18, 20, 23} {
		k := krb5test.New(t, krb5test.Config{ETypes: []int32{etype}})
		dir := t.TempDir()
		for name, b := range map[string][]byte{"krb5.conf": []byte(k.Krb5Conf()), "keytab": k.Keytab("FILES$"), "made": k.CCache("bob", "host/files")} {
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		run := func(stdin, cache string, args ...string) string {
			t.Helper()
			cmd := exec.Command(args[0], args[1:]...)
			cmd.Env = append(os.Environ(), "KRB5_CONFIG="+filepath.Join(dir, "krb5.conf"), "KRB5CCNAME=FILE:"+filepath.Join(dir, cache))
			cmd.Stdin = strings.NewReader(stdin)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("type %d: %s: %v\n%s", etype, args, err, out)
			}
			return string(out)
		}
		run(password+"\n", "cc", "kinit", "alice")
		run("", "cc", "kvno", "-k", filepath.Join(dir, "keytab"), "cifs/files.lwio.test")
		run("", "machine", "kinit", "-k", "-t", filepath.Join(dir, "keytab"), "FILES$")
		if out := run("", "made", "klist"); !strings.Contains(out, "bob@"+k.Realm()) || !strings.Contains(out, "host/files@") {
			t.Errorf("klist: %s", out)
		}
		run("", "made", "kvno", "cifs/files.lwio.test")
	}
}
