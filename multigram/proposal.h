/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * proposal: what our side of a setup machine has proposed, and what may still be (for
 * setup.c only; multigram/SPEC.md, section 6).
 *
 * An index is proposed under one name and one id, and its proposal is kept until the index
 * is in our table or we yielded it: whatever copies are under way, they say the same.
 *
 * Threads and memory: as the machine's.
 */
#include "multigram/setup.h"

static inline bool mg_same_id(const uint8_t a[MG_ID_BYTES], const uint8_t b[MG_ID_BYTES])
{
	return memcmp(a, b, MG_ID_BYTES) == 0;
}

struct vd_bytes mg_proposal_name(const struct mg_setup *setup, const struct mg_proposal *p);

/* The one for this index; for the name at this position. NULL: none. */
struct mg_proposal *mg_proposal_at(struct mg_setup *setup, uint64_t index);
struct mg_proposal *mg_proposal_of(struct mg_setup *setup, size_t name);

/*
 * Whether the table takes one more. Proposals have their room reserved: two tables that
 * fill up at once would end up different. And room never grows: what was omitted once for
 * want of it must not be granted to a late copy of the same offer.
 */
bool mg_proposal_room(const struct mg_setup *setup);

/* Sends it (again) from now on. */
void mg_proposal_restart(struct mg_proposal *p, vd_ns now);

/*
 * Proposes a name under the lowest free index, and a new id or that of an offer not yet
 * sent that has room. VD_ELIMIT.
 */
enum vd_err mg_proposal_add(struct mg_setup *setup, size_t name, vd_ns now);
