/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/dial_plan.h"

#include <stdio.h>

#include "controlplane/proto/ip_scope.h"

/* RFC 8305: about a round trip; go-libp2p: PublicTCPDelay, PrivateTCPDelay. */
static const vd_ns public_delay = VD_MS(250), private_delay = VD_MS(30);

void dial_plan_init(struct dial_plan *plan, const struct vd_peer_id *peer, vd_ns now)
{
	*plan = (struct dial_plan){
		.peer = *peer,
		.start = now,
		.until = vd_ns_add(now, VD_SECONDS(DIAL_PLAN_S)),
	};
}

/* ---- which addresses ---- */

/* Without the peer at its end, which may be there. */
static enum dial_verdict read_peer(const struct vd_multiaddr *address,
				   const struct vd_peer_id *peer, struct vd_multiaddr *bare_out)
{
	struct vd_multiaddr_part part = { .code = 0 };
	size_t at = 0, last = 0, len = 0;
	struct vd_peer_id id;

	while (vd_multiaddr_next(address, &at, &part)) {
		last = len;
		len = at;
	}
	if (part.code == VD_MA_P2P) {
		if (vd_peer_id_of_bytes(part.value, &id))
			return DIAL_NO_TRANSPORT;
		if (!vd_peer_id_equal(&id, peer))
			return DIAL_OTHER_PEER;
		len = last;
	}
	memcpy(bare_out->bytes, address->bytes, len);
	bare_out->len = (uint16_t)len;
	return DIAL_TAKEN;
}

static bool has_part(const struct vd_multiaddr *address, uint32_t code)
{
	struct vd_multiaddr_part part;
	size_t at = 0;

	while (vd_multiaddr_next(address, &at, &part))
		if (part.code == code)
			return true;
	return false;
}

static bool leads_nowhere(enum ip_scope scope, bool ip6, uint16_t port)
{
	return scope == IP_UNSPECIFIED || scope == IP_MULTICAST || !port ||
	       (ip6 && scope == IP_LINK_LOCAL);
}

static enum dial_verdict read_address(const struct vd_multiaddr *address,
				      const struct vd_peer_id *peer, struct dial_attempt *out)
{
	enum ip_scope scope = ip_scope_of(address);
	struct vd_multiaddr_part ip, port;
	size_t at = 0;
	enum dial_verdict verdict;

	if (has_part(address, VD_MA_VIADUCT))
		return DIAL_VIADUCT;
	if (scope == IP_NONE || !vd_multiaddr_next(address, &at, &ip) ||
	    !vd_multiaddr_next(address, &at, &port) ||
	    (port.code != VD_MA_TCP && port.code != VD_MA_UDP))
		return DIAL_NO_TRANSPORT;
	*out = (struct dial_attempt){ .state = DIAL_WAITING,
				      .is_private = ip_scope_is_private(scope),
				      .ip6 = ip.code == VD_MA_IP6,
				      .port = vd_be16_load(port.value.at) };
	verdict = read_peer(address, peer, &out->address);
	if (verdict)
		return verdict;
	return leads_nowhere(scope, out->ip6, out->port) ? DIAL_NOWHERE : DIAL_TAKEN;
}

static bool is_among(const struct vd_multiaddr *address, const struct vd_multiaddr *list,
		     size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (vd_multiaddr_equal(address, &list[i]))
			return true;
	return false;
}

static bool is_planned(const struct dial_plan *plan, const struct vd_multiaddr *address)
{
	for (unsigned i = 0; i < plan->count; i++)
		if (vd_multiaddr_equal(address, &plan->attempts[i].address))
			return true;
	return false;
}

/* ---- when ---- */

static bool comes_before(const struct dial_attempt *a, const struct dial_attempt *b)
{
	if (a->ip6 != b->ip6)
		return a->ip6;
	return a->port < b->port;
}

