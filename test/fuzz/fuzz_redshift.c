/*-------------------------------------------------------------------------
 *
 * fuzz_redshift.c
 *		Fuzz target: statements written for Redshift.
 *
 * What is shown of a statement has as many characters as the statement; the
 * COPY of a job can be read again, and is the same then.
 *
 * IDENTIFICATION
 *		test/fuzz/fuzz_redshift.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fuzz.h"
#include "mb/pg_wchar.h"
#include "redshift/redact.h"
#include "redshift/statement.h"
#include "redshift/token.h"

static void
redact(void *arg)
{
	const char *text = arg;
	const char *shown = redshift_redact(redshift_tokenize(text));

	if (pg_mbstrlen_with_len(text, strlen(text)) != pg_mbstrlen_with_len(shown, strlen(shown)))
		fuzz_fail("what is shown has another length", NULL, NULL);
}

static void
parse(void *arg)
{
	RedshiftStatement *statement = redshift_parse(arg);
	RedshiftStatement *again;

	if (statement->command != REDSHIFT_JOB_CREATE)
		return;
	if (!fuzz_try(redact, statement->copy_text))
		fuzz_fail("an error was thrown", NULL, NULL);
	again = redshift_parse(statement->copy_text);
	if (again->command != REDSHIFT_COPY || again->copy_text != NULL ||
		strcmp(again->table, statement->table) != 0 ||
		strcmp(again->location, statement->location) != 0 ||
		again->format != statement->format ||
		list_length(again->columns) != list_length(statement->columns))
		fuzz_fail("the COPY of a job is another one", NULL, NULL);
}

/* A COPY that has been read can be read again. */
static void
parse_job(void *arg)
{
	RedshiftStatement *statement = redshift_parse(arg);

	if (statement->command == REDSHIFT_JOB_CREATE && !fuzz_try(parse, statement->copy_text))
		fuzz_fail("the COPY of a job cannot be read", NULL, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	if (pg_encoding_verifymbstr(PG_UTF8, text, size) == size)
	{
		if (!fuzz_try(redact, text))
			fuzz_fail("an error was thrown", NULL, NULL);
		(void) fuzz_try(parse, text);
		(void) fuzz_try(parse_job, text);
	}
	free(text);
	return 0;
}
