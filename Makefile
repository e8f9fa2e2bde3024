# SPDX-License-Identifier: Apache-2.0
# Every rule of the project is in this file; the Kbuild files beside the sources hold lists only:
#   subdir-y        folders to read
#   lib-y           static libraries; <lib>-objs lists their objects
#   bpf-y           BPF objects; <object>-objs lists what is linked into them; each gets a skeleton
#   userprogs       programs; <program>-objs lists their objects, <program>-libs the libraries
#   fuzz-y          programs of userprogs that are fuzz targets
#   test-y          what `make check` runs natively; test-vm-y in each kernel's VM, and
#                   test-old-y in that of the oldest one; test-pbx-y with a real PBX, where one
#                   is installed
#
#   make                 everything            make check        all tests (installs what they need)
#   make demo            the main job          make check-fast   tests without virtual machines
#   make bench           side by side with nginx, HAProxy, stunnel and hitch; ONLY=scenario
#   make install         DESTDIR= PREFIX=      make clean
#   make fuzz            SECONDS=60 for each target, ONLY=target
#   make conformance     CASES=DIR  certificates that others made, and what they say of them
#   O=DIR  where to build (build)    V=1  show commands    SAN=1  with ASan and UBSan (build-san)

MAKEFLAGS += --no-builtin-rules --no-builtin-variables
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all
SHELL := /bin/bash

SAN ?=
V ?=
O ?= $(if $(SAN),build-san,build)
PREFIX ?= /usr/local
DESTDIR ?=
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(Q),@printf '  %-8s %s\n' $(1) $(patsubst $(O)/%,%,$(2)))

# bpftool lives in sbin, which is not on everybody's PATH
export PATH := $(PATH):/usr/sbin:/sbin

CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
AR := gcc-ar
CLANG ?= clang
LLVM_STRIP ?= llvm-strip
BPFTOOL ?= bpftool
PKG_CONFIG ?= pkg-config

# --- set-up: these goals install what is missing first, then make starts again ---------------
setup-goals := check check-fast demo bench conformance fuzz setup
ifneq ($(filter $(setup-goals),$(MAKECMDGOALS)),)
include $(O)/setup.mk
$(O)/setup.mk: packaging/packages packaging/install-packages
	@mkdir -p $(@D)
	@packaging/install-packages
	@echo '# the packages of packaging/packages are installed' > $@
endif

# --- flags ------------------------------------------------------------------------------------
packages := libbpf openssl libnl-3.0 libconfuse jansson libsystemd libseccomp libcap-ng
version := $(shell cat VERSION)

warnings := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wwrite-strings -Wformat=2 -Wundef -Wvla -Wpointer-arith -Wold-style-definition
CFLAGS ?= -O2 -g
comma := ,
sanitize := $(if $(SAN),-fsanitize=address$(comma)undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer)
hardening := -fstack-protector-strong -fPIE $(if $(SAN),,-D_FORTIFY_SOURCE=2)
all-cflags = $(CFLAGS) -std=gnu17 $(warnings) $(hardening) $(sanitize) -D_GNU_SOURCE \
	-DLINEWARDEN_VERSION='"$(version)"' -I. -I$(O) $(pkg-cflags)
all-ldflags = $(LDFLAGS) -pie -Wl,-z,relro,-z,now $(sanitize)
bpf-cflags := -target bpf -mcpu=v3 -O2 -g -std=gnu17 -Wall -Wextra -Werror -I. \
	-I/usr/include/$(shell $(CC) -print-multiarch 2>/dev/null)
pkg-cflags := $(shell $(PKG_CONFIG) --cflags $(packages) 2>/dev/null)
lib-flags-bpf := -lbpf
lib-flags-ssl := -lssl -lcrypto
lib-flags-crypto := -lcrypto
lib-flags-nl := -lnl-3
lib-flags-confuse := -lconfuse
lib-flags-jansson := -ljansson
lib-flags-systemd := -lsystemd
lib-flags-seccomp := -lseccomp
lib-flags-cap-ng := -lcap-ng

# --- the Kbuild lists -------------------------------------------------------------------------
libs :=
progs :=
objs :=
bpf-targets :=
tests-native :=
tests-vm :=
tests-old :=
tests-pbx :=
fuzz-targets :=
sbin-install :=
bin-install :=

