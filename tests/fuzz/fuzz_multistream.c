/* Targets: controlplane/proto/multistream.c, both sides */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>

#include "controlplane/proto/multistream.h"

static const char *const ids[] = { "/noise", "/tls/1.0.0", NULL };

static bool has(void *context, struct vd_bytes id)
{
	(void)context;
	return vd_bytes_equal(id, vd_bytes_of_text(ids[0])) ||
	       vd_bytes_equal(id, vd_bytes_of_text(ids[1]));
}

static const char *list(void *context, size_t index)
{
	(void)context;
	return ids[index];
}

static const struct multistream_handlers handlers = { has, list, NULL };

static void begin(struct multistream *m, unsigned how)
{
	if (how & 1)
		multistream_dial(m, ids);
	else
		multistream_listen(m, &handlers);
}

/* Feeds all in pieces of `piece` bytes; returns how much was used before the end. */
static size_t feed(struct multistream *m, struct vd_bytes in, size_t piece, enum vd_err *err_out)
{
	size_t total = 0;

	*err_out = VD_OK;
	while (total < in.len && !*err_out && m->state != MULTISTREAM_DONE) {
		size_t len = in.len - total < piece ? in.len - total : piece, used;

		*err_out = multistream_receive(m, vd_bytes(in.at + total, len), &used);
		if (!*err_out && used != len && m->state != MULTISTREAM_DONE)
			abort();
		total += used;
		if (multistream_next_output(m).len >
		    MULTISTREAM_ROUNDS * (MULTISTREAM_LIST_MAX + 64))
			abort();
	}
	return total;
}

/* However the bytes are cut, the machine does the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct multistream whole, cut;
	enum vd_err err_whole, err_cut;

	if (size < 1)
		return 0;

	struct vd_bytes in = vd_bytes(data + 1, size - 1);

	begin(&whole, data[0]);
	begin(&cut, data[0]);
	if (feed(&whole, in, SIZE_MAX, &err_whole) !=
	    feed(&cut, in, 1 + (data[0] >> 1) % 7, &err_cut))
		abort();
	if (err_whole != err_cut || whole.state != cut.state)
		abort();
	if (!vd_bytes_equal(multistream_next_output(&whole), multistream_next_output(&cut)))
		abort();
	multistream_fini(&whole);
	multistream_fini(&cut);
	return 0;
}
