/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * token: what an edge shows in message 3 of a link to be let in (switch/SPEC.md, 3.2), and
 * the SHA-256 of it, which is all that is kept of one by those who let in. Sizes in bytes.
 */
enum { VD_TOKEN_MAX = 64, VD_TOKEN_HASH = 32 };
