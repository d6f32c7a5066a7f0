/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "tests/netns/rogue.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/init.h"
#include "base/time.h"
#include "controlplane/proto/ping.h"
#include "multigram/frame.h"
#include "switch/forward.h"
#include "switch/label.h"

enum { PEERS = 16, WAIT_S = 10 };

static_assert(sizeof(struct vd_udp_addr) <= PEERING_PATH_BYTES);

static _Noreturn void stop(const char *what)
{
	fprintf(stderr, "rogue: %s\n", what);
	exit(1);
}

/* ---- generations ---- */

static struct rogue_generation *find(struct rogue *rogue, uint32_t index)
{
	for (unsigned i = 0; index && i < ROGUE_GENERATIONS; i++)
		if (rogue->generations[i].index == index)
			return &rogue->generations[i];
	return NULL;
}

static struct rogue_generation *current(struct rogue *rogue, const struct vd_peer_id *peer,
					bool session)
{
	for (unsigned i = 0; i < ROGUE_GENERATIONS; i++) {
		struct rogue_generation *g = &rogue->generations[i];

		if (g->index && g->current && g->session == session &&
		    vd_peer_id_equal(&g->peer, peer))
			return g;
	}
	return NULL;
}

struct rogue_generation *rogue_current(struct rogue *rogue, const struct vd_peer_id *peer,
				       bool session)
{
	struct rogue_generation *g = current(rogue, peer, session);

	if (!g)
		stop(session ? "no session with that peer" : "no link with that peer");
	return g;
}

static bool admit(void *context, const struct peering_claim *claim)
{
	(void)context;
	(void)claim;
	return true;
}

static enum vd_err index_reserve(void *context, uint32_t *index_out)
{
	*index_out = ++((struct rogue *)context)->last_index;
	return VD_OK;
}

static void index_release(void *context, uint32_t index)
{
	(void)context;
	(void)index;
}

/* ---- paths ---- */

static struct peering_path path_of_addr(const struct vd_udp_addr *addr)
{
	struct peering_path path = { 0 };

	memcpy(path.bytes, addr, sizeof *addr);
	return path;
}

/* A way's peer is too long for a path, so the path holds the index of the link instead. */
static struct peering_path path_of_way(uint32_t link, uint64_t label)
{
	struct peering_path path = { 0 };

	memcpy(path.bytes, &link, sizeof link);
	memcpy(path.bytes + 8, &label, sizeof label);
	return path;
}

/* ---- out ---- */

static void send_datagram(struct rogue *rogue, const struct peering_path *path,
			  struct vd_bytes bytes)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6 };
	struct vd_udp_addr addr;

	memcpy(&addr, path->bytes, sizeof addr);
	memcpy(&to.sin6_addr, addr.ip, sizeof addr.ip);
	to.sin6_port = htons(addr.port);
	(void)sendto(rogue->fd, bytes.at, bytes.len, 0, (struct sockaddr *)&to, sizeof to);
}

size_t rogue_frame(struct rogue_generation *link, const struct rogue_head *head,
		   struct vd_bytes payload, uint8_t out[ROGUE_FRAME])
{
	size_t len = SW_AT_PAYLOAD + payload.len;
	uint64_t tag;

	memset(out, 0, SW_AT_PAYLOAD);
	out[SW_AT_INDEX] = MG_SWITCH;
	vd_be32_store(out + SW_AT_RECEIVER, link->keys.remote_index);
	vd_be64_store(out + SW_AT_COUNTER, ++link->tx_counter);
	vd_be64_store(out + SW_AT_LABEL, head->label);
	out[SW_AT_FLAGS] = head->flags;
	out[SW_AT_USED] = head->used;
	if (payload.len)
		memcpy(out + SW_AT_PAYLOAD, payload.at, payload.len);
	tag = sw_tag(link->keys.tx_tag_key, out, (uint16_t)len);
	memcpy(out + SW_AT_TAG, &tag, sizeof tag);
	return len;
}

void rogue_send(struct rogue *rogue, const struct rogue_generation *link, struct vd_bytes frame)
{
	send_datagram(rogue, &link->path, frame);
}

static void send_payload(struct rogue *rogue, const struct peering_path *path,
			 struct vd_bytes payload)
{
	struct rogue_head head = { 0 };
	struct rogue_generation *link;
	uint8_t frame[ROGUE_FRAME];
	uint32_t index;

	memcpy(&index, path->bytes, sizeof index);
	memcpy(&head.label, path->bytes + 8, sizeof head.label);
	link = find(rogue, index);
	if (link)
		rogue_send(rogue, link, vd_bytes(frame, rogue_frame(link, &head, payload, frame)));
}

/* ---- events ---- */

