/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/* store_state: what store_lmdb.c and accounts.c share. */
#include "controlplane/loop/database.h"
#include "controlplane/route/store.h"

struct cp_database *store_database(const struct route_store *store);
