#!/usr/bin/env bash
# Measures lwiod beside smbd (if it is installed) and go-msrpc's NDR, all in one run.
set -euo pipefail
cd "$(dirname "$0")/../.."
make -s build
dir=$(mktemp -d)
pids=()
cleanup() {
	for p in "${pids[@]}" $(cat "$dir"/samba/pid/samba-dcerpcd*.pid 2>/dev/null); do kill "$p" 2>/dev/null || true; done
	kill -CONT "${awake[@]}" 2>/dev/null || true
	wait 2>/dev/null || true
	rm -rf "$dir" "${bulk:-$dir}"
}
trap cleanup EXIT
password=Passw0rd.1
user=$(id -un)
echo "$password" >"$dir/password"
# Two processes that run where nothing else does keep the processors awake while calls are measured: on a virtual machine, waking one costs more than a
# call. They stand still while data are moved: they would take the memory's time, and half of a processor that is a thread of one.
awake=()
for _ in 1 2; do
	chrt -i 0 sh -c 'while :; do :; done' &
	awake+=("$!")
done
pids+=("${awake[@]}")
free() { go run ./test/bench/freeport; }

port=$(free)
bin/lwiod --state "$dir/state" --listen "127.0.0.1:$port" --socket "$dir/sock" --log-level warn --signing enabled &
lwiod=$!
pids+=("$lwiod")
for _ in $(seq 200); do [ -S "$dir/sock" ] && break; sleep 0.02; done
bin/lwio --socket "$dir/sock" user add "$user" --admin --password-stdin <"$dir/password"

# The files that are read and written lie in memory, where there is such a file system.
bulk=$(mktemp -d -p "$([ -d /dev/shm ] && echo /dev/shm || echo "$dir")")
chmod 755 "$bulk"
mkdir -m 777 "$bulk/lwiod" "$bulk/smbd"
bin/lwio --socket "$dir/sock" share add bulk "$bulk/lwiod" --sddl "D:(A;;FA;;;WD)"
args=(--awake "${awake[*]}" --only "${ONLY:-rpc,lsa,rdr,ipc,memory,files,associations,copies}" --rows "${ROWS:-}"  --lwio "$PWD/bin/lwio" --bulk "$bulk" --lwiod "127.0.0.1:$port" --lwiod-pid "$lwiod" --socket "$dir/sock" --user "$user" --password-file "$dir/password")
if command -v smbd >/dev/null && [ "$(id -u)" -eq 0 ]; then
	smbport=$(free)
	s=$dir/samba
	mkdir -p "$s"/{private,lock,state,cache,pid,log,ncalrpc,data}
	cat >"$s/smb.conf" <<CONF
[global]
  netbios name = BENCH
  server role = standalone server
  map to guest = never
  interfaces = 127.0.0.1/8
  bind interfaces only = yes
  smb ports = $smbport
  disable netbios = yes
  passdb backend = tdbsam:$s/private/passdb.tdb
  private dir = $s/private
  lock directory = $s/lock
  state directory = $s/state
  cache directory = $s/cache
  pid directory = $s/pid
  ncalrpc dir = $s/ncalrpc
  log file = $s/log/log.%m
  log level = 0
  load printers = no
  disable spoolss = yes
[data]
  path = $s/data
[bulk]
  path = $bulk/smbd
  read only = no
CONF
	printf '%s\n%s\n' "$password" "$password" | smbpasswd -c "$s/smb.conf" -s -a "$user" >/dev/null
	setsid smbd -F --no-process-group -s "$s/smb.conf" </dev/null >"$s/log/out" 2>&1 &
	pids+=("$!")
	args+=(--smbd-pid "$!")
	for _ in $(seq 200); do (exec 3<>"/dev/tcp/127.0.0.1/$smbport") 2>/dev/null && break; sleep 0.05; done
	args+=(--smbd "127.0.0.1:$smbport")
else
	echo "smbd is not installed or this is not root: measuring lwiod alone"
fi
go run ./test/bench "${args[@]}"
[ -z "${ONLY:-}" ] || exit 0
echo
go test -tags bench -count=1 -run NDR -bench InProcess -v ./test/bench | grep -E 'NDR (decode|encode|messages)|^BenchmarkInProcess.*ns/op'

# Session setups with Kerberos want a domain: lwiod on one host of it, smbd on another.
if [ "$(id -u)" -ne 0 ] || ! command -v samba-tool >/dev/null || ! command -v kinit >/dev/null || ! command -v winbindd >/dev/null || ! compgen -G '/lib/*/libnss_winbind.so.2' >/dev/null; then
	echo "no domain can be started here: session setups with Kerberos are not measured"
	exit 0
fi
lab=$(mktemp -d /tmp/lwbenchXXXX)
export LAB_PREFIX=b$((RANDOM % 10000))
endlab() { test/adlab/ad-down.sh "$lab" --purge >/dev/null 2>&1; cleanup; }
trap endlab EXIT
test/adlab/ad-up.sh "$lab" >"$lab.log" 2>&1 || { tail "$lab.log"; exit 1; }
test/adlab/ad-machine.sh "$lab" ours >>"$lab.log" 2>&1
. "$lab/env.sh"
$LAB_ENTER_MEMBER net ads join -U "Administrator%$LAB_ADMIN_PW" >>"$lab.log" 2>&1
$LAB_ENTER_MEMBER winbindd -D >>"$lab.log" 2>&1
$LAB_ENTER_MEMBER smbd -D >>"$lab.log" 2>&1
for _ in $(seq 50); do $LAB_ENTER_MEMBER wbinfo -p >/dev/null 2>&1 && break; sleep 0.1; done
mkdir -p "$lab/lwiod"
$LAB_ENTER_OURS "$PWD/bin/lwiod" --state "$lab/lwiod" --listen "$LAB_ADDR_OURS:445" --socket "$lab/lwiod/s" --log-level warn >>"$lab.log" 2>&1 &
for _ in $(seq 100); do [ -S "$lab/lwiod/s" ] && break; sleep 0.05; done
export KRB5CCNAME=FILE:$lab/cc
echo "$LAB_USER_PW" | $LAB_ENTER_DC kinit alice@LAB.TEST >>"$lab.log" 2>&1
go build -o "$lab/bench" ./test/bench
$LAB_ENTER_DC "$lab/bench" --kerberos --lwiod ours.lab.test:445 --smbd member.lab.test:445
