//! A connection whose first bytes must come in time. Which HTTP is spoken is told by them, and until it is
//! told no other limit of time holds: without this, as many as may connect at once could keep everyone
//! else out by saying nothing.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Sleep,
};

/// What HTTP/2 begins with; anything else is HTTP/1.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The stream under it, until its protocol is told.
#[derive(Debug)]
pub(super) struct Prompt<S> {
    stream: S,
    seen: usize,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> Prompt<S> {
    pub(super) fn new(stream: S, patience: Duration) -> Self {
        Self { stream, seen: 0, deadline: Some(Box::pin(tokio::time::sleep(patience))) }
    }

    fn note(&mut self, bytes: &[u8]) {
        let expected = PREFACE.get(self.seen..self.seen + bytes.len());
        self.seen += bytes.len();
        if expected != Some(bytes) || self.seen == PREFACE.len() {
            self.deadline = None;
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Prompt<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if self.deadline.is_some() && read.is_ready() {
            self.note(&buffer.filled()[before..]);
        }
        if read.is_pending()
            && let Some(deadline) = &mut self.deadline
            && deadline.as_mut().poll(context).is_ready()
        {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Prompt<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// A stream of which these bytes were read.
    async fn after(bytes: &[u8]) -> (Prompt<impl AsyncRead + Unpin>, impl AsyncWrite) {
        let (mut client, server) = tokio::io::duplex(64);
        client.write_all(bytes).await.unwrap();
        let mut prompt = Prompt::new(server, Duration::from_millis(20));
        prompt.read_exact(&mut vec![0; bytes.len()]).await.unwrap();
        (prompt, client)
    }

    #[tokio::test]
    async fn silence_ends_a_connection_until_its_protocol_is_told() {
        for bytes in [&b""[..], b"P", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r"] {
            let (mut prompt, _client) = after(bytes).await;
            let ended = prompt.read(&mut [0; 8]).await;
            assert!(ended.is_err_and(|e| e.kind() == io::ErrorKind::TimedOut), "{bytes:?}");
        }
        for bytes in [&b"G"[..], b"POST", b"GET / HTTP/1.0\r\n\r\n", PREFACE] {
            let (prompt, _client) = after(bytes).await;
            assert!(prompt.deadline.is_none(), "{bytes:?}");
        }
    }
}
