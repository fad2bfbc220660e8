# Lists the shares with fragments of 4,280 bytes and reads of at most 1 KiB: readsmall.py HOST PORT USER PASSWORD
import sys

from impacket.dcerpc.v5 import srvs, transport

host, port, user, password = sys.argv[1:5]
t = transport.SMBTransport(host, int(port), r'\srvsvc', user, password)
inner = t.recv
largest = 0


def recv(forceRecv=0, count=0):
    global largest
    data = inner(forceRecv, count)
    largest = max(largest, len(data))
    return data


t.recv = recv
t._max_send_frag, t._max_recv_frag = 4280, 1024  # reads have a size only beside writes that have one
dce = t.get_dce_rpc()
dce.connect()
dce.set_max_fragment_size(4280)
dce.bind(srvs.MSRPC_UUID_SRVS)
resp = srvs.hNetrShareEnum(dce, 502)
names = [s['shi502_netname'][:-1] for s in resp['InfoStruct']['ShareInfo']['Level502']['Buffer']]
print('shares', len([n for n in names if n.startswith('many')]), 'largest read', largest)
