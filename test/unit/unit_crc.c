/*-------------------------------------------------------------------------
 *
 * unit_crc.c
 *		The checksum CRC-64/NVME, as SQL functions.
 *
 * IDENTIFICATION
 *		test/unit/unit_crc.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/crc64.h"
#include "fmgr.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(unit_crc64);

/*
 * unit_crc64(data bytea, at int): the checksum in hexadecimal; an error if
 * adding up or combining those of the bytes before and behind at gives another.
 */
Datum
unit_crc64(PG_FUNCTION_ARGS)
{
	bytea	   *data = PG_GETARG_BYTEA_PP(0);
	const char *bytes = VARDATA_ANY(data);
	Size		len = VARSIZE_ANY_EXHDR(data);
	Size		at = Min((Size) PG_GETARG_INT32(1), len);
	Crc64	   *tables = crc64_create();
	uint64		all = crc64_add(tables, 0, bytes, len);
	uint64		first = crc64_add(tables, 0, bytes, at);
	uint64		second = crc64_add(tables, 0, bytes + at, len - at);

	if (crc64_add(tables, first, bytes + at, len - at) != all)
		elog(ERROR, "adding up %zu and %zu bytes goes wrong", at, len - at);
	if (crc64_combine(first, second, len - at) != all)
		elog(ERROR, "combining %zu and %zu bytes goes wrong", at, len - at);
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%016llx", (unsigned long long) all)));
}
