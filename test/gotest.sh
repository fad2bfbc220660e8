#!/usr/bin/env bash
# Runs the Go tests and closes with a line that counts passes, failures and skips; each skip is named.
set -uo pipefail
cd "$(dirname "$0")/.."
go test -json -timeout 10m "$@" ./... | go run ./test/report
rc=("${PIPESTATUS[@]}")
[ "${rc[0]}" -eq 0 ] && [ "${rc[1]}" -eq 0 ]
