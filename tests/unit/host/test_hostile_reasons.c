/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Bad input of each protocol that a host speaks, over real sockets: what is dropped for it, the
 * reason that the log (debug) has, and the counter. docs/bad-input.md has the same as a table.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log_settings.h"
#include "controlplane/host/perf.h"
#include "controlplane/proto/identify.h"
#include "controlplane/proto/identify_stream.h"
#include "tests/unit/host/attacker.h"

enum { LOG_MAX = 1 << 16 };

static struct pair pair;
static struct attacker attacker;
static int log_fd;

/* ---- the log ---- */

static void begin(void)
{
	log_fd = memfd_create("log", MFD_CLOEXEC);
	cr_assert(ge(int, log_fd, 0));
	cr_assert(eq(int, vd_log_set_levels("warn,host=debug"), VD_OK));
	vd_log_to(log_fd);
	pair_begin(&pair, NULL, &(struct host_config){ .negotiate_within = VD_MS(400) });
	cr_assert(eq(int, host_perf_serve(pair.b), VD_OK));
	pair_dial(&pair);
	cr_assert(eq(int, pair.said.err, VD_OK));
}

static void end(void)
{
	pair_end(&pair);
	vd_log_to(-1);
	close(log_fd);
}

static const char *wanted_why;

static bool is_told(struct pair *p)
{
	static char log[LOG_MAX];
	ssize_t len = pread(log_fd, log, sizeof log - 1, 0);

	(void)p;
	cr_assert(ge(int, len, 0));
	log[len] = '\0';
	return strstr(log, wanted_why) != NULL;
}

static void forget_log(void)
{
	cr_assert(eq(int, ftruncate(log_fd, 0), 0));
	cr_assert(eq(int, (int)lseek(log_fd, 0, SEEK_SET), 0));
}

/* ---- before there is a connection: the connection ends ---- */

#define MULTISTREAM "\x13/multistream/1.0.0\n"
#define BYTES(text) text, sizeof(text) - 1

static const struct opening {
	const char *what;
	const char *bytes;
	size_t len;
	const char *why;
} openings[] = {
	{ "HTTP", BYTES("GET / HTTP/1.1\r\n\r\n"), "not multistream" },
	{ "a length of 2 GB", BYTES("\xff\xff\xff\xff\x07"), "a bad length" },
	{ "a length of 0", BYTES("\0"), "a bad length" },
	{ "an oversized message", BYTES(MULTISTREAM "\x81\x10/noise"),
	  "a message that is too long" },
	{ "a message without newline", BYTES(MULTISTREAM "\x07/noiseX"),
	  "a message without newline" },
	{ "noise that is cut", BYTES(MULTISTREAM "\x07/noise\n\0\5hello"),
	  "a handshake message that does not verify" },
	{ "TLS that is none", BYTES(MULTISTREAM "\x0b/tls/1.0.0\nhello, hello, hello"),
	  "wrong version number" },
	{ "yamux without a channel", BYTES(MULTISTREAM "\x0d/yamux/1.0.0\n\0\0\0\0"),
	  "a bad length" },
};

static bool is_cut(struct pair *p)
{
	return attacker_is_cut(&attacker) && is_told(p);
}

Test(hostile_reasons, of_connections, .init = begin, .fini = end)
{
	for (size_t i = 0; i < sizeof openings / sizeof *openings; i++) {
		uint64_t broke = host_counters(pair.b)->peers_broke;
		char why[128];

		forget_log();
		snprintf(why, sizeof why, "why=\"%s", openings[i].why);
		wanted_why = why;
		attacker_connect(&attacker, &pair);
		attacker_say(&attacker, vd_bytes(openings[i].bytes, openings[i].len));
		pair_until(&pair, is_cut);
		cr_assert(eq(u64, host_counters(pair.b)->peers_broke, broke + 1), "%s",
			  openings[i].what);
		attacker_end(&attacker);
	}
}

static const struct frame {
	unsigned type, flags;
	uint32_t id, length;
	const char *why;
} frames[] = {
	{ 9, 0, 0, 0, "an unknown type" },
	{ FRAME_DATA, FRAME_SYN, 1, 1u << 30, "more data than the window" },
	{ FRAME_DATA, FRAME_SYN, 2, 0, "a stream with an id of our side" },
	{ FRAME_DATA, 0, 0, 0, "a stream frame without stream" },
	{ FRAME_DATA, 0, 9, 1u << 30, "data to no stream" },
	{ FRAME_WINDOW, FRAME_SYN, 1, 0xffffffff, "a window above 2^32" },
};

