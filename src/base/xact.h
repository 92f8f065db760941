/*-------------------------------------------------------------------------
 *
 * xact.h
 *		Effects outside the database that end with a (sub)transaction.
 *
 * IDENTIFICATION
 *		src/base/xact.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_XACT_H
#define S3_XACT_H

#include "postgres.h"

#include "lib/ilist.h"

/*
 * Something begun elsewhere that must be undone if the transaction fails, such
 * as an open multipart upload.  Embed it in the object it belongs to, whose
 * memory must outlive the transaction's.
 */
typedef struct RemoteEffect
{
	dlist_node	node;			/* xact.c's own */
	SubTransactionId subid;		/* xact.c's own */

	/*
	 * Undo it, and free what holds the effect.  It is out of the registry
	 * already.  Called while the transaction aborts: must warn, not throw,
	 * and bound the time it takes.  The executor's memory is gone by then.
	 */
	void		(*abort) (struct RemoteEffect *self);
} RemoteEffect;

/* From now on the effect ends with the current subtransaction. */
extern void remote_effect_register(RemoteEffect *effect);

/* The effect is complete, or undone: nothing is left to be done. */
extern void remote_effect_forget(RemoteEffect *effect);

#endif							/* S3_XACT_H */
