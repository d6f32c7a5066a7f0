/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* echo: both sides of the test `echo`: what goes through a stream, compared byte by byte. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/interop/peers/c/peer.h"

enum {
	STREAMS = 16,
	CHUNK = 5000, /* of no layer's size */
};

/* ---- who answers ---- */

/* Streams have as user how many bytes they have said. */
static uint64_t spoiled;

/* The next bytes that came, up to the one that is to be another, which is made in `room`. */
static struct vd_bytes next_answer(struct host_stream *stream, uint8_t *room)
{
	const uint64_t *said = host_stream_user(stream);
	struct vd_bytes in = host_stream_read(stream);

	if (spoiled < *said || spoiled - *said >= in.len)
		return in;
	if (spoiled > *said)
		return vd_bytes(in.at, (size_t)(spoiled - *said));
	*room = (uint8_t)~in.at[0];
	return vd_bytes(room, 1);
}

static void say_again(struct host_stream *stream)
{
	uint64_t *said = host_stream_user(stream);
	struct vd_bytes out;
	uint8_t room;
	size_t took = 1;

	while (took && (out = next_answer(stream, &room)).len) {
		if (host_stream_write(stream, out, &took))
			return; /* writable comes */
		host_stream_taken(stream, took);
		*said += took;
	}
	if (!host_stream_ended(stream))
		return;
	free(said);
	host_stream_close(stream);
}

static void lose(struct host_stream *stream, enum vd_err err)
{
	free(host_stream_user(stream));
	if (err != VD_ELINK_CLOSED)
		return;
	printf("reset %s\n", ECHO_ID);
	fflush(stdout);
}

static const struct host_stream_class answering = { .readable = say_again,
						    .writable = say_again,
						    .closed = lose };

static void accept_echo(void *context, struct host_stream *stream)
{
	(void)context;
	host_stream_use(stream, &answering, calloc(1, sizeof(uint64_t)));
}

void echo_serve(struct host *host, uint64_t spoil)
{
	static const struct host_protocol protocol = { .id = ECHO_ID, .accept = accept_echo };

	spoiled = spoil;
	if (host_handle(host, &protocol))
		die(ECHO_ID, "cannot be served");
}

/* ---- who asks ---- */

struct talk {
	struct test *test;
	uint32_t seed;
	uint64_t len, said, heard;
	bool finished;
};

/* ../README.md, "echo": each stream has other bytes, none of them in order. */
static uint8_t pattern(uint32_t seed, uint64_t at)
{
	uint32_t x = ((uint32_t)at ^ seed * 0x9e3779b1u) * 0x85ebca6bu;

	x = (x ^ x >> 13) * 0xc2b2ae35u;
	return (uint8_t)(x >> 24);
}

static void say(struct host_stream *stream)
{
	struct talk *talk = host_stream_user(stream);
	uint8_t bytes[CHUNK];
	size_t took = 1;

	while (took && talk->said < talk->len) {
		uint64_t left = talk->len - talk->said;
		size_t len = left < CHUNK ? (size_t)left : CHUNK;

		for (size_t i = 0; i < len; i++)
			bytes[i] = pattern(talk->seed, talk->said + i);
		if (host_stream_write(stream, vd_bytes(bytes, len), &took))
			return; /* writable comes */
		talk->said += took;
	}
	if (talk->said < talk->len || talk->finished)
		return;
	talk->finished = true;
	host_stream_finish(stream);
}

static void fail_at(struct talk *talk, const char *what)
{
	char text[100];

	snprintf(text, sizeof text, "byte %" PRIu64 " of stream %" PRIu32 " %s", talk->heard,
		 talk->seed, what);
	end(talk->test, true, text);
}

static bool is_right(struct talk *talk, struct vd_bytes in)
{
	for (size_t i = 0; i < in.len; i++, talk->heard++) {
		if (talk->heard < talk->said && in.at[i] == pattern(talk->seed, talk->heard))
			continue;
		fail_at(talk, talk->heard < talk->said ? "is another" : "was never sent");
		return false;
	}
	return true;
}

static void hear_end(struct host_stream *stream, struct talk *talk)
{
	struct test *test = talk->test;

	host_stream_release(stream);
	if (talk->heard != talk->len)
		fail_at(talk, "is the end");
	else if (++test->finished == STREAMS)
		end(test, false, "all bytes are the same");
	free(talk);
}

static void hear(struct host_stream *stream)
{
	struct talk *talk = host_stream_user(stream);
	struct vd_bytes in;

	while ((in = host_stream_read(stream)).len) {
		if (!is_right(talk, in)) {
			free(talk);
			host_stream_reset(stream);
			return;
		}
		host_stream_taken(stream, in.len);
	}
	if (host_stream_ended(stream))
		hear_end(stream, talk);
}

static void lost(struct host_stream *stream, enum vd_err err)
{
	struct talk *talk = host_stream_user(stream);

	fail_with(talk->test, err, "a stream");
	free(talk);
}

static const struct host_stream_class talking = { .readable = hear,
						  .writable = say,
						  .closed = lost };

/* Of 16 streams the last has 16 times the bytes of the first. */
void echo(struct test *test)
{
	static const char *const ids[] = { ECHO_ID, NULL };
	const uint64_t part = test->count / (STREAMS * (STREAMS + 1) / 2);

	for (uint32_t seed = 1; seed <= STREAMS && !test->done; seed++) {
		struct talk *talk = calloc(1, sizeof *talk);
		struct host_stream *stream;
		enum vd_err err;

		*talk = (struct talk){ .test = test, .seed = seed, .len = part * seed };
		err = host_open(test->conn, ids, &talking, talk, &stream);
		if (err) {
			free(talk);
			fail_with(test, err, "opening a stream");
			return;
		}
		say(stream);
	}
}