Test(hostile_reasons, of_yamux, .init = begin, .fini = end)
{
	for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
		uint64_t broke = host_counters(pair.b)->peers_broke;

		forget_log();
		wanted_why = frames[i].why;
		attacker_connect(&attacker, &pair);
		attacker_negotiate(&attacker, &pair);
		attacker_frame(&attacker, frames[i].type, frames[i].flags, frames[i].id,
			       frames[i].length, vd_bytes("x", frames[i].length != 0));
		pair_until(&pair, is_cut);
		cr_assert(eq(u64, host_counters(pair.b)->peers_broke, broke + 1), "%s",
			  frames[i].why);
		attacker_end(&attacker);
	}
}

/* ---- within a stream: the stream ends alone ---- */

#define OPEN_PUSH MULTISTREAM "\x14/ipfs/id/push/1.0.0\n"
#define OPEN_PERF MULTISTREAM "\x0c/perf/1.0.0\n"

static const struct in_stream {
	const char *what;
	const char *bytes;
	size_t len;
	bool finish;
	const char *why;
	uint64_t broke, refused, timeouts;
} in_streams[] = {
	{ "multistream: HTTP", BYTES("GET / HTTP/1.1\r\n\r\n"), true, "not multistream", 1, 1 },
	{ "multistream: 256 MiB", BYTES("\xff\xff\xff\x7fxx"), false, "a bad length", 1, 1 },
	{ "multistream: no newline", BYTES(MULTISTREAM "\x07/lazy/X"), false,
	  "a message without newline", 1, 1 },
	{ "multistream: cut", BYTES(MULTISTREAM "\x07/la"), true,
	  "ended before a protocol was agreed on", 0, 1 },
	{ "multistream: silent", BYTES("\x13/multi"), false, "no protocol agreed on in time", 0, 0,
	  1 },
	{ "multistream: unknown", BYTES(MULTISTREAM "\x07/lazy/\n"), true,
	  "ended before a protocol was agreed on", 0, 1 },
	{ "identify: cut", BYTES(OPEN_PUSH "\x20\x0a\x02"), true, "what it told does not read", 1 },
	{ "identify: oversized", BYTES(OPEN_PUSH "\x81\x40"), true, "what it told does not read",
	  1 },
	{ "identify: a wire type that is none", BYTES(OPEN_PUSH "\x02\x0f\x00"), true,
	  "what it told does not read", 1 },
	{ "identify: a length beyond the message", BYTES(OPEN_PUSH "\x03\x0a\x7fx"), true,
	  "what it told does not read", 1 },
	{ "identify: HTTP", BYTES(OPEN_PUSH "GET / HTTP/1.1\r\n\r\n"), true,
	  "what it told does not read", 1 },
	{ "perf: cut", BYTES(OPEN_PERF "\0\0\0"), true, "it sent other lengths than it said", 1 },
};

static void assert_counted(const struct in_stream *row, const struct host_counters *before)
{
	const struct host_counters *now = host_counters(pair.b);

	cr_assert(eq(u64, now->peers_broke - before->peers_broke, row->broke), "%s", row->what);
	cr_assert(eq(u64, now->streams_refused - before->streams_refused, row->refused), "%s",
		  row->what);
	cr_assert(eq(u64, now->timeouts - before->timeouts, row->timeouts), "%s", row->what);
}

static bool stream_is_told(struct pair *p)
{
	(void)attacker_is_cut(&attacker); /* it reads */
	return is_told(p);
}

/* Identify is what b asks the attacker at once; what follows is answered or not by each row. */
static void negotiate(void)
{
	static const char answer[] = MULTISTREAM "\x0f/ipfs/id/1.0.0\n\0";

	attacker_connect(&attacker, &pair);
	attacker_negotiate(&attacker, &pair);
	cr_assert(attacker_frame(&attacker, FRAME_DATA, FRAME_ACK | FRAME_FIN, 2, sizeof answer - 1,
				 vd_bytes(answer, sizeof answer - 1)));
}

static bool is_identified(struct pair *p)
{
	(void)attacker_is_cut(&attacker);
	return host_counters(p->b)->identify_out == 2; /* the good one's, too */
}

Test(hostile_reasons, of_streams, .init = begin, .fini = end)
{
	uint32_t id = 1;

	negotiate();
	pair_until(&pair, is_identified);
	for (size_t i = 0; i < sizeof in_streams / sizeof *in_streams; i++, id += 2) {
		const struct in_stream *row = &in_streams[i];
		const struct host_counters before = *host_counters(pair.b);

		forget_log();
		wanted_why = row->why;
		cr_assert(attacker_frame(&attacker, FRAME_DATA,
					 FRAME_SYN | (row->finish ? FRAME_FIN : 0), id,
					 (uint32_t)row->len, vd_bytes(row->bytes, row->len)));
		pair_until(&pair, stream_is_told);
		assert_counted(row, &before);
		cr_assert(eq(u32, host_connection_count(pair.b), 2), "%s", row->what);
	}
	attacker_end(&attacker);
}

/* ---- without end ---- */

enum { ROUNDS = 2 * IDENTIFY_STREAM_MAX / 4096 };

