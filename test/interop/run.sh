#!/usr/bin/env bash
# Runs the real peers against a lwiod of this tree, on loopback. What a peer that is not installed would have tested is skipped by name.
set -uo pipefail
cd "$(dirname "$0")/../.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export LWIO_BIN=${LWIO_BIN:-$PWD/bin}
rc=0
for shape in together apart; do
	echo "== the daemons $shape"
	LWIO_SHAPE=$shape go test -tags interop -count=1 -timeout 30m -v "$@" ./test/interop | tee -a "$log" | grep -vE '^=== (RUN|PAUSE|CONT|NAME)|^ *--- PASS'
	[ "${PIPESTATUS[0]}" -eq 0 ] || rc=1
done
count() { grep -cE "^ *--- $1: " "$log"; }
grep -E '^ *--- SKIP: ' "$log" | sed 's/^ *--- SKIP: /skipped: /'
echo "$(count PASS) passed, $(count FAIL) failed, $(count SKIP) skipped"
exit "$rc"
