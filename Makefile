# bulkhead: `make help` lists the targets. No configure step, no recursion.
VARIANT ?= release
BUILD   := build/$(VARIANT)
VERSION := 0.1.0
PREFIX  ?= /usr/local
DESTDIR ?=
ISOLATION ?= container

CC      ?= gcc
CFLAGS.release := -O2 -g
CFLAGS.asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
CFLAGS.coverage := -O0 -g --coverage
# cmd/entry.c: the program's first instructions, before libc's
LDFLAGS.release := -static-pie -Wl,-e,entry
LDFLAGS.asan    := -fsanitize=address,undefined -pie
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
LDLIBS := -lseccomp $(if $(filter release,$(VARIANT)),-lyajl_s,-lyajl) -lm

LIB_SRC := $(wildcard lib/*.c oci/*.c isolate/*.c runtime/*.c)
CMD_SRC := $(wildcard cmd/*.c)
LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/%.o)
CMD_OBJ := $(CMD_SRC:%.c=$(BUILD)/%.o)
UNIT    := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
FUZZ    := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

Q := $(if $(V),,@)
say = $(if $(V),,@echo "  $(1)	$(2)")

.DEFAULT_GOAL := all
.PHONY: all
all: $(BUILD)/bulkhead ## Build the program into build/release

$(BUILD)/bulkhead: $(CMD_OBJ) $(LIB_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# It runs before relocation, TLS and the stack protector.
$(BUILD)/cmd/entry.o: override HARDEN := -fPIE -fno-stack-protector -fcf-protection

-include $(wildcard $(BUILD)/*/*.d)
