/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * xdp: our XDP program (xdp/filter.bpf.c), made ready for one UDP port.
 *
 * Threads: control.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/thread.h"
#include "dataplane/dataplane.h"

/*
 * Opens a copy of the program at `path` (NULL: looked for beside the executable and
 * where it is installed) with `udp_port` written into it. The copy lives in memory and
 * is named /proc/self/fd/<fd>; the caller closes it once the driver has read it.
 * VD_EUSER, VD_ESYS with `why`.
 */
enum vd_err dp_xdp_program(const char *path, uint16_t udp_port, int *fd_out,
			   char why[DP_WHY]) ON_CONTROL;

/*
 * Takes off what a daemon that was killed has left on the interface: a program by our
 * name. VD_EUSER with `why` when another program is there.
 */
enum vd_err dp_xdp_clear(unsigned ifindex, const char *ifname, char why[DP_WHY]) ON_CONTROL;
