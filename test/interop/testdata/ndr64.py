# Makes calls of several interfaces in NDR64 and in NDR 2.0 and compares the answers: ndr64.py HOST PORT USER PASSWORD
import difflib
import io
import re
import sys
from contextlib import redirect_stdout

from impacket.dcerpc.v5 import lsad, lsat, mgmt, srvs, transport, wkst
from impacket.dcerpc.v5.dtypes import MAXIMUM_ALLOWED, NULL
from impacket.dcerpc.v5.rpcrt import DCERPCException

host, port, user, password = sys.argv[1:5]
NDR64 = ('71710533-BEBA-4937-8319-B5DBEF9CCC36', '1.0')
NDR20 = ('8a885d04-1ceb-11c9-9fe8-08002b104860', '2.0')


def bound(pipe, uuid, syntax, fragment=None):
    t = transport.DCERPCTransportFactory(r'ncacn_np:%s[\pipe\%s]' % (host, pipe))
    t.set_dport(int(port))
    t.set_credentials(user, password)
    dce = t.get_dce_rpc()
    dce.connect()
    if fragment:
        dce.set_max_fragment_size(fragment)
    dce.bind(uuid, transfer_syntax=syntax)
    return dce


def text(response):
    out = io.StringIO()
    with redirect_stdout(out):
        response.dump()
    # Referent identifiers, handles and times are other ones each time.
    lines = [l for l in out.getvalue().split('\n') if not re.search(r'ReferentID|Attributes|UUID|tod_|time|reqs|bytes|current_uses|logged_on_users', l, re.I)]
    return '\n'.join(lines)


def shares(level):
    def call(dce):
        return srvs.hNetrShareEnum(dce, level)
    return 'srvsvc', srvs.MSRPC_UUID_SRVS, call


def server(level):
    return 'srvsvc', srvs.MSRPC_UUID_SRVS, lambda dce: srvs.hNetrServerGetInfo(dce, level)


def station(level):
    return 'wkssvc', wkst.MSRPC_UUID_WKST, lambda dce: wkst.hNetrWkstaGetInfo(dce, level)


def policy(dce):
    return lsad.hLsarOpenPolicy2(dce, MAXIMUM_ALLOWED | lsat.POLICY_LOOKUP_NAMES)['PolicyHandle']


def domain(dce):
    return lsad.hLsarQueryInformationPolicy2(dce, policy(dce), lsad.POLICY_INFORMATION_CLASS.PolicyAccountDomainInformation)


def names(dce):
    return lsat.hLsarLookupNames(dce, policy(dce), (user, 'BUILTIN\\Administrators'))


def sids(dce):
    return lsat.hLsarLookupSids(dce, policy(dce), ('S-1-5-32-544', 'S-1-1-0'), lsat.LSAP_LOOKUP_LEVEL.LsapLookupWksta)


calls = {
    'shares 1': shares(1), 'shares 2': shares(2), 'shares 502': shares(502), 'server 101': server(101), 'server 102': server(102),
    'station 100': station(100), 'station 102': station(102),
    'domain': ('lsarpc', lsad.MSRPC_UUID_LSAD, domain), 'names': ('lsarpc', lsat.MSRPC_UUID_LSAT, names), 'sids': ('lsarpc', lsat.MSRPC_UUID_LSAT, sids),
    'time': ('srvsvc', srvs.MSRPC_UUID_SRVS, srvs.hNetrRemoteTOD),
    'interfaces': ('srvsvc', mgmt.MSRPC_UUID_MGMT, mgmt.hinq_if_ids),
}
for name, (pipe, uuid, call) in calls.items():
    wide, narrow = text(call(bound(pipe, uuid, NDR64))), text(call(bound(pipe, uuid, NDR20)))
    if wide != narrow:
        print('differs:', name)
        print('\n'.join(difflib.unified_diff(narrow.split('\n'), wide.split('\n'), 'NDR 2.0', 'NDR64', n=1)))
    # Of an empty request in fragments impacket sends none.
    if name != 'interfaces' and wide != text(call(bound(pipe, uuid, NDR64, 16))):
        print('differs in fragments of 16 octets:', name)
    print('called:', name)

# What does not decode is refused and the association lives.
dce = bound('srvsvc', srvs.MSRPC_UUID_SRVS, NDR64)
dce.call(15, b'\x00' * 4 + b'\xff' * 60)
try:
    dce.recv()
    print('accepted')
except DCERPCException as e:
    print('refused:', e)
srvs.hNetrRemoteTOD(dce)
print('still alive')
