/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/draining.h"

enum { SENDS = 5 };
static const vd_ns first_repeat = VD_MS(500), look_every = VD_MS(100);
static const vd_ns quiet_for = VD_MS(500), stop_within = VD_MS(2500);

void draining_begin(struct draining *draining, vd_ns now)
{
	if (draining->stop)
		return;
	*draining = (struct draining){ .on = true,
				       .sends = 1,
				       .next_send = now + first_repeat,
				       .next_look = now,
				       .stop_at = VD_NEVER,
				       .quiet_since = now };
}

void draining_end(struct draining *draining)
{
	if (!draining->stop)
		*draining = (struct draining){ 0 };
}

bool draining_stop(struct draining *draining, vd_ns now)
{
	if (draining->stop)
		return false;
	if (!draining->on)
		draining_begin(draining, now);
	draining->stop = true;
	draining->stop_at = now + stop_within;
	return true;
}

void draining_told(struct draining *draining)
{
	draining->told = true;
}

void draining_left(struct draining *draining, vd_ns now)
{
	draining->quiet_since = now;
}

void draining_saw(struct draining *draining, uint64_t switched, bool stays, vd_ns now)
{
	if (switched != draining->switched || stays)
		draining->quiet_since = now;
	draining->switched = switched;
}

/* The first message reaches the links after it was sent: a moment is always waited. */
static bool is_done(const struct draining *draining, vd_ns now)
{
	return !draining->told || now >= draining->stop_at ||
	       now >= draining->quiet_since + quiet_for;
}

enum draining_event draining_next(struct draining *draining, vd_ns now)
{
	if (!draining->on || draining->stopped)
		return DRAINING_NONE;
	if (now >= draining->next_send) {
		draining->next_send = ++draining->sends < SENDS
					  ? now + (first_repeat << (draining->sends - 1))
					  : VD_NEVER;
		return DRAINING_TELL;
	}
	if (now >= draining->next_look) {
		draining->next_look = now + look_every;
		return DRAINING_LOOK;
	}
	if (!draining->stop || !is_done(draining, now))
		return DRAINING_NONE;
	draining->stopped = true;
	return DRAINING_STOP;
}

vd_ns draining_deadline(const struct draining *draining)
{
	return draining->on && !draining->stopped
		   ? vd_ns_min(draining->next_send, draining->next_look)
		   : VD_NEVER;
}
