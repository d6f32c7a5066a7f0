/* Targets: controlplane/proto/stream_ping.c, perf.c */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>

#include "controlplane/proto/perf.h"
#include "controlplane/proto/stream_ping.h"

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static void echo(struct vd_bytes in)
{
	struct stream_pong pong = { 0 };
	size_t used = 0;

	while (used < in.len) {
		struct vd_bytes out;

		used += stream_pong_receive(&pong, vd_bytes(in.at + used, in.len - used));
		out = stream_pong_next_output(&pong);
		if (!out.len)
			break;
		expect(vd_bytes_equal(out, vd_bytes(in.at + used - 32, 32)));
		stream_pong_sent(&pong, out.len);
	}
	expect(used == in.len);
}

static void serve(struct vd_bytes in, size_t piece)
{
	struct perf perf;
	uint64_t wanted = in.len >= 8 ? vd_be64_load(in.at) : 0, sent = 0;

	perf_server_init(&perf);
	for (size_t at = 0; at < in.len; at += piece)
		expect(!perf_receive(
		    &perf, vd_bytes(in.at + at, in.len - at < piece ? in.len - at : piece)));
	expect((perf_ended(&perf) == VD_OK) == (in.len >= 8));
	for (struct vd_bytes out; sent < 1000000 && (out = perf_next_output(&perf)).len;
	     sent += out.len)
		perf_sent(&perf, out.len);
	expect(sent == wanted || sent >= 1000000);
}

/* A client takes what it asked for, and no byte more. */
static void ask(struct vd_bytes in, size_t piece, uint64_t wanted)
{
	enum vd_err err = VD_OK;
	struct perf perf;
	size_t at = 0;

	perf_client_init(&perf, 0, wanted);
	for (; at < in.len && !err; at += piece)
		err = perf_receive(&perf,
				   vd_bytes(in.at + at, in.len - at < piece ? in.len - at : piece));
	expect((err != VD_OK) == (in.len > wanted));
	expect(perf_received(&perf) <= wanted || err);
	expect(err || (perf_ended(&perf) == VD_OK) == (in.len == wanted));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stream_ping ping = { 0 };

	if (size < 1)
		return 0;
	echo(vd_bytes(data + 1, size - 1));
	serve(vd_bytes(data + 1, size - 1), 1 + (size_t)data[0]);
	ask(vd_bytes(data + 1, size - 1), 1 + (size_t)data[0], data[0]);
	expect(!stream_ping_begin(&ping, 0));
	stream_ping_sent(&ping, data[0] % 33);
	(void)stream_ping_receive(&ping, vd_bytes(data + 1, size - 1), 1);
	return 0;
}
