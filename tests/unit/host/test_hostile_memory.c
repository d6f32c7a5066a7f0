/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What peers can make this process hold, by the allocator and by the kernel and not by our own
 * counters: over real sockets, each attack several times over, a transfer of another peer beside.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "controlplane/host/limits.h"
#include "controlplane/host/perf.h"
#include "tests/unit/host/attacker.h"

#if defined __SANITIZE_ADDRESS__
#define HAVE_ASAN 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif

enum {
	MIB = 1 << 20,
	GOOD_BYTES = 4 * MIB,
	LIMIT = 8 * MIB,      /* of what all connections may hold */
	SLACK = 4 * MIB,      /* sockets' copies, machines, ours and the attacker's */
	FRAGMENTS = 24 * MIB, /* what the allocator may keep of it */
	CROWD = 128,          /* of 128 KiB: 16 MiB, if nothing counted them */
	STREAMS = 400,        /* of 256 KiB each way: 100 MiB, if nothing held them */
};

static struct pair pair;
static struct host_limits *limits;
static struct attacker attacker;

/* ---- measuring ---- */

#ifdef HAVE_ASAN
size_t __sanitizer_get_current_allocated_bytes(void);

static size_t allocated(void)
{
	return __sanitizer_get_current_allocated_bytes();
}
#else
static size_t allocated(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}
#endif

/* The most that was resident since the last reset. */
static size_t resident_most(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	size_t kib = 0;
	char line[128];

	cr_assert(file != NULL);
	while (fgets(line, sizeof line, file) && sscanf(line, "VmHWM: %zu", &kib) != 1)
		;
	fclose(file);
	cr_assert(gt(sz, kib, 0));
	return kib * 1024;
}

static void reset_resident(void)
{
	FILE *file = fopen("/proc/self/clear_refs", "we"); /* proc(5): 5 */

	cr_assert(file && fputs("5", file) > 0 && fclose(file) == 0);
}

static size_t allocated_before, allocated_most, resident_before;

static void look(void)
{
	size_t now = allocated();

	if (now > allocated_most)
		allocated_most = now;
}

static void begin_looking(void)
{
	allocated_before = allocated_most = allocated();
	reset_resident();
	resident_before = resident_most();
}

static void assert_bounded(const char *what)
{
	size_t grown = allocated_most - allocated_before, all = resident_most();

	cr_assert(le(sz, grown, LIMIT + SLACK), "%s: %zu bytes were allocated", what, grown);
#ifndef HAVE_ASAN /* keeps what is freed, to find who uses it */
	cr_assert(le(sz, all, resident_before + LIMIT + SLACK + FRAGMENTS),
		  "%s: %zu bytes more were resident", what, all - resident_before);
#else
	(void)all;
#endif
}

Test(hostile_memory, the_measure_sees_what_is_allocated)
{
	enum { BLOCK = 65536, BLOCKS = (LIMIT + SLACK) / BLOCK + 1 };
	static void *blocks[BLOCKS];

	begin_looking();
	for (size_t i = 0; i < BLOCKS; i++) {
		blocks[i] = malloc(BLOCK);
		memset(blocks[i], (int)i, BLOCK);
	}
	look();
	for (size_t i = 0; i < BLOCKS; i++)
		free(blocks[i]);
	cr_assert(gt(sz, allocated_most - allocated_before, LIMIT + SLACK));
	cr_assert(gt(sz, resident_most() - resident_before, LIMIT));
}

/* ---- attacks ---- */

static const char lazy_id[] = "/lazy/1";

static void never_read(struct host_stream *stream)
{
	(void)stream;
}

static const struct host_stream_class lazy = { .readable = never_read };
static const struct host_protocol lazy_protocol = { lazy_id, NULL, NULL, &lazy };

static uint32_t id_of(unsigned number)
{
	return 2 * number + 1;
}

