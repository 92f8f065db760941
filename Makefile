# s3_fdw: S3 objects as foreign tables, query results as S3 objects
#
#   make && make install && make installcheck    with PostgreSQL at hand
#   make demo, make check                         from nothing, on Debian
#
# CFLAGS etc. as for any PGXS extension; PG_CONFIG chooses the server.

EXTENSION = s3_fdw
MODULE_big = s3_fdw
DATA = src/s3_fdw--1.0.sql
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))
PGFILEDESC = "s3_fdw - S3 objects as foreign tables"

PG_CPPFLAGS = -I$(srcdir)/src
SHLIB_LINK = -lcurl -lcrypto -lexpat -lz

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)
