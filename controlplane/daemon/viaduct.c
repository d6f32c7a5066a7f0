/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* viaduct: asks a running viaductd, and makes keys. This file: the command line. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/init.h"
#include "base/version.h"
#include "controlplane/daemon/client_verbs.h"
#include "controlplane/daemon/table.h"

struct verb {
	const char *name, *arguments, *help;
	int least, most; /* words after the verb */
	int (*run)(const struct client_options *options);
};

static const struct verb verbs[] = {
#define X(name, arguments, least, most, help)                                                      \
	{ #name, arguments, help, least, most, client_##name },
	CLIENT_VERBS(X)
#undef X
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
    "      --cancel         drain: serve again\n"
    "      --known          peers: all that are known, connected or not\n"
    "      --path           ping: each leg of a session's path, and where it loses\n"
    "  -n, --count N        ping: how many (default: 4; --path: 20, at most 50);\n"
    "                       capture: end after so many\n"
    "      --network NAME   connect: in this private network (default: public)\n"
    "      --link PEER      capture: only of the link to this peer\n"
    "      --drop REASON    capture: frames dropped for this reason, or for any\n"
    "      --direction D    capture: only in, or only out\n"
    "  -w, --write FILE     capture: into a pcapng file; - is stdout\n"
    "  -h, --help           this text\n"
    "\n"
    "exit status: 0 done; 1 refused, failed, or no ping was answered;\n"
    "             2 wrong command line; 3 no daemon\n";

int client_help(const struct client_options *options)
{
	(void)options;
	fputs(help_head, stdout);
	for (size_t i = 0; i < CLIENT_COUNT(verbs); i++)
		printf("  %-10s %s%*s %s\n", verbs[i].name, verbs[i].arguments,
		       14 - (int)table_width(verbs[i].arguments), "", verbs[i].help);
	fputs(help_tail, stdout);
	return CLIENT_OK;
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < CLIENT_COUNT(verbs); i++)
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
		(void)client_complain(CLIENT_USAGE, "--count takes a number from 1 to 1000000");
		return false;
	}
	*count_out = (unsigned)n;
	return true;
}

/* Which commands an option is for; the others are for all. */
static const struct {
	char option;
	const char *name, *verbs;
} options_of_verbs[] = {
	{ 'a', "--all", "stats" },       { 'e', "--explain", "stats" },
	{ 'C', "--cancel", "drain" },    { 'K', "--known", "peers" },
	{ 'P', "--path", "ping" },       { 'n', "--count", "ping capture" },
	{ 'N', "--network", "connect" }, { 'L', "--link", "capture" },
	{ 'D', "--drop", "capture" },    { 'I', "--direction", "capture" },
	{ 'w', "--write", "capture" },
};

static bool is_among(const char *word, const char *words)
{
	size_t len = strlen(word);

	for (const char *at = words; (at = strstr(at, word)); at += len)
		if ((at == words || at[-1] == ' ') && (at[len] == ' ' || !at[len]))
			return true;
	return false;
}

/* False: told which option is not the command's. `given`: a bit for each row above. */
static bool fit(const char *verb, unsigned given)
{
	for (size_t i = 0; i < CLIENT_COUNT(options_of_verbs); i++) {
		char why[CLIENT_WHY];

		if (!(given & 1u << i) || is_among(verb, options_of_verbs[i].verbs))
			continue;
		snprintf(why, sizeof why, "%s is not for %s, but for: %s", options_of_verbs[i].name,
			 verb, options_of_verbs[i].verbs);
		(void)client_complain(CLIENT_USAGE, why);
		return false;
	}
	return true;
}

static unsigned bit_of(int option)
{
	for (size_t i = 0; i < CLIENT_COUNT(options_of_verbs); i++)
		if (options_of_verbs[i].option == option)
			return 1u << i;
	return 0;
}

static bool read_output(const char *text, bool *json_out)
{
	*json_out = strcmp(text, "json") == 0;
	if (*json_out || strcmp(text, "text") == 0)
		return true;
	(void)client_complain(CLIENT_USAGE, "--output is text or json");
	return false;
}

static bool read_option(int option, struct client_options *options)
{
	switch (option) {
	case 'A': options->api = optarg; return true;
	case 'o': return read_output(optarg, &options->json);
	case 'a': options->all = true; return true;
	case 'P': options->path = true; return true;
	case 'C': options->cancel = true; return true;
	case 'e': options->explain = true; return true;
	case 'K': options->known = true; return true;
	case 'N': options->network = optarg; return true;
	case 'L': options->link = optarg; return true;
	case 'D': options->drop = optarg; return true;
	case 'I': options->direction = optarg; return true;
	case 'w': options->file = optarg; return true;
	case 'n': return read_count(optarg, &options->count);
	default: (void)client_complain(CLIENT_USAGE, "see `viaduct --help`"); return false;
	}
}

static int run(const struct client_options *options, unsigned given_options)
{
	const struct verb *verb = find_verb(options->words[0]);
	char why[CLIENT_WHY];
	int given = options->word_count - 1;

	if (!verb) {
		snprintf(why, sizeof why, "unknown command `%s`; see `viaduct --help`",
			 options->words[0]);
		return client_complain(CLIENT_USAGE, why);
	}
	if (given < verb->least || given > verb->most) {
		snprintf(why, sizeof why, "usage: viaduct %s%s%s", verb->name,
			 *verb->arguments ? " " : "", verb->arguments);
		return client_complain(CLIENT_USAGE, why);
	}
	if (!fit(verb->name, given_options))
		return CLIENT_USAGE;
	if (vd_init())
		return client_complain(CLIENT_REFUSED, "no random numbers from the system");
	return verb->run(options);
}

static int obey(int argc, char **argv)
{
	static const struct option names[] = {
		{ "api", required_argument, NULL, 'A' },
		{ "all", no_argument, NULL, 'a' },
		{ "cancel", no_argument, NULL, 'C' },
		{ "count", required_argument, NULL, 'n' },
		{ "direction", required_argument, NULL, 'I' },
		{ "drop", required_argument, NULL, 'D' },
		{ "explain", no_argument, NULL, 'e' },
		{ "help", no_argument, NULL, 'h' },
		{ "known", no_argument, NULL, 'K' },
		{ "link", required_argument, NULL, 'L' },
		{ "network", required_argument, NULL, 'N' },
		{ "output", required_argument, NULL, 'o' },
		{ "path", no_argument, NULL, 'P' },
		{ "version", no_argument, NULL, 'V' },
		{ "write", required_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 },
	};
	const char *environment = getenv("VIADUCT_API");
	struct client_options options = { 0 };
	unsigned given = 0;
	int option;

	options.api = environment && *environment ? environment : CLIENT_SOCKET_DEFAULT;
	while ((option = getopt_long(argc, argv, "aeo:n:w:h", names, NULL)) != -1) {
		if (option == 'h')
			return client_help(&options);
		if (option == 'V') {
			printf("viaduct %s\n", VD_VERSION);
			return CLIENT_OK;
		}
		if (!read_option(option, &options))
			return CLIENT_USAGE;
		given |= bit_of(option);
	}
	options.words = argv + optind;
	options.word_count = argc - optind;
	if (options.word_count == 0) {
		client_help(&options);
		return CLIENT_USAGE;
	}
	return run(&options, given);
}

/* What was printed has to have come somewhere. */
int main(int argc, char **argv)
{
	int status = obey(argc, argv);

	if (fflush(stdout) || ferror(stdout))
		status = client_complain(CLIENT_REFUSED, "cannot write the output");
	return status;
}
