/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "controlplane/daemon/conn_counts.h"

/* Names and buckets: go-libp2p v0.51.0, p2p/net/swarm/swarm_metrics.go. */

static struct conn_counts counts;
static struct metrics m;

static struct host_conn_info info_of(const char *remote, const char *security, bool dialer)
{
	struct host_conn_info info = { .security = security,
				       .muxer = "/yamux/1.0.0",
				       .dialer = dialer,
				       .since = VD_SECONDS(100),
				       .key_type = VD_KEY_ED25519 };

	cr_assert(eq(int, (int)vd_multiaddr_of_text(remote, &info.remote), VD_OK));
	return info;
}

static bool is_told(const char *line)
{
	char whole[256];

	metrics_fini(&m);
	metrics_init(&m);
	conn_counts_write(&counts, &m);
	cr_assert(eq(int, (int)metrics_finish(&m), VD_OK));
	snprintf(whole, sizeof whole, "\n%s\n", line);
	return strstr(m.text, whole);
}

static void reset(void)
{
	counts = (struct conn_counts){ 0 };
}

TestSuite(conn_counts, .init = reset);

Test(conn_counts, connections_are_told_by_what_they_are)
{
	struct host_conn_info in = info_of("/ip4/127.0.0.1/tcp/1", "/noise", false);
	struct host_conn_info out = info_of("/ip6/::1/tcp/1", "/tls/1.0.0", true);

	out.early_muxer = true;
	conn_counts_opened(&counts, &in);
	conn_counts_opened(&counts, &in);
	conn_counts_opened(&counts, &out);
	conn_counts_closed(&counts, &in, VD_SECONDS(101));
	cr_assert(is_told("libp2p_swarm_connections_opened_total{dir=\"inbound\",transport=\"tcp\","
			  "security=\"/noise\",muxer=\"/yamux/1.0.0\",early_muxer=\"false\","
			  "ip_version=\"ip4\"} 2"));
	cr_assert(
	    is_told("libp2p_swarm_connections_opened_total{dir=\"outbound\",transport=\"tcp\","
		    "security=\"/tls/1.0.0\",muxer=\"/yamux/1.0.0\",early_muxer=\"true\","
		    "ip_version=\"ip6\"} 1"));
	cr_assert(is_told("libp2p_swarm_connections_closed_total{dir=\"inbound\",transport=\"tcp\","
			  "security=\"/noise\",muxer=\"/yamux/1.0.0\",early_muxer=\"false\","
			  "ip_version=\"ip4\"} 1"));
	cr_assert(
	    is_told("libp2p_swarm_connections_closed_total{dir=\"outbound\",transport=\"tcp\","
		    "security=\"/tls/1.0.0\",muxer=\"/yamux/1.0.0\",early_muxer=\"true\","
		    "ip_version=\"ip6\"} 0"));
}

#define IN_LABELS                                                                                  \
	"{dir=\"inbound\",transport=\"tcp\",security=\"/noise\",muxer=\"/yamux/1.0.0\","           \
	"early_muxer=\"false\",ip_version=\"ip4\""
#define BOTH_LABELS                                                                                \
	"{transport=\"tcp\",security=\"/noise\",muxer=\"/yamux/1.0.0\",early_muxer=\"false\","     \
	"ip_version=\"ip4\""

Test(conn_counts, a_duration_on_an_end_is_in_that_bucket)
{
	struct host_conn_info in = info_of("/ip4/127.0.0.1/tcp/1", "/noise", false);

	conn_counts_opened(&counts, &in);
	conn_counts_closed(&counts, &in, VD_SECONDS(102));
	cr_assert(is_told("libp2p_swarm_connection_duration_seconds_bucket" IN_LABELS
			  ",le=\"0.0625\"} 0"));
	cr_assert(
	    is_told("libp2p_swarm_connection_duration_seconds_bucket" IN_LABELS ",le=\"1.0\"} 0"));
	cr_assert(
	    is_told("libp2p_swarm_connection_duration_seconds_bucket" IN_LABELS ",le=\"2.0\"} 1"));
	cr_assert(is_told("libp2p_swarm_connection_duration_seconds_bucket" IN_LABELS
			  ",le=\"1.048576e+06\"} 1"));
	cr_assert(is_told("libp2p_swarm_connection_duration_seconds_sum" IN_LABELS "} 2"));
}

Test(conn_counts, what_is_longer_than_all_ends_is_counted)
{
	struct host_conn_info in = info_of("/ip4/127.0.0.1/tcp/1", "/noise", false);

	conn_counts_opened(&counts, &in);
	conn_counts_closed(&counts, &in, VD_SECONDS(100 + (1 << 21)));
	cr_assert(is_told("libp2p_swarm_connection_duration_seconds_bucket" IN_LABELS
			  ",le=\"1.048576e+06\"} 0"));
	cr_assert(
	    is_told("libp2p_swarm_connection_duration_seconds_bucket" IN_LABELS ",le=\"+Inf\"} 1"));
	cr_assert(is_told("libp2p_swarm_connection_duration_seconds_count" IN_LABELS "} 1"));
}

Test(conn_counts, handshakes_of_both_directions_are_one_histogram)
{
	struct host_conn_info in = info_of("/ip4/127.0.0.1/tcp/1", "/noise", false);
	struct host_conn_info out = info_of("/ip4/127.0.0.1/tcp/1", "/noise", true);

	in.handshake = VD_MS(1);
	out.handshake = VD_MS(1) + 200000;
	conn_counts_opened(&counts, &in);
	conn_counts_opened(&counts, &out);
	cr_assert(is_told("libp2p_swarm_handshake_latency_seconds_bucket" BOTH_LABELS
			  ",le=\"0.001\"} 1"));
	cr_assert(is_told("libp2p_swarm_handshake_latency_seconds_bucket" BOTH_LABELS
			  ",le=\"0.0013000000000000002\"} 2"));
	cr_assert(is_told("libp2p_swarm_handshake_latency_seconds_count" BOTH_LABELS "} 2"));
}

Test(conn_counts, keys_are_told_by_type)
{
	struct host_conn_info in = info_of("/ip4/127.0.0.1/tcp/1", "/noise", false);

	conn_counts_opened(&counts, &in);
	in.key_type = VD_KEY_RSA;
	conn_counts_opened(&counts, &in);
	cr_assert(is_told("libp2p_swarm_key_types_total{dir=\"inbound\",key_type=\"RSA\"} 1"));
	cr_assert(is_told("libp2p_swarm_key_types_total{dir=\"inbound\",key_type=\"Ed25519\"} 1"));
	cr_assert(
	    not(is_told("libp2p_swarm_key_types_total{dir=\"outbound\",key_type=\"RSA\"} 0")));
}
