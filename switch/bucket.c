/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/bucket.h"

struct sw_bucket sw_bucket_of_rate(uint64_t per_s, vd_ns now)
{
	const uint64_t second = VD_NS_PER_S << 8;

	return (struct sw_bucket){
		.booked_until = now << 8,
		.cost = per_s ? second / per_s : 0,
	};
}
