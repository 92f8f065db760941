/*-------------------------------------------------------------------------
 *
 * unit_redshift_fuzz.c
 *		The short ways of reading by Redshift's rules against the long ones, on
 *		random and hostile input.
 *
 * A value that a fast parser accepts must be, bit for bit, what redshift_read()
 * makes of it.  A file must become the same records, faults and places whether
 * lines may be taken with the help of masks or not, and in whatever pieces it
 * comes.
 *
 * IDENTIFICATION
 *		test/unit/unit_redshift_fuzz.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "format/text_redshift.h"
#include "format/text_redshift_reader.h"
#include "format/encoding.h"
#include "format/value_redshift.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "unit.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(unit_redshift_value_fuzz);
PG_FUNCTION_INFO_V1(unit_redshift_line_fuzz);

#define MAX_REPORTED 20
#define NUMERIC_TYPMOD(p, s) ((((p) << 16) | ((s) & 0x7ff)) + VARHDRSZ)

/* What is behind a string, and would be seen if it were read. */
#define BEHIND "9.9e9:9-"

typedef struct Fuzz
{
	uint64		state;
	int64		compared;
	int			disagreements;
	StringInfoData text;
} Fuzz;

static int
choose(Fuzz *f, int n)
{
	f->state ^= f->state << 13;
	f->state ^= f->state >> 7;
	f->state ^= f->state << 17;
	return (int) ((f->state >> 11) % n);
}

#define PICK(f, array) ((array)[choose((f), (int) lengthof(array))])

static void
seed(Fuzz *f, int64 n)
{
	memset(f, 0, sizeof(Fuzz));
	f->state = (uint64) n * UINT64CONST(0x9e3779b97f4a7c15) + 1;
	initStringInfo(&f->text);
	for (int i = 0; i < 100; i++)
		(void) choose(f, 2);
}

/* ---------------------------------------------------------------------- values */

typedef struct FuzzType
{
	Oid			type;
	int32		typmod;
	const char *format;			/* dateformat or timeformat */
} FuzzType;

static const FuzzType fuzz_types[] = {
	{BOOLOID, -1, NULL},
	{INT2OID, -1, NULL},
	{INT4OID, -1, NULL},
	{INT8OID, -1, NULL},
	{FLOAT4OID, -1, NULL},
	{FLOAT8OID, -1, NULL},
	{NUMERICOID, -1, NULL},
	{NUMERICOID, NUMERIC_TYPMOD(10, 2), NULL},
	{NUMERICOID, NUMERIC_TYPMOD(5, 0), NULL},
	{NUMERICOID, NUMERIC_TYPMOD(38, 18), NULL},
	{NUMERICOID, NUMERIC_TYPMOD(3, 3), NULL},
	{DATEOID, -1, NULL},
	{DATEOID, -1, "auto"},
	{DATEOID, -1, "YYYY-MM-DD"},
	{DATEOID, -1, "DD-MM-YYYY"},
	{TIMESTAMPOID, -1, NULL},
	{TIMESTAMPOID, 2, NULL},
	{TIMESTAMPOID, -1, "auto"},
	{TIMESTAMPOID, -1, "YYYY-MM-DD HH24:MI:SS"},
	{TIMESTAMPOID, -1, "YYYY-MM-DDTHH:MI:SS"},
	{TIMESTAMPOID, -1, "YYYY-MM-DD HH:MI:SS.SSS"},
	{TIMESTAMPOID, 0, "YYYY-MM-DDTHH:MI:SS.SSS"},
	{TIMESTAMPOID, -1, "YYYY-DD-MM HH:MI:SS"},
	{TIMESTAMPTZOID, -1, NULL},
	{TIMESTAMPTZOID, 3, NULL},
	{TIMESTAMPTZOID, -1, "auto"},
	{TIMESTAMPTZOID, -1, "YYYY-MM-DDTHH:MI:SS"},
	{UUIDOID, -1, NULL},
	{TEXTOID, -1, NULL},
	{VARCHAROID, -1, NULL},
	{VARCHAROID, 9 + VARHDRSZ, NULL},
	{BPCHAROID, 9 + VARHDRSZ, NULL},
	{BPCHAROID, -1, NULL},
	{NAMEOID, -1, NULL},
	{JSONBOID, -1, NULL}
};