static void on_install(struct rogue *rogue, bool session, const struct peering_event *event)
{
	for (unsigned i = 0; i < ROGUE_GENERATIONS; i++) {
		struct rogue_generation *g = &rogue->generations[i];

		if (g->index)
			continue;
		*g = (struct rogue_generation){ .index = event->index,
						.peer = event->peer,
						.path = event->path,
						.keys = *event->keys,
						.session = session };
		if (session)
			seal_init(&g->seal, g->keys.cipher, g->keys.tx_aead_key,
				  g->keys.rx_aead_key, g->keys.remote_index);
		return;
	}
	stop("too many generations");
}

static void on_use(struct rogue *rogue, const struct peering_event *event)
{
	struct rogue_generation *old = find(rogue, event->old_index);
	struct rogue_generation *next = find(rogue, event->index);

	if (old)
		old->current = false;
	if (next)
		next->current = true;
}

static void on_inner(struct rogue *rogue, const struct peering_event *event)
{
	struct rogue_generation *g = find(rogue, event->index);
	uint8_t frame[ROGUE_FRAME];
	size_t len;

	if (g && !seal_create(&g->seal, event->frame, frame, sizeof frame, &len))
		send_payload(rogue, &event->path, vd_bytes(frame, len));
}

static void on_control(struct rogue *rogue, const struct peering_event *event)
{
	struct control_msg msg;

	if (control_msg_decode(event->frame, &msg) ||
	    (msg.kind != CONTROL_RESERVED && msg.kind != CONTROL_ROUTE))
		return;
	rogue->answer = msg;
	rogue->answered = true;
}

static void on_event(struct rogue *rogue, bool session, const struct peering_event *event)
{
	struct peering *peering = session ? rogue->sessions : rogue->links;
	struct rogue_generation *g;

	switch (event->kind) {
	case PEERING_SEND:
		if (session)
			send_payload(rogue, &event->path, event->frame);
		else
			send_datagram(rogue, &event->path, event->frame);
		break;
	case PEERING_SEND_INNER: on_inner(rogue, event); break;
	case PEERING_INSTALL: on_install(rogue, session, event); break;
	case PEERING_USE: on_use(rogue, event); break;
	case PEERING_RETIRE:
		g = find(rogue, event->index);
		if (g)
			g->index = 0;
		break;
	case PEERING_JOB:
		peering_job_run(event->job);
		(void)peering_job_done(peering, event->job, vd_now());
		break;
	case PEERING_CONTROL: on_control(rogue, event); break;
	case PEERING_REFUSED_BY: stop("refused");
	default: break;
	}
}

static void drain(struct rogue *rogue)
{
	bool any = true;

	while (any) {
		any = false;
		for (unsigned session = 0; session < 2; session++) {
			struct peering *peering = session ? rogue->sessions : rogue->links;
			struct peering_event event = peering_next(peering);

			if (event.kind == PEERING_NONE)
				continue;
			on_event(rogue, session, &event);
			any = true;
		}
	}
}

/* ---- in ---- */

static void recv_sealed(struct rogue *rogue, const struct peering_path *path, struct vd_bytes frame)
{
	uint8_t plain[ROGUE_FRAME];
	struct rogue_generation *g = NULL;
	uint32_t index;
	size_t len;

	if (!seal_index(frame, &index))
		g = find(rogue, index);
	if (!g || !g->session || seal_consume(&g->seal, frame, plain, &len))
		return;
	(void)peering_recv_inner(rogue->sessions, index, path, vd_bytes(plain, len), vd_now());
	peering_verified(rogue->sessions, index, vd_now());
}

static void recv_payload(struct rogue *rogue, const struct rogue_generation *link,
			 const uint8_t *frame, struct vd_bytes payload)
{
	uint64_t back =
	    sw_label_way_back(vd_be64_load(frame + SW_AT_LABEL), frame[SW_AT_USED]).label;
	struct peering_path path = path_of_way(link->index, back);

	if (payload.len == 0)
		return;
	if (payload.at[0] == MG_SEALED)
		recv_sealed(rogue, &path, payload);
	else if (payload.at[0] == MG_REPORT && frame[SW_AT_FLAGS] & SW_FLAG_ERROR)
		rogue->reports[payload.len > 1 && payload.at[1] < ROGUE_REPORT_CODES ? payload.at[1]
										     : 0]++;
	else
		(void)peering_recv(rogue->sessions, &path, payload, vd_now());
}

static void recv_frame(struct rogue *rogue, const uint8_t *frame, size_t len)
{
	struct rogue_generation *link;
	uint64_t tag;

	if (len < SW_AT_PAYLOAD)
		return;
	link = find(rogue, vd_be32_load(frame + SW_AT_RECEIVER));
	if (!link || link->session)
		return;
	tag = sw_tag(link->keys.rx_tag_key, frame, (uint16_t)len);
	if (memcmp(&tag, frame + SW_AT_TAG, sizeof tag) != 0)
		return;
	rogue->frames++;
	peering_verified(rogue->links, link->index, vd_now());
	recv_payload(rogue, link, frame, vd_bytes(frame + SW_AT_PAYLOAD, len - SW_AT_PAYLOAD));
}

