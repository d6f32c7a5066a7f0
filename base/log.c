/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"

/* Process-wide settings. writer: any thread; readers: any thread. Relaxed: a line more
 * or less around a change does not matter. */
static _Atomic int log_fd = STDERR_FILENO;
static _Atomic int log_format = VD_LOG_TEXT;
static _Atomic int log_levels[VD_SUB_COUNT] = {
	[0 ... VD_SUB_COUNT - 1] = VD_LOG_INFO,
};

static const char *const level_names[] = {
	[VD_LOG_ERROR] = "error",
	[VD_LOG_WARN] = "warn",
	[VD_LOG_INFO] = "info",
	[VD_LOG_DEBUG] = "debug",
};

static const char *const subsystem_names[VD_SUB_COUNT] = {
	[VD_SUB_DAEMON] = "daemon", [VD_SUB_CONFIG] = "config",   [VD_SUB_DATAPLANE] = "dataplane",
	[VD_SUB_LINK] = "link",     [VD_SUB_SESSION] = "session", [VD_SUB_ROUTE] = "route",
	[VD_SUB_API] = "api",       [VD_SUB_NET] = "net",         [VD_SUB_HOST] = "host",
};

enum { LEVELS = sizeof level_names / sizeof level_names[0] };

/* ---- settings ---- */

void vd_log_to(int fd)
{
	atomic_store_explicit(&log_fd, fd, memory_order_relaxed);
}

void vd_log_set_format(enum vd_log_format format)
{
	atomic_store_explicit(&log_format, (int)format, memory_order_relaxed);
}

void vd_log_set_level(enum vd_log_subsystem sub, enum vd_log_level level)
{
	if ((unsigned)sub < VD_SUB_COUNT)
		atomic_store_explicit(&log_levels[sub], (int)level, memory_order_relaxed);
}

void vd_log_set_level_all(enum vd_log_level level)
{
	for (unsigned i = 0; i < VD_SUB_COUNT; i++)
		vd_log_set_level((enum vd_log_subsystem)i, level);
}

bool vd_log_enabled(enum vd_log_subsystem sub, enum vd_log_level level)
{
	return (unsigned)sub < VD_SUB_COUNT &&
	       (int)level <= atomic_load_explicit(&log_levels[sub], memory_order_relaxed);
}

const char *vd_log_subsystem_name(enum vd_log_subsystem sub)
{
	return (unsigned)sub < VD_SUB_COUNT ? subsystem_names[sub] : "";
}

static bool index_of_name(struct vd_bytes name, const char *const *names, size_t count,
			  unsigned *index_out)
{
	for (unsigned i = 0; i < count; i++)
		if (vd_bytes_equal(name, vd_bytes_of_text(names[i]))) {
			*index_out = i;
			return true;
		}
	return false;
}

enum vd_err vd_log_level_of_name(const char *name, enum vd_log_level *level_out)
{
	unsigned level;

	if (!index_of_name(vd_bytes_of_text(name), level_names, LEVELS, &level))
		return VD_EUSER;
	*level_out = (enum vd_log_level)level;
	return VD_OK;
}

/* One item of a specification, `level` or `subsystem=level`, into `levels`. */
static bool apply_item(struct vd_bytes item, bool first, int levels[VD_SUB_COUNT])
{
	const uint8_t *equals = item.len ? memchr(item.at, '=', item.len) : NULL;
	size_t head = equals ? (size_t)(equals - item.at) : 0;
	unsigned sub = 0, level = 0;

	if (!equals) {
		if (!first || !index_of_name(item, level_names, LEVELS, &level))
			return false;
		for (size_t i = 0; i < VD_SUB_COUNT; i++)
			levels[i] = (int)level;
		return true;
	}
	if (!index_of_name(vd_bytes(item.at, head), subsystem_names, VD_SUB_COUNT, &sub) ||
	    !index_of_name(vd_bytes(equals + 1, item.len - head - 1), level_names, LEVELS, &level))
		return false;
	levels[sub] = (int)level;
	return true;
}

enum vd_err vd_log_set_levels(const char *spec)
{
	int levels[VD_SUB_COUNT];

