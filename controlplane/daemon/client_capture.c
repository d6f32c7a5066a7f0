/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * `viaduct capture`: packets of a running daemon, as lines or into a pcapng file.
 *
 * Ends after `count` packets, or on SIGINT and SIGTERM; then the daemon is told to stop.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/version.h"
#include "controlplane/daemon/client_verbs.h"
#include "controlplane/daemon/pcapng.h"

struct capture {
	const struct client_options *options;
	FILE *out;
	json_int_t id;
	json_t *ports;
	unsigned seen;
	json_int_t missed;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

/* ---- one packet ---- */

static const char *text_of(const json_t *packet, const char *field)
{
	const char *text = json_string_value(json_object_get(packet, field));

	return text ? text : "";
}

static json_int_t number_of(const json_t *packet, const char *field)
{
	return json_integer_value(json_object_get(packet, field));
}

static unsigned digit(char c)
{
	return c >= 'a' ? (unsigned)(c - 'a') + 10 : (unsigned)(c - '0');
}

static size_t bytes_of(const json_t *packet, uint8_t out[PCAPNG_BYTES_MAX])
{
	const char *hex = text_of(packet, "bytes");
	size_t len = strlen(hex) / 2;

	len = len < PCAPNG_BYTES_MAX ? len : PCAPNG_BYTES_MAX;
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
	return len;
}

static struct vd_udp_addr address_of(const json_t *packet, const char *ip, const char *port)
{
	struct vd_udp_addr addr = { .port = (uint16_t)number_of(packet, port) };

