/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <sodium.h>

#include "controlplane/proto/peering_state.h"

static void confirm_hash(struct vd_bytes frame, uint8_t out[CONFIRM_HASH_BYTES])
{
	(void)crypto_generichash(out, CONFIRM_HASH_BYTES, frame.at, frame.len, NULL, 0);
}

static enum vd_err bad_frame(struct peering *p, enum vd_err err)
{
	p->stats.bad_frames++;
	return err;
}

static enum vd_err unknown(struct peering *p)
{
	p->stats.unknown_index++;
	return VD_ENOTFOUND;
}

/* ---- message 1 ---- */

/*
 * Our own message 1 and theirs have met: the smaller e stays initiator. VD_OK: theirs is
 * to be answered.
 */
static enum vd_err resolve_crossing(struct peering *p, const struct peering_half_open *half_open,
				    const uint8_t e[NOISE_KEY_BYTES])
{
	int order = memcmp(half_open->hs.noise.e.public_key, e, NOISE_KEY_BYTES);

	if (order == 0)
		return bad_frame(p, VD_EPEER_REPLAY); /* our own, reflected */
	return order < 0 ? VD_EPEER_STATE : VD_OK;
}

/*
 * Our own message 1 over this path has the larger e: it waits once, and is forgotten only
 * when the other handshake is done, for this one may be forged.
 */
static void yield(struct peering *p, const struct peering_path *path, vd_ns now)
{
	uint32_t slot = peering_half_open_first(p, path);

	for (; slot != SLOT_NONE; slot = slot_chain_next(&p->by_path, slot)) {
		struct peering_half_open *half_open = &p->half_opens[slot];

		if (half_open->state != HALF_OPEN_SENT_1 || half_open->yielded ||
		    !peering_path_equal(&half_open->path, path))
			continue;
		half_open->yielded = true;
		half_open->repeat_at = now + YIELD_WAIT;
		peering_half_open_schedule(p, slot);
	}
}

static bool is_repeat(const struct peering_half_open *half_open,
		      const struct handshake_frame *frame)
{
	return half_open->hs.remote_index == frame->sender &&
	       memcmp(half_open->hs.noise.re, frame->noise.at, NOISE_KEY_BYTES) == 0;
}

/* What is half-open over one path. */
struct around {
	bool met;        /* we dial over it, too */
	uint32_t oldest; /* of theirs */
	uint32_t count;  /* of theirs */
};

/*
 * VD_OK: a new handshake, to be answered; VD_AGAIN: a repeat, it was answered again. Costs
 * no public-key work, and changes nothing.
 */
static enum vd_err look_around(struct peering *p, const struct peering_path *path,
			       const struct handshake_frame *frame, struct around *around)
{
	uint32_t slot = peering_half_open_first(p, path);

	for (; slot != SLOT_NONE; slot = slot_chain_next(&p->by_path, slot)) {
		const struct peering_half_open *half_open = &p->half_opens[slot];

		if (!peering_path_equal(&half_open->path, path))
			continue;
		if (half_open->state != HALF_OPEN_SENT_2) {
			enum vd_err err = resolve_crossing(p, half_open, frame->noise.at);

			if (err)
				return err;
			around->met = true;
		} else if (is_repeat(half_open, frame)) {
			if (half_open->hs.sent_len) /* else the answer is being made */
				peering_half_open_send(p, half_open);
			return VD_AGAIN;
		} else {
			around->oldest = slot;
			around->count++;
		}
	}
	return VD_OK;
}

/*
 * The new one takes the place of the oldest, of this path or of all: a genuine one needs a
 * round trip, not 20 s. Refusing instead would let a few that never finish keep everybody out.
 */
static void make_way(struct peering *p, const struct peering_path *path,
		     const struct around *around, vd_ns now)
{
	if (around->met)
		yield(p, path, now);
	if (around->count >= HALF_OPEN_PATH) {
		peering_limit_hit(p, PEERING_LIMIT_PATH);
		peering_half_open_free(p, around->oldest);
	} else if (p->half_open_theirs >= HALF_OPEN_MAX - HALF_OPEN_OURS) {
		peering_limit_hit(p, PEERING_LIMIT_HALF_OPEN);
		peering_half_open_free(p, p->oldest);
	}
}

