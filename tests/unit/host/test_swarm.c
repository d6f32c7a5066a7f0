/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Connections of swarms; each test without and with threads. */
#include "tests/unit/host/swarm_rig.h"

/* ---- connections ---- */

Test(swarm, knows_a_connection_from_its_opening_to_its_end)
{
	EACH_VARIANT(threads)
	{
		const struct swarm_conn *conn;
		uint64_t id;

		begin(threads);
		dial_b();
		conn = swarm_find(a->swarm, &b->identity.id);
		cr_assert(conn != NULL);
		cr_assert(eq(u64, conn->id, said.id));
		cr_assert(conn->info.dialer);
		cr_assert(eq(int, conn->thread != 0, threads != 0));
		cr_assert(eq(uint, a->opened, 1));
		TURN_UNTIL(a->identified && b->identified);
		cr_assert(a->knows_agent && b->knows_agent);
		id = swarm_find(b->swarm, &a->identity.id)->id;
		swarm_disconnect(b->swarm, id);
		cr_assert(eq(uint, b->closed, 0)); /* not from within */
		cr_assert(swarm_find(b->swarm, &a->identity.id) == NULL);
		TURN_UNTIL(a->closed && b->closed);
		cr_assert(swarm_conn(b->swarm, id) == NULL);
		cr_assert(eq(u64, b->last, id));
		cr_assert(eq(int, b->err, VD_OK));
		cr_assert(eq(u32, swarm_connection_count(a->swarm), 0));
		end();
	}
}

Test(swarm, a_second_dial_takes_the_open_connection_a_turn_later)
{
	EACH_VARIANT(threads)
	{
		uint64_t first;

		begin(threads);
		dial_b();
		first = said.id;
		cr_assert(eq(int, swarm_dial(a->swarm, &b->address, on_dial, NULL, NULL), VD_OK));
		cr_assert(eq(uint, said.count, 1));
		until(2);
		cr_assert(eq(u64, said.id, first));
		cr_assert(eq(uint, a->opened, 1));
		end();
	}
}

Test(swarm, dials_to_one_address_are_shared_and_one_may_be_canceled)
{
	EACH_VARIANT(threads)
	{
		uint64_t dials[3];

		begin(threads);
		for (unsigned i = 0; i < 3; i++)
			cr_assert(eq(int,
				     swarm_dial(a->swarm, &b->address, on_dial, NULL, &dials[i]),
				     VD_OK));
		swarm_dial_cancel(a->swarm, dials[1]);
		until(2);
		ping_b(said.id);
		cr_assert(eq(uint, said.count, 3)); /* the canceled one is not told */
		cr_assert(eq(u64, swarm_counters(a->swarm).hosts.dialled, 1));
		end();
	}
}

Test(swarm, a_dial_that_nobody_waits_for_ends)
{
	EACH_VARIANT(threads)
	{
		struct vd_multiaddr address;
		uint64_t dial;
		int fd, peer = -1;

		begin(threads);
		fd = deaf(&address, &b->identity.id);
		cr_assert(eq(int, swarm_dial(a->swarm, &address, on_dial, NULL, &dial), VD_OK));
		TURN_UNTIL((peer = accept(fd, NULL, NULL)) >= 0);
		swarm_dial_cancel(a->swarm, dial);
		TURN_UNTIL(has_ended(peer));
		cr_assert(eq(uint, said.count, 0));
		cr_assert(eq(u64, swarm_counters(a->swarm).hosts.dials_failed, 0));
		close(peer);
		close(fd);
		end();
	}
}

Test(swarm, when_a_dial_got_its_socket_can_be_asked)
{
	EACH_VARIANT(threads)
	{
		struct vd_multiaddr address;
		vd_ns before, at;
		uint64_t dials[2];
		int fd;

		begin(threads);
		before = vd_now();
		fd = deaf(&address, &b->identity.id);
		cr_assert(eq(int, swarm_dial(a->swarm, &address, on_dial, NULL, &dials[0]), VD_OK));
		if (!threads) /* one may be that fast */
			cr_assert(eq(u64, swarm_dial_up_at(a->swarm, dials[0]), 0));
		TURN_UNTIL(swarm_dial_up_at(a->swarm, dials[0]) != 0);
		at = swarm_dial_up_at(a->swarm, dials[0]);
		cr_assert(ge(u64, at, before));
		cr_assert(le(u64, at, vd_now()));
		cr_assert(eq(int, swarm_dial(a->swarm, &address, on_dial, NULL, &dials[1]), VD_OK));
		TURN_UNTIL(swarm_dial_up_at(a->swarm, dials[1]) == at); /* it is the same */
		swarm_dial_cancel(a->swarm, dials[0]);
		cr_assert(eq(u64, swarm_dial_up_at(a->swarm, dials[0]), 0));
		close(fd); /* it is reset */
		until(1);
		cr_assert(eq(u64, swarm_dial_up_at(a->swarm, dials[1]), 0));
		end();
	}
}

