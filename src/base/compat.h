/*-------------------------------------------------------------------------
 *
 * compat.h
 *		Every difference between PostgreSQL 15, 16, 17 and 18 that matters here.
 *
 * This is the only file that looks at PG_VERSION_NUM.  Each block names the
 * upstream change.  It declares no types of the project.
 *
 * IDENTIFICATION
 *		src/base/compat.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_COMPAT_H
#define S3_COMPAT_H

#include "postgres.h"

#if PG_VERSION_NUM < 150000 || PG_VERSION_NUM >= 190000
#error "s3_fdw needs PostgreSQL 15, 16, 17 or 18"
#endif

/*
 * 18: COPY FROM a file in CSV format takes a line holding only "\." for data;
 * before, it is the end of the file.
 */
#if PG_VERSION_NUM >= 180000
#define CSV_BACKSLASH_DOT_ENDS_FILE false
#else
#define CSV_BACKSLASH_DOT_ENDS_FILE true
#endif

/*
 * 18: COPY FROM in text format refuses a "\." that is not alone on its line;
 * before, the data before it is a row, and what follows it in a file is read.
 */
#if PG_VERSION_NUM >= 180000
#define TEXT_MARKER_IS_ALONE true
#else
#define TEXT_MARKER_IS_ALONE false
#endif

/* 16: varatt.h split from postgres.h. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* 17: WaitEventExtensionNew() gives an extension's waits names. */
#if PG_VERSION_NUM >= 170000
#define HAVE_NAMED_WAIT_EVENTS 1
#else
#define HAVE_NAMED_WAIT_EVENTS 0
#endif

/*
 * 16: the user to check access as moved from the range table entry to the plan
 * node of a foreign scan.
 */
#if PG_VERSION_NUM >= 160000
#define FOREIGN_SCAN_USER(plan, estate) ((plan)->checkAsUser)
#else
#define FOREIGN_SCAN_USER(plan, estate) \
	(exec_rt_fetch((plan)->scan.scanrelid, estate)->checkAsUser)
#endif

/* 16: per-object privilege functions became object_aclcheck(). */
#if PG_VERSION_NUM >= 160000
#define SERVER_USAGE_CHECK(serverid, userid) \
	object_aclcheck(ForeignServerRelationId, serverid, userid, ACL_USAGE)
#else
#define SERVER_USAGE_CHECK(serverid, userid) \
	pg_foreign_server_aclcheck(serverid, userid, ACL_USAGE)
#endif

/* 16: and per-object checks of ownership object_ownercheck(). */
#if PG_VERSION_NUM >= 160000
#define OWNS_RELATION(relid, userid) object_ownercheck(RelationRelationId, relid, userid)
#else
#define OWNS_RELATION(relid, userid) pg_class_ownercheck(relid, userid)
#endif

/* 17: create_foreignscan_path() takes restriction info for joins. */
#if PG_VERSION_NUM >= 170000
#define FDW_RESTRICTINFO_ARG , NIL
#else
#define FDW_RESTRICTINFO_ARG
#endif

/* 18: create_foreignscan_path() takes the number of disabled nodes. */
#if PG_VERSION_NUM >= 180000
#define DISABLED_NODES_ARG , 0
#else
#define DISABLED_NODES_ARG
#endif

/* 18: EXPLAIN's headers were split. */
#if PG_VERSION_NUM >= 180000
#define EXPLAIN_FORMAT_HEADER "commands/explain_format.h"
#define EXPLAIN_STATE_HEADER "commands/explain_state.h"
#else
#define EXPLAIN_FORMAT_HEADER "commands/explain.h"
#define EXPLAIN_STATE_HEADER "commands/explain.h"
#endif

/* 18: ExecutorRun() lost the promise that it is called once. */
#if PG_VERSION_NUM >= 180000
#define EXECUTOR_RUN_ALL(query) ExecutorRun(query, ForwardScanDirection, 0)
#else
#define EXECUTOR_RUN_ALL(query) ExecutorRun(query, ForwardScanDirection, 0, true)
#endif

/* 16: DecodeDateTime() tells more of what is wrong. */
#if PG_VERSION_NUM >= 160000
#define DECODE_DATETIME(field, ftype, nf, dtype, tm, fsec, tz) \
	DecodeDateTime(field, ftype, nf, dtype, tm, fsec, tz, &(DateTimeErrorExtra) {0})
#else
#define DECODE_DATETIME(field, ftype, nf, dtype, tm, fsec, tz) \
	DecodeDateTime(field, ftype, nf, dtype, tm, fsec, tz)
#endif

/* 16: ownership by catalog; 17: the privilege MAINTAIN. */
#if PG_VERSION_NUM >= 170000
#define ANALYZE_IS_PERMITTED(relid, userid) \
	(object_ownercheck(RelationRelationId, relid, userid) || \
	 pg_class_aclcheck(relid, userid, ACL_MAINTAIN) == ACLCHECK_OK)
#elif PG_VERSION_NUM >= 160000
#define ANALYZE_IS_PERMITTED(relid, userid) \
	object_ownercheck(RelationRelationId, relid, userid)
#else
#define ANALYZE_IS_PERMITTED(relid, userid) pg_class_ownercheck(relid, userid)
#endif

/*
 * 16: the privileges that a statement needs moved from range table entries to
 * nodes of their own.  For those that check them without a plan, as COPY does.
 */
#if PG_VERSION_NUM >= 160000
#define RelationPermissions RTEPermissionInfo
#define NAMESPACE_ITEM_PERMISSIONS(item) ((item)->p_perminfo)
#define CHECK_PERMISSIONS(pstate, permissions) \
	ExecCheckPermissions((pstate)->p_rtable, list_make1(permissions), true)
#else
#define RelationPermissions RangeTblEntry
#define NAMESPACE_ITEM_PERMISSIONS(item) ((item)->p_rte)
#define CHECK_PERMISSIONS(pstate, permissions) \
	ExecCheckRTPerms((pstate)->p_rtable, true)
#endif

/*
 * All versions: libpq/libpq.h needs GSSAPI's headers if the server was built
 * with it, and those are not part of the server's development files.
 */
extern bool pq_check_connection(void);

#endif							/* S3_COMPAT_H */
