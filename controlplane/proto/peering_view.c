/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* peering_view: what can be asked of the machine. */
#include "controlplane/proto/peering_state.h"

const struct peering_stats *peering_stats(const struct peering *p)
{
	return &p->stats;
}

static void view(const struct peering *p, const struct peering_peer *peer, struct peering_view *out)
{
	*out = (struct peering_view){
		.peer = peer->id,
		.path = peer->dial_path,
		.since = peer->since,
		.rtt = peer->rtt,
		.dialled = peer->dialled,
		.up = peer->up,
	};
	if (peer->current == SLOT_NONE)
		return;

	const struct peering_generation *current = &p->generations[peer->current];

	out->path = current->path;
	out->index = current->index;
	out->remote_width = current->remote_width;
	out->cipher = current->cipher;
}

enum vd_err peering_find(const struct peering *p, const struct vd_peer_id *id,
			 struct peering_view *view_out)
{
	uint32_t slot = peering_peer_find(p, id);

	if (slot == SLOT_NONE)
		return VD_ENOTFOUND;
	view(p, &p->peers[slot], view_out);
	return VD_OK;
}

enum vd_err peering_find_index(const struct peering *p, uint32_t index,
			       struct peering_view *view_out)
{
	struct peering_owner owner = peering_owner_find(p, index);

	if (owner.kind != OWNER_GENERATION)
		return VD_ENOTFOUND;
	view(p, &p->peers[p->generations[owner.slot].peer], view_out);
	return VD_OK;
}

bool peering_each(const struct peering *p, size_t *at, struct peering_view *view_out)
{
	for (; *at < p->peer_pool.high; (*at)++) {
		const struct peering_peer *peer = &p->peers[*at];

		if (peer->id.len == 0)
			continue; /* given back */
		view(p, peer, view_out);
		(*at)++;
		return true;
	}
	return false;
}
