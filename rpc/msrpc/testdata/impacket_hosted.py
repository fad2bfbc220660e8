# Calls the five hosted interfaces and prints what they say.
import sys

from impacket.dcerpc.v5 import rrp, samr, scmr, srvs, transport
from impacket.dcerpc.v5.rpcrt import DCERPCException
from impacket.uuid import uuidtup_to_bin

sys.stdout.reconfigure(encoding="utf-8")
binding = "ncacn_ip_tcp:%s[%s]" % (sys.argv[1], sys.argv[2])


def bind(iface):
    dce = transport.DCERPCTransportFactory(binding).get_dce_rpc()
    dce.connect()
    dce.bind(iface)
    return dce


def text(s):
    return s.rstrip("\0") if isinstance(s, str) else ""  # NULL is octets


def fault(name, call):
    try:
        call()
        print(name, "no fault")
    except DCERPCException as e:
        print(name, str(e).split()[-1])


d = bind(srvs.MSRPC_UUID_SRVS)
info = srvs.hNetrServerGetInfo(d, 101)["InfoStruct"]["ServerInfo101"]
print("srvsvc", text(info["sv101_name"]), text(info["sv101_comment"]))
shares = srvs.hNetrShareEnum(d, 1)["InfoStruct"]["ShareInfo"]["Level1"]["Buffer"]
print("shares", " ".join(text(s["shi1_netname"]) + "/" + text(s["shi1_remark"]) for s in shares))
try:
    srvs.hNetrServerGetInfo(d, 102)
except DCERPCException as e:
    print("level 102", "refused" if e.error_code == 124 else e)
fault("panic", lambda: srvs.hNetrRemoteTOD(d))
fault("not there", lambda: srvs.hNetrServerStatisticsGet(d, "SERVER", 0, 0))

d = bind(samr.MSRPC_UUID_SAMR)
h = samr.hSamrConnect5(d)["ServerHandle"]
domains = samr.hSamrEnumerateDomainsInSamServer(d, h)["Buffer"]["Buffer"]
print("samr", " ".join(x["Name"] for x in domains))
samr.hSamrCloseHandle(d, h)
fault("closed twice", lambda: samr.hSamrCloseHandle(d, h))

d = bind(rrp.MSRPC_UUID_RRP)
k = rrp.hOpenLocalMachine(d)["phKey"]
version = rrp.hBaseRegGetVersion(d, k)["lpdwVersion"]
value = rrp.hBaseRegQueryValue(d, k, "Name")[1]
print("winreg", version, value.decode() if isinstance(value, bytes) else value)
rrp.hBaseRegCloseKey(d, k)

d = bind(scmr.MSRPC_UUID_SCMR)
m = scmr.hROpenSCManagerW(d)["lpScHandle"]
s = scmr.hROpenServiceW(d, m, "lwio\0")["lpServiceHandle"]
print("svcctl", scmr.hRQueryServiceStatus(d, s)["lpServiceStatus"]["dwCurrentState"])
scmr.hRCloseServiceHandle(d, s)
scmr.hRCloseServiceHandle(d, m)

d = bind(uuidtup_to_bin(("8fb6d884-2388-11d0-8c35-00c04fda2795", "4.1")))
d.call(3, b"1234")  # impacket sends nothing for nothing; what is too much is not looked at
stub = d.recv()
n = int.from_bytes(stub[12:16], "little")
print("w32time", text(stub[16:16 + 2 * n].decode("utf-16-le")))
