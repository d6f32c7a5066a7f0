/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/* load_state: what the files of load share. */
#include "base/formats/key.h"
#include "bench/load.h"
#include "controlplane/proto/connection.h"
#include "controlplane/proto/noise_stream.h"
#include "controlplane/proto/perf.h"
#include "controlplane/proto/tls_stream.h"

/* Whose connection it is: what a host of its own would have. */
struct load_identity {
	struct vd_identity identity;
	struct security_config security;
	struct noise_stream_config noise;
	struct tls_stream_config *tls;
	struct connection_layers layers;
};

enum load_kind { LOAD_ANSWERS, LOAD_ASKS, LOAD_PERF };

struct load_stream {
	struct load_conn *conn;
	struct muxer_stream *raw; /* NULL: done with */
	enum load_kind kind;
	struct multistream select;
	struct byte_queue told; /* LOAD_ASKS */
	struct perf perf;
	bool finished; /* our half */
	struct load_stream *next;
};

struct load_conn {
	struct load *load;
	int fd;
	struct connection machine;
	const struct load_identity *identity;
	bool begun;           /* its streams are asked for */
	bool asked, answered; /* identify */
	bool transfers, transferred;
	bool blocked;    /* the socket took less than there was */
	bool closing;    /* our half is closed */
	const char *why; /* it failed */
	struct load_stream *streams;
	struct load_conn *next, *prev;
};

/* ---- load_identity.c ---- */

struct load_identity *load_identities_new(uint32_t count, bool tls); /* NULL: out of memory */
void load_identities_free(struct load_identity *identities, uint32_t count);

/* ---- load_stream.c ---- */

/* Once the connection is open: asks for identify; sends and wants so much by perf, if it is to. */
void load_streams_begin(struct load_conn *conn, uint64_t up, uint64_t down);
void load_stream_on_event(struct load_conn *conn, const struct muxer_event *event);
void load_streams_free(struct load_conn *conn);
