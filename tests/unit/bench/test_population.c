/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "bench/population.h"

enum { FRAMES = 64 };

static struct sw_plane plane;
static struct population people;
static struct sw_forward *forward;
static uint8_t buffers[FRAMES][1024];
static struct sw_packet packets[FRAMES];

static void start(uint32_t links)
{
	struct population_config config = { .links = links, .frames = FRAMES, .bytes = 64 };
	struct sw_plane_config plane_config = population_plane(&config);

	urcu_qsbr_register_thread();
	cr_assert(eq(int, sw_plane_init(&plane, &plane_config), VD_OK));
	cr_assert(eq(int, population_init(&people, &plane, &config), VD_OK));
	forward = sw_forward_new(&plane, 0);
	cr_assert(ne(ptr, forward, NULL));
}

static void stop(void)
{
	sw_forward_free(forward);
	population_fini(&people);
	sw_plane_fini(&plane);
	urcu_qsbr_unregister_thread();
}

/* Switches all frames; how many left as they must. */
static unsigned pass(void)
{
	unsigned sent = 0;

	for (uint32_t i = 0; i < FRAMES; i++) {
		packets[i] = (struct sw_packet){ .frame = buffers[i] + SW_HEADROOM,
						 .len = people.frame_len };
		memcpy(packets[i].frame, population_frame(&people, i), people.frame_len);
	}
	sw_forward_burst(forward, packets, FRAMES, 0);
	for (uint32_t i = 0; i < FRAMES; i++)
		sent += packets[i].verdict == SW_SEND &&
			population_is_sent(&people, i, packets[i].frame, packets[i].len);
	return sent;
}

Test(population, every_frame_leaves_by_its_link, .fini = stop)
{
	start(20);
	cr_assert(eq(uint, pass(), FRAMES));
	cr_assert(eq(u64, population_verified(&people), FRAMES));
}

Test(population, of_one_link_sends_everything_by_a_second_one, .fini = stop)
{
	start(1);
	cr_assert(eq(uint, pass(), FRAMES));
}

Test(population, frames_are_replays_until_it_is_rewound, .fini = stop)
{
	start(20);
	cr_assert(eq(uint, pass(), FRAMES));
	cr_assert(eq(uint, pass(), 0));
	population_rewind(&people);
	cr_assert(eq(uint, pass(), FRAMES));
}

Test(population, a_frame_changed_on_its_way_does_not_arrive, .fini = stop)
{
	start(20);
	population_frame(&people, 7)[SW_AT_PAYLOAD + 3] ^= 1;
	cr_assert(eq(uint, pass(), FRAMES - 1));
	cr_assert(eq(u64, population_verified(&people), FRAMES - 1));
}

Test(population, a_byte_changed_after_the_switch_is_noticed, .fini = stop)
{
	start(20);
	pass();
	cr_assert(population_is_sent(&people, 5, packets[5].frame, packets[5].len));
	packets[5].frame[SW_AT_PAYLOAD + 40] ^= 1;
	cr_assert(not(population_is_sent(&people, 5, packets[5].frame, packets[5].len)));
}