/* The places of a group, IPv6 and low ports first; as added where that says nothing. */
static unsigned sort_group(struct dial_plan *plan, bool is_private,
			   struct dial_attempt *order[DIAL_PLAN_MAX])
{
	unsigned count = 0;

	for (unsigned i = 0; i < plan->count; i++) {
		struct dial_attempt *one = &plan->attempts[i];
		unsigned place;

		if (one->is_private != is_private)
			continue;
		for (place = count++; place && comes_before(one, order[place - 1]); place--)
			order[place] = order[place - 1];
		order[place] = one;
	}
	return count;
}

/* Both families: the first IPv4 address is moved to the second place. */
static bool mix_families(struct dial_attempt *order[], unsigned count)
{
	for (unsigned i = 1; i < count && order[0]->ip6; i++) {
		struct dial_attempt *ip4 = order[i];

		if (ip4->ip6)
			continue;
		memmove(order + 2, order + 1, (i - 1) * sizeof order[0]);
		order[1] = ip4;
		return true;
	}
	return false;
}

static void rank_group(struct dial_plan *plan, bool is_private)
{
	vd_ns delay = is_private ? private_delay : public_delay;
	struct dial_attempt *order[DIAL_PLAN_MAX];
	unsigned count = sort_group(plan, is_private, order);
	bool mixed = mix_families(order, count);

	for (unsigned i = 0; i < count; i++) {
		vd_ns after = i == 0 ? 0 : i == 1 || !mixed ? delay : 2 * delay;

		order[i]->place = (uint8_t)i;
		if (order[i]->state == DIAL_WAITING)
			order[i]->due = vd_ns_add(plan->start, after);
	}
}

enum dial_verdict dial_plan_add(struct dial_plan *plan, const struct vd_multiaddr *address,
				const struct vd_multiaddr *ours, size_t ours_count)
{
	struct dial_attempt one;
	enum dial_verdict verdict = read_address(address, &plan->peer, &one);

	if (!verdict && is_among(&one.address, ours, ours_count))
		verdict = DIAL_OURS;
	if (!verdict && is_planned(plan, &one.address))
		verdict = DIAL_TWICE;
	if (!verdict && plan->count == DIAL_PLAN_MAX)
		verdict = DIAL_TOO_MANY;
	if (verdict) {
		dial_plan_skip(plan, verdict);
		return verdict;
	}
	plan->attempts[plan->count++] = one;
	rank_group(plan, one.is_private);
	return DIAL_TAKEN;
}

void dial_plan_drop(struct dial_plan *plan, enum dial_verdict verdict)
{
	bool is_private = plan->attempts[--plan->count].is_private;

	dial_plan_skip(plan, verdict);
	rank_group(plan, is_private);
}

void dial_plan_skip(struct dial_plan *plan, enum dial_verdict verdict)
{
	plan->skipped[verdict]++;
}

void dial_plan_expect(struct dial_plan *plan, bool more)
{
	plan->expecting = more;
}

/* ---- running ---- */

static bool is_under_way(const struct dial_attempt *one)
{
	return one->state == DIAL_TRYING || one->state == DIAL_UPGRADING;
}

/* The one that waits and comes first; NULL: none does. */
static struct dial_attempt *first_waiting(const struct dial_plan *plan)
{
	const struct dial_attempt *first = NULL;

	for (unsigned i = 0; i < plan->count; i++) {
		const struct dial_attempt *one = &plan->attempts[i];

		if (one->state != DIAL_WAITING)
			continue;
		if (!first || one->due < first->due ||
		    (one->due == first->due && one->place < first->place))
			first = one;
	}
	return (struct dial_attempt *)(uintptr_t)first;
}

/* When the first that waits may begin. */
static vd_ns begins_at(const struct dial_plan *plan, const struct dial_attempt *first)
{
	vd_ns at = first->due;

	if (!plan->under_way)
		return plan->start;
	if (plan->under_way == DIAL_PLAN_AT_ONCE)
		return VD_NEVER;
	for (unsigned i = 0; i < plan->count; i++) {
		const struct dial_attempt *one = &plan->attempts[i];

		if (one->state == DIAL_UPGRADING && one->hold_until > at)
			at = one->hold_until;
	}
	return at;
}

