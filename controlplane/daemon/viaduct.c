/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* viaduct: asks a running viaductd, and makes keys. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/formats/key.h"
#include "base/init.h"
#include "controlplane/daemon/client.h"
#include "controlplane/daemon/client_capture.h"
#include "controlplane/daemon/table.h"
#include "switch/advice.h"

struct options {
	const char *api;
	bool json;
	bool all;
	bool explain;
	unsigned count;                             /* 0: not given */
	const char *link, *drop, *direction, *file; /* of capture; NULL: not given */
	char **words;                               /* verb and arguments */
	int word_count;
};

struct verb {
	const char *name, *argument, *help;
	int words_min, words_max; /* after the verb */
	int (*run)(const struct options *options);
};

static const char help_head[] = "usage: viaduct [options] COMMAND\n"
				"\n"
				"Asks a running viaductd, and makes keys.\n"
				"\n"
				"commands:\n";

static const char help_tail[] =
    "\n"
    "options:\n"
    "  --api PATH           the daemon's socket (environment: VIADUCT_API;\n"
    "                       default: " CLIENT_SOCKET_DEFAULT ")\n"
    "  -o, --output FORMAT  text or json\n"
    "  -a, --all            stats: drops that did not occur, too\n"
    "  -e, --explain        stats: what each drop means, and what to look at\n"
    "  -n, --count N        ping: how many (default: 4); capture: end after so many\n"
    "      --link PEER      capture: only of the link to this peer\n"
    "      --drop REASON    capture: frames dropped for this reason, or for any\n"
    "      --direction D    capture: only in, or only out\n"
    "  -w, --write FILE     capture: into a pcapng file; - is stdout\n"
    "  -h, --help           this text\n"
    "\n"
    "exit status: 0 done; 1 refused, failed, or no ping was answered;\n"
    "             2 wrong command line; 3 no daemon\n";

static int complain(int status, const char *why)
{
	fprintf(stderr, "viaduct: %s\n", why);
	return status;
}

static int print_json(json_t *value)
{
	int failed = json_dumpf(value, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));

	putchar('\n');
	json_decref(value);
	return failed || fflush(stdout) ? CLIENT_REFUSED : CLIENT_OK;
}

static int ask(const struct options *options, const char *command, json_t **answer_out)
{
	char why[CLIENT_WHY];
	int status = client_request(options->api, command, NULL, answer_out, why);

	return status ? complain(status, why) : CLIENT_OK;
}

#define COUNT(columns) (sizeof(columns) / sizeof((columns)[0]))

/* ---- verbs that show one list or object ---- */

static int show_list(const struct options *options, const char *name,
		     const struct table_column *columns, size_t count, const char *none)
{
	json_t *answer;
	int status = ask(options, name, &answer);

	if (status)
		return status;
	if (options->json)
		return print_json(answer);
	table_print(stdout, json_object_get(answer, name), columns, count, none);
	json_decref(answer);
	return CLIENT_OK;
}

static int run_links(const struct options *options)
{
	static const struct table_column columns[] = {
		{ "PEER", "peer", TABLE_TEXT },          { "ADDRESS", "address", TABLE_TEXT },
		{ "STATE", "state", TABLE_TEXT },        { "TIER", "tier", TABLE_TEXT },
		{ "OWNER", "owner", TABLE_NUMBER },      { "RTT", "rtt_ms", TABLE_MS },
		{ "RX PKT", "rx_packets", TABLE_COUNT }, { "RX", "rx_bytes", TABLE_BYTES },
		{ "TX PKT", "tx_packets", TABLE_COUNT }, { "TX", "tx_bytes", TABLE_BYTES },
		{ "SINCE", "since_s", TABLE_SECONDS },
	};

	return show_list(options, "links", columns, COUNT(columns), "no links");
}

static int run_sessions(const struct options *options)
{
	static const struct table_column columns[] = {
		{ "PEER", "peer", TABLE_TEXT },        { "OVERLAY", "overlay", TABLE_TEXT },
		{ "PATH", "path", TABLE_TEXT },        { "CIPHER", "cipher", TABLE_TEXT },
		{ "MTU", "mtu", TABLE_NUMBER },        { "RTT", "rtt_ms", TABLE_MS },
		{ "RX", "rx_bytes", TABLE_BYTES },     { "TX", "tx_bytes", TABLE_BYTES },
		{ "SINCE", "since_s", TABLE_SECONDS },
	};

	return show_list(options, "sessions", columns, COUNT(columns), "no sessions");
}

