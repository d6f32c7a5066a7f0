/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/multistream.h"

static const char HEADER[] = "/multistream/1.0.0";
static const char NOT_AVAILABLE[] = "na";
static const char LIST[] = "ls";

enum { LENGTH_MAX = 2 }; /* bytes of a varint up to MULTISTREAM_MESSAGE_MAX */

/* ---- writing ---- */

static enum vd_err push_length(struct multistream *m, size_t len)
{
	uint8_t bytes[10];
	struct vd_write w = vd_write_to(bytes, sizeof bytes);

	vd_write_uvarint(&w, len);
	return byte_queue_push(&m->out, vd_write_done(&w));
}

static enum vd_err push_line(struct multistream *m, const char *line)
{
	enum vd_err err = push_length(m, strlen(line) + 1);

	if (!err)
		err = byte_queue_push(&m->out, vd_bytes_of_text(line));
	return err ? err : byte_queue_push(&m->out, vd_bytes("\n", 1));
}

/* Fails for good; `reason` is for a log. */
static enum vd_err fail(struct multistream *m, enum vd_err err, const char *reason)
{
	m->state = MULTISTREAM_FAILED;
	m->reason = reason;
	return err;
}

/* ---- responder ---- */

static size_t line_len(const char *id)
{
	return vd_uvarint_len(strlen(id) + 1) + strlen(id) + 1;
}

/* Lines within a message, and one more newline. */
static enum vd_err push_list(struct multistream *m)
{
	const struct multistream_handlers *handlers = m->handlers;
	size_t count = 0, len = 1;
	const char *id;

	while (handlers->list && (id = handlers->list(handlers->context, count)) != NULL &&
	       len + line_len(id) <= MULTISTREAM_LIST_MAX) {
		len += line_len(id);
		count++;
	}

	enum vd_err err = push_length(m, len);

	for (size_t i = 0; i < count && !err; i++)
		err = push_line(m, handlers->list(handlers->context, i));
	return err ? err : byte_queue_push(&m->out, vd_bytes("\n", 1));
}

static void agree(struct multistream *m, struct vd_bytes id)
{
	memcpy(m->id, id.at, id.len);
	m->id[id.len] = 0;
	m->state = MULTISTREAM_DONE;
}

static bool is_ours(const struct multistream *m, struct vd_bytes id)
{
	return id.len > 0 && id.len <= MULTISTREAM_ID_MAX && !memchr(id.at, 0, id.len) &&
	       m->handlers->has(m->handlers->context, id);
}

static enum vd_err answer(struct multistream *m, struct vd_bytes line)
{
	if (++m->rounds > MULTISTREAM_ROUNDS)
		return fail(m, VD_EPEER_RANGE, "too many proposals");
	if (vd_bytes_equal(line, vd_bytes_of_text(LIST)))
		return push_list(m);
	if (!is_ours(m, line))
		return push_line(m, NOT_AVAILABLE);
	agree(m, line);
	return push_line(m, m->id);
}

/* ---- initiator ---- */

static enum vd_err take_answer(struct multistream *m, struct vd_bytes line)
{
	if (vd_bytes_equal(line, vd_bytes_of_text(*m->proposals))) {
		agree(m, line);
		return VD_OK;
	}
	if (!vd_bytes_equal(line, vd_bytes_of_text(NOT_AVAILABLE)))
		return fail(m, VD_EPEER_STATE, "an answer that was not proposed");
	if (!m->proposals[1])
		return fail(m, VD_EPEER_REFUSED, "no protocol in common");
	m->proposals++;
	return push_line(m, *m->proposals);
}

/* ---- both ---- */

static enum vd_err take_header(struct multistream *m, struct vd_bytes line)
{
	if (!vd_bytes_equal(line, vd_bytes_of_text(HEADER)))
		return fail(m, VD_EPEER_FORMAT, "not multistream-select 1.0.0");
	m->greeted = true;
	m->state = m->proposals ? MULTISTREAM_ANSWER : MULTISTREAM_PROPOSAL;
	return m->proposals ? VD_OK : push_line(m, HEADER);
}

