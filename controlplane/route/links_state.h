/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/* links_state: what links.c and reservations.c share. */
#include "controlplane/route/key_map.h"
#include "controlplane/route/links.h"

struct route_links {
	struct sw_plane *plane;
	struct route_link *rows; /* [max] */
	uint32_t *free_rows;     /* stack: [max - count] are free */
	uint32_t *row_of_slot;   /* [plane->links.capacity] row + 1 of a live index; 0: none */
	struct key_map by_peer, by_overlay;
	uint32_t max, count;
	uint32_t high;   /* rows [0, high) have been in use */
	uint32_t polled; /* where the next slice begins */
	vd_ns poll_at;   /* when */
	uint64_t serial; /* of the last row taken */
	uint16_t prefix; /* of overlay addresses */
	bool draining;
};

struct route_link *links_row(struct route_links *links, const struct vd_peer_id *peer) ON_CONTROL;

/* Ends the reservation if its time is over. */
void links_expire(struct route_links *links, struct route_link *link, vd_ns now) ON_CONTROL;

/* The permission word that the link's records should carry. */
uint64_t links_permit(const struct route_link *link);
