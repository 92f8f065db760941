/*-------------------------------------------------------------------------
 *
 * records.c
 *		Read the same bytes as records in several ways.
 *
 * However a stream is cut into pieces, and whatever stands in the padding behind
 * them, the reader must say the same.  An object cut into stretches must give
 * the same records as the whole, or be refused like it.
 *
 * IDENTIFICATION
 *		test/fuzz/records.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "format/boundary.h"
#include "format/csv.h"
#include "format/encoding.h"
#include "fuzz.h"

typedef struct ReadTrial
{
	const FormatOptions *options;
	const RecordColumn *columns;
	int			ncolumns;
	const char *data;			/* of the object */
	Size		len;
	Size		from;			/* the part to be read */
	Size		to;
	LineEnd		line_end;		/* known at its beginning */
	FuzzCuts	cuts;

	FuzzText   *records;		/* what is read */
	FuzzText   *trace;			/* the same, and where; or NULL */
	bool		refused;
} ReadTrial;

static void
read_records(void *arg)
{
	ReadTrial  *t = arg;
	RecordStart start = {
		.at_beginning = t->from == 0,
		.has_header = t->from == 0 && t->options->header != HEADER_FALSE,
		.line_end = t->line_end
	};
	ByteSource *source;
	ByteSource *text;
	RecordReader *reader;
	Record		record;
	RecordStatus status;

	if (t->options->match_by == MATCH_BY_NAME && !start.has_header)
	{
		source = fuzz_source_create(t->data, t->len, &t->cuts);
		text = text_source_create(source, t->options->encoding, true);
		start.header = csv_read_header(text, t->options);
		byte_source_close(text);
		byte_source_close(source);
	}

	source = fuzz_source_create(t->data + t->from, t->to - t->from, &t->cuts);
	text = text_source_create(source, t->options->encoding, start.at_beginning);
	reader = record_reader_create(text, t->options, t->columns, t->ncolumns, &start);
	while ((status = record_reader_next(reader, &record)) != RECORD_END)
	{
		if (t->trace)
			fuzz_printf(t->trace, "line " UINT64_FORMAT ", offset " UINT64_FORMAT ": ",
						record_reader_line(reader), record_reader_offset(reader));
		if (status == RECORD_BAD)
		{
			const RecordError *error = &record.error;

			if (t->trace)
				fuzz_printf(t->trace, "%s %d %s; %s; %s\n", error->fatal ? "fatal" : "bad",
							error->sqlerrcode, error->message, error->detail ? error->detail : "",
							error->hint ? error->hint : "");
			fuzz_printf(t->records, "bad\n");
			if (error->fatal || t->options->format == FORMAT_JSON)
				t->refused = true;
			continue;
		}
		for (int i = 0; i < t->ncolumns; i++)
		{
			const RecordField *field = &record.fields[i];

			if (!t->columns[i].needed)
				continue;
			if (field->data == NULL && field->len != 0 && field->len != RECORD_FIELD_DEFAULT &&
				field->len != RECORD_FIELD_MISSING)
				fuzz_fail("NULL with a length", t->records, NULL);
			fuzz_printf(t->records, field->data ? "%zu:" : field->len ? "default" : "null", field->len);
			if (field->data)
				fuzz_append(t->records, field->data, field->len);
			fuzz_append(t->records, ",", 1);
		}
		fuzz_append(t->records, "\n", 1);
		if (t->trace)
			fuzz_printf(t->trace, "ok, %zu\n", t->records->len);
	}
	if (record_reader_next(reader, &record) != RECORD_END)
		fuzz_fail("the end did not last", t->records, NULL);
	record_reader_close(reader);
	byte_source_close(text);
	byte_source_close(source);
}

/* Errors that are thrown are part of the result. */
static void
read_part(ReadTrial *t)
{
	if (!fuzz_try(read_records, t))
	{
		t->refused = true;
		if (t->trace)
			fuzz_printf(t->trace, "error %d: %s\n", fuzz_sqlerrcode, fuzz_message);
	}
}

