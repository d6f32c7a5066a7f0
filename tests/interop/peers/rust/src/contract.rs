// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A side of the libp2p project's transport test, as ../../../contract/environment.h tells it: the older contract has
//! names in lower case.

use std::env;
use std::error::Error;
use std::time::Instant;

use futures::StreamExt;
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, ping};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::args::Options;
use crate::node::{BehaviourEvent, swarm};
use crate::tests::PATIENCE;

struct Contract {
    older: bool,
    options: Options,
    dialer: bool,
    redis: String,
    key: String,
}

fn read() -> Result<Contract, env::VarError> {
    let key = env::var("TEST_KEY");
    let older = key.is_err();
    let get = |older_name: &str, name: &str| env::var(if older { older_name } else { name });
    Ok(Contract {
        older,
        options: Options { security: Some(get("security", "SECURE_CHANNEL")?), psk: None },
        dialer: get("is_dialer", "IS_DIALER")? == "true",
        redis: get("redis_addr", "REDIS_ADDR")?,
        key: key.map_or("listenerAddr".into(), |key| format!("{key}_listener_multiaddr")),
    })
}

pub async fn run() -> Result<(), Box<dyn Error>> {
    let contract = read()?;
    match contract.dialer {
        true => timeout(PATIENCE, contract.dial()).await?,
        false => contract.listen().await,
    }
}

impl Contract {
    /// Until it is killed.
    async fn listen(&self) -> Result<(), Box<dyn Error>> {
        let mut swarm = swarm(&self.options, false)?;
        swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse()?)?;
        loop {
            if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
                let address = format!("{address}/p2p/{}", swarm.local_peer_id());
                redis(&self.redis, &["RPUSH", &self.key, &address]).await?;
            }
        }
    }

    async fn dial(&self) -> Result<(), Box<dyn Error>> {
        let answer = redis(&self.redis, &["BLPOP", &self.key, "120"]).await?;
        let target: Multiaddr = answer.last().ok_or("redis has no address")?.parse()?;
        let mut swarm = swarm(&self.options, false)?;
        let start = Instant::now();
        swarm.dial(target)?;
        loop {
            match swarm.select_next_some().await {
                SwarmEvent::Behaviour(BehaviourEvent::Ping(ping::Event { result, .. })) => {
                    self.print(start.elapsed().as_secs_f64() * 1000.0, result?.as_secs_f64() * 1000.0);
                    return Ok(());
                }
                SwarmEvent::OutgoingConnectionError { error, .. } => return Err(error.into()),
                _ => {}
            }
        }
    }

    fn print(&self, whole: f64, rtt: f64) {
        match self.older {
            true => println!("{{\"handshakePlusOneRTTMillis\":{whole},\"pingRTTMilllis\":{rtt}}}"),
            false => println!("latency:\n  handshake_plus_one_rtt: {whole}\n  ping_rtt: {rtt}\n  unit: ms"),
        }
    }
}

/// Runs one command and returns the texts of its answer, of the kinds that RPUSH and BLPOP give
/// (https://redis.io/docs/latest/develop/reference/protocol-spec).
async fn redis(address: &str, words: &[&str]) -> Result<Vec<String>, Box<dyn Error>> {
    let mut stream = BufReader::new(TcpStream::connect(address).await?);
    let mut command = format!("*{}\r\n", words.len());
    for word in words {
        command += &format!("${}\r\n{word}\r\n", word.len());
    }
    stream.write_all(command.as_bytes()).await?;
    let (mut texts, mut left) = (Vec::new(), 1);
    while left > 0 {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let (kind, rest) = line.trim_end().split_at_checked(1).ok_or("redis ended")?;
        left -= 1;
        match kind {
            ":" => texts.push(rest.into()),
            "*" => left += rest.parse::<usize>()?,
            "$" => {
                let mut text = vec![0; rest.parse::<usize>()? + 2];
                stream.read_exact(&mut text).await?;
                text.truncate(text.len() - 2);
                texts.push(String::from_utf8(text)?);
            }
            _ => return Err(format!("redis: {}", line.trim_end()).into()),
        }
    }
    Ok(texts)
}
