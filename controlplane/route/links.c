/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/route/links.h"

#include <stdlib.h>

#include "controlplane/route/links_state.h"
#include "controlplane/route/overlay.h"

/* ---- rows ---- */

static struct vd_bytes peer_of_row(const void *rows, uint32_t row)
{
	return vd_peer_id_bytes(&((const struct route_link *)rows)[row].peer);
}

static struct vd_bytes overlay_of_row(const void *rows, uint32_t row)
{
	return vd_bytes(((const struct route_link *)rows)[row].overlay, SW_IPV6_ADDR);
}

struct route_links *route_links_new(struct sw_plane *plane, uint32_t peers_max, uint16_t prefix)
{
	struct route_links *links = calloc(1, sizeof *links);

	if (!links)
		return NULL;
	links->plane = plane;
	links->prefix = prefix;
	links->max = peers_max;
	links->rows = calloc(peers_max, sizeof *links->rows);
	links->free_rows = calloc(peers_max, sizeof *links->free_rows);
	links->row_of_slot = calloc(plane->links.capacity, sizeof *links->row_of_slot);
	if (!links->rows || !links->free_rows || !links->row_of_slot ||
	    key_map_init(&links->by_peer, peers_max, links->rows, peer_of_row) ||
	    key_map_init(&links->by_overlay, peers_max, links->rows, overlay_of_row)) {
		route_links_free(links);
		return NULL;
	}
	for (uint32_t i = 0; i < peers_max; i++)
		links->free_rows[i] = peers_max - 1 - i;
	return links;
}

void route_links_free(struct route_links *links)
{
	if (!links)
		return;
	key_map_fini(&links->by_overlay);
	key_map_fini(&links->by_peer);
	free(links->row_of_slot);
	free(links->free_rows);
	free(links->rows);
	free(links);
}

struct route_link *links_row(struct route_links *links, const struct vd_peer_id *peer)
{
	uint32_t row = key_map_find(&links->by_peer, vd_peer_id_bytes(peer));

	return row == KEY_MAP_NONE ? NULL : &links->rows[row];
}

static struct route_link *row_of_index(const struct route_links *links, uint32_t index)
{
	uint32_t slot = sw_index_slot(index), row;

	if (!index || slot >= links->plane->links.capacity)
		return NULL;
	row = links->row_of_slot[slot];
	return row ? &links->rows[row - 1] : NULL;
}

ON_CONTROL static enum vd_err add_row(struct route_links *links,
				      const struct route_install *install, vd_ns now,
				      uint32_t *row_out)
{
	struct sw_plane *plane = links->plane;
	uint32_t row, police, director = 0;

	if (links->count == links->max || sw_link_reserve_police(&plane->links, now, &police))
		return VD_ELIMIT;
	if (plane->config.width && sw_director_draw(&plane->directors, now, &director)) {
		sw_link_release_police(&plane->links, police);
		return VD_ELIMIT;
	}
	row = links->free_rows[links->max - 1 - links->count];
	links->rows[row] = (struct route_link){
		.peer = install->peer,
		.number = ++links->serial << 32 | row,
		.director = director,
		.police = police,
		.since = now,
		.queries = sw_bucket_of_rate(ROUTE_QUERIES_PER_S, now),
		.reserves = sw_bucket_of_rate(ROUTE_RESERVES_PER_S, now),
	};
	route_overlay_address(links->prefix, &install->peer, links->rows[row].overlay);
	key_map_add(&links->by_peer, row);
	key_map_add(&links->by_overlay, row);
	links->count++;
	if (row >= links->high)
		links->high = row + 1;
	*row_out = row;
	return VD_OK;
}

ON_CONTROL static void free_row(struct route_links *links, struct route_link *link, vd_ns now)
{
	if (link->director)
		sw_director_rest(&links->plane->directors, link->director, now);
	sw_link_release_police(&links->plane->links, link->police);
	key_map_del(&links->by_peer, (uint32_t)(link - links->rows));
	key_map_del(&links->by_overlay, (uint32_t)(link - links->rows));
	*link = (struct route_link){ 0 };
	links->count--;
	links->free_rows[links->max - 1 - links->count] = (uint32_t)(link - links->rows);
}

/* ---- generations ---- */

uint64_t links_permit(const struct route_link *link)
{
	return sw_permit(link->policy.call ? link->policy.realms : 0, link->may_be_called);
}

