# make run     builds sluice and runs it on its embedded default: no root, no file, no port under 1024
# make test    installs what the tests need (as root; else names it), then vets, lints and tests everything
# make bench   has sluice and rsyslogd do the same jobs in turn, ROUNDS times, and writes .bench/table.md and chart.svg
# make soak    has everything go wrong at once for SOAK (10m, 8h), and accounts for each acknowledged message; make test has a minute of it
# make microbench runs the Go benchmarks; make fuzz every fuzz target for FUZZTIME each
# make install puts the program, units, man pages, completions and examples below DESTDIR, as Debian has them
# make deb     dist/*.deb for each of ARCHES; make dist the same as tarballs, with their sums
GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
FUZZTIME ?= 60s
BIN      ?= bin
DIST     ?= dist
ARCHES   ?= amd64 arm64

# Where make install puts things.
prefix     ?= /usr
bindir     ?= $(prefix)/bin
datadir    ?= $(prefix)/share
sysconfdir ?= /etc
unitdir    ?= $(prefix)/lib/systemd/system
docdir     ?= $(datadir)/doc/sluice

.PHONY: build run test needs vet bench soak microbench fuzz clean docs install files dist deb

BUILD = CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '-s -w -X main.version=$(VERSION)'

build:
	$(BUILD) -o $(BIN)/sluice ./cmd/sluice

run: build
	$(BIN)/sluice run

NFPM = $(GO) tool -modfile=.tools/go.mod nfpm

test: needs vet
	$(NFPM) --version >/dev/null # built now: no test's time is spent on it
	$(GO) test -race -timeout 8m ./...
	$(GO) test -timeout 7m -run 'Alloc|Memory|Idle|Garbage|Latency|Ready' ./... # what the race detector's own memory would hide

# Programs and files that the tests need, each with the Debian package it is in.
NEEDS = rsyslogd:rsyslog /usr/lib/*/rsyslog/lmnsd_gtls.so:rsyslog-gnutls logger:bsdutils python3:python3 gcc:gcc logrotate:logrotate mkfs.ext4:e2fsprogs openssl:openssl ip:iproute2 systemd-analyze:systemd systemd-socket-activate:systemd setpriv:util-linux man:man-db zsh:zsh fish:fish dpkg-deb:dpkg lintian:lintian busybox:busybox-static docker-compose:docker-compose /etc/ssl/certs/ca-certificates.crt:ca-certificates \
	redis-server:redis-server redis-sentinel:redis-sentinel /usr/lib/python3/dist-packages/redis:python3-redis /usr/lib/python3/dist-packages/zmq:python3-zmq \
	supervisord:supervisor gunicorn:gunicorn uwsgi:uwsgi-core /usr/lib/uwsgi/plugins/python3_plugin.so:uwsgi-plugin-python3

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
	$(GO) vet -race ./...
	$(GO) vet ./... # some tests are for one of the two
	$(GO) tool staticcheck ./...

ROUNDS ?= 3
bench: needs build
	$(GO) test -count 1 -timeout 60m -run '^TestContests$$' -v ./cmd/sluice -contest $(ROUNDS)

# It ends by itself: no time limit knows how long SOAK is. SEED repeats the order of another run's faults.
SOAK ?= 10m
SEED ?= 0
soak: needs
	$(GO) test -count 1 -timeout 0 -run '^TestSoak$$' -v ./cmd/sluice -soak $(SOAK) -soak-seed $(SEED)

microbench:
	$(GO) test -run '^$$' -bench . -benchmem ./...

fuzz:
	@for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x $$package || exit 1; \
		done; \
	done

# The same commit gives the same bytes: the date of all that is made is the commit's.
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || date -r CHANGELOG.md +%s)
docs install dist deb: export SOURCE_DATE_EPOCH := $(SOURCE_DATE_EPOCH)

# Man pages and completions, as this machine's build of sluice writes them.
docs:
	rm -rf $(BIN)/docs && mkdir -p $(BIN)/docs
	GOOS= GOARCH= $(BUILD) -o $(BIN)/docs/sluice ./cmd/sluice
	$(BIN)/docs/sluice man $(BIN)/docs/man
	for shell in bash zsh fish; do $(BIN)/docs/sluice completion $$shell >$(BIN)/docs/completion.$$shell || exit 1; done

install: build docs files

# What make install and make deb have in common: BINARY and what docs made, at their places below DESTDIR.
BINARY ?= $(BIN)/sluice
PUT     = install -D -m 644
files:
	install -D -m 755 $(BINARY) $(DESTDIR)$(bindir)/sluice
	for unit in service socket; do \
		$(PUT) systemd/sluice.$$unit $(DESTDIR)$(unitdir)/sluice.$$unit && \
		sed -i 's|/usr/bin/|$(bindir)/|' $(DESTDIR)$(unitdir)/sluice.$$unit || exit 1; \
	done
	install -d -m 755 $(DESTDIR)$(sysconfdir)/sluice/conf.d
	test -e $(DESTDIR)$(sysconfdir)/sluice/sluice.yaml || $(PUT) etc/packaged.yaml $(DESTDIR)$(sysconfdir)/sluice/sluice.yaml
	for page in $(BIN)/docs/man/*.1; do $(PUT) $$page $(DESTDIR)$(datadir)/man/man1/$${page##*/} || exit 1; done
	gzip -9nf $(DESTDIR)$(datadir)/man/man1/sluice*.1
	$(PUT) $(BIN)/docs/completion.bash $(DESTDIR)$(datadir)/bash-completion/completions/sluice
	$(PUT) $(BIN)/docs/completion.zsh $(DESTDIR)$(datadir)/zsh/vendor-completions/_sluice
	$(PUT) $(BIN)/docs/completion.fish $(DESTDIR)$(datadir)/fish/vendor_completions.d/sluice.fish
	$(PUT) README.md $(DESTDIR)$(docdir)/README.md
	gzip -9nf $(DESTDIR)$(docdir)/README.md
	for example in etc/* systemd/dynamic-user.conf; do $(PUT) $$example $(DESTDIR)$(docdir)/examples/$${example##*/} || exit 1; done

