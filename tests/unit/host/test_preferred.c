/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Both ends judge by what each sees: whom it dialled, and the order in which they opened there. */
#include "controlplane/host/preferred.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/formats/key.h"
#include "base/init.h"

enum { ENDS = 2, CONNS = 3 };

static struct vd_peer_id ids[ENDS]; /* the smaller one first */

static void make_ids(void)
{
	struct vd_identity one, other;
	bool in_order;

	cr_assert(eq(int, vd_init(), VD_OK));
	vd_identity_generate(&one);
	vd_identity_generate(&other);
	in_order = vd_peer_id_compare(&one.id, &other.id) < 0;
	ids[0] = in_order ? one.id : other.id;
	ids[1] = in_order ? other.id : one.id;
}

struct conn {
	unsigned dialer; /* which end */
	bool doubted[ENDS];
	uint64_t order[ENDS];
};

static struct preferred_conn seen_by(unsigned end, const struct conn *conn)
{
	return (struct preferred_conn){ .dialer = conn->dialer == end,
					.doubted = conn->doubted[end],
					.order = conn->order[end] };
}

static size_t best_of(unsigned end, const struct conn *conns, size_t count)
{
	size_t best = 0;

	for (size_t i = 1; i < count; i++) {
		struct preferred_conn one = seen_by(end, &conns[i]);
		struct preferred_conn than = seen_by(end, &conns[best]);

		if (preferred_to(&ids[end], &ids[!end], &one, &than))
			best = i;
	}
	return best;
}

static bool closes(unsigned end, const struct conn *best, const struct conn *other)
{
	struct preferred_conn one = seen_by(end, best), two = seen_by(end, other);

	return preferred_closes(&one, &two);
}

Test(preferred, ends_that_dialled_each_other_keep_what_the_smaller_id_dialled)
{
	const struct conn conns[] = { { .dialer = 1, .order = { 1, 2 } },
				      { .dialer = 0, .order = { 2, 1 } } };

	make_ids();
	for (unsigned end = 0; end < ENDS; end++) {
		cr_assert(eq(sz, best_of(end, conns, 2), 1));
		cr_assert(closes(end, &conns[1], &conns[0]));
	}
}

Test(preferred, of_one_dialers_connections_the_older_is_kept_and_the_dialer_closes)
{
	const struct conn conns[] = { { .dialer = 1, .order = { 2, 2 } },
				      { .dialer = 1, .order = { 1, 1 } } };

	make_ids();
	for (unsigned end = 0; end < ENDS; end++) {
		cr_assert(eq(sz, best_of(end, conns, 2), 1));
		cr_assert(eq(int, closes(end, &conns[1], &conns[0]), end == 1));
	}
}

/* Every way in which three may be dialled, and the ends see them open. */
static void one_is_left(const struct conn *conns)
{
	bool gone[CONNS] = { false };
	size_t left = 0;

	for (unsigned end = 0; end < ENDS; end++) {
		size_t best = best_of(end, conns, CONNS);

		for (size_t i = 0; i < CONNS; i++)
			gone[i] = gone[i] || (i != best && closes(end, &conns[best], &conns[i]));
	}
	for (size_t i = 0; i < CONNS; i++)
		left += !gone[i];
	cr_assert(eq(sz, left, 1));
}

Test(preferred, whatever_the_order_exactly_one_is_left)
{
	static const uint64_t orders[][CONNS] = { { 1, 2, 3 }, { 1, 3, 2 }, { 2, 1, 3 },
						  { 2, 3, 1 }, { 3, 1, 2 }, { 3, 2, 1 } };

	make_ids();
	for (unsigned dialers = 0; dialers < 1 << CONNS; dialers++)
		for (size_t a = 0; a < 6; a++)
			for (size_t b = 0; b < 6; b++) {
				struct conn conns[CONNS];

				for (unsigned i = 0; i < CONNS; i++)
					conns[i] = (struct conn){ .dialer = dialers >> i & 1,
								  .order = { orders[a][i],
									     orders[b][i] } };
				one_is_left(conns);
			}
}

/* ---- while one of them may be dead ---- */

static bool loses_both(const struct conn conns[2])
{
	bool gone[2] = { false };

	for (unsigned end = 0; end < ENDS; end++) {
		size_t best = best_of(end, conns, 2);

		gone[!best] = gone[!best] || closes(end, &conns[best], &conns[!best]);
	}
	return gone[0] && gone[1];
}

Test(preferred, a_doubted_one_is_the_last_choice_and_nobody_closes_meanwhile)
{
	struct conn conns[] = { { .dialer = 0, .order = { 1, 1 }, .doubted = { true, true } },
				{ .dialer = 1, .order = { 2, 2 } } };

	make_ids();
	for (unsigned end = 0; end < ENDS; end++) {
		cr_assert(eq(sz, best_of(end, conns, 2), 1));
		cr_assert(not(closes(end, &conns[1], &conns[0])));
		conns[0].doubted[end] = false; /* it answers */
		cr_assert(eq(sz, best_of(end, conns, 2), 0));
		cr_assert(closes(end, &conns[0], &conns[1]));
	}
}

/* Each end may doubt any of two, but not the one that opened last there: that is why it doubts. */
Test(preferred, whoever_is_doubted_where_one_is_left)
{
	static const uint64_t orders[][2] = { { 1, 2 }, { 2, 1 } };

	make_ids();
	for (unsigned bits = 0; bits < 1 << 6; bits++) {
		const uint64_t *here = orders[bits & 1], *there = orders[bits >> 1 & 1];
		struct conn conns[2];

		for (unsigned i = 0; i < 2; i++)
			conns[i] = (struct conn){ .dialer = bits >> (2 + i) & 1,
						  .doubted = { here[i] == 1 && bits & 1 << 4,
							       there[i] == 1 && bits & 1 << 5 },
						  .order = { here[i], there[i] } };
		cr_assert(not(loses_both(conns)));
	}
}
