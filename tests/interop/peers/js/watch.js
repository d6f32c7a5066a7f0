// SPDX-License-Identifier: Apache-2.0 OR MIT

// What is known of a peer, told whenever it changes; and the commands on standard input.
import { createInterface } from 'node:readline'
import { multiaddr } from '@multiformats/multiaddr'

// Connects, and tells until standard input ends.
export async function watch (host, address) {
  const { remotePeer } = await host.dial(multiaddr(address))
  let before = ''
  const look = async () => {
    const now = knowledge(await host.peerStore.get(remotePeer))
    if (now !== before) {
      console.log(now)
      before = now
    }
  }
  const timer = setInterval(() => { look().catch(() => {}) }, 50)
  await obey(host)
  clearInterval(timer)
}

// In the order of the texts.
export const joined = list => list.map(String).sort().join(',')

// Certified is what a signed record had.
function knowledge ({ protocols, addresses }) {
  const texts = list => joined(list.map(({ multiaddr }) => multiaddr))
  return `knows protocols=${joined([...protocols])} addresses=${texts(addresses)} ` +
    `record=${texts(addresses.filter(({ isCertified }) => isCertified))}`
}

// Does what the lines say, until their end: `serve PROTOCOL`, `unserve PROTOCOL`.
export async function obey (host) {
  for await (const line of createInterface({ input: process.stdin })) {
    const [verb, what] = line.split(' ')
    switch (verb) {
      case 'serve': await host.handle(what, stream => { stream.abort(new Error('nothing is served')) }); break
      case 'unserve': await host.unhandle(what); break
      default: throw new Error(`${line}: no such command`)
    }
  }
}
