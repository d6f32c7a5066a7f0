/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* connection: bytes pass down through the layers that are there, and output comes up. */
#include "controlplane/proto/connection.h"

static bool has_name(void *context, struct vd_bytes id)
{
	for (const char *const *name = context; *name; name++)
		if (vd_bytes_equal(vd_bytes_of_text(*name), id))
			return true;
	return false;
}

static const char *list_name(void *context, size_t index)
{
	return ((const char *const *)context)[index];
}

/* Begins to agree on one of the names. */
static void negotiate(const struct connection *c, struct multistream *m,
		      struct multistream_handlers *handlers, const char *const *names)
{
	*handlers = (struct multistream_handlers){ .has = has_name,
						   .list = list_name,
						   .context = (void *)names };
	if (c->dialer)
		multistream_dial(m, names);
	else
		multistream_listen(m, handlers);
}

void connection_init(struct connection *c, const struct connection_layers *layers, bool dialer,
		     const struct vd_peer_id *expected)
{
	*c = (struct connection){ .layers = layers, .dialer = dialer };
	if (expected)
		c->expected = *expected;
	negotiate(c, &c->outer, &c->handlers, layers->security_names);
}

void connection_take(struct connection *c, struct security *security, struct muxer *muxer)
{
	multistream_fini(&c->outer);
	c->security = security;
	c->muxer = muxer;
	c->by_transport = true;
	c->state = CONNECTION_OPEN;
}

void connection_fini(struct connection *c)
{
	muxer_free(c->muxer);
	security_free(c->security);
	multistream_fini(&c->outer);
	multistream_fini(&c->inner);
	*c = (struct connection){ .state = CONNECTION_FAILED };
}

static enum vd_err fail(struct connection *c, enum vd_err err, const char *reason)
{
	c->state = CONNECTION_FAILED;
	if (c->reason)
		return err;
	c->err = err;
	c->reason = reason ? reason : vd_err_text(err);
	return err;
}

/* ---- in: one function a state, each returns when it needs more ---- */

static enum vd_err begin_security(struct connection *c)
{
	const char *name = multistream_protocol(&c->outer);
	const struct connection_security *s = c->layers->securities;

	while (strcmp(s->protocol, name) != 0)
		s++; /* multistream agrees only on what is listed */
	c->security = s->make(s->config, c->dialer, c->expected.len ? &c->expected : NULL);
	if (!c->security)
		return fail(c, VD_ENOMEM, NULL);
	c->state = CONNECTION_HANDSHAKE;
	return VD_OK;
}

static enum vd_err begin_muxer(struct connection *c, const char *name, vd_ns now)
{
	const struct connection_muxer *m = c->layers->muxers;

	while (strcmp(m->protocol, name) != 0)
		m++;
	c->muxer = m->make(m->config, c->dialer, now);
	if (!c->muxer)
		return fail(c, VD_ENOMEM, NULL);
	c->state = CONNECTION_OPEN;
	return VD_OK;
}

static enum vd_err end_handshake(struct connection *c, vd_ns now)
{
	if (c->security->muxer)
		return begin_muxer(c, c->security->muxer, now);
	negotiate(c, &c->inner, &c->handlers, c->layers->muxer_names);
	c->state = CONNECTION_MUXER;
	return VD_OK;
}

/* Agrees on a secure channel; what follows in `wire` is the channel's. */
static enum vd_err receive_outer(struct connection *c, struct vd_bytes wire, size_t *used_out)
{
	enum vd_err err = multistream_receive(&c->outer, wire, used_out);

	if (err)
		return fail(c, err, c->outer.reason);
	return multistream_protocol(&c->outer) ? begin_security(c) : VD_OK;
}

static enum vd_err receive_inner(struct connection *c, struct vd_bytes plain, size_t *used_out,
				 vd_ns now)
{
	enum vd_err err = multistream_receive(&c->inner, plain, used_out);
	const char *name = err ? NULL : multistream_protocol(&c->inner);

	if (err)
		return fail(c, err, c->inner.reason);
	return name ? begin_muxer(c, name, now) : VD_OK;
}

static enum vd_err receive_muxer(struct connection *c, struct vd_bytes plain, size_t *used_out,
				 vd_ns now)
{
	enum vd_err err = muxer_receive(c->muxer, plain, used_out, now);

	return err ? fail(c, err, c->muxer->reason) : VD_OK;
}

/* Plaintext that waits goes to the muxer or its negotiation, until these take no more. */
static enum vd_err receive_plain(struct connection *c, vd_ns now)
{
	enum vd_err err = VD_OK;

