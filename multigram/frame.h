/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * frame: the one field of a multigram, the index of its payload's protocol, and
 * what the first byte of a datagram says before any table is known
 * (multigram/SPEC.md, sections 2 and 3).
 *
 * Threads: no shared state. Memory: borrows; nothing is allocated.
 */
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

/* Fixed indices: the same in every table of Viaduct, never negotiated. */
enum {
	MG_SETUP = 0,             /* inside a sealed frame; bare on other carriers */
	MG_HANDSHAKE = 4,         /* outside */
	MG_SEALED = 5,            /* outside */
	MG_SWITCH = 6,            /* outside, links only */
	MG_REPORT = 7,            /* outside */
	MG_CONTROL = 8,           /* inside */
	MG_FIRST_NEGOTIATED = 16, /* inside: the initiator assigns even ones, the responder odd */
};

/* Whose a datagram is, by its first byte, on a port shared with STUN and QUIC. */
enum mg_demux {
	MG_DEMUX_STUN,      /* 0 to 3: RFC 7983 */
	MG_DEMUX_MULTIGRAM, /* 4 to 0x3f */
	MG_DEMUX_QUIC,      /* 0x40 and up: RFC 9000's fixed bit */
};

enum { MG_DEMUX_FIRST_MULTIGRAM = 4, MG_DEMUX_FIRST_QUIC = 0x40 };

static inline enum mg_demux mg_demux(uint8_t first_byte)
{
	if (first_byte >= MG_DEMUX_FIRST_QUIC)
		return MG_DEMUX_QUIC;
	return first_byte >= MG_DEMUX_FIRST_MULTIGRAM ? MG_DEMUX_MULTIGRAM : MG_DEMUX_STUN;
}

/*
 * Splits a multigram. VD_EPEER_TRUNC when it ends within the index, or is empty: an empty
 * plaintext of a sealed frame is valid and means nothing, so look for it first.
 * VD_EPEER_FORMAT for an index not in its shortest form, or above 63 bits. The payload
 * is borrowed from `in`, and may be empty.
 */
static inline enum vd_err mg_frame_read(struct vd_bytes in, uint64_t *index_out,
					struct vd_bytes *payload_out)
{
	struct vd_read r = vd_read_of(in);
	uint64_t index = vd_read_uvarint(&r);

	if (r.err)
		return r.err;
	*index_out = index;
	*payload_out = vd_read_rest(&r);
	return VD_OK;
}

/* Writes the index; the payload follows. */
static inline void mg_frame_write(struct vd_write *w, uint64_t index)
{
	vd_write_uvarint(w, index);
}
