"""Calls of rpcecho over TCP in fragments of several sizes, plain and sealed. Arguments: host port user password."""
import struct
import sys

from impacket.dcerpc.v5 import transport, rpcrt
from impacket.uuid import uuidtup_to_bin

host, port, user, password = sys.argv[1:5]
ECHO = uuidtup_to_bin(("60a15ec5-4de8-11d7-a637-005056a20182", "1.0"))


def bound(level, size):
    t = transport.DCERPCTransportFactory("ncacn_ip_tcp:%s[%s]" % (host, port))
    t.set_credentials(user, password, "", "", "")
    d = t.get_dce_rpc()
    if level:
        d.set_auth_level(level)
    d.connect()
    d.set_max_fragment_size(size)
    d.bind(ECHO)
    return d


data = bytes(range(256)) * 12
for level, word in ((0, "echoed"), (rpcrt.RPC_C_AUTHN_LEVEL_PKT_PRIVACY, "sealed")):
    for size in (16, 100, 4280):
        d = bound(level, size)
        d.call(1, struct.pack("<II", len(data), len(data)) + data)
        got = d.recv()
        if got[4:4 + len(data)] != data:
            print("differs in %d: %d octets" % (size, len(got)))
            sys.exit(1)
        print("%s in %d" % (word, size))
        d.disconnect()
d = bound(0, 4280)
d.call(0, struct.pack("<I", 41))
print("still alive" if d.recv()[:4] == struct.pack("<I", 42) else "dead")
