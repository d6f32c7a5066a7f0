/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Peers dialled over loopback, by good and bad addresses, and by names of a DNS server of ours. */
#include "controlplane/host/dialer.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/init.h"
#include "controlplane/host/dialer_state.h"
#include "tests/unit/loop/dns_server.h"

enum { TURNS = 40000, DNS_MS = 50 };

static uv_loop_t loop;
static uv_timer_t tick;
static struct vd_identity identity_a, identity_b, other;
static struct swarm *a, *b;           /* a dials b */
static struct vd_multiaddr address_b; /* without /p2p */
static struct dialer *dialer;
static struct dns_server dns;
static struct dns_row rows[8];
static char record[256];

struct said {
	unsigned count;
	enum vd_err err;
	uint64_t conn;
	char why[DIALER_WHY];
};
static struct said said;

static void on_done(void *context, const struct swarm_conn *conn, enum vd_err err, const char *why)
{
	struct said *to = context;

	to->count++;
	to->err = err;
	to->conn = conn ? conn->id : 0;
	snprintf(to->why, sizeof to->why, "%s", why ? why : "");
}

static void on_tick(uv_timer_t *timer)
{
	(void)timer;
}

#define UNTIL(condition)                                                                           \
	do {                                                                                       \
		for (unsigned i_ = 0; !(condition) && i_ < TURNS; i_++)                            \
			uv_run(&loop, UV_RUN_ONCE);                                                \
		cr_assert(condition);                                                              \
	} while (0)

/* ---- the rig ---- */

static struct vd_multiaddr of(const char *text)
{
	struct vd_multiaddr address;

	cr_assert(eq(int, vd_multiaddr_of_text(text, &address), VD_OK), "%s", text);
	return address;
}

static struct vd_multiaddr of_port(unsigned port)
{
	char text[64];

	snprintf(text, sizeof text, "/ip4/127.0.0.1/tcp/%u", port);
	return of(text);
}

static uint16_t port_of(const struct vd_multiaddr *address)
{
	return vd_be16_load(address->bytes + address->len - 2);
}

static void add_peer(struct vd_multiaddr *address, const struct vd_peer_id *peer)
{
	struct vd_write w = vd_write_to(address->bytes + address->len, 64);

	vd_write_uvarint(&w, VD_MA_P2P);
	vd_write_uvarint(&w, peer->len);
	vd_write_bytes(&w, vd_peer_id_bytes(peer));
	address->len = (uint16_t)(address->len + vd_write_len(&w));
}

static struct swarm *open_swarm(struct vd_identity *identity, unsigned threads)
{
	struct swarm_config config = {
		.host = { .loop = &loop, .identity = identity, .agent = "tester/1" },
		.threads = threads,
	};
	struct vd_multiaddr any = of("/ip4/127.0.0.1/tcp/0");
	struct swarm *swarm;
	char why[HOST_WHY];

	vd_identity_generate(identity);
	cr_assert(eq(int, swarm_new(&config, &swarm), VD_OK));
	cr_assert(eq(int, swarm_listen(swarm, &any, why), VD_OK));
	return swarm;
}

/* ---- peer routers: one that answers at once, and one that takes its time ---- */

static struct vd_multiaddr known_address;
static enum vd_err near_err;

static enum vd_err find_near(struct peer_router *router, struct peer_search *search)
{
	(void)router;
	if (known_address.len && vd_peer_id_equal(&search->peer, &identity_b.id))
		search->found(search, &known_address, 1);
	return near_err;
}

static struct far {
	struct peer_router router;
	unsigned asked, canceled;
	struct peer_search *search; /* NULL: none is under way */
} far;

static enum vd_err find_far(struct peer_router *router, struct peer_search *search)
{
	struct far *to = (struct far *)router;

	to->asked++;
	cr_assert(to->search == NULL);
	to->search = search;
	return VD_AGAIN;
}

static void cancel_far(struct peer_router *router, struct peer_search *search)
{
	struct far *to = (struct far *)router;

	cr_assert(to->search == search);
	to->canceled++;
	to->search = NULL;
}

static const struct peer_router_class near_class = { .name = "near", .find = find_near };
static const struct peer_router_class far_class = { "far", find_far, cancel_far };
static struct peer_router near = { &near_class };

