# Mist: one build file.  `make help` lists the targets.
B       ?= build
CC      ?= gcc
OPT     ?= -O2 -g
WARN    := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Werror
CFLAGS  := -std=c11 -ffp-contract=off $(OPT) $(WARN) -D_POSIX_C_SOURCE=200809L -I. $(EXTRA)

STACK   := $(wildcard stack/*.c)
NAT     := $(wildcard nat-models/*.c)
SIM     := $(filter-out sim/mistsim.c,$(wildcard sim/*.c sim/native/*.c))
HOST    := $(filter-out stack/host/mist.c,$(wildcard stack/host/*.c))
TESTS   := $(wildcard stack/test/test_*.c stack/host/test/test_*.c nat-models/test/test_*.c \
             sim/test/test_*.c sim/native/test/test_*.c analysis/test/test_*.c)

obj      = $(patsubst %.c,$(B)/obj/%.o,$(1))
LIBS    := $(B)/libsim.a $(B)/libnat.a $(B)/libhost.a $(B)/libstack.a
SYSLIBS := -lyaml -lsqlite3 -luv -lsodium -ldl -lm -lpthread
TESTBIN := $(patsubst %.c,$(B)/%,$(TESTS))

all: $(B)/mistsim $(B)/mist

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -MMD -MP -c $< -o $@

$(B)/libstack.a: $(call obj,$(STACK))
$(B)/libnat.a: $(call obj,$(NAT))
$(B)/libsim.a: $(call obj,$(SIM))
$(B)/libhost.a: $(call obj,$(HOST))
$(B)/lib%.a:
	@rm -f $@; mkdir -p $(@D)
	ar rcs $@ $^

$(B)/mistsim: $(call obj,sim/mistsim.c) $(LIBS)
	$(CC) $(CFLAGS) -rdynamic -o $@ $< -Wl,--start-group $(LIBS) -Wl,--end-group $(SYSLIBS)
$(B)/mist: $(call obj,stack/host/mist.c) $(B)/libhost.a $(B)/libstack.a
	$(CC) $(CFLAGS) -o $@ $< $(B)/libhost.a $(B)/libstack.a -luv -lsodium

$(B)/%: $(B)/obj/%.o $(LIBS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -rdynamic -o $@ $< -Wl,--start-group $(LIBS) -Wl,--end-group $(SYSLIBS) -lcmocka

test: $(TESTBIN)
	@set -e; for t in $^; do echo "== $$t"; ./$$t; done

clean:
	rm -rf $(B)

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
.PHONY: all test clean
.SECONDARY:
