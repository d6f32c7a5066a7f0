/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * log_settings: where lines of the log go, which, and how they look.
 *
 *	vd_log_to(-1);                         // nowhere
 *	vd_log_set_levels("warn,host=debug");  // why connections fail
 *
 * Process-wide: at first VD_LOG_INFO, as text, on stderr. Threads: any; set them before others
 * start, or change a level at any time. log.h writes lines.
 */
#include <stdbool.h>

#include "base/err.h"

enum vd_log_level {
	VD_LOG_ERROR, /* the operator must act */
	VD_LOG_WARN,  /* the operator may want to act */
	VD_LOG_INFO,  /* what happened, a few lines a minute when all is well */
	VD_LOG_DEBUG, /* to be read beside the code */
};

enum vd_log_subsystem {
	VD_SUB_DAEMON,
	VD_SUB_CONFIG,
	VD_SUB_DATAPLANE,
	VD_SUB_LINK,
	VD_SUB_SESSION,
	VD_SUB_ROUTE,
	VD_SUB_API,
	VD_SUB_NET,  /* netlink: addresses, routes, neighbours */
	VD_SUB_HOST, /* libp2p connections and streams */
	VD_SUB_COUNT,
};

enum vd_log_format { VD_LOG_TEXT, VD_LOG_JSON };

void vd_log_to(int fd); /* not closed; -1: nowhere */
void vd_log_set_format(enum vd_log_format format);
void vd_log_set_level(enum vd_log_subsystem sub, enum vd_log_level level);
void vd_log_set_level_all(enum vd_log_level level);
bool vd_log_enabled(enum vd_log_subsystem sub, enum vd_log_level level);

/* "error", "warn", "info", "debug"; VD_EUSER for another name. */
enum vd_err vd_log_level_of_name(const char *name, enum vd_log_level *level_out);
const char *vd_log_subsystem_name(enum vd_log_subsystem sub);

/*
 * "info", or "info,link=debug,api=warn": a level for all, then exceptions.
 * VD_EUSER when a name is unknown; levels are then unchanged.
 */
enum vd_err vd_log_set_levels(const char *spec);
