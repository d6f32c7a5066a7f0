/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * neighbour KEY_FILE: a neighbour with a link of its own, who harms. Reads commands, a line
 * each, and answers each with one line; PEER is a peer id, LABEL hexadecimal:
 *
 *	link MULTIADDR                          link
 *	reserve PEER                            reserved STATUS
 *	route VIA PEER                          route STATUS LABEL BITS
 *	session VIA LABEL PEER                  session
 *	send VIA LABEL USED FLAGS COUNT INDEX   sent COUNT: frames whose payload begins with INDEX
 *	knock VIA LABEL COUNT                   sent COUNT: first messages of sessions, of nobody
 *	flip VIA LABEL                          sent COUNT: a frame with each bit that the tag
 *	                                        covers turned, then as it was
 *	seal VIA LABEL PEER                     sent COUNT: the same of a sealed frame
 *	inner VIA LABEL PEER KIND COUNT         sent COUNT: KIND: source, destination, version,
 *	                                        length, index, none
 *	reports                                 reports N N N N N: heard since the start, by code
 */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/formats/multiaddr.h"
#include "controlplane/route/overlay.h"
#include "multigram/frame.h"
#include "switch/forward.h"
#include "tests/netns/rogue.h"

enum {
	LINE = 1024,
	WORDS = 8,
	TAGGED = 16,
	PACKET = 48,
	REPORT = 16,
	FIRST = 1024, /* of message 1 */
	OVERLAY_PREFIX = 0xfd76,
	PAUSE_NS = 200000
};

static struct rogue rogue;

static _Noreturn void stop(const char *what)
{
	fprintf(stderr, "neighbour: %s\n", what);
	exit(1);
}

static struct vd_peer_id peer_of(const char *text)
{
	struct vd_peer_id peer = { 0 };

	if (!text || vd_peer_id_of_text(text, &peer))
		stop("not a peer id");
	return peer;
}

static uint64_t number(const char *text, int base)
{
	return text ? strtoull(text, NULL, base) : 0;
}

static void hurl(const struct rogue_generation *link, const uint8_t *frame, size_t len)
{
	struct timespec span = { .tv_nsec = PAUSE_NS };

	rogue_send(&rogue, link, vd_bytes(frame, len));
	nanosleep(&span, NULL);
}

static void run_link(char **words)
{
	struct vd_multiaddr address;
	struct vd_udp_addr at;
	struct vd_peer_id peer;

	if (vd_multiaddr_of_text(words[1], &address) || vd_multiaddr_to_link(&address, &at, &peer))
		stop("not a link address");
	rogue_link(&rogue, &at, &peer);
	puts("link");
}

static void run_reserve(char **words)
{
	struct vd_peer_id via = peer_of(words[1]);
	struct control_msg msg = { .kind = CONTROL_RESERVE };

	printf("reserved %d\n", (int)rogue_ask(&rogue, &via, &msg)->reserved.status);
}

static void run_route(char **words)
{
	struct vd_peer_id via = peer_of(words[1]);
	struct control_msg msg = { .kind = CONTROL_QUERY, .query.peer = peer_of(words[2]) };
	const struct control_msg *answer = rogue_ask(&rogue, &via, &msg);

	printf("route %d %" PRIx64 " %u\n", (int)answer->route.status, answer->route.label,
	       answer->route.bits);
}

static void run_session(char **words)
{
	struct vd_peer_id via = peer_of(words[1]), peer = peer_of(words[3]);

	rogue_session(&rogue, &via, number(words[2], 16), &peer);
	puts("session");
}

static void run_send(char **words)
{
	struct vd_peer_id via = peer_of(words[1]);
	struct rogue_generation *link = rogue_current(&rogue, &via, false);
	struct rogue_head head = { .label = number(words[2], 16),
				   .used = (uint8_t)number(words[3], 10),
				   .flags = (uint8_t)number(words[4], 16) };
	uint8_t payload[64] = { (uint8_t)number(words[6], 10), 1 }, frame[ROGUE_FRAME];
	uint64_t count = number(words[5], 10);
	size_t len = payload[0] == MG_REPORT ? REPORT : sizeof payload;

	for (uint64_t i = 0; i < count; i++)
		hurl(link, frame, rogue_frame(link, &head, vd_bytes(payload, len), frame));
	printf("sent %" PRIu64 "\n", count);
}

/* As well formed as a stranger can make it: its payload is an extension of nothing but padding. */
static void write_first(uint8_t first[FIRST])
{
	static const uint8_t payload[] = { 0x22, 0xc3, 7, 0x92, 0x41, 0xbf, 7, 0x7a, 0xbc, 7 };

	memset(first, 0, FIRST);
	first[0] = MG_HANDSHAKE;
	first[1] = 1;
	randombytes_buf(first + 2, 4);   /* sender index */
	randombytes_buf(first + 10, 32); /* e */
	memcpy(first + 42, payload, sizeof payload);
}

static void run_knock(char **words)
{
	struct vd_peer_id via = peer_of(words[1]);
	struct rogue_generation *link = rogue_current(&rogue, &via, false);
	struct rogue_head head = { .label = number(words[2], 16) };
	uint64_t count = number(words[3], 10);
	uint8_t first[FIRST], frame[ROGUE_FRAME];

	for (uint64_t i = 0; i < count; i++) {
		write_first(first);
		hurl(link, frame, rogue_frame(link, &head, vd_bytes(first, FIRST), frame));
	}
	printf("sent %" PRIu64 "\n", count);
}

