/*-------------------------------------------------------------------------
 *
 * verify.c
 *		Compare an object with what its manifest says of it.
 *
 * Between the object's source and the codec a ByteSource adds up the bytes;
 * above the record reader another one counts the records, bad ones, too, and
 * compares both when they end.  What ends before, as for a LIMIT, is not
 * compared.
 *
 * IDENTIFICATION
 *		src/fdw/verify.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/cryptohash.h"
#include "common/md5.h"
#include "fdw/verify.h"
#include "miscadmin.h"

/* Of a sum in base64, with its zero byte. */
#define MD5_TEXT_SIZE 25

struct Verification
{
	/* constant */
	const char *name;			/* borrowed, as is */
	const char *md5;
	int64		records;

	/* the two that are read through */
	struct VerifiedSource
	{
		ByteSource	base;
		Verification *verification;
	}			source;
	struct VerifiedReader
	{
		RecordReader base;
		Verification *verification;
	}			reader;
	ByteSource *below;			/* borrowed */
	RecordReader *inner;		/* owned */

	pg_cryptohash_ctx *hash;	/* owned; NULL when closed */
	int64		counted;
	bool		compared;
};

/* ----------------------------------------------------------------------- bytes */

static void
report_hash(const Verification *v)
{
	ereport(ERROR,
			(errcode(ERRCODE_INTERNAL_ERROR),
			 errmsg("could not compute the MD5 sum of object \"%s\"", v->name)));
}

static bool
source_next(ByteSource *self, const char **data, Size *len)
{
	Verification *v = ((struct VerifiedSource *) self)->verification;

	if (!byte_source_next(v->below, data, len))
		return false;
	if (pg_cryptohash_update(v->hash, (const uint8 *) *data, *len) < 0)
		report_hash(v);
	return true;
}

/* The source below is closed by its owner. */
static void
source_close(ByteSource *self)
{
}

static const ByteSourceOps source_ops = {
	.next = source_next,
	.close = source_close
};

/* Read what is left, and give the sum in base64. */
static void
finish_sum(Verification *v, char *text)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8		sum[MD5_DIGEST_LENGTH + 2] = {0};
	const char *data;
	Size		len;

	while (source_next(&v->source.base, &data, &len))
		CHECK_FOR_INTERRUPTS();
	if (pg_cryptohash_final(v->hash, sum, MD5_DIGEST_LENGTH) < 0)
		report_hash(v);
	for (int i = 0; i < MD5_DIGEST_LENGTH; i += 3)
	{
		uint32		bits = (sum[i] << 16) | (sum[i + 1] << 8) | sum[i + 2];

		for (int shift = 18; shift >= 0; shift -= 6)
			*text++ = digits[(bits >> shift) & 63];
	}
	memcpy(text - 2, "==", 3);
}

/* --------------------------------------------------------------------- records */

static void
compare(Verification *v)
{
	char		sum[MD5_TEXT_SIZE];

	v->compared = true;
	finish_sum(v, sum);
	if (strcmp(sum, v->md5) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("object \"%s\" is not what its manifest says", v->name),
				 errdetail("Its MD5 sum is \"%s\"; the manifest says \"%s\".", sum, v->md5)));
	if (v->counted != v->records)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("object \"%s\" is not what its manifest says", v->name),
				 errdetail("It has %lld items; the manifest says %lld.",
						   (long long) v->counted, (long long) v->records)));
}

static RecordStatus
reader_next(RecordReader *self, Record *record)
{
	Verification *v = ((struct VerifiedReader *) self)->verification;
	RecordStatus status = record_reader_next(v->inner, record);

	if (status != RECORD_END)
		v->counted++;
	else if (!v->compared)
		compare(v);
	return status;
}

static uint64
reader_line(RecordReader *self)
{
	return record_reader_line(((struct VerifiedReader *) self)->verification->inner);
}

static uint64
reader_offset(RecordReader *self)
{
	return record_reader_offset(((struct VerifiedReader *) self)->verification->inner);
}

static void
reader_text(RecordReader *self, const char **data, Size *len)
{
	record_reader_text(((struct VerifiedReader *) self)->verification->inner, data, len);
}

static void
reader_close(RecordReader *self)
{
	Verification *v = ((struct VerifiedReader *) self)->verification;

	record_reader_close(v->inner);
	if (v->hash)
		pg_cryptohash_free(v->hash);
	v->hash = NULL;
}

static const RecordReaderOps reader_ops = {
	.next = reader_next,
	.line = reader_line,
	.offset = reader_offset,
	.text = reader_text,
	.close = reader_close
};

Verification *
verification_create(const char *name, const char *md5, int64 records)
{
	Verification *v = palloc0(sizeof(Verification));

	v->name = name;
	v->md5 = md5;
	v->records = records;
	v->source.base.ops = &source_ops;
	v->source.verification = v;
	v->reader.base.ops = &reader_ops;
	v->reader.verification = v;

	/* after an error the resource owner frees it */
	v->hash = pg_cryptohash_create(PG_MD5);
	if (v->hash == NULL || pg_cryptohash_init(v->hash) < 0)
		report_hash(v);
	return v;
}

ByteSource *
verification_source(Verification *v, ByteSource *source)
{
	v->below = source;
	return &v->source.base;
}

RecordReader *
verification_reader(Verification *v, RecordReader *reader)
{
	v->inner = reader;
	return &v->reader.base;
}
