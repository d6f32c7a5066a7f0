/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * link_tell: /viaduct/link/1 on streams: both sides tell by which link addresses they are reached
 * (switch/SPEC.md, 4.1.1; the message is proto's link_addresses). Identify advertises it once a
 * host serves it; the side that dialled the connection opens the one stream.
 *
 * Threads: the host's. Memory: a copy of the message, until host_free; a buffer for each stream.
 */
#include "controlplane/host/host.h"

/* What the peer told: a stream that link_addresses_read has taken. From the loop. */
typedef void (*host_link_told_fn)(struct host_conn *conn, struct vd_bytes told);

/*
 * Answers whoever asks, with `message` (link_addresses_write; at most LINK_ADDRESSES_BYTES), from
 * now on; a second call changes the message. VD_EBUG_ROOM, VD_ENOMEM, and as host_handle.
 */
enum vd_err host_link_serve(struct host *host, struct vd_bytes message, host_link_told_fn told);

/* Asks, once a connection: by identify, when the peer has the protocol and we dialled.
 * VD_EBUG_STATE: it has been asked, or the host does not serve; else as host_open. */
enum vd_err host_link_ask(struct host_conn *conn);
