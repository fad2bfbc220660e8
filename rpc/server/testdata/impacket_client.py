# Calls the echo interface of the tests with impacket: address, port, auth type, auth level, password, fragment size.
# Prints what came back, or the name of the exception.
import struct
import sys

from impacket.dcerpc.v5 import transport
from impacket.dcerpc.v5.rpcrt import DCERPCException
from impacket.uuid import uuidtup_to_bin

host, port, auth_type, auth_level, password, fragment = sys.argv[1:7]
ECHO = uuidtup_to_bin(("7c1bd7a4-0ee1-4c6c-9fd7-8d1dd9fb0b01", "1.2"))
SECOND = uuidtup_to_bin(("7c1bd7a4-0ee1-4c6c-9fd7-8d1dd9fb0b02", "1.2"))


def run():
    t = transport.DCERPCTransportFactory("ncacn_ip_tcp:%s[%s]" % (host, port))
    t.set_connect_timeout(5)
    if int(auth_type):
        t.set_credentials("alice", password, "", "", "")
    dce = t.get_dce_rpc()
    if int(auth_type):
        dce.set_auth_type(int(auth_type))
        dce.set_auth_level(int(auth_level))
    dce.connect()
    dce.bind(ECHO)
    if int(fragment):
        dce.set_max_fragment_size(int(fragment))
    dce.call(0, struct.pack("<L", 41))
    print("addone", struct.unpack("<L", dce.recv())[0])
    data = bytes(i * 7 % 251 for i in range(30000))
    for _ in range(2):
        dce.call(1, struct.pack("<L", len(data)) + data)
        print("echo", dce.recv()[4:] == data)
    dce.call(5, b"1234")  # fragmenting, impacket sends nothing for nothing
    who = dce.recv()
    n = struct.unpack("<L", who[:4])[0]
    print("who", who[12:12 + 2 * n - 2].decode("utf-16le"))
    dce.call(6, b"1234")
    try:
        dce.recv()
    except DCERPCException as e:
        print("fault", str(e).split()[-1])
    dce.call(0, struct.pack("<L", 1))
    print("addone", struct.unpack("<L", dce.recv())[0])
    if int(auth_level) != 2:
        dce2 = dce.alter_ctx(SECOND)
        dce2.call(0, struct.pack("<L", 6))
        print("second", struct.unpack("<L", dce2.recv())[0])
    dce.disconnect()


try:
    run()
except Exception as e:
    print("error", type(e).__name__, e)
