/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "bench/population.h"

#include <stdlib.h>
#include <string.h>

#include "switch/label.h"
#include "switch/outer.h"

enum { WIDTH_FEW = 16, WIDTH_MANY = 24, FEW = 16384, LINE = 64, REALM = 1 };

/* splitmix64: G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators". */
static uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint32_t draw_below(uint64_t *state, uint32_t bound)
{
	return (uint32_t)((draw(state) >> 32) * bound >> 32);
}

static struct vd_udp_addr ip4(uint32_t ip, uint16_t port)
{
	struct vd_udp_addr addr = { .ip = { [10] = 0xff, [11] = 0xff }, .port = port };

	vd_be32_store(addr.ip + 12, ip);
	return addr;
}

struct vd_udp_addr population_self(void)
{
	return ip4(0xC6130001, 4001); /* 198.19.0.1 */
}

struct vd_udp_addr population_remote(uint32_t number)
{
	return ip4(0xC6120000 + number % 65536, (uint16_t)(4001 + number / 65536));
}

static uint32_t links_made(const struct population_config *config)
{
	return config->links < 2 ? 2 : config->links;
}

struct sw_plane_config population_plane(const struct population_config *config)
{
	return (struct sw_plane_config){
		.workers = 1,
		.width = links_made(config) > FEW ? WIDTH_MANY : WIDTH_FEW,
		.links_max = links_made(config),
		.sessions_max = 1,
	};
}

unsigned population_pages(const struct population_config *config)
{
	struct sw_plane_config plane = population_plane(config);
	size_t links = plane.links_max * (sizeof(struct sw_link) + sizeof(struct sw_police));
	size_t directors = sizeof(uint32_t) << plane.width;

	return (unsigned)((links >> 21) + (directors >> 21) + 8);
}

/* ---- links ---- */

static uint32_t free_director(const struct population *p, uint64_t *random)
{
	const struct sw_director_table *table = &p->plane->directors;
	uint32_t director;

	do {
		director = draw_below(random, UINT32_C(1) << table->width);
	} while (director == 0 ||
		 atomic_load_explicit(&table->words[director], memory_order_relaxed) != 0);
	return director;
}

static void draw_key(uint8_t key[SW_TAG_KEY_BYTES], uint64_t *random)
{
	uint64_t words[2] = { draw(random), draw(random) };

	memcpy(key, words, SW_TAG_KEY_BYTES);
}

ON_CONTROL static enum vd_err add_link(struct population *p, uint32_t number, uint64_t *random)
{
	struct vd_udp_addr self = population_self(), remote = population_remote(number);
	struct sw_link_config config = {
		.remote_index = (uint32_t)draw(random) | 1,
		.director = free_director(p, random),
		.permit = sw_permit(REALM, REALM),
		.path = sw_path_hash(p->config.port, &remote),
	};
	uint32_t index;
	enum vd_err err = sw_link_reserve(&p->plane->links, &index);

	if (err)
		return err;
	draw_key(config.rx_key, random);
	draw_key(config.tx_key, random);
	sw_template_build(&config.send, p->config.port, &self, &remote, 1500, p->config.neighbour);
	sw_link_publish(&p->plane->links, index, &config, 0);
	sw_director_set(&p->plane->directors, config.director, index);
	p->records[number] = sw_link_find(&p->plane->links, index);
	return VD_OK;
}

/* Our director of a link: its reverse is that, bit-reversed, in the word's top half. */
static uint32_t director_of(const struct sw_link *link)
{
	return (uint32_t)sw_bitreverse((uint64_t)link->reverse << 32);
}

/* ---- frames ---- */

static void fill_payload(uint8_t *payload, uint16_t len, uint64_t *random)
{
	for (uint16_t at = 0; at < len; at = (uint16_t)(at + 8)) {
		uint64_t word = draw(random);
		memcpy(payload + at, &word, len - at < 8 ? (size_t)(len - at) : 8);
	}
}

