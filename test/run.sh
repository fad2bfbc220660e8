#!/usr/bin/env bash
# Starts an all-in-one lwiod on 127.0.0.1:4450 with a state of its own under .lwio, and prints what to try. The first run makes an
# administrator with a generated password and a share.
set -euo pipefail
cd "$(dirname "$0")/.."
addr=${LWIO_ADDR:-127.0.0.1} port=${LWIO_PORT:-4450}
dir=$PWD/.lwio
mkdir -p "$dir/data"
chmod 700 "$dir"
socket=$dir/lwiod.sock
# Samba's net knows no port but 445 for shares: it is served too where this user may and nobody else does.
listen=(--listen "$addr:$port")
low=
if [ "$(id -u)" -eq 0 ] && ! (exec 3<>"/dev/tcp/$addr/445") 2>/dev/null; then
	listen+=(--listen "$addr:445")
	low=1
fi
bin/lwiod --state "$dir/state" "${listen[@]}" --socket "$socket" &
pid=$!
trap 'kill $pid 2>/dev/null; wait $pid 2>/dev/null || true' EXIT
for _ in $(seq 200); do
	[ -S "$socket" ] && bin/lwio --socket "$socket" pipe list >/dev/null 2>&1 && break
	kill -0 $pid 2>/dev/null || { wait $pid; exit 1; }
	sleep 0.02
done
if [ ! -f "$dir/password" ]; then
	(umask 077; head -c 12 /dev/urandom | base64 | tr '+/' '-_' >"$dir/password")
	bin/lwio --socket "$socket" user add admin --admin --password-stdin <"$dir/password"
	bin/lwio --socket "$socket" share add data "$dir/data" --comment "Files of make run"
fi
pw=$(cat "$dir/password")
net="  (net rpc share … -S $addr -U 'admin%$pw' wants port 445: run this as root for it)"
[ -n "$low" ] && net="  net rpc share list -S $addr -U 'admin%$pw'
  net rpc share add 'more=$dir/data' -S $addr -U 'admin%$pw'
  net rpc share delete more -S $addr -U 'admin%$pw'"
cat <<TEXT

lwiod runs on $addr:$port. The administrator is admin, his password $pw. Try:

  smbclient -L $addr -p $port -U 'admin%$pw'
  smbclient //$addr/data -p $port -U 'admin%$pw' -c 'put README.md; ls'
  rpcclient $addr -p $port -U 'admin%$pw' -c 'srvinfo; netshareenumall'
$net
  bin/lwio --socket $socket share list
  bin/lwio --socket $socket session list

Ctrl-C ends it.
TEXT
wait $pid
