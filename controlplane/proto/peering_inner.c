/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <sodium.h>

#include "controlplane/proto/control_msg.h"
#include "controlplane/proto/peering_state.h"
#include "controlplane/proto/ping.h"
#include "multigram/frame.h"

enum {
	PLAIN_MAX = PEERING_FRAME_MAX - SEAL_OVERHEAD,
	SEALED_RECV_MAX = 2048, /* longer frames are not opened */
};

/* ---- sending ---- */

static enum vd_err seal_and_send(struct peering *p, const struct peering_peer *peer,
				 struct seal *seal, const struct peering_path *path,
				 struct vd_bytes plain)
{
	uint8_t frame[PEERING_FRAME_MAX];
	size_t len;
	enum vd_err err = seal_create(seal, plain, frame, sizeof frame, &len);

	if (!err)
		peering_event_send(p, peer, path, vd_bytes(frame, len));
	return err;
}

static enum vd_err plain_send(struct peering *p, uint32_t slot, const struct peering_path *path,
			      struct vd_bytes plain)
{
	struct peering_generation *generation = &p->generations[slot];
	const struct peering_peer *peer = &p->peers[generation->peer];

	if (p->config.kind == PEERING_LINK)
		return seal_and_send(p, peer, &generation->seal, path, plain);

	struct peering_event_slot *event = peering_event_push(p, PEERING_SEND_INNER, peer);

	event->event.index = generation->index;
	event->event.path = *path;
	event->event.frame = vd_bytes(event->frame, plain.len);
	if (plain.len)
		memcpy(event->frame, plain.at, plain.len);
	return VD_OK;
}

static enum vd_err frame_body(uint64_t index, struct vd_bytes body, uint8_t plain[PLAIN_MAX],
			      struct vd_bytes *plain_out)
{
	struct vd_write w = vd_write_to(plain, PLAIN_MAX);

	mg_frame_write(&w, index);
	vd_write_bytes(&w, body);
	*plain_out = vd_write_done(&w);
	return vd_write_end(&w);
}

enum vd_err peering_inner_send(struct peering *p, uint32_t slot, const struct peering_path *path,
			       uint64_t index, struct vd_bytes body)
{
	uint8_t plain[PLAIN_MAX];
	struct vd_bytes framed;
	enum vd_err err = frame_body(index, body, plain, &framed);

	return err ? err : plain_send(p, slot, path, framed);
}

void peering_control_send(struct peering *p, uint32_t slot, const struct peering_path *path,
			  const struct control_msg *msg)
{
	uint8_t body[CONTROL_MSG_MAX];

	(void)peering_inner_send(p, slot, path, MG_CONTROL,
				 vd_bytes(body, control_msg_encode(msg, body)));
}

void peering_confirm_send(struct peering *p, uint32_t slot)
{
	const struct peering_path path = p->generations[slot].path;
	struct control_msg msg = { .kind = CONTROL_OBSERVED };

	if (p->config.kind == PEERING_SESSION) {
		(void)plain_send(p, slot, &path, vd_bytes(NULL, 0));
		return;
	}
	if (p->config.observed)
		msg.observed.len = (uint8_t)p->config.observed(
		    p->config.context, &path, msg.observed.address, sizeof msg.observed.address);
	peering_control_send(p, slot, &path, &msg);
}

static struct control_msg close_msg(enum control_status status, const char *text)
{
	struct control_msg msg = { .kind = CONTROL_CLOSE };

	msg.close.status = status;
	strncpy(msg.close.text, text ? text : "", sizeof msg.close.text - 1);
	return msg;
}

void peering_close_send(struct peering *p, uint32_t slot, enum control_status status,
			const char *text)
{
	const struct peering_path path = p->generations[slot].path;
	struct control_msg msg = close_msg(status, text);

	peering_control_send(p, slot, &path, &msg);
}

void peering_set_draining(struct peering *p, bool draining)
{
	p->draining = draining;
}

void peering_refusal_send(struct peering *p, struct peering_refusal *refusal)
{
	const char *text = refusal->status == CONTROL_LIMIT ? "too many peers" : "not permitted";
	bool draining = p->draining && refusal->status == CONTROL_REFUSED;
	struct control_msg msg = draining ? close_msg(CONTROL_SHUTDOWN, "draining: going away")
					  : close_msg(refusal->status, text);
	uint8_t body[CONTROL_MSG_MAX], plain[PLAIN_MAX];
	struct vd_bytes framed;

	if (!frame_body(MG_CONTROL, vd_bytes(body, control_msg_encode(&msg, body)), plain, &framed))
		(void)seal_and_send(p, NULL, &refusal->seal, &refusal->path, framed);
}

