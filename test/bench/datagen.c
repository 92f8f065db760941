/*-------------------------------------------------------------------------
 *
 * datagen.c
 *		The same rows as CSV and as NDJSON, for benchmarks.
 *
 *	datagen ROWS PARTS DIR
 *
 * Writes DIR/one.csv, DIR/parts/00.csv and on, which hold the same rows in
 * PARTS files of about equal size, and DIR/one.ndjson.  CSV files begin with a
 * line of column names.  Prints what queries over the rows must give:
 *
 *	rows  rows with qty 100 to 109  sum(price) of those  sum(price) of all
 *
 * The rows depend on ROWS and the seed below only.  A row has about 200 bytes
 * as CSV and 350 as JSON, which has attrs and tags in addition.
 *
 *	id bigint, qty integer (0 to 999), score float8 (16 digits),
 *	price numeric(12,2), ts timestamptz (microseconds), day date, ok boolean,
 *	cat text (20 values), code text, note text (20 % with a comma, 10 % with
 *	quotes, 2 % with a newline), cnt integer (10 % null), url text
 *
 * IDENTIFICATION
 *		test/bench/datagen.c
 *
 *-------------------------------------------------------------------------
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SEED UINT64_C(20240229)
#define lengthof(array) ((int) (sizeof(array) / sizeof((array)[0])))

#define COLUMNS "id,qty,score,price,ts,day,ok,cat,code,note,cnt,url\n"

typedef struct Row
{
	long long	id;
	int			qty;
	unsigned long long score;	/* digits behind the point */
	long long	cents;
	char		ts_date[40];	/* the two halves of ts */
	char		ts_time[48];
	char		day[40];
	bool		ok;
	const char *cat;
	char		code[16];
	char		note[256];		/* as it is, neither quoted nor escaped */
	int			cnt;			/* -1 for null */
	char		url[128];
	/* JSON only */
	const char *source;
	int			level;
	int			ip[4];
	const char *tags[4];
	int			ntags;
} Row;

static const char *const cats[] = {
	"alfa", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel",
	"india", "juliett", "kilo", "lima", "mike", "november", "oscar", "papa",
	"quebec", "romeo", "sierra", "tango"
};

static const char *const words[] = {
	"order", "refund", "answer", "asked", "attempt", "box", "door", "gift",
	"at", "the", "customer", "delivery", "late", "wrong", "address", "call",
	"again", "tomorrow", "paid", "in", "cash", "no", "reply", "to", "mail",
	"second", "parcel", "damaged", "sent", "back", "with", "label"
};

static const char *const sources[] = {"web", "ios", "android", "api", "shop"};

/* --------------------------------------------------------------- random numbers */

static uint64_t state = SEED;

