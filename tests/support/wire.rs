//! The API server's objects, read and written as they are, by `kubectl proxy`.
//! It knows nothing of what they mean.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

/// A way to the API server, by the address of a `kubectl proxy`.
#[derive(Clone, Debug)]
pub struct Wire {
    /// HOST:PORT.
    pub proxy: String,
}

impl Wire {
    /// The status and the document of an answer. HTTP/1.0, so that it comes in one piece.
    pub fn send(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let body = body.map(Value::to_string).unwrap_or_default();
        let head = format!(
            "{method} {path} HTTP/1.0\r\nHost: {}\r\nAccept: application/json\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.proxy,
            body.len()
        );
        let mut stream = TcpStream::connect(&self.proxy).expect("reach kubectl proxy");
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).expect("send a request");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("read an answer");
        let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("an answer with a head");
        let status = String::from_utf8_lossy(&answer[..end]).split(' ').nth(1).and_then(|code| code.parse().ok());
        (status.expect("an HTTP status"), serde_json::from_slice(&answer[end + 4..]).unwrap_or_default())
    }

    /// The same, which must succeed; a server whose caches are not filled yet is waited for.
    pub fn done(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let deadline = Instant::now() + Duration::from_secs(60);
        let (mut status, mut answer) = self.send(method, path, body);
        while status == 429 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(100));
            (status, answer) = self.send(method, path, body);
        }
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }
}
