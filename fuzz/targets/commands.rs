//! Feeds `golv_fuzz::commands`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| golv_fuzz::commands(input));
