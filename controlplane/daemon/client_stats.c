/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* `viaduct stats`: counters, and what each drop means. */
#include <stdio.h>
#include <string.h>

#include "controlplane/daemon/client_verbs.h"
#include "controlplane/daemon/table.h"
#include "switch/advice.h"

static const char *drop_text(const char *name)
{
	static const struct {
		const char *name, *text;
	} drops[] = {
#define X(symbol, drop, sentence) { drop, sentence },
		SW_DROPS(X)
#undef X
	};

	for (size_t i = 0; i < CLIENT_COUNT(drops); i++)
		if (strcmp(drops[i].name, name) == 0)
			return drops[i].text;
	return "";
}

static const char *drop_advice(const char *name)
{
	static const struct {
		enum sw_drop drop;
		const char *advice;
	} advices[] = {
#define X(symbol, paragraph) { SW_DROP_##symbol, paragraph },
		SW_ADVICE(X)
#undef X
	};
	static const char *const names[] = {
#define X(symbol, drop, sentence) [SW_DROP_##symbol] = drop,
		SW_DROPS(X)
#undef X
	};

	for (size_t i = 0; i < CLIENT_COUNT(advices); i++)
		if (strcmp(names[advices[i].drop], name) == 0)
			return advices[i].advice;
	return "";
}

/* [{reason, count, text}, …] of the drops that occurred. */
static json_t *drop_rows(json_t *drops, bool all)
{
	json_t *rows = json_array(), *value;
	const char *name;

	json_object_foreach(drops, name, value)
	{
		if (all || json_number_value(value) > 0)
			json_array_append_new(rows,
					      json_pack("{s:s, s:O, s:s}", "reason", name, "count",
							value, "text", drop_text(name)));
	}
	return rows;
}

static void print_stats(json_t *stats, bool all)
{
	static const struct table_column totals[] = {
		{ "switched", "switched", TABLE_NUMBER },
		{ "delivered", "delivered", TABLE_NUMBER },
		{ "punted", "punted", TABLE_NUMBER },
	};
	static const struct table_column workers[] = {
		{ "WORKER", "id", TABLE_NUMBER },
		{ "BUSY", "busy", TABLE_PERCENT },
		{ "CYCLES/PACKET", "cycles_per_packet", TABLE_COUNT },
	};
	static const struct table_column drops[] = {
		{ "DROPPED", "count", TABLE_NUMBER },
		{ "REASON", "reason", TABLE_TEXT },
		{ "", "text", TABLE_TEXT },
	};
	json_t *rows = drop_rows(json_object_get(stats, "drops"), all);
	json_int_t overflows = json_integer_value(json_object_get(stats, "tun_overflows"));

	table_print_object(stdout, stats, totals, CLIENT_COUNT(totals));
	putchar('\n');
	table_print(stdout, json_object_get(stats, "workers"), workers, CLIENT_COUNT(workers),
		    "no workers");
	putchar('\n');
	table_print(stdout, rows, drops, CLIENT_COUNT(drops), "no drops");
	if (overflows > 0)
		printf("\nThe kernel dropped %" JSON_INTEGER_FORMAT
		       " packets before the TUN was read: see docs/drops.md.\n",
		       overflows);
	json_decref(rows);
}

enum { EXPLAIN_WIDTH = 78, EXPLAIN_INDENT = 4 };

/* A paragraph, indented and broken between words. */
static void print_paragraph(const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t word = strcspn(text, " ");

		if (column == 0 || column + 1 + word > EXPLAIN_WIDTH) {
			printf("%s%*s", column ? "\n" : "", EXPLAIN_INDENT, "");
			column = EXPLAIN_INDENT;
		} else {
			putchar(' ');
			column++;
		}
		printf("%.*s", (int)word, text);
		column += word;
		text += word + (text[word] == ' ');
	}
	putchar('\n');
}

static void print_explained(json_t *drops, bool all)
{
	json_t *rows = drop_rows(drops, all), *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		const char *reason = json_string_value(json_object_get(row, "reason"));

		printf("\n%s (%" JSON_INTEGER_FORMAT "): %s\n", reason,
		       json_integer_value(json_object_get(row, "count")), drop_text(reason));
		print_paragraph(drop_advice(reason));
	}
	if (json_array_size(rows) == 0)
		puts("\nnothing to explain; --all explains every reason");
	json_decref(rows);
}

/* Adds "explain": {reason: {"text", "advice"}}, of what print_explained tells. */
static void add_explained(json_t *stats, bool all)
{
	json_t *rows = drop_rows(json_object_get(stats, "drops"), all), *row;
	json_t *explain = json_object();
	size_t i;

	json_array_foreach(rows, i, row)
	{
		const char *reason = json_string_value(json_object_get(row, "reason"));

		json_object_set_new(explain, reason,
				    json_pack("{s:s, s:s}", "text", drop_text(reason), "advice",
					      drop_advice(reason)));
	}
	json_object_set_new(stats, "explain", explain);
	json_decref(rows);
}

int client_stats(const struct client_options *options)
{
	json_t *answer;
	int status = client_ask(options, "stats", &answer);

	if (status)
		return status;
	if (options->json && options->explain)
		add_explained(answer, options->all);
	if (options->json)
		return client_print(answer);
	print_stats(answer, options->all);
	if (options->explain)
		print_explained(json_object_get(answer, "drops"), options->all);
	json_decref(answer);
	return CLIENT_OK;
}
