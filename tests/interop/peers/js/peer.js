// SPDX-License-Identifier: Apache-2.0 OR MIT

// peer: a stock js-libp2p node for the interop matrix, as ../README.md describes it.
import './polyfill.js'
import { readFileSync } from 'node:fs'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify, identifyPush } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { preSharedKey } from '@libp2p/pnet'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { createLibp2p } from 'libp2p'
import * as contract from './contract.js'
import { ECHO, serveEcho } from './echo.js'
import { PERF, servePerf } from './perf.js'
import { dial, PATIENCE_MS } from './tests.js'
import { obey, watch } from './watch.js'

function parse (words) {
  const options = { security: '', psk: '', listen: '/ip4/127.0.0.1/tcp/0' }
  while (words[0]?.startsWith('-')) {
    options[words.shift().slice(1)] = words.shift()
  }
  return { options, verb: words[0], rest: words.slice(1) }
}

// A node with TCP, Yamux and the security asked for; nothing in it looks for other peers.
async function node (options, listen) {
  return await createLibp2p({
    addresses: { listen },
    transports: [tcp()],
    connectionEncrypters: [
      ...(options.security === 'tls' ? [] : [noise()]),
      ...(options.security === 'noise' ? [] : [tls()])
    ],
    streamMuxers: [yamux({ maxInboundStreams: 2000, maxOutboundStreams: 2000 })],
    connectionProtector: options.psk === '' ? undefined : preSharedKey({ psk: readFileSync(options.psk) }),
    // It gives up connections to whom is slow, and takes the one ping that may be under way.
    connectionMonitor: { enabled: false },
    connectionManager: {
      dialTimeout: PATIENCE_MS,
      inboundUpgradeTimeout: PATIENCE_MS,
      inboundStreamProtocolNegotiationTimeout: PATIENCE_MS,
      outboundStreamProtocolNegotiationTimeout: PATIENCE_MS
    },
    connectionGater: { denyDialMultiaddr: () => false },
    services: {
      identify: identify(),
      identifyPush: identifyPush(),
      ping: ping()
    }
  })
}

// Answers until standard input ends.
async function serve (options) {
  const host = await node(options, [options.listen])
  await host.handle(PERF, servePerf, { maxInboundStreams: 2000 })
  await host.handle(ECHO, serveEcho, { maxInboundStreams: 2000 })
  host.addEventListener('connection:open', ({ detail }) => {
    console.log(`connected ${detail.remotePeer} security=${detail.encryption} muxer=${detail.multiplexer}`)
  })
  console.log(`listening ${host.getMultiaddrs()[0]}`)
  await obey(host)
  await host.stop()
}

async function playContract () {
  if (!['noise', 'tls'].includes(contract.security)) {
    throw new Error(`wants noise or tls, not ${contract.security}`)
  }
  const told = { ...options, security: contract.security }
  await (contract.isDialer ? contract.dial(await node(told, [])) : contract.listen(await node(told, [options.listen])))
}

const { options, verb, rest } = parse(process.argv.slice(2))
try {
  if (verb === 'listen') {
    await serve(options)
  } else if (verb === 'dial' && rest.length > 1) {
    await dial(await node(options, []), rest[0], rest.slice(1))
  } else if (verb === 'watch' && rest.length === 1) {
    await watch(await node(options, []), rest[0])
  } else if (verb === 'contract') {
    await playContract()
  } else {
    throw new Error('wants a verb: listen, dial ADDRESS TEST…, watch ADDRESS, or contract')
  }
  process.exit(0)
} catch (why) {
  console.error(`peer: ${why.message}`)
  process.exit(1)
}
