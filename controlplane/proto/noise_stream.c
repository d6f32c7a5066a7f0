/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/noise_stream.h"

#include <sodium.h>
#include <stdlib.h>

#include "controlplane/proto/byte_queue.h"
#include "controlplane/proto/noise_cipher.h"
#include "controlplane/proto/noise_hello.h"
#include "controlplane/proto/public_key.h"

enum {
	LENGTH_BYTES = 2,
	/* A queue with this much takes no more: at most one record beyond it. */
	QUEUE_FULL = 65536,
};

/* A record in parts: each is deciphered as it comes, and all of it verified at its end. */
struct part {
	uint8_t head[LENGTH_BYTES], tag[NOISE_TAG_BYTES];
	uint8_t head_len, tag_len;
	size_t left;             /* of ciphertext */
	struct byte_queue plain; /* not verified: nobody's yet */
};

struct noise_stream {
	struct security base;
	const struct noise_stream_config *config;
	struct noise noise; /* wiped once open */
	struct vd_peer_id expected;
	bool has_expected;
	struct noise_cipher send, recv;
	struct byte_queue message; /* of the handshake, not whole yet */
	struct part part;
	struct byte_queue plain; /* to be taken */
	struct byte_queue out;   /* to be sent */
	uint8_t *public_key;     /* the peer's */
};

static enum vd_err fail(struct noise_stream *s, enum vd_err err, const char *reason)
{
	s->base.state = SECURITY_FAILED;
	s->base.reason = reason;
	return err;
}

/* ---- records ---- */

/* Writes sealed.len - 16 bytes, which count only if true is returned. */
static bool open_sealed(struct noise_cipher *cipher, struct vd_bytes sealed, uint8_t *out)
{
	size_t len = sealed.len - NOISE_TAG_BYTES;

	return noise_cipher_begin(cipher) &&
	       noise_cipher_open(cipher, vd_bytes(sealed.at, len), out) &&
	       noise_cipher_verify(cipher, sealed.at + len);
}

static enum vd_err too_short(struct noise_stream *s)
{
	return fail(s, VD_EPEER_FORMAT, "a record shorter than its tag");
}

static enum vd_err not_verified(struct noise_stream *s)
{
	return fail(s, VD_EPEER_AUTH, "a record that does not verify");
}

static enum vd_err take_record(struct noise_stream *s, struct vd_bytes sealed)
{
	uint8_t none;

	if (sealed.len < NOISE_TAG_BYTES)
		return too_short(s);

	size_t len = sealed.len - NOISE_TAG_BYTES;
	uint8_t *room = len ? byte_queue_room(&s->plain, len) : &none;

	if (!room)
		return fail(s, VD_ENOMEM, "out of memory");
	if (!open_sealed(&s->recv, sealed, room))
		return not_verified(s);
	byte_queue_added(&s->plain, len);
	return VD_OK;
}

/* ---- a record in parts ---- */

static void copy_up_to(uint8_t *to, uint8_t *len, size_t want, struct vd_read *r)
{
	size_t lacks = want - *len, left = vd_read_left(r);

	lacks = lacks < left ? lacks : left;
	vd_read_copy(r, to + *len, lacks);
	*len = (uint8_t)(*len + lacks);
}

static enum vd_err begin_part(struct noise_stream *s, struct vd_read *r)
{
	struct part *part = &s->part;

	copy_up_to(part->head, &part->head_len, LENGTH_BYTES, r);
	if (part->head_len < LENGTH_BYTES)
		return VD_OK;
	part->left = vd_be16_load(part->head);
	if (part->left < NOISE_TAG_BYTES)
		return too_short(s);
	part->left -= NOISE_TAG_BYTES;
	return noise_cipher_begin(&s->recv) ? VD_OK : fail(s, VD_ENOMEM, "out of memory");
}

static enum vd_err take_part(struct noise_stream *s, struct vd_read *r)
{
	struct part *part = &s->part;
	size_t left = vd_read_left(r), len = part->left < left ? part->left : left;
	uint8_t *room = byte_queue_room(&part->plain, len);

