/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/peering_state.h"

static_assert((int)PEERING_PREFIX_BYTES == (int)PREFIX_BYTES, "one prefix");
static_assert((int)PEERING_PATH_BYTES <= (int)COOKIE_PATH_MAX, "the whole path counts");

static struct vd_bytes path_bytes(const struct peering_path *path)
{
	return vd_bytes(path->bytes, sizeof path->bytes);
}

/* ---- responder ---- */

static void ask_cookie(struct peering *p, const struct peering_path *path,
		       const struct handshake_frame *frame, vd_ns now)
{
	uint8_t cookie[HANDSHAKE_COOKIE_BYTES], out[HANDSHAKE_COOKIE_FRAME];

	cookie_make(&p->cookies, path_bytes(path), frame, now, cookie);
	handshake_cookie_write(frame, cookie, out);
	peering_event_send(p, NULL, path, vd_bytes(out, sizeof out));
	p->stats.cookies_asked++;
}

static struct vd_bytes prefix_of(const struct peering *p, const struct peering_path *path,
				 uint8_t bytes[PEERING_PREFIX_BYTES])
{
	if (p->config.prefix)
		return vd_bytes(bytes, p->config.prefix(p->config.context, path, bytes));
	memcpy(bytes, path->bytes, PEERING_PREFIX_BYTES);
	return vd_bytes(bytes, PEERING_PREFIX_BYTES);
}

enum vd_err peering_load_take_share(struct peering *p, const struct peering_path *path, vd_ns now)
{
	uint8_t bytes[PEERING_PREFIX_BYTES];
	enum vd_err err = prefix_limit_take(&p->prefixes, prefix_of(p, path, bytes), now);

	if (err)
		peering_limit_hit(p,
				  err == VD_ELIMIT ? PEERING_LIMIT_PREFIX : PEERING_LIMIT_BUCKETS);
	return err ? VD_ELIMIT : VD_OK;
}

/*
 * An unproven peer may be a liar that spends the share of somebody else: so that share is
 * another one, and when it is spent the answer is not "no" but "prove it".
 */
static bool wants_cookie(struct peering *p, const struct peering_path *path, vd_ns now)
{
	uint8_t bytes[PEERING_PREFIX_BYTES];

	return p->half_open_theirs >= HALF_OPEN_LOAD ||
	       prefix_limit_take(&p->unproven, prefix_of(p, path, bytes), now);
}

enum vd_err peering_load_admit(struct peering *p, const struct peering_path *path,
			       const struct handshake_frame *frame, vd_ns now, bool *proven_out)
{
	*proven_out = cookie_fits(&p->cookies, path_bytes(path), frame, now);
	if (*proven_out) {
		p->stats.cookies_fit++;
		return peering_load_take_share(p, path, now);
	}
	if (!wants_cookie(p, path, now))
		return VD_OK;
	ask_cookie(p, path, frame, now);
	return VD_AGAIN;
}

/* ---- initiator ---- */

/*
 * Only those that saw our message 1 know its e. They may lie all the same: so there is one
 * retry for each time that message 1 goes out anyway.
 */
enum vd_err peering_cookie_recv(struct peering *p, const struct peering_path *path,
				const struct handshake_frame *frame)
{
	struct peering_owner owner = peering_owner_find(p, frame->receiver);

	if (owner.kind != OWNER_HALF_OPEN || p->half_opens[owner.slot].state != HALF_OPEN_SENT_1) {
		p->stats.unknown_index++;
		return VD_ENOTFOUND;
	}

	struct peering_half_open *half_open = &p->half_opens[owner.slot];

	if (!peering_path_equal(&half_open->path, path) ||
	    handshake_take_cookie(&half_open->hs, frame)) {
		p->stats.bad_frames++;
		return VD_EPEER_STATE;
	}
	p->stats.cookies++;
	if (half_open->retried || half_open->yielded)
		return VD_OK; /* it goes with the next repeat */
	half_open->retried = true;
	peering_event_send(p, &p->peers[half_open->peer], path,
			   vd_bytes(half_open->hs.sent, half_open->hs.sent_len));
	return VD_OK;
}

const char *peering_limit_name(enum peering_limit limit)
{
	static const char *const names[PEERING_LIMITS] = {
		[PEERING_LIMIT_HALF_OPEN] = "half_open", [PEERING_LIMIT_PATH] = "path",
		[PEERING_LIMIT_TRIES] = "tries",         [PEERING_LIMIT_INDEX] = "index",
		[PEERING_LIMIT_PEERS] = "peers",         [PEERING_LIMIT_GENERATION] = "generation",
		[PEERING_LIMIT_REFUSAL] = "refusal",     [PEERING_LIMIT_PREFIX] = "prefix",
		[PEERING_LIMIT_BUCKETS] = "buckets",     [PEERING_LIMIT_EVENT] = "event",
		[PEERING_LIMIT_JOBS] = "jobs",           [PEERING_LIMIT_SETUP] = "setup",
	};

	return names[limit];
}
