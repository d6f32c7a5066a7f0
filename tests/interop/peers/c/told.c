/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* told: the test `identify`: what a peer tells of itself, and of us, in the words of ../README.md.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/formats/peer_id.h"
#include "controlplane/proto/identify_stream.h"
#include "controlplane/proto/peer_record.h"
#include "tests/interop/peers/c/peer.h"

/* Of the one connection. */
static uint8_t kept[IDENTIFY_STREAM_MAX];
static size_t kept_len;

void told_keep(void *context, struct host_conn *conn, struct vd_bytes told)
{
	(void)context;
	(void)conn;
	if (told.len > sizeof kept)
		die("identify", "more than there may be");
	memcpy(kept, told.at, told.len);
	kept_len = told.len;
}

/* One line, in parts. */
struct line {
	char *at;
	size_t cap, len;
};

static void add(struct line *line, const char *text, size_t len)
{
	if (len >= line->cap - line->len)
		len = line->cap - line->len - 1;
	memcpy(line->at + line->len, text, len);
	line->len += len;
	line->at[line->len] = '\0';
}

static void add_text(struct line *line, const char *text)
{
	add(line, text, strlen(text));
}

static void add_address(struct line *line, struct vd_bytes bytes)
{
	struct vd_multiaddr address;
	char text[VD_MULTIADDR_TEXT];

	add_text(line, vd_multiaddr_of_bytes(bytes, &address) ? "none"
							      : vd_multiaddr_text(&address, text));
}

static void add_addresses(struct line *line, const char *key, const struct vd_bytes *addresses,
			  size_t count)
{
	add_text(line, key);
	for (size_t i = 0; i < count; i++) {
		add_text(line, i ? "," : "");
		add_address(line, addresses[i]);
	}
}

static void add_protocols(struct line *line, const struct identify *told)
{
	add_text(line, "protocols=");
	for (size_t i = 0; i < told->protocols_count; i++) {
		add_text(line, i ? "," : "");
		add(line, (const char *)told->protocols[i].at, told->protocols[i].len);
	}
}

static bool is_of(const struct vd_peer_id *peer, struct vd_bytes public_key)
{
	struct vd_peer_id of_key;

	return !vd_peer_id_of_public_key(public_key, &of_key) && vd_peer_id_equal(peer, &of_key);
}

/* What the record's signature does not prove is as if there were none. */
static void add_record(struct line *line, const struct identify *told,
		       const struct vd_peer_id *peer)
{
	struct peer_record record;

	if (peer_record_read(told->signed_record, &record) || !vd_peer_id_equal(&record.peer, peer))
		record.address_count = 0;
	add_addresses(line, " record=", record.addresses, record.address_count);
}

/* Where we dialled from, which is what it should have observed. */
static void add_from(struct line *line, const struct vd_udp_addr *local)
{
	const uint8_t *ip = local->ip + 12;
	char text[64];

	if (!vd_udp_addr_is_ip4(local))
		return;
	snprintf(text, sizeof text, " from=/ip4/%u.%u.%u.%u/tcp/%u", ip[0], ip[1], ip[2], ip[3],
		 local->port);
	add_text(line, text);
}

static void say_told(struct test *test)
{
	char said[sizeof test->said];
	struct line line = { .at = said, .cap = sizeof said };
	struct host_conn_info info;
	struct identify told;

	host_conn_info(test->conn, &info);
	if (identify_stream_read(vd_bytes(kept, kept_len), &told)) {
		end(test, true, "what it told cannot be read");
		return;
	}
	if (!is_of(&info.peer, told.public_key)) {
		end(test, true, "the key that it told is not its own");
		return;
	}
	add_protocols(&line, &told);
	add_addresses(&line, " addresses=", told.addresses, told.addresses_count);
	add_record(&line, &told, &info.peer);
	add_addresses(&line, " observed=", &told.observed, 1);
	add_from(&line, &info.local);
	add_text(&line, " agent=");
	add(&line, (const char *)told.agent.at, told.agent.len);
	end(test, false, said);
}

/* The host asks by itself. */
static void look(uv_timer_t *timer)
{
	if (kept_len)
		say_told(timer->data);
	else
		uv_timer_start(timer, look, 10, 0);
}

void identify(struct test *test)
{
	static uv_timer_t timer;

	uv_timer_init(uv_default_loop(), &timer);
	timer.data = test;
	look(&timer);
}