static void recv_one(struct rogue *rogue)
{
	uint8_t frame[ROGUE_FRAME];
	struct sockaddr_in6 from;
	socklen_t from_len = sizeof from;
	ssize_t len = recvfrom(rogue->fd, frame, sizeof frame, MSG_DONTWAIT,
			       (struct sockaddr *)&from, &from_len);
	struct vd_udp_addr addr = { 0 };
	struct peering_path path;

	if (len <= 0)
		return;
	memcpy(addr.ip, &from.sin6_addr, sizeof addr.ip);
	addr.port = ntohs(from.sin6_port);
	path = path_of_addr(&addr);
	if (frame[0] == MG_SWITCH)
		recv_frame(rogue, frame, (size_t)len);
	else
		(void)peering_recv(rogue->links, &path, vd_bytes(frame, (size_t)len), vd_now());
}

/* One datagram, one deadline, or 20 ms. */
static void turn(struct rogue *rogue)
{
	struct pollfd wait = { .fd = rogue->fd, .events = POLLIN };

	if (poll(&wait, 1, 20) > 0)
		recv_one(rogue);
	peering_expire(rogue->links, vd_now());
	peering_expire(rogue->sessions, vd_now());
	drain(rogue);
}

void rogue_run(struct rogue *rogue, vd_ns span)
{
	vd_ns until = vd_now() + span;

	do
		turn(rogue);
	while (vd_now() < until);
}

/* ---- doing ---- */

void rogue_init(struct rogue *rogue, const char *key_file)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
	struct peering_config config = {
		.kind = PEERING_LINK,
		.identity = &rogue->identity,
		.boot = 1,
		.peers_max = PEERS,
		.offer = { PING_NAME },
		.context = rogue,
		.admit = admit,
		.index_reserve = index_reserve,
		.index_release = index_release,
	};

	*rogue = (struct rogue){ .last_index = 0x100 };
	if (vd_init() || vd_identity_read_file(key_file, &rogue->identity))
		stop("cannot read the key");
	if (peering_new(&config, &rogue->links))
		stop("no memory");
	config.kind = PEERING_SESSION;
	config.offer[0] = "/viaduct/ip6/1";
	config.offer[1] = PING_NAME;
	if (peering_new(&config, &rogue->sessions))
		stop("no memory");
	rogue->fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (rogue->fd < 0 || bind(rogue->fd, (struct sockaddr *)&any, sizeof any))
		stop("no socket");
}

static void dial(struct rogue *rogue, bool session, const struct vd_peer_id *peer,
		 const struct peering_path *path)
{
	struct peering *peering = session ? rogue->sessions : rogue->links;
	vd_ns until = vd_now() + VD_SECONDS(WAIT_S);
	struct peering_view view = { 0 };

	if (peering_dial(peering, peer, path, vd_now()))
		stop("cannot dial");
	drain(rogue);
	while (vd_now() < until) {
		if (!peering_find(peering, peer, &view) && view.up)
			return;
		turn(rogue);
	}
	stop(session ? "no session within 10 s" : "no link within 10 s");
}

void rogue_link(struct rogue *rogue, const struct vd_udp_addr *at, const struct vd_peer_id *peer)
{
	struct peering_path path = path_of_addr(at);

	dial(rogue, false, peer, &path);
}

void rogue_session(struct rogue *rogue, const struct vd_peer_id *via, uint64_t label,
		   const struct vd_peer_id *peer)
{
	struct peering_path path = path_of_way(rogue_current(rogue, via, false)->index, label);

	dial(rogue, true, peer, &path);
}

const struct control_msg *rogue_ask(struct rogue *rogue, const struct vd_peer_id *via,
				    struct control_msg *msg)
{
	vd_ns until = vd_now() + VD_SECONDS(WAIT_S), again = 0;
	uint8_t bytes[CONTROL_MSG_MAX];

	if (msg->kind == CONTROL_RESERVE)
		msg->reserve.id = ++rogue->last_id;
	else
		msg->query.id = ++rogue->last_id;
	rogue->answered = false;
	while (!rogue->answered && vd_now() < until) {
		if (vd_now() >= again) {
			size_t len = control_msg_encode(msg, bytes);

			if (peering_send_control(rogue->links, via, vd_bytes(bytes, len), vd_now()))
				stop("no link to ask over");
			again = vd_now() + VD_SECONDS(1);
		}
		turn(rogue);
	}
	if (!rogue->answered)
		stop("no answer within 10 s");
	return &rogue->answer;
}
