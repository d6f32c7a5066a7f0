/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/drop.h"

static const char *const names[] = {
#define X(symbol, name, text) [SW_DROP_##symbol] = name,
	SW_DROPS(X)
#undef X
};

static const char *const texts[] = {
#define X(symbol, name, text) [SW_DROP_##symbol] = text,
	SW_DROPS(X)
#undef X
};

const char *sw_drop_name(enum sw_drop drop)
{
	return (unsigned)drop < SW_DROP_COUNT ? names[drop] : "unknown";
}

const char *sw_drop_text(enum sw_drop drop)
{
	return (unsigned)drop < SW_DROP_COUNT ? texts[drop] : "no such reason";
}
