/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/host/limits_count.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <stdio.h>

#include "base/formats/key.h"
#include "base/init.h"
#include "controlplane/proto/prefix_limit.h"

static struct host_limits *limits;
static const vd_ns start = VD_SECONDS(1000);

static const struct host_limits_config small = { .connections = 100,
						 .negotiating = 10,
						 .prefix = 3,
						 .peer_streams = 5,
						 .protocol_streams = 4,
						 .buffered_bytes = 16000 };

static void begin(void)
{
	cr_assert(eq(int, vd_init(), VD_OK));
	cr_assert(eq(int, host_limits_new(&small, &limits), VD_OK));
}

static struct sockaddr_storage address(const char *text)
{
	struct sockaddr_storage out = { .ss_family = strchr(text, ':') ? AF_INET6 : AF_INET };
	void *ip = out.ss_family == AF_INET6 ? (void *)&((struct sockaddr_in6 *)&out)->sin6_addr
					     : (void *)&((struct sockaddr_in *)&out)->sin_addr;

	cr_assert(eq(int, inet_pton(out.ss_family, text, ip), 1));
	return out;
}

static enum vd_err arrive(const char *text, vd_ns now)
{
	struct sockaddr_storage remote = address(text);
	const char *why = NULL;
	enum vd_err err = host_limits_arrive(limits, &remote, now, &why);

	cr_assert(eq(int, err != VD_OK, why != NULL));
	return err;
}

static void depart(const char *text)
{
	struct sockaddr_storage remote = address(text);

	host_limits_depart(limits, &remote);
}

static void assert_blocked(enum host_limit which, uint64_t count)
{
	cr_assert(eq(u64, host_limits_blocked(limits, which), count), "%s", host_limit_name(which));
}

/* ---- connections ---- */

Test(limits, connections_that_do_not_negotiate_make_no_room_for_others)
{
	begin();
	for (unsigned i = 0; i < 10; i++)
		cr_assert(eq(int, host_limits_enter(limits, i % 2), VD_OK));
	cr_assert(eq(int, host_limits_enter(limits, false), VD_ELIMIT));
	assert_blocked(HOST_LIMIT_NEGOTIATING, 1);
	host_limits_opened(limits, true);
	cr_assert(eq(int, host_limits_enter(limits, false), VD_OK));
	host_limits_leave(limits, false, false);
	cr_assert(eq(int, host_limits_enter(limits, false), VD_OK));
	host_limits_free(limits);
}

Test(limits, who_connects_to_us_leaves_a_quarter_for_our_dials)
{
	begin();
	for (unsigned i = 0; i < 8; i++) /* of 10 that negotiate */
		cr_assert(eq(int, host_limits_enter(limits, false), VD_OK));
	cr_assert(eq(int, host_limits_enter(limits, false), VD_ELIMIT));
	assert_blocked(HOST_LIMIT_NEGOTIATING, 1);
	for (unsigned i = 0; i < 2; i++)
		cr_assert(eq(int, host_limits_enter(limits, true), VD_OK));
	cr_assert(eq(int, host_limits_enter(limits, true), VD_ELIMIT));
	for (unsigned i = 0; i < 10; i++)
		host_limits_opened(limits, i < 2);
	for (unsigned i = 8; i < 75; i++) { /* of 100 */
		cr_assert(eq(int, host_limits_enter(limits, false), VD_OK));
		host_limits_opened(limits, false);
	}
	cr_assert(eq(int, host_limits_enter(limits, false), VD_ELIMIT));
	assert_blocked(HOST_LIMIT_CONNECTIONS, 1);
	cr_assert(eq(int, host_limits_enter(limits, true), VD_OK));
	host_limits_free(limits);
}

