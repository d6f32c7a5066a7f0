/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <inttypes.h>
#include <string.h>

#include "controlplane/daemon/keys.h"

static void write_range(FILE *out, const struct config_key *key)
{
	switch (key->type) {
	case KEY_SECTION: break;
	case KEY_MAPS: fprintf(out, "list of at most %" PRIu64 " mappings", key->max); break;
	case KEY_TEXT: fprintf(out, "text, at most %u bytes", key->room - 1); break;
	case KEY_NAMES:
		for (unsigned i = 0; key->names[i]; i++)
			fprintf(out, "%s`%s`", i ? ", " : "", key->names[i]);
		break;
	case KEY_BOOL: fprintf(out, "`true`, `false`"); break;
	case KEY_U32:
	case KEY_U64: fprintf(out, "%" PRIu64 " to %" PRIu64, key->min, key->max); break;
	case KEY_WIDTH: fprintf(out, "0, %" PRIu64 " to %" PRIu64, key->min, key->max); break;
	case KEY_MTU: fprintf(out, "`auto`, %" PRIu64 " to %" PRIu64, key->min, key->max); break;
	case KEY_PREFIX: fprintf(out, "an IPv6 /16 inside fc00::/7"); break;
	case KEY_UDP: fprintf(out, "address and port"); break;
	case KEY_LISTEN:
	case KEY_ROUTERS:
	case KEY_ADDRS: fprintf(out, "list of at most %" PRIu64 " multiaddrs", key->max); break;
	case KEY_FILTERS:
		fprintf(out, "list of at most %" PRIu64 " networks and multiaddrs", key->max);
		break;
	case KEY_PEERS:
		fprintf(out, "%slist of at most %" PRIu64 " peer ids", key->min ? "`any`, or " : "",
			key->max);
		break;
	case KEY_CIDRS: fprintf(out, "list of at most %" PRIu64 " networks", key->max); break;
	case KEY_TOKENS:
		fprintf(out, "list of at most %" PRIu64 " hashes or files", key->max);
		break;
	case KEY_REALMS: fprintf(out, "list of numbers from 0 to 31"); break;
	case KEY_LEVELS: fprintf(out, "level, and exceptions"); break;
	}
}

static void write_default(FILE *out, const struct config_key *key)
{
	if (!key->fallback)
		fprintf(out, "required");
	else if (!*key->fallback)
		fprintf(out, "empty");
	else
		fprintf(out, "`%s`", key->fallback);
}

static void write_key(FILE *out, const struct config_key *key)
{
	char variable[CONFIG_KEY];

	fprintf(out, "| `%s` | ", key->path);
	write_range(out, key);
	fprintf(out, " | ");
	write_default(out, key);
	fprintf(out, " | %s | ", key->reload ? "reload" : "start");
	if (config_key_variable(key, variable))
		fprintf(out, "`%s`", variable);
	fprintf(out, " | %s |\n", key->help);
}

static void write_columns(FILE *out)
{
	fprintf(out, "\n| key | values | default | read at | variable | |\n"
		     "|---|---|---|---|---|---|\n");
}

static void write_section(FILE *out, const struct config_key *key)
{
	char variable[CONFIG_KEY];

	fprintf(out, "\n## `%s`\n\n%s\n", key->path, key->help);
	if (config_key_variable(key, variable))
		fprintf(out, "As an environment variable: `%s={}`.\n", variable);
	write_columns(out);
}

void config_reference(FILE *out)
{
	fprintf(
	    out,
	    "# Configuration\n\n"
	    "<!-- Written by `viaductd --config-reference` from the table of keys; do not edit. "
	    "-->\n\n"
	    "One YAML file, given by `viaductd --config FILE`; `viaductd --check-config` tells "
	    "whether it is right.\n"
	    "Unknown keys, keys given twice and bad values are errors, told with file and line.\n\n"
	    "Each key has an environment variable, which overrides the file. Its value is YAML; "
	    "lists may also be\n"
	    "written with commas: `VIADUCT_SESSION_ALLOW=12D3…,12D3…`. An empty variable is an "
	    "empty list or text.\n"
	    "Keys with `reload` take effect on SIGHUP, the others at the next start.\n");
	fprintf(out, "\n## Outside of sections\n");
	write_columns(out);
	for (size_t i = 0; i < config_key_count; i++) {
		if (config_keys[i].type == KEY_SECTION)
			write_section(out, &config_keys[i]);
		else
			write_key(out, &config_keys[i]);
	}
}
