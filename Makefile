# make help lists what there is.
SHELL := /bin/bash
GO ?= go
RACE ?=
BIN := bin
IDL := $(sort $(wildcard idl/*.idl))

.DEFAULT_GOAL := help
.PHONY: help build run test bigendian bvt stress bench fuzz interop generate lint clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-10s %s\n", $$1, $$2}'

build: ## bin/lwiod, lsassd, srvsvcd, lwio, idlc
	CGO_ENABLED=0 $(GO) build -trimpath -o $(BIN)/ ./cmd/lwiod ./cmd/lsassd ./cmd/srvsvcd ./cmd/lwio ./cmd/idlc

run: build ## start an all-in-one lwiod on 127.0.0.1:4450 and print what to try
	@test/run.sh

test: ## the tests that need Go alone (RACE=1 for the race detector)
	@test/gotest.sh $(if $(RACE),-race)

interop: build ## smbclient, rpcclient, net, impacket and smbtorture against lwiod
	@test/interop/run.sh

# Without inlining, since Go 1.26 does not assemble what it makes of package smb2's tests for s390x.
bigendian: ## the codecs' tests on an emulated s390x (qemu-user-static)
	GOARCH=s390x CGO_ENABLED=0 $(GO) test -gcflags=lwio/iomgr/smb2=-l -exec qemu-s390x-static ./iomgr/nt ./iomgr/api ./iomgr/smb2/... ./rpc/ndr ./rpc/pdu ./idl

bvt: test interop ## test and interop

stress: build ## bounded load with faults; clients of one server for STRESS_TIME (default 10m)
	$(GO) test -count=1 -timeout 20m -tags stress -run 'Stress' ./test/hostile/... ./iomgr/... ./pipes/... ./rpc/... ./services/...
	STRESS_TIME=$${STRESS_TIME:-10m} $(GO) test -race -count=1 -v -timeout 60m -run 'Stress' ./test/stress

bench: build ## rates beside smbd and go-msrpc in one run
	@test/bench/run.sh

fuzz: ## every fuzz target for FUZZTIME (default 30s)
	@test/fuzz.sh

generate: ## gen/ from idl/
	$(GO) run ./cmd/idlc gen -o gen $(IDL)

lint: ## gofmt, vet, staticcheck
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo 'gofmt wants to change:'; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

clean: ## remove what was built
	rm -rf $(BIN)