Test(limits, connections_in_all_are_bounded_and_counted_by_direction)
{
	begin();
	for (unsigned i = 0; i < 100; i++) {
		cr_assert(eq(int, host_limits_enter(limits, i < 30), VD_OK));
		host_limits_opened(limits, i < 30);
	}
	cr_assert(eq(int, host_limits_enter(limits, false), VD_ELIMIT));
	assert_blocked(HOST_LIMIT_CONNECTIONS, 1);
	cr_assert(eq(u32, host_limits_used(limits).connections[0], 70));
	cr_assert(eq(u32, host_limits_used(limits).connections[1], 30));
	cr_assert(eq(u32, host_limits_used(limits).negotiating[0], 0));
	host_limits_leave(limits, true, true);
	cr_assert(eq(int, host_limits_enter(limits, false), VD_OK));
	host_limits_free(limits);
}

/* ---- prefixes ---- */

Test(limits, an_ipv4_address_has_so_many_connections_and_its_neighbour_too)
{
	begin();
	for (unsigned i = 0; i < 3; i++)
		cr_assert(eq(int, arrive("192.0.2.1", start), VD_OK));
	cr_assert(eq(int, arrive("192.0.2.1", start), VD_ELIMIT));
	cr_assert(eq(int, arrive("::ffff:192.0.2.1", start), VD_ELIMIT));
	assert_blocked(HOST_LIMIT_PREFIX, 2);
	cr_assert(eq(int, arrive("192.0.2.2", start), VD_OK));
	depart("192.0.2.1");
	cr_assert(eq(int, arrive("192.0.2.1", start), VD_OK));
	host_limits_free(limits);
}

Test(limits, an_ipv6_56_is_one_prefix_and_a_48_takes_eight_times_as_many)
{
	char text[64];

	begin();
	for (unsigned i = 0; i < 3; i++) {
		snprintf(text, sizeof text, "2001:db8:0:%x::1", i);
		cr_assert(eq(int, arrive(text, start), VD_OK));
	}
	cr_assert(eq(int, arrive("2001:db8:0:ff::1", start), VD_ELIMIT));
	for (unsigned i = 3; i < 24; i++) {
		snprintf(text, sizeof text, "2001:db8:0:%x00::1", i / 3);
		cr_assert(eq(int, arrive(text, start), VD_OK));
	}
	cr_assert(eq(int, arrive("2001:db8:0:f000::1", start), VD_ELIMIT));
	cr_assert(eq(int, arrive("2001:db8:1::1", start), VD_OK));
	host_limits_free(limits);
}

Test(limits, loopback_is_exempt)
{
	begin();
	for (unsigned i = 0; i < 500; i++) {
		cr_assert(eq(int, arrive(i % 2 ? "127.0.0.1" : "::1", start), VD_OK));
		depart(i % 2 ? "127.0.0.1" : "::1");
		cr_assert(eq(int, arrive(i % 2 ? "127.1.2.3" : "::ffff:127.0.0.1", start), VD_OK));
	}
	host_limits_free(limits);
}

Test(limits, who_comes_and_goes_without_end_is_slowed)
{
	unsigned in = 0;

	begin();
	for (unsigned i = 0; i < 1000; i++)
		if (arrive("192.0.2.1", start) == VD_OK) {
			in++;
			depart("192.0.2.1");
		}
	cr_assert(eq(uint, in, PREFIX_BURST));
	assert_blocked(HOST_LIMIT_PREFIX_RATE, 1000 - PREFIX_BURST);
	cr_assert(eq(int, arrive("192.0.2.2", start), VD_OK));
	cr_assert(eq(int, arrive("192.0.2.1", start + VD_SECONDS(1)), VD_OK));
	host_limits_free(limits);
}

/* ---- streams ---- */