/* Message upon message, each well-formed: an unknown field of 2,043 bytes. */
static void fill_with_messages(uint8_t block[4096])
{
	static const uint8_t head[] = { 0xfe, 0x0f, 0x7a, 0xfb, 0x0f };

	memset(block, 0, 4096);
	memcpy(block, head, sizeof head);
	memcpy(block + 2048, head, sizeof head);
}

/* One message more at a time, until b has enough; it must, before all are said. */
static void tell_without_end(uint32_t id, uint64_t broke)
{
	uint8_t block[4096];
	unsigned round = 0;

	fill_with_messages(block);
	while (round < ROUNDS && host_counters(pair.b)->peers_broke == broke) {
		round += attacker_frame(&attacker, FRAME_DATA, 0, id, sizeof block,
					vd_bytes(block, sizeof block));
		pair_turn(&pair);
		(void)attacker_is_cut(&attacker);
	}
	cr_assert(lt(uint, round, ROUNDS));
	wanted_why = "what it told does not read";
	pair_until(&pair, stream_is_told);
	cr_assert(eq(u64, host_counters(pair.b)->peers_broke, broke + 1));
	cr_assert(eq(u32, host_connection_count(pair.b), 2)); /* the stream ends alone */
}

Test(hostile_reasons, of_an_answer_to_identify_without_end, .init = begin, .fini = end)
{
	static const char answer[] = MULTISTREAM "\x0f/ipfs/id/1.0.0\n";

	attacker_connect(&attacker, &pair);
	attacker_negotiate(&attacker, &pair);
	cr_assert(attacker_frame(&attacker, FRAME_DATA, FRAME_ACK, 2, sizeof answer - 1,
				 vd_bytes(answer, sizeof answer - 1)));
	tell_without_end(2, host_counters(pair.b)->peers_broke);
	attacker_end(&attacker);
}

Test(hostile_reasons, of_a_push_without_end, .init = begin, .fini = end)
{
	static const char push[] = OPEN_PUSH;

	negotiate();
	pair_until(&pair, is_identified);
	cr_assert(attacker_frame(&attacker, FRAME_DATA, FRAME_SYN, 1, sizeof push - 1,
				 vd_bytes(push, sizeof push - 1)));
	tell_without_end(1, host_counters(pair.b)->peers_broke);
	attacker_end(&attacker);
}

/* ---- what a peer answers to us ---- */

static struct host_conn *bad;

static void find_bad(void *context, struct host_conn *conn)
{
	struct host_conn_info info;

	(void)context;
	host_conn_info(conn, &info);
	if (vd_peer_id_equal(&info.peer, &attacker.identity.id))
		bad = conn;
}

static const struct answer {
	const char *what;
	const char *bytes;
	size_t len;
	const char *why;
	enum vd_err err;
} answers[] = {
	{ "another echo",
	  BYTES(MULTISTREAM "\x11/ipfs/ping/1.0.0\n0123456789abcdef0123456789abcdef"),
	  "it answered otherwise than it was asked", VD_EPEER_AUTH },
	{ "cut", BYTES(MULTISTREAM "\x11/ipfs/ping/1.0.0\n"),
	  "it answered otherwise than it was asked", VD_EPEER_TRUNC },
	{ "none", BYTES(MULTISTREAM "\x03na\n"), "no protocol in common", VD_EPEER_REFUSED },
	{ "another protocol", BYTES(MULTISTREAM "\x0f/ipfs/id/1.0.0\n"),
	  "an answer that was not proposed", VD_EPEER_STATE },
};

Test(hostile_reasons, of_answers, .init = begin, .fini = end)
{
	uint32_t id = 4; /* 2 was identify */

	negotiate();
	pair_until(&pair, is_identified);
	host_each(pair.b, find_bad, NULL);
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++, id += 2) {
		const struct answer *row = &answers[i];
		uint64_t broke = host_counters(pair.b)->peers_broke;
		unsigned said = pair.said.count;

		forget_log();
		wanted_why = row->why;
		cr_assert(eq(int, host_ping(bad, pair_on_ping, &pair), VD_OK));
		pair_turn(&pair);
		cr_assert(attacker_frame(&attacker, FRAME_DATA, FRAME_ACK | FRAME_FIN, id,
					 (uint32_t)row->len, vd_bytes(row->bytes, row->len)));
		pair_until(&pair, stream_is_told);
		pair_until_said(&pair, said + 1);
		cr_assert(eq(int, pair.said.err, row->err), "%s", row->what);
		cr_assert(eq(u64, host_counters(pair.b)->peers_broke - broke,
			     row->err != VD_EPEER_REFUSED),
			  "%s", row->what);
		cr_assert(eq(u32, host_connection_count(pair.b), 2), "%s", row->what);
	}
	attacker_end(&attacker);
}