/* Its answer is being made; meanwhile repeats are known by what is written here. */
static void begin_answer(struct peering *p, uint32_t slot, uint32_t index,
			 const struct peering_path *path, const struct handshake_frame *frame,
			 vd_ns now)
{
	struct peering_half_open *half_open = &p->half_opens[slot];

	*half_open = (struct peering_half_open){
		.state = HALF_OPEN_SENT_2,
		.serial = ++p->serial,
		.path = *path,
		.began = now,
		.hs = { .index = index, .remote_index = frame->sender },
	};
	memcpy(half_open->hs.noise.re, frame->noise.at, NOISE_KEY_BYTES);
	peering_half_open_add(p, slot);
}

static enum vd_err recv_1(struct peering *p, const struct peering_path *path,
			  const struct handshake_frame *frame, struct vd_bytes whole, vd_ns now)
{
	uint32_t index, slot;
	struct around around = { .oldest = SLOT_NONE };
	struct peering_job *job;
	bool proven = false;
	enum vd_err err = look_around(p, path, frame, &around);

	if (!err)
		err = peering_load_admit(p, path, frame, now, &proven);
	if (err)
		return err == VD_AGAIN ? VD_OK : err;
	job = peering_job_take(p, HANDSHAKE_1);
	if (!job)
		return VD_ELIMIT;
	make_way(p, path, &around, now);
	slot = peering_half_open_take(p, &index);
	if (slot == SLOT_NONE) {
		peering_job_give(p, job);
		return VD_ELIMIT;
	}
	begin_answer(p, slot, index, path, frame, now);
	p->half_opens[slot].paid = proven;
	peering_job_begin(p, job, slot, whole);
	return VD_OK;
}

static enum vd_err done_1(struct peering *p, uint32_t slot, const struct handshake_job *job)
{
	if (job->err) {
		peering_half_open_free(p, slot);
		return bad_frame(p, job->err);
	}
	p->half_opens[slot].hs = job->hs;
	peering_half_open_send(p, &p->half_opens[slot]);
	return VD_OK;
}

/* ---- message 2 ---- */

/* The peer is the one we dialled: the generation stands before message 3 is on its way. */
static void begin_generation(struct peering *p, uint32_t slot,
			     const struct handshake_result *result, vd_ns now)
{
	struct peering_half_open *half_open = &p->half_opens[slot];

	peering_owner_del(p, OWNER_HALF_OPEN, slot, half_open->hs.index);
	half_open->generation =
	    peering_generation_install(p, half_open->peer, half_open, result, true, now);
	half_open->state = HALF_OPEN_SENT_3; /* not sooner: installing may retire another */
	peering_half_open_repeat_from(half_open, now);
	peering_half_open_schedule(p, slot);
	peering_half_open_send(p, half_open);
	peering_generation_use_early(p, half_open->generation);
	peering_peer_schedule(p, half_open->peer);
}

static enum vd_err recv_2(struct peering *p, const struct peering_path *path,
			  const struct handshake_frame *frame, struct vd_bytes whole)
{
	struct peering_owner owner = peering_owner_find(p, frame->receiver);
	struct peering_job *job;

	if (owner.kind == OWNER_GENERATION)
		return VD_EPEER_STATE; /* a second answer to a message 1 that we repeated */
	if (owner.kind != OWNER_HALF_OPEN)
		return unknown(p);

	struct peering_half_open *half_open = &p->half_opens[owner.slot];

	if (half_open->state != HALF_OPEN_SENT_1)
		return unknown(p);
	if (!peering_path_equal(&half_open->path, path))
		return bad_frame(p, VD_EPEER_STATE);
	if (half_open->tries == TRIES_MAX) {
		peering_limit_hit(p, PEERING_LIMIT_TRIES);
		return VD_ELIMIT;
	}
	job = peering_job_take(p, HANDSHAKE_2);
	if (!job)
		return VD_ELIMIT;
	half_open->tries++;
	job->work.expected = p->peers[half_open->peer].id;
	peering_job_begin(p, job, owner.slot, whole);
	return VD_OK;
}

static enum vd_err done_2(struct peering *p, uint32_t slot, const struct handshake_job *job,
			  vd_ns now)
{
	if (job->err == VD_EPEER_REFUSED) {
		p->stats.unexpected_peer++;
		return job->err;
	}
	if (job->err)
		return bad_frame(p, job->err);
	p->half_opens[slot].hs = job->hs;
	begin_generation(p, slot, &job->result, now);
	return VD_OK;
}

