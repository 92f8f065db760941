# The libraries of codecs, each of which is used if its header is there; zlib
# always is.  S3_WITHOUT names those to do without: make S3_WITHOUT='isal xz'.
# After a change of either, make clean.
#
# Sets S3_CODEC_CPPFLAGS and S3_CODEC_LIBS.

S3_WITHOUT ?=
S3_CODEC_CPPFLAGS :=
S3_CODEC_LIBS := -lz

# $(call s3_library,NAME,MACRO,HEADER,LIBRARY)
define s3_library
ifeq ($(filter $(1),$(S3_WITHOUT)),)
ifeq ($$(shell echo '$$(s3_hash)include <$(3)>' | $$(CC) $$(CPPFLAGS) -fsyntax-only -x c - 2>/dev/null && echo yes),yes)
S3_CODEC_CPPFLAGS += -D$(2)
S3_CODEC_LIBS += $(4)
endif
endif
endef
s3_hash := \#

$(eval $(call s3_library,zstd,S3_HAVE_ZSTD,zstd.h,-lzstd))
$(eval $(call s3_library,bzip2,S3_HAVE_BZIP2,bzlib.h,-lbz2))
$(eval $(call s3_library,xz,S3_HAVE_XZ,lzma.h,-llzma))
$(eval $(call s3_library,lz4,S3_HAVE_LZ4,lz4frame.h,-llz4))

# gzip is read by zlib without it, and more slowly.
$(eval $(call s3_library,isal,S3_HAVE_ISAL,isa-l/igzip_lib.h,-lisal))
