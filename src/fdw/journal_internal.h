/*-------------------------------------------------------------------------
 *
 * journal_internal.h
 *		The ring between the writers of a journal and its worker.
 *
 * For journal.c, journal_worker.c and reject_store.c.
 *
 * IDENTIFICATION
 *		src/fdw/journal_internal.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_JOURNAL_INTERNAL_H
#define S3_JOURNAL_INTERNAL_H

#include "datatype/timestamp.h"
#include "fdw/journal.h"
#include "storage/condition_variable.h"
#include "storage/dsm.h"
#include "storage/spin.h"

#define JOURNAL_RING_SIZE ((uint64) 256 * 1024)

/* No entry is longer; so some always fit into the ring. */
#define JOURNAL_MAX_ENTRY (JOURNAL_RING_SIZE / 2)

/* How often somebody who waits looks around without being told to. */
#define JOURNAL_PATIENCE_MS 1000

typedef enum JournalState
{
	JOURNAL_STARTING,
	JOURNAL_READY,
	JOURNAL_DONE,				/* all is committed, the worker is gone */
	JOURNAL_FAILED				/* error tells why */
} JournalState;

/*
 * What changes is guarded by the mutex, but for the bytes of the ring: those
 * between read_pos and written_pos belong to the worker, the others to the
 * writer that has set busy.
 */
typedef struct JournalShared
{
	/* set before the worker starts, then constant */
	Oid			database;
	Oid			userid;			/* whose journal it is */
	int			pid;
	int64		query_id;		/* as pg_stat_statements has it; 0: none */
	TimestampTz statement_start;

	slock_t		mutex;
	ConditionVariable changed;	/* of anything below */
	JournalState state;
	int			writers;
	bool		closed;			/* no writer is left, and none may come */
	bool		busy;			/* a writer is putting an entry into the ring */
	uint64		read_pos;		/* bytes taken out of the ring */
	uint64		written_pos;	/* bytes put into it */
	uint64		committed_pos;	/* bytes whose entries are committed */
	uint64		wanted_pos;		/* bytes whose commit somebody waits for */
	int64		number;			/* set with JOURNAL_READY */
	int			sqlerrcode;		/* of JOURNAL_FAILED */
	char		error[1024];

	/* whose rejected rows these are: one scan's; set before others join it */
	Oid			reject_relid;	/* InvalidOid: anyone's */
	Oid			reject_userid;	/* InvalidOid: none's yet */

	char		ring[FLEXIBLE_ARRAY_MEMBER];
} JournalShared;

/* An entry: its length with all of this, its kind, and what that says. */
typedef struct JournalEntry
{
	uint32		len;
	int32		kind;			/* a JournalTable, or this: */
	TimestampTz at;
	int64		transaction;	/* 0: it has no number yet */
} JournalEntry;

#define JOURNAL_REJECTED_ROW (-1)

/* A rejected row; its texts follow, each behind an int32: its length or -1. */
typedef struct RejectedHead
{
	int64		line;
	int64		byte_offset;
	int32		sqlerrcode;
	int32		load_code;
} RejectedHead;

/* The texts of a rejected row, in the order of the INSERT's parameters. */
enum
{
	TEXT_ACTION,
	TEXT_OBJECT,
	TEXT_VERSION,
	TEXT_COLUMN_NAME,
	TEXT_COLUMN_TYPE,
	TEXT_RAW_LINE,
	TEXT_RAW_VALUE,
	TEXT_MESSAGE,
	TEXT_FAULT,
	TEXT_FIELDS,
	NUM_TEXTS
};

struct Journal
{
	dsm_segment *seg;
	JournalShared *shared;
	Journal    *outer;			/* of a statement around this one */
	bool		failed;			/* and that has been told */
};

typedef enum JournalStart
{
	JOURNAL_STARTED,
	JOURNAL_NO_WORKER,			/* there is no journal */
	JOURNAL_START_FAILED		/* there is one, which tells why */
} JournalStart;

/* ---- journal.c ---- */

/* Start a worker; the journal belongs to the current resource owner. */
extern JournalStart journal_start(Oid userid, Journal **journal);

/* Join another process's; NULL: it has ended. */
extern Journal *journal_join(dsm_handle handle);

/* The open journal of this process's statement, or NULL; or that of a number. */
extern Journal *journal_current(void);
extern Journal *journal_find(int64 number);

/* Begin an entry in CurrentMemoryContext, and send it; false: it has failed. */
extern void journal_begin_entry(StringInfo entry, int kind);
extern bool journal_put(Journal *journal, StringInfo entry);

/* Wait until all that was put is committed; false: it has failed. */
extern bool journal_flush(Journal *journal);

/* Leave; with wait, when all is committed; false: it has failed. */
extern bool journal_leave(Journal *journal, bool wait);

/* What has failed, for an errdetail; copied. */
extern char *journal_failure(const Journal *journal, int *sqlerrcode);

/* ---- both sides ---- */

static inline void
journal_set_state(JournalShared *shared, JournalState state)
{
	SpinLockAcquire(&shared->mutex);
	shared->state = state;
	SpinLockRelease(&shared->mutex);
	ConditionVariableBroadcast(&shared->changed);
}

#endif							/* S3_JOURNAL_INTERNAL_H */