bool dial_plan_next(struct dial_plan *plan, vd_ns now, unsigned *attempt_out)
{
	struct dial_attempt *first = first_waiting(plan);

	if (dial_plan_state(plan) != DIAL_PLAN_RUNNING || !first || begins_at(plan, first) > now)
		return false;
	first->state = DIAL_TRYING;
	first->due = vd_ns_min(vd_ns_add(now, VD_SECONDS(DIAL_PLAN_ATTEMPT_S)), plan->until);
	plan->under_way++;
	plan->tried++;
	*attempt_out = (unsigned)(first - plan->attempts);
	return true;
}

void dial_plan_connected(struct dial_plan *plan, unsigned attempt, vd_ns now)
{
	struct dial_attempt *one = &plan->attempts[attempt];

	if (one->state != DIAL_TRYING)
		return;
	one->state = DIAL_UPGRADING;
	one->hold_until = one->is_private ? 0 : vd_ns_add(now, public_delay);
}

static void end(struct dial_plan *plan, struct dial_attempt *one, enum dial_attempt_state state)
{
	if (is_under_way(one))
		plan->under_way--;
	one->state = state;
}

void dial_plan_failed(struct dial_plan *plan, unsigned attempt, enum vd_err err, const char *why)
{
	struct dial_attempt *one = &plan->attempts[attempt];

	if (!is_under_way(one))
		return;
	end(plan, one, DIAL_FAILED);
	one->err = err;
	snprintf(one->why, sizeof one->why, "%s", why ? why : vd_err_text(err));
}

void dial_plan_won(struct dial_plan *plan, unsigned attempt)
{
	if (!is_under_way(&plan->attempts[attempt]))
		return;
	end(plan, &plan->attempts[attempt], DIAL_WON);
	plan->won = true;
}

/* ---- time ---- */

vd_ns dial_plan_deadline(const struct dial_plan *plan)
{
	const struct dial_attempt *first = first_waiting(plan);
	vd_ns at = plan->until;

	if (dial_plan_state(plan) != DIAL_PLAN_RUNNING)
		return VD_NEVER;
	if (first)
		at = vd_ns_min(at, begins_at(plan, first));
	for (unsigned i = 0; i < plan->count; i++)
		if (is_under_way(&plan->attempts[i]))
			at = vd_ns_min(at, plan->attempts[i].due);
	return at;
}

/* The time of all is over. */
static void give_up(struct dial_plan *plan)
{
	plan->over = true;
	for (unsigned i = 0; i < plan->count; i++) {
		struct dial_attempt *one = &plan->attempts[i];

		if (one->state != DIAL_WAITING)
			continue;
		one->state = DIAL_FAILED;
		one->err = VD_ELINK_TIMEOUT;
		snprintf(one->why, sizeof one->why, "not tried in time");
	}
}

bool dial_plan_expire(struct dial_plan *plan, vd_ns now, unsigned *attempt_out)
{
	if (dial_plan_state(plan) != DIAL_PLAN_RUNNING)
		return false;
	if (now >= plan->until && !plan->over)
		give_up(plan);
	for (unsigned i = 0; i < plan->count; i++) {
		struct dial_attempt *one = &plan->attempts[i];
		bool connected = one->state == DIAL_UPGRADING;

		if (!is_under_way(one) || one->due > now)
			continue;
		dial_plan_failed(plan, i, VD_ELINK_TIMEOUT,
				 connected ? "negotiation takes too long" : "no answer in time");
		*attempt_out = i;
		return true;
	}
	return false;
}

bool dial_plan_cancel(struct dial_plan *plan, unsigned *attempt_out)
{
	for (unsigned i = 0; i < plan->count; i++) {
		if (!is_under_way(&plan->attempts[i]))
			continue;
		end(plan, &plan->attempts[i], DIAL_CANCELED);
		*attempt_out = i;
		return true;
	}
	return false;
}