ON_CONTROL static void publish(struct route_links *links, const struct route_link *link,
			       const struct route_install *install, vd_ns now)
{
	struct sw_link_config config = {
		.remote_index = install->remote_index,
		.director = link->director,
		.permit = links_permit(link),
		.path = sw_path_hash(install->endpoint.port, &install->endpoint.remote),
		.owner = install->owner,
		.keepalive = false, /* the current generation alone keeps the path open */
		.police = link->police,
		.pps = link->policy.pps,
		.bps = link->policy.bps,
		.send = install->send,
	};

	memcpy(config.rx_key, install->rx_key, sizeof config.rx_key);
	memcpy(config.tx_key, install->tx_key, sizeof config.tx_key);
	sw_link_publish(&links->plane->links, install->index, &config, now);
}

static struct route_way *way_of(struct route_link *link, const struct route_generation *generation)
{
	return &link->ways[generation - link->generations];
}

/* What the link tells of itself is of the generation that it sends with. */
static void show(struct route_link *link, const struct route_way *way)
{
	link->endpoint = way->endpoint;
	link->payload_max = way->send.payload_max;
	link->owner = way->owner;
	if (!way->asked_us)
		return;
	link->has_token = way->has_token;
	memcpy(link->token_hash, way->token_hash, sizeof link->token_hash);
}

enum vd_err route_links_install(struct route_links *links, const struct route_install *install,
				vd_ns now)
{
	uint32_t row = key_map_find(&links->by_peer, vd_peer_id_bytes(&install->peer));
	struct route_generation *generation;
	struct route_link *link;
	struct route_way *way;

	if (row == KEY_MAP_NONE) {
		enum vd_err err = add_row(links, install, now, &row);

		if (err)
			return err;
	}
	link = &links->rows[row];
	generation = route_generation_of(link->generations, 0);
	if (!generation)
		return VD_ELIMIT;
	*generation = (struct route_generation){ .index = install->index };
	link->policy = install->policy;
	way = way_of(link, generation);
	*way = (struct route_way){
		.endpoint = install->endpoint,
		.send = install->send,
		.owner = install->owner,
		.asked_us = install->asked_us,
		.has_token = install->token_hash != NULL,
	};
	if (way->has_token)
		memcpy(way->token_hash, install->token_hash, sizeof way->token_hash);
	if (!link->current)
		show(link, way);
	links->row_of_slot[sw_index_slot(install->index)] = row + 1;
	publish(links, link, install, now);
	return VD_OK;
}

const struct route_link *route_links_use(struct route_links *links, uint32_t index)
{
	struct route_link *link = row_of_index(links, index);
	const struct route_generation *generation =
	    link ? route_generation_of(link->generations, index) : NULL;

	if (!generation)
		return NULL;
	show(link, way_of(link, generation));
	if (link->current)
		sw_link_set_keepalive(&links->plane->links, link->current, false);
	sw_link_set_keepalive(&links->plane->links, index, true);
	link->current = index;
	if (link->director)
		sw_director_set(&links->plane->directors, link->director, index);
	return link;
}

void route_links_set_send(struct route_links *links, uint32_t index, const struct sw_template *send)
{
	struct route_link *link = row_of_index(links, index);
	const struct route_generation *generation =
	    link ? route_generation_of(link->generations, index) : NULL;

	if (!generation)
		return;
	way_of(link, generation)->send = *send;
	if (!link->current || link->current == index)
		show(link, way_of(link, generation));
}

const struct route_link *route_links_move(struct route_links *links, const struct vd_peer_id *peer,
					  const struct sw_endpoint *endpoint)
{
	struct route_link *link = links_row(links, peer);

	if (!link)
		return NULL;
	link->endpoint = *endpoint;
	for (unsigned i = 0; i < ROUTE_GENERATIONS; i++) {
		if (!link->generations[i].index)
			continue;
		link->ways[i].endpoint = *endpoint;
		sw_link_set_path(&links->plane->links, link->generations[i].index,
				 sw_path_hash(endpoint->port, &endpoint->remote));
	}
	return link;
}

static struct route_account account_of(const struct route_links *links, uint32_t index)
{
	const struct sw_link *record = sw_link_find(&links->plane->links, index);

	return record ? route_account_read(&record->rx_frames, &record->rx_bytes,
					   &record->tx_counter, &record->tx_bytes)
		      : (struct route_account){ 0 };
}

void route_links_up(struct route_links *links, const struct vd_peer_id *peer)
{
	struct route_link *link = links_row(links, peer);

	if (link)
		link->up = true;
}

static bool has_generation(const struct route_link *link)
{
	for (unsigned i = 0; i < ROUTE_GENERATIONS; i++)
		if (link->generations[i].index)
			return true;
	return false;
}

ON_CONTROL static void retire(struct route_links *links, struct route_link *link,
			      struct route_generation *generation)
{
	uint32_t index = generation->index;

