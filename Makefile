# Mist: one build file.  `make help` lists the targets.
#
# B=DIR builds elsewhere, CC=clang with another compiler, OPT="-O0 -g" otherwise
# optimised; changing CC or flags rebuilds.  Sources are found by their folder.
B       ?= build
PREFIX  ?= /usr/local
SCENARIO ?= scenarios/quickstart.yaml
FUZZ_RUNS ?= 20000
ifeq ($(origin CC),default)
CC      := gcc
endif
OPT     ?= -O2 -g
WARN    := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Werror
CFLAGS  := -std=c11 -ffp-contract=off $(OPT) $(WARN) -D_POSIX_C_SOURCE=200809L -I. $(EXTRA)
GSLLIBS := -lgsl -lgslcblas -lsqlite3 -lyaml -lm
SYSLIBS := -lyaml -lsqlite3 -luv -lsodium -ljansson -lminiupnpc -lnatpmp -ldl -lm -lpthread
# The ns-3 engine alone is C++, and only where ns-3 is (NS3= leaves it out).
CXX     := $(if $(findstring clang,$(CC)),clang++,g++)
CXXFLAGS := -std=c++17 $(OPT) -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -I. $(EXTRA)
# What C++ alone can do wrong needs a runtime that C programs, which load this, do not have.
ifneq ($(findstring -fsanitize,$(EXTRA)),)
CXXFLAGS += -fno-sanitize=vptr,function
endif
NS3LIBS := $(addprefix -lns3-,core network internet point-to-point csma traffic-control \
    flow-monitor fd-net-device)
# What a core loaded from libmist.so needs of the program that loads it.
EXPORT  := -Wl,--export-dynamic-symbol=check_failed

ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif

