# bulkhead: `make help` lists the targets. No configure step, no recursion.
VARIANT ?= release
BUILD   := build/$(VARIANT)
VERSION := 0.1.0
COMMIT  := $(if $(wildcard .git),$(shell git rev-parse HEAD 2>/dev/null))
PREFIX  ?= /usr/local
DESTDIR ?=

CC      ?= gcc
CFLAGS.release  := -O2 -g
CFLAGS.asan     := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
CFLAGS.coverage := -O0 -g --coverage
# cmd/entry.c: the program's first instructions, before libc's
LDFLAGS.release  := -static-pie -Wl,-e,entry
LDFLAGS.asan     := -fsanitize=address,undefined -pie
LDFLAGS.coverage := --coverage -pie

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	-Wimplicit-fallthrough -Werror
HARDEN := -fPIE -fstack-protector-strong -fstack-clash-protection \
	-fcf-protection $(if $(filter release,$(VARIANT)),-D_FORTIFY_SOURCE=2)
# One section a function: what a static program does not use is left out.
override CFLAGS += -std=gnu11 $(CFLAGS.$(VARIANT)) $(WARN) $(HARDEN) \
	-ffunction-sections -fdata-sections
override CPPFLAGS += -I. -D_GNU_SOURCE -DBULKHEAD_VERSION='"$(VERSION)"' -MMD -MP
override LDFLAGS += $(LDFLAGS.$(VARIANT)) -Wl,-z,relro,-z,now,--gc-sections
LDLIBS := -lseccomp $(if $(filter release,$(VARIANT)),-lyajl_s,-lyajl) \
	-lz -llzma -llz4 -lzstd -lmd -lm

