/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "tests/unit/switch/rig.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

static void must(enum vd_err err)
{
	if (err)
		abort();
}

void rig_init(struct rig *rig, unsigned workers, unsigned width)
{
	const struct sw_plane_config config = {
		.workers = workers,
		.width = width,
		.links_max = RIG_LINKS,
		.sessions_max = 4,
	};

	memset(rig, 0, sizeof *rig);
	if (sodium_init() < 0)
		abort();
	rcu_register_thread();
	must(sw_plane_init(&rig->plane, &config));
	for (unsigned i = 0; i < workers; i++)
		if (!(rig->forwards[i] = sw_forward_new(&rig->plane, i)))
			abort();
}

void rig_fini(struct rig *rig)
{
	for (unsigned i = 0; i < RIG_WORKERS; i++)
		sw_forward_free(rig->forwards[i]);
	sw_plane_fini(&rig->plane);
	rcu_unregister_thread();
}

struct sw_link_config rig_config(struct rig *rig, uint8_t owner)
{
	struct sw_link_config config = {
		.permit = sw_permit(1, 1),
		.owner = owner,
		.path = 0x1000 + rig->link_count,
		.remote_index = 0xabc000 + rig->link_count,
		.send = { .outer_len = 28, .payload_max = 1400 },
	};

	randombytes_buf(config.rx_key, sizeof config.rx_key);
	randombytes_buf(config.tx_key, sizeof config.tx_key);
	if (rig->plane.config.width)
		must(sw_director_draw(&rig->plane.directors, 0, &config.director));
	return config;
}

unsigned rig_link(struct rig *rig, const struct sw_link_config *config, vd_ns now)
{
	struct rig_link *link = &rig->links[rig->link_count];

	link->remote_index = config->remote_index;
	link->director = config->director;
	link->path = config->path;
	memcpy(link->rx_key, config->rx_key, sizeof link->rx_key);
	memcpy(link->tx_key, config->tx_key, sizeof link->tx_key);
	must(sw_link_reserve(&rig->plane.links, &link->index));
	sw_link_publish(&rig->plane.links, link->index, config, now);
	if (rig->plane.config.width)
		sw_director_set(&rig->plane.directors, link->director, link->index);
	return rig->link_count++;
}

struct sw_link *rig_record(struct rig *rig, unsigned link)
{
	return sw_link_find(&rig->plane.links, rig->links[link].index);
}

void rig_seal(struct rig_frame *frame, const uint8_t key[SW_TAG_KEY_BYTES])
{
	uint64_t tag = sw_tag(key, frame->packet.frame, frame->packet.len);

	memcpy(frame->packet.frame + SW_AT_TAG, &tag, sizeof tag);
}

void rig_frame(const struct rig *rig, unsigned link, const struct rig_header *header,
	       struct rig_frame *frame_out)
{
	uint8_t *at = frame_out->room + SW_HEADROOM;

	memset(frame_out, 0, sizeof *frame_out);
	at[SW_AT_INDEX] = 6;
	vd_be32_store(at + SW_AT_RECEIVER, rig->links[link].index);
	vd_be64_store(at + SW_AT_COUNTER, header->counter);
	vd_be64_store(at + SW_AT_LABEL, header->label);
	at[SW_AT_FLAGS] = header->flags;
	at[SW_AT_USED] = header->used;
	at[SW_AT_CLASS] = header->traffic_class;
	at[SW_AT_ZERO] = header->zero;
	for (unsigned i = 0; i < header->payload_len; i++)
		at[SW_AT_PAYLOAD + i] = (uint8_t)(i + 1);
	frame_out->packet.frame = at;
	frame_out->packet.len = (uint16_t)(SW_HEADER + header->payload_len);
	frame_out->packet.path = rig->links[link].path;
	rig_seal(frame_out, rig->links[link].rx_key);
}

bool rig_sealed_for(const struct rig *rig, unsigned link, const struct rig_frame *frame)
{
	const uint8_t *at = frame->packet.frame;
	uint64_t tag;

	memcpy(&tag, at + SW_AT_TAG, sizeof tag);
	return vd_be32_load(at + SW_AT_RECEIVER) == rig->links[link].remote_index &&
	       tag == sw_tag(rig->links[link].tx_key, at, frame->packet.len);
}

struct rig_header rig_parse(const struct rig_frame *frame)
{
	const uint8_t *at = frame->packet.frame;

	return (struct rig_header){
		.counter = vd_be64_load(at + SW_AT_COUNTER),
		.label = vd_be64_load(at + SW_AT_LABEL),
		.flags = at[SW_AT_FLAGS],
		.used = at[SW_AT_USED],
		.traffic_class = at[SW_AT_CLASS],
		.zero = at[SW_AT_ZERO],
		.payload_len = (uint16_t)(frame->packet.len - SW_HEADER),
	};
}

enum sw_verdict rig_run(struct rig *rig, unsigned worker, struct rig_frame *frame, vd_ns now)
{
	sw_forward_burst(rig->forwards[worker], &frame->packet, 1, now);
	return frame->packet.verdict;
}

enum sw_verdict rig_resume(struct rig *rig, unsigned worker, struct rig_frame *frame, vd_ns now)
{
	sw_forward_resume(rig->forwards[worker], &frame->packet, 1, now);
	return frame->packet.verdict;
}