/* Wants terabytes in each stream, grants gigabytes, and reads nothing. */
static bool never_reads(unsigned turn)
{
	static const char opening[] = "\x13/multistream/1.0.0\n\x0c/perf/1.0.0\n"
				      "\x00\x00\x01\x00\x00\x00\x00\x00";
	const struct vd_bytes bytes = vd_bytes(opening, sizeof opening - 1);

	if (turn < STREAMS)
		attacker_frame(&attacker, FRAME_DATA, FRAME_SYN | FRAME_FIN, id_of(turn),
			       (uint32_t)bytes.len, bytes);
	else if (turn < 2 * STREAMS)
		attacker_frame(&attacker, FRAME_WINDOW, 0, id_of(turn - STREAMS), 1u << 30,
			       vd_bytes(NULL, 0));
	return turn >= 2 * STREAMS && attacker_is_cut(&attacker);
}

/* Fills each stream's window, for a handler that does not read. */
static bool writes_to_who_does_not_read(unsigned turn)
{
	enum { FRAMES = 60 }; /* of 4 KiB: less than a window */
	static const uint8_t block[4096];
	static const char opening[] = "\x13/multistream/1.0.0\n\x08/lazy/1\n";
	const struct vd_bytes bytes = vd_bytes(opening, sizeof opening - 1);
	uint32_t id = id_of(turn / FRAMES);

	if (turn / FRAMES < STREAMS && turn % FRAMES == 0)
		attacker_frame(&attacker, FRAME_DATA, FRAME_SYN, id, (uint32_t)bytes.len, bytes);
	else if (turn / FRAMES < STREAMS)
		attacker_frame(&attacker, FRAME_DATA, 0, id, sizeof block,
			       vd_bytes(block, sizeof block));
	return attacker_is_cut(&attacker);
}

static bool announces_gigabytes(unsigned turn)
{
	if (turn < 16)
		attacker_frame(&attacker, FRAME_WINDOW, FRAME_SYN, id_of(turn), 0x7fffffff,
			       vd_bytes(NULL, 0));
	else
		attacker_frame(&attacker, FRAME_DATA, 0, id_of(0), 1u << 30, vd_bytes("x", 1));
	return attacker_is_cut(&attacker);
}

/* A message of multistream of 256 MiB, in as many streams as there may be. */
static bool announces_long_messages(unsigned turn)
{
	if (turn < STREAMS)
		attacker_frame(&attacker, FRAME_DATA, FRAME_SYN, id_of(turn), 6,
			       vd_bytes("\xff\xff\xff\x7fxx", 6));
	attacker_is_cut(&attacker);
	return turn >= STREAMS && host_counters(pair.b)->streams_refused % STREAMS == 0;
}

static bool opens_and_resets(unsigned turn)
{
	for (unsigned i = 0; i < 100; i++)
		if (!attacker_frame(&attacker, FRAME_WINDOW, FRAME_SYN, id_of(100 * turn + i), 0,
				    vd_bytes(NULL, 0)) ||
		    !attacker_frame(&attacker, FRAME_WINDOW, FRAME_RST, id_of(100 * turn + i), 0,
				    vd_bytes(NULL, 0)))
			break;
	return attacker_is_cut(&attacker);
}

/* Ping upon ping, and reads no answer. */
static bool pings_without_end(unsigned turn)
{
	for (unsigned i = 0; i < 100; i++)
		if (!attacker_frame(&attacker, FRAME_PING, FRAME_SYN, 0, 100 * turn + i,
				    vd_bytes(NULL, 0)))
			break;
	return attacker.cut || turn >= 5000;
}

static const struct attack {
	const char *what;
	bool (*over)(unsigned turn); /* a turn of it; true: it is over */
	unsigned rounds;
} attacks[] = {
	{ "never reads", never_reads, 6 },
	{ "writes to who does not read", writes_to_who_does_not_read, 6 },
	{ "announces gigabytes", announces_gigabytes, 30 },
	{ "announces long messages", announces_long_messages, 6 },
	{ "opens and resets", opens_and_resets, 6 },
	{ "pings without end", pings_without_end, 3 },
};

/* ---- rounds ---- */