static enum vd_err take_line(struct multistream *m, struct vd_bytes line)
{
	switch (m->state) {
	case MULTISTREAM_HEADER: return take_header(m, line);
	case MULTISTREAM_PROPOSAL: return answer(m, line);
	case MULTISTREAM_ANSWER: return take_answer(m, line);
	case MULTISTREAM_DONE:
	case MULTISTREAM_FAILED: break;
	}
	return VD_EBUG_STATE;
}

/*
 * The message that `waiting` begins with: VD_AGAIN and how many bytes it lacks at least, or VD_OK
 * and its line.
 */
static enum vd_err parse(struct multistream *m, struct vd_bytes waiting, size_t *lacks_out,
			 struct vd_bytes *line_out)
{
	struct vd_read r = vd_read_of(waiting);
	uint64_t len = vd_read_uvarint(&r);

	*lacks_out = 1;
	if (r.err == VD_EPEER_TRUNC && waiting.len < LENGTH_MAX)
		return VD_AGAIN;
	if (r.err || len == 0)
		return fail(m, VD_EPEER_FORMAT, "a bad length");
	if (len > MULTISTREAM_MESSAGE_MAX)
		return fail(m, VD_EPEER_RANGE, "a message that is too long");
	if (m->state == MULTISTREAM_HEADER && len != sizeof HEADER) /* its newline for the NUL */
		return fail(m, VD_EPEER_FORMAT, "not multistream");
	if (len > vd_read_left(&r)) {
		*lacks_out = (size_t)len - vd_read_left(&r);
		return VD_AGAIN;
	}

	struct vd_bytes line = vd_read_bytes(&r, (size_t)len);

	if (line.at[line.len - 1] != '\n')
		return fail(m, VD_EPEER_FORMAT, "a message without newline");
	*line_out = vd_bytes(line.at, line.len - 1);
	return VD_OK;
}

static enum vd_err step(struct multistream *m, struct vd_read *r)
{
	struct vd_bytes line;
	size_t lacks;
	enum vd_err err = parse(m, byte_queue_bytes(&m->in), &lacks, &line);

	if (err == VD_AGAIN) {
		/* Never more than this message lacks: what follows may be another protocol's. */
		size_t left = vd_read_left(r);

		if (!left)
			return VD_AGAIN;
		return byte_queue_push(&m->in, vd_read_bytes(r, lacks < left ? lacks : left));
	}
	if (!err)
		err = take_line(m, line);
	byte_queue_fini(&m->in);
	return err;
}

enum vd_err multistream_receive(struct multistream *m, struct vd_bytes in, size_t *used_out)
{
	struct vd_read r = vd_read_of(in);
	enum vd_err err = VD_OK;

	*used_out = 0;
	if (m->state == MULTISTREAM_FAILED)
		return VD_EBUG_STATE;
	while (!err && m->state != MULTISTREAM_DONE)
		err = step(m, &r);
	*used_out = in.len - vd_read_left(&r);
	return err == VD_AGAIN ? VD_OK : err;
}

/* Without memory for its first lines a machine has nothing to send, and fails. */
static void begin(struct multistream *m, const char *proposal)
{
	if (push_line(m, HEADER) || push_line(m, proposal))
		(void)fail(m, VD_ENOMEM, "out of memory");
}

void multistream_dial(struct multistream *m, const char *const *ids)
{
	*m = (struct multistream){ .proposals = ids };
	begin(m, *ids);
}

void multistream_listen(struct multistream *m, const struct multistream_handlers *handlers)
{
	*m = (struct multistream){ .handlers = handlers };
}

void multistream_fini(struct multistream *m)
{
	byte_queue_fini(&m->in);
	byte_queue_fini(&m->out);
}

struct vd_bytes multistream_next_output(const struct multistream *m)
{
	return byte_queue_bytes(&m->out);
}

void multistream_sent(struct multistream *m, size_t len)
{
	byte_queue_pop(&m->out, len);
}

bool multistream_may_write(const struct multistream *m)
{
	return m->state == MULTISTREAM_DONE ||
	       (m->proposals && !m->proposals[1] && m->state != MULTISTREAM_FAILED);
}

const char *multistream_protocol(const struct multistream *m)
{
	return m->state == MULTISTREAM_DONE ? m->id : NULL;
}