	while (!err) {
		struct vd_bytes plain = security_input(c->security);
		size_t used = 0;

		if (!plain.len)
			return VD_OK;
		if (c->state == CONNECTION_MUXER)
			err = receive_inner(c, plain, &used, now);
		else
			err = receive_muxer(c, plain, &used, now);
		security_taken(c->security, used);
		if (!used && c->state == CONNECTION_OPEN)
			return err; /* back-pressure */
	}
	return err;
}

static enum vd_err receive_channel(struct connection *c, struct vd_bytes wire, size_t *used_out,
				   vd_ns now)
{
	enum vd_err err = security_receive(c->security, wire, used_out);

	if (err)
		return fail(c, err, c->security->reason);
	if (c->state == CONNECTION_HANDSHAKE && security_open(c->security))
		err = end_handshake(c, now);
	if (!err && security_open(c->security))
		err = receive_plain(c, now);
	c->ended = c->security->state == SECURITY_ENDED && !security_input(c->security).len;
	return err;
}

enum vd_err connection_receive(struct connection *c, struct vd_bytes wire, size_t *used_out,
			       vd_ns now)
{
	enum vd_err err = VD_OK;
	size_t used = 0;

	*used_out = 0;
	if (c->state == CONNECTION_FAILED)
		return VD_EBUG_STATE;
	if (c->by_transport)
		return VD_OK;
	if (c->state == CONNECTION_SECURITY) {
		err = receive_outer(c, wire, used_out);
		if (*used_out)
			wire = vd_bytes(wire.at + *used_out, wire.len - *used_out);
	}
	/* A record at a time, as each may leave plaintext that has to be taken first. */
	while (!err && c->state != CONNECTION_SECURITY) {
		size_t waited = security_input(c->security).len;

		err = receive_channel(c, wire, &used, now);
		*used_out += used;
		if (used == wire.len || (!used && security_input(c->security).len >= waited))
			break;
		wire = vd_bytes(wire.at + used, wire.len - used);
	}
	return err;
}

/* ---- out ---- */

/* Moves what the upper layers have to say into the secure channel, until it takes no more. */
static void seal_output(struct connection *c, vd_ns now)
{
	bool room = true;

	while (room) {
		struct vd_bytes plain = multistream_next_output(&c->inner);
		bool inner = plain.len > 0;
		size_t took = 0;

		if (!inner && c->muxer)
			plain = muxer_next_output(c->muxer, now);
		if (!plain.len) {
			if (c->muxer && c->muxer->reason)
				(void)fail(c, VD_ENOMEM, c->muxer->reason);
			return;
		}

		enum vd_err err = security_write(c->security, plain, &took);

		if (err && err != VD_AGAIN)
			(void)fail(c, err, c->security->reason);
		if (err || !took)
			return;
		if (inner)
			multistream_sent(&c->inner, took);
		else
			muxer_sent(c->muxer, took);
		room = took == plain.len;
	}
}

struct vd_bytes connection_next_output(struct connection *c, vd_ns now)
{
	struct vd_bytes wire = multistream_next_output(&c->outer);

	if (wire.len || !c->security || c->by_transport)
		return wire;
	wire = security_next_output(c->security);
	if (wire.len || !security_open(c->security))
		return wire;
	seal_output(c, now);
	wire = security_next_output(c->security);
	if (wire.len || !c->closing)
		return wire;
	c->closing = false;
	security_close(c->security);
	return security_next_output(c->security);
}

void connection_sent(struct connection *c, size_t len)
{
	if (multistream_next_output(&c->outer).len)
		multistream_sent(&c->outer, len);
	else
		security_sent(c->security, len);
}

void connection_close(struct connection *c)
{
	if (c->state != CONNECTION_OPEN)
		return;
	muxer_go_away(c->muxer);
	c->closing = true;
}

/* ---- streams and time: the muxer's ---- */

struct muxer_event connection_next(struct connection *c)
{
	return c->muxer ? muxer_next(c->muxer) : (struct muxer_event){ .what = MUXER_NOTHING };
}

vd_ns connection_deadline(const struct connection *c)
{
	return c->muxer ? muxer_deadline(c->muxer) : VD_NEVER;
}

enum vd_err connection_expire(struct connection *c, vd_ns now)
{
	enum vd_err err = c->muxer ? muxer_expire(c->muxer, now) : VD_OK;

	return err ? fail(c, err, c->muxer->reason) : VD_OK;
}