static void far_done(enum vd_err err, const char *why)
{
	struct peer_search *search = far.search;

	far.search = NULL;
	search->done(search, err, why);
}

static bool with_far;

static void begin_with(unsigned threads)
{
	struct dialer_config config = { .loop = &loop,
					.dns_timeout_ms = DNS_MS,
					.routers = { &near, with_far ? &far.router : NULL } };
	struct vd_multiaddr bound[HOST_LISTEN_MAX];
	char why[CP_DNS_WHY];

	signal(SIGPIPE, SIG_IGN);
	cr_assert(eq(int, vd_init(), VD_OK));
	uv_loop_init(&loop);
	uv_timer_init(&loop, &tick);
	uv_timer_start(&tick, on_tick, 1, 1);
	a = open_swarm(&identity_a, threads);
	b = open_swarm(&identity_b, threads);
	vd_identity_generate(&other);
	cr_assert(eq(sz, swarm_listens(b, bound), 1));
	address_b = bound[0];
	known_address.len = 0;
	near_err = VD_OK;
	far = (struct far){ .router = { &far_class } };
	dns_server_begin(&dns, &loop, rows);
	config.swarm = a;
	config.self = identity_a.id;
	config.dns = dns.address;
	cr_assert(eq(int, dialer_new(&config, why, &dialer), VD_OK));
	said.count = 0;
}

static void begin(void)
{
	begin_with(0);
}

static void end(void)
{
	dialer_free(dialer);
	swarm_free(a);
	swarm_free(b);
	dns_server_end(&dns);
	uv_close((uv_handle_t *)&tick, NULL);
	while (uv_run(&loop, UV_RUN_NOWAIT))
		;
	cr_assert(eq(int, uv_loop_close(&loop), 0)); /* no handle is left */
}

static enum vd_err connect_to(const struct vd_peer_id *peer, const struct vd_multiaddr *addresses,
			      size_t count, struct said *to)
{
	struct dialer_wish wish = { .peer = *peer, .addresses = addresses, .count = count };

	return dialer_connect(dialer, &wish, on_done, to, NULL);
}

static void connect_and_wait(const struct vd_peer_id *peer, const struct vd_multiaddr *addresses,
			     size_t count)
{
	said.count = 0;
	cr_assert(eq(int, connect_to(peer, addresses, count, &said), VD_OK));
	cr_assert(eq(uint, said.count, 0)); /* never from within the call */
	UNTIL(said.count);
}

/* A socket that listens and accepts nobody: `full`, so that not even SYNs are answered. */
struct dead {
	int listener, fill[4];
	uint16_t port;
};

static void open_dead(struct dead *dead, bool full)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	socklen_t len = sizeof at;
	unsigned port = 20000; /* below those that the kernel gives, so that it is tried first */

	dead->listener = socket(AF_INET, SOCK_STREAM, 0);
	do {
		cr_assert(lt(uint, port, 30000));
		at.sin_port = htons((uint16_t)port++);
	} while (bind(dead->listener, (struct sockaddr *)&at, len) != 0);
	cr_assert(listen(dead->listener, full ? 0 : 1000) == 0);
	cr_assert(getsockname(dead->listener, (struct sockaddr *)&at, &len) == 0);
	dead->port = ntohs(at.sin_port);
	for (unsigned i = 0; i < 4; i++) {
		dead->fill[i] = full ? socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0) : -1;
		if (full)
			(void)connect(dead->fill[i], (struct sockaddr *)&at, len);
	}
}

static void close_dead(struct dead *dead)
{
	close(dead->listener);
	for (unsigned i = 0; i < 4; i++)
		if (dead->fill[i] >= 0)
			close(dead->fill[i]);
}

/* A port that nobody listens on. */
static uint16_t closed_port(void)
{
	struct dead dead;

	open_dead(&dead, false);
	close_dead(&dead);
	return dead.port;
}

/* ---- connecting ---- */