static const char *const settings[][2] = {
	{"DateStyle", "ISO, MDY"}, {"DateStyle", "ISO, DMY"}, {"DateStyle", "German"},
	{"TimeZone", "UTC"}, {"TimeZone", "America/New_York"}, {"TimeZone", "Asia/Kolkata"},
	{"timezone_abbreviations", "Default"}, {"timezone_abbreviations", "India"}
};

static void
make_number(Fuzz *f)
{
	static const char *const edges[] = {
		"32767", "32768", "-32768", "-32769", "2147483647", "2147483648", "-2147483648", "-2147483649",
		"9223372036854775807", "9223372036854775808", "-9223372036854775808", "999999999999999999",
		"1000000000000000000", "0", "-0", "00", "0.0", "-0.0", "1e5", "1E-5", "1e400", "1e", ".5", "5.", ".",
		"0.5", "0.12", "0.125", "-0.125", "99999999.99", "99999999.999", "99999999", "100000000", "0.999", "-.999", "NaN", "inf", "0x10", "1_0"
	};

	if (choose(f, 4) == 0)
	{
		appendStringInfoString(&f->text, PICK(f, edges));
		return;
	}
	appendStringInfoString(&f->text, choose(f, 4) ? "" : choose(f, 4) ? "-" : "+");
	for (int n = choose(f, choose(f, 6) ? 9 : 40); n >= 0; n--)
		appendStringInfoChar(&f->text, choose(f, 4) ? '0' + choose(f, 10) : '0');
	if (choose(f, 2))
	{
		appendStringInfoChar(&f->text, '.');
		for (int n = choose(f, choose(f, 6) ? 4 : 40); n > 0; n--)
			appendStringInfoChar(&f->text, '0' + choose(f, 10));
	}
	if (choose(f, 8) == 0)
		appendStringInfo(&f->text, "%c%s%d", choose(f, 2) ? 'e' : 'E',
						 choose(f, 3) ? "" : choose(f, 2) ? "-" : "+", choose(f, 50));
}

static void
make_datetime(Fuzz *f, bool with_time)
{
	static const char *const separators[] = {" ", " ", " ", "T", "T", "T", "t", "  ", ":"};
	static const char *const zones[] = {
		"Z", "z", " Z", "UTC", " UTC", "+00", "-08", "+05:30", "+15:59", "+16", "-15:60", "+5", "+0530", " +01", " EST"
	};
	static const char *const years[] = {"0000", "0001", "0099", "1582", "1900", "2000", "2100", "9999"};

	if (choose(f, 8) == 0)
		appendStringInfoString(&f->text, PICK(f, years));
	else
		appendStringInfo(&f->text, "%04d", 1900 + choose(f, 200));
	appendStringInfo(&f->text, "-%02d-%02d", choose(f, 13) + (choose(f, 8) > 0), 1 + choose(f, 31));
	if (!with_time || choose(f, 12) == 0)
		return;
	appendStringInfo(&f->text, "%s%02d:%02d:%02d", PICK(f, separators), choose(f, 24 + (choose(f, 8) == 0)),
					 choose(f, 60 + (choose(f, 8) == 0)), choose(f, 60 + (choose(f, 8) == 0)));
	if (choose(f, 2))
	{
		appendStringInfoChar(&f->text, '.');
		for (int n = choose(f, choose(f, 6) ? 7 : 12); n > 0; n--)
			appendStringInfoChar(&f->text, '0' + choose(f, 10));
	}
	if (choose(f, 3) == 0)
		appendStringInfoString(&f->text, PICK(f, zones));
}

