// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The command line, the same for every peer of the matrix.

use libp2p::Multiaddr;

#[derive(Default)]
pub struct Options {
    /// `noise` or `tls`; both unless told.
    pub security: Option<String>,
    /// File with a swarm key: a private network.
    pub psk: Option<String>,
}

pub enum Verb {
    Listen(Multiaddr),
    Dial(Multiaddr, Vec<String>),
    Watch(Multiaddr),
    Contract,
}

pub struct Args {
    pub options: Options,
    pub verb: Verb,
}

pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Args, String> {
    let mut options = Options::default();
    let mut listen = "/ip4/127.0.0.1/tcp/0".to_string();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-security" => options.security = words.next(),
            "-psk" => options.psk = words.next(),
            "-listen" => listen = words.next().ok_or("-listen wants an address")?,
            "listen" => return Ok(Args { options, verb: Verb::Listen(address(&listen)?) }),
            "dial" => {
                let target = words.next().ok_or("dial wants an address and tests")?;
                return Ok(Args { options, verb: Verb::Dial(address(&target)?, words.collect()) });
            }
            "watch" => {
                let target = words.next().ok_or("watch wants an address")?;
                return Ok(Args { options, verb: Verb::Watch(address(&target)?) });
            }
            "contract" => return Ok(Args { options, verb: Verb::Contract }),
            _ => return Err(format!("{word}: no such verb or option")),
        }
    }
    Err("wants a verb: listen, dial ADDRESS TEST…, watch ADDRESS, or contract".into())
}

fn address(text: &str) -> Result<Multiaddr, String> {
    text.parse().map_err(|why| format!("{text}: {why}"))
}