Test(dialer, an_address_is_connected_to_with_threads_and_without)
{
	for (unsigned threads = 0; threads < 3; threads += 2) {
		const struct swarm_conn *conn;

		begin_with(threads);
		connect_and_wait(&identity_b.id, &address_b, 1);
		cr_assert(eq(int, said.err, VD_OK));
		conn = swarm_find(a, &identity_b.id);
		cr_assert(conn && conn->id == said.conn);
		cr_assert(eq(u64, dialer_counters(dialer)->ended[1][1], 1));
		cr_assert(eq(u32, dialer_count(dialer), 0));
		end();
	}
}

Test(dialer, a_connection_that_is_there_is_taken)
{
	uint64_t first;

	begin();
	connect_and_wait(&identity_b.id, &address_b, 1);
	first = said.conn;
	connect_and_wait(&identity_b.id, NULL, 0);
	cr_assert(eq(int, said.err, VD_OK));
	cr_assert(eq(u64, said.conn, first));
	cr_assert(eq(u64, dialer_counters(dialer)->ended[1][0], 1));
	end();
}

/* It goes after it was asked for, before the dial's turn. */
static void ask_and_lose(const struct vd_multiaddr *addresses, size_t count)
{
	uint64_t first;

	connect_and_wait(&identity_b.id, &address_b, 1);
	first = said.conn;
	cr_assert(eq(int, connect_to(&identity_b.id, addresses, count, &said), VD_OK));
	uv_timer_stop(&dialer->timer);
	swarm_disconnect(a, first);
	UNTIL(swarm_find(a, &identity_b.id) == NULL);
	dialer_due(dialer->dials[0], vd_now());
	UNTIL(said.count == 2);
	cr_assert(eq(int, said.err, VD_OK), "%s", said.why);
	cr_assert(ne(u64, said.conn, first));
}

Test(dialer, a_connection_that_goes_before_it_is_taken_is_replaced)
{
	begin();
	ask_and_lose(&address_b, 1);
	end();
	begin();
	known_address = address_b; /* what a router knows, as well */
	ask_and_lose(NULL, 0);
	end();
}

Test(dialer, who_asks_meanwhile_shares_the_dial)
{
	struct said two = { 0 };

	begin();
	cr_assert(eq(int, connect_to(&identity_b.id, &address_b, 1, &said), VD_OK));
	cr_assert(eq(int, connect_to(&identity_b.id, &address_b, 1, &two), VD_OK));
	cr_assert(eq(u32, dialer_count(dialer), 1));
	UNTIL(said.count && two.count);
	cr_assert(eq(u64, said.conn, two.conn));
	cr_assert(eq(u64, swarm_counters(a).hosts.dialled, 1));
	end();
}

/* Nobody waits for the first address' time-out. */
Test(dialer, a_dead_address_does_not_hold_up_a_live_one)
{
	struct vd_multiaddr addresses[2];
	struct dead dead;

	begin();
	open_dead(&dead, true);
	addresses[0] = of_port(dead.port);
	addresses[1] = address_b;
	connect_and_wait(&identity_b.id, addresses, 2);
	cr_assert(eq(int, said.err, VD_OK), "%s", said.why);
	cr_assert(eq(u64, dialer_counters(dialer)->ended[1][2], 1));
	cr_assert(eq(u64, dialer_counters(dialer)->errors[0][DIALER_CANCELED], 1));
	close_dead(&dead);
	end();
}

static struct dial *only_dial(void)
{
	cr_assert(eq(u32, dialer_count(dialer), 1));
	return dialer->dials[0];
}

/* As if its addresses were public: of these, one that negotiates holds the others back. */
Test(dialer, while_one_negotiates_the_next_waits)
{
	struct vd_multiaddr addresses[2];
	struct dial_attempt *attempts;
	struct dead silent, other_silent;
	vd_ns up_at;

	begin();
	open_dead(&silent, false);
	open_dead(&other_silent, false);
	addresses[0] = of_port(silent.port);
	addresses[1] = of_port(other_silent.port);
	cr_assert(eq(int, connect_to(&identity_b.id, addresses, 2, &said), VD_OK));
	attempts = only_dial()->plan.attempts;
	attempts[0].is_private = attempts[1].is_private = false;
	attempts[1].due = vd_ns_add(vd_now(), VD_SECONDS(3600));
	UNTIL(only_dial()->tries[0].under_way);
	UNTIL(swarm_dial_up_at(a, only_dial()->tries[0].id) != 0);
	up_at = swarm_dial_up_at(a, only_dial()->tries[0].id);
	attempts[1].due = vd_now();
	dialer_due(only_dial(), vd_now());
	UNTIL(attempts[1].state != DIAL_WAITING);
	cr_assert(eq(int, attempts[0].state, DIAL_UPGRADING));
	cr_assert(ge(u64, attempts[1].due,
		     up_at + VD_MS(250) + VD_SECONDS(DIAL_PLAN_ATTEMPT_S))); /* from its begin */
	close_dead(&silent);
	close_dead(&other_silent);
	UNTIL(said.count == 1);
	end();
}

