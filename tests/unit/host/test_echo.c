/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What streams carry, byte by byte over real sockets: each of many at once has a pattern of its
 * own, so that bytes that are swapped between streams, repeated or left out are seen.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "tests/unit/host/pair.h"

enum {
	STREAMS = 200,    /* below the acknowledgements that may be outstanding */
	LEN_MAX = 300000, /* above the first window, and the send buffer */
	CHUNK = 5000,     /* of no layer's size */
};

static const char echo_id[] = "/echo/1";
static struct pair pair;

static uint8_t pattern(uint32_t seed, uint32_t at)
{
	uint32_t x = (seed << 20 ^ at) * 2654435761u;

	x = (x ^ x >> 15) * 0x2c1b3c6du;
	return (uint8_t)(x >> 24);
}

Test(echo, patterns_of_streams_differ)
{
	for (uint32_t seed = 1; seed <= STREAMS; seed++) {
		unsigned same = 0;

		for (uint32_t at = 0; at < 1024; at++)
			same += pattern(seed, at) == pattern(seed - 1, at);
		cr_assert(lt(uint, same, 64));
	}
}

/* ---- b: says what it hears ---- */

static void say_again(struct host_stream *stream)
{
	struct vd_bytes in;
	size_t took = 1;

	while (took && (in = host_stream_read(stream)).len) {
		if (host_stream_write(stream, in, &took))
			return; /* writable comes */
		host_stream_taken(stream, took);
	}
	if (host_stream_ended(stream))
		host_stream_close(stream);
}

static const struct host_stream_class echoing = { .readable = say_again, .writable = say_again };
static const struct host_protocol echo = { echo_id, NULL, NULL, &echoing };

/* ---- a ---- */

struct talk {
	uint32_t seed, len, said, heard;
	bool finished;
};

static struct talk talks[STREAMS];
static unsigned done;

static void say(struct host_stream *stream)
{
	struct talk *talk = host_stream_user(stream);
	uint8_t bytes[CHUNK];
	size_t took = 1;

	while (took && talk->said < talk->len) {
		uint32_t left = talk->len - talk->said, len = left < CHUNK ? left : CHUNK;

		for (uint32_t i = 0; i < len; i++)
			bytes[i] = pattern(talk->seed, talk->said + i);
		(void)host_stream_write(stream, vd_bytes(bytes, len), &took);
		talk->said += (uint32_t)took;
	}
	if (talk->said == talk->len && !talk->finished)
		host_stream_finish(stream);
	talk->finished = talk->said == talk->len;
}

static void hear(struct host_stream *stream)
{
	struct talk *talk = host_stream_user(stream);
	struct vd_bytes in;

	while ((in = host_stream_read(stream)).len) {
		for (size_t i = 0; i < in.len; i++, talk->heard++)
			cr_assert(eq(u8, in.at[i], pattern(talk->seed, talk->heard)),
				  "byte %u of stream %u", talk->heard, talk->seed);
		host_stream_taken(stream, in.len);
	}
	if (!host_stream_ended(stream))
		return;
	cr_assert(eq(u32, talk->heard, talk->len), "stream %u", talk->seed);
	done++;
	host_stream_release(stream);
}

static void lost(struct host_stream *stream, enum vd_err err)
{
	const struct talk *talk = host_stream_user(stream);

	cr_assert(eq(int, err, VD_OK), "stream %u was lost", talk->seed);
}

static const struct host_stream_class talking = { .readable = hear,
						  .writable = say,
						  .closed = lost };

static void begin_talk(uint32_t seed)
{
	static const char *const ids[] = { echo_id, NULL };
	struct host_stream *stream;

	talks[seed] = (struct talk){ .seed = seed, .len = LEN_MAX - seed * (LEN_MAX / STREAMS) };
	cr_assert(eq(int, host_open(pair.said.conn, ids, &talking, &talks[seed], &stream), VD_OK));
	say(stream);
}

static bool all_are_done(struct pair *p)
{
	(void)p;
	return done == STREAMS;
}

Test(echo, each_of_many_streams_brings_back_its_own_bytes, .timeout = 120)
{
	for (unsigned noise = 0; noise < 2; noise++) {
		const struct host_config config = { .no_noise = !noise, .no_tls = noise };

		pair_begin(&pair, &config, NULL);
		cr_assert(eq(int, host_handle(pair.b, &echo), VD_OK));
		pair_dial(&pair);
		cr_assert(eq(int, pair.said.err, VD_OK));
		done = 0;
		for (uint32_t seed = 0; seed < STREAMS; seed++)
			begin_talk(seed);
		pair_until(&pair, all_are_done);
		pair_end(&pair);
	}
}
