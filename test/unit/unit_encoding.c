/*-------------------------------------------------------------------------
 *
 * unit_encoding.c
 *		Bytes in some encoding to text, as SQL functions.
 *
 * IDENTIFICATION
 *		test/unit/unit_encoding.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/option.h"
#include "fmgr.h"
#include "format/encoding.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "unit.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(unit_decode);
PG_FUNCTION_INFO_V1(unit_encoding_is_safe);

static int
encoding_number(const char *name)
{
	if (strcmp(name, "database") == 0)
		return -1;
	if (strcmp(name, "UTF8_BOM") == 0)
		return S3_ENCODING_UTF8_BOM;
	if (strcmp(name, "UTF16") == 0)
		return S3_ENCODING_UTF16;
	if (strcmp(name, "UTF16LE") == 0)
		return S3_ENCODING_UTF16LE;
	if (strcmp(name, "UTF16BE") == 0)
		return S3_ENCODING_UTF16BE;
	return pg_char_to_encoding(name);
}

/*
 * unit_decode(bytes bytea, encoding text, at_beginning bool, piece int): the
 * text in hexadecimal digits; then, if there is an error, a bar, its SQLSTATE
 * and its message.
 */
Datum
unit_decode(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	int			encoding = encoding_number(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	bool		at_beginning = PG_GETARG_BOOL(2);
	ByteSource *below = unit_source_create(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes),
										   PG_GETARG_INT32(3));
	ByteSource *source = text_source_create(below, encoding, at_beginning);
	MemoryContext cxt = CurrentMemoryContext;
	StringInfoData out;

	initStringInfo(&out);
	PG_TRY();
	{
		const char *data;
		Size		len;

		while (byte_source_next(source, &data, &len))
		{
			volatile unsigned char sum = 0;

			if (len == 0 || !pg_verify_mbstr(GetDatabaseEncoding(), data, len, true))
				elog(ERROR, "empty piece, or one that is no whole text");
			for (int i = 0; i < STREAM_PADDING; i++)
				sum += data[len + i];
			enlargeStringInfo(&out, 2 * len);
			hex_encode(data, len, out.data + out.len);
			out.len += 2 * len;
			out.data[out.len] = '\0';
			CHECK_FOR_INTERRUPTS();
		}
		if (byte_source_next(source, &data, &len))
			elog(ERROR, "no end after the end");
		byte_source_close(source);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(cxt);
		error = CopyErrorData();
		FlushErrorState();
		appendStringInfo(&out, "|%s|%s", unpack_sql_state(error->sqlerrcode), error->message);
	}
	PG_END_TRY();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

/* unit_encoding_is_safe(encoding text): may it be cut before it is decoded? */
Datum
unit_encoding_is_safe(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(text_encoding_is_ascii_safe(encoding_number(text_to_cstring(PG_GETARG_TEXT_PP(0)))));
}
