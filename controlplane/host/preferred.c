/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/host/preferred.h"

bool preferred_to(const struct vd_peer_id *own, const struct vd_peer_id *peer,
		  const struct preferred_conn *a, const struct preferred_conn *b)
{
	if (a->doubted != b->doubted)
		return b->doubted;
	if (a->dialer != b->dialer)
		return a->dialer == (vd_peer_id_compare(own, peer) < 0);
	return a->order < b->order;
}

bool preferred_closes(const struct preferred_conn *best, const struct preferred_conn *other)
{
	return !best->doubted && !other->doubted && (best->dialer || other->dialer);
}
