/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/err.h"

const char *vd_err_text(enum vd_err err)
{
	switch (err) {
	case VD_OK: return "ok";
	case VD_AGAIN: return "not yet";
	case VD_ENOMEM: return "out of memory";
	case VD_ELIMIT: return "limit reached";
	case VD_ESYS: return "system call failed";
	case VD_ENOTFOUND: return "not found";
	case VD_EPEER_TRUNC: return "truncated";
	case VD_EPEER_FORMAT: return "malformed";
	case VD_EPEER_RANGE: return "value out of range";
	case VD_EPEER_AUTH: return "authentication failed";
	case VD_EPEER_REPLAY: return "replayed";
	case VD_EPEER_STATE: return "unexpected message";
	case VD_EPEER_REFUSED: return "refused by the peer";
	case VD_EPEER_UNSUPPORTED: return "not supported";
	case VD_ELINK_CLOSED: return "link closed";
	case VD_ELINK_TIMEOUT: return "timed out";
	case VD_EUSER: return "invalid input";
	case VD_EBUG_STATE: return "called in the wrong state";
	case VD_EBUG_ROOM: return "output buffer too small";
	}
	return "unknown error";
}
