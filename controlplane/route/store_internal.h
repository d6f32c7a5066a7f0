/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/* store_internal: what store_lmdb.c and accounts.c share. */
#include <lmdb.h>

#include "controlplane/route/store.h"

MDB_env *store_env(const struct route_store *store);
const char *store_path(const struct route_store *store);
