/* Targets: base/formats/cid.c, bytes and text of content identifiers */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>

#include "base/formats/cid.h"

static void check(const struct vd_cid *cid)
{
	char text[VD_CID_TEXT];
	uint8_t bytes[VD_CID_MAX];
	struct vd_write w = vd_write_to(bytes, sizeof bytes);
	struct vd_cid back;

	vd_cid_write(&w, cid);
	if (vd_write_end(&w) || vd_cid_of_bytes(vd_write_done(&w), &back) ||
	    !vd_cid_equal(cid, &back))
		abort();
	if (vd_cid_of_text(vd_bytes_of_text(vd_cid_text(cid, text)), &back) ||
	    !vd_cid_equal(cid, &back))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vd_cid cid;

	if (vd_cid_of_bytes(vd_bytes(data, size), &cid) == VD_OK)
		check(&cid);
	if (vd_cid_of_text(vd_bytes(data, size), &cid) == VD_OK)
		check(&cid);
	return 0;
}
