/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/thread.h"

struct vd_role vd_control_role, vd_stream_role, vd_worker_role;
