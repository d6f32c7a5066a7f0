/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/label.h"

static uint64_t swap_groups(uint64_t v, unsigned shift, uint64_t low_groups)
{
	return (v >> shift & low_groups) | (v & low_groups) << shift;
}

uint64_t sw_bitreverse(uint64_t v)
{
	v = swap_groups(v, 1, UINT64_C(0x5555555555555555));
	v = swap_groups(v, 2, UINT64_C(0x3333333333333333));
	v = swap_groups(v, 4, UINT64_C(0x0f0f0f0f0f0f0f0f));
	return __builtin_bswap64(v);
}

struct sw_route sw_label_way_back(uint64_t label, uint8_t used)
{
	uint64_t mask = used < 64 ? (UINT64_C(1) << used) - 1 : UINT64_MAX;

	return (struct sw_route){ .label = sw_bitreverse(label) & mask, .bits = used };
}

enum vd_err sw_route_splice(struct sw_route first, struct sw_route then, struct sw_route *route_out)
{
	if (first.bits > SW_LABEL_BITS_MAX || then.bits > SW_LABEL_BITS_MAX - first.bits)
		return VD_ELIMIT;
	*route_out = (struct sw_route){
		.label = first.label | then.label << first.bits,
		.bits = (uint8_t)(first.bits + then.bits),
	};
	return VD_OK;
}
