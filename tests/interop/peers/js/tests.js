// SPDX-License-Identifier: Apache-2.0 OR MIT

// The dialling side: connects to one peer and runs each test against it.
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { echo } from './echo.js'
import { perf, reset } from './perf.js'
import { joined } from './watch.js'

// Bounds every test, so that a silent peer is a failure and not a hang.
export const PATIENCE_MS = 120000

export async function dial (host, address, names) {
  let failed = 0
  const said = new Promise(resolve => {
    host.addEventListener('peer:identify', ({ detail }) => { resolve(detail) }, { once: true })
  })
  for (const test of names) {
    try {
      console.log(`ok ${test} ${await within(run(host, multiaddr(address), test, said))}`)
    } catch (why) {
      failed++
      console.log(`failed ${test}: ${why.name}: ${why.message}`)
    }
  }
  if (failed > 0) {
    throw new Error(`${failed} of ${names.length} tests failed`)
  }
}

async function within (promise) {
  let timer
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => { reject(new Error('timed out')) }, PATIENCE_MS)
  })
  return await Promise.race([promise, late]).finally(() => { clearTimeout(timer) })
}

// Runs NAME or NAME=COUNT; what it returns is printed after `ok`.
async function run (host, address, test, said) {
  const [name, number] = test.split('=')
  const count = Number(number ?? 1)
  if (name === 'wrong-peer') {
    return await wrongPeer(host, address)
  }
  const connection = await host.dial(address)
  switch (name) {
    case 'connect': return `security=${connection.encryption} muxer=${connection.multiplexer}`
    case 'identify': return identified(await said)
    case 'ping': return await pings(host, connection, count)
    case 'upload': return await perf(connection, count, 0)
    case 'download': return await perf(connection, 0, count)
    case 'half-close': return await perf(connection, 1000, 2000)
    case 'reset': return await reset(connection)
    case 'streams': return await streams(connection, count)
    case 'echo': return await echo(connection, count)
  }
  throw new Error('no such test')
}

// The library has verified the record.
function identified (said) {
  return `protocols=${joined(said.protocols)} addresses=${joined(said.listenAddrs)} ` +
    `record=${joined(said.signedPeerRecord?.addresses ?? [])} observed=${said.observedAddr} agent=${said.agentVersion}`
}

// js-libp2p opens one ping stream at a time, and counts the last one until both sides have closed it,
// which it does not wait for.
async function pings (host, connection, count) {
  let rtt
  for (let i = 0; i < count; i++) {
    while (connection.streams.some(stream => stream.protocol === host.services.ping.protocol)) {
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    rtt = await host.services.ping.ping(connection.remotePeer)
  }
  return `rtt=${rtt}ms`
}

async function streams (connection, count) {
  await Promise.all(Array.from({ length: count }, async () => await perf(connection, 100, 200)))
  return `count=${count}`
}

// Dials the right address for another identity; that must fail.
async function wrongPeer (host, address) {
  const other = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
  const target = multiaddr(address.toString().replace(/\/p2p\/.*/, `/p2p/${other}`))
  try {
    await host.dial(target)
  } catch (why) {
    if (/identity key|Unexpected ?Peer/.test(`${why.name} ${why.message}`)) {
      return 'refused'
    }
    throw why
  }
  throw new Error('a peer with another id was taken')
}
