/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/siphash.h"

struct sw_siphash_choice sw_siphash_choose(void)
{
#ifdef SW_HAVE_X86_64_LEVELS
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
	    __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
	    __builtin_cpu_supports("avx512cd"))
		return (struct sw_siphash_choice){ sw_siphash_burst_v4, "x86-64-v4" };
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"))
		return (struct sw_siphash_choice){ sw_siphash_burst_v3, "x86-64-v3" };
#endif
	return (struct sw_siphash_choice){ sw_siphash_burst_baseline, "baseline" };
}
