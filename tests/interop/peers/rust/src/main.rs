// SPDX-License-Identifier: Apache-2.0 OR MIT

//! peer: a stock rust-libp2p node for the interop matrix, as ../README.md describes it.

mod args;
mod contract;
mod echo;
mod node;
mod serving;
mod tests;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let done = match args::parse(std::env::args().skip(1)) {
        Ok(args) => run(args).await,
        Err(why) => Err(why.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("peer: {why}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: args::Args) -> Result<(), Box<dyn std::error::Error>> {
    match args.verb {
        args::Verb::Listen(address) => node::serve(&args.options, address).await,
        args::Verb::Dial(address, names) => tests::dial(&args.options, address, &names).await,
        args::Verb::Watch(address) => node::watch(&args.options, address).await,
        args::Verb::Contract => contract::run().await,
    }
}
