//! stub
pub mod session;
