/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* held: the test `held`: so many streams are open at once, for none ends before all are answered.
 */
#include <stdlib.h>

#include "tests/interop/peers/c/peer.h"

/* One test's, at most `count` of it. */
static struct host_stream **streams;
static uint64_t ended;

static void open_more(struct test *test);

static void finish_all(const struct test *test)
{
	for (uint64_t i = 0; !test->done && i < test->count; i++)
		host_stream_finish(streams[i]);
}

static void hear(struct host_stream *stream)
{
	struct test *test = host_stream_user(stream);
	struct vd_bytes in = host_stream_read(stream);

	host_stream_taken(stream, in.len);
	if (in.len && ++test->finished == test->count)
		finish_all(test);
	else if (in.len)
		open_more(test);
	if (!host_stream_ended(stream))
		return;
	host_stream_release(stream);
	if (test->finished < test->count)
		end(test, true, "a stream ended before all were open");
	else if (++ended == test->count)
		end(test, false, "all at once");
}

static void lose(struct host_stream *stream, enum vd_err err)
{
	fail_with(host_stream_user(stream), err, "a stream");
}

static enum vd_err open_one(struct test *test)
{
	static const struct host_stream_class calls = { .readable = hear, .closed = lose };
	static const char *const ids[] = { ECHO_ID, NULL };
	static const uint8_t byte[1] = { 1 };
	enum vd_err err = host_open(test->conn, ids, &calls, test, &streams[test->opened]);

	return err ? err : host_stream_send(streams[test->opened++], vd_bytes(byte, sizeof byte));
}

/* As many as may wait for the peer's word; the next when one is answered. */
static void open_more(struct test *test)
{
	while (!test->done && test->opened < test->count) {
		enum vd_err err = open_one(test);

		if (err && test->opened == test->finished)
			fail_with(test, err, "opening a stream");
		if (err)
			return;
	}
}

void held(struct test *test)
{
	free(streams);
	streams = calloc(test->count, sizeof(struct host_stream *));
	ended = 0;
	open_more(test);
}
