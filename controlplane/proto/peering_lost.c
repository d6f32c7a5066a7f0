/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* peering_lost: reports of frames under indices that nobody knows (switch/SPEC.md, 4.5). */
#include <sodium.h>

#include "controlplane/proto/peering_state.h"
#include "multigram/frame.h"

enum {
	CODE_LOST = 0,
	LOST_BYTES = 14, /* 07 00 index(4) counter(8) */
	CAUSE_MIN = LOST_BYTES,
	SAME_MOST = 4, /* generations with one remote index over one path */
};

#define SENT_LATELY VD_SECONDS(10)
#define LOST_EVERY  VD_SECONDS(2) /* handshakes that reports cause */

/* ---- sending ---- */

/* `head`: the first 13 bytes of a frame that was not shorter than a report is. */
static void report(struct peering *p, const struct peering_path *path, const uint8_t *head,
		   vd_ns now)
{
	uint8_t frame[LOST_BYTES] = { MG_REPORT, CODE_LOST };

	if (vd_be32_load(head + 1) == 0 || vd_be64_load(head + 5) == 0)
		return; /* never valid: nobody would believe it */
	if (!p->config.lost_reports || !sw_bucket_take(p->config.lost_reports, 1, now)) {
		p->stats.lost_limited++;
		return;
	}
	memcpy(frame + 2, head + 1, SEAL_HEADER - 1);
	p->stats.lost_sent++;
	peering_event_send(p, NULL, path, vd_bytes(frame, sizeof frame));
}

enum vd_err peering_lost_send(struct peering *p, const struct peering_path *path,
			      struct vd_bytes frame, vd_ns now)
{
	p->stats.unknown_index++;
	if (frame.len >= CAUSE_MIN)
		report(p, path, frame.at, now);
	return VD_ENOTFOUND;
}

enum vd_err peering_unknown(struct peering *p, const struct peering_path *path,
			    const uint8_t head[PEERING_HEAD_BYTES], vd_ns now)
{
	if (!peering_events_have_room(p)) {
		peering_limit_hit(p, PEERING_LIMIT_EVENT);
		return VD_AGAIN;
	}
	/* It may have overtaken what makes the index known. */
	if (peering_owner_find(p, vd_be32_load(head + 1)).kind != OWNER_NONE)
		return VD_OK;
	p->stats.unknown_index++;
	report(p, path, head, now);
	return VD_ENOTFOUND;
}

/* ---- finding ---- */

/* With a secret: the index is the peer's choice, and the path as good as that. */
static uint64_t remote_hash(const struct peering *p, const struct peering_path *path,
			    uint32_t index)
{
	uint8_t bytes[sizeof path->bytes + 4];
	uint64_t hash;

	memcpy(bytes, path->bytes, sizeof path->bytes);
	vd_be32_store(bytes + sizeof path->bytes, index);
	crypto_shorthash((uint8_t *)&hash, bytes, sizeof bytes, p->hash_key);
	return hash;
}

static bool is_at(const struct peering_generation *generation, const struct peering_path *path,
		  uint32_t index)
{
	return generation->remote_index == index && peering_path_equal(&generation->path, path);
}

/*
 * Peers that share an index over one path do it to make reports walk a long chain: no report is
 * believed of those that come late.
 */
void peering_remote_add(struct peering *p, uint32_t slot)
{
	const struct peering_generation *generation = &p->generations[slot];
	uint64_t hash = remote_hash(p, &generation->path, generation->remote_index);
	uint32_t at = slot_chain_first(&p->by_remote, hash);
	unsigned same = 0;

	for (; at != SLOT_NONE; at = slot_chain_next(&p->by_remote, at))
		same += is_at(&p->generations[at], &generation->path, generation->remote_index);
	if (same < SAME_MOST)
		slot_chain_add(&p->by_remote, hash, slot);
}

void peering_remote_del(struct peering *p, uint32_t slot)
{
	const struct peering_generation *generation = &p->generations[slot];

	slot_chain_del(&p->by_remote, remote_hash(p, &generation->path, generation->remote_index),
		       slot);
}

/* The generation that we send with over `path` to the peer's `index`; SLOT_NONE. */
static uint32_t current_of(const struct peering *p, const struct peering_path *path, uint32_t index)
{
	uint32_t slot = slot_chain_first(&p->by_remote, remote_hash(p, path, index));

	while (slot != SLOT_NONE && !(is_at(&p->generations[slot], path, index) &&
				      p->peers[p->generations[slot].peer].current == slot))
		slot = slot_chain_next(&p->by_remote, slot);
	return slot;
}

/* ---- receiving ---- */

/* Whether we sent a frame with this counter, or a newer one, and something lately. */
static bool was_sent(const struct peering *p, const struct peering_generation *generation,
		     uint64_t counter, vd_ns now)
{
	uint64_t newest = generation->seal.tx_counter, carried;
	vd_ns last = generation->sent_at, at = 0;

	if (p->config.sent) {
		carried = p->config.sent(p->config.context, generation->index, now, &at);
		newest = carried > newest ? carried : newest;
		last = at > last ? at : last;
	}
	return counter > 0 && counter <= newest && last + SENT_LATELY >= now;
}

enum vd_err peering_lost_recv(struct peering *p, const struct peering_path *path,
			      struct vd_bytes frame, vd_ns now)
{
	if (frame.len != LOST_BYTES || frame.at[1] != CODE_LOST) {
		p->stats.bad_frames++;
		return VD_EPEER_FORMAT;
	}

	uint32_t slot = current_of(p, path, vd_be32_load(frame.at + 2));
	struct peering_generation *generation = slot == SLOT_NONE ? NULL : &p->generations[slot];

	if (!generation || !was_sent(p, generation, vd_be64_load(frame.at + 6), now)) {
		p->stats.lost_disbelieved++;
		return VD_EPEER_STATE;
	}

	struct peering_peer *peer = &p->peers[generation->peer];

	p->stats.lost_believed++;
	if (peer->lost_at && now - peer->lost_at < LOST_EVERY)
		return VD_OK;
	peer->lost_at = now;
	return peering_rekey(p, generation->index, now);
}
