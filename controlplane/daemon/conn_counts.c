/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/conn_counts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static_assert((int)CONN_COUNTS_DURATIONS <= (int)CONN_COUNTS_HANDSHAKES);

/* ---- histograms ---- */

struct buckets {
	double first, factor; /* ends: first, first * factor, … */
	unsigned count;
};
static const struct buckets durations = { 1.0 / 16, 2, CONN_COUNTS_DURATIONS };
static const struct buckets handshakes = { 0.001, 1.3, CONN_COUNTS_HANDSHAKES };

static void add(struct conn_histogram *histogram, const struct buckets *buckets, vd_ns time)
{
	double end = buckets->first, time_s = (double)time / VD_NS_PER_S;
	unsigned i = 0;

	for (; i < buckets->count && time_s > end; i++)
		end *= buckets->factor;
	histogram->counts[i]++;
	histogram->sum_s += time_s;
}

/*
 * As Go's client writes it, so that one end has one text: as few digits as name the number, an
 * exponent from a million on, and a dot where there would be neither.
 */
static void name_end(double end, char out[32])
{
	int digits = 0;

	do
		snprintf(out, 32, end < 1e6 ? "%.*g" : "%.*e", digits, end);
	while (strtod(out, NULL) != end && digits++ < 17);
	if (!strpbrk(out, ".e"))
		strcat(out, ".0");
}

static void write_histogram(struct metrics *m, const struct conn_histogram *histogram,
			    const struct buckets *buckets, const char *const *labels)
{
	double end = buckets->first;
	uint64_t all = 0;
	char text[32];

	for (unsigned i = 0; i < buckets->count; i++, end *= buckets->factor) {
		all += histogram->counts[i];
		name_end(end, text);
		metrics_sample_bucket(m, all, text, labels);
	}
	all += histogram->counts[buckets->count];
	metrics_sample_bucket(m, all, "+Inf", labels);
	metrics_sample_sum(m, all, histogram->sum_s, labels);
}

static void add_all(struct conn_histogram *to, const struct conn_histogram *more)
{
	for (size_t i = 0; i < sizeof to->counts / sizeof *to->counts; i++)
		to->counts[i] += more->counts[i];
	to->sum_s += more->sum_s;
}

/* ---- rows ---- */

enum { OUTBOUND = 1, TLS = 2, EARLY = 4, IP6 = 8 }; /* bits of a row's number */

static bool is_ip6(const struct vd_multiaddr *address)
{
	struct vd_multiaddr_part part;
	size_t at = 0;

	return vd_multiaddr_next(address, &at, &part) && part.code == VD_MA_IP6;
}

static struct conn_counts_row *row_of(struct conn_counts *counts, const struct host_conn_info *info)
{
	unsigned row = info->dialer ? OUTBOUND : 0;

	row |= strcmp(info->security, "/noise") == 0 ? 0 : TLS;
	row |= info->early_muxer ? EARLY : 0;
	row |= is_ip6(&info->remote) ? IP6 : 0;
	return &counts->rows[row];
}

void conn_counts_opened(struct conn_counts *counts, const struct host_conn_info *info)
{
	struct conn_counts_row *row = row_of(counts, info);

	row->opened++;
	add(&row->handshakes, &handshakes, info->handshake);
	if ((unsigned)info->key_type < CONN_COUNTS_KEYS)
		counts->keys[info->dialer][info->key_type]++;
}

void conn_counts_closed(struct conn_counts *counts, const struct host_conn_info *info, vd_ns now)
{
	struct conn_counts_row *row = row_of(counts, info);

	row->closed++;
	add(&row->durations, &durations, now - info->since);
}

/* ---- told ---- */

static const char *const directions[] = { "inbound", "outbound" };

/* Pairs of name and value, and NULL; the first pair is the direction. */
enum { LABELS = 13 };

static void label(unsigned row, const char *labels_out[LABELS])
{
	const char *labels[LABELS] = {
		"dir",         directions[row & OUTBOUND],
		"transport",   "tcp",
		"security",    row & TLS ? "/tls/1.0.0" : "/noise",
		"muxer",       "/yamux/1.0.0",
		"early_muxer", row & EARLY ? "true" : "false",
		"ip_version",  row & IP6 ? "ip6" : "ip4",
	};

	memcpy(labels_out, labels, sizeof labels);
}

static void write_opened(const struct conn_counts *counts, struct metrics *m)
{
	const char *labels[LABELS];

	metrics_counter(m, "libp2p_swarm_connections_opened", "libp2p connections opened");
	for (unsigned i = 0; i < CONN_COUNTS_ROWS; i++) {
		label(i, labels);
		if (counts->rows[i].opened)
			metrics_sample_u64(m, counts->rows[i].opened, labels);
	}
}

static void write_closed(const struct conn_counts *counts, struct metrics *m)
{
	const char *labels[LABELS];

	metrics_counter(m, "libp2p_swarm_connections_closed", "libp2p connections closed");
	for (unsigned i = 0; i < CONN_COUNTS_ROWS; i++) {
		label(i, labels);
		if (counts->rows[i].opened)
			metrics_sample_u64(m, counts->rows[i].closed, labels);
	}
}

static void write_durations(const struct conn_counts *counts, struct metrics *m)
{
	const char *labels[LABELS];

	metrics_histogram(m, "libp2p_swarm_connection_duration_seconds",
			  "how long libp2p connections were there that are closed");
	for (unsigned i = 0; i < CONN_COUNTS_ROWS; i++) {
		label(i, labels);
		if (counts->rows[i].closed)
			write_histogram(m, &counts->rows[i].durations, &durations, labels);
	}
}

/* Of both directions together, as go-libp2p has it. */
static void write_handshakes(const struct conn_counts *counts, struct metrics *m)
{
	const char *labels[LABELS];

	metrics_histogram(m, "libp2p_swarm_handshake_latency_seconds",
			  "from a socket to a libp2p connection");
	for (unsigned i = 0; i < CONN_COUNTS_ROWS; i += 2) {
		struct conn_histogram both = counts->rows[i].handshakes;

		label(i, labels);
		add_all(&both, &counts->rows[i + OUTBOUND].handshakes);
		if (counts->rows[i].opened || counts->rows[i + OUTBOUND].opened)
			write_histogram(m, &both, &handshakes, labels + 2);
	}
}

static void write_keys(const struct conn_counts *counts, struct metrics *m)
{
	static const char *const names[CONN_COUNTS_KEYS] = { "RSA", "Ed25519", "Secp256k1",
							     "ECDSA" };

	metrics_counter(m, "libp2p_swarm_key_types", "peers that were connected, by key");
	for (size_t dir = 0; dir < 2; dir++)
		for (size_t type = 0; type < CONN_COUNTS_KEYS; type++)
			if (counts->keys[dir][type])
				metrics_u64(m, counts->keys[dir][type], "dir", directions[dir],
					    "key_type", names[type]);
}

void conn_counts_write(const struct conn_counts *counts, struct metrics *m)
{
	write_opened(counts, m);
	write_closed(counts, m);
	write_durations(counts, m);
	write_handshakes(counts, m);
	write_keys(counts, m);
}
