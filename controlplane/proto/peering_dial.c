/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* peering_dial: whom this side keeps a link or session to, and over which path. */
#include "controlplane/proto/peering_state.h"

enum vd_err peering_dial(struct peering *p, const struct vd_peer_id *id,
			 const struct peering_path *path, vd_ns now)
{
	if (id->len == 0 || vd_peer_id_equal(id, &p->config.identity->id))
		return VD_EUSER;
	if (!peering_events_have_room(p))
		return VD_AGAIN;

	uint32_t slot = peering_peer_get(p, id);

	if (slot == SLOT_NONE)
		return VD_ELIMIT;

	struct peering_peer *peer = &p->peers[slot];
	bool news = !peer->dialled || !peering_path_equal(&peer->dial_path, path);

	peer->dialled = true;
	peer->dial_path = *path;
	if (news) {
		peer->next_dial = peer->next_redial = now;
		peer->redial_backoff = 0;
	}
	if (peer->current != SLOT_NONE &&
	    !peering_path_equal(&p->generations[peer->current].path, path))
		peer->redial = true;
	if (news && peer->dialling != SLOT_NONE &&
	    p->half_opens[peer->dialling].state == HALF_OPEN_SENT_1)
		peering_half_open_free(
		    p, peer->dialling); /* over a path that is not wanted any more */
	peering_peer_expire(p, slot, now);
	return VD_OK;
}

enum vd_err peering_dial_instead(struct peering *p, const struct vd_peer_id *id,
				 const struct peering_path *path)
{
	uint32_t slot = peering_peer_find(p, id);

	if (slot == SLOT_NONE || !p->peers[slot].dialled)
		return VD_ENOTFOUND;
	p->peers[slot].dial_path = *path;
	return VD_OK;
}

/*
 * Our handshake over a way that is not in use: it was for the dial alone. One whose message 3 has
 * left goes on: the peer may send under it already.
 */
static void dial_end(struct peering *p, const struct peering_peer *peer)
{
	const struct peering_half_open *half_open;

	if (peer->dialling == SLOT_NONE)
		return;
	half_open = &p->half_opens[peer->dialling];
	if (half_open->state != HALF_OPEN_SENT_1)
		return;
	if (peer->current == SLOT_NONE ||
	    !peering_path_equal(&half_open->path, &p->generations[peer->current].path))
		peering_half_open_free(p, peer->dialling);
}

void peering_undial(struct peering *p, const struct vd_peer_id *id, vd_ns now)
{
	uint32_t slot = peering_peer_find(p, id);

	(void)now;
	if (slot == SLOT_NONE)
		return;

	struct peering_peer *peer = &p->peers[slot];

	peer->dialled = false;
	peer->redial = false;
	dial_end(p, peer);
	peering_peer_schedule(p, slot);
	peering_peer_put(p, slot);
}
