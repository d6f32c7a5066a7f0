/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Whose packets an answer to `viaduct capture` holds when the workers copied more than it takes. */
#include "controlplane/daemon/captures.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/resolve.h"
#include "tests/unit/route/plane_fixture.h"

enum { WORKERS = 3, BATCH = 512 };

static struct node node;
static json_t *answer;

/* ---- in place of what it calls ---- */

void api_reply_ok(struct api_reply *reply, json_t *value)
{
	(void)reply;
	json_decref(answer);
	answer = value;
}

void api_reply_error(struct api_reply *reply, const char *text)
{
	(void)reply;
	cr_fatal("%s", text);
}

bool node_target(const struct node *n, const char *text, struct vd_peer_id *peer_out)
{
	(void)n, (void)text, (void)peer_out;
	return false;
}

unsigned dp_port_count(const struct dp *dp)
{
	(void)dp;
	return 0;
}

void dp_port_view(const struct dp *dp, unsigned index, struct dp_port_view *view_out)
{
	(void)dp, (void)index, (void)view_out;
}

/* ---- what is asked ---- */

static void ask(const char *verb, json_t *what)
{
	static int waits;
	json_t *args = json_pack("[s, o]", verb, what);

	node_action_capture(&node, args, (struct api_reply *)(void *)&waits);
	json_decref(args);
}

static void setup(void)
{
	plane_setup_of(WORKERS);
	node.plane = plane;
	ask("start", json_object());
}

static void teardown(void)
{
	json_decref(answer);
	plane_teardown();
}

TestSuite(captures, .init = setup, .fini = teardown);

/* As many packets of a worker's as its lane takes. */
static void fill(unsigned worker)
{
	struct sw_captured *item;

	while ((item = sw_lane_reserve(&node.plane.captures[worker]))) {
		*item = (struct sw_captured){
			.kind = SW_CAPTURE_IN,
			.worker = (uint8_t)worker,
			.round = node.capture.round,
		};
		sw_lane_commit(&node.plane.captures[worker]);
	}
}

/* Of a worker's, in the next answer. */
static void next(unsigned counts_out[WORKERS])
{
	json_t *packet;
	size_t i;

	memset(counts_out, 0, WORKERS * sizeof *counts_out);
	ask("next", json_integer((json_int_t)node.capture.id));
	json_array_foreach(json_object_get(answer, "packets"), i, packet)
	    counts_out[json_integer_value(json_object_get(packet, "worker"))]++;
}

Test(captures, each_worker_that_has_packets_has_its_share_of_an_answer)
{
	unsigned counts[WORKERS];

	for (int round = 0; round < 3; round++) {
		fill(0);
		fill(2);
		next(counts);
		cr_assert(eq(uint, counts[0], BATCH / 2));
		cr_assert(zero(uint, counts[1]));
		cr_assert(eq(uint, counts[2], BATCH / 2));
	}
}

Test(captures, a_worker_that_is_alone_has_all_of_an_answer)
{
	unsigned counts[WORKERS];

	fill(1);
	next(counts);
	cr_assert(eq(uint, counts[1], BATCH));
}