/* ---- message 3 ---- */

/* Without a slot to remember it by, the refusal is said once. */
static void refuse(struct peering *p, uint32_t slot, const struct handshake_result *result,
		   struct vd_bytes frame, enum control_status status, vd_ns now)
{
	struct peering_half_open *half_open = &p->half_opens[slot];
	bool link = p->config.kind == PEERING_LINK;
	uint32_t kept = slot_take(&p->refusal_pool);
	struct peering_refusal once, *refusal = kept == SLOT_NONE ? &once : &p->refusals[kept];
	struct peering_event_slot *event = peering_event_push(p, PEERING_DENIED, NULL);

	event->event.peer = result->peer;
	event->event.path = half_open->path;
	event->event.status = status;
	p->stats.refused++;
	*refusal = (struct peering_refusal){ .index = half_open->hs.index,
					     .path = half_open->path,
					     .status = status,
					     .until = now + HALF_OPEN_LIFE };
	confirm_hash(frame, refusal->confirm_hash);
	seal_init(&refusal->seal, link ? VD_CHACHA20_POLY1305 : result->cipher,
		  link ? result->keys.tx_control : result->keys.tx_aead,
		  link ? result->keys.rx_control : result->keys.rx_aead, result->remote_index);
	peering_refusal_send(p, refusal);
	if (kept == SLOT_NONE) {
		peering_limit_hit(p, PEERING_LIMIT_REFUSAL);
		seal_fini(&once.seal);
		peering_half_open_free(p, slot);
		return;
	}
	peering_half_open_end(p, slot);
	peering_owner_add(p, OWNER_REFUSAL, kept, refusal->index);
	timers_set(&p->timers, peering_refusal_timer(kept), refusal->until);
}

void peering_refusal_free(struct peering *p, uint32_t slot)
{
	struct peering_refusal *refusal = &p->refusals[slot];

	timers_set(&p->timers, peering_refusal_timer(slot), VD_NEVER);
	peering_owner_del(p, OWNER_REFUSAL, slot, refusal->index);
	p->config.index_release(p->config.context, refusal->index);
	sodium_memzero(refusal, sizeof *refusal);
	slot_give(&p->refusal_pool, slot);
}

/* Message 3 counts as the first frame verified (SW-3.3-9). */
static void accept(struct peering *p, uint32_t slot, uint32_t peer_slot,
		   const struct handshake_result *result, struct vd_bytes frame, vd_ns now)
{
	const struct peering_peer *peer = &p->peers[peer_slot];
	uint32_t generation =
	    peering_generation_install(p, peer_slot, &p->half_opens[slot], result, false, now);

	confirm_hash(frame, p->generations[generation].confirm_hash);
	peering_half_open_end(p, slot);
	if (peer->dialling != SLOT_NONE && p->half_opens[peer->dialling].state == HALF_OPEN_SENT_1)
		peering_half_open_free(p, peer->dialling); /* of two at once, this one is done */
	peering_generation_heard(p, generation, now);
	peering_confirm_send(p, generation);
}

static enum vd_err done_3(struct peering *p, uint32_t slot, const struct handshake_job *job,
			  vd_ns now)
{
	const struct handshake_result *result = &job->result;
	struct vd_bytes whole = vd_bytes(job->frame, job->frame_len);
	uint32_t peer = SLOT_NONE;
	bool admitted;

	if (job->err)
		return bad_frame(p, job->err);
	p->half_opens[slot].hs = job->hs;
	admitted = p->config.admit(
	    p->config.context,
	    &(struct peering_claim){ .peer = &result->peer,
				     .path = &p->half_opens[slot].path,
				     .token_hash = result->has_token ? result->token_hash : NULL });
	if (admitted)
		peer = peering_peer_get(p, &result->peer);
	if (peer != SLOT_NONE)
		accept(p, slot, peer, result, whole, now);
	else
		refuse(p, slot, result, whole, admitted ? CONTROL_LIMIT : CONTROL_REFUSED, now);
	return peer != SLOT_NONE ? VD_OK : VD_EPEER_REFUSED;
}

static bool is_confirm_repeat(const struct peering_path *path, const struct peering_path *known,
			      struct vd_bytes frame, const uint8_t hash[CONFIRM_HASH_BYTES])
{
	uint8_t got[CONFIRM_HASH_BYTES];

	if (!peering_path_equal(path, known))
		return false;
	confirm_hash(frame, got);
	return memcmp(got, hash, sizeof got) == 0;
}

