/*-------------------------------------------------------------------------
 *
 * validator.c
 *		Check the options of servers, mappings, tables and columns.
 *
 * base/option.c knows the options; what only the S3 layer can judge, an
 * endpoint and a location, is checked here.
 *
 * IDENTIFICATION
 *		src/fdw/validator.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/reloptions.h"
#include "base/option.h"
#include "fmgr.h"
#include "s3/client.h"
#include "s3/uri.h"

PG_FUNCTION_INFO_V1(s3_fdw_validator);

Datum
s3_fdw_validator(PG_FUNCTION_ARGS)
{
	List	   *options = untransformRelOptions(PG_GETARG_DATUM(0));
	char	   *value;
	char	   *scheme;
	char	   *host;

	s3_options_check(options, PG_GETARG_OID(1));

	value = s3_option_value(options, "endpoint");
	if (value && !s3_endpoint_parse(value, &scheme, &host))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("invalid value for option \"endpoint\""),
				 errdetail("Expected a URL without path, as in \"https://s3.example.com\".")));

	value = s3_option_value(options, "location");
	if (value)
		(void) s3_location_parse_or_error(value);

	PG_RETURN_VOID();
}