	for (size_t i = 0; i < VD_SUB_COUNT; i++)
		levels[i] = atomic_load_explicit(&log_levels[i], memory_order_relaxed);
	for (const char *at = spec;; at++) {
		size_t len = strcspn(at, ",");

		if (!apply_item(vd_bytes(at, len), at == spec, levels))
			return VD_EUSER;
		at += len;
		if (!*at)
			break;
	}
	for (unsigned i = 0; i < VD_SUB_COUNT; i++)
		vd_log_set_level((enum vd_log_subsystem)i, (enum vd_log_level)levels[i]);
	return VD_OK;
}

/* ---- rate: GCRA, one word a site ---- */

bool vd_log_site_pass(struct vd_log_site *site, vd_ns now)
{
	const vd_ns each = VD_NS_PER_S / VD_LOG_PER_S;
	uint64_t full_at = atomic_load_explicit(&site->full_at_ns, memory_order_relaxed);
	uint64_t next;

	do {
		next = (full_at > now ? full_at : now) + each;
		if (next - now > VD_LOG_BURST * each) {
			atomic_fetch_add_explicit(&site->suppressed, 1, memory_order_relaxed);
			return false;
		}
	} while (!atomic_compare_exchange_weak_explicit(
	    &site->full_at_ns, &full_at, next, memory_order_relaxed, memory_order_relaxed));
	return true;
}

/* ---- one line ---- */

/*
 * A line is filled up to TAIL bytes before its end; what does not fit sets `cut`, and
 * nothing is put any more. The tail closes it, so a cut JSON line is still JSON. A quote that
 * closes a value goes into the tail, too: `len` may be beyond the limit without a cut.
 */
enum { TAIL = 32 };

struct line {
	char text[VD_LOG_LINE];
	size_t len;
	bool cut;
};

static void put(struct line *line, const char *text, size_t len)
{
	if (line->cut || line->len + len > VD_LOG_LINE - TAIL) {
		line->cut = true;
		return;
	}
	memcpy(line->text + line->len, text, len);
	line->len += len;
}

static void put_text(struct line *line, const char *text)
{
	put(line, text, strlen(text));
}

/* Into the tail. */
static void put_closing(struct line *line, const char *text)
{
	size_t len = strlen(text);

	memcpy(line->text + line->len, text, len);
	line->len += len;
}

static void put_escaped_byte(struct line *line, uint8_t byte, bool json)
{
	char escape[8];

	snprintf(escape, sizeof escape, json ? "\\u%04x" : "\\x%02x", byte);
	put_text(line, escape);
}

/* One character, escaped where it must be; returns the bytes taken. */
static size_t put_char(struct line *line, struct vd_bytes in, bool json)
{
	const uint8_t *at = in.at;
	size_t len = vd_utf8_len(in);

	if (len == 0) {
		if (json)
			put_text(line, "\\ufffd");
		else
			put_escaped_byte(line, at[0], false);
		return 1;
	}
	if (at[0] == '"' || at[0] == '\\')
		put(line, (const char[]){ '\\', (char)at[0] }, 2);
	else if (at[0] == '\n')
		put(line, "\\n", 2);
	else if (at[0] == '\t')
		put(line, "\\t", 2);
	else if (at[0] == '\r')
		put(line, "\\r", 2);
	else if (vd_utf8_is_control(at, len))
		put_escaped_byte(line, at[len - 1], json);
	else
		put(line, (const char *)at, len);
	return len;
}

static void put_escaped(struct line *line, const char *text, bool json)
{
	/* What is longer than a line does not fit anyway. */
	struct vd_bytes in = vd_bytes(text, strnlen(text, VD_LOG_LINE));

	while (in.len > 0 && !line->cut) {
		size_t taken = put_char(line, in, json);

		in = vd_bytes(in.at + taken, in.len - taken);
	}
}

/* Whether a text value stands without quotes. */
static bool is_bare(const char *text)
{
	if (!*text)
		return false;
	for (; *text; text++)
		if (*text <= ' ' || *text > '~' || strchr("\"\\=", *text))
			return false;
	return true;
}

static void put_string(struct line *line, const char *text, bool json)
{
	if (!json && is_bare(text)) {
		put_text(line, text);
		return;
	}
	put(line, "\"", 1);
	if (line->cut)
		return;
	put_escaped(line, text, json);
	put_closing(line, "\"");
}