static enum vd_err conclude_again(struct peering *p, uint32_t slot, const struct peering_path *path,
				  struct vd_bytes whole, vd_ns now)
{
	const struct peering_generation *generation = &p->generations[slot];

	if (generation->initiator || now - generation->finished >= HALF_OPEN_LIFE ||
	    !is_confirm_repeat(path, &generation->path, whole, generation->confirm_hash))
		return bad_frame(p, VD_EPEER_STATE);
	peering_confirm_send(p, slot);
	return VD_OK;
}

static enum vd_err refuse_again(struct peering *p, uint32_t slot, const struct peering_path *path,
				struct vd_bytes whole)
{
	struct peering_refusal *refusal = &p->refusals[slot];

	if (!is_confirm_repeat(path, &refusal->path, whole, refusal->confirm_hash))
		return bad_frame(p, VD_EPEER_STATE);
	peering_refusal_send(p, refusal);
	return VD_EPEER_REFUSED;
}

/*
 * Message 3 shows that its sender had our message 2, so that its address is proven: if no
 * cookie did that, it is counted to the share of its prefix now, before it costs more work.
 */
static enum vd_err admit_3(struct peering *p, struct peering_half_open *half_open, vd_ns now)
{
	enum vd_err err =
	    half_open->paid ? VD_OK : peering_load_take_share(p, &half_open->path, now);

	half_open->paid = !err;
	if (!err && half_open->tries == TRIES_MAX) {
		peering_limit_hit(p, PEERING_LIMIT_TRIES);
		err = VD_ELIMIT;
	}
	if (!err)
		half_open->tries++;
	return err;
}

static enum vd_err recv_3(struct peering *p, const struct peering_path *path,
			  const struct handshake_frame *frame, struct vd_bytes whole, vd_ns now)
{
	struct peering_owner owner = peering_owner_find(p, frame->receiver);

	switch (owner.kind) {
	case OWNER_GENERATION: return conclude_again(p, owner.slot, path, whole, now);
	case OWNER_REFUSAL: return refuse_again(p, owner.slot, path, whole);
	case OWNER_HALF_OPEN: break;
	case OWNER_NONE: return unknown(p);
	}

	struct peering_half_open *half_open = &p->half_opens[owner.slot];
	struct peering_job *job;
	enum vd_err err;

	if (half_open->state != HALF_OPEN_SENT_2 || half_open->hs.sent_len == 0 ||
	    !peering_path_equal(&half_open->path, path))
		return bad_frame(p, VD_EPEER_STATE);
	if (!noise_is_answer(&half_open->hs.noise, frame->noise))
		return bad_frame(p, VD_EPEER_AUTH);
	err = admit_3(p, half_open, now);
	if (err)
		return err;
	job = peering_job_take(p, HANDSHAKE_3);
	if (!job)
		return VD_ELIMIT;
	peering_job_begin(p, job, owner.slot, whole);
	return VD_OK;
}

/* ---- all messages ---- */

enum vd_err peering_half_open_recv(struct peering *p, const struct peering_path *path,
				   struct vd_bytes in, vd_ns now)
{
	struct handshake_frame frame;
	enum vd_err err = handshake_frame_read(in, &frame);

	if (err)
		return bad_frame(p, err);
	switch (frame.type) {
	case HANDSHAKE_1: return recv_1(p, path, &frame, in, now);
	case HANDSHAKE_2: return recv_2(p, path, &frame, in);
	case HANDSHAKE_3: return recv_3(p, path, &frame, in, now);
	case HANDSHAKE_COOKIE: return peering_cookie_recv(p, path, &frame);
	}
	return VD_EPEER_FORMAT;
}

enum vd_err peering_half_open_done(struct peering *p, struct peering_job *job, vd_ns now)
{
	switch (job->type) {
	case HANDSHAKE_1: return done_1(p, job->half_open, &job->work);
	case HANDSHAKE_2: return done_2(p, job->half_open, &job->work, now);
	case HANDSHAKE_3: return done_3(p, job->half_open, &job->work, now);
	case HANDSHAKE_COOKIE: break;
	}
	return VD_EBUG_STATE;
}

void peering_half_open_lost(struct peering *p, const struct peering_job *job)
{
	if (job->type == HANDSHAKE_1)
		peering_half_open_free(p, job->half_open);
}
