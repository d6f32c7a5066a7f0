/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/control_msg.h"

#include <stdio.h>

#include "base/utf8.h"
#include "control.pb-c.h"

const char *control_status_text(enum control_status status)
{
	switch (status) {
	case CONTROL_OK: return "ok";
	case CONTROL_REFUSED: return "refused";
	case CONTROL_NOT_FOUND: return "not found";
	case CONTROL_LIMIT: return "limit reached";
	case CONTROL_BAD: return "malformed request";
	case CONTROL_SHUTDOWN: return "shutting down";
	}
	return "unknown status";
}

/* ---- decoding ---- */

static struct vd_bytes bytes_of(const ProtobufCBinaryData *data)
{
	return vd_bytes(data->data, data->len);
}

/* A status that a later version may have added means "no" to us. */
static enum control_status status_of(int status)
{
	return status >= CONTROL_OK && status <= CONTROL_SHUTDOWN ? (enum control_status)status
								  : CONTROL_REFUSED;
}

static enum vd_err decode_observed(const Viaduct__Observed *in, struct control_msg *out)
{
	if (in->address.len > CONTROL_ADDRESS_MAX)
		return VD_EPEER_RANGE;
	out->observed.len = (uint8_t)in->address.len;
	if (in->address.len)
		memcpy(out->observed.address, in->address.data, in->address.len);
	return VD_OK;
}

static enum vd_err decode_query(const Viaduct__RouteQuery *in, struct control_msg *out)
{
	out->query.id = in->id;
	out->query.malformed = (in->peer.len > 0) == (in->overlay.len > 0);
	if (out->query.malformed)
		return VD_OK;
	if (in->peer.len)
		return vd_peer_id_of_bytes(bytes_of(&in->peer), &out->query.peer);
	if (in->overlay.len != sizeof out->query.overlay)
		return VD_EPEER_RANGE;
	out->query.by_overlay = true;
	memcpy(out->query.overlay, in->overlay.data, sizeof out->query.overlay);
	return VD_OK;
}

static enum vd_err decode_route(const Viaduct__Route *in, struct control_msg *out)
{
	out->route.id = in->id;
	out->route.status = status_of((int)in->status);
	if (out->route.status != CONTROL_OK)
		return VD_OK;
	if (in->bits > 60 || in->mtu > UINT16_MAX || in->label >> in->bits)
		return VD_EPEER_RANGE;
	out->route.label = in->label;
	out->route.bits = (uint8_t)in->bits;
	out->route.mtu = (uint16_t)in->mtu;
	return vd_peer_id_of_bytes(bytes_of(&in->peer), &out->route.peer);
}

static enum vd_err decode_challenge(const Viaduct__Challenge *in, struct control_msg *out)
{
	if (in->data.len != sizeof out->challenge)
		return VD_EPEER_RANGE;
	memcpy(out->challenge, in->data.data, sizeof out->challenge);
	return VD_OK;
}

static enum vd_err decode_body(const Viaduct__Control *in, struct control_msg *out)
{
	switch (in->body_case) {
	case VIADUCT__CONTROL__BODY_OBSERVED:
		out->kind = CONTROL_OBSERVED;
		return decode_observed(in->observed, out);
	case VIADUCT__CONTROL__BODY_RESERVE:
		out->kind = CONTROL_RESERVE;
		out->reserve.id = in->reserve->id;
		out->reserve.ttl_s = in->reserve->ttl_s;
		out->reserve.realms = in->reserve->realms;
		return VD_OK;
	case VIADUCT__CONTROL__BODY_RESERVED:
		out->kind = CONTROL_RESERVED;
		out->reserved.id = in->reserved->id;
		out->reserved.status = status_of((int)in->reserved->status);
		out->reserved.ttl_s = in->reserved->ttl_s;
		out->reserved.realms = in->reserved->realms;
		return VD_OK;
	case VIADUCT__CONTROL__BODY_QUERY:
		out->kind = CONTROL_QUERY;
		return decode_query(in->query, out);
	case VIADUCT__CONTROL__BODY_ROUTE:
		out->kind = CONTROL_ROUTE;
		return decode_route(in->route, out);
	case VIADUCT__CONTROL__BODY_CHALLENGE:
		out->kind = CONTROL_CHALLENGE;
		return decode_challenge(in->challenge, out);
	case VIADUCT__CONTROL__BODY_ANSWER:
		out->kind = CONTROL_ANSWER;
		return decode_challenge(in->answer, out);
	case VIADUCT__CONTROL__BODY_CLOSE:
		out->kind = CONTROL_CLOSE;
		out->close.status = status_of((int)in->close->status);
		snprintf(out->close.text, sizeof out->close.text, "%s", in->close->text);
		vd_utf8_make_plain(out->close.text);
		return VD_OK;
	case VIADUCT__CONTROL__BODY_DRAINING:
		out->kind = CONTROL_DRAINING;
		out->draining.ended = in->draining->ended;
		out->draining.left = in->draining->left;
		return VD_OK;
	case VIADUCT__CONTROL__BODY__NOT_SET:
	default: return VD_EPEER_FORMAT;
	}
}

enum vd_err control_msg_decode(struct vd_bytes in, struct control_msg *msg_out)
{
	struct control_msg msg = { 0 };
	Viaduct__Control *control = viaduct__control__unpack(NULL, in.len, in.at);
	enum vd_err err;

	if (!control)
		return VD_EPEER_FORMAT;
	err = decode_body(control, &msg);
	viaduct__control__free_unpacked(control, NULL);
	if (!err)
		*msg_out = msg;
	return err;
}