Test(dialer, what_is_known_of_a_peer_is_tried_too)
{
	begin();
	known_address = address_b;
	connect_and_wait(&identity_b.id, NULL, 0);
	cr_assert(eq(int, said.err, VD_OK));
	end();
}

/* ---- routers ---- */

static struct vd_multiaddr dns_address(const char *format)
{
	char text[256];

	snprintf(text, sizeof text, format, port_of(&address_b));
	return of(text);
}

static void begin_far(void)
{
	with_far = true;
	begin();
	cr_assert(eq(int, connect_to(&identity_b.id, NULL, 0, &said), VD_OK));
}

/* From the loop, as routers answer. */
static void wait_for_far(void)
{
	UNTIL(far.search != NULL);
	cr_assert(vd_peer_id_equal(&far.search->peer, &identity_b.id));
	cr_assert(gt(u64, far.search->deadline, vd_now()));
	cr_assert(le(u64, far.search->deadline, vd_now() + VD_SECONDS(DIALER_FIND_S)));
	cr_assert(eq(uint, said.count, 0)); /* as long as it searches, nothing has failed */
}

Test(dialer, the_next_router_is_asked_when_nothing_is_left_to_try)
{
	with_far = true;
	begin();
	known_address = of_port(closed_port());
	cr_assert(eq(int, connect_to(&identity_b.id, NULL, 0, &said), VD_OK));
	cr_assert(eq(uint, far.asked, 0));
	wait_for_far();
	cr_assert(eq(u64, dialer_counters(dialer)->errors[0][DIALER_REFUSED], 1)); /* tried first */
	far.search->found(far.search, &address_b, 1);
	UNTIL(said.count);
	cr_assert(eq(int, said.err, VD_OK), "%s", said.why);
	cr_assert(eq(uint, far.asked, 1));
	cr_assert(eq(uint, far.canceled, 1)); /* it was still searching */
	end();
}

Test(dialer, the_next_router_is_left_alone_while_the_first_suffices)
{
	with_far = true;
	begin();
	known_address = address_b;
	connect_and_wait(&identity_b.id, NULL, 0);
	cr_assert(eq(int, said.err, VD_OK));
	cr_assert(eq(uint, far.asked, 0));
	end();
}

Test(dialer, a_router_answers_in_pieces)
{
	struct vd_multiaddr bad;

	begin_far();
	wait_for_far();
	bad = of_port(closed_port());
	far.search->found(far.search, &bad, 1);
	UNTIL(dialer_counters(dialer)->errors[0][DIALER_REFUSED] == 1);
	cr_assert(eq(uint, said.count, 0));
	far.search->found(far.search, &address_b, 1);
	far_done(VD_OK, NULL);
	UNTIL(said.count);
	cr_assert(eq(int, said.err, VD_OK), "%s", said.why);
	cr_assert(eq(uint, far.canceled, 0));
	end();
}

Test(dialer, what_a_router_finds_may_be_a_name)
{
	struct vd_multiaddr name;

	rows[0] = (struct dns_row){ "b.test", DNS_A, "127.0.0.1" };
	begin_far();
	wait_for_far();
	name = dns_address("/dns4/b.test/tcp/%u");
	far.search->found(far.search, &name, 1);
	far_done(VD_OK, NULL);
	UNTIL(said.count);
	cr_assert(eq(int, said.err, VD_OK), "%s", said.why);
	end();
}

