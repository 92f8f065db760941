/*-------------------------------------------------------------------------
 *
 * error.c
 *		Failures of remote work as values, and their report.
 *
 * The table below is the one place where S3's error codes are known: their
 * SQLSTATE, whether another try can help, and what to tell the user.
 *
 * Source: Amazon S3 API Reference, "Error responses"; the retry classes are
 * those of the AWS SDKs' standard mode.
 *
 * IDENTIFICATION
 *		src/base/error.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/error.h"

typedef struct S3ErrorCode
{
	const char *code;
	int			sqlerrcode;
	S3ErrorClass class;
	const char *hint;			/* or NULL */
} S3ErrorCode;

#define HINT_KEYS gettext_noop("Check access_key_id and secret_access_key of the user mapping.")
#define HINT_POLICY gettext_noop("Check the policies of the bucket and of the user that the access key belongs to.")
#define HINT_SLOW gettext_noop("Try again later, or ask for less at once with s3_fdw.read_concurrency.")

static const S3ErrorCode error_codes[] = {
	/* who may */
	{"AccessDenied", ERRCODE_INSUFFICIENT_PRIVILEGE, S3_ERROR_PERMANENT, HINT_POLICY},
	{"AllAccessDisabled", ERRCODE_INSUFFICIENT_PRIVILEGE, S3_ERROR_PERMANENT, NULL},
	{"InvalidAccessKeyId", ERRCODE_INSUFFICIENT_PRIVILEGE, S3_ERROR_PERMANENT, HINT_KEYS},
	{"SignatureDoesNotMatch", ERRCODE_INSUFFICIENT_PRIVILEGE, S3_ERROR_PERMANENT, HINT_KEYS},
	{"InvalidToken", ERRCODE_INSUFFICIENT_PRIVILEGE, S3_ERROR_PERMANENT,
	gettext_noop("Check session_token of the user mapping.")},
	{"ExpiredToken", ERRCODE_INSUFFICIENT_PRIVILEGE, S3_ERROR_PERMANENT,
	gettext_noop("The session token has expired; set a new one with ALTER USER MAPPING.")},
	{"RequestTimeTooSkewed", ERRCODE_INSUFFICIENT_PRIVILEGE, S3_ERROR_PERMANENT,
	gettext_noop("Check the clock of the database server.")},
	{"AuthorizationHeaderMalformed", ERRCODE_INSUFFICIENT_PRIVILEGE, S3_ERROR_PERMANENT,
	gettext_noop("Check the server option \"region\".")},

	/* what is not there, or there already */
	{"NoSuchBucket", ERRCODE_FDW_TABLE_NOT_FOUND, S3_ERROR_PERMANENT,
	gettext_noop("Check the name of the bucket, and the server options \"endpoint\" and \"region\".")},
	{"NoSuchKey", ERRCODE_UNDEFINED_FILE, S3_ERROR_PERMANENT, NULL},
	{"NoSuchUpload", ERRCODE_UNDEFINED_OBJECT, S3_ERROR_PERMANENT, NULL},
	{"PreconditionFailed", ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, S3_ERROR_PERMANENT, NULL},
	{"ConditionalRequestConflict", ERRCODE_OBJECT_IN_USE, S3_ERROR_PERMANENT, NULL},
	{"InvalidObjectState", ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, S3_ERROR_PERMANENT,
	gettext_noop("The object is archived; restore it first.")},
	{"InvalidRange", ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, S3_ERROR_PERMANENT, NULL},
	{"PermanentRedirect", ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION, S3_ERROR_PERMANENT,
	gettext_noop("Check the server options \"endpoint\" and \"region\".")},

	/* limits */
	{"EntityTooLarge", ERRCODE_PROGRAM_LIMIT_EXCEEDED, S3_ERROR_PERMANENT, NULL},
	{"EntityTooSmall", ERRCODE_PROGRAM_LIMIT_EXCEEDED, S3_ERROR_PERMANENT, NULL},
	{"KeyTooLongError", ERRCODE_NAME_TOO_LONG, S3_ERROR_PERMANENT, NULL},
	{"QuotaExceeded", ERRCODE_DISK_FULL, S3_ERROR_PERMANENT, NULL},

	/* the body was damaged on its way: send it again */
	{"BadDigest", ERRCODE_DATA_CORRUPTED, S3_ERROR_TRANSIENT, NULL},
	{"XAmzContentSHA256Mismatch", ERRCODE_DATA_CORRUPTED, S3_ERROR_TRANSIENT, NULL},
	{"IncompleteBody", ERRCODE_CONNECTION_FAILURE, S3_ERROR_TRANSIENT, NULL},

	/* another try may work */
	{"InternalError", ERRCODE_FDW_ERROR, S3_ERROR_TRANSIENT, NULL},
	{"RequestTimeout", ERRCODE_CONNECTION_FAILURE, S3_ERROR_TRANSIENT, NULL},
	{"RequestTimeoutException", ERRCODE_CONNECTION_FAILURE, S3_ERROR_TRANSIENT, NULL},
	{"PriorRequestNotComplete", ERRCODE_FDW_ERROR, S3_ERROR_TRANSIENT, NULL},
	{"OperationAborted", ERRCODE_FDW_ERROR, S3_ERROR_TRANSIENT, NULL},
	{"ServiceUnavailable", ERRCODE_INSUFFICIENT_RESOURCES, S3_ERROR_THROTTLE, HINT_SLOW},
	{"SlowDown", ERRCODE_INSUFFICIENT_RESOURCES, S3_ERROR_THROTTLE, HINT_SLOW},
	{"Throttling", ERRCODE_INSUFFICIENT_RESOURCES, S3_ERROR_THROTTLE, HINT_SLOW},
	{"ThrottlingException", ERRCODE_INSUFFICIENT_RESOURCES, S3_ERROR_THROTTLE, HINT_SLOW},
	{"ThrottledException", ERRCODE_INSUFFICIENT_RESOURCES, S3_ERROR_THROTTLE, HINT_SLOW},
	{"RequestThrottled", ERRCODE_INSUFFICIENT_RESOURCES, S3_ERROR_THROTTLE, HINT_SLOW},
	{"RequestThrottledException", ERRCODE_INSUFFICIENT_RESOURCES, S3_ERROR_THROTTLE, HINT_SLOW},
	{"RequestLimitExceeded", ERRCODE_INSUFFICIENT_RESOURCES, S3_ERROR_THROTTLE, HINT_SLOW},
	{"BandwidthLimitExceeded", ERRCODE_INSUFFICIENT_RESOURCES, S3_ERROR_THROTTLE, HINT_SLOW},
	{"TooManyRequestsException", ERRCODE_INSUFFICIENT_RESOURCES, S3_ERROR_THROTTLE, HINT_SLOW},
};

