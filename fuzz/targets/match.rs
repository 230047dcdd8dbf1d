//! Feeds `golv_fuzz::matching::matching`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| golv_fuzz::matching::matching(input));
