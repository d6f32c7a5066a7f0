/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * multistream: multistream-select 1.0.0 (multiformats/multistream-select; libp2p/specs,
 * connections, "Multistream-select"): which protocol a channel or a stream speaks next.
 *
 * Messages are an unsigned varint of length, a line of text and its newline. The initiator
 * proposes its protocols in order until one is echoed; the responder echoes what it has, says
 * `na` to what it has not, and lists its protocols to `ls`. Simultaneous open is not done.
 *
 * Bytes after the agreement are the next protocol's: receive leaves them (used < len). An
 * initiator whose last proposal is out may write them before the answer came
 * (multistream_may_write): if that is `na`, they are lost with the stream.
 *
 * Threads: one at a time. Memory: the caller's, and what waits, on the heap until fini.
 */
#include <stdbool.h>

#include "base/bytes.h"
#include "base/err.h"
#include "controlplane/proto/byte_queue.h"

enum {
	MULTISTREAM_MESSAGE_MAX = 1024, /* of the peer's, newline included */
	MULTISTREAM_ID_MAX = 255,       /* of a protocol id that can be agreed on */
	MULTISTREAM_ROUNDS = 64,        /* proposals that are answered; then the peer is dropped */
	MULTISTREAM_LIST_MAX = 8192,    /* bytes of an answer to `ls`; what is beyond is left out */
};

/* A responder's protocols. Kept by reference. */
struct multistream_handlers {
	bool (*has)(void *context, struct vd_bytes id);
	/* The id number `index`, NULL after the last: for `ls`. NULL instead: an empty list. */
	const char *(*list)(void *context, size_t index);
	void *context;
};

enum multistream_state {
	MULTISTREAM_HEADER,   /* the peer's header is to come */
	MULTISTREAM_PROPOSAL, /* responder: a proposal is to come */
	MULTISTREAM_ANSWER,   /* initiator: an answer is to come */
	MULTISTREAM_DONE,
	MULTISTREAM_FAILED,
};

struct multistream {
	enum multistream_state state;
	bool greeted;                 /* the peer's header came */
	const char *const *proposals; /* initiator: the one under way; responder: NULL */
	const struct multistream_handlers *handlers;
	unsigned rounds;
	struct byte_queue in, out;
	char id[MULTISTREAM_ID_MAX + 1]; /* agreed on */
	const char *reason;              /* after a failure; static storage */
};

/*
 * Begins as initiator; `ids` ends with NULL, has one at least, each of up to MULTISTREAM_ID_MAX
 * characters, and is kept by reference.
 */
void multistream_dial(struct multistream *m, const char *const *ids);

/* Begins as responder. */
void multistream_listen(struct multistream *m, const struct multistream_handlers *handlers);
void multistream_fini(struct multistream *m);

/*
 * Takes bytes up to the agreement. VD_EPEER_FORMAT (not multistream at all, a bad length),
 * VD_EPEER_RANGE (a message or a number of proposals above the limit), VD_EPEER_REFUSED (`na` to
 * every proposal), VD_EPEER_STATE (an answer that was not proposed); VD_ENOMEM.
 */
enum vd_err multistream_receive(struct multistream *m, struct vd_bytes in, size_t *used_out);

/* What goes out; also after done: the responder's last echo. Borrowed until the next call. */
struct vd_bytes multistream_next_output(const struct multistream *m);
void multistream_sent(struct multistream *m, size_t len);

/* Whether the next protocol may be written, after the output. */
bool multistream_may_write(const struct multistream *m);

/* What was agreed on; NULL before that. */
const char *multistream_protocol(const struct multistream *m);