	if (!room)
		return fail(s, VD_ENOMEM, "out of memory");
	if (!noise_cipher_open(&s->recv, vd_read_bytes(r, len), room))
		return not_verified(s);
	byte_queue_added(&part->plain, len);
	part->left -= len;
	return VD_OK;
}

/* Plaintext that is verified: with its memory, when none waits before it. */
static enum vd_err keep_part(struct noise_stream *s)
{
	enum vd_err err = VD_OK;

	if (s->plain.len) {
		err = byte_queue_push(&s->plain, byte_queue_bytes(&s->part.plain));
		byte_queue_fini(&s->part.plain);
	} else {
		byte_queue_fini(&s->plain);
		s->plain = s->part.plain;
	}
	s->part = (struct part){ 0 };
	return err ? fail(s, err, "out of memory") : VD_OK;
}

static enum vd_err end_part(struct noise_stream *s, struct vd_read *r)
{
	struct part *part = &s->part;

	copy_up_to(part->tag, &part->tag_len, NOISE_TAG_BYTES, r);
	if (part->tag_len < NOISE_TAG_BYTES)
		return VD_OK;
	return noise_cipher_verify(&s->recv, part->tag) ? keep_part(s) : not_verified(s);
}

static enum vd_err go_on(struct noise_stream *s, struct vd_read *r)
{
	if (s->part.head_len < LENGTH_BYTES)
		return begin_part(s, r);
	return s->part.left ? take_part(s, r) : end_part(s, r);
}

static enum vd_err push_record(struct noise_stream *s, struct vd_bytes plain)
{
	size_t len = plain.len + NOISE_TAG_BYTES;
	uint8_t *room = byte_queue_room(&s->out, LENGTH_BYTES + len);

	if (!room || !noise_cipher_seal(&s->send, plain, room + LENGTH_BYTES))
		return fail(s, VD_ENOMEM, "out of memory");
	vd_be16_store(room, (uint16_t)len);
	byte_queue_added(&s->out, LENGTH_BYTES + len);
	return VD_OK;
}

/* ---- the handshake ---- */

static enum vd_err open_channel(struct noise_stream *s)
{
	struct noise_keys keys;
	enum vd_err err = noise_split(&s->noise, &keys);

	if (!err && (!noise_cipher_init(&s->send, keys.send, true) ||
		     !noise_cipher_init(&s->recv, keys.recv, false)))
		err = VD_ENOMEM;
	sodium_memzero(&keys, sizeof keys);
	noise_fini(&s->noise);
	if (err)
		return fail(s, err, "out of memory");
	s->base.state = SECURITY_OPEN;
	return VD_OK;
}

/* Our next message, with our payload unless it is the first. */
static enum vd_err push_message(struct noise_stream *s)
{
	const struct noise_stream_config *config = s->config;
	uint8_t payload[NOISE_HELLO_MAX], message[LENGTH_BYTES + NOISE_HELLO_MAX + 128];
	struct vd_write w = vd_write_to(payload, sizeof payload);
	size_t len;
	enum vd_err err = VD_OK;

	if (s->noise.next > 1)
		err = noise_hello_write(&w, config->security, config->signature);
	if (!err)
		err = noise_write(&s->noise, vd_write_done(&w), message + LENGTH_BYTES,
				  sizeof message - LENGTH_BYTES, &len);
	if (!err) {
		vd_be16_store(message, (uint16_t)len);
		err = byte_queue_push(&s->out, vd_bytes(message, LENGTH_BYTES + len));
	}
	return err ? fail(s, err, "no room for a handshake message") : VD_OK;
}

/* First of the initiator's list that both have; no list on a side leaves it to negotiation. */
static enum vd_err choose_muxer(struct noise_stream *s, const struct noise_hello *hello)
{
	const char *const *ours = s->config->security->muxers;
	bool initiator = s->noise.role == NOISE_INITIATOR;

	if (!hello->muxer_count || !*ours)
		return VD_OK;
	s->base.muxer = initiator ? noise_hello_first_of_ours(ours, hello)
				  : noise_hello_first_of_theirs(ours, hello);
	return s->base.muxer ? VD_OK : fail(s, VD_EPEER_UNSUPPORTED, "no muxer in common");
}

