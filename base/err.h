/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * err: the one error type.
 *
 * The class of an error (its high byte) says who must act; the compiler does not let a result be
 * dropped (from C23 and C++17 on). Add a code beside the ones of its class, and its text in err.c.
 */

#if defined(__cplusplus) || __STDC_VERSION__ >= 202000L
#define VD_NODISCARD [[nodiscard]]
#else
#define VD_NODISCARD /* C11 has no word for it */
#endif

enum VD_NODISCARD vd_err {
	VD_OK = 0,
	VD_AGAIN = 1, /* not a failure: needs more input, room or time */

	/* LOCAL: our resources; shed load. */
	VD_ENOMEM = 0x100,
	VD_ELIMIT,    /* a named limit of ours is reached */
	VD_ESYS,      /* the operating system refused; errno tells */
	VD_ENOTFOUND, /* nothing under that name or number */

	/* PEER: what a peer sent is wrong; drop it, and score the peer. */
	VD_EPEER_TRUNC = 0x200, /* ends before it is complete */
	VD_EPEER_FORMAT,        /* breaks the rules of its format */
	VD_EPEER_RANGE,         /* well-formed, but a value is out of bounds */
	VD_EPEER_AUTH,          /* tag, signature or identity does not verify */
	VD_EPEER_REPLAY,        /* seen before, or too old to tell */
	VD_EPEER_STATE,         /* not expected now */
	VD_EPEER_REFUSED,       /* the peer said no */
	VD_EPEER_UNSUPPORTED,   /* a known kind that we do not do (a codec, a version) */

	/* LINK: the way to the peer is gone; dial again. */
	VD_ELINK_CLOSED = 0x300,
	VD_ELINK_TIMEOUT,

	/* USER: the operator's input is wrong; name the place and the cure. */
	VD_EUSER = 0x400,

	/* BUG: the caller broke the contract. */
	VD_EBUG_STATE = 0x500,
	VD_EBUG_ROOM, /* an output buffer is smaller than documented */
};

enum vd_err_class {
	VD_CLASS_NONE = 0,
	VD_CLASS_LOCAL = 1,
	VD_CLASS_PEER = 2,
	VD_CLASS_LINK = 3,
	VD_CLASS_USER = 4,
	VD_CLASS_BUG = 5,
};

static inline enum vd_err_class vd_err_class(enum vd_err err)
{
	return (enum vd_err_class)((unsigned)err >> 8);
}

/* A short text without a full stop, for logs; static storage, never NULL. */
const char *vd_err_text(enum vd_err err);
