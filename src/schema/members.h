/*-------------------------------------------------------------------------
 *
 * members.h
 *		The members of a JSON object, or the elements of an array, whatever
 *		they are called.
 *
 * IDENTIFICATION
 *		src/schema/members.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_MEMBERS_H
#define S3_MEMBERS_H

#include "postgres.h"

#include "lib/stringinfo.h"

/* A walk over the members of one value; the text is borrowed. */
typedef struct MemberWalk
{
	const char *p;
	const char *end;
	bool		in_object;

	/* the member; the key is a JSON string with its quotes, none in an array */
	const char *key;
	Size		key_len;
	const char *value;
	Size		value_len;
} MemberWalk;

/*
 * Begin with a text that is known to be right JSON.  False if it is neither an
 * object nor an array.
 */
extern bool member_walk_begin(MemberWalk *walk, const char *text, Size len);
extern bool member_walk_next(MemberWalk *walk);

/*
 * The text of a JSON string with its quotes, into out.  False if it is no text
 * of the database: it has a \u0000, or half a character.
 */
extern bool member_string(const char *json, Size len, StringInfo out);

#endif							/* S3_MEMBERS_H */
