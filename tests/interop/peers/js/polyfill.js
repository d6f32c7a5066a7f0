// SPDX-License-Identifier: Apache-2.0 OR MIT

// What js-libp2p takes from Node 22, for the Node 20 that many machines have. Imported first.
Promise.withResolvers ??= function withResolvers () {
  const all = {}
  all.promise = new Promise((resolve, reject) => { Object.assign(all, { resolve, reject }) })
  return all
}
