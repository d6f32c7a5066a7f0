/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * overlay: the IPv6 address of a peer inside the overlay: a prefix of 16 bits
 * (configuration key session.prefix, fd76 by default) and the first 14 bytes of SHA-256 of its
 * binary peer id (switch/SPEC.md, section 11.2).
 *
 * Pure; any thread.
 */
#include <stdint.h>

#include "base/formats/peer_id.h"
#include "switch/packet.h"

void route_overlay_address(uint16_t prefix, const struct vd_peer_id *peer,
			   uint8_t address_out[SW_IPV6_ADDR]);
