/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * injects: what the control thread wants sent, handed to the worker that sends it. What finds its
 * lane full is lost, and counted.
 *
 * Threads: control. Memory: borrows.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/thread.h"

struct node;
struct peering_path;
struct sw_endpoint;
struct sw_path;
struct sw_template;

/* The headers of a way; false, and counted, when there is none now. */
bool node_template(struct node *node, const struct sw_endpoint *endpoint,
		   struct sw_template *send_out) ON_CONTROL;
/* False, and counted, when the owner's lane is full. */
bool node_write_template(struct node *node, unsigned owner, uint32_t link,
			 const struct sw_template *send) ON_CONTROL;
bool node_write_path(struct node *node, uint32_t session, const struct sw_path *path) ON_CONTROL;

void node_send_datagram(struct node *node, const struct peering_path *path,
			struct vd_bytes frame) ON_CONTROL;
void node_send_payload(struct node *node, const struct peering_path *path,
		       struct vd_bytes payload) ON_CONTROL;
void node_send_inner(struct node *node, uint32_t session, const struct peering_path *path,
		     struct vd_bytes plain) ON_CONTROL;
/* The same with `pad` zeros behind the plaintext. */
void node_send_padded(struct node *node, uint32_t session, const struct peering_path *path,
		      struct vd_bytes plain, size_t pad) ON_CONTROL;
