/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * capabilities: what a thread that parses the bytes of strangers does without.
 *
 * Threads: any; of the calling thread alone. Errors: none that a caller could act on.
 */

/* Gives up every capability of this thread, for good. Of one without, nothing changes. */
void vd_drop_capabilities(void);
