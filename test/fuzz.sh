#!/usr/bin/env bash
# Runs every fuzz target for FUZZTIME, or with FUZZN for that many executions, one after the other.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${FUZZTIME:-30s}
[ -n "${FUZZN:-}" ] && time="${FUZZN}x"
for pkg in $(go list ./...); do
	for target in $(go test -list '^Fuzz' "$pkg" 2>/dev/null | grep '^Fuzz' || true); do
		echo "== $pkg $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$pkg"
	done
done
