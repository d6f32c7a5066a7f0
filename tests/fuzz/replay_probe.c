/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* replay_probe: a target for the replayer's own test (test_replay.py). */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Prints each input's length, and crashes on one that starts with "crash". */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size >= 5 && memcmp(data, "crash", 5) == 0)
		abort();
	printf("len %zu\n", size);
	return 0;
}
