/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* place: a loop and its host: what a stream thread does, or the control thread in its place. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/capabilities.h"
#include "base/log.h"
#include "controlplane/host/swarm_state.h"

/* ---- up: connections ---- */

/* No room to tell of it: nobody would know it, so it goes. */
static void turn_away(struct swarm_place *place, struct swarm_row *row, struct host_conn *conn)
{
	place->events_refused++;
	host_conn_use(conn, NULL);
	conn->live = NULL;
	free(row);
	host_disconnect(conn);
}

static void on_opened(void *context, struct host_conn *conn)
{
	struct swarm_place *place = context;
	struct swarm_row *row = calloc(1, sizeof *row);

	if (!row) {
		turn_away(place, NULL, conn);
		return;
	}
	row->place = place;
	row->host_conn = conn;
	row->conn.id = ((uint64_t)place->thread << 48) + ++place->serial;
	row->conn.thread = place->thread;
	host_conn_info(conn, &row->conn.info);
	row->opened.read = swarm_read_opened;
	row->going.read = swarm_read_going;
	row->heard.read = swarm_read_heard;
	row->closed.read = swarm_read_closed;
	row->hang_up.read = swarm_place_hang_up;
	row->review.read = swarm_place_review;
	row->forgotten.read = swarm_place_forget;
	host_conn_use(conn, row);
	conn->live = &row->live;
	if (!mailbox_post(&place->up, &row->opened))
		turn_away(place, row, conn);
}

/* Control looks at which of the peer's others stay. */
static void on_going_away(void *context, struct host_conn *conn)
{
	struct swarm_row *row = host_conn_user(conn);

	(void)context;
	if (!row)
		return;
	atomic_store_explicit(&row->live.going_away, true, memory_order_relaxed);
	mailbox_post_always(&row->place->up, &row->going);
}

/* Once for each doubt of control's, which has no other until it read this. */
static void on_heard(void *context, struct host_conn *conn)
{
	struct swarm_row *row = host_conn_user(conn);

	(void)context;
	if (row)
		mailbox_post_always(&row->place->up, &row->heard);
}

static void on_closed(void *context, struct host_conn *conn, enum vd_err err, const char *why)
{
	struct swarm_row *row = host_conn_user(conn);

	(void)context;
	if (!row)
		return;
	conn->live = NULL;
	row->host_conn = NULL;
	row->err = err;
	snprintf(row->why, sizeof row->why, "%s", why ? why : "");
	mailbox_post_always(&row->place->up, &row->closed);
}

/* ---- up: what peers say ---- */

struct told {
	struct letter letter;
	struct swarm_row *row;
	vd_ns rtt;
	const char *protocol; /* of swarm_say */
	char agent[HOST_AGENT];
	size_t len;
	uint8_t bytes[];
};

ON_CONTROL static void read_identified(struct letter *letter)
{
	struct told *told = LETTER_IN(letter, struct told, letter);

	atomic_fetch_sub_explicit(&told->row->place->told_bytes, told->len, memory_order_relaxed);
	memcpy(told->row->conn.info.agent, told->agent, sizeof told->agent);
	swarm_tell_identified(told->row, vd_bytes(told->bytes, told->len));
	free(told);
}

ON_CONTROL static void read_said(struct letter *letter)
{
	struct told *told = LETTER_IN(letter, struct told, letter);

	atomic_fetch_sub_explicit(&told->row->place->told_bytes, told->len, memory_order_relaxed);
	swarm_tell_said(told->row, told->protocol, vd_bytes(told->bytes, told->len));
	free(told);
}

ON_CONTROL static void read_pinged(struct letter *letter)
{
	struct told *told = LETTER_IN(letter, struct told, letter);

	swarm_tell_pinged(told->row, told->rtt);
	free(told);
}

static bool post_told(struct host_conn *conn, const struct told *like, struct vd_bytes bytes)
{
	struct swarm_row *row = host_conn_user(conn);
	struct told *told = row ? malloc(sizeof *told + bytes.len) : NULL;

	if (!told)
		return false;
	*told = *like;
	told->row = row;
	told->len = bytes.len;
	memcpy(told->agent, conn->agent, sizeof told->agent);
	if (bytes.len)
		memcpy(told->bytes, bytes.at, bytes.len);
	if (mailbox_post(&row->place->up, &told->letter))
		return true;
	free(told);
	return false;
}

/* Posts unless bytes in flight would exceed SWARM_TOLD_BYTES. */
static bool post_bytes(struct swarm_place *place, struct host_conn *conn, const struct told *like,
		       struct vd_bytes bytes)
{
	size_t before =
	    atomic_fetch_add_explicit(&place->told_bytes, bytes.len, memory_order_relaxed);

	if (before + bytes.len <= SWARM_TOLD_BYTES && post_told(conn, like, bytes))
		return true;
	place->events_refused++;
	atomic_fetch_sub_explicit(&place->told_bytes, bytes.len, memory_order_relaxed);
	return false;
}

