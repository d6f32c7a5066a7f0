/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * population: links in a plane, and pre-made valid frames between them.
 *
 * Each frame comes by a uniformly random link and leaves by another one; directors
 * are drawn at random from the whole width. Counters run up per link in the order of
 * the frames, so a pass over all frames is valid once; rewind makes it valid again.
 *
 * The same seed gives the same population. Threads: main.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "switch/forward.h"
#include "switch/plane.h"

struct population_config {
	uint32_t links;  /* 1 is made with a second one to leave by */
	uint32_t frames; /* pre-made */
	uint16_t bytes;  /* of payload */
	uint16_t lead;   /* bytes kept free before each frame, for outer headers */
	uint8_t port;    /* that all links are on */
	uint32_t neighbour;
};

struct population {
	struct population_config config;
	struct sw_plane *plane;
	uint32_t links;           /* made */
	uint16_t frame_len;       /* from the index byte */
	uint32_t stride;          /* from frame to frame; whole cache lines */
	struct sw_link **records; /* [links] */
	uint8_t *frames;
	uint32_t *ingress, *egress; /* [frames]; numbers of records */
};

/* Our own address, which every frame is sent to, and that of link `number`. */
struct vd_udp_addr population_self(void);
struct vd_udp_addr population_remote(uint32_t number);

/* The plane's configuration for such a population: one worker, width 16, or 24 for many links. */
struct sw_plane_config population_plane(const struct population_config *config);

/* 2 MB pages that the plane's hot tables take. */
unsigned population_pages(const struct population_config *config);

/* VD_ENOMEM, VD_ELIMIT. `plane` was made as population_plane says; it is borrowed. */
enum vd_err population_init(struct population *population, struct sw_plane *plane,
			    const struct population_config *config) ON_CONTROL;
void population_fini(struct population *population);

/* Frame `i`, its index byte. */
static inline uint8_t *population_frame(const struct population *population, uint32_t i)
{
	return population->frames + (size_t)i * population->stride + population->config.lead;
}

/* Forgets counters seen and sent, so that the frames are new once more. Nothing is in flight. */
void population_rewind(struct population *population);

/* Frames that the switch has verified since the last rewind. */
uint64_t population_verified(const struct population *population);

/* Whether `frame` is frame `i` as its egress link must send it: every byte, and the tag. */
bool population_is_sent(const struct population *population, uint32_t i, const uint8_t *frame,
			uint16_t len);