Test(dialer, routers_that_find_nothing_are_asked_once_each)
{
	begin_far();
	wait_for_far();
	far_done(VD_OK, NULL);
	UNTIL(said.count);
	cr_assert(eq(int, said.err, VD_ENOTFOUND));
	cr_assert(eq(str, said.why, "no address to try"));
	cr_assert(eq(uint, far.asked, 1));
	end();
}

Test(dialer, why_a_router_failed_is_told)
{
	begin_far();
	wait_for_far();
	far_done(VD_ELINK_TIMEOUT, "nobody answered");
	UNTIL(said.count);
	cr_assert(eq(int, said.err, VD_ELINK_TIMEOUT));
	cr_assert(eq(str, said.why, "far: nobody answered"));
	end();
}

Test(dialer, a_router_that_refuses_is_passed_over)
{
	with_far = true;
	begin();
	near_err = VD_ELIMIT;
	cr_assert(eq(int, connect_to(&identity_b.id, NULL, 0, &said), VD_OK));
	wait_for_far();
	far_done(VD_OK, NULL);
	UNTIL(said.count);
	cr_assert(eq(int, said.err, VD_ELIMIT)); /* the only reason there is */
	end();
}

Test(dialer, who_asks_again_has_all_routers_asked_again)
{
	struct dead dead;
	struct vd_multiaddr address;

	begin_far();
	wait_for_far();
	open_dead(&dead, true);
	address = of_port(dead.port);
	far.search->found(far.search, &address, 1); /* so that the dial goes on */
	far_done(VD_OK, NULL);
	known_address = address_b;
	cr_assert(eq(int, connect_to(&identity_b.id, NULL, 0, &said), VD_OK));
	UNTIL(said.count == 2);
	cr_assert(eq(int, said.err, VD_OK), "%s", said.why);
	close_dead(&dead);
	end();
}

Test(dialer, a_search_ends_with_its_dial)
{
	struct dialer_wish wish;
	uint64_t id;

	with_far = true;
	begin();
	wish = (struct dialer_wish){ .peer = identity_b.id };
	cr_assert(eq(int, dialer_connect(dialer, &wish, on_done, &said, &id), VD_OK));
	wait_for_far();
	dialer_cancel(dialer, id);
	cr_assert(far.search == NULL);
	cr_assert(eq(uint, far.canceled, 1));
	cr_assert(eq(int, connect_to(&identity_b.id, NULL, 0, &said), VD_OK));
	UNTIL(far.search != NULL);
	cr_assert(eq(uint, said.count, 0));
	end(); /* the dialer's end, too */
	cr_assert(eq(uint, far.canceled, 2));
	cr_assert(eq(uint, said.count, 1));
}

Test(dialer, a_connection_that_the_peer_opens_meanwhile_counts)
{
	struct vd_multiaddr bound[HOST_LISTEN_MAX], address;
	struct said back = { 0 };
	struct dead dead;

	begin();
	open_dead(&dead, true);
	address = of_port(dead.port);
	cr_assert(eq(int, connect_to(&identity_b.id, &address, 1, &said), VD_OK));
	swarm_listens(a, bound);
	add_peer(&bound[0], &identity_a.id);
	cr_assert(eq(int, swarm_dial(b, &bound[0], on_done, &back, NULL), VD_OK));
	UNTIL(swarm_find(a, &identity_b.id) != NULL);
	cr_assert(eq(int, connect_to(&identity_b.id, NULL, 0, &said), VD_OK));
	UNTIL(said.count == 2); /* the one that waited, too */
	cr_assert(eq(int, said.err, VD_OK));
	close_dead(&dead);
	end();
}

/* ---- names ---- */

Test(dialer, a_name_is_looked_up)
{
	struct vd_multiaddr address;

	rows[0] = (struct dns_row){ "b.test", DNS_A, "127.0.0.1" };
	begin();
	address = dns_address("/dns4/b.test/tcp/%u");
	connect_and_wait(&identity_b.id, &address, 1);
	cr_assert(eq(int, said.err, VD_OK), "%s", said.why);
	end();
}

