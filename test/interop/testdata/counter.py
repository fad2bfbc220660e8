# Calls the counter service of docs/service.md: counter.py HOST PORT USER PASSWORD UUID
import sys

from impacket.dcerpc.v5 import transport
from impacket.dcerpc.v5.dtypes import DWORD, LONG, LPWSTR, NULL
from impacket.dcerpc.v5.ndr import NDRCALL, NDRSTRUCT, NDRUNION, NDRUniConformantVaryingArray
from impacket.dcerpc.v5.rpcrt import DCERPCException
from impacket.uuid import uuidtup_to_bin

host, port, user, password, uuid = sys.argv[1:6]


class HANDLE(NDRSTRUCT):
    structure = (('Data', '20s=b""'),)

    def getAlignment(self):
        return 4


class ITEMS(NDRUniConformantVaryingArray):
    item = '<L'


class VALUE(NDRUNION):
    commonHdr = (('tag', DWORD),)
    union = {1: ('Number', DWORD), 2: ('Text', LPWSTR)}


class CounterOpen(NDRCALL):
    opnum = 0
    structure = (('start', DWORD),)


class CounterOpenResponse(NDRCALL):
    structure = (('counter', HANDLE), ('ErrorCode', LONG))


class CounterAdd(NDRCALL):
    opnum = 1
    structure = (('counter', HANDLE), ('max', DWORD), ('count', DWORD), ('items', ITEMS))


class CounterAddResponse(NDRCALL):
    structure = (('sum', DWORD), ('ErrorCode', LONG))


class CounterGet(NDRCALL):
    opnum = 2
    structure = (('counter', HANDLE), ('kind', DWORD))


class CounterGetResponse(NDRCALL):
    structure = (('value', VALUE), ('ErrorCode', LONG))


class CounterClose(NDRCALL):
    opnum = 3
    structure = (('counter', HANDLE),)


class CounterCloseResponse(NDRCALL):
    structure = (('counter', HANDLE), ('ErrorCode', LONG))


t = transport.SMBTransport(host, int(port), r'\counter', user, password)
dce = t.get_dce_rpc()
dce.connect()
dce.bind(uuidtup_to_bin((uuid, '1.0')))

req = CounterOpen()
req['start'] = 10
handle = dce.request(req)['counter']

req = CounterAdd()
req['counter'] = handle
req['max'] = 5
req['count'] = 2
req['items'] = [20, 30]
req.fields['items'].fields['MaximumCount'] = 5
print('sum', dce.request(req)['sum'])

req = CounterGet()
req['counter'] = handle
req['kind'] = 1
print('number', dce.request(req)['value']['Number'])
req['kind'] = 2
print(dce.request(req)['value']['Text'])

req = CounterAdd()
req['counter'] = handle
req['max'] = 101
req['count'] = 0
req['items'] = []
req.fields['items'].fields['MaximumCount'] = 101
try:
    dce.request(req)
    print('oversized accepted')
except DCERPCException:
    print('oversized refused')

req = CounterClose()
req['counter'] = handle
dce.request(req)
req = CounterGet()
req['counter'] = handle
req['kind'] = 1
try:
    dce.request(req)
    print('closed handle accepted')
except DCERPCException:
    print('closed handle refused')

req = CounterOpen()
req['start'] = 1
dce.request(req)
print('still alive')
