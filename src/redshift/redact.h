/*-------------------------------------------------------------------------
 *
 * redact.h
 *		A statement as it may be shown.
 *
 * IDENTIFICATION
 *		src/redshift/redact.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_REDSHIFT_REDACT_H
#define S3_REDSHIFT_REDACT_H

#include "redshift/token.h"

/*
 * The text with an asterisk in the place of each character of what is, or might
 * be, a secret.  It has as many characters as the text.  palloc'd.
 */
extern char *redshift_redact(const RedshiftTokens *tokens);

/* May all of the token be shown, as far as redshift_redact() shows it? */
extern bool redshift_may_show(const RedshiftTokens *tokens, const RedshiftToken *token);

#endif							/* S3_REDSHIFT_REDACT_H */