Test(limits, streams_of_a_peer_and_of_a_protocol_are_bounded)
{
	struct host_limits_protocol *ping, *perf;

	begin();
	ping = host_limits_protocol(limits, "/ping");
	perf = host_limits_protocol(limits, "/perf");
	cr_assert(ping != perf);
	cr_assert(host_limits_protocol(limits, "/ping") == ping);
	for (unsigned i = 0; i < 4; i++)
		cr_assert(eq(int, host_limits_add_stream(limits, ping), VD_OK));
	cr_assert(eq(int, host_limits_add_stream(limits, ping), VD_ELIMIT));
	assert_blocked(HOST_LIMIT_PROTOCOL_STREAMS, 1);
	cr_assert(eq(int, host_limits_add_stream(limits, perf), VD_OK));
	cr_assert(eq(u32, host_limits_used(limits).streams, 5));
	host_limits_del_stream(limits, ping);
	cr_assert(eq(int, host_limits_add_stream(limits, ping), VD_OK));
	host_limits_free(limits);
}

static struct vd_peer_id a_peer(void)
{
	struct vd_identity identity;
	struct vd_peer_id id;

	vd_identity_generate(&identity);
	id = identity.id;
	vd_identity_fini(&identity);
	return id;
}

Test(limits, streams_of_a_peer_are_counted_over_all_its_connections)
{
	struct host_limits_peer *one, *two, *other;
	struct vd_peer_id id, another;

	begin();
	id = a_peer();
	another = a_peer();
	one = host_limits_peer(limits, &id);
	two = host_limits_peer(limits, &id);
	other = host_limits_peer(limits, &another);
	for (unsigned i = 0; i < 5; i++)
		cr_assert(eq(int, host_limits_peer_stream(limits, i % 2 ? one : two), VD_OK));
	cr_assert(eq(int, host_limits_peer_stream(limits, one), VD_ELIMIT));
	cr_assert(eq(int, host_limits_peer_stream(limits, two), VD_ELIMIT));
	assert_blocked(HOST_LIMIT_PEER_STREAMS, 2);
	cr_assert(eq(int, host_limits_peer_stream(limits, other), VD_OK));
	host_limits_peer_stream_ended(one);
	cr_assert(eq(int, host_limits_peer_stream(limits, two), VD_OK));
	for (unsigned i = 0; i < 5; i++)
		host_limits_peer_stream_ended(two);
	host_limits_peer_left(limits, one);
	cr_assert(eq(int, host_limits_peer_stream(limits, two), VD_OK)); /* still there */
	host_limits_peer_stream_ended(two);
	host_limits_peer_left(limits, two);
	host_limits_free(limits); /* frees the other */
}

/* Each in a bucket with others: 5,000 peers in 64 of them, entered, found again, and left. */
Test(limits, many_peers_are_told_apart)
{
	enum { MANY = 5000 };
	static struct host_limits_peer *peers[MANY];
	struct vd_peer_id id = { 0 };

	begin();
	id = a_peer();
	for (uint32_t i = 0; i < MANY; i++) {
		memcpy(id.bytes + id.len - sizeof i, &i, sizeof i);
		peers[i] = host_limits_peer(limits, &id);
		cr_assert(peers[i] != NULL);
	}
	for (uint32_t i = 0; i < MANY; i++) {
		memcpy(id.bytes + id.len - sizeof i, &i, sizeof i);
		cr_assert(host_limits_peer(limits, &id) == peers[i]);
		host_limits_peer_left(limits, peers[i]);
		host_limits_peer_left(limits, peers[i]);
	}
	host_limits_free(limits);
}

/* ---- bytes ---- */

Test(limits, who_has_more_than_its_share_goes_when_all_have_too_much)
{
	begin();
	cr_assert(eq(int, host_limits_buffer(limits, 0, 900, false), VD_OK));
	cr_assert(eq(int, host_limits_buffer(limits, 0, 15000, false), VD_OK));
	cr_assert(eq(int, host_limits_buffer(limits, 900, 1000, false), VD_OK)); /* a 16th, just */
	cr_assert(eq(int, host_limits_buffer(limits, 1000, 1001, false), VD_ELIMIT));
	cr_assert(
	    eq(int, host_limits_buffer(limits, 15000, 15000, false), VD_OK)); /* it did not grow */
	cr_assert(eq(int, host_limits_buffer(limits, 15000, 15100, false), VD_ELIMIT));
	assert_blocked(HOST_LIMIT_BUFFERED, 2);
	cr_assert(eq(u64, host_limits_used(limits).buffered_bytes, 16101));
	cr_assert(eq(int, host_limits_buffer(limits, 15100, 0, false), VD_OK));
	cr_assert(eq(int, host_limits_buffer(limits, 1001, 2000, false), VD_OK));
	host_limits_free(limits);
}