	route_account_add(&link->retired, account_of(links, index));
	if (link->current == index) {
		link->current = 0;
		if (link->director)
			sw_director_set(&links->plane->directors, link->director, 0);
	}
	sw_link_retire(&links->plane->links, index);
	*generation = (struct route_generation){ 0 };
	links->row_of_slot[sw_index_slot(index)] = 0;
}

void route_links_retire(struct route_links *links, uint32_t index, vd_ns now)
{
	struct route_link *link = row_of_index(links, index);
	struct route_generation *generation =
	    link ? route_generation_of(link->generations, index) : NULL;

	if (!generation) {
		sw_link_release(&links->plane->links, index); /* if it is still reserved */
		return;
	}
	retire(links, link, generation);
	if (!link->up && !has_generation(link))
		free_row(links, link, now);
}

void route_links_drop(struct route_links *links, const struct vd_peer_id *peer, vd_ns now)
{
	struct route_link *link = links_row(links, peer);

	if (!link)
		return;
	for (unsigned i = 0; i < ROUTE_GENERATIONS; i++)
		if (link->generations[i].index)
			retire(links, link, &link->generations[i]);
	free_row(links, link, now);
}

/* ---- looking ---- */

const struct route_link *route_links_find(const struct route_links *links,
					  const struct vd_peer_id *peer)
{
	uint32_t row = key_map_find(&links->by_peer, vd_peer_id_bytes(peer));

	return row == KEY_MAP_NONE ? NULL : &links->rows[row];
}

const struct route_link *route_links_of_index(const struct route_links *links, uint32_t index)
{
	struct route_link *link = row_of_index(links, index);

	return link && route_generation_of(link->generations, index) ? link : NULL;
}

const struct route_link *route_links_of_number(const struct route_links *links, uint64_t number)
{
	uint32_t row = (uint32_t)number;

	if (row >= links->max || !links->rows[row].peer.len || links->rows[row].number != number)
		return NULL;
	return &links->rows[row];
}

const struct route_link *route_links_next(const struct route_links *links, uint32_t *at)
{
	while (*at < links->max) {
		const struct route_link *link = &links->rows[(*at)++];

		if (link->peer.len)
			return link;
	}
	return NULL;
}

uint32_t route_links_count(const struct route_links *links)
{
	return links->count;
}

struct route_account route_links_account(const struct route_links *links,
					 const struct route_link *link)
{
	struct route_account sum = link->retired;

	for (unsigned i = 0; i < ROUTE_GENERATIONS; i++) {
		if (link->generations[i].index)
			route_account_add(&sum, account_of(links, link->generations[i].index));
	}
	return sum;
}

struct route_account route_links_total(const struct route_links *links,
				       const struct route_link *link)
{
	struct route_account total = route_links_account(links, link);

	route_account_add(&total, link->before);
	return total;
}

void route_links_set_before(struct route_links *links, const struct vd_peer_id *peer,
			    struct route_account before)
{
	struct route_link *link = links_row(links, peer);

	if (link)
		link->before = link->told = before;
}

uint32_t route_links_totals(struct route_links *links, bool all, struct route_total *out)
{
	uint32_t count = 0;

	for (uint32_t row = 0; row < links->max; row++) {
		struct route_link *link = &links->rows[row];
		struct route_account total;

		if (!link->peer.len)
			continue;
		total = route_links_total(links, link);
		if (!all && memcmp(&total, &link->told, sizeof total) == 0)
			continue;
		link->told = total;
		out[count++] = (struct route_total){ .peer = link->peer, .total = total };
	}
	return count;
}

ON_CONTROL static void poll_row(struct route_links *links, struct route_link *link, vd_ns now,
				route_traffic_fn traffic, void *context)
{
	links_expire(links, link, now);
	for (unsigned i = 0; i < ROUTE_GENERATIONS; i++) {
		struct route_generation *generation = &link->generations[i];

		if (generation->index)
			route_generation_poll(generation, account_of(links, generation->index),
					      traffic, context);
	}
}

vd_ns route_links_poll(struct route_links *links, vd_ns now, route_traffic_fn traffic,
		       void *context)
{
	uint32_t slices = (links->high + ROUTE_POLL_ROWS - 1) / ROUTE_POLL_ROWS, end;

	if (now < links->poll_at)
		return links->poll_at;
	if (links->polled >= links->high)
		links->polled = 0;
	end = links->high - links->polled > ROUTE_POLL_ROWS ? links->polled + ROUTE_POLL_ROWS
							    : links->high;
	for (; links->polled < end; links->polled++)
		if (links->rows[links->polled].peer.len)
			poll_row(links, &links->rows[links->polled], now, traffic, context);
	slices += slices == 0;
	links->poll_at = now + (ROUTE_POLL_SPAN + slices - 1) / slices;
	return links->poll_at;
}