LIB_SRC := $(wildcard lib/*.c oci/*.c isolate/*.c runtime/*.c microvm/*.c \
	microvm/boot/*.c microvm/host/*.c microvm/virtio/*.c microvm/arch/x86/*.c)
CMD_SRC := $(filter-out cmd/guest_init.c,$(wildcard cmd/*.c))
GUEST_SRC := $(wildcard lib/*.c oci/*.c isolate/*.c runtime/agent_*.c runtime/guest/*.c) cmd/guest_init.c
LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/%.o)
CMD_OBJ := $(CMD_SRC:%.c=$(BUILD)/%.o)
INIT_OBJ := build/release/runtime/vm_init.o
HELPERS := $(patsubst tests/integration/%.c,$(BUILD)/helpers/%,$(wildcard tests/integration/*.c))
VM      := $(patsubst tests/vm/%.c,$(BUILD)/helpers/%,$(wildcard tests/vm/*.c))
GUESTS  := $(patsubst tests/vm/guest/%.c,$(BUILD)/helpers/guest-%,$(wildcard tests/vm/guest/*.c))
UNIT    := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
FUZZ    := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
SOURCES := $(wildcard $(addsuffix *.[ch],lib/ oci/ isolate/ runtime/ runtime/guest/ cmd/ \
	microvm/ microvm/boot/ microvm/host/ microvm/virtio/ microvm/arch/x86/))
MAN     := $(wildcard docs/man/*.8)

Q := $(if $(V),,@)
say = $(if $(V),,@echo "  $(1)	$(2)")

.DEFAULT_GOAL := all
.PHONY: all run kernel check unit lint tidy format format-check asan fuzz bench toc \
	compdb install uninstall clean help

all: $(BUILD)/bulkhead ## Build the program (VARIANT=release, asan or coverage)

run: ## Install what is missing, build, and run a busybox container (ISOLATION=vm: a micro-VM)
	@.ci/deps $(if $(filter vm,$(ISOLATION)),vm,run)
	@$(MAKE) --no-print-directory all
	@tests/demo $(BUILD)/bulkhead $(ISOLATION)

kernel: ## Build the small kernel of micro-VMs from Debian's source, once (~/.cache/bulkhead/vmlinux)
	@.ci/deps kernel
	@microvm/boot/build-kernel

check: ## Install what the tests need and run all that this machine can run
	@.ci/deps check
	@$(MAKE) --no-print-directory -j2 all unit
	@$(MAKE) --no-print-directory -j2 VARIANT=asan all unit
	@tests/run

unit: $(UNIT) $(HELPERS) $(VM) $(GUESTS) ## Build the unit tests and the helpers of the others

lint: ## Check layers, sizes and contracts, and print the gauges
	@tests/lint/run

tidy: compdb ## clang-tidy over all sources
	$(Q)clang-tidy --quiet -p . $(LIB_SRC) $(CMD_SRC)

format: ## Put all sources into the house's shape
	$(Q)clang-format -i $(SOURCES)

format-check: ## Tell which sources are not in the house's shape
	$(Q)clang-format --dry-run -Werror $(SOURCES)

asan: ## Build with AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) --no-print-directory VARIANT=asan all unit

fuzz: $(FUZZ) ## Run each fuzz target for SECONDS (60)
	@for f in $(FUZZ); do tests/fuzz/run $$f $(or $(SECONDS),60) || exit 1; done

bench: ## Compare with the peers, as ratios (build/bench/)
	@.ci/deps bench
	@$(MAKE) --no-print-directory all
	@tests/bench/run

toc: ## Print what each file is for
	@for f in $(SOURCES); do printf '%-28s %s\n' $$f "$$(sed -n '2s,^/\* \(.*\) \*/,\1,p' $$f)"; done

compdb: ## Write compile_commands.json
	$(Q)tests/lint/compdb "$(CC) $(CPPFLAGS) -DBULKHEAD_COMMIT=\"\" $(CFLAGS)" $(LIB_SRC) $(CMD_SRC) > compile_commands.json

install: all ## Install below $(DESTDIR)$(PREFIX)
	install -Dm755 $(BUILD)/bulkhead $(DESTDIR)$(PREFIX)/bin/bulkhead
	$(foreach m,$(MAN),install -Dm644 $(m) $(DESTDIR)$(PREFIX)/share/man/man8/$(notdir $(m));)

uninstall: ## Remove what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/bulkhead
	$(foreach m,$(MAN),rm -f $(DESTDIR)$(PREFIX)/share/man/man8/$(notdir $(m));)

clean: ## Remove all that was built
	rm -rf build compile_commands.json

help: ## Print this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

$(BUILD)/bulkhead: $(CMD_OBJ) $(LIB_OBJ) $(INIT_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# The guest's init: static, as there is no other file in the guest, and of one
# variant only, since no sanitizer can be in it. The program carries it as bytes.
ifeq ($(VARIANT),release)
build/release/bulkhead-init: $(GUEST_SRC:%.c=build/release/%.o)
	$(call say,LD,$@)
	$(Q)$(CC) -static -Wl,-z,relro,-z,now,--gc-sections,-s -o $@ $^ -lseccomp -lyajl_s -lm

$(INIT_OBJ): runtime/vm_init.S build/release/bulkhead-init
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(CC) -c -o $@ $<
else
$(INIT_OBJ): runtime/vm_init.S $(GUEST_SRC)
	@$(MAKE) --no-print-directory VARIANT=release $@
endif

# A test brings its own main; what parses options are the parts of cmd/ in it.
$(BUILD)/tests/%: $(BUILD)/tests/unit/%.o $(LIB_OBJ) $(INIT_OBJ) $(BUILD)/cmd/option.o $(BUILD)/cmd/limit.o
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(filter-out -Wl$(,)-e$(,)entry,$(LDFLAGS)) -o $@ $^ $(LDLIBS)

# Programs that drive a machine; they are made of the same parts.
$(VM): $(BUILD)/helpers/%: $(BUILD)/tests/vm/%.o $(LIB_OBJ) $(INIT_OBJ)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(filter-out -Wl$(,)-e$(,)entry,$(LDFLAGS)) -o $@ $^ $(LDLIBS)

# Guests without a kernel: what the machines of the tests run.
$(BUILD)/helpers/guest-%: tests/vm/guest/%.c microvm/layout.h
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) -std=gnu11 -I. -O1 -Wall -Wextra -static -nostdlib -ffreestanding -fno-pie -no-pie -fno-stack-protector \
	-fcf-protection=none -mno-red-zone -mgeneral-regs-only -Wl,-Ttext-segment=0x100000,-z,noseparate-code,--build-id=none -o $@ $<

# Static: they run in containers, and on the test host, as they are.
$(BUILD)/helpers/%: tests/integration/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) -std=gnu11 -O1 -Wall -static -o $@ $<

FUZZ_CC := clang -std=gnu11 -g -O1 -I. -D_GNU_SOURCE -MMD -MP

build/fuzz/%: tests/fuzz/%.c $(LIB_SRC:%.c=build/fuzz/obj/%.o) $(INIT_OBJ)
	@mkdir -p $(@D)
	$(call say,FUZZ,$@)
	$(Q)$(FUZZ_CC) -fsanitize=fuzzer,address,undefined -o $@ $^ -lseccomp -lyajl \
	-lz -llzma -llz4 -lzstd -lmd -lm

build/fuzz/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,FUZZ,$<)
	$(Q)$(FUZZ_CC) -fsanitize=fuzzer-no-link,address,undefined -c -o $@ $<

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# The commit is told where it is known; each new one builds this file again.
$(BUILD)/cmd/main.o: override CPPFLAGS += -DBULKHEAD_COMMIT='"$(COMMIT)"'
$(BUILD)/cmd/main.o: $(if $(COMMIT),$(wildcard $(shell git rev-parse --git-path logs/HEAD)))

# It runs before relocation, TLS and the stack protector.
$(BUILD)/cmd/entry.o: override HARDEN := -fPIE -fno-stack-protector -fcf-protection
$(BUILD)/cmd/entry.o: override CFLAGS.asan := -O2 -g

, := ,
.SECONDARY:
-include $(wildcard $(BUILD)/*/*.d $(BUILD)/*/*/*.d $(BUILD)/*/*/*/*.d)
