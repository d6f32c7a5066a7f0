/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* load_together: several loads at once, each on a thread. */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#include "bench/load.h"

struct part {
	pthread_t thread;
	struct load *load;
	unsigned core;
	uint64_t up, down;
	bool ok;
	char why[BENCH_WHY];
};

static void *run(void *context)
{
	struct part *part = context;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(part->core, &set);
	if (pthread_setaffinity_np(pthread_self(), sizeof set, &set) != 0)
		snprintf(part->why, BENCH_WHY, "load: cannot run on core %u", part->core);
	else
		part->ok = load_transfer(part->load, part->up, part->down, part->why);
	return NULL;
}

bool load_transfer_together(struct load *const loads[], unsigned count, unsigned core, bool apart,
			    uint64_t up, uint64_t down, char why[BENCH_WHY])
{
	struct part parts[LOAD_TOGETHER_MAX];
	unsigned begun = 0;
	bool ok = true;

	for (; begun < count && ok; begun++) {
		struct part *part = &parts[begun];

		*part = (struct part){ .load = loads[begun],
				       .core = apart ? core - begun : core,
				       .up = up,
				       .down = down };
		ok = pthread_create(&part->thread, NULL, run, part) == 0;
		if (!ok) {
			snprintf(why, BENCH_WHY, "load: no thread");
			break;
		}
	}
	for (unsigned i = 0; i < begun; i++) {
		pthread_join(parts[i].thread, NULL);
		if (ok && !parts[i].ok)
			snprintf(why, BENCH_WHY, "%s", parts[i].why);
		ok = ok && parts[i].ok;
	}
	return ok;
}