enum dial_plan_state dial_plan_state(const struct dial_plan *plan)
{
	if (plan->won)
		return DIAL_PLAN_WON;
	if (plan->under_way || (!plan->over && (plan->expecting || first_waiting(plan))))
		return DIAL_PLAN_RUNNING;
	return DIAL_PLAN_FAILED;
}

bool dial_plan_is_idle(const struct dial_plan *plan)
{
	return !plan->under_way && !first_waiting(plan);
}

/* ---- why ---- */

/* What a peer answered tells more than that nothing did. */
static unsigned weight(enum vd_err err)
{
	switch (vd_err_class(err)) {
	case VD_CLASS_PEER: return 3;
	case VD_CLASS_LOCAL: return 2;
	default: return 1;
	}
}

enum vd_err dial_plan_err(const struct dial_plan *plan)
{
	enum vd_err err = VD_ENOTFOUND;
	unsigned most = 0;

	if (dial_plan_state(plan) != DIAL_PLAN_FAILED)
		return VD_OK;
	for (unsigned i = 0; i < plan->count; i++) {
		const struct dial_attempt *one = &plan->attempts[i];

		if (one->state == DIAL_FAILED && weight(one->err) > most) {
			most = weight(one->err);
			err = one->err;
		}
	}
	return err;
}

static const char *const verdict_texts[DIAL_VERDICTS] = {
	[DIAL_NO_TRANSPORT] = "of no transport we have (TCP is)",
	[DIAL_VIADUCT] = "a link address, not for libp2p",
	[DIAL_NOWHERE] = "leads nowhere (unspecified, multicast, IPv6 link-local or port 0)",
	[DIAL_OURS] = "our own",
	[DIAL_OTHER_PEER] = "of another peer",
	[DIAL_TWICE] = "named twice",
	[DIAL_TOO_MANY] = "above the limit of 32",
	[DIAL_BACKED_OFF] = "failed lately",
};
static_assert(DIAL_PLAN_MAX == 32, "the text above");

struct text {
	char *out;
	size_t len;
	bool full;
};

/* Adds a part, with `; ` before it; whole or not at all. */
static void say(struct text *text, const char *part)
{
	const char *before = text->len ? "; " : "";
	size_t room = DIAL_PLAN_WHY - sizeof "; …";

	if (text->full)
		return;
	text->full = text->len + strlen(before) + strlen(part) > room;
	text->len += (size_t)snprintf(text->out + text->len, DIAL_PLAN_WHY - text->len, "%s%s",
				      before, text->full ? "…" : part);
}

static void say_failure(struct text *text, const struct dial_attempt *one)
{
	char address[VD_MULTIADDR_TEXT], part[VD_MULTIADDR_TEXT + DIAL_ATTEMPT_WHY + 2];

	snprintf(part, sizeof part, "%s: %s", vd_multiaddr_text(&one->address, address), one->why);
	say(text, part);
}

static void say_skipped(struct text *text, enum dial_verdict verdict, unsigned count)
{
	char part[128];

	snprintf(part, sizeof part, "%u %s", count, verdict_texts[verdict]);
	say(text, part);
}

const char *dial_plan_why(const struct dial_plan *plan, char out[DIAL_PLAN_WHY])
{
	struct text text = { out, 0, false };

	out[0] = 0;
	for (unsigned i = 0; i < plan->count; i++)
		if (plan->attempts[i].state == DIAL_FAILED)
			say_failure(&text, &plan->attempts[i]);
	for (enum dial_verdict i = 1; i < DIAL_VERDICTS; i++)
		if (plan->skipped[i] && i != DIAL_TWICE)
			say_skipped(&text, i, plan->skipped[i]);
	if (!text.len)
		say(&text, plan->over ? "not looked up in time" : "no address to try");
	return out;
}