static enum vd_err keep_public_key(struct noise_stream *s, struct vd_bytes key)
{
	s->public_key = malloc(key.len);
	if (!s->public_key)
		return fail(s, VD_ENOMEM, "out of memory");
	memcpy(s->public_key, key.at, key.len);
	s->base.public_key = vd_bytes(s->public_key, key.len);
	return VD_OK;
}

static enum vd_err take_hello(struct noise_stream *s, struct vd_bytes payload)
{
	struct noise_hello hello;
	struct vd_peer_id peer;
	enum vd_err err = noise_hello_read(payload, &hello);

	if (err)
		return fail(s, err, "a malformed payload");
	err = noise_hello_verify(&hello, s->noise.rs, &peer);
	if (err)
		return fail(s, err, "an identity that does not verify");
	if (s->has_expected && !vd_peer_id_equal(&peer, &s->expected))
		return fail(s, VD_EPEER_AUTH, "another peer than was dialled");
	s->base.peer = peer;
	err = keep_public_key(s, hello.identity_key);
	return err ? err : choose_muxer(s, &hello);
}

static enum vd_err take_message(struct noise_stream *s, struct vd_bytes message)
{
	uint8_t payload[NOISE_STREAM_HANDSHAKE_MAX];
	unsigned number = s->noise.next;
	size_t len;
	enum vd_err err = noise_read(&s->noise, message, payload, sizeof payload, &len);

	if (err)
		return fail(s, err, "a handshake message that does not verify");
	/* A payload of message 1 anybody could have written: not looked at. */
	if (number > 1)
		err = take_hello(s, vd_bytes(payload, len));
	if (!err && number < 3)
		err = push_message(s);
	if (!err && number > 1)
		err = open_channel(s);
	return err;
}

/* ---- bytes of the wire ---- */

static bool shakes(const struct noise_stream *s)
{
	return s->base.state == SECURITY_HANDSHAKE;
}

static enum vd_err take(struct noise_stream *s, struct vd_bytes message)
{
	return shakes(s) ? take_message(s, message) : take_record(s, message);
}

/* Whole message at the head of `in`, its length included; 0: not known yet. */
static size_t whole_len(struct vd_bytes in)
{
	return in.len < LENGTH_BYTES ? 0 : LENGTH_BYTES + (size_t)vd_be16_load(in.at);
}

static bool too_long(const struct noise_stream *s, size_t whole)
{
	return shakes(s) && whole > LENGTH_BYTES + NOISE_STREAM_HANDSHAKE_MAX;
}

static struct vd_bytes without_length(struct vd_bytes whole)
{
	return vd_bytes(whole.at + LENGTH_BYTES, whole.len - LENGTH_BYTES);
}

/* Adds to the message that is not whole yet, no more than it lacks; takes it when it is whole. */
static enum vd_err collect(struct noise_stream *s, struct vd_read *r)
{
	size_t whole = whole_len(byte_queue_bytes(&s->message)), left = vd_read_left(r);
	size_t lacks = (whole ? whole : LENGTH_BYTES) - s->message.len;

	if (byte_queue_push(&s->message, vd_read_bytes(r, lacks < left ? lacks : left)))
		return fail(s, VD_ENOMEM, "out of memory");
	whole = whole_len(byte_queue_bytes(&s->message));
	if (too_long(s, whole))
		return fail(s, VD_EPEER_RANGE, "a handshake message that is too long");
	if (!whole || s->message.len < whole)
		return VD_OK;

	enum vd_err err = take(s, without_length(byte_queue_bytes(&s->message)));

	byte_queue_fini(&s->message);
	return err;
}

/* One message or record: from where it lies if it is there whole, else piece by piece. */
static enum vd_err step(struct noise_stream *s, struct vd_read *r)
{
	struct vd_bytes left = vd_bytes(r->at, vd_read_left(r));
	size_t whole = whole_len(left);

	if (s->part.head_len)
		return go_on(s, r);
	if (s->message.len || !whole || whole > left.len || too_long(s, whole))
		return shakes(s) ? collect(s, r) : go_on(s, r);
	return take(s, without_length(vd_read_bytes(r, whole)));
}

