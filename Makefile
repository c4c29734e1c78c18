# SPDX-License-Identifier: GPL-2.0-or-later
#
# otori - decoy proxies that never relay. `make help` lists the targets.
#
# Sources are found by folder: a new .c file below collector/ needs no line here.

BUILD   ?= build
CC      ?= gcc
CLANG   ?= clang
BPFTOOL ?= bpftool
VERSION := $(shell cat VERSION)
PREFIX  ?= /usr/local

PKGS_RESPONDER := libbpf libzstd libseccomp libcap-ng
PKGS_OTORI     := $(PKGS_RESPONDER) libpq libpcap libcrypto libpcre2-8 gmime-3.0 libnl-3.0 libnl-genl-3.0 libnl-route-3.0 libmaxminddb libcares libpsl
pkg = $(shell pkg-config $(1) $(2) 2>/dev/null)
# Asked once; before `make deps` the answer is empty, and the make that builds is a new one.
INCLUDES       := $(patsubst -I%,-isystem %,$(call pkg,--cflags,$(PKGS_OTORI)))
LIBS_RESPONDER := $(call pkg,--libs,$(PKGS_RESPONDER))
LIBS_OTORI     := $(call pkg,--libs,$(PKGS_OTORI))

# A line a file; V=1 shows the commands.
say = $(if $(V),,@printf '  %-8s%s\n' '$(1)' '$(patsubst $(BUILD)/%,%,$@)';)

SANITIZE ?=
WARN     := -Wall -Wextra -Werror -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
CFLAGS   ?= -O2 -g
CFLAGS_OWN = -std=gnu11 $(WARN) -D_GNU_SOURCE -DOTORI_VERSION='"$(VERSION)"' -Iinclude -Icollector -I$(BUILD) \
	-fstack-protector-strong -fPIE -pthread $(SANITIZE) $(if $(SANITIZE),,-D_FORTIFY_SOURCE=2) \
	$(INCLUDES)
LDFLAGS_OWN = -pie -Wl,-z,relro,-z,now -pthread $(SANITIZE)

