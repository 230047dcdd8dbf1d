//! Feeds `golv_fuzz::session`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| golv_fuzz::session(input));
