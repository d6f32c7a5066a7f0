// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The asking side of the test `echo`: what goes through streams comes back, compared byte by byte.

use std::error::Error;

use futures::future::{try_join, try_join_all};
use futures::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use libp2p::{PeerId, Stream};

use crate::node::ECHO;

const STREAMS: u32 = 16;

type Done = Result<(), Box<dyn Error>>;

/// Sends COUNT bytes over several streams at once; of these the last has 16 times the bytes of the first.
pub async fn echo(control: &libp2p_stream::Control, target: PeerId, count: u64) -> Result<String, Box<dyn Error>> {
    let part = count / u64::from(STREAMS * (STREAMS + 1) / 2);
    try_join_all((1..=STREAMS).map(|seed| talk(control.clone(), target, seed, part * u64::from(seed)))).await?;
    Ok("all bytes are the same".into())
}

/// Byte AT of stream SEED: ../../README.md.
fn pattern(seed: u32, at: u64) -> u8 {
    let x = (at as u32 ^ seed.wrapping_mul(0x9e37_79b1)).wrapping_mul(0x85eb_ca6b);
    ((x ^ x >> 13).wrapping_mul(0xc2b2_ae35) >> 24) as u8
}

async fn talk(mut control: libp2p_stream::Control, target: PeerId, seed: u32, count: u64) -> Done {
    let (reader, writer) = control.open_stream(target, ECHO).await?.split();
    try_join(say(writer, seed, count), hear(reader, seed, count)).await?;
    Ok(())
}

async fn say(mut stream: WriteHalf<Stream>, seed: u32, count: u64) -> Done {
    let mut at = 0;
    while at < count {
        let block: Vec<u8> = (at..count).take(5000).map(|at| pattern(seed, at)).collect(); // of no layer's size
        stream.write_all(&block).await?;
        at += block.len() as u64;
    }
    Ok(stream.close().await?)
}

async fn hear(mut stream: ReadHalf<Stream>, seed: u32, count: u64) -> Done {
    let (mut block, mut at) = ([0; 16384], 0);
    loop {
        let len = stream.read(&mut block).await?;
        for byte in &block[..len] {
            if *byte != pattern(seed, at) {
                return Err(format!("byte {at} of stream {seed} is another").into());
            }
            at += 1;
        }
        match len {
            0 if at == count => return Ok(()),
            0 => return Err(format!("byte {at} of stream {seed} is the end").into()),
            _ if at > count => return Err(format!("byte {count} of stream {seed} was never sent").into()),
            _ => {}
        }
    }
}
