# SPDX-License-Identifier: Apache-2.0

# Makefile - the short words.  What they mean is in CMakeLists.txt and in tools/.

PREFIX ?= /usr/local
DESTDIR ?=
SECONDS ?= 600
SEEDS ?= 100
POINTS ?= 500
COUNT ?= 1000
RESTARTS ?= 200
BROKERS ?= 100
SUITES ?=
FLOORS ?=

.DEFAULT_GOAL := build
.PHONY: build run test compat bench bench-help bench-scale coverage cross damage fault fuzz hostile sim \
        storm tidy format docs install deb deb-test help

help: ## Lists these words.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

build: ## Builds build/moldau (optimised).
	@tools/install-packages build
	@tools/build release moldau

run: build ## Builds, then runs a server in the foreground; data in ./moldau-data.
	@exec build/moldau server

test: ## Builds and runs every test; SUITES="unit tidy" runs some of them.
	@tools/install-packages test
	@tools/runtests $(SUITES)

compat: ## All of what is compared with Apache Kafka, and all clients; SUITES="codec facts" as for test.
	@tools/install-packages test
	@tools/install-packages compat
	@tools/build release
	@MOLDAU_SUITES=test/suites-compat MOLDAU_SUITE_LOGS=build/compat tools/runtests $(SUITES)

bench: build ## Measures build/moldau.
	@tools/install-packages bench
	@test/bench/run

bench-help: build ## Measures how long each command takes to answer --help.
	@tools/install-packages bench
	@test/bench/help

bench-scale: build ## Measures many groups and many partitions; KAFKA=4.4.0 beside us.
	@tools/install-packages bench
	@test/bench/scale $(if $(KAFKA),--kafka $(KAFKA))

fuzz: ## Fuzzes every target for SECONDS=600 in all.
	@tools/install-packages fuzz
	@tools/fuzz $(SECONDS)

hostile: ## Sends each of BROKERS=100 brokers 5,000 requests of an enemy.
	@tools/install-packages test
	@tools/build asan moldau
	@MOLDAU=$(CURDIR)/build-asan/moldau test/script/hostile.py --count $(BROKERS) --requests 5000

cross: ## Builds for 64-bit ARM, and runs the unit tests under emulation.
	@tools/install-packages cross
	@tools/build cross-aarch64
	@tools/suite/ctest cross-aarch64 unit

coverage: ## Prints how many lines of each floor its unit tests run; FLOORS="wire" lists its files.
	@tools/install-packages test
	@tools/coverage $(FLOORS)

fault: ## Cuts the power under ext4 and xfs at POINTS=500 points (as root).
	@tools/install-packages fault
	@tools/build release moldau logged_disk
	@test/fault/powercut.py --points $(POINTS)

damage: ## Damages one file of a folder and starts on it, COUNT=1000 times; notes what came of it.
	@tools/install-packages test
	@tools/build release moldau
	@test/fault/damage.py --count $(COUNT) --ledger
	@test/fault/ledger.py

storm: ## Restarts a broker RESTARTS=200 times under clients that are not; notes what came of it.
	@tools/install-packages test
	@tools/build release moldau
	@test/fault/storm.py --restarts $(RESTARTS) --ledger
	@test/fault/ledger.py

sim: ## Runs simulated clusters for the seeds 1 to SEEDS=100.
	@tools/install-packages build
	@tools/build asan moldau_sim
	@build-asan/test/scenario/moldau_sim --seeds=$(SEEDS)

tidy: ## Checks the rules that no compiler knows.
	@tools/install-packages tidy
	@tools/build release
	@tools/tidy/tidy

format: ## Formats the C files.
	@tools/install-packages tidy
	@git ls-files -z '*.c' '*.h' | xargs -0 clang-format-14 -i

docs: ## Prints docs/reference anew from the tables.
	@tools/install-packages docs
	@tools/build release refdoc
	@build/refdoc docs/reference
	@test/compat/program_table.py docs/reference/clients.md
	@tools/works

install: build ## Installs below PREFIX=/usr/local, in DESTDIR if given.
	@tools/build release libmoldau manual
	@DESTDIR="$(DESTDIR)" cmake --install build --prefix "$(PREFIX)"

deb: ## Makes Debian packages: build/deb/*.deb.
	@tools/install-packages deb
	@tools/build release moldau libmoldau manual
	@packaging/deb

deb-test: ## Installs, upgrades, removes and purges these in a clean Debian (as root).
	@tools/install-packages deb
	@tools/install-packages deb-test
	@tools/build release moldau libmoldau manual
	@test/script/deb_root.py
