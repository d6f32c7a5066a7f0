// SPDX-License-Identifier: Apache-2.0 OR MIT

// Of these tests alone: what one side writes the other writes back, until its end.
import { LIMITS, answer, receive, send } from './perf.js'

export const ECHO = '/viaduct-interop/echo/1.0.0'

const STREAMS = 16
const CHUNK = 50001 // of no layer's size

// Byte AT of stream SEED: ../README.md.
function pattern (seed, at) {
  let x = Math.imul(at ^ Math.imul(seed, 0x9e3779b1), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return x >>> 24
}

export async function serveEcho (stream) {
  await answer(stream, async () => {
    await receive(stream, chunk => { stream.send(chunk) })
    await stream.close()
  })
}

async function say (stream, seed, count) {
  for (let at = 0; at < count;) {
    const block = new Uint8Array(Math.min(CHUNK, count - at))
    for (let i = 0; i < block.length; i++) {
      block[i] = pattern(seed, at + i)
    }
    await send(stream, block)
    at += block.length
  }
  await stream.close()
}

async function talk (connection, seed, count) {
  const stream = await connection.newStream(ECHO, LIMITS)
  let heard = 0
  let wrong
  const received = receive(stream, chunk => {
    for (const byte of chunk.subarray()) {
      if (byte !== pattern(seed, heard)) {
        wrong ??= `byte ${heard} of stream ${seed} is another`
      }
      heard++
    }
  })
  await Promise.all([received, say(stream, seed, count)])
  if (wrong != null || heard !== count) {
    throw new Error(wrong ?? `byte ${heard} of stream ${seed} is the end`)
  }
}

// Sends COUNT bytes over several streams at once; of these the last has 16 times the bytes of the first.
export async function echo (connection, count) {
  const part = Math.floor(count / (STREAMS * (STREAMS + 1) / 2))
  await Promise.all(Array.from({ length: STREAMS }, async (_, i) => { await talk(connection, i + 1, part * (i + 1)) }))
  return 'all bytes are the same'
}
