/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Verbs that show one list or object: id, status, links, sessions, routes, version. */
#include <stdio.h>

#include "base/version.h"
#include "controlplane/daemon/client_verbs.h"
#include "controlplane/daemon/table.h"

static int show_list(const struct client_options *options, const char *name,
		     const struct table_column *columns, size_t count, const char *none)
{
	json_t *answer;
	json_int_t left_out;
	int status = client_ask(options, name, &answer);

	if (status)
		return status;
	if (options->json)
		return client_print(answer);
	table_print(stdout, json_object_get(answer, name), columns, count, none);
	left_out = json_integer_value(json_object_get(answer, "left_out"));
	if (left_out)
		printf("and %" JSON_INTEGER_FORMAT " more\n", left_out);
	json_decref(answer);
	return CLIENT_OK;
}

int client_links(const struct client_options *options)
{
	static const struct table_column columns[] = {
		{ "NAME", "name", TABLE_TEXT },       { "PEER", "peer", TABLE_TEXT },
		{ "ADDRESS", "address", TABLE_TEXT }, { "STATE", "state", TABLE_TEXT },
		{ "TIER", "tier", TABLE_TEXT },       { "OWNER", "owner", TABLE_NUMBER },
		{ "RTT", "rtt_ms", TABLE_MS },        { "RX PKT", "rx_packets", TABLE_COUNT },
		{ "RX", "rx_bytes", TABLE_BYTES },    { "TX PKT", "tx_packets", TABLE_COUNT },
		{ "TX", "tx_bytes", TABLE_BYTES },    { "SINCE", "since_s", TABLE_SECONDS },
	};

	return show_list(options, "links", columns, CLIENT_COUNT(columns), "no links");
}

int client_accounts(const struct client_options *options)
{
	static const struct table_column columns[] = {
		{ "NAME", "name", TABLE_TEXT },          { "PEER", "peer", TABLE_TEXT },
		{ "RX PKT", "rx_packets", TABLE_COUNT }, { "RX", "rx_bytes", TABLE_BYTES },
		{ "TX PKT", "tx_packets", TABLE_COUNT }, { "TX", "tx_bytes", TABLE_BYTES },
	};

	return show_list(options, "accounts", columns, CLIENT_COUNT(columns), "no peers yet");
}

int client_sessions(const struct client_options *options)
{
	static const struct table_column columns[] = {
		{ "NAME", "name", TABLE_TEXT },        { "PEER", "peer", TABLE_TEXT },
		{ "OVERLAY", "overlay", TABLE_TEXT },  { "PATH", "path", TABLE_TEXT },
		{ "CIPHER", "cipher", TABLE_TEXT },    { "MTU", "mtu", TABLE_NUMBER },
		{ "SEARCH", "mtu_state", TABLE_TEXT }, { "RTT", "rtt_ms", TABLE_MS },
		{ "RX", "rx_bytes", TABLE_BYTES },     { "TX", "tx_bytes", TABLE_BYTES },
		{ "SINCE", "since_s", TABLE_SECONDS },
	};

	return show_list(options, "sessions", columns, CLIENT_COUNT(columns), "no sessions");
}

static int show_known(const struct client_options *options)
{
	static const struct table_column columns[] = {
		{ "NAME", "name", TABLE_TEXT },       { "PEER", "peer", TABLE_TEXT },
		{ "ADDRESS", "address", TABLE_TEXT }, { "NETWORK", "network", TABLE_TEXT },
		{ "SOURCE", "source", TABLE_TEXT },   { "AGENT", "agent", TABLE_TEXT },
		{ "RTT", "rtt_ms", TABLE_MS },        { "HEARD", "heard_s", TABLE_SECONDS },
	};

	return show_list(options, "known", columns, CLIENT_COUNT(columns), "no known libp2p peers");
}

int client_peers(const struct client_options *options)
{
	static const struct table_column columns[] = {
		{ "NAME", "name", TABLE_TEXT },       { "PEER", "peer", TABLE_TEXT },
		{ "ADDRESS", "address", TABLE_TEXT }, { "NETWORK", "network", TABLE_TEXT },
		{ "DIR", "direction", TABLE_TEXT },   { "SECURITY", "security", TABLE_TEXT },
		{ "AGENT", "agent", TABLE_TEXT },     { "STREAMS", "streams", TABLE_NUMBER },
		{ "RTT", "rtt_ms", TABLE_MS },        { "SINCE", "since_s", TABLE_SECONDS },
	};

	if (options->known)
		return show_known(options);
	return show_list(options, "peers", columns, CLIENT_COUNT(columns), "no libp2p peers");
}

int client_routes(const struct client_options *options)
{
	static const struct table_column columns[] = {
		{ "NAME", "name", TABLE_TEXT },   { "PEER", "peer", TABLE_TEXT },
		{ "LABEL", "label", TABLE_TEXT }, { "BITS", "bits", TABLE_NUMBER },
		{ "MTU", "mtu", TABLE_NUMBER },   { "VIA", "via", TABLE_TEXT },
	};

	return show_list(options, "routes", columns, CLIENT_COUNT(columns), "no routes");
}

int client_status(const struct client_options *options)
{
	static const struct table_column columns[] = {
		{ "peer", "peer", TABLE_TEXT },          { "overlay", "overlay", TABLE_TEXT },
		{ "version", "version", TABLE_TEXT },    { "state", "state", TABLE_TEXT },
		{ "up for", "uptime_s", TABLE_SECONDS }, { "workers", "workers", TABLE_NUMBER },
		{ "links", "links", TABLE_NUMBER },      { "sessions", "sessions", TABLE_NUMBER },
	};
	json_t *answer;
	int status = client_ask(options, "status", &answer);

	if (status)
		return status;
	if (options->json)
		return client_print(answer);
	table_print_object(stdout, answer, columns, CLIENT_COUNT(columns));
	json_decref(answer);
	return CLIENT_OK;
}

int client_id(const struct client_options *options)
{
	static const struct table_column columns[] = {
		{ "peer", "peer", TABLE_TEXT },
		{ "overlay", "overlay", TABLE_TEXT },
	};
	json_t *answer, *address;
	char cell[TABLE_CELL];
	size_t i;
	int status = client_ask(options, "id", &answer);

	if (status)
		return status;
	if (options->json)
		return client_print(answer);
	table_print_object(stdout, answer, columns, CLIENT_COUNT(columns));
	json_array_foreach(json_object_get(answer, "addresses"), i, address)
	    printf("%-12s  %s\n", "address", table_cell(address, TABLE_TEXT, cell));
	json_decref(answer);
	return CLIENT_OK;
}

int client_version(const struct client_options *options)
{
	json_t *answer = NULL;
	char why[CLIENT_WHY], cell[TABLE_CELL];
	bool reached = client_request(options->api, "version", NULL, &answer, why) == CLIENT_OK;
	json_t *version = json_object_get(answer, "version");
	int status = CLIENT_OK;

	if (options->json)
		status = client_print(
		    json_pack("{s:s, s:O?}", "version", VD_VERSION, "daemon", version));
	else
		printf("viaduct %s\nviaductd %s\n", VD_VERSION,
		       reached ? table_cell(version, TABLE_TEXT, cell) : "not reached");
	json_decref(answer);
	return status;
}
