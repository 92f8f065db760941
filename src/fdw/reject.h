/*-------------------------------------------------------------------------
 *
 * reject.h
 *		What becomes of what a scan cannot use: counted, recorded, or too much.
 *
 * IDENTIFICATION
 *		src/fdw/reject.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_REJECT_H
#define S3_REJECT_H

#include "base/option.h"
#include "format/record.h"
#include "format/tuple.h"
#include "port/atomics.h"
#include "storage/dsm.h"
#include "utils/rel.h"

struct S3ScanState;

/* What is counted. */
typedef enum RejectKind
{
	REJECT_ROW,					/* left out */
	REJECT_VALUE,				/* NULL instead */
	REJECT_OBJECT,				/* not read to its end */
	REJECT_REPAIRED,			/* a row used after a repair: no error */
	NUM_REJECT_KINDS
} RejectKind;

/* Sums over the processes of a scan. */
typedef struct RejectShared
{
	pg_atomic_uint64 rows;		/* records read, good or bad */
	pg_atomic_uint64 errors;	/* all but repairs */
	pg_atomic_uint64 counts[NUM_REJECT_KINDS];
	pg_atomic_uint32 warned;	/* of a key that no column reads */
	dsm_handle	store;			/* DSM_HANDLE_INVALID: there is none */
	bool		again;			/* all has been read once: record nothing */
} RejectShared;

typedef struct Reject Reject;

/* Does a scan of a table with these options have to ask here for anything? */
extern bool reject_is_needed(const S3TableOptions *options);

/* Must all columns' values be looked at, whatever the query reads? */
extern bool reject_validates_all(const S3TableOptions *options);

/* For a scan, in scan->cxt; scan->input says for whom. */
extern Reject *reject_create(struct S3ScanState *scan);

/*
 * Go by what the processes of a parallel scan share.  The leader calls it with
 * init before workers run, and may start a store.
 */
extern void reject_share(Reject *reject, RejectShared *shared, bool init);

/* The same objects are read again. */
extern void reject_rescan(Reject *reject);
extern void reject_rescan_shared(Reject *reject);

/* Of the scan's current record; the latter as a TupleFaultHandler. */
extern void reject_count_row(Reject *reject);
extern void reject_record(Reject *reject, const RecordError *error);
extern bool reject_value(void *arg, const TupleFault *fault);
extern void reject_repaired(Reject *reject, int sqlerrcode, const char *message);

/*
 * A key or name that no column reads, or may read.  The latter as a KeyHandler;
 * false: no more of them need to be looked for.
 */
extern void reject_extra_key(void *arg, const char *name, Size len);
extern bool reject_wants_keys(Reject *reject);
extern void reject_check_keys(Reject *reject);

/* Of the scan's current object; the rest of it will not be read. */
extern void reject_object(Reject *reject, int sqlerrcode, const char *message);

/* Is the error one that an object may be left out for? */
extern bool reject_is_of_object(int sqlerrcode);

/* All has been read, by all processes: has too much been rejected? */
extern void reject_check_ratio(Reject *reject);

/* Add what is not added yet to the shared sums; and keep those for the end. */
extern void reject_flush(Reject *reject);
extern void reject_unshare(Reject *reject);

extern int64 reject_count(Reject *reject, RejectKind kind);

/* Was an error reported because too much was rejected? */
extern bool reject_was_too_much(const Reject *reject);

/*
 * The scan has ended without an error.  The leader waits for the store.  After
 * an error that is caught, what was added is left to be committed.
 */
extern void reject_end(Reject *reject);
extern void reject_give_up(Reject *reject);

#endif							/* S3_REJECT_H */