Test(dialer, a_dnsaddr_is_followed_to_the_peer)
{
	struct vd_multiaddr address;
	char peer[VD_PEER_ID_TEXT], text[VD_MULTIADDR_TEXT];

	begin();
	vd_peer_id_text(&identity_b.id, peer);
	snprintf(record, sizeof record, "dnsaddr=/ip4/127.0.0.1/tcp/%u/p2p/%s", port_of(&address_b),
		 peer);
	rows[0] = (struct dns_row){ "_dnsaddr.b.test", DNS_TXT, record };
	snprintf(text, sizeof text, "/dnsaddr/b.test/p2p/%s", peer);
	address = of(text);
	connect_and_wait(&identity_b.id, &address, 1);
	cr_assert(eq(int, said.err, VD_OK), "%s", said.why);
	end();
}

Test(dialer, a_silent_name_does_not_hold_up_an_address)
{
	struct vd_multiaddr addresses[2];

	rows[0] = (struct dns_row){ "b.test", DNS_SILENT, "" };
	begin();
	addresses[0] = dns_address("/dns4/b.test/tcp/%u");
	addresses[1] = address_b;
	connect_and_wait(&identity_b.id, addresses, 2);
	cr_assert(eq(int, said.err, VD_OK), "%s", said.why);
	cr_assert(eq(u64, dialer_dns_counters(dialer)->failed, 0)); /* it was not waited for */
	end();
}

Test(dialer, a_name_that_is_not_there_is_told)
{
	struct vd_multiaddr address;

	begin();
	address = dns_address("/dns4/nobody.test/tcp/%u");
	connect_and_wait(&identity_b.id, &address, 1);
	cr_assert(eq(int, said.err, VD_ENOTFOUND));
	cr_assert(eq(str, said.why, "A of nobody.test: no such name; is it spelt right?"));
	end();
}

/* ---- what fails ---- */

Test(dialer, all_attempts_reasons_are_told)
{
	struct vd_multiaddr addresses[2];

	begin();
	addresses[0] = of_port(closed_port());
	addresses[1] = of("/ip4/127.0.0.1/udp/1/quic-v1");
	connect_and_wait(&identity_b.id, addresses, 2);
	cr_assert(eq(int, said.err, VD_ELINK_CLOSED));
	cr_assert(strstr(said.why, ": connection refused; 1 of no transport") != NULL, "%s",
		  said.why);
	cr_assert(eq(u64, dialer_counters(dialer)->errors[0][DIALER_REFUSED], 1));
	cr_assert(eq(u64, dialer_counters(dialer)->ended[0][1], 1));
	end();
}

Test(dialer, another_peer_at_the_address_is_told)
{
	begin();
	connect_and_wait(&other.id, &address_b, 1);
	cr_assert(eq(int, said.err, VD_EPEER_AUTH));
	cr_assert(strstr(said.why, "/ip4/127.0.0.1/tcp/") == said.why, "%s", said.why);
	cr_assert(strstr(said.why, "peer") != NULL, "%s", said.why);
	end();
}

Test(dialer, what_failed_is_left_alone_and_said_until_when)
{
	struct dialer_wish wish;

	begin();
	connect_and_wait(&other.id, &address_b, 1);
	connect_and_wait(&other.id, &address_b, 1);
	cr_assert(eq(int, said.err, VD_AGAIN));
	cr_assert(strstr(said.why, "1 failed lately; try again in ") == said.why, "%s", said.why);
	cr_assert(eq(u64, dialer_counters(dialer)->ended[0][0], 1)); /* no attempt */
	wish = (struct dialer_wish){ .peer = other.id, .addresses = &address_b, .count = 1, true };
	said.count = 0;
	cr_assert(eq(int, dialer_connect(dialer, &wish, on_done, &said, NULL), VD_OK));
	UNTIL(said.count);
	cr_assert(eq(int, said.err, VD_EPEER_AUTH)); /* tried all the same */
	end();
}

Test(dialer, success_by_another_address_ends_the_back_off)
{
	struct vd_multiaddr bad;

	begin();
	bad = of_port(closed_port());
	connect_and_wait(&identity_b.id, &bad, 1);
	cr_assert(eq(u32, dial_backoff_count(&dialer->backoff), 1));
	connect_and_wait(&identity_b.id, &address_b, 1);
	cr_assert(eq(int, said.err, VD_OK));
	cr_assert(eq(u32, dial_backoff_count(&dialer->backoff), 0));
	end();
}

