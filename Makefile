# make run     builds sluice and runs it on its embedded default: no root, no file, no port under 1024
# make test    installs what the tests need (as root; else names it), then vets, lints and tests everything
# make bench   benchmarks; make fuzz runs every fuzz target for FUZZTIME each
GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
FUZZTIME ?= 60s

.PHONY: build run test needs vet bench fuzz clean

build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/sluice ./cmd/sluice

run: build
	./bin/sluice run

test: needs vet
	$(GO) test -race -timeout 4m ./...
	$(GO) test -timeout 4m -run 'Alloc|Memory|Idle' ./... # what the race detector's own memory would hide

# Programs and files that the tests need, each with the Debian package it is in.
NEEDS = rsyslogd:rsyslog /usr/lib/*/rsyslog/lmnsd_gtls.so:rsyslog-gnutls logger:bsdutils python3:python3 gcc:gcc logrotate:logrotate mkfs.ext4:e2fsprogs openssl:openssl ip:iproute2 systemd-analyze:systemd setpriv:util-linux \
	redis-server:redis-server redis-sentinel:redis-sentinel /usr/lib/python3/dist-packages/redis:python3-redis /usr/lib/python3/dist-packages/zmq:python3-zmq \
	gunicorn:gunicorn uwsgi:uwsgi-core /usr/lib/uwsgi/plugins/python3_plugin.so:uwsgi-plugin-python3

needs:
	@missing=; for need in $(NEEDS); do \
		command -v $${need%%:*} >/dev/null || ls $${need%%:*} >/dev/null 2>&1 || missing="$$missing $${need##*:}"; \
	done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; \
	else \
		echo "the tests need these packages:$$missing" >&2; [ "$$CI" != true ]; \
	fi

vet:
	@unformatted=$$(gofmt -l cmd syslog ingest rules writer 2>/dev/null); \
	if [ -n "$$unformatted" ]; then echo "gofmt these:" $$unformatted >&2; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...

fuzz:
	@for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x $$package || exit 1; \
		done; \
	done

clean:
	rm -rf bin sluice-data