/* splitmix64 */
static uint64_t
next_random(void)
{
	uint64_t	z = (state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint64_t
below(uint64_t n)
{
	return next_random() % n;
}

static bool
percent(int p)
{
	return (int) below(100) < p;
}

/* ------------------------------------------------------------------------ a row */

static void
format_date(char *dst, size_t size, int day_of_2019)
{
	static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int			year = 2019,
				month = 0,
				day = day_of_2019;

	for (;;)
	{
		int			days = month_days[month] + (month == 1 && year % 4 == 0);

		if (day < days)
			break;
		day -= days;
		if (++month == 12)
		{
			month = 0;
			year++;
		}
	}
	snprintf(dst, size, "%04d-%02d-%02d", year, month + 1, day + 1);
}

static void
make_note(char *dst)
{
	int			nwords = 3 + (int) below(12);
	int			comma = percent(20) ? (int) below(nwords - 1) : -1;
	int			quoted = percent(10) ? (int) below(nwords) : -1;
	int			newline = percent(2) ? (int) below(nwords - 1) : -1;
	char	   *p = dst;

	for (int i = 0; i < nwords; i++)
	{
		const char *word = words[below(lengthof(words))];

		p += sprintf(p, i == quoted ? "\"%s\"" : "%s", word);
		if (i == comma)
			*p++ = ',';
		if (i < nwords - 1)
			*p++ = i == newline ? '\n' : ' ';
	}
	*p = '\0';
}

static void
make_row(Row *row, long long number)
{
	row->id = 1000000000 + number;
	row->qty = (int) below(1000);
	/* The first and the last digit are not 0: such numbers stay as they are. */
	row->score = (1 + below(9)) * UINT64_C(1000000000000000) +
		below(UINT64_C(100000000000000)) * 10 + 1 + below(9);
	row->cents = (long long) below(10000000);
	format_date(row->ts_date, sizeof(row->ts_date), (int) below(2000));
	snprintf(row->ts_time, sizeof(row->ts_time), "%02d:%02d:%02d.%06d", (int) below(24),
			 (int) below(60), (int) below(60), (int) (below(111111) * 9 + 1));
	format_date(row->day, sizeof(row->day), (int) below(2000));
	row->ok = percent(50);
	row->cat = cats[below(lengthof(cats))];
	snprintf(row->code, sizeof(row->code), "%c%c-%05d", (char) ('A' + below(26)),
			 (char) ('A' + below(26)), (int) below(100000));
	make_note(row->note);
	row->cnt = percent(10) ? -1 : (int) below(100000);
	snprintf(row->url, sizeof(row->url), "https://shop.example.com/%s/item/%07d?ref=%s", row->cat,
			 (int) below(10000000), sources[below(lengthof(sources))]);

	row->source = sources[below(lengthof(sources))];
	row->level = (int) below(10);
	for (int i = 0; i < 4; i++)
		row->ip[i] = i == 0 ? 10 : (int) below(256);
	row->ntags = (int) below(5);
	for (int i = 0; i < row->ntags; i++)
		row->tags[i] = words[below(lengthof(words))];
}

/* ---------------------------------------------------------------------- writing */

static int
format_csv(const Row *row, char *dst)
{
	char	   *p = dst;

	p += sprintf(p, "%lld,%d,0.%016llu,%lld.%02lld,%s %s+00,%s,%s,%s,%s,", row->id, row->qty,
				 row->score, row->cents / 100, row->cents % 100, row->ts_date, row->ts_time,
				 row->day, row->ok ? "true" : "false", row->cat, row->code);
	if (strpbrk(row->note, ",\"\n"))
	{
		*p++ = '"';
		for (const char *s = row->note; *s; s++)
		{
			if (*s == '"')
				*p++ = '"';
			*p++ = *s;
		}
		*p++ = '"';
	}
	else
		p += sprintf(p, "%s", row->note);
	*p++ = ',';
	if (row->cnt >= 0)
		p += sprintf(p, "%d", row->cnt);
	p += sprintf(p, ",%s\n", row->url);
	return (int) (p - dst);
}

static int
format_json(const Row *row, char *dst)
{
	char	   *p = dst;

	p += sprintf(p, "{\"id\":%lld,\"qty\":%d,\"score\":0.%016llu,\"price\":%lld.%02lld,"
				 "\"ts\":\"%sT%sZ\",\"day\":\"%s\",\"ok\":%s,\"cat\":\"%s\",\"code\":\"%s\",\"note\":\"",
				 row->id, row->qty, row->score, row->cents / 100, row->cents % 100, row->ts_date,
				 row->ts_time, row->day, row->ok ? "true" : "false", row->cat, row->code);
	for (const char *s = row->note; *s; s++)
	{
		if (*s == '"' || *s == '\n')
			*p++ = '\\';
		*p++ = *s == '\n' ? 'n' : *s;
	}
	p += sprintf(p, "\",\"cnt\":");
	p += row->cnt >= 0 ? sprintf(p, "%d", row->cnt) : sprintf(p, "null");
	p += sprintf(p, ",\"url\":\"%s\",\"attrs\":{\"src\":\"%s\",\"lvl\":%d,\"ip\":\"%d.%d.%d.%d\"},\"tags\":[",
				 row->url, row->source, row->level, row->ip[0], row->ip[1], row->ip[2], row->ip[3]);
	for (int i = 0; i < row->ntags; i++)
		p += sprintf(p, "%s\"%s\"", i ? "," : "", row->tags[i]);
	p += sprintf(p, "]}\n");
	return (int) (p - dst);
}

static FILE *
create(const char *dir, const char *name)
{
	char		path[4096];
	FILE	   *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if ((file = fopen(path, "w")) == NULL)
	{
		perror(path);
		exit(1);
	}
	setvbuf(file, NULL, _IOFBF, 1024 * 1024);
	return file;
}

static void
finish(FILE *file)
{
	if (ferror(file) || fclose(file) != 0)
	{
		perror("could not write");
		exit(1);
	}
}

int
main(int argc, char **argv)
{
	long long	rows = argc == 4 ? atoll(argv[1]) : 0;
	int			parts = argc == 4 ? atoi(argv[2]) : 0;
	const char *dir = argc == 4 ? argv[3] : "";
	FILE	   *csv,
			   *json,
			   *part = NULL;
	char		name[64];
	char		line[2048];
	long long	matching = 0,
				cents_matching = 0,
				cents = 0;
	int			partno = 0;

	if (rows < 1 || parts < 1 || parts > rows)
	{
		fprintf(stderr, "usage: %s ROWS PARTS DIR\n", argv[0]);
		return 2;
	}
	snprintf(line, sizeof(line), "%s/parts", dir);
	if (mkdir(line, 0755) != 0 && errno != EEXIST)
	{
		perror(line);
		return 1;
	}
	csv = create(dir, "one.csv");
	json = create(dir, "one.ndjson");
	fputs(COLUMNS, csv);

	for (long long i = 0; i < rows; i++)
	{
		Row			row;
		int			len;

		if (i == rows * partno / parts)
		{
			if (part)
				finish(part);
			snprintf(name, sizeof(name), "parts/%02d.csv", partno++);
			part = create(dir, name);
			fputs(COLUMNS, part);
		}
		make_row(&row, i);
		len = format_csv(&row, line);
		fwrite(line, 1, len, csv);
		fwrite(line, 1, len, part);
		len = format_json(&row, line);
		fwrite(line, 1, len, json);

		cents += row.cents;
		if (row.qty >= 100 && row.qty <= 109)
		{
			matching++;
			cents_matching += row.cents;
		}
	}
	finish(csv);
	finish(json);
	finish(part);
	printf("%lld %lld %lld.%02lld %lld.%02lld\n", rows, matching,
		   cents_matching / 100, cents_matching % 100, cents / 100, cents % 100);
	return 0;
}
