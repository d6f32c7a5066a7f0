/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * identify_stream: what goes over a whole stream of identify or identify/push: the one who tells
 * writes messages and finishes, the other keeps what comes, to the end, and reads it then.
 *
 * A message of ours is one, or two when that is above 2 KiB (the signed record by itself), as
 * go-libp2p does; of a peer's up to ten are joined: lists one after the other, of the other
 * fields the last one.
 *
 * Threads: any. Memory: fields are borrowed from the stream's bytes.
 */
#include "controlplane/proto/identify.h"

enum {
	IDENTIFY_MESSAGES = 10,
	/* What a reader keeps of a stream: beyond it the peer is dropped. */
	IDENTIFY_STREAM_MAX = IDENTIFY_MESSAGES * (IDENTIFY_MESSAGE_MAX + 2),
};

/*
 * Reads a whole stream. VD_EPEER_TRUNC (also: nothing at all), VD_EPEER_FORMAT, VD_EPEER_RANGE (a
 * message that is too long, or too many). `identify_out` is untouched on failure.
 */
enum vd_err identify_stream_read(struct vd_bytes stream, struct identify *identify_out);

/* Writes a whole stream: the errors of identify_encode. */
enum vd_err identify_stream_write(const struct identify *identify, struct vd_write *w);
