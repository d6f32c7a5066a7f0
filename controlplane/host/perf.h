/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * perf: /perf/1.0.0 on streams, both sides, for measuring; the machine is proto's. Not one of a
 * host's own protocols: whoever asks is sent as many bytes as they say.
 *
 * Threads: the host's. Memory: the heap, until `done`.
 */
#include "controlplane/host/host.h"

#define HOST_PERF_ID "/perf/1.0.0"

/* Answers whoever asks, while something moves within host_config.idle_within. As host_handle. */
enum vd_err host_perf_serve(struct host *host);

typedef void (*host_perf_fn)(void *context, enum vd_err err);

/*
 * Uploads, finishes, and waits until as many bytes as were asked for came, and an end; `done` is
 * called once. VD_EPEER_TRUNC, VD_EPEER_RANGE: too few, too many; VD_ELINK_TIMEOUT: nothing moved
 * for host_config.idle_within. As host_open: then it is not called.
 */
enum vd_err host_perf(struct host_conn *conn, uint64_t upload_bytes, uint64_t download_bytes,
		      host_perf_fn done, void *context);