/* ---- ping ---- */

static uint8_t ping_index(const struct peering *p, const struct peering_generation *generation)
{
	return p->ping_offer < PEERING_OFFERS ? generation->inner[p->ping_offer][0] : 0;
}

static enum vd_err ping_out(struct peering *p, uint32_t slot, const struct ping *ping)
{
	const struct peering_path path = p->generations[slot].path;
	uint8_t body[PING_REPLY_BYTES];
	struct vd_write w = vd_write_to(body, sizeof body);

	ping_write(&w, ping);
	return peering_inner_send(p, slot, &path, ping_index(p, &p->generations[slot]),
				  vd_write_done(&w));
}

enum vd_err peering_ping_send(struct peering *p, uint32_t peer_slot, vd_ns now)
{
	struct peering_peer *peer = &p->peers[peer_slot];
	struct ping ping = { .kind = PING_REQUEST };

	if (peer->current == SLOT_NONE || !ping_index(p, &p->generations[peer->current]))
		return VD_ENOTFOUND;
	randombytes_buf(&ping.id, sizeof ping.id);
	peer->ping_id = ping.id;
	peer->ping_sent = now;
	peer->ping_out = true;
	peer->ping_asked = false;
	p->generations[peer->current].sent_at = now;
	return ping_out(p, peer->current, &ping);
}

enum vd_err peering_probe_write(const struct peering *p, uint32_t peer_slot, uint64_t id,
				uint8_t head_out[PEERING_PROBE_BYTES], size_t *len_out)
{
	uint32_t current = p->peers[peer_slot].current;
	uint8_t index = current == SLOT_NONE ? 0 : ping_index(p, &p->generations[current]);
	struct ping ping = { .kind = PING_REQUEST, .id = id };
	struct vd_write w = vd_write_to(head_out, PEERING_PROBE_BYTES);

	if (!index)
		return VD_ENOTFOUND;
	mg_frame_write(&w, index);
	ping_write(&w, &ping);
	*len_out = vd_write_len(&w);
	return vd_write_end(&w);
}

/* A reply to no ping of this machine's: the maker of a probe knows its id. */
static void probed(struct peering *p, const struct peering_peer *peer, uint8_t index,
		   const struct ping *reply)
{
	struct peering_event_slot *event = peering_event_push(p, PEERING_PROBED, peer);

	event->event.id = reply->id;
	event->event.size = (size_t)reply->received + (index < 0x80 ? 1 : 2);
}

enum vd_err peering_ping_send_id(struct peering *p, uint32_t slot, uint64_t id, vd_ns now)
{
	const struct ping ping = { .kind = PING_REQUEST, .id = id };

	if (!ping_index(p, &p->generations[slot]))
		return VD_ENOTFOUND;
	p->generations[slot].sent_at = now;
	return ping_out(p, slot, &ping);
}

static enum vd_err ping_recv(struct peering *p, uint32_t slot, struct vd_bytes in, vd_ns now)
{
	struct peering_peer *peer = &p->peers[p->generations[slot].peer];
	struct ping ping;
	enum vd_err err = ping_read(in, &ping);

	if (err)
		return err;
	if (ping.kind == PING_REQUEST) {
		ping.kind = PING_REPLY;
		return ping_out(p, slot, &ping);
	}
	if (!peer->ping_out || peer->ping_id != ping.id) {
		probed(p, peer, ping_index(p, &p->generations[slot]), &ping);
		return VD_OK;
	}
	peer->ping_out = false;
	peer->rtt = now - peer->ping_sent;
	if (peer->ping_asked)
		peering_event_push(p, PEERING_PONG, peer)->event.rtt = peer->rtt;
	return VD_OK;
}

/* ---- receiving ---- */

static enum vd_err control_recv(struct peering *p, uint32_t slot, const struct peering_path *path,
				struct vd_bytes in, vd_ns now)
{
	struct control_msg msg;
	enum vd_err err =
	    in.len > PEERING_FRAME_MAX ? VD_EPEER_RANGE : control_msg_decode(in, &msg);

