/*-------------------------------------------------------------------------
 *
 * export_name.c
 *		Names of the files of an export.
 *
 * A name is a pattern with placeholders for what tells files apart: the slice,
 * which is the process, and the part, which counts from 0 in each slice and
 * folder.  {uuid} is the same for all files of a run, and tells runs apart.
 *
 * Above: export_files.c, and export_job.c, which has patterns checked.
 *
 * Invariant: two files of a run that differ in slice, folder or part differ in
 * their keys.  A folder has as many slashes as there are partition columns, so
 * it is known where the name begins; the pattern has a placeholder for whatever
 * may differ; and between one for the slice and one for the part stands what
 * cannot be taken for a digit, so that each number is known from the name.
 *
 * IDENTIFICATION
 *		src/commands/export_name.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/config.h"
#include "commands/export_files.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "s3/uri.h"

#define DEFAULT_PATTERN "part-{slice:5}-{part:5}"
#define MAX_WIDTH 20

/* Of a key that is too long, so much is shown. */
#define SHOWN_KEY_LEN 100

typedef enum PieceKind
{
	PIECE_TEXT,
	PIECE_SLICE,
	PIECE_PART,
	PIECE_UUID
} PieceKind;

typedef struct Piece
{
	PieceKind	kind;
	int			width;			/* of a number: at least so many digits */
	char	   *text;			/* owned */
} Piece;

struct ExportName
{
	const ExportJob *job;		/* borrowed */
	List	   *pieces;			/* of Piece */
	char	   *suffix;			/* behind the pattern; "" if that was given */
};

/* ------------------------------------------------------------------------ patterns */

static void
report_bad_pattern(const char *pattern, const char *reason, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
			 errmsg("invalid value for option \"file_name\": \"%s\"", pattern),
			 errdetail_internal("%s", reason),
			 hint ? errhint("%s", hint) : 0));
}

/* Take the inside of braces, up to the closing one; p is behind the first. */
static Piece *
parse_placeholder(const char *pattern, const char **p)
{
	static const struct
	{
		const char *name;
		PieceKind	kind;
		bool		has_width;
	}			placeholders[] = {
		{"slice", PIECE_SLICE, true},
		{"part", PIECE_PART, true},
		{"uuid", PIECE_UUID, false}
	};
	Size		len = strcspn(*p, "{}:");
	const char *name = *p;

	for (int i = 0; i < (int) lengthof(placeholders); i++)
	{
		Piece	   *piece;

		if (strlen(placeholders[i].name) != len || strncmp(placeholders[i].name, name, len) != 0)
			continue;
		piece = palloc0(sizeof(Piece));
		piece->kind = placeholders[i].kind;
		*p += len;
		if (placeholders[i].has_width && **p == ':')
		{
			(*p)++;
			while (**p >= '0' && **p <= '9' && piece->width <= MAX_WIDTH)
				piece->width = piece->width * 10 + *(*p)++ - '0';
			if (piece->width < 1 || piece->width > MAX_WIDTH)
				report_bad_pattern(pattern,
								   psprintf(_("The width of a number must be between 1 and %d."), MAX_WIDTH),
								   NULL);
		}
		if (**p != '}')
			break;
		(*p)++;
		return piece;
	}
	report_bad_pattern(pattern, _("Placeholders are {slice}, {part} and {uuid}, the first two also with a width as in {part:5}."),
					   _("Write \"{{\" and \"}}\" for braces."));
	return NULL;
}

static List *
parse_pattern(const char *pattern)
{
	List	   *pieces = NIL;
	const char *p = pattern;

	while (*p)
	{
		StringInfoData text;

		initStringInfo(&text);
		while (*p && (p[0] == p[1] || (*p != '{' && *p != '}')))
		{
			/* a brace that is doubled */
			if (*p == '{' || *p == '}')
				p++;
			appendStringInfoChar(&text, *p++);
		}
		if (text.len > 0)
		{
			Piece	   *piece = palloc0(sizeof(Piece));

			piece->kind = PIECE_TEXT;
			piece->text = text.data;
			pieces = lappend(pieces, piece);
		}
		if (*p == '}')
			report_bad_pattern(pattern, _("A closing brace has no opening one."),
							   _("Write \"{{\" and \"}}\" for braces."));
		if (*p == '{')
		{
			p++;
			pieces = lappend(pieces, parse_placeholder(pattern, &p));
		}
	}
	return pieces;
}

static bool
has_piece(const List *pieces, PieceKind kind)
{
	ListCell   *lc;

	foreach(lc, pieces)
	{
		if (((Piece *) lfirst(lc))->kind == kind)
			return true;
	}
	return false;
}