	if (inet_pton(AF_INET, text_of(packet, ip), addr.ip + 12) == 1)
		addr.ip[10] = addr.ip[11] = 0xff;
	else
		(void)inet_pton(AF_INET6, text_of(packet, ip), addr.ip);
	return addr;
}

/* "link 12D3… drop bad_tag"; empty when neither is known. */
static void comment_of(const json_t *packet, char out[160])
{
	const char *peer = text_of(packet, "peer"), *drop = text_of(packet, "drop");

	snprintf(out, 160, "%s%s%s%s%s", *peer ? "link " : "", peer, *peer && *drop ? " " : "",
		 *drop ? "drop " : "", drop);
}

static void write_packet(struct capture *c, const json_t *packet)
{
	uint8_t bytes[PCAPNG_BYTES_MAX];
	char comment[160];
	bool out = strcmp(text_of(packet, "direction"), "out") == 0;
	struct vd_udp_addr local = address_of(packet, "local", "local_port");
	struct vd_udp_addr remote = address_of(packet, "remote", "remote_port");
	const struct pcapng_packet record = {
		.interface = (uint32_t)number_of(packet, "port"),
		.at_ns = (uint64_t)number_of(packet, "at_ns"),
		.out = out,
		.from = out ? local : remote,
		.to = out ? remote : local,
		.bytes = bytes,
		.raw = json_is_true(json_object_get(packet, "raw")),
		.kept = bytes_of(packet, bytes),
		.len = (size_t)number_of(packet, "len"),
		.comment = comment,
	};

	comment_of(packet, comment);
	pcapng_write(c->out, &record);
}

/* What the first byte says (multigram/SPEC.md, 3). */
static const char *kind_of(const json_t *packet)
{
	const char *hex = text_of(packet, "bytes");

	if (json_is_true(json_object_get(packet, "raw")))
		return "IP packet";
	if (strncmp(hex, "04", 2) == 0)
		return "handshake";
	if (strncmp(hex, "05", 2) == 0)
		return "sealed";
	if (strncmp(hex, "06", 2) == 0)
		return "switch";
	return strncmp(hex, "07", 2) == 0 ? "report" : "other";
}

static void print_line(struct capture *c, const json_t *packet)
{
	json_int_t at = number_of(packet, "at_ns");
	time_t seconds = (time_t)(at / 1000000000);
	struct tm tm;
	char when[16] = "", comment[160];

	if (localtime_r(&seconds, &tm))
		strftime(when, sizeof when, "%H:%M:%S", &tm);
	comment_of(packet, comment);
	fprintf(c->out, "%s.%06d %s %s %s port %d, %s, %d bytes%s%s\n", when,
		(int)(at % 1000000000 / 1000), text_of(packet, "direction"),
		json_string_value(json_array_get(c->ports, (size_t)number_of(packet, "port"))),
		text_of(packet, "remote"), (int)number_of(packet, "remote_port"), kind_of(packet),
		(int)number_of(packet, "len"), *comment ? ", " : "", comment);
}

static void show(struct capture *c, const json_t *packet)
{
	if (c->options->file)
		write_packet(c, packet);
	else if (c->options->json)
		(void)client_write_json(c->out, packet, JSON_COMPACT);
	else
		print_line(c, packet);
	c->seen++;
}

/* ---- the whole ---- */

static int start(struct capture *c, char why[CLIENT_WHY])
{
	const struct client_options *o = c->options;
	json_t *answer = NULL;
	int status = client_call(o->api, "capture",
				 json_pack("[s, {s:s?, s:s?, s:s?}]", "start", "peer", o->link,
					   "drop", o->drop, "direction", o->direction),
				 &answer, why);

	if (status)
		return status;
	c->id = json_integer_value(json_object_get(answer, "id"));
	c->ports = json_incref(json_object_get(answer, "ports"));
	json_decref(answer);
	return CLIENT_OK;
}

/* Once the capture is under way: one that is refused leaves the file as it was. */
static int open_out(struct capture *c, char why[CLIENT_WHY])
{
	const char *file = c->options->file;
	json_t *port;
	size_t i;

	c->out = !file || strcmp(file, "-") == 0 ? stdout : fopen(file, "we");
	if (!c->out) {
		snprintf(why, CLIENT_WHY, "cannot write %s: %s; name a file you can write", file,
			 strerror(errno));
		return CLIENT_REFUSED;
	}
	if (!file)
		return CLIENT_OK;
	pcapng_begin(c->out, "viaduct " VD_VERSION);
	json_array_foreach(c->ports, i, port) pcapng_interface(c->out, json_string_value(port));
	return CLIENT_OK;
}

/* Whoever reads the output has gone: nothing more can be written. */
static bool is_deaf(FILE *out)
{
	struct pollfd output = { .fd = fileno(out) };

	return poll(&output, 1, 0) > 0 && output.revents & POLLERR;
}

static bool is_enough(const struct capture *c)
{
	return interrupted || (c->options->count && c->seen >= c->options->count);
}

static int follow(struct capture *c, char why[CLIENT_WHY])
{
	while (!is_enough(c) && !is_deaf(c->out)) {
		json_t *answer = NULL, *packet;
		size_t i;
		int status = client_call(c->options->api, "capture",
					 json_pack("[s, I]", "next", c->id), &answer, why);

		if (status)
			return interrupted ? CLIENT_OK : status;
		json_array_foreach(json_object_get(answer, "packets"), i, packet)
		{
			if (!is_enough(c))
				show(c, packet);
		}
		c->missed = json_integer_value(json_object_get(answer, "missed"));
		json_decref(answer);
		if (fflush(c->out)) {
			snprintf(why, CLIENT_WHY, "cannot write %s: %s",
				 c->options->file ? c->options->file : "the output",
				 strerror(errno));
			return CLIENT_REFUSED;
		}
	}
	return CLIENT_OK;
}

static void stop(const struct capture *c)
{
	json_t *answer = NULL;
	char why[CLIENT_WHY];

	(void)client_call(c->options->api, "capture", json_pack("[s, I]", "stop", c->id), &answer,
			  why);
	json_decref(answer);
}

static void tell_count(const struct capture *c)
{
	fprintf(stderr, "%u packets", c->seen);
	if (c->missed)
		fprintf(stderr, ", %d missed: they came faster than they were fetched",
			(int)c->missed);
	fputc('\n', stderr);
}

/* What is under way is stopped, whatever came of it. */
static int run(struct capture *c, char why[CLIENT_WHY])
{
	int status = open_out(c, why);

	if (status) {
		stop(c);
		return status;
	}
	status = follow(c, why);
	stop(c);
	tell_count(c);
	if (c->out != stdout && fclose(c->out) && !status) {
		snprintf(why, CLIENT_WHY, "cannot write %s: %s", c->options->file, strerror(errno));
		status = CLIENT_REFUSED;
	}
	return status;
}

int client_capture(const struct client_options *options)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct capture c = { .options = options };
	char why[CLIENT_WHY];
	int status;

	if (options->direction && strcmp(options->direction, "in") != 0 &&
	    strcmp(options->direction, "out") != 0)
		return client_complain(CLIENT_USAGE, "--direction is in or out");
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	status = start(&c, why);
	if (!status)
		status = run(&c, why);
	json_decref(c.ports);
	return status ? client_complain(status, why) : CLIENT_OK;
}
