//! Tells the service manager that the exchange is served: systemd's protocol of `NOTIFY_SOCKET`, one datagram. A start may
//! take as long as a replay does, and whoever waits for it should not guess.
//!
//! Deliberately absent: a watchdog, since an exchange that cannot go on ends its process; and sockets without a file, which
//! only a container's manager of its own would use.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use tracing::warn;

/// The variable that names the manager's socket.
const SOCKET: &str = "NOTIFY_SOCKET";

/// Says that clients may come, if anybody wants to know.
pub(super) fn ready() {
    let Some(socket) = std::env::var_os(SOCKET) else { return };
    if let Err(reason) = send(Path::new(&socket)) {
        warn!(%reason, "the service manager was not told that the exchange is served");
    }
}

fn send(socket: &Path) -> io::Result<()> {
    UnixDatagram::unbound()?.send_to(b"READY=1", socket).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manager_gets_one_datagram() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("notify");
        let manager = UnixDatagram::bind(&path).expect("a socket");
        send(&path).expect("sent");
        let mut buffer = [0; 64];
        let length = manager.recv(&mut buffer).expect("received");
        assert_eq!(&buffer[..length], b"READY=1");
        drop(manager);
        assert!(send(&path).is_err());
    }
}
