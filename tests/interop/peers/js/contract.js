// SPDX-License-Identifier: Apache-2.0 OR MIT

// A side of the libp2p project's transport test, as ../../contract/environment.h tells it: the older contract has names
// in lower case.
import { createConnection } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'

const older = process.env.TEST_KEY == null
const get = (olderName, name) => process.env[older ? olderName : name]

export const security = get('security', 'SECURE_CHANNEL')
export const isDialer = get('is_dialer', 'IS_DIALER') === 'true'
const [redisHost, redisPort] = (get('redis_addr', 'REDIS_ADDR') ?? '').split(':')
const key = older ? 'listenerAddr' : `${process.env.TEST_KEY}_listener_multiaddr`

// Until it is killed.
export async function listen (host) {
  await redis('RPUSH', key, host.getMultiaddrs()[0].toString())
  await new Promise(() => { setInterval(() => {}, 1000) })
}

export async function dial (host) {
  const target = multiaddr((await redis('BLPOP', key, '120')).at(-1))
  const start = performance.now()
  const { remotePeer } = await host.dial(target)
  const rtt = await host.services.ping.ping(remotePeer)
  const whole = performance.now() - start
  console.log(older
    ? JSON.stringify({ handshakePlusOneRTTMillis: whole, pingRTTMilllis: rtt })
    : `latency:\n  handshake_plus_one_rtt: ${whole}\n  ping_rtt: ${rtt}\n  unit: ms`)
}

// Runs one command and returns the texts of its answer, of the kinds that RPUSH and BLPOP give
// (https://redis.io/docs/latest/develop/reference/protocol-spec).
async function redis (...words) {
  const socket = createConnection({ host: redisHost, port: Number(redisPort) })
  socket.write(`*${words.length}\r\n${words.map(word => `$${word.length}\r\n${word}\r\n`).join('')}`)
  let text = ''
  for await (const chunk of socket) {
    text += chunk
    const lines = text.split('\r\n').slice(0, -1)
    const wanted = lines[0]?.startsWith('*') ? 1 + 2 * Number(lines[0].slice(1)) : 1
    if (lines.length < wanted) {
      continue
    }
    if (!/^[*:]\d/.test(text)) {
      throw new Error(`redis: ${text}`)
    }
    return lines.filter((_, i) => wanted === 1 || (i > 0 && i % 2 === 0))
  }
  throw new Error('redis ended')
}
