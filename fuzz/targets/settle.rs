//! Feeds `golv_fuzz::settling::settle`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| golv_fuzz::settling::settle(input));