static struct noise_stream *of(struct security *security)
{
	return (struct noise_stream *)security;
}

static enum vd_err receive(struct security *security, struct vd_bytes wire, size_t *used_out)
{
	struct noise_stream *s = of(security);
	struct vd_read r = vd_read_of(wire);
	enum vd_err err = VD_OK;

	*used_out = 0;
	if (s->base.state == SECURITY_FAILED)
		return VD_EBUG_STATE;
	while (!err && vd_read_left(&r) && s->plain.len < QUEUE_FULL)
		err = step(s, &r);
	*used_out = wire.len - vd_read_left(&r);
	return err;
}

static struct vd_bytes input(struct security *security)
{
	return byte_queue_bytes(&of(security)->plain);
}

static void taken(struct security *security, size_t len)
{
	byte_queue_pop(&of(security)->plain, len);
}

static enum vd_err write_plain(struct security *security, struct vd_bytes plain, size_t *took_out)
{
	struct noise_stream *s = of(security);
	struct vd_read r = vd_read_of(plain);
	enum vd_err err = VD_OK;

	*took_out = 0;
	if (s->base.state != SECURITY_OPEN || (plain.len && s->out.len >= QUEUE_FULL))
		return VD_AGAIN;
	while (!err && vd_read_left(&r) && s->out.len < QUEUE_FULL) {
		size_t left = vd_read_left(&r);

		err = push_record(s, vd_read_bytes(&r, left < NOISE_STREAM_PLAIN_MAX
							   ? left
							   : NOISE_STREAM_PLAIN_MAX));
	}
	if (!err)
		*took_out = plain.len - vd_read_left(&r);
	return err;
}

static struct vd_bytes next_output(struct security *security)
{
	return byte_queue_bytes(&of(security)->out);
}

static void sent(struct security *security, size_t len)
{
	byte_queue_pop(&of(security)->out, len);
}

static size_t buffered(const struct security *security)
{
	const struct noise_stream *s = (const struct noise_stream *)security;

	return byte_queue_held(&s->message) + byte_queue_held(&s->part.plain) +
	       byte_queue_held(&s->plain) + byte_queue_held(&s->out);
}

static void close_channel(struct security *security)
{
	(void)security; /* there is no message for it */
}

static void free_plain(struct byte_queue *plain)
{
	if (plain->at)
		sodium_memzero(plain->at, plain->cap);
	byte_queue_fini(plain);
}

static void free_channel(struct security *security)
{
	struct noise_stream *s = of(security);

	noise_cipher_fini(&s->send);
	noise_cipher_fini(&s->recv);
	free_plain(&s->plain);
	free_plain(&s->part.plain);
	byte_queue_fini(&s->message);
	byte_queue_fini(&s->out);
	free(s->public_key);
	sodium_memzero(s, sizeof *s);
	free(s);
}

static const struct security_class noise_class = {
	.protocol = "/noise",
	.receive = receive,
	.input = input,
	.taken = taken,
	.write = write_plain,
	.next_output = next_output,
	.sent = sent,
	.buffered = buffered,
	.close = close_channel,
	.free = free_channel,
};

/* ---- configuration and birth ---- */

void noise_stream_config_init(struct noise_stream_config *config,
			      const struct security_config *security)
{
	*config = (struct noise_stream_config){ .security = security };
	noise_keypair_generate(&config->static_key);
	noise_hello_sign(security->identity, config->static_key.public_key, config->signature);
}

void noise_stream_config_fini(struct noise_stream_config *config)
{
	sodium_memzero(config, sizeof *config);
}

struct security *noise_stream_new(const struct noise_stream_config *config, enum noise_role role,
				  const struct vd_peer_id *expected)
{
	struct noise_stream *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->base.class = &noise_class;
	s->config = config;
	s->has_expected = expected != NULL;
	if (expected)
		s->expected = *expected;
	noise_init(&s->noise, role, vd_bytes(NULL, 0), &config->static_key);
	if (role == NOISE_INITIATOR && push_message(s)) {
		free_channel(&s->base);
		return NULL;
	}
	return &s->base;
}