	if (err)
		return err;
	if (msg.kind == CONTROL_CLOSE) {
		peering_generation_closed(p, slot, msg.close.status, msg.close.text, now);
		return VD_OK;
	}
	if (msg.kind == CONTROL_ANSWER && peering_path_answered(p, slot, path, msg.challenge))
		return VD_OK;
	if (msg.kind == CONTROL_CHALLENGE) {
		msg.kind = CONTROL_ANSWER;
		peering_path_answering(p, slot, path);
		peering_control_send(p, slot, path, &msg);
		if (p->config.kind == PEERING_LINK)
			return VD_OK;
	}

	const struct peering_generation *generation = &p->generations[slot];
	struct peering_event_slot *event =
	    peering_event_push(p, PEERING_CONTROL, &p->peers[generation->peer]);

	event->event.index = generation->index;
	event->event.path = *path;
	event->event.frame = vd_bytes(event->frame, in.len);
	memcpy(event->frame, in.at, in.len);
	return VD_OK;
}

static enum vd_err negotiated_recv(struct peering *p, uint32_t slot, uint64_t index,
				   struct vd_bytes body, vd_ns now)
{
	size_t offer = peering_setup_offer_of(&p->generations[slot], index);

	if (offer == PEERING_OFFERS) {
		p->stats.unknown_inner++;
		peering_setup_unknown(p, slot, index, now);
		return VD_ENOTFOUND;
	}
	/* Another one is the data plane's, which had not heard of it yet. */
	return offer == p->ping_offer ? ping_recv(p, slot, body, now) : VD_OK;
}

/* Setup operations may lead; then comes one multigram, or nothing. */
static enum vd_err multigram_recv(struct peering *p, uint32_t slot, const struct peering_path *path,
				  struct vd_bytes plain, vd_ns now)
{
	for (unsigned setups = 0; plain.len > 0; setups++) {
		uint64_t index;
		struct vd_bytes body;
		enum vd_err err = mg_frame_read(plain, &index, &body);

		if (err)
			return err;
		if (index == MG_CONTROL)
			return control_recv(p, slot, path, body, now);
		if (index != MG_SETUP)
			return negotiated_recv(p, slot, index, body, now);
		if (setups == SETUPS_MAX)
			return VD_EPEER_RANGE;
		err = peering_setup_recv(p, slot, body, &plain, now);
		if (err)
			return err;
	}
	return VD_OK;
}

/* A close does not count as verified: else a refusal would confirm. */
static bool is_close(struct vd_bytes plain)
{
	struct control_msg msg;

	return plain.len > 0 && plain.at[0] == MG_CONTROL &&
	       !control_msg_decode(vd_bytes(plain.at + 1, plain.len - 1), &msg) &&
	       msg.kind == CONTROL_CLOSE;
}

enum vd_err peering_inner_recv(struct peering *p, uint32_t slot, const struct peering_path *path,
			       struct vd_bytes plain, vd_ns now)
{
	if (!is_close(plain))
		peering_generation_heard(p, slot, now);

	enum vd_err err = multigram_recv(p, slot, path, plain, now);

	if (vd_err_class(err) == VD_CLASS_PEER)
		p->stats.bad_frames++;
	return err;
}

enum vd_err peering_sealed_recv(struct peering *p, const struct peering_path *path,
				struct vd_bytes frame, vd_ns now)
{
	uint8_t plain[SEALED_RECV_MAX];
	uint64_t highest;
	uint32_t index;
	size_t len;
	enum vd_err err = seal_index(frame, &index);

	if (!err && frame.len > sizeof plain)
		err = VD_EPEER_RANGE;
	if (err) {
		p->stats.bad_frames++;
		return err;
	}

	struct peering_owner owner = peering_owner_find(p, index);

	if (owner.kind == OWNER_NONE)
		return peering_lost_send(p, path, frame, now);
	if (owner.kind != OWNER_GENERATION) {
		p->stats.unknown_index++;
		return VD_ENOTFOUND;
	}
	highest = p->generations[owner.slot].seal.top;
	err = seal_consume(&p->generations[owner.slot].seal, frame, plain, &len);
	if (err) {
		p->stats.bad_frames++;
		return err;
	}
	if (p->generations[owner.slot].seal.top > highest)
		peering_path_heard(p, owner.slot, path, frame.len, now);
	return peering_inner_recv(p, owner.slot, path, vd_bytes(plain, len), now);
}