BPF_ARCH   := $(shell uname -m | sed 's/x86_64/x86/;s/aarch64/arm64/')
BPF_CFLAGS := -O2 -g -Wall -Wextra -Werror -target bpf -mcpu=v3 -D__TARGET_ARCH_$(BPF_ARCH) -Iinclude -Ibpf -I$(BUILD)
BPF_SOURCES := $(wildcard bpf/*.bpf.c)
BPF_OBJECTS := $(BPF_SOURCES:bpf/%.bpf.c=$(BUILD)/%.bpf.o)
SKELETONS   := $(BPF_SOURCES:bpf/%.bpf.c=$(BUILD)/%.skel.h)

MAINS       := collector/main.c collector/responder/main.c
LIB_SOURCES := $(filter-out $(MAINS),$(wildcard collector/*.c collector/*/*.c))
LIB_OBJECTS := $(LIB_SOURCES:%.c=$(BUILD)/obj/%.o)
UNIT_TESTS  := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/*.c))

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

help: ## this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

all: $(BUILD)/otori $(BUILD)/otori-responder $(BPF_OBJECTS) ## build everything (what it needs must be there: make deps)

$(BUILD)/vmlinux.h:
	@mkdir -p $(@D)
	$(call say,BTF)$(BPFTOOL) btf dump file $(if $(wildcard /sys/kernel/btf/vmlinux),/sys/kernel/btf/vmlinux,$(error this kernel has no BTF)) format c > $@

$(BUILD)/%.bpf.o: bpf/%.bpf.c $(BUILD)/vmlinux.h $(wildcard bpf/*.h include/otori/*.h)
	@mkdir -p $(@D)
	$(call say,BPF)$(CLANG) $(BPF_CFLAGS) -c $< -o $@

$(BUILD)/%.skel.h: $(BUILD)/%.bpf.o
	$(call say,SKEL)$(BPFTOOL) gen skeleton $< name $(notdir $*)_bpf > $@

$(BUILD)/obj/%.o: %.c | $(SKELETONS)
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CFLAGS) $(CFLAGS_OWN) -MMD -MP -c $< -o $@

# Migrations and exploit rules are put into the binary by the assembler, which tells no dependency.
$(BUILD)/obj/collector/database/migrations.o: $(wildcard schema/*.sql)
$(BUILD)/obj/collector/exploits/builtin.o: rules/exploit.rules

$(BUILD)/libotori.a: $(LIB_OBJECTS)
	@rm -f $@
	$(call say,AR)ar rcs $@ $^

$(BUILD)/otori: $(BUILD)/obj/collector/main.o $(BUILD)/libotori.a
	$(call say,LD)$(CC) $(CFLAGS) $^ $(LDFLAGS_OWN) $(LDFLAGS) $(LIBS_OTORI) -o $@

$(BUILD)/otori-responder: $(BUILD)/obj/collector/responder/main.o $(BUILD)/libotori.a
	$(call say,LD)$(CC) $(CFLAGS) $^ $(LDFLAGS_OWN) $(LDFLAGS) $(LIBS_RESPONDER) -o $@

$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/libotori.a
	@mkdir -p $(@D)
	$(call say,TEST)$(CC) $(CFLAGS) $(CFLAGS_OWN) -Itests/unit $< $(BUILD)/libotori.a $(LDFLAGS_OWN) $(LIBS_OTORI) -lcmocka -o $@

# These read files of the kernel module, too.
$(BUILD)/unit/kmod_parse: kmod/parse.c kmod/parse.h
$(BUILD)/unit/bpf_guard_cases: tests/kmod/guard_cases.h

# --- what a person calls ------------------------------------------------------------------------------------------

deps: ## install what building and running need (Debian packages, two system users, the database of countries)
	@scripts/deps build run

country-database: ## fetch the default database of countries (npm) into build/country.mmdb
	@scripts/country-database $(BUILD)/country.mmdb

# With IFACE and DECOYS the real thing; without, a lab in network namespaces with real clients.
run: ## IFACE=eth0 DECOYS=203.0.113.0/24: the sensor; without IFACE: a lab with real clients for LAB_SECONDS
	@scripts/deps build run
	@$(MAKE) --no-print-directory all
ifdef IFACE
	$(BUILD)/otori run --interface $(IFACE) --decoys $(or $(DECOYS),$(error DECOYS is missing: DECOYS=203.0.113.0/24)) $(RUN_OPTIONS)
else
	@tests/lab/run-lab
endif

CHECKS := unit order sanitize lab scenario kmod

check: ## all tests; the last line is: N passed, N failed, N skipped
	@scripts/deps build test
	@$(MAKE) --no-print-directory all unit-tests sanitize-tests
	@tests/run $(CHECKS)

CHECK_PARTS := $(addprefix check-,$(CHECKS))
$(CHECK_PARTS): check-%:
	@scripts/deps build test
	@$(MAKE) --no-print-directory all unit-tests $(if $(filter sanitize,$*),sanitize-tests)
	@tests/run $*

unit-tests: $(UNIT_TESTS)

# The same unit tests built with AddressSanitizer and UndefinedBehaviorSanitizer, in a folder of their own.
sanitize-tests:
	@$(MAKE) --no-print-directory BUILD=build/sanitize CFLAGS="-O1 -g" SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=all" \
		unit-tests

KERNEL_HEADERS ?= /lib/modules/$(shell uname -r)/build

kmod: ## the kernel module otori.ko for the running kernel (needs its headers): build/kmod/otori.ko
	@mkdir -p $(BUILD)/kmod/here && cp -ru Kbuild VERSION kmod include $(BUILD)/kmod/here/
	@$(MAKE) -C $(KERNEL_HEADERS) M=$(abspath $(BUILD)/kmod/here) modules
	@scripts/module-btf --for "$$(modinfo -F vermagic $(BUILD)/kmod/here/otori.ko | cut -d' ' -f1)" $(BUILD)/kmod/here/otori.ko || :
	@cp $(BUILD)/kmod/here/otori.ko $(BUILD)/kmod/otori.ko

dkms-package: ## the Debian package otori-dkms, which builds the module for each installed kernel
	@packaging/dkms/build

kmod-debug-kernel: ## the module's tests on a kernel 6.1 with KASAN, lockdep and kmemleak, which is built first (half an hour)
	@scripts/deps build test
	@GUEST_KERNEL="$$(tests/kmod/guest/debug-kernel)" tests/kmod/debug

soak: ## a sensor under visitors for SOAK_SECONDS, of which everything is killed again and again; are the books in order?
	@scripts/deps build test
	@$(MAKE) --no-print-directory all
	@tests/lab/run-soak

prove-no-relay: ## a page that says what was tried to make a sensor send more than answers, and what left
	@scripts/deps build run test
	@$(MAKE) --no-print-directory all
	@scripts/prove-no-relay

# The 2008 report's figures from generated captures, by the whole program; root, since the replay loads the XDP program.
npa2008: ## the acceptance scenario: generate, replay, enrich, and hold each figure against the expected one (needs root)
	@scripts/deps build test
	@$(MAKE) --no-print-directory all
	@tests/scenario/npa2008/run tests/scenario/npa2008/npa2008.plan build/npa2008

# Each file of tests/fuzz with libFuzzer, ASan and UBSan, on a library of its own; what it learnt lies in build/fuzz/corpus.
FUZZERS      := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzzer/%,$(wildcard tests/fuzz/*.c))
FUZZ_SECONDS ?= 60

fuzz: ## each fuzz target for FUZZ_SECONDS (60); status 0 where nothing was found
	@scripts/deps build test
	@$(MAKE) --no-print-directory all
	@$(MAKE) --no-print-directory BUILD=build/fuzz CC="$(CLANG)" CFLAGS="-O1 -g" WARN= \
		SANITIZE="-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all" fuzzers
	@for fuzzer in build/fuzz/fuzzer/*_fuzz; do \
		name=$$(basename $$fuzzer); seeds=tests/fuzz/$${name%_fuzz}_seeds; \
		mkdir -p build/fuzz/corpus/$$name; [ -d $$seeds ] || seeds=; \
		echo "fuzz: $$name, $(FUZZ_SECONDS) s"; \
		$$fuzzer -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -artifact_prefix=build/fuzz/ \
			build/fuzz/corpus/$$name $$seeds >build/fuzz/$$name.log 2>&1 || { tail -n 40 build/fuzz/$$name.log; exit 1; }; \
		grep number_of_executed_units build/fuzz/$$name.log; \
	done

fuzzers: $(FUZZERS)

$(BUILD)/fuzzer/%: tests/fuzz/%.c $(BUILD)/libotori.a
	@mkdir -p $(@D)
	$(call say,FUZZ)$(CC) $(CFLAGS) $(CFLAGS_OWN) -fsanitize=fuzzer -Itests/unit $< $(BUILD)/libotori.a $(LDFLAGS_OWN) $(LIBS_OTORI) -o $@

bench: ## figures against a peer in the same run: to the terminal and to build/bench.json
	@scripts/deps build bench
	@$(MAKE) --no-print-directory all
	@tests/bench/run

docs: $(BUILD)/otori ## make docs/schema.md anew out of the schema's comments
	@OTORI=$(BUILD)/otori scripts/with-database scripts/schema-page >$(BUILD)/schema.md && cp $(BUILD)/schema.md docs/schema.md

lint: ## clang-format, clang-tidy, shellcheck, sparse where they apply
	clang-format --dry-run -Werror $(wildcard collector/*.[ch] collector/*/*.[ch] bpf/*.[ch] include/otori/*.h tests/scenario/npa2008/*.[ch])
	shellcheck -x scripts/deps scripts/country-database scripts/schema-page scripts/with-database tests/run .ci/run $(wildcard tests/lab/lab.sh tests/lab/[0-9]*) tests/scenario/npa2008/run tests/scenario/npa2008/build

INSTALL_BIN   := $(DESTDIR)$(PREFIX)/bin
INSTALL_SHARE := $(DESTDIR)$(PREFIX)/share/otori

install: all ## install into PREFIX (/usr/local), with DESTDIR
	install -d $(INSTALL_BIN) $(INSTALL_SHARE)/schema $(INSTALL_SHARE)/rules
	install -m 755 $(BUILD)/otori $(BUILD)/otori-responder $(INSTALL_BIN)
	install -m 644 $(wildcard schema/*.sql) $(INSTALL_SHARE)/schema
	install -m 644 rules/exploit.rules $(INSTALL_SHARE)/rules
	[ ! -f $(BUILD)/country.mmdb ] || install -m 644 $(BUILD)/country.mmdb $(INSTALL_SHARE)

uninstall: ## remove what install put there
	rm -f $(INSTALL_BIN)/otori $(INSTALL_BIN)/otori-responder
	rm -rf $(INSTALL_SHARE)

clean: ## remove what was built
	rm -rf $(BUILD)

-include $(LIB_OBJECTS:.o=.d) $(BUILD)/obj/collector/main.d $(BUILD)/obj/collector/responder/main.d

.PHONY: all soak kmod dkms-package kmod-debug-kernel prove-no-relay npa2008 docs help deps country-database run check $(CHECK_PARTS) unit-tests sanitize-tests fuzz fuzzers bench lint install uninstall clean
