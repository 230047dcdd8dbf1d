//! Feeds `golv_fuzz::client::client`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| golv_fuzz::client::client(input));