static void put_hex(struct line *line, struct vd_bytes bytes, bool json)
{
	static const char digits[] = "0123456789abcdef";

	put(line, "\"", json ? 1 : 0);
	if (line->cut)
		return;
	for (size_t i = 0; i < bytes.len; i++)
		put(line, (const char[]){ digits[bytes.at[i] >> 4], digits[bytes.at[i] & 15] }, 2);
	if (json)
		put_closing(line, "\"");
}

static void put_u64(struct line *line, uint64_t value)
{
	char text[24];

	put(line, text, (size_t)snprintf(text, sizeof text, "%" PRIu64, value));
}

static void put_i64(struct line *line, int64_t value)
{
	char text[24];

	put(line, text, (size_t)snprintf(text, sizeof text, "%" PRId64, value));
}

static void put_peer(struct line *line, const struct vd_peer_id *peer, bool json)
{
	char text[VD_PEER_ID_TEXT];

	put_string(line, peer ? vd_peer_id_text(peer, text) : "", json);
}

static void put_value(struct line *line, const struct vd_log_field *field, bool json)
{
	switch (field->kind) {
	case VD_FIELD_STR: put_string(line, field->str ? field->str : "", json); break;
	case VD_FIELD_U64: put_u64(line, field->u64); break;
	case VD_FIELD_I64: put_i64(line, field->i64); break;
	case VD_FIELD_HEX: put_hex(line, field->hex, json); break;
	case VD_FIELD_PEER: put_peer(line, field->peer, json); break;
	}
}

static void put_field(struct line *line, const struct vd_log_field *field, bool json)
{
	size_t start = line->len;

	put_text(line, json ? ",\"" : " ");
	put_text(line, field->name);
	put_text(line, json ? "\":" : "=");

	size_t value = line->len;

	if (!line->cut)
		put_value(line, field, json);
	/* Half a number or a name without value would mislead; half a string is marked. */
	if (line->cut && (line->len == value || field->kind == VD_FIELD_U64 ||
			  field->kind == VD_FIELD_I64 || value == start))
		line->len = start;
}

static void put_time(struct line *line)
{
	uint64_t ms = vd_unix_ms();
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;
	char text[40];

	gmtime_r(&seconds, &tm);
	size_t len = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + len, sizeof text - len, ".%03uZ", (unsigned)(ms % 1000));
	put_text(line, text);
}

static void put_head(struct line *line, enum vd_log_level level, enum vd_log_subsystem sub,
		     const char *message, bool json)
{
	const char *level_name = (unsigned)level < LEVELS ? level_names[level] : "";

	put_text(line, json ? "{\"time\":\"" : "");
	put_time(line);
	put_text(line, json ? "\",\"level\":\"" : " ");
	put_text(line, level_name);
	put_text(line, json ? "\",\"subsystem\":\"" : " ");
	put_text(line, vd_log_subsystem_name(sub));
	put_text(line, json ? "\",\"message\":\"" : ": ");
	put_escaped(line, message, json);
	put_closing(line, json ? "\"" : "");
}

static void put_tail(struct line *line, bool json)
{
	if (line->cut)
		put_closing(line, json ? ",\"cut\":true" : " cut=true");
	put_closing(line, json ? "}\n" : "\n");
}

void vd_log_write(struct vd_log_site *site, enum vd_log_level level, enum vd_log_subsystem sub,
		  const char *message, const struct vd_log_field *fields, size_t count)
{
	if (level != VD_LOG_ERROR && !vd_log_site_pass(site, vd_now()))
		return;

	int saved_errno = errno;
	bool json = atomic_load_explicit(&log_format, memory_order_relaxed) == VD_LOG_JSON;
	uint64_t held = atomic_exchange_explicit(&site->suppressed, 0, memory_order_relaxed);
	struct line line = { .len = 0 };

	put_head(&line, level, sub, message, json);
	if (held)
		put_field(&line, &VD_U64("suppressed", held), json);
	for (size_t i = 0; i < count; i++)
		put_field(&line, &fields[i], json);
	put_tail(&line, json);

	int fd = atomic_load_explicit(&log_fd, memory_order_relaxed);
	while (write(fd, line.text, line.len) < 0 && errno == EINTR)
		;
	errno = saved_errno;
}
