//! The password hash alone, at the cost of the daemon's, in memory that is got and given
//! back each time as the daemon's is, and in a thread that was just started, as there.
//!
//! A hash in a loop of its own would not do for a comparison: it meets warm caches and an
//! awake processor, and is faster: measured, 30 ms and not 34.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use domlogon_accounts::Cost;
use domlogon_tests::{Failure, PASSWORD, Result};
use std::hint::black_box;
use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;

/// Where `loop.c` asks for a hash.
pub(crate) const SOCKET: &str = "/run/bench/hasher";

/// Serves hashes until the process ends.
pub(crate) fn serve() -> Result<()> {
    let listener = UnixListener::bind(SOCKET).map_err(Failure::harness("listen"))?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Whoever asked finds the connection closed, and ends with an error.
            thread::spawn(move || drop(answer(stream)));
        }
    });
    Ok(())
}

fn answer(mut stream: UnixStream) -> io::Result<()> {
    let mut what = [0];
    stream.read_exact(&mut what)?;
    if what == *b"h" {
        argon2().map_err(|error| io::Error::other(error.to_string()))?;
    }
    stream.write_all(&what)
}

fn argon2() -> argon2::Result<()> {
    let Cost {
        memory,
        passes,
        lanes,
    } = Cost::STANDARD;
    let params = Params::new(memory, passes, lanes, Some(32))?;
    let blocks = params.block_count();
    // More than glibc keeps for later: a fresh mapping each time.
    let mut memory = Vec::with_capacity(blocks.max(33 * 1024 * 1024 / Block::SIZE));
    memory.resize(blocks, Block::default());
    let mut hash = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into_with_memory(
        PASSWORD.as_bytes(),
        &[7; 16],
        &mut hash,
        &mut memory[..],
    )?;
    black_box(hash);
    Ok(())
}