/* For an answer without a code, or with one not in the table. */
static S3ErrorClass
classify_status(S3Error *error)
{
	switch (error->status)
	{
		case 401:
		case 403:
			error->sqlerrcode = ERRCODE_INSUFFICIENT_PRIVILEGE;
			error->hint = HINT_POLICY;
			return S3_ERROR_PERMANENT;
		case 404:
			error->sqlerrcode = ERRCODE_UNDEFINED_FILE;
			return S3_ERROR_PERMANENT;
		case 412:
			error->sqlerrcode = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;
			return S3_ERROR_PERMANENT;
		case 408:
			error->sqlerrcode = ERRCODE_CONNECTION_FAILURE;
			return S3_ERROR_TRANSIENT;
		case 429:
		case 503:
			error->sqlerrcode = ERRCODE_INSUFFICIENT_RESOURCES;
			error->hint = HINT_SLOW;
			return S3_ERROR_THROTTLE;
		case 500:
		case 502:
		case 504:
			error->sqlerrcode = ERRCODE_FDW_ERROR;
			return S3_ERROR_TRANSIENT;
		case 501:
			error->sqlerrcode = ERRCODE_FEATURE_NOT_SUPPORTED;
			return S3_ERROR_PERMANENT;
		default:
			error->sqlerrcode = ERRCODE_FDW_ERROR;
			return S3_ERROR_PERMANENT;
	}
}

S3ErrorClass
s3_error_classify(S3Error *error)
{
	error->hint = NULL;
	for (int i = 0; i < (int) lengthof(error_codes); i++)
	{
		if (strcmp(error_codes[i].code, error->code) == 0)
		{
			error->sqlerrcode = error_codes[i].sqlerrcode;
			error->hint = error_codes[i].hint;
			return error_codes[i].class;
		}
	}
	return classify_status(error);
}

/*
 * Text from the network: control characters become spaces so that it can
 * forge no log line, and it ends without the full stop that would make it a
 * sentence.
 */
void
s3_error_text(char *dst, Size dstsize, const char *text)
{
	Size		n = 0;

	for (; *text && n < dstsize - 1; text++)
	{
		unsigned char c = (unsigned char) *text;

		/* The encoding of what a server says is not known: keep ASCII. */
		dst[n++] = (c < 0x20 || c == 0x7f) ? ' ' : c >= 0x80 ? '?' : c;
	}
	while (n > 0 && (dst[n - 1] == ' ' || dst[n - 1] == '.'))
		n--;
	dst[n] = '\0';
}

void
s3_report(int elevel, const S3Error *error)
{
	ereport(elevel,
			(errcode(error->sqlerrcode),
			 errmsg("could not %s \"%s\": %s", error->action, error->resource,
					error->message[0] ? error->message : error->code),
			 error->status != 0 ?
			 errdetail("The service answered %d%s%s (attempts: %d, request id: %s).",
					   error->status, error->code[0] ? " " : "", error->code,
					   error->attempts,
					   error->request_id[0] ? error->request_id : "none") :
			 errdetail("There was no answer (attempts: %d).", error->attempts),
			 error->hint ? errhint("%s", _(error->hint)) : 0));
}