static void make_frame(struct population *p, uint32_t i, uint64_t counter, uint64_t *random)
{
	const struct sw_link *in = p->records[p->ingress[i]];
	uint8_t *frame = population_frame(p, i);
	uint64_t tag;

	frame[SW_AT_INDEX] = 6;
	vd_be32_store(frame + SW_AT_RECEIVER, atomic_load(&in->index));
	vd_be64_store(frame + SW_AT_COUNTER, counter);
	vd_be64_store(frame + SW_AT_LABEL, director_of(p->records[p->egress[i]]));
	fill_payload(frame + SW_AT_PAYLOAD, p->config.bytes, random);
	tag = sw_tag(in->rx_key, frame, p->frame_len);
	memcpy(frame + SW_AT_TAG, &tag, sizeof tag);
}

static enum vd_err make_frames(struct population *p, uint64_t *random)
{
	uint64_t *counters = calloc(p->links, sizeof *counters);

	if (!counters)
		return VD_ENOMEM;
	for (uint32_t i = 0; i < p->config.frames; i++) {
		uint32_t in = p->config.links < 2 ? 0 : draw_below(random, p->links);
		uint32_t out = draw_below(random, p->links - 1);

		p->ingress[i] = in;
		p->egress[i] = out < in ? out : out + 1;
		make_frame(p, i, ++counters[in], random);
	}
	free(counters);
	return VD_OK;
}

enum vd_err population_init(struct population *population, struct sw_plane *plane,
			    const struct population_config *config)
{
	uint64_t random = 1;
	enum vd_err err = VD_OK;
	struct population p = {
		.config = *config,
		.plane = plane,
		.links = links_made(config),
		.frame_len = (uint16_t)(SW_HEADER + config->bytes),
	};

	p.stride = (uint32_t)(config->lead + p.frame_len + LINE - 1) / LINE * LINE;
	p.records = calloc(p.links, sizeof(struct sw_link *));
	p.ingress = calloc(config->frames, sizeof *p.ingress);
	p.egress = calloc(config->frames, sizeof *p.egress);
	p.frames = aligned_alloc(LINE, (size_t)config->frames * p.stride);
	if (!p.records || !p.ingress || !p.egress || !p.frames)
		err = VD_ENOMEM;
	else
		memset(p.frames, 0, (size_t)config->frames * p.stride);
	for (uint32_t i = 0; !err && i < p.links; i++)
		err = add_link(&p, i, &random);
	if (!err)
		err = make_frames(&p, &random);
	if (err)
		population_fini(&p);
	else
		*population = p;
	return err;
}

void population_fini(struct population *population)
{
	free(population->records);
	free(population->ingress);
	free(population->egress);
	free(population->frames);
	*population = (struct population){ 0 };
}

/* ---- passes ---- */

void population_rewind(struct population *population)
{
	for (uint32_t i = 0; i < population->links; i++) {
		struct sw_link *link = population->records[i];
		link->top = 0;
		memset(&link->window, 0, sizeof link->window);
		atomic_store_explicit(&link->rx_frames, 0, memory_order_relaxed);
		atomic_store_explicit(&link->tx_counter, 0, memory_order_relaxed);
	}
}

uint64_t population_verified(const struct population *population)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < population->links; i++)
		sum +=
		    atomic_load_explicit(&population->records[i]->rx_frames, memory_order_relaxed);
	return sum;
}

bool population_is_sent(const struct population *population, uint32_t i, const uint8_t *frame,
			uint16_t len)
{
	const struct sw_link *in = population->records[population->ingress[i]];
	const struct sw_link *out = population->records[population->egress[i]];
	const uint8_t *made = population_frame(population, i);
	unsigned width = population->plane->directors.width;
	uint64_t label =
	    sw_label_step(vd_be64_load(made + SW_AT_LABEL), width, (uint64_t)in->reverse << 32);
	uint64_t tag;

	if (len != population->frame_len)
		return false;
	memcpy(&tag, frame + SW_AT_TAG, sizeof tag);
	return frame[SW_AT_INDEX] == 6 &&
	       vd_be32_load(frame + SW_AT_RECEIVER) == out->remote_index &&
	       vd_be64_load(frame + SW_AT_COUNTER) != 0 &&
	       vd_be64_load(frame + SW_AT_LABEL) == label && frame[SW_AT_FLAGS] == 0 &&
	       frame[SW_AT_USED] == width && tag == sw_tag(out->tx_key, frame, len) &&
	       memcmp(frame + SW_AT_PAYLOAD, made + SW_AT_PAYLOAD, population->config.bytes) == 0;
}