/* Read it in stretches of the given length. */
static void
read_stretches(ReadTrial *t, const BoundaryRule *rule, Size stretch, Size step)
{
	BoundaryState state;
	LineEnd		line_end = LINE_END_UNKNOWN;
	Size		begin = 0;
	Size		len = t->len;

	boundary_begin(&state);
	for (Size from = 0; from < len; from += stretch)
	{
		Size		to = Min(len, from + stretch);
		Size		ahead = Min(len - to, BOUNDARY_LOOKAHEAD);
		BoundarySummary summary;
		BoundaryState behind;
		Size		end = to;
		char	   *copy = malloc(to - from + ahead);

		memcpy(copy, t->data + from, to - from + ahead);
		boundary_summarize(rule, copy, to - from, ahead, from == 0, &summary);
		free(copy);
		boundary_apply(&summary, &state);
		behind = state;
		while (end < len)
		{
			Size		n = Min(step, len - end);
			Size		found;
			bool		done;

			ahead = Min(len - end - n, BOUNDARY_LOOKAHEAD);
			copy = malloc(n + ahead);
			memcpy(copy, t->data + end, n + ahead);
			done = boundary_next(rule, &behind, copy, n, ahead, &found);
			free(copy);
			end += done ? found : n;
			if (done)
				break;
		}
		if (begin < end)
		{
			t->from = begin;
			t->to = end;
			t->line_end = line_end;
			read_part(t);
		}
		begin = end;
		line_end = behind.line_end;
	}
}

void
fuzz_records(const FormatOptions *options, const RecordColumn *columns, int ncolumns, FuzzInput *in)
{
	FuzzCuts	cuts[2];
	FuzzText	records[3] = {0};
	FuzzText	traces[2] = {0};
	bool		refused[3] = {0};
	Size		stretch;
	Size		step;
	BoundaryRule rule;

	/* Of JSON that is too long and wrong, it may tell either. */
	bool		exact = options->format != FORMAT_JSON || options->max_record_size > 1000;

	fuzz_cuts(in, &cuts[0]);
	fuzz_cuts(in, &cuts[1]);
	stretch = fuzz_choose(in, 256);
	step = fuzz_choose(in, 256);

	/* not so many that it takes long */
	if (stretch == 0 || in->len / stretch > 300)
		stretch = in->len / 5 + 1;
	if (step == 0)
		step = 1000;
	for (int i = 0; i < 3; i++)
	{
		ReadTrial	t = {
			.options = options,
			.columns = columns,
			.ncolumns = ncolumns,
			.data = in->data,
			.len = in->len,
			.to = in->len,
			.cuts = cuts[i % 2],
			.records = &records[i],
			.trace = i < 2 ? &traces[i] : NULL
		};

		if (i < 2)
			read_part(&t);
		else if (in->len > 0 && boundary_rule(options, &rule) &&
				 text_encoding_is_ascii_safe(options->encoding))
			read_stretches(&t, &rule, stretch, step);
		else
			break;
		refused[i] = t.refused;
		if (i == 1 && (exact || !refused[0] || !refused[1]) &&
			(!fuzz_text_equal(&traces[0], &traces[1]) ||
			 !fuzz_text_equal(&records[0], &records[1])))
			fuzz_fail("pieces of other sizes give another result", &traces[0], &traces[1]);
		if (i == 2 && refused[0] != refused[2])
			fuzz_fail(refused[0] ? "accepted in stretches only" : "accepted as a whole only",
					  &records[0], &records[2]);
		if (i == 2 && !refused[0] && !fuzz_text_equal(&records[0], &records[2]))
			fuzz_fail("stretches give another result", &records[0], &records[2]);
	}
	for (int i = 0; i < 3; i++)
		fuzz_text_free(&records[i]);
	for (int i = 0; i < 2; i++)
		fuzz_text_free(&traces[i]);
}
