/*-------------------------------------------------------------------------
 *
 * server.c
 *		As much of a PostgreSQL server as the files under test need.
 *
 * Memory contexts are lists of blocks from malloc(), one for each allocation.
 * An error ends the trial.  There are two character sets: the database is in
 * UTF-8, and LATIN1 can be converted.  What is the same in the server and its
 * client programs comes from the libraries of the latter.
 *
 * IDENTIFICATION
 *		test/fuzz/server.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "commands/dbcommands.h"
#include "fuzz.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/memnodes.h"
#include "nodes/pg_list.h"
#include "parser/scansup.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/memutils.h"

/* ---- Memory ---- */

typedef struct FuzzContext FuzzContext;

typedef struct FuzzBlock
{
	FuzzContext *context;
	struct FuzzBlock *prev;
	struct FuzzBlock *next;
	Size		size;
} FuzzBlock;

struct FuzzContext
{
	MemoryContextData base;
	FuzzContext *parent;
	FuzzContext *child;			/* the first one */
	FuzzContext *sibling;		/* the next one */
	MemoryContextCallback *callbacks;
	FuzzBlock	blocks;			/* head of the ring */
};

StaticAssertDecl(sizeof(FuzzBlock) % MAXIMUM_ALIGNOF == 0, "blocks are aligned");

MemoryContext CurrentMemoryContext;
MemoryContext TopMemoryContext;

static FuzzContext *
context_create(FuzzContext *parent)
{
	FuzzContext *context = calloc(1, sizeof(FuzzContext));

	if (context == NULL)
		abort();
	context->base.type = T_AllocSetContext;
	context->parent = parent;
	if (parent)
	{
		context->sibling = parent->child;
		parent->child = context;
	}
	context->blocks.prev = context->blocks.next = &context->blocks;
	return context;
}

