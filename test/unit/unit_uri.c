/*-------------------------------------------------------------------------
 *
 * unit_uri.c
 *		Locations as SQL functions.
 *
 * Locations and keys are taken as bytea, so that bytes which are not valid in
 * the server encoding can be passed.
 *
 * IDENTIFICATION
 *		test/unit/unit_uri.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "s3/uri.h"
#include "utils/array.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(unit_uri_parse);
PG_FUNCTION_INFO_V1(unit_uri_check);
PG_FUNCTION_INFO_V1(unit_uri_matches);
PG_FUNCTION_INFO_V1(unit_uri_hidden);
PG_FUNCTION_INFO_V1(unit_uri_dns);
PG_FUNCTION_INFO_V1(unit_uri_format);

/* bytea is laid out as text is */
#define GETARG_BYTES(n) text_to_cstring(PG_GETARG_TEXT_PP(n))

/*
 * unit_uri_parse(uri bytea): bucket, key, glob ("t" or "f") and prefix to list,
 * or the reason alone.
 */
Datum
unit_uri_parse(PG_FUNCTION_ARGS)
{
	const char *reason;
	S3Location *location = s3_location_parse(GETARG_BYTES(0), &reason);
	Datum		out[4];

	if (location == NULL)
	{
		out[0] = CStringGetTextDatum(reason);
		PG_RETURN_ARRAYTYPE_P(construct_array(out, 1, TEXTOID, -1, false, TYPALIGN_INT));
	}
	if (reason != NULL)
		elog(ERROR, "reason given for a good location");
	out[0] = CStringGetTextDatum(location->bucket);
	out[1] = CStringGetTextDatum(location->key);
	out[2] = CStringGetTextDatum(location->is_glob ? "t" : "f");
	out[3] = CStringGetTextDatum(location->list_prefix);
	PG_RETURN_ARRAYTYPE_P(construct_array(out, 4, TEXTOID, -1, false, TYPALIGN_INT));
}

/* unit_uri_check(uri bytea): raises the error of a bad one. */
Datum
unit_uri_check(PG_FUNCTION_ARGS)
{
	s3_location_parse_or_error(GETARG_BYTES(0));
	PG_RETURN_BOOL(true);
}

/* unit_uri_matches(uri bytea, key bytea) */
Datum
unit_uri_matches(PG_FUNCTION_ARGS)
{
	S3Location *location = s3_location_parse_or_error(GETARG_BYTES(0));

	PG_RETURN_BOOL(s3_location_matches(location, GETARG_BYTES(1)));
}

/* unit_uri_hidden(uri bytea, key bytea, size bigint) */
Datum
unit_uri_hidden(PG_FUNCTION_ARGS)
{
	S3Location *location = s3_location_parse_or_error(GETARG_BYTES(0));

	PG_RETURN_BOOL(s3_key_is_hidden(location, GETARG_BYTES(1), PG_GETARG_INT64(2)));
}

/* unit_uri_dns(bucket bytea) */
Datum
unit_uri_dns(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(s3_bucket_is_dns_name(GETARG_BYTES(0)));
}

/* unit_uri_format(bucket bytea, key bytea) */
Datum
unit_uri_format(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(s3_location_format(GETARG_BYTES(0),
														GETARG_BYTES(1))));
}