# One tarball for each architecture: the program, and all that make install has beside it, in a folder of its own.
TAR = tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@$(SOURCE_DATE_EPOCH) --format=gnu
dist: docs
	for arch in $(ARCHES); do \
		name=sluice-$(VERSION)-linux-$$arch && to=$(DIST)/$$name && rm -rf $$to && mkdir -p $$to/man/man1 $$to/completion && \
		GOOS=linux GOARCH=$$arch $(BUILD) -o $$to/sluice ./cmd/sluice && \
		cp -r LICENSE CHANGELOG.md README.md etc systemd $$to && \
		cp $(BIN)/docs/man/*.1 $$to/man/man1 && cp $(BIN)/docs/completion.* $$to/completion && \
		chmod -R u=rwX,go=rX $$to && \
		$(TAR) -C $(DIST) -c $$name | gzip -9n >$$to.tar.gz && rm -r $$to || exit 1; \
	done
	cd $(DIST) && sha256sum sluice-$(VERSION)-linux-*.tar.gz >SHA256SUMS

# A version for dpkg begins with a digit and has no - of its own. Before the first tag it is 0, the commit's date and its name.
DEB_VERSION ?= $(shell echo '$(VERSION)' | sed -E "s/^v([0-9])/\1/; t number; s/^/0~$$(date -u -d @$(SOURCE_DATE_EPOCH) +%Y%m%d%H%M)./; :number; s/-/+/g")
MAINTAINER  ?= $(shell git log -1 --format='%an <%ae>' 2>/dev/null)
deb: export DEB_VERSION := $(DEB_VERSION)
deb: export MAINTAINER := $(MAINTAINER)
deb: docs
	for arch in $(ARCHES); do \
		export ARCH=$$arch ROOT=$(DIST)/deb-$$arch && rm -rf $$ROOT && \
		GOOS=linux GOARCH=$$arch $(BUILD) -o $(BIN)/$$arch/sluice ./cmd/sluice && \
		$(MAKE) -s files BINARY=$(BIN)/$$arch/sluice DESTDIR=$$ROOT && \
		.tools/deb/documents $$ROOT && \
		$(NFPM) package -f .tools/deb/nfpm.yaml -p deb -t $(DIST) && rm -r $$ROOT || exit 1; \
	done

clean:
	rm -rf bin dist sluice-data