static void
make_words(Fuzz *f)
{
	static const char *const pieces[] = {
		"a", "b", "Z", "word", "several", " ", " ", "  ", "\t", "\v", "\n", "0", "\\", "'", "\x7f", "\xc3\xa9",
		"\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xcc\x81", "\xc2\xa0"
	};
	static const char *const broken[] = {"\x80", "\xff", "\xc3", "\xe2\x82", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc0\x80"};

	for (int n = choose(f, choose(f, 4) ? 6 : 40); n > 0; n--)
		appendStringInfoString(&f->text, PICK(f, pieces));
	if (choose(f, 20) == 0)
		appendStringInfoString(&f->text, PICK(f, broken));
	if (choose(f, 20) == 0)
		appendStringInfoChar(&f->text, '\0');
	if (choose(f, 10) == 0)
		appendStringInfoString(&f->text, PICK(f, pieces));
}

static void
make_value(Fuzz *f, Oid type)
{
	static const char *const booleans[] = {
		"t", "f", "true", "false", "T", "TRUE", "yes", "no", "y", "n", "1", "0", "on", "off", "tru", "truee"
	};
	static const char odd[] = "0123456789+-.:eETtZz \t\n\v\f\r_xa\x80\xc3\xff";

	resetStringInfo(&f->text);
	switch (choose(f, 30) ? type : PICK(f, fuzz_types).type)
	{
		case BOOLOID:
			appendStringInfoString(&f->text, PICK(f, booleans));
			break;
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
			make_number(f);
			break;
		case DATEOID:
			make_datetime(f, choose(f, 6) == 0);
			break;
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			make_datetime(f, true);
			break;
		case UUIDOID:
			for (int i = 0; i < 36; i++)
				appendStringInfoChar(&f->text, i == 8 || i == 13 || i == 18 || i == 23 ? '-' :
									 "0123456789abcdefABCDEF"[choose(f, 22)]);
			break;
		default:
			make_words(f);
	}

	/* damage it */
	for (int n = choose(f, 3) ? 0 : 1 + choose(f, 3); n > 0; n--)
	{
		char	   *data = f->text.data;
		int			at = choose(f, f->text.len + 1);

		switch (choose(f, 4))
		{
			case 0:
				if (at < f->text.len)
					data[at] = choose(f, 40) ? PICK(f, odd) : '\0';
				break;
			case 1:
				if (at < f->text.len)
				{
					memmove(data + at, data + at + 1, f->text.len - at - 1);
					f->text.len--;
				}
				break;
			case 2:
				appendStringInfoChar(&f->text, PICK(f, odd));
				break;
			default:
				appendStringInfoChar(&f->text, ' ');
				memmove(f->text.data + 1, f->text.data, f->text.len - 1);
				f->text.data[0] = " \t-+0"[choose(f, 5)];
		}
	}
	appendBinaryStringInfo(&f->text, BEHIND, sizeof(BEHIND));
	f->text.len -= sizeof(BEHIND);
}

/* The string by the long way. */
static bool
read_fully(const Fuzz *f, const RedshiftType *type, const FuzzType *what, Datum *value)
{
	RecordField field = {f->text.data, f->text.len};
	RedshiftValue found;
	RedshiftResult result = redshift_read(type, &field, &found, value);
	Oid			function;
	Oid			typioparam;

	if (result == REDSHIFT_INPUT && !found.replaced)
	{
		getTypeInputInfo(what->type, &function, &typioparam);
		*value = OidInputFunctionCall(function, pnstrdup(found.field.data, found.field.len),
									  typioparam, what->typmod);
		return true;
	}
	return result == REDSHIFT_DATUM && !found.replaced;
}

static void
compare_values(Fuzz *f, const FuzzType *what, int rounds)
{
	MemoryContext save = CurrentMemoryContext;
	MemoryContext cxt = AllocSetContextCreate(save, "fuzz type", ALLOCSET_DEFAULT_SIZES);
	MemoryContext round_cxt = AllocSetContextCreate(cxt, "fuzz round", ALLOCSET_DEFAULT_SIZES);
	FormatOptions *options;
	RedshiftType *type;
	ValueParser parser;
	int16		typlen;
	bool		typbyval;

	MemoryContextSwitchTo(cxt);
	options = palloc0(sizeof(FormatOptions));
	options->format = choose(f, 2) ? FORMAT_JSON : FORMAT_TEXT;
	options->dateformat = options->timeformat = (char *) what->format;
	options->truncate_strings = choose(f, 2);
	options->redshift.on = true;
	options->redshift.trim_blanks = choose(f, 2);
	options->redshift.blanks_as_null = choose(f, 2);
	options->redshift.empty_as_null = choose(f, 2);
	options->redshift.round_decimals = choose(f, 2);
	options->redshift.accept_any_date = choose(f, 2);
	options->redshift.replacement = choose(f, 2) ? '?' : '\0';
	type = redshift_type_create(what->type, what->typmod, options);
	redshift_parser_init(&parser, type);
	get_typlenbyval(what->type, &typlen, &typbyval);

	MemoryContextSwitchTo(round_cxt);
	for (int i = 0; i < rounds && parser.parse; i++)
	{
		Datum		ours;
		Datum		theirs;

		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(round_cxt);
		make_value(f, what->type);
		if (!parser.parse(&parser, f->text.data, f->text.len, &ours))
			continue;
		f->compared++;
		if (!read_fully(f, type, what, &theirs) || !datumIsEqual(ours, theirs, typbyval, typlen))
		{
			if (f->disagreements++ < MAX_REPORTED)
				elog(WARNING, "type %s, format %s: \"%s\" read otherwise",
					 format_type_with_typemod(what->type, what->typmod),
					 what->format ? what->format : "none",
					 text_printable(f->text.data, f->text.len));
		}
	}
	MemoryContextSwitchTo(save);
	MemoryContextDelete(cxt);
}

/*
 * unit_redshift_value_fuzz(seed bigint, rounds int): so many strings for each
 * type.  The result tells how many were compared, the fewest of a type that has
 * a parser, which types have none, and the number of disagreements.
 */
Datum
unit_redshift_value_fuzz(PG_FUNCTION_ARGS)
{
	const int	batch = 1000;	/* with the same options */
	Fuzz		f;
	StringInfoData none;
	int64		fewest = PG_INT64_MAX;
	int64		total = 0;
	int			nest = NewGUCNestLevel();

	seed(&f, PG_GETARG_INT64(0));
	initStringInfo(&none);
	for (int i = 0; i < (int) lengthof(fuzz_types); i++)
	{
		f.compared = 0;
		for (int n = 0; n < PG_GETARG_INT32(1); n += batch)
		{
			const char *const *setting = PICK(&f, settings);

			(void) set_config_option(setting[0], setting[1], PGC_USERSET, PGC_S_SESSION,
									 GUC_ACTION_SAVE, true, 0, false);
			compare_values(&f, &fuzz_types[i], batch);
		}
		total += f.compared;
		if (f.compared > 0)
			fewest = Min(fewest, f.compared);
		else
			appendStringInfo(&none, " %s%s%s",
							 format_type_with_typemod(fuzz_types[i].type, fuzz_types[i].typmod),
							 fuzz_types[i].format ? "/" : "",
							 fuzz_types[i].format ? fuzz_types[i].format : "");
	}
	AtEOXact_GUC(true, nest);
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("compared " INT64_FORMAT ", fewest " INT64_FORMAT ", none of%s, disagreements %d",
											  total, fewest, none.data, f.disagreements)));
}

