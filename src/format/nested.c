/*-------------------------------------------------------------------------
 *
 * nested.c
 *		JSON arrays and objects to arrays and composite values.
 *
 * The server's json_populate_record() does it: called for a record of the one
 * column, with an object of the one key.  What it looks up of types it keeps
 * in the FmgrInfo, so each column has its own.
 *
 * IDENTIFICATION
 *		src/format/nested.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/compat.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "format/nested.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

struct NestedType
{
	FmgrInfo	populate;		/* json_populate_record() */
	TupleDesc	desc;			/* of the record of one column */
	Datum		base;			/* such a record, of NULL */
	StringInfoData key;			/* {"name": */
};

bool
nested_type_is(Oid typid)
{
	Oid			base = getBaseType(typid);

	return OidIsValid(get_element_type(base)) || type_is_rowtype(base);
}

NestedType *
nested_type_create(Oid typid, int32 typmod, const char *name)
{
	NestedType *type = palloc0(sizeof(NestedType));
	Datum		value = (Datum) 0;
	bool		isnull = true;
	List	   *args;

	type->desc = CreateTemplateTupleDesc(1);
	TupleDescInitEntry(type->desc, 1, name, typid, typmod, 0);
	type->desc = BlessTupleDesc(type->desc);
	type->base = HeapTupleGetDatum(heap_form_tuple(type->desc, &value, &isnull));

	/* the function asks for the type of its first argument */
	args = list_make3(makeNullConst(RECORDOID, -1, InvalidOid),
					  makeNullConst(JSONOID, -1, InvalidOid),
					  makeNullConst(BOOLOID, -1, InvalidOid));
	fmgr_info(F_JSON_POPULATE_RECORD, &type->populate);
	fmgr_info_set_expr((Node *) makeFuncExpr(F_JSON_POPULATE_RECORD, RECORDOID, args,
											 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL),
					   &type->populate);

	initStringInfo(&type->key);
	appendStringInfoChar(&type->key, '{');
	escape_json(&type->key, name);
	appendStringInfoChar(&type->key, ':');
	return type;
}

bool
nested_read(NestedType *type, const char *data, Size len, Datum *value)
{
	Size		size = VARHDRSZ + type->key.len + len + 1;
	text	   *object;
	char	   *p;
	HeapTupleHeader header;
	HeapTupleData tuple = {0};
	bool		isnull;

	if (size > MaxAllocSize)
		ereport(ERROR,
				errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("JSON value is too long for type %s",
					   format_type_be(TupleDescAttr(type->desc, 0)->atttypid)),
				errdetail("It has %zu bytes.", len));
	object = palloc(size);
	SET_VARSIZE(object, size);
	p = VARDATA(object);
	memcpy(p, type->key.data, type->key.len);
	memcpy(p + type->key.len, data, len);
	p[type->key.len + len] = '}';

	header = DatumGetHeapTupleHeader(FunctionCall3(&type->populate, type->base,
												   PointerGetDatum(object),
												   BoolGetDatum(false)));
	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	tuple.t_data = header;
	*value = heap_getattr(&tuple, 1, type->desc, &isnull);
	pfree(object);
	return isnull;
}