static void on_identified(void *context, struct host_conn *conn, struct vd_bytes bytes)
{
	(void)post_bytes(context, conn, &(struct told){ .letter.read = read_identified }, bytes);
}

bool swarm_say(struct host_conn *conn, const char *protocol, struct vd_bytes bytes)
{
	const struct swarm_row *row = host_conn_user(conn);
	const struct told like = { .letter.read = read_said, .protocol = protocol };

	return row && post_bytes(row->place, conn, &like, bytes);
}

static void on_pinged(void *context, struct host_conn *conn, vd_ns rtt)
{
	struct swarm_place *place = context;
	struct told like = { .letter.read = read_pinged, .rtt = rtt };

	if (!post_told(conn, &like, vd_bytes(NULL, 0)))
		place->events_refused++;
}

/* ---- down: sockets ---- */

struct adopted {
	struct letter letter;
	struct swarm_place *place;
	unsigned transport;
	int fd;
};

static void read_adopted(struct letter *letter)
{
	struct adopted *adopted = LETTER_IN(letter, struct adopted, letter);

	adopted->place->taken++;
	(void)host_adopt(adopted->place->host, adopted->transport, adopted->fd);
	free(adopted);
}

enum vd_err swarm_place_adopt(struct swarm_place *place, unsigned transport, int fd)
{
	struct adopted *adopted = malloc(sizeof *adopted);
	enum vd_err err = adopted ? VD_OK : VD_ENOMEM;

	if (adopted) {
		*adopted = (struct adopted){ { .read = read_adopted }, place, transport, fd };
		err = mailbox_post(&place->down, &adopted->letter) ? VD_OK : VD_ELIMIT;
	}
	if (!err) {
		place->handed++;
		return VD_OK;
	}
	free(adopted);
	close(fd);
	return err;
}

/* ---- down: attempts ---- */

static void end_attempt(struct swarm_place *place, struct swarm_attempt *attempt)
{
	struct swarm_attempt **at = &place->attempts;

	while (*at != attempt)
		at = &(*at)->next_begun;
	*at = attempt->next_begun;
	mailbox_post_always(&place->up, &attempt->ended);
}

static void on_dialled(void *context, struct host_conn *conn, enum vd_err err, const char *why)
{
	struct swarm_attempt *attempt = context;
	const struct swarm_row *row = conn ? host_conn_user(conn) : NULL;

	attempt->conn = row ? row->conn.id : 0;
	attempt->err = err;
	snprintf(attempt->why, sizeof attempt->why, "%s", why ? why : vd_err_text(err));
	end_attempt(attempt->place, attempt);
}

void swarm_place_begin_attempt(struct letter *letter)
{
	struct swarm_attempt *attempt = LETTER_IN(letter, struct swarm_attempt, begin);
	struct swarm_place *place = attempt->place;
	enum vd_err err;

	place->taken++;
	attempt->next_begun = place->attempts;
	place->attempts = attempt;
	err =
	    host_dial_noting(place->host, &attempt->address, on_dialled, attempt, &attempt->up_at);
	if (err)
		on_dialled(attempt, NULL, err, NULL);
}

struct canceled {
	struct letter letter;
	struct swarm_place *place;
	uint64_t number;
};

static void read_canceled(struct letter *letter)
{
	struct canceled *canceled = LETTER_IN(letter, struct canceled, letter);
	struct swarm_attempt *attempt = canceled->place->attempts;

	while (attempt && attempt->number != canceled->number)
		attempt = attempt->next_begun;
	if (attempt) {
		host_dial_cancel(canceled->place->host, on_dialled, attempt);
		on_dialled(attempt, NULL, VD_ELINK_CLOSED, "cancelled");
	}
	free(canceled);
}

void swarm_place_cancel(struct swarm_place *place, uint64_t number)
{
	struct canceled *canceled = malloc(sizeof *canceled);

	if (!canceled)
		return; /* it goes on, and is told to nobody */
	*canceled = (struct canceled){ { .read = read_canceled }, place, number };
	mailbox_post_always(&place->down, &canceled->letter);
}

/* ---- down: connections ---- */

void swarm_place_hang_up(struct letter *letter)
{
	struct swarm_row *row = LETTER_IN(letter, struct swarm_row, hang_up);

	if (row->host_conn)
		host_disconnect(row->host_conn);
}

/* Pairs with the exchange where `review` is posted: what was wanted before it is seen here. */
void swarm_place_review(struct letter *letter)
{
	struct swarm_row *row = LETTER_IN(letter, struct swarm_row, review);
	bool retire, doubt;

	atomic_exchange_explicit(&row->reviewing, false, memory_order_acq_rel);
	retire = atomic_load_explicit(&row->retire, memory_order_relaxed);
	doubt = atomic_exchange_explicit(&row->doubt, false, memory_order_relaxed);
	if (!row->host_conn)
		return;
	host_conn_retire(row->host_conn, retire ? row->place->swarm->retire_after : 0);
	if (doubt)
		host_conn_doubt(row->host_conn);
}

