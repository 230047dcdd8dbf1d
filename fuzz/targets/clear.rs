//! Feeds `golv_fuzz::clearing::clear`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| golv_fuzz::clearing::clear(input));
