/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * perf: libp2p's `/perf/1.0.0` (libp2p/specs, perf): the client says in 8 bytes, big-endian, how
 * many it wants back, uploads as many as it likes and finishes; then the server sends those, zeros,
 * and finishes.
 *
 * A server makes bytes for whoever asks: a host offers it only where its operator said so.
 *
 * Threads: one at a time. Memory: the caller's, no heap.
 */
#include <stdbool.h>

#include "base/bytes.h"
#include "base/err.h"

struct perf {
	bool client;
	uint8_t head[8];
	uint8_t head_len; /* client: sent; server: received */
	bool input_ended;
	uint64_t to_send, received;
	uint64_t wanted; /* client: bytes to come */
};

void perf_client_init(struct perf *perf, uint64_t upload_bytes, uint64_t download_bytes);
void perf_server_init(struct perf *perf);

/*
 * Takes all of what the peer wrote. VD_EPEER_RANGE: a client was sent more than it wanted.
 */
enum vd_err perf_receive(struct perf *perf, struct vd_bytes in);

/*
 * The peer finished. VD_EPEER_TRUNC: before it said or sent all.
 */
enum vd_err perf_ended(struct perf *perf);

/* What goes out next: zeros, static. Empty: nothing now; then see perf_may_finish. */
struct vd_bytes perf_next_output(const struct perf *perf);
void perf_sent(struct perf *perf, size_t len);

/* Whether all of ours was sent: finish the stream. */
bool perf_may_finish(const struct perf *perf);

/* Bytes received, without the head. */
uint64_t perf_received(const struct perf *perf);