Test(dialer, a_peer_of_whom_nothing_is_known_is_told)
{
	begin();
	connect_and_wait(&other.id, NULL, 0);
	cr_assert(eq(int, said.err, VD_ENOTFOUND));
	cr_assert(eq(str, said.why, "no address to try"));
	end();
}

Test(dialer, we_do_not_dial_ourselves)
{
	struct vd_multiaddr bound[HOST_LISTEN_MAX];

	begin();
	swarm_listens(a, bound);
	cr_assert(eq(int, connect_to(&identity_a.id, bound, 1, &said), VD_EUSER));
	connect_and_wait(&other.id, bound, 1);
	cr_assert(eq(int, said.err, VD_ENOTFOUND));
	cr_assert(eq(str, said.why, "1 our own"));
	end();
}

/* ---- those who go, and limits ---- */

Test(dialer, who_canceled_is_not_called_and_others_are)
{
	struct dialer_wish wish;
	struct said gone = { 0 };
	uint64_t id;

	begin();
	wish = (struct dialer_wish){ .peer = identity_b.id, .addresses = &address_b, .count = 1 };
	cr_assert(eq(int, dialer_connect(dialer, &wish, on_done, &gone, &id), VD_OK));
	cr_assert(eq(int, dialer_connect(dialer, &wish, on_done, &said, NULL), VD_OK));
	dialer_cancel(dialer, id);
	UNTIL(said.count);
	cr_assert(eq(uint, gone.count, 0));
	end();
}

Test(dialer, the_last_who_cancels_ends_the_dial)
{
	struct dialer_wish wish;
	struct vd_multiaddr address;
	struct dead dead;
	uint64_t id;

	begin();
	open_dead(&dead, false);
	address = of_port(dead.port);
	wish = (struct dialer_wish){ .peer = identity_b.id, .addresses = &address, .count = 1 };
	cr_assert(eq(int, dialer_connect(dialer, &wish, on_done, &said, &id), VD_OK));
	UNTIL(dialer->attempts == 1);
	dialer_cancel(dialer, id);
	cr_assert(eq(u32, dialer_count(dialer), 0));
	cr_assert(eq(uint, dialer->attempts, 0));
	cr_assert(eq(u32, dial_backoff_count(&dialer->backoff), 0)); /* it did not fail */
	close_dead(&dead);
	end();
	cr_assert(eq(uint, said.count, 0));
}

static uint64_t to_cancel;

static void cancel_other(void *context, const struct swarm_conn *conn, enum vd_err err,
			 const char *why)
{
	struct vd_multiaddr none = of("/ip4/0.0.0.0/tcp/1");

	on_done(context, conn, err, why);
	dialer_cancel(dialer, to_cancel);
	cr_assert(eq(int, connect_to(&other.id, &none, 1, context), VD_OK));
}

Test(dialer, a_callback_may_cancel_and_connect)
{
	struct dialer_wish wish;
	struct said gone = { 0 };

	begin();
	wish = (struct dialer_wish){ .peer = identity_b.id, .addresses = &address_b, .count = 1 };
	cr_assert(eq(int, dialer_connect(dialer, &wish, cancel_other, &said, NULL), VD_OK));
	cr_assert(eq(int, dialer_connect(dialer, &wish, on_done, &gone, &to_cancel), VD_OK));
	UNTIL(said.count == 2);
	cr_assert(eq(uint, gone.count, 0));
	cr_assert(strstr(said.why, "1 leads nowhere") == said.why, "%s", said.why);
	end();
}

static struct dialer *ending;

static void connect_again(void *context, const struct swarm_conn *conn, enum vd_err err,
			  const char *why)
{
	struct dialer_wish wish = { .peer = identity_b.id };

	on_done(context, conn, err, why);
	cr_assert(eq(int, dialer_connect(ending, &wish, on_done, context, NULL), VD_ELINK_CLOSED));
}

