/*-------------------------------------------------------------------------
 *
 * xact.c
 *		Effects outside the database that end with a (sub)transaction.
 *
 * The transaction callbacks are the right hook for this: memory context
 * callbacks and resource owners run when no network wait is possible, or
 * before the reason of the failure is known.  PostgreSQL's own postgres_fdw
 * does its remote work here, too.
 *
 * IDENTIFICATION
 *		src/base/xact.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/xact.h"

static dlist_head effects = DLIST_STATIC_INIT(effects);
static bool callbacks_registered = false;

/* Undo the effects of a subtransaction, newest first; Invalid: of all. */
static void
abort_effects(SubTransactionId subid)
{
	dlist_iter	iter;
	RemoteEffect *found;

	/* An abort function may take long; begin anew after each. */
	do
	{
		found = NULL;
		dlist_reverse_foreach(iter, &effects)
		{
			RemoteEffect *effect = dlist_container(RemoteEffect, node, iter.cur);

			if (subid == InvalidSubTransactionId || effect->subid == subid)
			{
				found = effect;
				break;
			}
		}
		if (found)
		{
			dlist_delete(&found->node);
			found->abort(found);
		}
	} while (found);
}

static void
xact_callback(XactEvent event, void *arg)
{
	if (dlist_is_empty(&effects))
		return;
	switch (event)
	{
		case XACT_EVENT_PRE_PREPARE:
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot PREPARE a transaction that is writing to S3")));
			break;
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_ABORT:

			/*
			 * What is still open when the transaction commits was given up by
			 * the statement that began it.
			 */
			abort_effects(InvalidSubTransactionId);
			break;
		default:
			break;
	}
}

static void
subxact_callback(SubXactEvent event, SubTransactionId mySubid,
				 SubTransactionId parentSubid, void *arg)
{
	dlist_iter	iter;

	if (dlist_is_empty(&effects))
		return;
	if (event == SUBXACT_EVENT_ABORT_SUB)
		abort_effects(mySubid);
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
	{
		dlist_foreach(iter, &effects)
		{
			RemoteEffect *effect = dlist_container(RemoteEffect, node, iter.cur);

			if (effect->subid == mySubid)
				effect->subid = parentSubid;
		}
	}
}

void
remote_effect_register(RemoteEffect *effect)
{
	if (!callbacks_registered)
	{
		RegisterXactCallback(xact_callback, NULL);
		RegisterSubXactCallback(subxact_callback, NULL);
		callbacks_registered = true;
	}
	effect->subid = GetCurrentSubTransactionId();
	dlist_push_tail(&effects, &effect->node);
}

void
remote_effect_forget(RemoteEffect *effect)
{
	dlist_delete(&effect->node);
}
