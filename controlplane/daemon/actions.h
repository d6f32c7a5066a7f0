/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * actions: the API's commands that do something, or take arguments: a row in actions.c, and a
 * function node_action_… of the file that does it. And pieces of answers.
 *
 * Threads: control.
 */
#include <jansson.h>
#include <stdint.h>

#include "base/formats/peer_id.h"
#include "base/time.h"
#include "controlplane/api/api.h"

extern const struct api_action node_actions[]; /* ended by a row without name */

json_t *node_peer_json(const struct vd_peer_id *peer);
json_t *node_overlay_json(const uint8_t overlay[16]);
json_t *node_rtt_json(vd_ns rtt); /* 0: null */