Test(limits, what_flows_may_be_a_quarter_more)
{
	begin();
	cr_assert(eq(int, host_limits_buffer(limits, 0, 15000, false), VD_OK));
	cr_assert(eq(int, host_limits_buffer(limits, 0, 5000, true), VD_OK)); /* 20,000 */
	cr_assert(eq(int, host_limits_buffer(limits, 5000, 5001, true), VD_ELIMIT));
	cr_assert(eq(int, host_limits_buffer(limits, 0, 1001, false), VD_ELIMIT));
	assert_blocked(HOST_LIMIT_BUFFERED, 2);
	host_limits_free(limits);
}

/* ---- threads ---- */

static void *come_and_go(void *context)
{
	struct sockaddr_storage remote = address(context);
	struct host_limits_protocol *protocol = host_limits_protocol(limits, "/x");
	const char *why;

	for (unsigned i = 0; i < 20000; i++) {
		bool in = !host_limits_enter(limits, false);
		bool arrived =
		    in && !host_limits_arrive(limits, &remote, start + i * VD_SECONDS(1), &why);

		(void)host_limits_buffer(limits, 0, 10, false);
		if (arrived && !host_limits_add_stream(limits, protocol))
			host_limits_del_stream(limits, protocol);
		(void)host_limits_buffer(limits, 10, 0, false);
		if (arrived)
			host_limits_depart(limits, &remote);
		if (in)
			host_limits_leave(limits, false, false);
	}
	return NULL;
}

Test(limits, of_what_is_not_set_the_usual_limit_holds)
{
	const struct host_limits_config one = { .prefix = 3 };
	const struct host_limits_config *got, *usual;
	struct host_limits *all;

	cr_assert(eq(int, vd_init(), VD_OK));
	cr_assert(eq(int, host_limits_new(&one, &limits), VD_OK));
	cr_assert(eq(int, host_limits_new(NULL, &all), VD_OK));
	got = host_limits_config(limits);
	usual = host_limits_config(all);
	cr_assert(eq(u32, got->prefix, 3));
	cr_assert(eq(u32, usual->prefix, 8));
	cr_assert(eq(u32, got->connections, usual->connections));
	cr_assert(eq(u32, got->negotiating, usual->negotiating));
	cr_assert(eq(u32, got->peer_streams, usual->peer_streams));
	cr_assert(eq(u32, got->protocol_streams, usual->protocol_streams));
	cr_assert(eq(u64, got->buffered_bytes, usual->buffered_bytes));
	cr_assert(gt(u64, usual->buffered_bytes, 0));
	host_limits_free(limits);
	host_limits_free(all);
}

Test(limits, threads_leave_nothing_behind)
{
	static const char *const from[] = { "192.0.2.1", "192.0.2.1", "2001:db8::1", "127.0.0.1" };
	pthread_t threads[4];
	struct host_limits_used used;

	begin();
	for (unsigned i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, come_and_go, (void *)(uintptr_t)from[i]);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	used = host_limits_used(limits);
	cr_assert(eq(u32, used.connections[0] + used.negotiating[0] + used.streams, 0));
	cr_assert(eq(u64, used.buffered_bytes, 0));
	for (unsigned i = 0; i < 3; i++)
		cr_assert(eq(int, arrive("192.0.2.1", start * 100), VD_OK));
	host_limits_free(limits);
}