static int run_routes(const struct options *options)
{
	static const struct table_column columns[] = {
		{ "PEER", "peer", TABLE_TEXT },   { "LABEL", "label", TABLE_TEXT },
		{ "BITS", "bits", TABLE_NUMBER }, { "MTU", "mtu", TABLE_NUMBER },
		{ "VIA", "via", TABLE_TEXT },
	};

	return show_list(options, "routes", columns, COUNT(columns), "no routes");
}

static int run_status(const struct options *options)
{
	static const struct table_column columns[] = {
		{ "peer", "peer", TABLE_TEXT },           { "overlay", "overlay", TABLE_TEXT },
		{ "version", "version", TABLE_TEXT },     { "up for", "uptime_s", TABLE_SECONDS },
		{ "workers", "workers", TABLE_NUMBER },   { "links", "links", TABLE_NUMBER },
		{ "sessions", "sessions", TABLE_NUMBER },
	};
	json_t *answer;
	int status = ask(options, "status", &answer);

	if (status)
		return status;
	if (options->json)
		return print_json(answer);
	table_print_object(stdout, answer, columns, COUNT(columns));
	json_decref(answer);
	return CLIENT_OK;
}

static int run_id(const struct options *options)
{
	static const struct table_column columns[] = {
		{ "peer", "peer", TABLE_TEXT },
		{ "overlay", "overlay", TABLE_TEXT },
	};
	json_t *answer, *address;
	char cell[TABLE_CELL];
	size_t i;
	int status = ask(options, "id", &answer);

	if (status)
		return status;
	if (options->json)
		return print_json(answer);
	table_print_object(stdout, answer, columns, COUNT(columns));
	json_array_foreach(json_object_get(answer, "addresses"), i, address)
	    printf("%-12s  %s\n", "address", table_cell(address, TABLE_TEXT, cell));
	json_decref(answer);
	return CLIENT_OK;
}

/* ---- stats ---- */

