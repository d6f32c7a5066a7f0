/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What an edge does about a report that it believes; what it would call is here (switch/SPEC.md,
 * 10). */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/bytes.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/path_mtu.h"
#include "controlplane/daemon/path_reports.h"
#include "controlplane/daemon/session_events.h"

enum { DIRECTOR = 1, PERMISSION = 3, RATE = 4, TOO_BIG = 5 };

static struct node node;
static struct route_session session;
static unsigned asked, pinged, lowered, ended;
static uint16_t lowered_to;

/* ---- in place of what path_reports calls ---- */

const struct route_session *route_sessions_of_index(const struct route_sessions *sessions,
						    uint32_t index)
{
	(void)sessions;
	return index == session.current ? &session : NULL;
}

void node_seek_session(struct node *n, const struct vd_peer_id *peer, vd_ns now)
{
	(void)n, (void)peer, (void)now;
	asked++;
}

void peering_close(struct peering *peering, const struct vd_peer_id *peer,
		   enum control_status status, const char *text, vd_ns now)
{
	(void)peering, (void)peer, (void)status, (void)text, (void)now;
	ended++;
}

void route_sessions_drop(struct route_sessions *sessions, const struct vd_peer_id *peer)
{
	(void)sessions, (void)peer;
	ended++;
}

void route_sessions_retire(struct route_sessions *sessions, uint32_t index)
{
	(void)sessions, (void)index;
	ended++;
}

enum vd_err peering_ping(struct peering *peering, const struct vd_peer_id *peer, vd_ns now)
{
	(void)peering, (void)peer, (void)now;
	pinged++;
	return VD_OK;
}

void node_mtu_reported(struct node *n, const struct route_session *s, uint16_t limit, vd_ns now);
void node_mtu_reported(struct node *n, const struct route_session *s, uint16_t limit, vd_ns now)
{
	(void)n, (void)s, (void)now;
	lowered++;
	lowered_to = limit;
}

/* ---- */

static void set_up(void)
{
	node.sessions = (struct route_sessions *)&node; /* there are some */
	session = (struct route_session){ .current = 0x101, .data_path = { .payload_max = 1439 } };
}

TestSuite(path_reports, .init = set_up);

static void report(uint8_t code, uint16_t limit, vd_ns at)
{
	struct sw_punt punt = { .session = 0x101, .at = at, .bytes = { 7, code } };

	vd_be16_store(punt.bytes + 2, limit);
	node_on_report(&node, &punt);
	cr_assert(eq(u32, session.current, 0x101), "no report ends a session");
}

static void check_asks(uint8_t code, uint16_t limit)
{
	report(code, limit, VD_SECONDS(100));
	cr_assert(eq(uint, asked, 1));
	cr_assert(eq(uint, pinged, 1));
	report(code, limit, VD_SECONDS(104) - 1);
	cr_assert(eq(uint, asked, 1), "once in 4 s");
	report(code, limit, VD_SECONDS(104));
	cr_assert(eq(uint, asked, 2));
	cr_assert(eq(u64, node.counters.reports[code], 3));
}

Test(path_reports, an_unknown_director_asks_again_and_pings_every_4_s)
{
	check_asks(DIRECTOR, 0);
}

Test(path_reports, a_missing_permission_asks_again_and_pings_every_4_s)
{
	check_asks(PERMISSION, 0);
}

Test(path_reports, a_limit_under_1310_asks_again_and_pings_every_4_s)
{
	check_asks(TOO_BIG, 1309);
}

Test(path_reports, a_limit_from_1310_on_lowers_the_path)
{
	report(TOO_BIG, 1310, VD_SECONDS(100));
	cr_assert(eq(uint, lowered, 1));
	cr_assert(eq(u16, lowered_to, 1310));
	cr_assert(eq(uint, asked + pinged, 0));
}

Test(path_reports, over_rate_is_only_counted)
{
	report(RATE, 0, VD_SECONDS(100));
	cr_assert(eq(u64, node.counters.reports[RATE], 1));
	cr_assert(eq(uint, asked + pinged + lowered, 0));
}

Test(path_reports, no_code_ends_a_session)
{
	for (unsigned code = 0; code < 256; code++)
		report((uint8_t)code, 0, VD_SECONDS(100));
	cr_assert(eq(uint, ended, 0));
}