/* Can the digits of slice and part run into each other? */
static bool
numbers_touch(const List *pieces)
{
	PieceKind	last = PIECE_TEXT;	/* a number before, with only digits since */
	ListCell   *lc;

	foreach(lc, pieces)
	{
		Piece	   *piece = lfirst(lc);

		switch (piece->kind)
		{
			case PIECE_TEXT:
				if (strspn(piece->text, "0123456789") < strlen(piece->text))
					last = PIECE_TEXT;
				break;
			case PIECE_UUID:
				last = PIECE_TEXT;
				break;
			case PIECE_SLICE:
			case PIECE_PART:
				if (last != PIECE_TEXT && last != piece->kind)
					return true;
				last = piece->kind;
				break;
		}
	}
	return false;
}

void
export_name_check(const S3ExportOptions *options)
{
	const char *pattern = options->file_name;
	List	   *pieces;

	if (pattern == NULL)
		return;
	if (pattern[0] == '\0')
		report_bad_pattern(pattern, _("It must not be empty."), NULL);
	if (pattern[0] == '/' || pattern[strlen(pattern) - 1] == '/')
		report_bad_pattern(pattern, _("It must not begin or end with a slash."), NULL);
	pieces = parse_pattern(pattern);
	if (options->parallel && !has_piece(pieces, PIECE_SLICE))
		report_bad_pattern(pattern, _("It must contain {slice}, since several processes may write files."),
						   _("Or set parallel => false."));
	if ((options->max_file_size > 0 || options->rows_per_file > 0 || options->partition_by != NIL) &&
		!has_piece(pieces, PIECE_PART))
		report_bad_pattern(pattern, _("It must contain {part}, since there may be several files in a folder."),
						   NULL);
	if (numbers_touch(pieces))
		report_bad_pattern(pattern, _("Between {slice} and {part} there must be a character that is no digit."),
						   NULL);
	if ((options->manifest != MANIFEST_NONE && strcmp(pattern, "manifest") == 0) ||
		(options->success_marker && strcmp(pattern, "_SUCCESS") == 0))
		report_bad_pattern(pattern, _("The export writes another object of this name."), NULL);
}

/* ---------------------------------------------------------------------------- keys */

static const char *
format_suffix(const FormatOptions *format)
{
	switch ((FileFormat) format->format)
	{
		case FORMAT_CSV:
			return ".csv";
		case FORMAT_TEXT:
		case FORMAT_FIXEDWIDTH:
			break;
		case FORMAT_JSON:
			return ".json";
	}
	return ".txt";
}

ExportName *
export_name_create(const ExportJob *job)
{
	ExportName *name = palloc(sizeof(ExportName));

	export_name_check(job->options);
	name->job = job;
	name->pieces = parse_pattern(job->options->file_name ? job->options->file_name : DEFAULT_PATTERN);
	name->suffix = job->options->file_name ? "" :
		psprintf("%s%s", format_suffix(&job->options->format), job->codec ? job->codec->suffix : "");
	return name;
}

char *
export_name_key(const ExportName *name, const char *folder, int slice, int part)
{
	StringInfoData key;
	ListCell   *lc;

	initStringInfo(&key);
	appendStringInfo(&key, "%s%s", name->job->prefix, folder);
	foreach(lc, name->pieces)
	{
		Piece	   *piece = lfirst(lc);

		switch (piece->kind)
		{
			case PIECE_TEXT:
				appendStringInfoString(&key, piece->text);
				break;
			case PIECE_SLICE:
				appendStringInfo(&key, "%0*d", piece->width, slice);
				break;
			case PIECE_PART:
				appendStringInfo(&key, "%0*d", piece->width, part);
				break;
			case PIECE_UUID:
				appendStringInfoString(&key, name->job->run_id);
				break;
		}
	}
	appendStringInfoString(&key, name->suffix);
	if (key.len > S3_MAX_KEY_LEN)
	{
		char	   *start = pnstrdup(key.data, pg_mbcliplen(key.data, key.len, SHOWN_KEY_LEN));

		ereport(ERROR,
				(errcode(ERRCODE_NAME_TOO_LONG),
				 errmsg("key of a file is too long"),
				 errdetail("It would have %d bytes, of which at most %d are allowed, and begins with \"%s\".",
						   key.len, S3_MAX_KEY_LEN, s3_location_format(name->job->bucket, start))));
	}
	return key.data;
}

bool
export_name_matches(const ExportName *name, const char *rest)
{
	const char *p = rest;
	ListCell   *lc;

	foreach(lc, name->pieces)
	{
		Piece	   *piece = lfirst(lc);
		Size		len = 0;

		switch (piece->kind)
		{
			case PIECE_TEXT:
			case PIECE_UUID:
				{
					const char *text = piece->kind == PIECE_TEXT ? piece->text : name->job->run_id;

					len = strlen(text);
					if (strncmp(p, text, len) != 0)
						return false;
					break;
				}
			case PIECE_SLICE:
			case PIECE_PART:
				len = strspn(p, "0123456789");
				if (len < Max(piece->width, 1))
					return false;
				break;
		}
		p += len;
	}
	return strcmp(p, name->suffix) == 0;
}