/* ---- encoding ---- */

static ProtobufCBinaryData binary(const uint8_t *at, size_t len)
{
	return (ProtobufCBinaryData){ .len = len, .data = (uint8_t *)(uintptr_t)at };
}

static size_t pack(Viaduct__Control *control, Viaduct__Control__BodyCase body, uint8_t *out)
{
	control->body_case = body;
	return viaduct__control__pack(control, out);
}

static size_t encode_query(const struct control_msg *msg, uint8_t *out)
{
	Viaduct__Control control = VIADUCT__CONTROL__INIT;
	Viaduct__RouteQuery body = VIADUCT__ROUTE_QUERY__INIT;

	body.id = msg->query.id;
	if (msg->query.by_overlay)
		body.overlay = binary(msg->query.overlay, sizeof msg->query.overlay);
	else
		body.peer = binary(msg->query.peer.bytes, msg->query.peer.len);
	control.query = &body;
	return pack(&control, VIADUCT__CONTROL__BODY_QUERY, out);
}

static size_t encode_route(const struct control_msg *msg, uint8_t *out)
{
	Viaduct__Control control = VIADUCT__CONTROL__INIT;
	Viaduct__Route body = VIADUCT__ROUTE__INIT;

	body.id = msg->route.id;
	body.status = (Viaduct__Status)msg->route.status;
	body.peer = binary(msg->route.peer.bytes, msg->route.peer.len);
	body.label = msg->route.label;
	body.bits = msg->route.bits;
	body.mtu = msg->route.mtu;
	control.route = &body;
	return pack(&control, VIADUCT__CONTROL__BODY_ROUTE, out);
}

static size_t encode_reserve(const struct control_msg *msg, uint8_t *out)
{
	Viaduct__Control control = VIADUCT__CONTROL__INIT;
	Viaduct__Reserve body = VIADUCT__RESERVE__INIT;

	body.id = msg->reserve.id;
	body.ttl_s = msg->reserve.ttl_s;
	body.realms = msg->reserve.realms;
	control.reserve = &body;
	return pack(&control, VIADUCT__CONTROL__BODY_RESERVE, out);
}

static size_t encode_reserved(const struct control_msg *msg, uint8_t *out)
{
	Viaduct__Control control = VIADUCT__CONTROL__INIT;
	Viaduct__Reserved body = VIADUCT__RESERVED__INIT;

	body.id = msg->reserved.id;
	body.status = (Viaduct__Status)msg->reserved.status;
	body.ttl_s = msg->reserved.ttl_s;
	body.realms = msg->reserved.realms;
	control.reserved = &body;
	return pack(&control, VIADUCT__CONTROL__BODY_RESERVED, out);
}

static size_t encode_observed(const struct control_msg *msg, uint8_t *out)
{
	Viaduct__Control control = VIADUCT__CONTROL__INIT;
	Viaduct__Observed body = VIADUCT__OBSERVED__INIT;

	body.address = binary(msg->observed.address, msg->observed.len);
	control.observed = &body;
	return pack(&control, VIADUCT__CONTROL__BODY_OBSERVED, out);
}

static size_t encode_challenge(const struct control_msg *msg, uint8_t *out)
{
	Viaduct__Control control = VIADUCT__CONTROL__INIT;
	Viaduct__Challenge body = VIADUCT__CHALLENGE__INIT;

	body.data = binary(msg->challenge, sizeof msg->challenge);
	if (msg->kind == CONTROL_ANSWER) {
		control.answer = &body;
		return pack(&control, VIADUCT__CONTROL__BODY_ANSWER, out);
	}
	control.challenge = &body;
	return pack(&control, VIADUCT__CONTROL__BODY_CHALLENGE, out);
}

static size_t encode_close(const struct control_msg *msg, uint8_t *out)
{
	Viaduct__Control control = VIADUCT__CONTROL__INIT;
	Viaduct__Close body = VIADUCT__CLOSE__INIT;
	char text[CONTROL_TEXT_MAX];

	snprintf(text, sizeof text, "%s", msg->close.text);
	body.status = (Viaduct__Status)msg->close.status;
	body.text = text;
	control.close = &body;
	return pack(&control, VIADUCT__CONTROL__BODY_CLOSE, out);
}

static size_t encode_draining(const struct control_msg *msg, uint8_t *out)
{
	Viaduct__Control control = VIADUCT__CONTROL__INIT;
	Viaduct__Draining body = VIADUCT__DRAINING__INIT;

	body.ended = msg->draining.ended;
	body.left = msg->draining.left;
	control.draining = &body;
	return pack(&control, VIADUCT__CONTROL__BODY_DRAINING, out);
}

size_t control_msg_encode(const struct control_msg *msg, uint8_t out[CONTROL_MSG_MAX])
{
	switch (msg->kind) {
	case CONTROL_OBSERVED: return encode_observed(msg, out);
	case CONTROL_RESERVE: return encode_reserve(msg, out);
	case CONTROL_RESERVED: return encode_reserved(msg, out);
	case CONTROL_QUERY: return encode_query(msg, out);
	case CONTROL_ROUTE: return encode_route(msg, out);
	case CONTROL_CHALLENGE:
	case CONTROL_ANSWER: return encode_challenge(msg, out);
	case CONTROL_CLOSE: return encode_close(msg, out);
	case CONTROL_DRAINING: return encode_draining(msg, out);
	}
	return 0;
}
