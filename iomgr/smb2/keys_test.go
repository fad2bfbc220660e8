package smb2

import (
	"bytes"
	"testing"
)

// Key derivation samples of Microsoft's "SMB 2 and SMB 3 security in Windows 10: the anatomy of signing and cryptographic
// keys" and "SMB 3.1.1 Encryption in Windows 10", and of "Encryption in SMB 3.0: A protocol perspective". Their
// EncryptionKey is the client's.
var keySamples = []struct {
	name                                 string
	dialect                              Dialect
	session, preauth                     string
	signing, application, server, client string
}{
	{
		name: "3.0 first channel", dialect: Dialect300, session: "7CD451825D0450D235424E44BA6E78CC",
		signing: "0B7E9C5CAC36C0F6EA9AB275298CEDCE", application: "BB23A4575AA26C721AF525AF15A87B4F",
		client: "FAD27796665B313EBB578F388632B4F7", server: "B0F0427F7CEB416D1D9DCC0CD4F99447",
	},
	{
		name: "3.0 second channel", dialect: Dialect302, session: "4E01A2B313BCF660CC250BEF021AEDE6",
		signing: "BA1A17DBBFEC349BCA105563D598952F",
	},
	{
		name: "3.0 encryption", dialect: Dialect300, session: "B4546771B515F766A86735532DD6C4F0",
		client: "261B72350558F2E9DCF613070383EDBF", server: "8FE2B57EC34D2DB5B1A9727F526BBDB5",
	},
	{
		name: "3.1.1 first channel", dialect: Dialect311, session: "270E1BA896585EEB7AF3472D3B4C75A7",
		preauth: "0DD13628CC3ED218EF9DF9772D436D0887AB9814BFAE63A80AA845F36909DB7928622DDDAD522D97" +
			"51640A459762C5A9D6BB084CBB3CE6BDADEF5D5BCE3C6C01",
		signing: "73FE7A9A77BEF0BDE49C650D8CCB5F76", application: "6D7AD7954E9EC61E907B4D473DC178FF",
		client: "629BCBC54422A0F572B97F45989B6073", server: "E2AF0DCEFAC68DA71A0DFBD0D1350D74",
	},
	{
		name: "3.1.1 encryption", dialect: Dialect311, session: "419FDDF34C1E001909D362AE7FB6AF79",
		preauth: "B23F3CBFD69487D9832B79B1594A367CDD950909B774C3A4C412B4FCEA9EDDDBA7DB256BA2EA30E9" +
			"77F11F9B113247578E0E915C6D2A513B8F2FCA5707DC8770",
		signing: "8765949DFEAEE105CE9118B45BE988F0", application: "099D610789FBE82055B313601C3E8CC4",
		client: "A2F5E80E5D59103034F32E52F698E5EC", server: "748C50868C90F302962A5C35F5F9A8BF",
	},
}

func TestDeriveKeys(t *testing.T) {
	for _, s := range keySamples {
		var h PreauthHash
		copy(h[:], unhex(t, s.preauth))
		k := DeriveKeys(s.dialect, CipherAES128GCM, unhex(t, s.session), &h)
		for _, c := range []struct {
			key  string
			got  []byte
			want string
		}{
			{"signing", k.Signing[:], s.signing}, {"application", k.Application[:], s.application},
			{"client to server", k.ClientToServer, s.client}, {"server to client", k.ServerToClient, s.server},
		} {
			if want := unhex(t, c.want); len(want) > 0 && !bytes.Equal(c.got, want) {
				t.Errorf("%s: %s key %X, want %X", s.name, c.key, c.got, want)
			}
		}
	}
}

func TestDeriveKeysLengths(t *testing.T) {
	long := seq(32)
	var h PreauthHash
	a, b := DeriveKeys(Dialect311, CipherAES256GCM, long, &h), DeriveKeys(Dialect311, CipherAES256GCM, long[:16], &h)
	if len(a.ClientToServer) != 32 || len(a.ServerToClient) != 32 {
		t.Errorf("AES-256 keys of %d and %d bytes", len(a.ClientToServer), len(a.ServerToClient))
	}
	// The cipher keys come from the whole key, the others from its first sixteen bytes.
	if bytes.Equal(a.ClientToServer, b.ClientToServer) || a.Signing != b.Signing || a.Application != b.Application {
		t.Error("the second half of the key goes into the wrong keys")
	}
	// L is part of the derivation: a 256-bit key does not begin with the 128-bit one.
	c := DeriveKeys(Dialect311, CipherAES128GCM, long[:16], &h)
	if bytes.Equal(b.ClientToServer[:16], c.ClientToServer) {
		t.Error("L is not in the derivation")
	}
	k := DeriveKeys(Dialect210, 0, seq(5), nil)
	if k.Signing != [16]byte{1, 2, 3, 4, 5} || k.Application != k.Signing || k.ClientToServer != nil {
		t.Errorf("2.1: %+v", k)
	}
}

// The preauthentication integrity sample of "SMB 3.1.1 Pre-authentication integrity in Windows 10", first two messages.
func TestPreauthHash(t *testing.T) {
	request := unhex(t, "FE534D4240000100000000000000800000000000000000000100000000000000FFFE000000000000"+
		"00000000000000000000000000000000000000000000000024000500000000003F000000ECD86F32"+
		"6276024F9F7752B89BB33F3A70000000020000000202100200030203110300000100260000000000"+
		"010020000100FA49E6578F1F3A9F4CD3E9CC14A67AA884B3D05844E0E5A118225C15887F32FF0000"+
		"0200060000000000020002000100")
	want := PreauthHash(unhex(t, "DD94EFC5321BB618A2E208BA8920D2F422992526947A409B5037DE1E0FE8C7362B8C47122594CDE0"+
		"CE26AA9DFC8BCDBDE0621957672623351A7540F1E54A0426"))
	var h PreauthHash
	h.Update(request)
	if h != want {
		t.Errorf("hash %x, want %x", h, want)
	}
	var p PreauthHash
	p.Update(request[:10], request[10:64], request[64:])
	if p != want {
		t.Errorf("in pieces %x, want %x", p, want)
	}
	// The same request is a sample of a Windows client's contexts.
	r, err := ParseNegotiateRequest(request[HeaderSize:])
	if err != nil || len(r.Dialects) != 5 || len(r.Contexts) != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	p1, err1 := ParsePreauthIntegrityCapabilities(r.Contexts[0].Data)
	e1, err2 := ParseEncryptionCapabilities(r.Contexts[1].Data)
	if err1 != nil || err2 != nil || len(p1.Salt) != 32 || p1.HashAlgorithms[0] != HashSHA512 || e1.Ciphers[0] != CipherAES128GCM {
		t.Errorf("%+v %v, %+v %v", p1, err1, e1, err2)
	}
	if got := r.Append(nil); !bytes.Equal(got, request[HeaderSize:]) {
		t.Errorf("written again:\n got %x\nwant %x", got, request[HeaderSize:])
	}
}