static void begin(void)
{
	struct host_limits_config few = { 0 };
	struct host_config b = { .limits = NULL };

	few.buffered_bytes = LIMIT;
	cr_assert(eq(int, host_limits_new(&few, &limits), VD_OK));
	b.limits = limits;
	pair_begin(&pair, NULL, &b);
	cr_assert(eq(int, host_perf_serve(pair.b), VD_OK));
	cr_assert(eq(int, host_handle(pair.b, &lazy_protocol), VD_OK));
	pair_dial(&pair);
	cr_assert(eq(int, pair.said.err, VD_OK));
}

static void start_good(void)
{
	cr_assert(
	    eq(int, host_perf(pair.said.conn, GOOD_BYTES, GOOD_BYTES, pair_on_perf, &pair), VD_OK));
}

static void await_good(unsigned number)
{
	pair_until_said(&pair, 1 + number);
	cr_assert(eq(int, pair.said.err, VD_OK));
}

static void run_round(const struct attack *attack)
{
	vd_ns until = vd_now() + VD_SECONDS(PAIR_WAIT_S);
	unsigned turn = 0;

	attacker_connect(&attacker, &pair);
	attacker_negotiate(&attacker, &pair);
	while (!attack->over(turn++)) {
		cr_assert(vd_now() < until, "%s: nothing came of it", attack->what);
		uv_run(&pair.loop, UV_RUN_NOWAIT);
		look();
	}
	attacker_end(&attacker);
}

Test(hostile_memory, stays_in_its_limit_however_often_it_is_attacked, .timeout = 600)
{
	for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
		unsigned good = 0;

		begin();
		start_good(); /* what is kept between calls is there */
		await_good(++good);
		begin_looking();
		for (unsigned round = 0; round < attacks[i].rounds; round++) {
			start_good();
			run_round(&attacks[i]);
			await_good(++good);
			look();
		}
		assert_bounded(attacks[i].what);
		pair_end(&pair);
		host_limits_free(limits);
	}
}

/* ---- a crowd ---- */

static struct attacker crowd[CROWD];

static bool is_blocked(struct pair *p)
{
	(void)p;
	look();
	return host_limits_blocked(limits, HOST_LIMIT_BUFFERED) > 0;
}

static void begin_record(struct attacker *one)
{
	static uint8_t part[40000];
	size_t said = 0;

	part[0] = part[1] = 0xff; /* of 65,535 bytes: its end never comes */
	while (said < sizeof part && !one->cut) {
		said += attacker_say(one, vd_bytes(part + said, sizeof part - said));
		uv_run(&pair.loop, UV_RUN_NOWAIT);
		look();
	}
}

/* Of what identify asked it (stream 2): 60,000 bytes, but the last. */
static void begin_to_tell(struct attacker *one)
{
	static const char opening[] = "\x13/multistream/1.0.0\n\x0f/ipfs/id/1.0.0\n\xe0\xd4\x03";
	static const uint8_t block[4096];

	(void)attacker_frame(one, FRAME_DATA, FRAME_ACK, 2, sizeof opening - 1,
			     vd_bytes(opening, sizeof opening - 1));
	for (unsigned i = 0; i < 14; i++) {
		(void)attacker_frame(one, FRAME_DATA, 0, 2, sizeof block,
				     vd_bytes(block, sizeof block));
		uv_run(&pair.loop, UV_RUN_NOWAIT);
		look();
	}
}

static void run_crowd(const char *what, void (*attack)(struct attacker *one))
{
	begin();
	for (size_t i = 0; i < CROWD; i++) {
		attacker_connect(&crowd[i], &pair);
		attacker_negotiate(&crowd[i], &pair);
	}
	start_good();
	await_good(1);
	begin_looking();
	start_good();
	for (size_t i = 0; i < CROWD; i++)
		attack(&crowd[i]);
	await_good(2);
	assert_bounded(what);
	pair_until(&pair, is_blocked);
	for (size_t i = 0; i < CROWD; i++)
		attacker_end(&crowd[i]);
	pair_end(&pair);
	host_limits_free(limits);
}

Test(hostile_memory, a_crowd_that_begins_records_stays_in_the_limit, .timeout = 120)
{
	run_crowd("begins a record", begin_record);
}

Test(hostile_memory, a_crowd_that_begins_to_tell_of_itself_stays_in_the_limit, .timeout = 120)
{
	run_crowd("begins to tell", begin_to_tell);
}
