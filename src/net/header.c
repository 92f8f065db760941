/*-------------------------------------------------------------------------
 *
 * header.c
 *		Reading lines of an HTTP answer's header.
 *
 * Above: http.c, from within libcurl's header callback.
 *
 * IDENTIFICATION
 *		src/net/header.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "net/header.h"

bool
header_take(const char *line, Size len, const char *name, char *dst, Size dstsize)
{
	Size		namelen = strlen(name);

	if (len <= namelen || line[namelen] != ':' || pg_strncasecmp(line, name, namelen) != 0)
		return false;
	line += namelen + 1;
	len -= namelen + 1;
	while (len > 0 && (*line == ' ' || *line == '\t'))
	{
		line++;
		len--;
	}
	while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == '\n' || line[len - 1] == ' '))
		len--;
	if (len >= dstsize)
		len = 0;
	memcpy(dst, line, len);
	dst[len] = '\0';
	return true;
}

int64
header_number(const char *s, const char **end)
{
	int64		value = 0;

	if (*s < '0' || *s > '9')
		return -1;
	for (; *s >= '0' && *s <= '9'; s++)
	{
		if (value > (PG_INT64_MAX - 9) / 10)
			return -1;
		value = value * 10 + (*s - '0');
	}
	if (end)
		*end = s;
	else if (*s != '\0')
		return -1;
	return value;
}

void
header_content_range(const char *value, int64 *first, int64 *total)
{
	const char *p;

	*first = *total = -1;
	if (pg_strncasecmp(value, "bytes ", 6) != 0)
		return;
	*first = header_number(value + 6, &p);
	if (*first < 0 || *p != '-' || header_number(p + 1, &p) < 0 || *p != '/')
	{
		*first = -1;
		return;
	}
	*total = header_number(p + 1, NULL);
}