# read-kbuild DIR/ : takes one folder's lists over, with its name before every entry
define read-kbuild
subdir-y :=
lib-y :=
bpf-y :=
userprogs :=
test-y :=
test-vm-y :=
test-old-y :=
test-pbx-y :=
fuzz-y :=
sbin-y :=
bin-y :=
include $(1)Kbuild
dirs-here := $$(addprefix $(1),$$(subdir-y))
libs += $$(addprefix $$(O)/$(1),$$(lib-y))
bpf-targets += $$(addprefix $$(O)/$(1),$$(bpf-y))
progs += $$(addprefix $$(O)/$(1),$$(userprogs))
fuzz-targets += $$(addprefix $(1),$$(fuzz-y))
tests-native += $$(foreach t,$$(test-y),$$(if $$(filter $$(t),$$(userprogs)),$$(O)/)$(1)$$(t))
tests-vm += $$(foreach t,$$(test-vm-y),$$(if $$(filter $$(t),$$(userprogs)),$$(O)/)$(1)$$(t))
tests-old += $$(foreach t,$$(test-old-y),$$(if $$(filter $$(t),$$(userprogs)),$$(O)/)$(1)$$(t))
tests-pbx += $$(addprefix $(1),$$(test-pbx-y))
$$(if $$(findstring ..,$$(foreach t,$$(lib-y) $$(bpf-y) $$(userprogs),$$($$(basename $$(t))-objs))),\
	$$(error $(1)Kbuild: objects of another folder belong into a library))
sbin-install += $$(addprefix $$(O)/$(1),$$(sbin-y))
bin-install += $$(addprefix $$(O)/$(1),$$(bin-y))
$$(foreach t,$$(lib-y) $$(bpf-y) $$(userprogs),\
	$$(eval objs-$$(O)/$(1)$$(t) := $$(addprefix $$(O)/$(1),$$($$(basename $$(t))-objs))) \
	$$(eval libs-$$(O)/$(1)$$(t) := $$($$(basename $$(t))-libs)))
$$(foreach d,$$(dirs-here),$$(eval $$(call read-kbuild,$$(d)/)))
endef
$(eval $(call read-kbuild,))

skeletons := $(bpf-targets:.bpf.o=.skel.h)
objs := $(sort $(foreach t,$(libs) $(progs),$(filter $(O)/%,$(objs-$(t)))))

# --- what depends on what ---------------------------------------------------------------------
.PHONY: all bench bench-chart check check-fast conformance demo fuzz install clean setup FORCE
all: $(progs)

# One stamp of all flags: when they change, everything that was built with them is built again.
flags-now = $(CC) $(all-cflags) $(all-ldflags) $(CLANG) $(bpf-cflags)
$(O)/.flags: FORCE
	@mkdir -p $(@D)
	@$(PKG_CONFIG) --exists $(packages) || \
		{ echo 'libraries are missing; `make setup` installs them' >&2; exit 1; }
	@echo '$(subst ','\'',$(flags-now))' | cmp -s - $@ || echo '$(subst ','\'',$(flags-now))' > $@

