//! Feeds `golv_fuzz::support::support`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| golv_fuzz::support::support(input));
