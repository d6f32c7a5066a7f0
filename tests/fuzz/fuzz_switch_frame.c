/* Targets: sw_forward_burst, sw_forward_resume */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * One frame from a neighbour. Byte 0: 1: its receiver index is made valid; 2: its tag
 * too; 4: it arrives at a worker that does not own the link. The rest is the frame, in
 * a buffer of its own length, so that a byte beyond it is seen.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "switch/forward.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { LINKS = 3, LEN_MAX = SW_FRAME_MAX };

static struct sw_plane plane;
static struct sw_forward *forwards[2];
static uint32_t indices[LINKS];
static const uint8_t key[SW_TAG_KEY_BYTES] = { 1 };

/* A link of director 1, 2, 3; worker 0 owns the first two. */
static void publish(unsigned i)
{
	struct sw_link_config config = {
		.remote_index = 0x100 + i,
		.director = i + 1,
		.permit = sw_permit(1, 1),
		.owner = i == 2,
		.send = { .outer_len = 28, .payload_max = 1400 },
	};

	memcpy(config.rx_key, key, sizeof key);
	memcpy(config.tx_key, key, sizeof key);
	if (sw_link_reserve(&plane.links, &indices[i]))
		abort();
	sw_link_publish(&plane.links, indices[i], &config, 0);
	sw_director_set(&plane.directors, i + 1, indices[i]);
}

static void set_up(void)
{
	const struct sw_plane_config config = { .workers = 2, .width = 4, .links_max = LINKS };

	if (sodium_init() < 0)
		abort();
	rcu_register_thread();
	if (sw_plane_init(&plane, &config))
		abort();
	for (unsigned i = 0; i < 2; i++)
		if (!(forwards[i] = sw_forward_new(&plane, i)))
			abort();
	for (unsigned i = 0; i < LINKS; i++)
		publish(i);
}

static void correct(uint8_t *frame, uint16_t len, uint8_t how)
{
	uint64_t tag;

	if (len < SW_HEADER)
		return;
	if (how & 1) {
		vd_be32_store(frame + SW_AT_RECEIVER, indices[0]);
		/* inputs do not know the window: the same one has to do the same again */
		sw_link_find(&plane.links, indices[0])->top = 0;
		sw_link_find(&plane.links, indices[0])->window = (struct sw_window){ 0 };
	}
	if (how & 2) {
		frame[SW_AT_INDEX] = 6;
		tag = sw_tag(key, frame, len);
		memcpy(frame + SW_AT_TAG, &tag, sizeof tag);
	}
}

/* What a worker relies on. */
static void check(const struct sw_packet *p, uint16_t len)
{
	if (p->len > len || p->verdict == SW_ON)
		abort();
	if (p->verdict == SW_DROP && p->drop >= SW_DROP_COUNT)
		abort();
	if (p->verdict != SW_SEND)
		return;
	uint64_t tag = sw_tag(key, p->frame, p->len);
	if (memcmp(p->frame + SW_AT_TAG, &tag, sizeof tag) != 0)
		abort();
	if (p->frame[SW_AT_USED] > 60 || p->egress->remote_index < 0x100)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (!forwards[0])
		set_up();
	if (len < 1 || len > LEN_MAX)
		return 0;
	uint16_t frame_len = (uint16_t)(len - 1);
	uint8_t *frame = malloc(frame_len ? frame_len : 1);
	if (!frame)
		return 0;
	memcpy(frame, data + 1, frame_len);
	correct(frame, frame_len, data[0]);
	struct sw_packet packet = { .frame = frame, .len = frame_len };
	sw_forward_burst(forwards[data[0] >> 2 & 1], &packet, 1, 0);
	for (unsigned crossings = 0; packet.verdict == SW_CROSS; crossings++) {
		if (crossings == 4)
			abort();
		sw_forward_resume(forwards[packet.worker], &packet, 1, 0);
	}
	check(&packet, frame_len);
	free(frame);
	return 0;
}