Test(dialer, who_waits_at_its_end_is_told)
{
	struct dialer_wish wish;
	struct vd_multiaddr address;
	struct said second = { 0 };
	struct dead dead;

	begin();
	open_dead(&dead, false);
	address = of_port(dead.port);
	wish = (struct dialer_wish){ .peer = identity_b.id, .addresses = &address, .count = 1 };
	cr_assert(eq(int, dialer_connect(dialer, &wish, connect_again, &said, NULL), VD_OK));
	cr_assert(eq(int, dialer_connect(dialer, &wish, on_done, &second, NULL), VD_OK));
	UNTIL(dialer->attempts == 1);
	ending = dialer;
	end();
	close_dead(&dead);
	cr_assert(eq(uint, said.count, 1));
	cr_assert(eq(uint, second.count, 1));
	cr_assert(eq(int, second.err, VD_ELINK_CLOSED));
	cr_assert(eq(str, second.why, "going down"));
}

static void free_dialer(void *context, const struct swarm_conn *conn, enum vd_err err,
			const char *why)
{
	struct dialer *gone = dialer;

	on_done(context, conn, err, why);
	dialer = NULL;
	dialer_free(gone);
}

static void cancel_at_end(void *context, const struct swarm_conn *conn, enum vd_err err,
			  const char *why)
{
	on_done(context, conn, err, why);
	dialer_cancel(ending, to_cancel);
}

Test(dialer, a_callback_may_end_it)
{
	struct vd_multiaddr missing, silent;
	struct dialer_wish wish = { .addresses = &missing, .count = 1 };
	struct said gone = { 0 }, last = { 0 };

	begin();
	rows[0] = (struct dns_row){ "silent.test", DNS_SILENT, "" };
	missing = of("/dns4/missing.test/tcp/1");
	silent = of("/dns4/silent.test/tcp/1");
	wish.peer = other.id;
	cr_assert(eq(int, dialer_connect(dialer, &wish, free_dialer, &said, NULL), VD_OK));
	cr_assert(eq(int, dialer_connect(dialer, &wish, on_done, &gone, &to_cancel), VD_OK));
	wish = (struct dialer_wish){ .peer = identity_b.id, .addresses = &silent, .count = 1 };
	cr_assert(eq(int, dialer_connect(dialer, &wish, cancel_at_end, &last, NULL), VD_OK));
	ending = dialer;
	UNTIL(said.count);
	cr_assert(eq(int, said.err, VD_ENOTFOUND));
	cr_assert(eq(uint, last.count, 1));
	cr_assert(eq(int, last.err, VD_ELINK_CLOSED));
	cr_assert(eq(uint, gone.count, 0), "canceled while another dial ended");
	end();
}

static struct vd_peer_id peer_number(unsigned number)
{
	struct vd_peer_id peer = other.id;

	peer.bytes[peer.len - 1] = (uint8_t)number;
	peer.bytes[peer.len - 2] = (uint8_t)(number >> 8);
	return peer;
}

Test(dialer, attempts_and_peers_are_bounded)
{
	struct vd_multiaddr address;
	struct vd_peer_id peer;
	struct dead dead;

	begin();
	open_dead(&dead, false);
	address = of_port(dead.port);
	for (unsigned i = 0; i < DIALER_PEERS_MAX; i++) {
		peer = peer_number(i);
		cr_assert(eq(int, connect_to(&peer, &address, 1, &said), VD_OK));
	}
	peer = peer_number(DIALER_PEERS_MAX);
	cr_assert(eq(int, connect_to(&peer, &address, 1, &said), VD_ELIMIT));
	UNTIL(dialer->attempts == DIALER_ATTEMPTS_MAX);
	for (unsigned i = 0; i < 50; i++) {
		uv_run(&loop, UV_RUN_ONCE);
		cr_assert(le(uint, dialer->attempts, DIALER_ATTEMPTS_MAX));
	}
	close_dead(&dead); /* they fail, and others have their turn */
	UNTIL(said.count == DIALER_PEERS_MAX);
	end();
}

Test(dialer, servers_of_names_that_are_none_are_refused)
{
	struct dialer_config config = { .loop = &loop, .dns = "dns.test" };
	struct dialer *none;
	char why[CP_DNS_WHY];

	begin();
	cr_assert(eq(int, dialer_new(&config, why, &none), VD_EUSER));
	end();
}
