# The few commands of this project; the README shows them in use.
#
#   make run      installs what is missing, builds, starts a monolith on embedded defaults with something to see
#   make test     installs what is missing, builds, runs every test (TEST=release|asan|tsan for a part)
#   make build    binaries at build/bin
#   make soak     simulations of 10,000 seeds, 200 round trips of a node (half an hour)
#   make bench    mimird beside Prometheus and VictoriaMetrics (some minutes; BENCH="--quick" for a smaller size)
#   make docs     the pages that are generated from the code's declarations
#   make install  DESTDIR=/somewhere for packages
#   make deb      the Debian package, in build/

SHELL := /bin/bash
JOBS  ?= $(shell nproc)
PRESET ?= release
BENCH ?=

.PHONY: help build deps test-deps test soak run bench install deb format tidy docs clean

help:
	@sed -n '3,11p' Makefile | cut -c3-

deps:
	@tools/install-deps.sh build

test-deps:
	@tools/install-deps.sh build test
	@tools/fetch-peers.sh prometheus prometheus-node-exporter etcd-server

build: deps
	@tools/build.sh release $(JOBS)

test: test-deps
	@tools/test.sh $(TEST)

soak: build
	@build/bin/simulation_ring --seeds 10000 --large
	@python3 tests/bench/migration.py --rounds=200

run: build
	@tools/install-deps.sh run
	@tools/run.sh

bench: deps
	@tools/install-deps.sh build bench
	@tools/fetch-peers.sh prometheus victoria-metrics etcd-server
	@tools/build.sh release $(JOBS)
	@PATH="$(CURDIR)/build/peers/usr/bin:$$PATH" python3 tests/bench/run.py $(BENCH)

install: build
	@DESTDIR=$(DESTDIR) cmake --install build --prefix /usr

deb: deps
	@tools/install-deps.sh package
	@tools/build.sh release $(JOBS) mimird mimirctl generated_pages
	@cd build && cpack -G DEB

format:
	@git ls-files '*.cpp' '*.hpp' | xargs clang-format-19 -i

tidy: deps
	@tools/install-deps.sh tidy
	@cmake --preset tidy > /dev/null && cmake --build build-tidy -j $(JOBS)

docs: build
	@build/bin/mimird_docs options > docs/options.md
	@build/bin/mimird_docs admin-api > docs/admin-api.md
	@build/bin/mimirctl_docs markdown > docs/mimirctl.md

clean:
	@rm -rf build build-*
