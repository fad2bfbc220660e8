#!/usr/bin/env bash
# Runs the Go tests and closes with a line that counts passes, failures and skips; each skip is named.
set -uo pipefail
cd "$(dirname "$0")/.."
out=$(mktemp)
trap 'rm -f "$out"' EXIT
go test -json -timeout 10m "$@" ./... >"$out"
rc=$?
count() { grep -cE "\"Action\":\"$1\".*\"Test\":\"[^\"]+\"" "$out"; }
passed=$(count pass); failed=$(count fail); skipped=$(count skip)
if [ "$rc" -ne 0 ]; then
	# Output of packages that failed, build errors included.
	grep -E '"Action":"(output|build-output)"' "$out" | sed -E 's/.*"Output":"(.*)"\}$/\1/; s/\\n$//; s/\\t/\t/g; s/\\"/"/g; s/\\u003c/</g; s/\\u003e/>/g; s/\\u0026/\&/g' |
		grep -vE '^(=== (RUN|PAUSE|CONT|NAME)|--- PASS|ok |\?  |PASS)' | tail -n 400
fi
grep -E '"Action":"skip".*"Test":' "$out" | sed -E 's/.*"Package":"([^"]*)".*"Test":"([^"]*)".*/skipped: \1 \2/'
if [ "$rc" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
echo "$passed passed, $failed failed, $skipped skipped"
exit "$rc"