Test(swarm, a_dial_that_fails_says_why)
{
	EACH_VARIANT(threads)
	{
		struct vd_multiaddr nobody;
		int fd;

		begin(threads);
		fd = deaf(&nobody, &b->identity.id);
		close(fd);
		cr_assert(eq(int, swarm_dial(a->swarm, &nobody, on_dial, NULL, NULL), VD_OK));
		until(1);
		cr_assert(eq(int, said.err, VD_ELINK_CLOSED));
		cr_assert(eq(u64, said.id, 0));
		cr_assert(strstr(said.why, "refused") != NULL);
		end();
	}
}

Test(swarm, addresses_that_are_none_of_ours_are_refused)
{
	struct vd_multiaddr plain;

	begin(0);
	cr_assert(eq(int, vd_multiaddr_of_text("/ip4/127.0.0.1/tcp/1", &plain), VD_OK));
	cr_assert(eq(int, swarm_dial(a->swarm, &plain, on_dial, NULL, NULL), VD_EUSER));
	cr_assert(eq(int, swarm_dial(a->swarm, &a->address, on_dial, NULL, NULL), VD_EUSER));
	end();
}

struct spread {
	unsigned of[3];
};

static void count_thread(void *context, const struct swarm_conn *conn)
{
	((struct spread *)context)->of[conn->thread]++;
}

Test(swarm, connections_spread_evenly_over_threads)
{
	struct spread spread = { { 0 } };

	begin_loop();
	for (unsigned i = 0; i < SIDES; i++)
		open_side(&sides[i], &sides[i] == b ? 2 : 0, 0);
	for (unsigned i = 0; i < SIDES; i++)
		if (&sides[i] != b)
			cr_assert(eq(int,
				     swarm_dial(sides[i].swarm, &b->address, on_dial, NULL, NULL),
				     VD_OK));
	until(SIDES - 1);
	TURN_UNTIL(b->opened == SIDES - 1);
	swarm_each(b->swarm, count_thread, &spread);
	cr_assert(eq(uint, spread.of[1], (SIDES - 1) / 2));
	cr_assert(eq(uint, spread.of[2], (SIDES - 1) / 2));
	for (unsigned i = 0; i < SIDES; i++)
		swarm_free(sides[i].swarm);
	end_loop();
}

/* ---- the end ---- */

Test(swarm, ends_with_everything_under_way, .timeout = 120)
{
	EACH_VARIANT(threads)
	{
		struct vd_multiaddr address;
		int fd;

		begin(threads);
		fd = deaf(&address, &b->identity.id);
		serve_perf(b);
		dial_b();
		for (unsigned i = 0; i < 20; i++) {
			cr_assert(eq(
			    int, swarm_perf(a->swarm, said.id, 0, UINT64_C(1) << 40, on_perf, NULL),
			    VD_OK));
			cr_assert(eq(int, swarm_ping(a->swarm, said.id, on_ping, NULL), VD_OK));
		}
		address.bytes[4] = 2; /* 127.0.0.2: another one */
		cr_assert(eq(int, swarm_dial(b->swarm, &address, on_dial, NULL, NULL), VD_EUSER));
		cr_assert(eq(int, swarm_dial(a->swarm, &address, on_dial, NULL, NULL), VD_OK));
		for (unsigned i = 0; i < 5; i++)
			turn();
		swarm_free(a->swarm);
		a->swarm = NULL;
		cr_assert(eq(uint, said.count, 1 + 41)); /* each was told once */
		end();
		close(fd);
		said.count = 0;
	}
}

static void dial_again(void *context, const struct swarm_conn *conn, enum vd_err err,
		       const char *why)
{
	struct side *side = context;

	(void)why;
	(void)conn;
	side->err = swarm_dial(side->swarm, &b->address, on_dial, NULL, NULL);
	cr_assert(eq(int, swarm_ping(side->swarm, side->last, on_ping, NULL), VD_ELINK_CLOSED));
	cr_assert(eq(int, err, VD_ELINK_CLOSED));
	said.count++;
}

Test(swarm, takes_nothing_on_while_it_ends)
{
	EACH_VARIANT(threads)
	{
		struct vd_multiaddr address;
		int fd, peer = -1;

		begin(threads);
		fd = deaf(&address, &b->identity.id);
		cr_assert(eq(int, swarm_dial(a->swarm, &address, dial_again, a, NULL), VD_OK));
		TURN_UNTIL((peer = accept(fd, NULL, NULL)) >= 0);
		swarm_free(a->swarm);
		a->swarm = NULL;
		cr_assert(eq(uint, said.count, 1));
		cr_assert(eq(int, a->err, VD_ELINK_CLOSED));
		close(peer);
		close(fd);
		end();
	}
}

Test(swarm, without_a_secure_channel_is_refused_and_leaves_nothing)
{
	EACH_VARIANT(threads)
	{
		struct swarm_config config = {
			.host = { .loop = &loop, .no_noise = true, .no_tls = true },
			.threads = threads,
		};
		struct swarm *swarm = NULL;

		begin_loop();
		cr_assert(eq(int, swarm_new(&config, &swarm), VD_EUSER));
		cr_assert(eq(ptr, (void *)swarm, NULL));
		end_loop();
	}
}
