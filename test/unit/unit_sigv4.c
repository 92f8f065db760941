/*-------------------------------------------------------------------------
 *
 * unit_sigv4.c
 *		Request signing as SQL functions.
 *
 * IDENTIFICATION
 *		test/unit/unit_sigv4.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "net/sigv4.h"
#include "utils/array.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(unit_sigv4_sign);
PG_FUNCTION_INFO_V1(unit_sigv4_encode);
PG_FUNCTION_INFO_V1(unit_sigv4_sha256);
PG_FUNCTION_INFO_V1(unit_sigv4_md5);

/* A text array of names and values in turn, as pairs. */
static SigV4Pair *
get_pairs(ArrayType *array, int *npairs)
{
	Datum	   *elems;
	int			nelems;
	SigV4Pair  *pairs;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elems, NULL, &nelems);
	*npairs = nelems / 2;
	pairs = palloc(sizeof(SigV4Pair) * Max(*npairs, 1));
	for (int i = 0; i < *npairs; i++)
	{
		pairs[i].name = TextDatumGetCString(elems[2 * i]);
		pairs[i].value = TextDatumGetCString(elems[2 * i + 1]);
	}
	return pairs;
}

/*
 * unit_sigv4_sign(method, path, query text[], headers text[], payload_hash,
 *				   amz_date, region, service, double_encode, normalize,
 *				   access_key_id, secret_access_key)
 *
 * Returns canonical request, string to sign, signed headers, signature and
 * Authorization header.
 */
Datum
unit_sigv4_sign(PG_FUNCTION_ARGS)
{
	SigV4Request request;
	AwsCredentials credentials;
	SigV4Result result;
	StringInfoData authorization;
	Datum		out[5];

	request.method = text_to_cstring(PG_GETARG_TEXT_PP(0));
	request.path = text_to_cstring(PG_GETARG_TEXT_PP(1));
	request.query = get_pairs(PG_GETARG_ARRAYTYPE_P(2), &request.nquery);
	request.headers = get_pairs(PG_GETARG_ARRAYTYPE_P(3), &request.nheaders);
	request.payload_hash = text_to_cstring(PG_GETARG_TEXT_PP(4));
	request.amz_date = text_to_cstring(PG_GETARG_TEXT_PP(5));
	request.region = text_to_cstring(PG_GETARG_TEXT_PP(6));
	request.service = text_to_cstring(PG_GETARG_TEXT_PP(7));
	request.double_encode_path = PG_GETARG_BOOL(8);
	request.normalize_path = PG_GETARG_BOOL(9);
	credentials.access_key_id = text_to_cstring(PG_GETARG_TEXT_PP(10));
	credentials.secret_access_key = text_to_cstring(PG_GETARG_TEXT_PP(11));
	credentials.session_token = NULL;

	initStringInfo(&result.canonical_request);
	initStringInfo(&result.string_to_sign);
	initStringInfo(&result.signed_headers);
	initStringInfo(&authorization);

	/* twice, as a result is used again for the next request */
	sigv4_sign(&request, &credentials, &result);
	sigv4_sign(&request, &credentials, &result);
	sigv4_authorization(&request, &credentials, &authorization);

	out[0] = CStringGetTextDatum(result.canonical_request.data);
	out[1] = CStringGetTextDatum(result.string_to_sign.data);
	out[2] = CStringGetTextDatum(result.signed_headers.data);
	out[3] = CStringGetTextDatum(result.signature);
	out[4] = CStringGetTextDatum(authorization.data);
	PG_RETURN_ARRAYTYPE_P(construct_array(out, 5, TEXTOID, -1, false, TYPALIGN_INT));
}

/* unit_sigv4_encode(bytes bytea, keep_slash bool) */
Datum
unit_sigv4_encode(PG_FUNCTION_ARGS)
{
	StringInfoData out;

	initStringInfo(&out);
	sigv4_uri_encode(&out, text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_BOOL(1));
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

Datum
unit_sigv4_sha256(PG_FUNCTION_ARGS)
{
	bytea	   *data = PG_GETARG_BYTEA_PP(0);
	char		hex[SIGV4_SHA256_HEX_LEN + 1];

	sigv4_sha256_hex(VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data), hex);
	PG_RETURN_TEXT_P(cstring_to_text(hex));
}

Datum
unit_sigv4_md5(PG_FUNCTION_ARGS)
{
	bytea	   *data = PG_GETARG_BYTEA_PP(0);
	bytea	   *result = palloc(VARHDRSZ + 16);

	SET_VARSIZE(result, VARHDRSZ + 16);
	sigv4_md5(VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data), (uint8 *) VARDATA(result));
	PG_RETURN_BYTEA_P(result);
}