/* None of them may move the window: the frame itself, sent last, has the same counter. */
static void run_flip(char **words)
{
	struct vd_peer_id via = peer_of(words[1]);
	struct rogue_generation *link = rogue_current(&rogue, &via, false);
	struct rogue_head head = { .label = number(words[2], 16) };
	uint8_t payload[64] = { MG_SWITCH }, frame[ROGUE_FRAME];
	size_t len = rogue_frame(link, &head, vd_bytes(payload, sizeof payload), frame);
	size_t bits = 8 * (SW_AT_PAYLOAD + TAGGED);

	for (size_t bit = 8; bit < bits; bit++) {
		frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
		hurl(link, frame, len);
		frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	hurl(link, frame, len);
	printf("sent %zu\n", bits - 8);
}

/* An IPv6 packet with nothing in it, from us to `peer`, as a plaintext. */
static size_t write_plain(const struct rogue_generation *session, const char *kind,
			  uint8_t plain[PACKET])
{
	uint8_t *ip = plain + 1;

	memset(plain, 0, PACKET);
	plain[0] = session->keys.inner[0][0];
	ip[0] = 0x60;
	ip[6] = 59; /* no next header */
	ip[7] = 64;
	route_overlay_address(OVERLAY_PREFIX, &rogue.identity.id, ip + 8);
	route_overlay_address(OVERLAY_PREFIX, &session->peer, ip + 24);
	if (strcmp(kind, "source") == 0)
		ip[23] ^= 1;
	else if (strcmp(kind, "destination") == 0)
		ip[39] ^= 1;
	else if (strcmp(kind, "version") == 0)
		ip[0] = 0x40;
	else if (strcmp(kind, "length") == 0)
		ip[4] = 1;
	else if (strcmp(kind, "index") == 0)
		plain[0] = 0x7e;
	else if (strcmp(kind, "none") != 0)
		stop("no such kind");
	return 41;
}

static size_t seal_packet(struct rogue_generation *session, const char *kind,
			  uint8_t sealed[ROGUE_FRAME])
{
	uint8_t plain[PACKET];
	size_t len = write_plain(session, kind, plain), sealed_len;

	if (seal_create(&session->seal, vd_bytes(plain, len), sealed, ROGUE_FRAME, &sealed_len))
		stop("cannot seal");
	return sealed_len;
}

static void run_inner(char **words)
{
	struct vd_peer_id via = peer_of(words[1]), peer = peer_of(words[3]);
	struct rogue_generation *link = rogue_current(&rogue, &via, false);
	struct rogue_generation *session = rogue_current(&rogue, &peer, true);
	struct rogue_head head = { .label = number(words[2], 16) };
	uint64_t count = number(words[5], 10);

	for (uint64_t i = 0; i < count; i++) {
		uint8_t sealed[ROGUE_FRAME], frame[ROGUE_FRAME];
		size_t len = seal_packet(session, words[4], sealed);

		hurl(link, frame, rogue_frame(link, &head, vd_bytes(sealed, len), frame));
	}
	printf("sent %" PRIu64 "\n", count);
}

/* Each in a switch frame that is good, so that it reaches the edge. */
static void run_seal(char **words)
{
	struct vd_peer_id via = peer_of(words[1]), peer = peer_of(words[3]);
	struct rogue_generation *link = rogue_current(&rogue, &via, false);
	struct rogue_head head = { .label = number(words[2], 16) };
	uint8_t sealed[ROGUE_FRAME], frame[ROGUE_FRAME];
	size_t len = seal_packet(rogue_current(&rogue, &peer, true), "none", sealed);

	for (size_t bit = 8; bit < 8 * len; bit++) {
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		hurl(link, frame, rogue_frame(link, &head, vd_bytes(sealed, len), frame));
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	hurl(link, frame, rogue_frame(link, &head, vd_bytes(sealed, len), frame));
	printf("sent %zu\n", 8 * len - 8);
}

static void run_reports(char **words)
{
	(void)words;
	rogue_run(&rogue, VD_MS(200));
	printf("reports");
	for (unsigned code = 1; code < ROGUE_REPORT_CODES; code++)
		printf(" %" PRIu64, rogue.reports[code]);
	printf("\n");
}

static const struct {
	const char *name;
	unsigned words;
	void (*run)(char **words);
} commands[] = {
	{ "link", 2, run_link },       { "reserve", 2, run_reserve }, { "route", 3, run_route },
	{ "session", 4, run_session }, { "knock", 4, run_knock },     { "send", 7, run_send },
	{ "flip", 3, run_flip },       { "seal", 4, run_seal },       { "inner", 6, run_inner },
	{ "reports", 1, run_reports },
};

static void run_line(char *line)
{
	char *words[WORDS] = { NULL }, *rest = line;
	unsigned count = 0;

	while (count < WORDS && (words[count] = strsep(&rest, " \n")) && *words[count])
		count++;
	for (unsigned i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (count == commands[i].words && strcmp(words[0], commands[i].name) == 0) {
			commands[i].run(words);
			fflush(stdout);
			return;
		}
	stop("no such command");
}

int main(int argc, char **argv)
{
	char line[LINE];

	if (argc != 2)
		stop("usage: neighbour KEY_FILE");
	rogue_init(&rogue, argv[1]);
	while (fgets(line, sizeof line, stdin))
		run_line(line);
	return 0;
}