static const char *drop_text(const char *name)
{
	static const struct {
		const char *name, *text;
	} drops[] = {
#define X(symbol, drop, sentence) { drop, sentence },
		SW_DROPS(X)
#undef X
	};

	for (size_t i = 0; i < COUNT(drops); i++)
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

	for (size_t i = 0; i < COUNT(advices); i++)
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

	table_print_object(stdout, stats, totals, COUNT(totals));
	putchar('\n');
	table_print(stdout, json_object_get(stats, "workers"), workers, COUNT(workers),
		    "no workers");
	putchar('\n');
	table_print(stdout, rows, drops, COUNT(drops), "no drops");
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

static int run_stats(const struct options *options)
{
	json_t *answer;
	int status = ask(options, "stats", &answer);

	if (status)
		return status;
	if (options->json && options->explain)
		add_explained(answer, options->all);
	if (options->json)
		return print_json(answer);
	print_stats(answer, options->all);
	if (options->explain)
		print_explained(json_object_get(answer, "drops"), options->all);
	json_decref(answer);
	return CLIENT_OK;
}

/* ---- ping ---- */

struct pings {
	unsigned sent, received;
	double min, max, sum;
	json_t *each; /* milliseconds, null for a lost one */
};

static int ping_once(const struct options *options, struct pings *p)
{
	const char *target = options->words[1];
	char why[CLIENT_WHY], cell[TABLE_CELL];
	json_t *answer = NULL;
	int status = client_request(options->api, "ping", target, &answer, why);
	double ms = json_number_value(json_object_get(answer, "rtt_ms"));

	if (status == CLIENT_UNREACHABLE)
		return complain(status, why);
	p->sent++;
	json_array_append_new(p->each, status ? json_null() : json_real(ms));
	if (status) {
		if (!options->json)
			printf("%u: %s\n", p->sent, why);
		return CLIENT_OK;
	}
	p->min = p->received++ ? fmin(p->min, ms) : ms;
	p->max = fmax(p->max, ms);
	p->sum += ms;
	if (!options->json)
		printf("%u: answer from %s in %.3f ms\n", p->sent,
		       table_cell(json_object_get(answer, "peer"), TABLE_TEXT, cell), ms);
	fflush(stdout);
	json_decref(answer);
	return CLIENT_OK;
}

static void ping_report(const struct options *options, const struct pings *p)
{
	double mean = p->received ? p->sum / p->received : 0;

	if (options->json) {
		json_t *report =
		    json_pack("{s:s, s:i, s:i, s:O}", "target", options->words[1], "sent",
			      (int)p->sent, "received", (int)p->received, "rtt_ms", p->each);

		if (p->received)
			json_object_update_new(report,
					       json_pack("{s:f, s:f, s:f}", "min_ms", p->min,
							 "mean_ms", mean, "max_ms", p->max));
		(void)print_json(report);
		return;
	}
	printf("%u sent, %u received", p->sent, p->received);
	if (p->received)
		printf("; min %.3f ms, mean %.3f ms, max %.3f ms", p->min, mean, p->max);
	putchar('\n');
}

static int run_ping(const struct options *options)
{
	struct pings p = { .each = json_array() };
	const struct timespec second = { .tv_sec = 1 };
	int status = CLIENT_OK;

	for (unsigned i = 0; !status && i < (options->count ? options->count : 4); i++) {
		if (i)
			nanosleep(&second, NULL);
		status = ping_once(options, &p);
	}
	if (!status) {
		ping_report(options, &p);
		status = p.received ? CLIENT_OK : CLIENT_REFUSED;
	}
	json_decref(p.each);
	return status;
}

/* ---- capture ---- */

static int run_capture(const struct options *options)
{
	const struct client_capture capture = {
		.api = options->api,
		.link = options->link,
		.drop = options->drop,
		.direction = options->direction,
		.file = options->file,
		.count = options->count,
		.json = options->json,
	};
	char why[CLIENT_WHY];
	int status = client_capture(&capture, why);

	return status ? complain(status, why) : CLIENT_OK;
}

/* ---- keys ---- */

static int show_peer(const struct options *options, const struct vd_identity *identity)
{
	char text[VD_PEER_ID_TEXT];

	vd_peer_id_text(&identity->id, text);
	if (options->json)
		return print_json(json_pack("{s:s}", "peer", text));
	puts(text);
	return CLIENT_OK;
}

static int key_gen(const struct options *options, const char *path)
{
	struct vd_identity identity;
	char why[CLIENT_WHY];
	int status = CLIENT_OK;

	vd_identity_generate(&identity);
	if (vd_identity_write_file(&identity, path)) {
		snprintf(why, sizeof why, "cannot write %s: %s; %s", path, strerror(errno),
			 errno == EEXIST ? "keys are never replaced: name another file, or move "
					   "that one away"
					 : "name a file in a directory you can write to");
		status = complain(CLIENT_REFUSED, why);
	} else {
		status = show_peer(options, &identity);
	}
	vd_identity_fini(&identity);
	return status;
}

static int key_show(const struct options *options, const char *path)
{
	struct vd_identity identity;
	char why[CLIENT_WHY];
	enum vd_err err = vd_identity_read_file(path, &identity);
	int status;

	if (err) {
		snprintf(why, sizeof why, "cannot read %s: %s", path,
			 err == VD_ESYS
			     ? strerror(errno)
			     : "it is no Ed25519 libp2p private key, or others can read it; chmod "
			       "600 it, or make one with `viaduct key gen`");
		return complain(CLIENT_REFUSED, why);
	}
	status = show_peer(options, &identity);
	vd_identity_fini(&identity);
	return status;
}

static int run_key(const struct options *options)
{
	if (strcmp(options->words[1], "gen") == 0)
		return key_gen(options, options->words[2]);
	if (strcmp(options->words[1], "show") == 0)
		return key_show(options, options->words[2]);
	return complain(CLIENT_USAGE, "key gen FILE makes a key, key show FILE tells its peer id");
}

/* ---- version, help ---- */

static int run_version(const struct options *options)
{
	json_t *answer = NULL;
	char why[CLIENT_WHY], cell[TABLE_CELL];
	bool reached = client_request(options->api, "version", NULL, &answer, why) == CLIENT_OK;
	json_t *version = json_object_get(answer, "version");
	int status = CLIENT_OK;

	if (options->json)
		status =
		    print_json(json_pack("{s:s, s:O?}", "version", VD_VERSION, "daemon", version));
	else
		printf("viaduct %s\nviaductd %s\n", VD_VERSION,
		       reached ? table_cell(version, TABLE_TEXT, cell) : "not reached");
	json_decref(answer);
	return status;
}

static int run_help(const struct options *options);

static const struct verb verbs[] = {
	{ "id", "", "who the daemon is, and its addresses", 0, 0, run_id },
	{ "status", "", "the daemon in a few lines", 0, 0, run_status },
	{ "links", "", "links to neighbours, with accounting", 0, 0, run_links },
	{ "sessions", "", "end-to-end sessions", 0, 0, run_sessions },
	{ "routes", "", "known routes to peers", 0, 0, run_routes },
	{ "stats", "", "packet counters, drops by reason, workers", 0, 0, run_stats },
	{ "capture", "", "packets as on the wire, of a link or a drop reason", 0, 0, run_capture },
	{ "ping", "PEER", "round-trip time to a peer id or an overlay address", 1, 1, run_ping },
	{ "key", "gen|show FILE", "make a key file; tell a key file's peer id", 2, 2, run_key },
	{ "version", "", "of this program and of the daemon", 0, 0, run_version },
	{ "help", "", "this text", 0, 0, run_help },
};

static int run_help(const struct options *options)
{
	(void)options;
	fputs(help_head, stdout);
	for (size_t i = 0; i < COUNT(verbs); i++)
		printf("  %-8s %-14s %s\n", verbs[i].name, verbs[i].argument, verbs[i].help);
	fputs(help_tail, stdout);
	return CLIENT_OK;
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < COUNT(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

/* False: told what is wrong. */
static bool read_count(const char *text, unsigned *count_out)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || n < 1 || n > 1000000) {
		(void)complain(CLIENT_USAGE, "--count takes a number from 1 to 1000000");
		return false;
	}
	*count_out = (unsigned)n;
	return true;
}

static bool read_output(const char *text, bool *json_out)
{
	*json_out = strcmp(text, "json") == 0;
	if (*json_out || strcmp(text, "text") == 0)
		return true;
	(void)complain(CLIENT_USAGE, "--output is text or json");
	return false;
}

static bool read_option(int option, struct options *options)
{
	switch (option) {
	case 'A': options->api = optarg; return true;
	case 'o': return read_output(optarg, &options->json);
	case 'a': options->all = true; return true;
	case 'e': options->explain = true; return true;
	case 'L': options->link = optarg; return true;
	case 'D': options->drop = optarg; return true;
	case 'I': options->direction = optarg; return true;
	case 'w': options->file = optarg; return true;
	case 'n': return read_count(optarg, &options->count);
	default: (void)complain(CLIENT_USAGE, "see `viaduct --help`"); return false;
	}
}

static int run(const struct options *options)
{
	const struct verb *verb = find_verb(options->words[0]);
	char why[CLIENT_WHY];
	int given = options->word_count - 1;

	if (!verb) {
		snprintf(why, sizeof why, "unknown command `%s`; see `viaduct --help`",
			 options->words[0]);
		return complain(CLIENT_USAGE, why);
	}
	if (given < verb->words_min || given > verb->words_max) {
		snprintf(why, sizeof why, "usage: viaduct %s %s", verb->name, verb->argument);
		return complain(CLIENT_USAGE, why);
	}
	if (vd_init())
		return complain(CLIENT_REFUSED, "no random numbers from the system");
	return verb->run(options);
}

int main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "api", required_argument, NULL, 'A' },
		{ "all", no_argument, NULL, 'a' },
		{ "count", required_argument, NULL, 'n' },
		{ "direction", required_argument, NULL, 'I' },
		{ "drop", required_argument, NULL, 'D' },
		{ "explain", no_argument, NULL, 'e' },
		{ "help", no_argument, NULL, 'h' },
		{ "link", required_argument, NULL, 'L' },
		{ "output", required_argument, NULL, 'o' },
		{ "version", no_argument, NULL, 'V' },
		{ "write", required_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 },
	};
	const char *environment = getenv("VIADUCT_API");
	struct options options = { 0 };
	int option;

	options.api = environment && *environment ? environment : CLIENT_SOCKET_DEFAULT;
	while ((option = getopt_long(argc, argv, "aeo:n:w:h", names, NULL)) != -1) {
		if (option == 'h')
			return run_help(&options);
		if (option == 'V') {
			printf("viaduct %s\n", VD_VERSION);
			return CLIENT_OK;
		}
		if (!read_option(option, &options))
			return CLIENT_USAGE;
	}
	options.words = argv + optind;
	options.word_count = argc - optind;
	if (options.word_count == 0) {
		run_help(&options);
		return CLIENT_USAGE;
	}
	return run(&options);
}
