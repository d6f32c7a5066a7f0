/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "tests/unit/proto/peering_net.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "multigram/frame.h"

enum { DATA_BYTES = 29 };

/* ---- randomness ---- */

static uint64_t splitmix(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint64_t sodium_state;

static const char *seeded_name(void)
{
	return "seeded";
}

static uint32_t seeded_random(void)
{
	return (uint32_t)splitmix(&sodium_state);
}

static void seeded_buf(void *const out, const size_t len)
{
	uint8_t *at = out;

	for (size_t i = 0; i < len; i++)
		at[i] = (uint8_t)splitmix(&sodium_state);
}

static struct randombytes_implementation seeded = { .implementation_name = seeded_name,
						    .random = seeded_random,
						    .buf = seeded_buf };

void net_seed(uint64_t seed)
{
	sodium_state = seed * UINT64_C(0x2545f4914f6cdd1d) + 1;
	randombytes_set_implementation(&seeded);
}

uint64_t net_random(struct net *net)
{
	return splitmix(&net->random);
}

static bool chance(struct net *net, unsigned percent)
{
	return percent && net_random(net) % 100 < percent;
}

/* ---- a node's host ---- */

static bool admit(void *context, const struct peering_claim *claim)
{
	struct node *node = context;

	node->claimed = *claim->path;
	node->has_token = claim->token_hash != NULL;
	if (node->has_token)
		memcpy(node->token_hash, claim->token_hash, sizeof node->token_hash);
	return !node->refuses;
}

static size_t show_token(void *context, const struct vd_peer_id *peer, uint8_t *out)
{
	const struct node *node = context;
	size_t len = node->token ? strlen(node->token) : 0;

	(void)peer;
	if (len)
		memcpy(out, node->token, len);
	return len;
}

static enum vd_err index_reserve(void *context, uint32_t *index_out)
{
	struct node *node = context;

	*index_out = ++node->last_index;
	node->indices_out++;
	return VD_OK;
}

static void index_release(void *context, uint32_t index)
{
	struct node *node = context;

	if (net_find(node, index))
		node->broken = "an installed index was released";
	node->indices_out--;
}

static size_t observed(void *context, const struct peering_path *path, uint8_t *out, size_t cap)
{
	(void)context;
	if (cap < 2)
		return 0;
	memcpy(out, path->bytes, 2);
	return 2;
}

static uint64_t sent(void *context, uint32_t index, vd_ns now, vd_ns *at_out)
{
	const struct node *node = context;
	const struct net_generation *generation = net_find(node, index);

	(void)now;
	if (!generation)
		return 0;
	*at_out = generation->tx_at;
	return node->config.kind == PEERING_LINK ? generation->tx_counter
						 : generation->seal.tx_counter;
}

const struct net_generation *net_find(const struct node *node, uint32_t index)
{
	for (unsigned i = 0; index && i < NET_GENERATIONS; i++) {
		if (node->generations[i].index == index)
			return &node->generations[i];
	}
	return NULL;
}

static struct net_generation *find(struct node *node, uint32_t index)
{
	return (struct net_generation *)net_find(node, index);
}

static unsigned node_of(const struct net *net, const struct vd_peer_id *peer)
{
	for (unsigned i = 0; i < NET_NODES; i++) {
		if (vd_peer_id_equal(&net->nodes[i].identity.id, peer))
			return i;
	}
	return NET_NODES;
}

/* ---- the channel ---- */

static void post(struct net *net, const struct net_frame *frame)
{
	vd_ns span = net->delay_max - net->delay_min;

	for (unsigned i = 0; i < NET_FRAMES; i++) {
		if (net->frames[i].at != VD_NEVER)
			continue;
		net->frames[i] = *frame;
		net->frames[i].at = net->now + net->delay_min + (span ? net_random(net) % span : 0);
		if (chance(net, net->flips))
			net->frames[i].bytes[net_random(net) % frame->len] ^=
			    (uint8_t)(1u << net_random(net) % 8);
		if (i >= net->frames_high)
			net->frames_high = i + 1;
		return;
	}
	net->lost_for_room++;
}

static void send_frame(struct node *node, const struct peering_path *path, struct vd_bytes bytes)
{
	struct net *net = node->net;
	struct net_frame frame = { .from = node->alias ? node->alias : node->address,
				   .to = path->bytes[0],
				   .way = path->bytes[1],
				   .len = (uint16_t)bytes.len };

	node->tx_bytes[frame.to] += bytes.len;
	if (bytes.len == 0 || bytes.len > sizeof frame.bytes)
		return;
	memcpy(frame.bytes, bytes.at, bytes.len);
	if (frame.to >= NET_NOBODY) {
		net->nobody = frame;
		return;
	}
	if (chance(net, net->loss))
		return;
	post(net, &frame);
	if (chance(net, net->copies))
		post(net, &frame);
}

static void accepted(struct node *node, uint8_t from, const uint8_t head[PEERING_HEAD_BYTES])
{
	if (node->net->hooks.accepted)
		node->net->hooks.accepted(node->net, node->address - 1u, from, head);
}

/* Of a data frame of a link, with the key of either end. */
static void data_tag(const uint8_t key[16], const uint8_t frame[13], uint8_t tag_out[16])
{
	memset(tag_out, 0, 16);
	(void)crypto_shorthash(tag_out, frame, 13, key);
}

static bool data_verifies(const struct net_generation *generation, const struct net_frame *frame)
{
	uint8_t tag[16];

	data_tag(generation->keys.rx_tag_key, frame->bytes, tag);
	return memcmp(tag, frame->bytes + 13, sizeof tag) == 0;
}

/* Whether it is the newest so far; `*again_out`: it came before, or is too old to tell. */
static bool data_is_newest(struct net_generation *generation, uint64_t counter, bool *again_out)
{
	uint64_t top = generation->rx_top;

	*again_out = !sw_window_is_new(&generation->window, top, counter);
	if (!*again_out)
		sw_window_mark(&generation->window, &generation->rx_top, counter);
	return generation->rx_top > top;
}

static void recv_data(struct node *node, const struct net_frame *frame)
{
	struct peering_path path = { .bytes = { frame->from, frame->way } };
	struct net_generation *generation =
	    frame->len == DATA_BYTES ? find(node, vd_be32_load(frame->bytes + 1)) : NULL;

	bool again, newest;

	if (!generation || !data_verifies(generation, frame)) {
		node->data_bad++;
		if (!generation && frame->len >= DATA_BYTES)
			(void)peering_unknown(node->peering, &path, frame->bytes, node->net->now);
		return;
	}
	newest = data_is_newest(generation, vd_be64_load(frame->bytes + 5), &again);
	if (again) {
		node->data_again++;
		return;
	}
	accepted(node, frame->from, frame->bytes);
	node->data_received++;
	peering_verified(node->peering, generation->index, node->net->now);
	peering_carried(node->peering, generation->index, node->net->now);
	if (newest && memcmp(&path, &generation->path, sizeof path) != 0)
		peering_moved(node->peering, generation->index, &path, frame->len, node->net->now);
}

/* A session's sealed frame, as its data plane opens it. */
static void recv_sealed(struct node *node, const struct net_frame *frame)
{
	uint8_t plain[NET_FRAME_BYTES];
	struct peering_path path = { .bytes = { frame->from, frame->way } };
	struct vd_bytes in = vd_bytes(frame->bytes, frame->len);
	struct net_generation *generation;
	uint32_t index;
	size_t len;

	if (seal_index(in, &index))
		return;
	generation = find(node, index);
	if (!generation || seal_consume(&generation->seal, in, plain, &len)) {
		node->data_bad++;
		if (!generation)
			(void)peering_recv(node->peering, &path, in, node->net->now);
		return;
	}
	accepted(node, frame->from, frame->bytes);
	if (len > 0 && plain[0] == 0x7f) {
		node->data_received++;
		peering_carried(node->peering, index, node->net->now);
	} else if (peering_recv_inner(node->peering, index, NULL, vd_bytes(plain, len),
				      node->net->now)) {
		node->data_bad++;
	}
	peering_verified(node->peering, index, node->net->now);
}

static void recv_other(struct node *node, const struct peering_path *path,
		       const struct net_frame *frame)
{
	enum vd_err err =
	    peering_recv(node->peering, path, vd_bytes(frame->bytes, frame->len), node->net->now);

	if (!err && frame->bytes[0] == MG_SEALED)
		accepted(node, frame->from, frame->bytes);
}

static void deliver(struct net *net, const struct net_frame *frame)
{
	struct node *node = &net->nodes[frame->to - 1];
	struct peering_path path = { .bytes = { frame->from, frame->way } };

	if (!node->peering)
		return;
	net->passed[frame->bytes[0] & 7]++;
	node->rx_bytes[frame->from] += frame->len;
	if (frame->bytes[0] == MG_SWITCH)
		recv_data(node, frame);
	else if (frame->bytes[0] == MG_SEALED && node->config.kind == PEERING_SESSION)
		recv_sealed(node, frame);
	else
		recv_other(node, &path, frame);
	net_drain(net, (unsigned)(node - net->nodes));
}

enum vd_err net_inject(struct net *net, unsigned to, struct peering_path path,
		       struct vd_bytes frame)
{
	struct node *node = &net->nodes[to];
	enum vd_err err;

	node->rx_bytes[path.bytes[0]] += frame.len;
	node->job_err = VD_OK;
	err = peering_recv(node->peering, &path, frame, net->now);
	if (!err && frame.at[0] == MG_SEALED && node->config.kind == PEERING_LINK)
		accepted(node, path.bytes[0], frame.at);
	net_drain(net, to);
	return err ? err : node->job_err;
}

/* ---- events ---- */

static void on_install(struct node *node, const struct peering_event *event)
{
	struct net_generation *generation = NULL;

	for (unsigned i = 0; i < NET_GENERATIONS && !generation; i++) {
		if (node->generations[i].index == 0)
			generation = &node->generations[i];
	}
	if (!generation || find(node, event->index) || !event->keys) {
		node->broken = "install";
		return;
	}
	*generation = (struct net_generation){ .index = event->index,
					       .peer = event->peer,
					       .path = event->path,
					       .keys = *event->keys };
	if (node->config.kind == PEERING_SESSION)
		seal_init(&generation->seal, generation->keys.cipher, generation->keys.tx_aead_key,
			  generation->keys.rx_aead_key, generation->keys.remote_index);
}

static void on_use(struct node *node, const struct peering_event *event, unsigned peer)
{
	if (!find(node, event->index) || peer >= NET_NODES ||
	    node->current[peer] != event->old_index)
		node->broken = "use";
	else
		node->current[peer] = event->index;
}

static void on_granted(struct node *node, const struct peering_event *event)
{
	struct net_generation *generation = find(node, event->index);

	if (!generation || !event->keys)
		node->broken = "granted";
	else
		memcpy(generation->keys.inner, event->keys->inner, sizeof generation->keys.inner);
}

static void on_retire(struct node *node, const struct peering_event *event, unsigned peer)
{
	struct net_generation *generation = find(node, event->index);

	if (!generation || peer >= NET_NODES) {
		node->broken = "retire";
		return;
	}
	if (node->current[peer] == event->index)
		node->current[peer] = 0;
	generation->index = 0;
	node->indices_out--;
}

static void on_up_or_down(struct node *node, const struct peering_event *event, unsigned peer)
{
	bool up = event->kind == PEERING_UP;

	if (peer >= NET_NODES || node->up[peer] == up || (up && !node->current[peer])) {
		node->broken = "up or down";
		return;
	}
	node->up[peer] = up;
	if (!up) {
		node->status = event->status;
		memcpy(node->text, event->text, sizeof node->text);
	}
}

static void on_inner(struct node *node, const struct peering_event *event)
{
	struct net_generation *generation = find(node, event->index);
	uint8_t frame[NET_FRAME_BYTES];
	size_t len;

	if (!generation ||
	    seal_create(&generation->seal, event->frame, frame, sizeof frame, &len)) {
		node->broken = "send inner";
		return;
	}
	generation->tx_at = node->net->now;
	send_frame(node, &event->path, vd_bytes(frame, len));
}

/* What the data plane sends goes there from now on. */
static void on_moved(struct node *node, const struct peering_event *event, unsigned peer)
{
	if (peer >= NET_NODES)
		node->broken = "moved";
	for (unsigned i = 0; i < NET_GENERATIONS; i++)
		if (vd_peer_id_equal(&node->generations[i].peer, &event->peer))
			node->generations[i].path = event->path;
}

static void do_job(struct node *node, struct peering_job *job)
{
	peering_job_run(job);
	node->job_err = peering_job_done(node->peering, job, node->net->now);
}

static void on_job(struct node *node, struct peering_job *job)
{
	struct net *net = node->net;

	if (net->job_delay == 0) {
		do_job(node, job);
		return;
	}
	for (unsigned i = 0; i < NET_JOBS; i++) {
		if (net->jobs[i].at != VD_NEVER)
			continue;
		net->jobs[i] = (struct net_job){ net->now + net_random(net) % net->job_delay,
						 (uint8_t)(node->address - 1), job };
		return;
	}
	node->broken = "too many jobs out";
}

static void on_event(struct node *node, const struct peering_event *event)
{
	unsigned peer = node_of(node->net, &event->peer);

	if (node->net->hooks.event)
		node->net->hooks.event(node->net, node->address - 1u, event);
	node->counts[event->kind]++;
	switch (event->kind) {
	case PEERING_SEND: send_frame(node, &event->path, event->frame); break;
	case PEERING_SEND_INNER: on_inner(node, event); break;
	case PEERING_INSTALL: on_install(node, event); break;
	case PEERING_USE: on_use(node, event, peer); break;
	case PEERING_RETIRE: on_retire(node, event, peer); break;
	case PEERING_UP:
	case PEERING_DOWN: on_up_or_down(node, event, peer); break;
	case PEERING_REFUSED_BY:
		node->status = event->status;
		memcpy(node->text, event->text, sizeof node->text);
		break;
	case PEERING_CONTROL:
		memcpy(node->control, event->frame.at, event->frame.len);
		node->control_len = event->frame.len;
		break;
	case PEERING_MOVED: on_moved(node, event, peer); break;
	case PEERING_JOB: on_job(node, event->job); break;
	case PEERING_GRANTED: on_granted(node, event); break;
	case PEERING_NONE:
	case PEERING_REBOOTED:
	case PEERING_PROBED:
	case PEERING_PONG:
	case PEERING_DENIED:
	case PEERING_SILENT: break;
	}
}

/* Nobody is forgotten before the host was told that it is gone. */
static void check_known(struct net *net, struct node *node)
{
	struct peering_view view;

	for (unsigned i = 0; i < NET_NODES; i++)
		if (node->up[i] &&
		    peering_find(node->peering, &net->nodes[i].identity.id, &view) != VD_OK)
			node->broken = "forgotten while up";
}

void net_drain(struct net *net, unsigned i)
{
	struct node *node = &net->nodes[i];
	struct peering_event event = peering_next(node->peering);

	while (event.kind != PEERING_NONE) {
		on_event(node, &event);
		event = peering_next(node->peering);
	}
	check_known(net, node);
}

/* ---- running ---- */

static struct net_frame *next_frame(struct net *net)
{
	struct net_frame *next = NULL;

	while (net->frames_high && net->frames[net->frames_high - 1].at == VD_NEVER)
		net->frames_high--;
	for (unsigned i = 0; i < net->frames_high; i++) {
		struct net_frame *frame = &net->frames[i];

		if (frame->at != VD_NEVER && (!next || frame->at < next->at))
			next = frame;
	}
	return next;
}

static void hand_over(struct net *net, struct net_frame *slot)
{
	struct net_frame frame = *slot;

	slot->at = VD_NEVER;
	if (net->cut || (net->watch && !net->watch(net, &frame)))
		return;
	for (unsigned i = 0; i < NET_NODES; i++)
		if (net->nodes[i].alias && net->nodes[i].alias == frame.to)
			frame.to = (uint8_t)(i + 1);
		else if (net->nodes[i].alias && frame.to == i + 1)
			return; /* nobody is there any more */
	if (frame.to >= 1 && frame.to <= NET_NODES)
		deliver(net, &frame);
}

static struct net_job *next_job(struct net *net)
{
	struct net_job *next = NULL;

	for (unsigned i = 0; net->job_delay && i < NET_JOBS; i++)
		if (net->jobs[i].at != VD_NEVER && (!next || net->jobs[i].at < next->at))
			next = &net->jobs[i];
	return next;
}

static void finish_job(struct net *net, struct net_job *slot)
{
	slot->at = VD_NEVER;
	do_job(&net->nodes[slot->node], slot->job);
	net_drain(net, slot->node);
}

static vd_ns next_deadline(const struct net *net)
{
	vd_ns at = VD_NEVER;

	for (unsigned i = 0; i < NET_NODES; i++) {
		if (net->nodes[i].peering)
			at = vd_ns_min(at, peering_deadline(net->nodes[i].peering));
	}
	return at;
}

static void expire(struct net *net)
{
	for (unsigned i = 0; i < NET_NODES; i++) {
		if (!net->nodes[i].peering)
			continue;
		peering_expire(net->nodes[i].peering, net->now);
		net_drain(net, i);
	}
}

/* One thing that happens, at most at `end`; false: nothing does. */
static bool step(struct net *net, vd_ns end)
{
	struct net_frame *frame = next_frame(net);
	struct net_job *job = next_job(net);
	vd_ns deadline = next_deadline(net);
	vd_ns at = vd_ns_min(frame ? frame->at : VD_NEVER, deadline);

	at = vd_ns_min(at, job ? job->at : VD_NEVER);
	if (at > end)
		return false;
	net->now = at > net->now ? at : net->now;
	if (job && job->at == at)
		finish_job(net, job);
	else if (frame && frame->at <= deadline)
		hand_over(net, frame);
	else
		expire(net);
	if (net->hooks.stepped)
		net->hooks.stepped(net);
	return true;
}

void net_run(struct net *net, vd_ns span)
{
	vd_ns end = net->now + span;

	while (step(net, end))
		;
	net->now = end;
}

bool net_run_until(struct net *net, bool (*done)(const struct net *net), vd_ns span)
{
	vd_ns end = net->now + span;

	while (!done(net)) {
		if (!step(net, end)) {
			net->now = end;
			return done(net);
		}
	}
	return true;
}

/* ---- making ---- */

struct net *net_new(enum peering_kind kind, uint64_t seed)
{
	struct net *net = calloc(1, sizeof *net);

	if (!net)
		abort();
	net->random = seed;
	net->now = VD_SECONDS(1000);
	net->delay_min = net->delay_max = VD_MS(10);
	for (unsigned i = 0; i < NET_FRAMES; i++)
		net->frames[i].at = VD_NEVER;
	for (unsigned i = 0; i < NET_JOBS; i++)
		net->jobs[i].at = VD_NEVER;
	for (unsigned i = 0; i < NET_NODES; i++) {
		struct node *node = &net->nodes[i];

		node->net = net;
		node->address = (uint8_t)(i + 1);
		node->last_index = 0x100 * (i + 1);
		node->lost_reports = sw_bucket_of_rate(10, net->now);
		vd_identity_generate(&node->identity);
		node->config = (struct peering_config){
			.kind = kind,
			.identity = &node->identity,
			.width = 8 + i,
			.peers_max = 4,
			.offer = { "/viaduct/ping/1" },
			.context = node,
			.admit = admit,
			.token = show_token,
			.index_reserve = index_reserve,
			.index_release = index_release,
			.observed = observed,
			.sent = sent,
			.lost_reports = &node->lost_reports,
		};
	}
	return net;
}

void net_start(struct net *net, unsigned i)
{
	struct node *node = &net->nodes[i];

	node->config.boot = net_random(net) | 1;
	if (peering_new(&node->config, &node->peering))
		abort();
}

void net_stop(struct net *net, unsigned i)
{
	struct node *node = &net->nodes[i];

	peering_free(node->peering);
	node->peering = NULL;
	for (unsigned job = 0; job < NET_JOBS; job++)
		if (net->jobs[job].node == i)
			net->jobs[job].at = VD_NEVER;
	memset(node->generations, 0, sizeof node->generations);
	memset(node->current, 0, sizeof node->current);
	memset(node->up, 0, sizeof node->up);
	node->indices_out = 0;
}

void net_free(struct net *net)
{
	for (unsigned i = 0; i < NET_NODES; i++)
		peering_free(net->nodes[i].peering);
	free(net);
}

struct peering_path net_path(unsigned i)
{
	return (struct peering_path){ .bytes = { (uint8_t)(i + 1) } };
}

void net_dial(struct net *net, unsigned from, unsigned to)
{
	struct peering_path path = net_path(to);

	if (peering_dial(net->nodes[from].peering, &net->nodes[to].identity.id, &path, net->now))
		abort();
	net_drain(net, from);
}

bool net_data(struct net *net, unsigned from, unsigned to)
{
	struct node *node = &net->nodes[from];
	struct net_generation *generation = find(node, node->current[to]);
	uint8_t frame[64] = { MG_SWITCH };
	size_t len = DATA_BYTES;

	if (!generation)
		return false;
	node->data_sent++;
	if (node->config.kind == PEERING_LINK) {
		vd_be32_store(frame + 1, generation->keys.remote_index);
		vd_be64_store(frame + 5, ++generation->tx_counter);
		data_tag(generation->keys.tx_tag_key, frame, frame + 13);
	} else if (seal_create(&generation->seal, vd_bytes("\x7f", 1), frame, sizeof frame, &len)) {
		abort();
	}
	generation->tx_at = net->now;
	peering_carried(node->peering, generation->index, net->now);
	send_frame(node, &generation->path, vd_bytes(frame, len));
	return true;
}

/* ---- looking ---- */

bool net_both_up(const struct net *net)
{
	return net->nodes[0].up[1] && net->nodes[1].up[0];
}

const struct net_generation *net_current(const struct net *net, unsigned from, unsigned to)
{
	return net_find(&net->nodes[from], net->nodes[from].current[to]);
}

bool net_keys_match(const struct net *net, unsigned from, unsigned to)
{
	const struct net_generation *ours = net_current(net, from, to);
	const struct net_generation *theirs =
	    ours ? net_find(&net->nodes[to], ours->keys.remote_index) : NULL;

	return theirs && theirs->keys.remote_index == ours->index &&
	       memcmp(ours->keys.tx_tag_key, theirs->keys.rx_tag_key, 16) == 0 &&
	       memcmp(ours->keys.rx_tag_key, theirs->keys.tx_tag_key, 16) == 0 &&
	       memcmp(ours->keys.tx_aead_key, theirs->keys.rx_aead_key, 32) == 0 &&
	       memcmp(ours->keys.rx_aead_key, theirs->keys.tx_aead_key, 32) == 0 &&
	       ours->keys.initiator != theirs->keys.initiator;
}

unsigned net_generation_count(const struct node *node)
{
	unsigned count = 0;

	for (unsigned i = 0; i < NET_GENERATIONS; i++)
		count += node->generations[i].index != 0;
	return count;
}
