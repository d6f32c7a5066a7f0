// SPDX-License-Identifier: Apache-2.0 OR MIT

// https://github.com/libp2p/specs/blob/master/perf/perf.md
export const PERF = '/perf/1.0.0'

// More streams at once than the library allows unless told.
export const LIMITS = { maxOutboundStreams: 2000 }

const BLOCK = new Uint8Array(65536)

// Waits where the peer does not keep up.
export async function send (stream, block) {
  if (stream.status !== 'open') {
    throw new Error(`the stream is ${stream.status}`)
  }
  if (!stream.send(block)) {
    await stream.onDrain()
  }
  // Over TLS neither waits for the socket, and nothing is read meanwhile: a reset would never be seen.
  await new Promise(resolve => setImmediate(resolve))
}

async function sendZeros (stream, count) {
  for (let left = count; left > 0;) {
    const part = Math.min(left, BLOCK.byteLength)
    await send(stream, BLOCK.subarray(0, part))
    left -= part
  }
}

function bigEndian (count) {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(count))
  return bytes
}

// Gives what comes to TAKE, until the peer's half ends. The library's own iterator waits for ever when that end came
// before somebody asked, as it does where the bytes and the end come together or this side is slow.
export async function receive (stream, take) {
  await new Promise((resolve, reject) => {
    stream.addEventListener('message', ({ data }) => { take(data) })
    stream.addEventListener('end', resolve)
    stream.addEventListener('close', ({ error }) => { error == null ? resolve() : reject(error) })
    if (stream.readableEnded) {
      queueMicrotask(resolve) // after what is left to be taken
    }
  })
}

// Breaks a stream that cannot be answered; a reset by the peer is told.
export async function answer (stream, how) {
  try {
    await how()
  } catch (why) {
    if (stream.status === 'reset') {
      console.log(`reset ${stream.protocol}`)
    }
    stream.abort(why)
  }
}

// Reads how many bytes to send, then to the end, then sends them.
export async function servePerf (stream) {
  await answer(stream, async () => {
    const head = []
    await receive(stream, chunk => {
      for (const byte of chunk.subarray(0, Math.max(0, 8 - head.length))) {
        head.push(byte)
      }
    })
    await sendZeros(stream, Number(new DataView(Uint8Array.from(head).buffer).getBigUint64(0)))
    await stream.close()
  })
}

// Sends UP bytes, closes this half, and must be sent exactly DOWN bytes and an end.
export async function perf (connection, up, down) {
  const stream = await connection.newStream(PERF, LIMITS)
  let got = 0
  const received = receive(stream, chunk => { got += chunk.byteLength })
  received.catch(() => {}) // it is asked for below, or the stream broke before
  stream.send(bigEndian(down))
  await sendZeros(stream, up)
  await stream.close()
  await received
  if (got !== down) {
    throw new Error(`asked for ${down} bytes, got ${got}`)
  }
  return `sent=${up} received=${down}`
}

// Breaks a stream in the middle; the connection must not notice.
export async function reset (connection) {
  const stream = await connection.newStream(PERF, LIMITS)
  stream.send(bigEndian(2 ** 40))
  await stream.close()
  for await (const chunk of stream) {
    if (chunk.byteLength > 0) {
      break
    }
  }
  stream.abort(new Error('as the test wants it'))
  await perf(connection, 1, 1)
  if (connection.status !== 'open') {
    throw new Error('the connection did not outlive the reset')
  }
  return 'the connection goes on'
}
