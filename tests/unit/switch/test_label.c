/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/label.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

Test(label, bitreverse_turns_each_bit_to_its_mirror)
{
	for (unsigned bit = 0; bit < 64; bit++)
		cr_assert(eq(u64, sw_bitreverse(UINT64_C(1) << bit), UINT64_C(1) << (63 - bit)));
	cr_assert(
	    eq(u64, sw_bitreverse(UINT64_C(0x0123456789abcdef)), UINT64_C(0xf7b3d591e6a2c480)));
}

/* switch/SPEC.md, section 7, the worked example. */
Test(label, the_example_of_the_specification_goes_there_and_back)
{
	const struct {
		unsigned width;
		uint32_t out, in;
		uint64_t label;
	} hops[] = {
		{ 4, 0x9, 0x3, UINT64_C(0xc000000000005a7e) },
		{ 8, 0x7e, 0x51, UINT64_C(0x8ac000000000005a) },
		{ 12, 0x05a, 0xc04, UINT64_C(0x2038ac0000000000) },
	};
	uint64_t label = UINT64_C(0x05a7e9);
	uint8_t used = 0;

	for (unsigned i = 0; i < 3; i++) {
		cr_assert(eq(u32, (uint32_t)(label & ((1u << hops[i].width) - 1)), hops[i].out));
		label = sw_label_step(label, hops[i].width, sw_label_reverse_of(hops[i].in));
		used = (uint8_t)(used + hops[i].width);
		cr_assert(eq(u64, label, hops[i].label), "after hop %u: %016lx", i,
			  (unsigned long)label);
	}
	cr_assert(eq(u64, label << used, 0), "delivered");
	struct sw_route back = sw_label_way_back(label, used);
	cr_assert(eq(u64, back.label, UINT64_C(0x351c04)));
	cr_assert(eq(u8, back.bits, 24));
}

Test(label, the_way_back_of_a_neighbours_frame_is_empty)
{
	struct sw_route back = sw_label_way_back(0, 0);

	cr_assert(eq(u64, back.label, 0));
	cr_assert(eq(u8, back.bits, 0));
}

Test(label, splicing_puts_the_second_route_behind_the_first)
{
	struct sw_route route;

	cr_assert(eq(
	    int,
	    sw_route_splice((struct sw_route){ 0x7e9, 12 }, (struct sw_route){ 0x5a, 12 }, &route),
	    VD_OK));
	cr_assert(eq(u64, route.label, 0x5a7e9));
	cr_assert(eq(u8, route.bits, 24));
}

Test(label, routes_of_more_than_sixty_bits_are_not_spliced)
{
	struct sw_route route = { 7, 7 };

	cr_assert(
	    eq(int, sw_route_splice((struct sw_route){ 1, 36 }, (struct sw_route){ 1, 24 }, &route),
	       VD_OK));
	cr_assert(
	    eq(int, sw_route_splice((struct sw_route){ 1, 37 }, (struct sw_route){ 1, 24 }, &route),
	       VD_ELIMIT));
	cr_assert(eq(int,
		     sw_route_splice((struct sw_route){ 1, 61 }, (struct sw_route){ 0, 0 }, &route),
		     VD_ELIMIT));
	cr_assert(eq(u8, route.bits, 60), "untouched on failure");
}