/* ----------------------------------------------------------------------- lines */

/* Files of lines that are records mostly. */
static void
make_file(Fuzz *f, const FormatOptions *options, int ncolumns)
{
	static const char *const fields[] = {
		"1", "abc", "", "\\N", "NULL", "a word or two", "2024-01-01", "x", "it's", "\xc3\xa4",
		"a longer field, so that a line does not fit into a block of sixty-four bytes"
	};
	static const char *const quoted[] = {
		"\"a\"", "\"\"", "\"b|c,d\"", "\"e\"\"f\"", "\"\"\"\"", "\"\\N\"", "\" g \"", "'h'", "'i|j,'", "\"k\nl\"",
		" \"m\"", "\"n\" ", "\"o\"p", "q\"r", "\"s", "'t", "\"\"\"", "\"u\r\n\"", "\"v\r\"", "\"\"w\"\""
	};
	static const char *const escaped[] = {
		"a\\\\", "\\|", "\\,", "a\\\nb", "a\\\r\nb", "\\\\N", "\\\\\\N", "\\n", "\\", "a\\\r", "\\'", "\\\""
	};
	static const char *const ends[] = {"\n", "\n", "\n", "\n", "\n", "\r\n", "\r\n", "\r", "|\n", "|\r\n", "||\n", ""};
	int			nlines = choose(f, choose(f, 8) ? 12 : 200);
	int			oddness = 2 + choose(f, 60);

	resetStringInfo(&f->text);
	for (int i = 0; i < nlines; i++)
	{
		int			n = choose(f, 12) ? ncolumns : choose(f, ncolumns + 3);

		for (int j = 0; j < n; j++)
		{
			if (j > 0)
				appendStringInfoString(&f->text, options->delimiter);
			if (choose(f, oddness))
				appendStringInfoString(&f->text, PICK(f, fields));
			else if (choose(f, 3))
				appendStringInfoString(&f->text, PICK(f, quoted));
			else if (choose(f, 6))
				appendStringInfoString(&f->text, PICK(f, escaped));
			else
				appendStringInfoChar(&f->text, choose(f, 2) ? '\0' : '\r');
		}
		appendStringInfoString(&f->text, choose(f, oddness) ? "\n" : PICK(f, ends));
	}
	if (choose(f, 3) == 0)
		appendStringInfoString(&f->text, "1");
}

