//! Feeds `golv_fuzz::commands::commands`, and changes its inputs record by record.
#![no_main]

use golv_fuzz::commands::{commands, mutate};

libfuzzer_sys::fuzz_target!(|input: &[u8]| commands(input));

/// Records of everything that can be asked are put in from here.
const EVERYTHING: &[u8] = include_bytes!("../corpus/commands/everything");

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let changed = mutate(&data[..size], EVERYTHING, seed, |bytes, most| {
        let size = bytes.len();
        bytes.resize(most, 0);
        let size = libfuzzer_sys::fuzzer_mutate(bytes, size, most);
        bytes.truncate(size);
    });
    let size = changed.len().min(max_size);
    data[..size].copy_from_slice(&changed[..size]);
    size
});
