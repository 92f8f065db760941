/*-------------------------------------------------------------------------
 *
 * reject_store.h
 *		Write down rejected rows so that they survive the statement.
 *
 * A background worker inserts them into the extension's table in transactions
 * of its own; what becomes of the statement does not matter.  Whoever rejects
 * rows opens a store at the first one; other processes of the same statement
 * join it.  A statement that has a journal (journal.h) shares its worker and its
 * number.  Nothing is known here of why a row is rejected.
 *
 * IDENTIFICATION
 *		src/fdw/reject_store.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_REJECT_STORE_H
#define S3_REJECT_STORE_H

#include "format/record.h"
#include "storage/dsm.h"

/* One entry.  Strings may be NULL; long ones are cut. */
typedef struct RejectedRow
{
	const char *action;			/* what was done: "row skipped", ... */
	const char *object;			/* s3://bucket/key */
	const char *version;		/* version id or entity tag */
	int64		line;			/* 0: not known */
	int64		byte_offset;	/* -1: not known */
	const char *column_name;
	const char *column_type;
	const char *raw_line;
	Size		raw_line_len;
	const char *raw_value;
	Size		raw_value_len;
	RecordFault fault;
	int			sqlerrcode;
	const char *message;

	/* of a load only; else 0 and NULL */
	int			load_code;		/* Redshift's number of the fault */
	const char *fields;			/* the record up to the faulty field: a JSON
								 * array of {"name", "type", "value"} */
} RejectedRow;

typedef struct RejectStore RejectStore;

/*
 * Start a store for rows of the foreign table that userid may see later.  It
 * belongs to the current resource owner: an error ends it, and what has been
 * added is committed all the same.  Failures are reported; with if_possible,
 * NULL is returned instead if no background worker is to be had, or if the
 * server is in recovery.
 */
extern RejectStore *reject_store_open(Oid relid, Oid userid, bool if_possible);

/* Let another process of the statement add rows, too. */
extern dsm_handle reject_store_handle(const RejectStore *store);
extern RejectStore *reject_store_join(dsm_handle handle);

/* The number under which the rows are found. */
extern int64 reject_store_scan(const RejectStore *store);

/* Waits for room.  Reports it if the worker has failed. */
extern void reject_store_add(RejectStore *store, const RejectedRow *row);

/*
 * Done.  Who has opened the store calls it last of all processes, and with wait
 * returns when all rows are committed.  A journal stays open.
 */
extern void reject_store_close(RejectStore *store, bool wait);

#endif							/* S3_REJECT_STORE_H */
