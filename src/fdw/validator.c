/*-------------------------------------------------------------------------
 *
 * validator.c
 *		Check the options of servers, mappings, tables and columns.
 *
 * base/option.c knows the options; what only other layers can judge, an
 * endpoint, locations, paths and templates, is checked here.
 *
 * IDENTIFICATION
 *		src/fdw/validator.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/reloptions.h"
#include "base/option.h"
#include "fdw/layout.h"
#include "fmgr.h"
#include "format/fixed.h"
#include "format/json.h"
#include "s3/client.h"
#include "s3/uri.h"

PG_FUNCTION_INFO_V1(s3_fdw_validator);

/* Report what a check found wrong; reason is a sentence, or NULL. */
static void
check_text(const char *option, const char *value, const char *reason)
{
	if (reason)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("invalid value for option \"%s\": \"%s\"", option, value),
				 errdetail_internal("%s", _(reason))));
}

static void
check_single_object(const char *value)
{
	S3Location *location = s3_location_parse_or_error(value);
	Size		len = strlen(location->list_prefix);

	if (location->is_glob || len == 0 || location->list_prefix[len - 1] == '/')
		check_text("jsonpaths", value, gettext_noop("It must name one object."));
}

Datum
s3_fdw_validator(PG_FUNCTION_ARGS)
{
	static const char *const endpoints[] = {"endpoint", "sts_endpoint"};
	List	   *options = untransformRelOptions(PG_GETARG_DATUM(0));
	char	   *value;
	char	   *scheme;
	char	   *host;
	int			ncolumns;

	s3_options_check(options, PG_GETARG_OID(1));

	for (int i = 0; i < (int) lengthof(endpoints); i++)
	{
		value = s3_option_value(options, endpoints[i]);
		if (value && !s3_endpoint_parse(value, &scheme, &host))
			ereport(ERROR,
					(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
					 errmsg("invalid value for option \"%s\"", endpoints[i]),
					 errdetail("Expected a URL without path, as in \"https://s3.example.com\".")));
	}

	value = s3_option_value(options, "location");
	if (value)
		(void) s3_location_list_parse(value);

	value = s3_option_value(options, "jsonpaths");
	if (value)
		check_single_object(value);

	value = s3_option_value(options, "fixedwidth");
	if (value)
		check_text("fixedwidth", value, fixed_width_check(value, &ncolumns));

	value = s3_option_value(options, "path_template");
	if (value)
		check_text("path_template", value, layout_template_check(value));

	value = s3_option_value(options, "path");
	if (value)
		check_text("path", value, json_path_check(value));

	PG_RETURN_VOID();
}