void swarm_place_forget(struct letter *letter)
{
	free(LETTER_IN(letter, struct swarm_row, forgotten));
}

void swarm_place_run_task(struct letter *letter)
{
	struct swarm_task *task = LETTER_IN(letter, struct swarm_task, letter);

	task->run(task, task->row->host_conn);
}

/* ---- life ---- */

static void publish(struct swarm_place *place)
{
	struct swarm_page *page = &place->page;
	uint64_t counters[SWARM_COUNTERS];

	memcpy(counters, host_counters(place->host), sizeof counters);
	for (size_t i = 0; i < SWARM_COUNTERS; i++)
		atomic_store_explicit(&page->counters[i], counters[i], memory_order_relaxed);
	atomic_store_explicit(&page->connections, place->host->conn_count, memory_order_relaxed);
	atomic_store_explicit(&page->taken, place->taken, memory_order_relaxed);
	atomic_store_explicit(&page->protocols, place->host->protocol_count, memory_order_relaxed);
	atomic_store_explicit(&page->events_refused, place->events_refused, memory_order_relaxed);
}

static void on_prepare(uv_prepare_t *prepare)
{
	publish(prepare->data);
}

static void read_stop(struct letter *letter)
{
	uv_stop(LETTER_IN(letter, struct swarm_place, stop)->loop);
}

static enum vd_err open_boxes(struct swarm_place *place)
{
	place->has_down = !mailbox_init(&place->down, place->loop, SWARM_LETTERS_MAX);
	place->has_up = !mailbox_init(&place->up, place->swarm->loop, SWARM_LETTERS_MAX);
	if (!place->has_down || !place->has_up)
		return VD_ESYS;
	uv_prepare_init(place->loop, &place->prepare);
	place->prepare.data = place;
	place->has_prepare = true;
	uv_unref((uv_handle_t *)&place->prepare);
	return VD_OK;
}

enum vd_err swarm_place_init(struct swarm_place *place, const struct host_config *config)
{
	struct host_config own = *config;
	struct host_events *events = &own.events;
	enum vd_err err;

	place->loop = place->swarm->loop;
	place->stop.read = read_stop;
	if (place->thread) {
		if (uv_loop_init(&place->own_loop))
			return VD_ESYS;
		place->has_loop = true;
		place->loop = &place->own_loop;
	}
	err = open_boxes(place);
	if (err)
		return err;
	events->opened = on_opened;
	events->identified = on_identified;
	events->pinged = on_pinged;
	events->going_away = on_going_away;
	events->heard = on_heard;
	events->closed = on_closed;
	events->context = place;
	own.loop = place->loop;
	own.retire_after = VD_NEVER; /* control decides, of all places' connections */
	err = host_new(&own, &place->host);
	if (!err) /* not before: a host that cannot be made runs the loop to its end */
		uv_prepare_start(&place->prepare, on_prepare);
	return err;
}

/* Its loop's last turns. */
static void close_here(struct swarm_place *place)
{
	if (place->host) {
		host_free(place->host);
		place->host = NULL;
	}
	if (place->has_prepare)
		uv_close((uv_handle_t *)&place->prepare, NULL);
	if (place->has_down)
		mailbox_close(&place->down);
}

static void run(void *context)
{
	struct swarm_place *place = context;
	char name[16];

	vd_role_stream();
	vd_drop_capabilities(); /* it parses what strangers send */
	snprintf(name, sizeof name, "stream-%u", place->thread);
	(void)pthread_setname_np(pthread_self(), name);
	uv_run(place->loop, UV_RUN_DEFAULT);
	close_here(place);
	uv_run(place->loop, UV_RUN_DEFAULT);
}

/* Signals stay the control thread's. */
enum vd_err swarm_place_start(struct swarm_place *place)
{
	sigset_t all, before;
	int err;

	if (!place->thread)
		return VD_OK;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = uv_thread_create(&place->id, run, place);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	place->running = !err;
	return err ? VD_ESYS : VD_OK;
}

void swarm_place_ask_stop(struct swarm_place *place)
{
	if (place->running)
		mailbox_post_always(&place->down, &place->stop);
}

void swarm_place_stop(struct swarm_place *place)
{
	if (place->running) {
		uv_thread_join(&place->id);
		place->running = false;
		return;
	}
	if (place->has_down)
		mailbox_read(&place->down);
	close_here(place);
	if (place->has_loop)
		uv_run(place->loop, UV_RUN_DEFAULT);
}

void swarm_place_fini(struct swarm_place *place)
{
	if (place->has_up)
		mailbox_fini(&place->up);
	if (place->has_down)
		mailbox_fini(&place->down);
	if (place->has_loop)
		uv_loop_close(&place->own_loop);
}
