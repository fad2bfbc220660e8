#!/usr/bin/env bash
# Runs every fuzz target for FUZZTIME, or with FUZZN for that many executions, one after the other. FUZZPKG is a pattern of packages, FUZZ a regular
# expression of targets. What is found lands in testdata/fuzz of the package.
#
# Only code of this module is instrumented: go test -fuzz does so with the standard library too, whose counters, looked at after each execution, take
# four fifths of the time.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${FUZZTIME:-30s}
[ -n "${FUZZN:-}" ] && time="${FUZZN}x"
cache=$(go env GOCACHE)/fuzz
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rc=0
for pkg in $(go list "${FUZZPKG:-./...}"); do
	dir=$(go list -f '{{.Dir}}' "$pkg")
	grep -qsE '^func Fuzz' "$dir"/*_test.go || continue
	go test -c -o "$work/test" -gcflags='lwio/...=-d=libfuzzer' "$pkg"
	for target in $(cd "$dir" && "$work/test" -test.list '^Fuzz' | grep -E "${FUZZ:-.}" || true); do
		echo "== $pkg $target"
		(cd "$dir" && "$work/test" -test.run '^$' -test.fuzz "^$target\$" -test.fuzztime "$time" -test.fuzzcachedir "$cache/$pkg") || rc=1
	done
done
exit "$rc"