STACK   := $(wildcard stack/*.c)
NS3     := $(if $(wildcard /usr/include/ns3/core-module.h),yes)
NAT     := $(wildcard nat-models/*.c)
SIM     := $(filter-out sim/mistsim.c sim/natbox/natbox.c,$(wildcard sim/*.c sim/native/*.c \
    sim/natbox/*.c sim/netns/*.c))
ANALYSIS := $(filter-out analysis/analysis.c,$(wildcard analysis/*.c))
HOST    := $(filter-out stack/host/mist.c,$(wildcard stack/host/*.c))
NS3CC   := $(wildcard sim/ns3/*.cc)
NS3C    := $(filter-out sim/ns3/example.c,$(wildcard sim/ns3/*.c))
# What every engine needs and a plug-in brings along.
NS3WITH := sim/draw.c sim/fixed.c sim/latency.c sim/trace.c stack/addr.c \
    $(addprefix sim/native/,directory.c links.c memory.c pieces.c)
FOLDERS := stack stack/host nat-models sim sim/native sim/natbox sim/netns analysis \
    $(if $(NS3),sim/ns3)
TESTS   := $(wildcard $(FOLDERS:=/test/test_*.c))
STATISTICS = $(filter $(B)/analysis/test/test_stat_%,$(TESTBIN))
STORIES := $(wildcard $(FOLDERS:=/test/test_story_*.c))
SCRIPTS := $(wildcard $(FOLDERS:=/test/test_*.sh))
SMOKE   := $(wildcard scenarios/smoke/*.yaml scenarios/matrix/*.yaml scenarios/regress/*.yaml)
STUDY   := $(wildcard scenarios/study/*.yaml)
FUZZERS := $(wildcard $(FOLDERS:=/test/fuzz_*.c)) .ci/fuzz_canary.c

obj      = $(patsubst %.c,$(B)/obj/%.o,$(1))
LIBS    := $(B)/libsim.a $(B)/libnat.a $(B)/libhost.a $(B)/libstack.a
LINKED  := -Wl,--start-group $(LIBS) -Wl,--end-group
TESTBIN := $(patsubst %.c,$(B)/%,$(TESTS))
FUZZBIN := $(patsubst %.c,$(B)/%,$(FUZZERS))
NETPROBE := $(B)/nat-models/test/netprobe
UDPLOAD := $(B)/stack/host/test/udpload
EXAMPLE := $(B)/stack/test/example
BINARIES := mistsim mistsim-analysis mist natbox
# Cores that play false, for scenarios: the core behind functions of another file.
HOSTILE := $(patsubst sim/hostile/%.c,libmist-%.so,$(wildcard sim/hostile/*.c))
PLUGINS := $(HOSTILE) $(if $(NS3),engine-ns3.so libns3c.so)
# The translator alone, for programs of others: nat-models/README.md.
NATLIB  := $(B)/libmist-nat.a
NATHEADERS := $(addprefix nat-models/,nat.h policy.h nat64.h upnp.h) \
    $(addprefix stack/,addr.h units.h check.h)
PROGRAMS := $(NATLIB) $(addprefix $(B)/,$(BINARIES) libmist.so $(PLUGINS) $(if $(NS3),ns3c-example))

all: $(PROGRAMS) $(B)/stamp/docs	## build mistsim, mist, libmist.so and their manual
	$(if $(NS3),,@echo "left out: the engine ns3 (for it: .ci/deps ns3, then make again)")

help:	## this list
	@awk -F ':.*## *' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' Makefile
	@echo "variables: NS3 B CC OPT EXTRA SCENARIO SEED FUZZ_RUNS PREFIX DESTDIR"

run: all	## install what is missing, build, run SCENARIO (quickstart), print the summary
	$(B)/mistsim run $(SCENARIO) $(if $(SEED),--seed $(SEED))

report: all	## run SCENARIO unless that is done, and make its page: results/NAME-report
	$(B)/mistsim run $(SCENARIO) $(if $(SEED),--seed $(SEED)) || [ $$? = 1 ]
	$(B)/mistsim report results/$(basename $(notdir $(SCENARIO))).db

test: $(TESTBIN) $(PROGRAMS) $(NETPROBE) $(EXAMPLE)	## build and run every test
	@.ci/test $(B) $(TESTBIN) $(SCRIPTS)

test-linux: $(PROGRAMS) $(NETPROBE) | deps-linux	## beside the kernel; programs behind natbox
	@.ci/test $(B) nat-models/test/test_linux.sh sim/natbox/test/test_natbox.sh \
	    sim/natbox/test/programs.sh sim/netns/test/matrix.sh stack/host/test/router.sh

test-garbage: | deps-fuzz	## ten minutes of garbage for a daemon under sanitizers
	@$(MAKE) --no-print-directory B=$(B)/sanitize CC=clang OPT="-O1 -g" \
	    EXTRA="-fsanitize=address,undefined -fno-sanitize-recover=all" \
	    $(B)/sanitize/mist $(B)/sanitize/stack/host/test/test_garbage
	@MIST_BUILD=$(B)/sanitize MIST_GARBAGE_S=600 $(B)/sanitize/stack/host/test/test_garbage

test-campaign: $(B)/mistsim	## 200 runs of 200 nodes, killed 20 times, on full disks: minutes
	@MIST_BUILD=$(B) sim/test/test_campaign.sh full

test-compare: $(PROGRAMS)	## comparisons that take minutes: half a point until it is decided
	@MIST_BUILD=$(B) CC="$(CC)" analysis/test/test_compare.sh deep

test-stat: $(STATISTICS) $(B)/mistsim	## statistics in full: coverage, alarms, power; minutes
	@for t in $(STATISTICS); do MIST_BUILD=$(B) MIST_STAT=deep $$t || exit; done

regress: $(B)/mistsim $(B)/libmist.so | deps-test	## small scenarios do what they did
	@.ci/regress $(B)

regress-accept: $(B)/mistsim | deps-test	## what they do now is what is meant
	@.ci/regress $(B) accept

golden: $(TESTBIN) $(PROGRAMS)	## rewrite the golden texts of the tests test_story_*
	@MIST_GOLDEN=write .ci/test $(B) $(patsubst %.c,$(B)/%,$(STORIES))

tidy: | deps-tidy	## the checked lines of the style: layout, includes, names that stay out
	@.ci/tidy --self-test
	@.ci/tidy

pure: $(call obj,$(STACK) $(NAT)) $(B)/libmist.so	## core and NAT need only .ci/pure.allow
	@CC="$(CC)" .ci/pure $(B)/pure core $(call obj,$(STACK))
	@CC="$(CC)" .ci/pure $(B)/pure nat $(call obj,$(NAT) stack/addr.c)
	@nm -D --defined-only $(B)/libmist.so | awk '$$NF != "mist_api" || n++ { bad = 1; print \
	    "pure: libmist.so exports " $$NF } END { exit bad || !n }'

lint: | deps-lint	## clang-tidy over all sources
	@printf '%s\n' $(STACK) $(NAT) $(SIM) $(HOST) $(ANALYSIS) | xargs -P $$(nproc) -n 4 \
	    sh -c 'clang-tidy -quiet "$$@" -- $(filter-out -W%,$(CFLAGS)) 2>/dev/null' lint

smoke: $(B)/mistsim	## run the small scenarios; each is a test by its own `expect`
	@.ci/smoke $(B) $(SMOKE)

check-scenarios: $(B)/mistsim	## validate every scenario; run the small ones and the studies
	@$(B)/mistsim check $(shell find scenarios -name '*.yaml' ! -path '*/latency/*' | sort)
	@.ci/smoke $(B) $(SMOKE) $(STUDY)

house: $(PROGRAMS)	## the build does what the README says: rebuilds, help, install, uninstall
	@.ci/house $(B)

same-seed: | deps-ci	## same seed, same trace hash: gcc and clang, -O0 -O2 -O3
	@.ci/same-seed $(B)/same-seed

sanitize: all | deps-fuzz	## the tests under AddressSanitizer and UBSan (clang)
	@$(MAKE) --no-print-directory B=$(B)/sanitize CC=clang OPT="-O1 -g" \
	    EXTRA="-fsanitize=address,undefined -fno-sanitize-recover=all" test

fuzz: | deps-fuzz	## FUZZ_RUNS inputs into every fuzz target (ASan, UBSan); finds its canary
	@$(MAKE) --no-print-directory B=$(B)/fuzz CC=clang OPT="-O1 -g" \
	    EXTRA="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all" fuzz-build
	@.ci/fuzz $(B)/fuzz $(FUZZ_RUNS) $(FUZZERS)

bench: $(B)/mistsim	## the benchmark suite
	$(B)/mistsim bench

bench-proxy: $(B)/mist $(UDPLOAD) | deps-linux	## the UDP proxy beside socat and wireguard-go
	@MIST_BUILD=$(B) stack/host/test/bench_proxy.sh

deps:	## install the Debian packages of all targets
	@.ci/deps build gcc clang test tidy lint fuzz ns3

install: $(PROGRAMS) $(B)/stamp/docs	## into PREFIX (/usr/local), below DESTDIR
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/mist
	install $(addprefix $(B)/,$(BINARIES)) $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(addprefix $(B)/,libmist.so $(PLUGINS)) $(NATLIB) $(DESTDIR)$(PREFIX)/lib/mist
	for header in $(NATHEADERS); do install -D -m 644 $$header \
	    $(DESTDIR)$(PREFIX)/include/mist/$$header || exit; done
	find scenarios nat-models -name '*.yaml' -exec \
	    install -D -m 644 {} $(DESTDIR)$(PREFIX)/share/mist/{} ';'
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's,@BINDIR@,$(PREFIX)/bin,' stack/host/mist.service \
	    >$(DESTDIR)$(PREFIX)/lib/systemd/system/mist.service
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man1 $(B)/man/*.1
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man5 $(B)/man/*.5
	for place in $(COMPLETIONS); do \
	    install -D -m 644 $(B)/completion/$$place $(DESTDIR)$(PREFIX)/share/$$place || exit; done

uninstall:	## what install put there
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/bin/,$(BINARIES))
	rm -rf $(addprefix $(DESTDIR)$(PREFIX)/,lib/mist share/mist include/mist)
	rm -f $(DESTDIR)$(PREFIX)/lib/systemd/system/mist.service
	rm -f $(DESTDIR)$(PREFIX)/share/man/man1/mist.1 $(DESTDIR)$(PREFIX)/share/man/man1/natbox.1 \
	    $(DESTDIR)$(PREFIX)/share/man/man1/mistsim*.1 \
	    $(DESTDIR)$(PREFIX)/share/man/man5/mistsim-scenario.5 \
	    $(addprefix $(DESTDIR)$(PREFIX)/share/,$(COMPLETIONS))

clean:	## remove the build directory
	rm -rf $(B)

# Packages first: nothing compiles before its headers are there.
deps-build:
	@.ci/deps build $(if $(findstring clang,$(CC)),clang,gcc)
deps-test deps-tidy deps-lint deps-fuzz deps-linux deps-ci:
	@.ci/deps build gcc $(@:deps-%=%) $(if $(filter deps-ci,$@),clang test)

# Man pages and shell completion, made from the programs' own tables.
COMPLETIONS := bash-completion/completions/mistsim zsh/site-functions/_mistsim \
    fish/vendor_completions.d/mistsim.fish
$(B)/stamp/docs: $(B)/mistsim $(B)/mist $(B)/natbox
	@rm -rf $(B)/man $(B)/completion
	@mkdir -p $(B)/man $(@D) $(dir $(addprefix $(B)/completion/,$(COMPLETIONS)))
	@date=$$(git log -1 --format=%cs 2>/dev/null) || date=$$(date +%F); \
	    $(B)/mistsim generate man $(B)/man $$date && $(B)/mist --help | \
	    $(B)/mistsim generate page mist 'the protocol core as a real node' $$date \
	    >$(B)/man/mist.1 && $(B)/natbox --help | \
	    $(B)/mistsim generate page natbox 'a modelled NAT' $$date >$(B)/man/natbox.1
	@for place in $(COMPLETIONS); do \
	    $(B)/mistsim generate completion $${place%%[-/]*} >$(B)/completion/$$place; done
	@touch $@

# A stamp changes only when its text does: the flags, the members of a library
# (a removed source must leave it), the commit.
comma    := ,
stamp    = mkdir -p $(@D); cat >$@.now; cmp -s $@.now $@ && rm $@.now || mv $@.now $@
$(B)/stamp/flags: FORCE | deps-build
	@echo '$(CC) $(CFLAGS)' "$$($(CC) --version)" | { $(stamp); }
$(B)/stamp/flags-cxx: FORCE
	@echo '$(CXX) $(CXXFLAGS)' | { $(stamp); }
$(B)/stamp/lib%: FORCE
	@echo '$(sort $(MEMBERS))' | { $(stamp); }
# What differs from the commit in the sources of programs, hashed; tests and texts do
# not count.
CHANGED = git diff HEAD -- Makefile '*.[ch]' ':!*/test/*' 2>/dev/null
$(B)/stamp/commit.c: FORCE
	@commit=$$(git describe --always --dirty --abbrev=12 2>/dev/null || echo unknown); \
	    changes=$$($(CHANGED) | grep -q . && $(CHANGED) | git hash-object --stdin); \
	    { echo '#include "sim/commit.h"'; \
	    echo "const char sim_commit[] = \"$$commit\", sim_changes[] = \"$$changes\";"; \
	    echo "const char sim_compiler[] = \"$$($(CC) --version | head -n 1)\";"; \
	    echo 'const char sim_flags[] = "$(subst ",\",$(subst \,\\,$(CFLAGS)))";'; } | { $(stamp); }

COMPILE  = @mkdir -p $(@D) && echo "  cc   $@" && $(CC) $(CFLAGS) -MMD -MP
LINK     = @mkdir -p $(@D) && echo "  link $@" && $(CC) $(CFLAGS) -o $@

$(B)/obj/%.o: %.c $(B)/stamp/flags
	$(COMPILE) -c $< -o $@
$(B)/pic/%.o: %.c $(B)/stamp/flags
	$(COMPILE) -fPIC -fvisibility=hidden -c $< -o $@
$(B)/pic/%.o: %.cc $(B)/stamp/flags-cxx
	@mkdir -p $(@D) && echo "  c++  $@" && $(CXX) $(CXXFLAGS) -MMD -MP -fPIC -c $< -o $@
$(B)/obj/commit.o: $(B)/stamp/commit.c $(B)/stamp/flags
	$(COMPILE) -c $< -o $@

$(B)/libstack.a: $(call obj,$(STACK))
$(B)/libnat.a: $(call obj,$(NAT))
$(NATLIB): $(call obj,$(NAT) stack/addr.c) $(B)/stamp/libmist-nat
	@echo "  ar   $@"; rm -f $@; ar rcs $@ $(filter %.o,$^)
$(B)/libsim.a: $(call obj,$(SIM)) $(B)/obj/commit.o
$(B)/libhost.a: $(call obj,$(HOST))
$(B)/libanalysis.a: $(call obj,$(ANALYSIS))
$(B)/stamp/libstack: MEMBERS := $(STACK)
$(B)/stamp/libnat: MEMBERS := $(NAT)
$(B)/stamp/libmist-nat: MEMBERS := $(NAT) stack/addr.c
$(B)/stamp/libsim: MEMBERS := $(SIM)
$(B)/stamp/libhost: MEMBERS := $(HOST)
$(B)/stamp/libanalysis: MEMBERS := $(ANALYSIS)
$(LIBS) $(B)/libanalysis.a: $(B)/lib%.a: $(B)/stamp/lib%
	@echo "  ar   $@"; rm -f $@; ar rcs $@ $(filter %.o,$^)

$(B)/mistsim: $(call obj,sim/mistsim.c) $(LIBS)
	$(LINK) $< $(LINKED) $(SYSLIBS) $(EXPORT)
$(B)/natbox: $(call obj,sim/natbox/natbox.c) $(LIBS)
	$(LINK) $< $(LINKED) $(SYSLIBS)
# Alone links GSL, and nothing of the simulator.
$(B)/mistsim-analysis: $(call obj,analysis/analysis.c) $(B)/libanalysis.a
	$(LINK) $^ $(GSLLIBS)
$(B)/mist: $(call obj,stack/host/mist.c) $(B)/libhost.a $(B)/libstack.a
	$(LINK) $^ -luv -lsodium -ljansson -lminiupnpc -lnatpmp
$(B)/libmist.so: $(patsubst %.c,$(B)/pic/%.o,$(STACK))
	$(LINK) -shared $^ -lsodium
$(B)/libmist-impostor.so: WRAP := messages_take
$(B)/libmist-naive.so: WRAP := handshake_init
$(addprefix $(B)/,$(HOSTILE)): $(B)/libmist-%.so: $(B)/pic/sim/hostile/%.o \
    $(patsubst %.c,$(B)/pic/%.o,$(STACK))
	$(LINK) -shared $^ $(addprefix -Wl$(comma)--wrap=,$(WRAP)) -lsodium
# Under ns-3's licence, GPL-2.0-only, as linked; the program loads it on demand.
LINKCXX  = @mkdir -p $(@D) && echo "  link $@" && $(CXX) $(CXXFLAGS) -o $@
NS3CPIC := $(patsubst %.cc,$(B)/pic/%.o,$(NS3CC))
NS3PIC  := $(patsubst %.c,$(B)/pic/%.o,$(NS3C))
$(B)/stamp/libengine-ns3: MEMBERS := $(NS3CC) $(NS3C) $(NS3WITH)
$(B)/stamp/libns3c: MEMBERS := $(NS3CC)
$(B)/engine-ns3.so: $(NS3CPIC) $(NS3PIC) $(patsubst %.c,$(B)/pic/%.o,$(NS3WITH)) \
    $(B)/stamp/libengine-ns3
	$(LINKCXX) -shared $(filter %.o,$^) $(NS3LIBS)
$(B)/libns3c.so: $(NS3CPIC) $(B)/stamp/libns3c
	$(LINKCXX) -shared -Wl,-soname,libns3c.so $(filter %.o,$^) $(NS3LIBS)
$(B)/ns3c-example: $(call obj,sim/ns3/example.c) $(B)/libns3c.so
	$(LINK) $< -L$(B) -lns3c -Wl,-rpath,'$$ORIGIN'
$(filter $(B)/sim/ns3/%,$(TESTBIN)): $(B)/%: $(B)/obj/%.o $(NS3CPIC) $(NS3PIC) $(LIBS)
	$(LINKCXX) $(filter %.o,$^) $(LINKED) $(NS3LIBS) $(SYSLIBS) $(EXPORT) -lcmocka
$(filter $(B)/analysis/%,$(TESTBIN)): $(B)/%: $(B)/obj/%.o $(B)/libanalysis.a
	$(LINK) $^ $(GSLLIBS) -lsodium -ljansson -lcmocka
$(filter-out $(B)/analysis/% $(B)/sim/ns3/%,$(TESTBIN)): $(B)/%: $(B)/obj/%.o $(LIBS)
	$(LINK) $< $(LINKED) $(SYSLIBS) $(EXPORT) -lcmocka
$(call obj,$(TESTS)): | deps-test
$(NETPROBE): $(call obj,nat-models/test/netprobe.c) $(LIBS)
	$(LINK) $< $(LINKED) $(SYSLIBS)
$(UDPLOAD): $(call obj,stack/host/test/udpload.c)
	$(LINK) $<

# The program in the core's README.
$(EXAMPLE).c: stack/README.md
	@mkdir -p $(@D) && awk '/^```c$$/ { on = 1; next } /^```$$/ { on = 0 } on' $< >$@
$(EXAMPLE): $(EXAMPLE).c $(B)/libstack.a
	$(LINK) $^ -lsodium

fuzz-build: $(FUZZBIN)
$(FUZZBIN): $(B)/%: $(B)/obj/%.o $(LIBS)
	$(LINK) -fsanitize=fuzzer $< $(LINKED) $(SYSLIBS)

-include $(patsubst %.o,%.d,$(call obj,$(STACK) $(NAT) $(SIM) $(HOST) $(ANALYSIS) $(TESTS) \
    $(FUZZERS) nat-models/test/netprobe.c stack/host/test/udpload.c sim/mistsim.c \
    sim/natbox/natbox.c stack/host/mist.c analysis/analysis.c) \
    $(patsubst %.c,$(B)/pic/%.o,$(STACK) $(wildcard sim/hostile/*.c) $(NS3C) $(NS3WITH)) \
    $(call obj,sim/ns3/example.c) \
    $(NS3CPIC))
FORCE:
.PHONY: all help run report test test-linux test-garbage regress regress-accept test-campaign \
    test-compare \
    test-stat golden tidy pure lint house smoke check-scenarios \
    same-seed sanitize fuzz fuzz-build bench bench-proxy deps deps-build deps-test deps-tidy \
    deps-lint deps-fuzz deps-linux deps-ci install uninstall clean FORCE
.SECONDARY:
.DELETE_ON_ERROR:
