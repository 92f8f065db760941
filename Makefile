# s3_fdw: S3 objects as foreign tables, query results as S3 objects
#
#   make && make install && make installcheck    with PostgreSQL at hand
#   make demo, make check                         from nothing, on Debian
#
# CFLAGS etc. as for any PGXS extension; PG_CONFIG chooses the server.

EXTENSION = s3_fdw aws_commons aws_s3
MODULE_big = s3_fdw
DATA = $(sort $(wildcard src/*.sql))
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))
PGFILEDESC = "s3_fdw - S3 objects as foreign tables"

# Nothing here is worth inlining into JIT-compiled code.
override with_llvm = no

include $(dir $(lastword $(MAKEFILE_LIST)))src/format/libraries.mk
PG_CPPFLAGS = -I$(srcdir)/src $(S3_CODEC_CPPFLAGS)
SHLIB_LINK = -lcurl -lcrypto -lexpat $(S3_CODEC_LIBS)

# Regression tests; test/run runs these and test/t.
REGRESS = $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))
REGRESS_OPTS = --load-extension=s3_fdw --encoding=UTF8 --no-locale
REGRESS_PREP = s3-test-servers

INSTALLCHECK_PORT ?= 7480
INSTALLCHECK_PROXY_PORT = $(shell expr $(INSTALLCHECK_PORT) + 2)
INSTALLCHECK_DIR ?= /tmp/s3_fdw_installcheck.$(shell id -u)
ifeq ($(S3_TEST_ENDPOINT),)
INSTALLCHECK_OWN_SERVERS = yes
installcheck s3-test-servers: export S3_TEST_ENDPOINT = http://127.0.0.1:$(INSTALLCHECK_PORT)
installcheck s3-test-servers: export S3_TEST_PROXY = http://127.0.0.1:$(INSTALLCHECK_PROXY_PORT)
installcheck s3-test-servers: export S3_TEST_CA = $(INSTALLCHECK_DIR)/s3/tls.crt
endif

EXTRA_CLEAN = $(wildcard test/unit/*.o test/unit/*.bc test/unit/*.so)

PG_CONFIG ?= pg_config

# These goals work, alone, on a machine that has no PostgreSQL yet.
FROM_NOTHING = check check-quick check-asan fuzz demo demo-stop installcheck-stop bench bench-quick bench-large
ifneq ($(filter-out $(FROM_NOTHING),$(or $(MAKECMDGOALS),all)),)
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# PGXS knows no dependencies on headers; one changed header builds all again.
$(OBJS): $(wildcard $(srcdir)/src/*.h $(srcdir)/src/*/*.h)
endif

# From nothing: install what is missing, build, install, run all tests.
# check-quick leaves out the packages, and runs the regression tests alone.
AS_ROOT = $(if $(filter 0,$(shell id -u)),,sudo)

.PHONY: check check-quick
ifneq ($(filter check,$(MAKECMDGOALS)),)
check:
	test/setup check
	$(MAKE) all PG_CONFIG=$(PG_CONFIG)
	$(AS_ROOT) $(MAKE) install PG_CONFIG=$(PG_CONFIG)
	PG_CONFIG=$(PG_CONFIG) test/run
endif

check-quick:
	$(MAKE) all PG_CONFIG=$(PG_CONFIG)
	$(AS_ROOT) $(MAKE) install PG_CONFIG=$(PG_CONFIG)
	PG_CONFIG=$(PG_CONFIG) test/run --regress-only

# The same under AddressSanitizer and UndefinedBehaviorSanitizer.
.PHONY: check-asan
check-asan:
	PG_CONFIG=$(PG_CONFIG) test/asan

# The parsers under libFuzzer, so many seconds each.
.PHONY: fuzz
fuzz: FUZZ_SECONDS ?= 600
fuzz:
	test/setup fuzz
	PG_CONFIG=$(PG_CONFIG) test/fuzz/run $(FUZZ_SECONDS)

# make installcheck, against a PostgreSQL that is running: start the S3 server
# and the fault proxy (on INSTALLCHECK_PORT to + 3), unless S3_TEST_ENDPOINT and
# its kin name others.  They stay for the next time; installcheck-stop stops
# them.
.PHONY: s3-test-servers installcheck-stop
s3-test-servers:
ifeq ($(INSTALLCHECK_OWN_SERVERS),yes)
	@command -v radosgw >/dev/null && command -v nginx >/dev/null || { \
		echo "installcheck needs an S3 server: run test/setup check, or install" \
			"radosgw ceph-mon ceph-osd openssl nginx libnginx-mod-http-lua lua-cjson;" \
			"or set S3_TEST_ENDPOINT, S3_TEST_PROXY and S3_TEST_CA" >&2; exit 1; }
	@test/s3server start $(INSTALLCHECK_DIR)/s3 $(INSTALLCHECK_PORT) >/dev/null
	@test/faultproxy/run start $(INSTALLCHECK_DIR)/proxy $(INSTALLCHECK_PORT) \
		$(INSTALLCHECK_PROXY_PORT) >/dev/null
endif
	perl test/fixtures.pl

installcheck-stop:
	test/faultproxy/run stop $(INSTALLCHECK_DIR)/proxy
	test/s3server stop $(INSTALLCHECK_DIR)/s3

# A first look: test/demo starts servers that stay until demo-stop.
.PHONY: demo demo-stop
demo:
	@test/demo start

demo-stop:
	@test/demo stop

# How fast, beside PostgreSQL's own ways: two minutes, or all of it.  ROWS and
# REPEAT and what else test/bench/quick knows are taken from the environment.
.PHONY: bench bench-quick
bench-quick:
	test/setup build
	$(MAKE) all PG_CONFIG=$(PG_CONFIG)
	$(AS_ROOT) $(MAKE) install PG_CONFIG=$(PG_CONFIG)
	PG_CONFIG=$(PG_CONFIG) test/bench/quick

bench: export ROWS ?= 6000000
bench: export REPEAT ?= 5
bench: export BENCH_FAR ?= yes
bench: bench-quick
	PG_CONFIG=$(PG_CONFIG) test/bench/large

# One object of SIZE gigabytes: its bytes, and the memory that took.
.PHONY: bench-large
SIZE ?= 2
bench-large:
	test/setup build
	$(MAKE) all PG_CONFIG=$(PG_CONFIG)
	$(AS_ROOT) $(MAKE) install PG_CONFIG=$(PG_CONFIG)
	PG_CONFIG=$(PG_CONFIG) test/bench/large $(SIZE)