static void
show(StringInfo out, const char *data, Size len)
{
	if (data == NULL)
		appendStringInfo(out, " null/%zu", len);
	else
	{
		appendStringInfoString(out, " <");
		appendBinaryStringInfo(out, data, (int) len);
		appendStringInfoChar(out, '>');
	}
}

/* All that comes of the file. */
static void
read_file(Fuzz *f, const FormatOptions *options, const RecordColumn *columns, int ncolumns,
		  bool by_masks, int piece, StringInfo out)
{
	ByteSource *source = unit_source_create(f->text.data, f->text.len, piece);
	RecordStart start = {.at_beginning = true};
	RecordReader *reader = redshift_reader_create(source, options, columns, ncolumns, &start);
	RedshiftReader *r = (RedshiftReader *) reader;

	if (!by_masks)
		r->line_kind = LINE_NONE;
	for (;;)
	{
		Record		record = {0};
		RecordStatus status = record_reader_next(reader, &record);
		const char *text;
		Size		len;

		if (status == RECORD_END)
			break;
		f->compared += status == RECORD_OK && r->window_end > 0;
		record_reader_text(reader, &text, &len);
		appendStringInfo(out, "%d line " UINT64_FORMAT " offset " UINT64_FORMAT, status,
						 record_reader_line(reader), record_reader_offset(reader));
		show(out, text, len);
		if (status == RECORD_BAD)
			appendStringInfo(out, ": %d %s", record.error.fault, record.error.message);
		else
		{
			for (int i = 0; i < ncolumns; i++)
				show(out, record.fields[i].data, record.fields[i].len);
		}
		appendStringInfoChar(out, '\n');
	}
	record_reader_close(reader);
	byte_source_close(source);
}

