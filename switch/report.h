/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * report: what a switch says about a frame that it dropped, as bytes (switch/SPEC.md,
 * section 10); the payload of a switch frame with SW_FLAG_ERROR:
 *
 *	07 ‖ code(1) ‖ limit(2) ‖ used(1) ‖ director(3) ‖ echo(8)
 *
 * The echo lies where it lay in the payload dropped. Code 0 is of another form (section 4.5):
 *
 *	07 ‖ 00 ‖ receiver index(4) ‖ counter(8)
 */
enum sw_report_code {
	SW_REPORT_LOST = 0, /* by the end of a link or session, never by a switch on the way */
	SW_REPORT_DIRECTOR = 1,
	SW_REPORT_EXHAUSTED = 2, /* counted, never sent */
	SW_REPORT_PERMISSION = 3,
	SW_REPORT_RATE = 4,
	SW_REPORT_TOO_BIG = 5, /* the one with a limit: of payload bytes */
	SW_REPORT_CODES,
};

/* Of all but SW_REPORT_LOST. */
enum {
	SW_REPORT_BYTES = 16,
	SW_REPORT_AT_CODE = 1, /* also of SW_REPORT_LOST */
	SW_REPORT_AT_LIMIT = 2,
	SW_REPORT_AT_USED = 4,
	SW_REPORT_AT_DIRECTOR = 5,
	SW_REPORT_AT_ECHO = 8,
	SW_REPORT_USED_MAX = 32, /* of the frame dropped; beyond it there is no report */
};