$(O)/%.bpf.o: %.bpf.c $(O)/.flags
	$(call say,CLANG,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(bpf-cflags) -MMD -MP -c $< -o $@
	$(Q)$(LLVM_STRIP) -g $@

define rule-bpf-link
$(1): $$(objs-$(1)) $(O)/.flags
	$$(call say,BPFLINK,$$@)
	$(Q)$(BPFTOOL) gen object $$@ $$(objs-$(1))
endef
$(foreach t,$(bpf-targets),$(eval $(call rule-bpf-link,$(t))))

$(skeletons): $(O)/%.skel.h: $(O)/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $(notdir $*) > $@

$(O)/%.o: %.c $(O)/.flags | $(skeletons)
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(all-cflags) -MMD -MP -c $< -o $@

define rule-lib
$(1): $$(objs-$(1))
	$$(call say,AR,$$@)
	$(Q)rm -f $$@ && $(AR) rcs $$@ $$(objs-$(1))
endef
$(foreach t,$(libs),$(eval $(call rule-lib,$(t))))

# <program>-libs names our own libraries by path (policy/libpolicy.a) and others by their name
define rule-prog
$(1): $$(objs-$(1)) $$(addprefix $(O)/,$$(filter %.a,$$(libs-$(1)))) $(O)/.flags
	$$(call say,LD,$$@)
	$(Q)$(CC) $$(all-ldflags) -o $$@ $$(filter %.o,$$^) $$(filter %.a,$$^) \
		$$(foreach l,$$(filter-out %.a,$$(libs-$(1))),$$(lib-flags-$$(l)))
endef
$(foreach t,$(progs),$(eval $(call rule-prog,$(t))))

-include $(objs:.o=.d) $(foreach t,$(bpf-targets),$(patsubst %.o,%.d,$(objs-$(t))))

# --- goals ------------------------------------------------------------------------------------
setup:
	@echo 'all packages are installed'

# HARNESS_TIME_SCALE: the sanitizers make everything slower
check-environment = O=$(O) TESTS_NATIVE='$(tests-native)' TESTS_VM='$(tests-vm)' \
	TESTS_OLD='$(tests-old)' TESTS_PBX='$(tests-pbx)' \
	$(if $(SAN),HARNESS_TIME_SCALE=3)

check: all
	$(Q)$(check-environment) tests/check

check-fast: all
	$(Q)$(check-environment) tests/check --fast

demo: all
	$(Q)O=$(O) tests/demo/run

bench: all
	$(Q)packaging/install-packages bench
	$(Q)O=$(O) tests/bench/bench.py $(if $(ONLY),--only '$(ONLY)')

# docs/benchmarks.svg, of the figures that make bench has left
bench-chart:
	$(Q)O=$(O) tests/bench/bench.py --chart docs/benchmarks.svg

# The targets once more, with clang's libFuzzer and the sanitizers: a build of its own in $(O)/fuzz
SECONDS ?= 60
fuzz: all
	$(Q)nice $(MAKE) --no-print-directory O=$(O)/fuzz SAN=1 CC=$(CLANG) warnings= \
		CFLAGS='-O1 -g -fsanitize=fuzzer-no-link' LDFLAGS=-fsanitize=fuzzer \
		$(addprefix $(O)/fuzz/,$(fuzz-targets))
	$(Q)O=$(O) tests/fuzz/run $(SECONDS) $(if $(ONLY),$(ONLY),$(notdir $(fuzz-targets)))

# CASES: a folder of cases; the program that asks them is in it, or beside it
conformance-program := $(firstword $(wildcard $(CASES)/../conform.py $(CASES)/conform.py))
conformance: all
ifeq ($(CASES),)
	@echo 'conformance: name the folder of cases: make conformance CASES=DIR' >&2; exit 2
else
	$(Q)if [ -n '$(conformance-program)' ]; then \
		/usr/bin/python3 '$(conformance-program)' --cases '$(CASES)' -- $(O)/tools/linewarden check; \
	else \
		echo 'conformance: skipped, no conform.py in $(CASES) or beside it'; \
	fi
endif

install: all
	$(Q)install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/share/man/man5 \
		$(DESTDIR)$(PREFIX)/share/man/man8 $(DESTDIR)$(PREFIX)/lib/systemd/system \
		$(DESTDIR)$(PREFIX)/lib/sysusers.d $(DESTDIR)$(PREFIX)/share/doc/linewarden/examples \
		$(DESTDIR)$(PREFIX)/share/doc/linewarden/recipes
	$(Q)install -m 755 $(sbin-install) $(DESTDIR)$(PREFIX)/sbin
	$(Q)install -m 644 docs/man/*.5 $(DESTDIR)$(PREFIX)/share/man/man5
	$(Q)install -m 644 docs/man/*.8 $(DESTDIR)$(PREFIX)/share/man/man8
	$(Q)for unit in packaging/*.service; do \
		sed 's#@sbindir@#$(PREFIX)/sbin#' $$unit \
			> $(DESTDIR)$(PREFIX)/lib/systemd/system/$${unit##*/} || exit 1; done
	$(Q)install -m 644 packaging/sysusers.d/linewarden.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d
	$(Q)install -m 644 README.md LICENSE docs/architecture.md docs/adoption.md docs/benchmarks.md \
		docs/benchmarks.svg packaging/linewarden.conf $(DESTDIR)$(PREFIX)/share/doc/linewarden
	$(Q)install -m 644 docs/examples/*.conf $(DESTDIR)$(PREFIX)/share/doc/linewarden/examples
	$(Q)cd docs/examples/systemd && find . -name '*.conf' -exec install -D -m 644 {} \
		$(abspath $(DESTDIR)$(PREFIX))/share/doc/linewarden/examples/systemd/{} \;
	$(Q)install -m 644 docs/recipes/*.md $(DESTDIR)$(PREFIX)/share/doc/linewarden/recipes

clean:
	$(Q)rm -rf $(O)