static void
compare_lines(Fuzz *f)
{
	static const int pieces[] = {1, 2, 3, 7, 64, 65, 1000, 4096, 1000000};
	static const int limits[] = {4 * 1024 * 1024, 4 * 1024 * 1024, 20, 100};
	static const char *const nulls[] = {"\\N", "\\N", "", "NULL", "x"};
	static const char *const delimiters[] = {"|", "|", ",", "\t", " ", "||"};
	FormatOptions options = {.format = choose(f, 2) ? FORMAT_TEXT : FORMAT_CSV};
	RedshiftFormat *rules = &options.redshift;
	int			ncolumns = 1 + choose(f, 4);
	RecordColumn *columns = palloc0(sizeof(RecordColumn) * ncolumns);
	StringInfoData expected;
	StringInfoData got;

	for (int i = 0; i < ncolumns; i++)
		columns[i].needed = true;
	rules->on = true;
	rules->escape = options.format == FORMAT_TEXT && choose(f, 2);
	rules->remove_quotes = options.format == FORMAT_TEXT && choose(f, 3) == 0;
	rules->null_is_nul = choose(f, 8) == 0;
	rules->fill_record = choose(f, 3) == 0;
	rules->ignore_blank_lines = choose(f, 3) == 0;
	rules->empty_as_null = choose(f, 3) == 0;
	options.missing_fields = choose(f, 8) ? RAGGED_ERROR : RAGGED_ACCEPT;
	options.extra_fields = choose(f, 8) ? RAGGED_ERROR : RAGGED_ACCEPT;
	options.delimiter = pstrdup(PICK(f, delimiters));
	options.quote = choose(f, 8) ? "\"" : "'";
	options.null = pstrdup(PICK(f, nulls));
	options.skip_lines = choose(f, 4) ? 0 : choose(f, 3);
	options.max_record_size = PICK(f, limits);
	make_file(f, &options, ncolumns);

	initStringInfo(&expected);
	read_file(f, &options, columns, ncolumns, false, 1000000, &expected);
	for (int i = 0; i < 4; i++)
	{
		int			piece = i == 0 ? 1000000 : PICK(f, pieces);
		bool		by_masks = i < 3;

		initStringInfo(&got);
		read_file(f, &options, columns, ncolumns, by_masks, piece, &got);
		if (got.len != expected.len || memcmp(got.data, expected.data, got.len) != 0)
		{
			if (f->disagreements++ < MAX_REPORTED)
				elog(WARNING, "format %d, escape %d, quotes %d, pieces of %d, masks %d: \"%s\"\nbecomes\n%s\nnot\n%s",
					 options.format, rules->escape, rules->remove_quotes, piece, by_masks,
					 text_printable(f->text.data, f->text.len),
					 text_printable(got.data, got.len),
					 text_printable(expected.data, expected.len));
		}
	}
}

/*
 * unit_redshift_line_fuzz(seed bigint, rounds int): so many files.  The result
 * tells how many records were read where masks were at hand, and the number of
 * disagreements.
 */
Datum
unit_redshift_line_fuzz(PG_FUNCTION_ARGS)
{
	MemoryContext save = CurrentMemoryContext;
	MemoryContext cxt = AllocSetContextCreate(save, "fuzz file", ALLOCSET_DEFAULT_SIZES);
	Fuzz		f;

	seed(&f, PG_GETARG_INT64(0));
	MemoryContextSwitchTo(cxt);
	for (int i = 0; i < PG_GETARG_INT32(1); i++)
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(cxt);
		initStringInfo(&f.text);
		compare_lines(&f);
	}
	MemoryContextSwitchTo(save);
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("compared " INT64_FORMAT ", disagreements %d",
											  f.compared, f.disagreements)));
}
