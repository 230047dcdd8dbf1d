//! Feeds `golv_fuzz::codec`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| golv_fuzz::codec(input));
