//! The tests of the protocol from outside, as one program: each file for itself would be linked with everything again.

mod page;
mod snapshot;
