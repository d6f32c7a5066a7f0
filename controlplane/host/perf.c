/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/host/perf.h"

#include <stdlib.h>

#include "controlplane/host/host_state.h"
#include "controlplane/proto/perf.h"

/* One stream's; client and server differ in what they tell. */
struct run {
	struct perf perf;
	host_perf_fn done; /* NULL: a server */
	void *context;
	bool finished; /* our half */
};

static void end(struct host_stream *stream, enum vd_err err)
{
	struct run *run = host_stream_user(stream);

	host_stream_use(stream, NULL, NULL);
	if (run->done)
		run->done(run->context, err);
	free(run);
}

/* Sends what there is room for; our half is closed after the last byte. */
static void send_some(struct host_stream *stream)
{
	struct run *run = host_stream_user(stream);
	struct vd_bytes out;

	while ((out = perf_next_output(&run->perf)).len) {
		size_t took = 0;
		enum vd_err err = host_stream_write(stream, out, &took);

		perf_sent(&run->perf, took);
		if (took)
			host_stream_touch(stream);
		if (err || took < out.len)
			return; /* writable follows */
	}
	if (!perf_may_finish(&run->perf) || run->finished)
		return;
	run->finished = true;
	host_stream_finish(stream);
	if (!run->done) {
		end(stream, VD_OK);
		host_stream_release(stream);
	}
}

static void take_some(struct host_stream *stream)
{
	struct run *run = host_stream_user(stream);
	struct vd_bytes in;
	enum vd_err err = VD_OK;

	while (!err && (in = host_stream_read(stream)).len) {
		err = perf_receive(&run->perf, in);
		host_stream_taken(stream, in.len);
		host_stream_touch(stream);
	}
	if (!err && !host_stream_ended(stream))
		return;
	if (!err)
		err = perf_ended(&run->perf);
	if (err) {
		host_stream_broke(stream, err, "it sent other lengths than it said");
		end(stream, err);
		host_stream_reset(stream);
	} else if (run->done) {
		end(stream, run->finished ? VD_OK : VD_EPEER_STATE);
		host_stream_release(stream);
	} else {
		send_some(stream);
	}
}

static void lost(struct host_stream *stream, enum vd_err err)
{
	end(stream, err);
}

static const struct host_stream_class class = {
	.opened = send_some, .readable = take_some, .writable = send_some, .closed = lost
};

static void accept_perf(void *context, struct host_stream *stream)
{
	struct run *run = calloc(1, sizeof *run);

	(void)context;
	if (!run) {
		host_stream_reset(stream);
		return;
	}
	perf_server_init(&run->perf);
	host_stream_use(stream, &class, run);
	host_stream_touch(stream);
}

enum vd_err host_perf_serve(struct host *host)
{
	return host_handle(host, &(struct host_protocol){ HOST_PERF_ID, accept_perf, NULL });
}

enum vd_err host_perf(struct host_conn *conn, uint64_t upload_bytes, uint64_t download_bytes,
		      host_perf_fn done, void *context)
{
	static const char *const ids[] = { HOST_PERF_ID, NULL };
	struct run *run = calloc(1, sizeof *run);
	struct host_stream *stream;
	enum vd_err err;

	if (!run)
		return VD_ENOMEM;
	perf_client_init(&run->perf, upload_bytes, download_bytes);
	run->done = done;
	run->context = context;
	err = host_open(conn, ids, &class, run, &stream);
	if (err) {
		free(run);
		return err;
	}
	host_stream_touch(stream);
	send_some(stream);
	return VD_OK;
}
