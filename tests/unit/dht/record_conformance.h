/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * record_conformance: what every record store has to do (dht/record_store.h), as one function a
 * behaviour. A store's test program gives `make`, which makes an empty one with room for
 * RECORD_ROOM records and RECORD_ROOM_BYTES bytes under the rules given, and has
 *
 *	RECORD_CONFORMANCE(record_memory)
 *
 * which is a test for each. A value's first byte is how good it is; one that begins with 0 is bad,
 * and one that begins with 255 the rules let hold for a second alone.
 */
#include <criterion/criterion.h>

#include "dht/record_store.h"

enum { RECORD_ROOM = 8, RECORD_ROOM_BYTES = 4096 };

extern struct dht_record_store *(*record_make)(const struct dht_record_rules *rules);

#define RECORD_BEHAVIOURS(X, suite)                                                                \
	X(suite, what_was_put_is_got)                                                              \
	X(suite, what_is_not_there_is_not_found)                                                   \
	X(suite, keys_may_be_any_bytes)                                                            \
	X(suite, bad_records_are_refused)                                                          \
	X(suite, lengths_are_bounded)                                                              \
	X(suite, a_better_record_replaces)                                                         \
	X(suite, one_as_good_or_worse_is_refused)                                                  \
	X(suite, any_replaces_one_that_ended)                                                      \
	X(suite, what_ended_is_not_got)                                                            \
	X(suite, the_rules_may_shorten_its_time)                                                   \
	X(suite, what_was_deleted_is_gone)                                                         \
	X(suite, a_full_store_refuses_and_keeps)                                                   \
	X(suite, bytes_are_bounded_too)                                                            \
	X(suite, a_full_store_still_replaces)                                                      \
	X(suite, all_that_hold_are_told_once)                                                      \
	X(suite, telling_ends_when_told_to)                                                        \
	X(suite, expiring_drops_what_ended_in_slices)                                              \
	X(suite, ranges_given_are_not_kept)                                                        \
	X(suite, it_does_as_a_list_does)

#define RECORD_DECLARE(suite, name) void record_##name(void);
RECORD_BEHAVIOURS(RECORD_DECLARE, )

#define RECORD_TEST(suite, name)                                                                   \
	Test(suite, name)                                                                          \
	{                                                                                          \
		record_##name();                                                                   \
	}
#define RECORD_CONFORMANCE(suite) RECORD_BEHAVIOURS(RECORD_TEST, suite)
