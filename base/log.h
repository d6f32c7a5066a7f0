/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * log: structured lines on one file descriptor, text or JSON.
 *
 *	vd_log(VD_LOG_INFO, VD_SUB_LINK, "link up", VD_PEER("peer", &peer), VD_U64("rtt_ms", rtt));
 *
 *	2026-11-20T11:12:13.456Z info link: link up peer=12D3Koo… rtt_ms=3
 *	{"time":"2026-11-20T11:12:13.456Z","level":"info","subsystem":"link","message":"link up",…}
 *
 * The message is a constant, without values: values are fields, so that lines
 * can be searched and counted. Each line is one write(2), so lines of several
 * threads never mix. Secrets are never fields.
 *
 * Rate: lines at VD_LOG_WARN and less severe from one call site pass a bucket of
 * VD_LOG_BURST lines and VD_LOG_PER_S a second; what it held back is told by
 * a field `suppressed` of the next line from there. VD_LOG_ERROR always passes.
 *
 * Threads:  any, workers excepted (they count; they do not log).
 * Memory:   fields are borrowed until return. Lines are cut at VD_LOG_LINE bytes, and
 *           then end with a field `cut`.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/formats/peer_id.h"
#include "base/log_settings.h"
#include "base/time.h"

enum vd_log_kind { VD_FIELD_STR, VD_FIELD_U64, VD_FIELD_I64, VD_FIELD_HEX, VD_FIELD_PEER };

struct vd_log_field {
	const char *name;
	enum vd_log_kind kind;
	union {
		const char *str; /* NULL prints as empty */
		uint64_t u64;
		int64_t i64;
		struct vd_bytes hex;
		const struct vd_peer_id *peer; /* NULL prints as empty */
	};
};

#define VD_STR(n, v)  ((struct vd_log_field){ .name = (n), .kind = VD_FIELD_STR, .str = (v) })
#define VD_U64(n, v)  ((struct vd_log_field){ .name = (n), .kind = VD_FIELD_U64, .u64 = (v) })
#define VD_I64(n, v)  ((struct vd_log_field){ .name = (n), .kind = VD_FIELD_I64, .i64 = (v) })
#define VD_HEX(n, v)  ((struct vd_log_field){ .name = (n), .kind = VD_FIELD_HEX, .hex = (v) })
#define VD_PEER(n, v) ((struct vd_log_field){ .name = (n), .kind = VD_FIELD_PEER, .peer = (v) })
#define VD_ERR(v)     VD_STR("error", vd_err_text(v))

/* One per call site, made by the macro. writer: any thread; readers: any thread. */
struct vd_log_site {
	_Atomic uint64_t full_at_ns; /* GCRA: when the bucket is full again */
	_Atomic uint64_t suppressed; /* lines held back since the last one that passed */
};

enum { VD_LOG_BURST = 20, VD_LOG_PER_S = 5, VD_LOG_LINE = 2048 };

/* Whether a line from `site` passes its bucket at `now`; counts it as held back if not. */
bool vd_log_site_pass(struct vd_log_site *site, vd_ns now);

void vd_log_write(struct vd_log_site *site, enum vd_log_level level, enum vd_log_subsystem sub,
		  const char *message, const struct vd_log_field *fields, size_t count);

#define vd_log(level, sub, message, ...)                                                           \
	do {                                                                                       \
		static struct vd_log_site vd_site_;                                                \
		const struct vd_log_field vd_fields_[] = { { .name = NULL }, ##__VA_ARGS__ };      \
		if (vd_log_enabled((sub), (level)))                                                \
			vd_log_write(&vd_site_, (level), (sub), (message), vd_fields_ + 1,         \
				     sizeof vd_fields_ / sizeof vd_fields_[0] - 1);                \
	} while (0)