static void *
context_alloc(MemoryContext cxt, Size size, bool zero, Size max)
{
	FuzzContext *context = (FuzzContext *) cxt;
	FuzzBlock  *block;

	if (size > max)
		elog(ERROR, "invalid memory alloc request size %zu", size);
	block = malloc(sizeof(FuzzBlock) + size);
	if (block == NULL)
		ereport(ERROR, errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"));
	block->context = context;
	block->size = size;
	block->next = context->blocks.next;
	block->prev = &context->blocks;
	block->next->prev = block;
	block->prev->next = block;

	/* what is not asked to be zero had better not look so */
	memset(block + 1, zero ? 0 : 0xa5, size);
	return block + 1;
}

void
pfree(void *pointer)
{
	FuzzBlock  *block = (FuzzBlock *) pointer - 1;

	block->prev->next = block->next;
	block->next->prev = block->prev;
	free(block);
}

static void *
context_realloc(void *pointer, Size size, Size max)
{
	FuzzBlock  *block = (FuzzBlock *) pointer - 1;
	void	   *grown = context_alloc(&block->context->base, size, false, max);

	memcpy(grown, pointer, Min(size, block->size));
	pfree(pointer);
	return grown;
}

void *
palloc(Size size)
{
	return context_alloc(CurrentMemoryContext, size, false, MaxAllocSize);
}

void *
palloc0(Size size)
{
	return context_alloc(CurrentMemoryContext, size, true, MaxAllocSize);
}

void *
palloc_extended(Size size, int flags)
{
	return MemoryContextAllocExtended(CurrentMemoryContext, size, flags);
}

void *
repalloc(void *pointer, Size size)
{
	return context_realloc(pointer, size, MaxAllocSize);
}

void *
repalloc_huge(void *pointer, Size size)
{
	return context_realloc(pointer, size, MaxAllocHugeSize);
}

void *
MemoryContextAlloc(MemoryContext context, Size size)
{
	return context_alloc(context, size, false, MaxAllocSize);
}

void *
MemoryContextAllocZero(MemoryContext context, Size size)
{
	return context_alloc(context, size, true, MaxAllocSize);
}

/* Called by macros of some versions. */
extern void *MemoryContextAllocZeroAligned(MemoryContext context, Size size);

void *
MemoryContextAllocZeroAligned(MemoryContext context, Size size)
{
	return context_alloc(context, size, true, MaxAllocSize);
}

void *
MemoryContextAllocHuge(MemoryContext context, Size size)
{
	return context_alloc(context, size, false, MaxAllocHugeSize);
}

void *
MemoryContextAllocExtended(MemoryContext context, Size size, int flags)
{
	return context_alloc(context, size, (flags & MCXT_ALLOC_ZERO) != 0,
						 flags & MCXT_ALLOC_HUGE ? MaxAllocHugeSize : MaxAllocSize);
}

char *
MemoryContextStrdup(MemoryContext context, const char *string)
{
	Size		size = strlen(string) + 1;

	return memcpy(MemoryContextAlloc(context, size), string, size);
}

char *
pstrdup(const char *in)
{
	return MemoryContextStrdup(CurrentMemoryContext, in);
}

char *
pnstrdup(const char *in, Size len)
{
	char	   *out;

	len = strnlen(in, len);
	out = palloc(len + 1);
	memcpy(out, in, len);
	out[len] = '\0';
	return out;
}

MemoryContext
AllocSetContextCreateInternal(MemoryContext parent, const char *name, Size minContextSize,
							  Size initBlockSize, Size maxBlockSize)
{
	return &context_create((FuzzContext *) parent)->base;
}

void
MemoryContextRegisterResetCallback(MemoryContext cxt, MemoryContextCallback *callback)
{
	FuzzContext *context = (FuzzContext *) cxt;

	callback->next = context->callbacks;
	context->callbacks = callback;
}

void
MemoryContextDeleteChildren(MemoryContext cxt)
{
	FuzzContext *context = (FuzzContext *) cxt;

	while (context->child)
		MemoryContextDelete(&context->child->base);
}

void
MemoryContextReset(MemoryContext cxt)
{
	FuzzContext *context = (FuzzContext *) cxt;

	MemoryContextDeleteChildren(cxt);
	while (context->callbacks)
	{
		MemoryContextCallback *callback = context->callbacks;

		context->callbacks = callback->next;
		callback->func(callback->arg);
	}
	while (context->blocks.next != &context->blocks)
		pfree(context->blocks.next + 1);
}

void
MemoryContextDelete(MemoryContext cxt)
{
	FuzzContext *context = (FuzzContext *) cxt;

	MemoryContextReset(cxt);
	if (context->parent)
	{
		FuzzContext **link = &context->parent->child;

		while (*link != context)
			link = &(*link)->sibling;
		*link = context->sibling;
	}
	free(context);
}

/* ---- Errors ---- */

int			fuzz_sqlerrcode;
char		fuzz_message[4096];
sigjmp_buf *PG_exception_stack;
ErrorContextCallback *error_context_stack;
static int	error_level;

bool
errstart(int elevel, const char *domain)
{
	if (elevel < ERROR)
		return false;
	error_level = elevel;
	fuzz_sqlerrcode = ERRCODE_INTERNAL_ERROR;
	fuzz_message[0] = '\0';
	return true;
}

bool
errstart_cold(int elevel, const char *domain)
{
	return errstart(elevel, domain);
}

/* What an error is made of, one after another. */
static int
add_message(const char *what, const char *format, va_list args)
{
	Size		len = strlen(fuzz_message);

	snprintf(fuzz_message + len, sizeof(fuzz_message) - len, "%s", what);
	len = strlen(fuzz_message);
	vsnprintf(fuzz_message + len, sizeof(fuzz_message) - len, format, args);
	return 0;
}

#define ADD_MESSAGE(what, format) \
	do { \
		va_list		args; \
		va_start(args, format); \
		add_message(what, format, args); \
		va_end(args); \
		return 0; \
	} while (0)

int
errcode(int sqlerrcode)
{
	fuzz_sqlerrcode = sqlerrcode;
	return 0;
}

int
errmsg(const char *fmt,...)
{
	ADD_MESSAGE("", fmt);
}

int
errmsg_internal(const char *fmt,...)
{
	ADD_MESSAGE("", fmt);
}

int
errdetail(const char *fmt,...)
{
	ADD_MESSAGE("; ", fmt);
}

int
errdetail_internal(const char *fmt,...)
{
	ADD_MESSAGE("; ", fmt);
}

int
errhint(const char *fmt,...)
{
	ADD_MESSAGE("; ", fmt);
}

int
internalerrquery(const char *query)
{
	return 0;
}

int
internalerrposition(int cursorpos)
{
	return 0;
}

void
errfinish(const char *filename, int lineno, const char *funcname)
{
	/* An internal error is one that no input should bring about. */
	if (error_level != ERROR || fuzz_sqlerrcode == ERRCODE_INTERNAL_ERROR ||
		PG_exception_stack == NULL)
	{
		fprintf(stderr, "%s:%d: %s\n", filename, lineno, fuzz_message);
		abort();
	}
	siglongjmp(*PG_exception_stack, 1);
}

void
ExceptionalCondition(const char *conditionName,
#if PG_VERSION_NUM < 160000
					 const char *errorType,
#endif
					 const char *fileName, int lineNumber)
{
	fprintf(stderr, "%s:%d: assertion failed: %s\n", fileName, lineNumber, conditionName);
	abort();
}

bool
fuzz_try(void (*trial) (void *arg), void *arg)
{
	MemoryContext old_context = CurrentMemoryContext;
	sigjmp_buf *old_stack = PG_exception_stack;
	FuzzContext *context = context_create(NULL);
	sigjmp_buf	here;
	volatile bool ok = false;

	CurrentMemoryContext = &context->base;
	if (TopMemoryContext == NULL)
		TopMemoryContext = CurrentMemoryContext;
	fuzz_sqlerrcode = 0;
	if (sigsetjmp(here, 0) == 0)
	{
		PG_exception_stack = &here;
		trial(arg);
		ok = true;
	}
	PG_exception_stack = old_stack;
	CurrentMemoryContext = old_context;
	if (TopMemoryContext == &context->base)
		TopMemoryContext = NULL;
	MemoryContextDelete(&context->base);
	return ok;
}

/* ---- The catalogs ---- */

Oid			MyDatabaseId = 1;

char *
get_database_name(Oid dbid)
{
	return pstrdup("postgres");
}

/* ---- Interrupts ---- */

volatile sig_atomic_t InterruptPending;

void
ProcessInterrupts(void)
{
}

/* ---- Lists ---- */

List *
lappend(List *list, void *datum)
{
	List	   *longer = palloc(offsetof(List, initial_elements) +
								sizeof(ListCell) * (list_length(list) + 1));

	longer->type = T_List;
	longer->length = longer->max_length = list_length(list) + 1;
	longer->elements = longer->initial_elements;
	for (int i = 0; i < list_length(list); i++)
		longer->elements[i] = list->elements[i];
	longer->elements[longer->length - 1].ptr_value = datum;
	return longer;
}

/* ---- Encodings ---- */

#define LATIN1_TO_UTF8 1

int
GetDatabaseEncoding(void)
{
	return PG_UTF8;
}

const char *
GetDatabaseEncodingName(void)
{
	return "UTF8";
}

int
pg_database_encoding_max_length(void)
{
	return pg_encoding_max_length(PG_UTF8);
}

bool
pg_verify_mbstr(int encoding, const char *mbstr, int len, bool noError)
{
	int			valid = pg_encoding_verifymbstr(encoding, mbstr, len);

	if (valid != len && !noError)
		report_invalid_encoding(encoding, mbstr + valid, len - valid);
	return valid == len;
}

char *
pg_any_to_server(const char *s, int len, int encoding)
{
	return unconstify(char *, s);
}

/* As of locale C. */
char *
str_tolower(const char *buff, size_t nbytes, Oid collid)
{
	char	   *lower = pnstrdup(buff, nbytes);

	for (char *p = lower; *p; p++)
		*p = pg_ascii_tolower((unsigned char) *p);
	return lower;
}

char *
asc_toupper(const char *buff, size_t nbytes)
{
	char	   *upper = pnstrdup(buff, nbytes);

	for (char *p = upper; *p; p++)
		*p = pg_ascii_toupper((unsigned char) *p);
	return upper;
}

/* Only whether it is none: the nearest word is but a hint. */
int
varstr_levenshtein_less_equal(const char *source, int slen, const char *target, int tlen,
							  int ins_c, int del_c, int sub_c, int max_d, bool trusted)
{
	return slen == tlen && memcmp(source, target, slen) == 0 ? 0 : max_d + 1;
}

char *
downcase_identifier(const char *ident, int len, bool warn, bool truncate)
{
	return str_tolower(ident, len, InvalidOid);
}

void
truncate_identifier(char *ident, int len, bool warn)
{
	if (len >= NAMEDATALEN)
		ident[pg_mbcliplen(ident, len, NAMEDATALEN - 1)] = '\0';
}

bool
scanner_isspace(char ch)
{
	return ch != '\0' && strchr(" \t\n\r\f", ch) != NULL;
}

int
pg_mbstrlen_with_len(const char *mbstr, int limit)
{
	int			n = 0;

	for (int i = 0; i < limit; i += pg_mblen(mbstr + i))
		n++;
	return n;
}

int
pg_mblen(const char *mbstr)
{
	return pg_utf_mblen((const unsigned char *) mbstr);
}

int
pg_mbcliplen(const char *mbstr, int len, int limit)
{
	int			clip = 0;

	while (len > 0 && *mbstr)
	{
		int			char_len = pg_mblen(mbstr);

		if (clip + char_len > limit)
			break;
		clip += char_len;
		len -= char_len;
		mbstr += char_len;
	}
	return clip;
}

void
report_invalid_encoding(int encoding, const char *mbstr, int len)
{
	int			char_len = pg_encoding_mblen(encoding, mbstr);

	ereport(ERROR,
			errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
			errmsg("invalid byte sequence, %d bytes from 0x%02x", Min(char_len, len),
				   (unsigned char) *mbstr));
}

Oid
FindDefaultConversionProc(int32 for_encoding, int32 to_encoding)
{
	return for_encoding == PG_LATIN1 && to_encoding == PG_UTF8 ? LATIN1_TO_UTF8 : InvalidOid;
}

int
pg_do_encoding_conversion_buf(Oid proc, int src_encoding, int dest_encoding, unsigned char *src,
							  int srclen, unsigned char *dest, int destlen, bool noError)
{
	int			used;

	/* the server's limit: four bytes for each, and the end */
	if (srclen >= destlen / MAX_CONVERSION_GROWTH)
		srclen = destlen / MAX_CONVERSION_GROWTH - 1;
	for (used = 0; used < srclen; used++)
	{
		unsigned char c = src[used];

		if (c == '\0')
		{
			if (!noError)
				report_invalid_encoding(src_encoding, (char *) src + used, srclen - used);
			break;
		}
		if (c < 0x80)
			*dest++ = c;
		else
		{
			*dest++ = 0xc0 | c >> 6;
			*dest++ = 0x80 | (c & 0x3f);
		}
	}
	*dest = '\0';
	return used;
}
