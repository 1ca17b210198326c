//! What a handler leaves unread of a request's body. A refusal often comes before the body has been sent
//! to its end; were the connection closed at that moment, the sender would see it break off and never
//! read why. So the rest is read and thrown away, within bounds.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, BodyDataStream, Bytes, HttpBody},
    extract::Request,
    http::header,
};
use futures::{Stream, StreamExt};

/// The most that is thrown away of one body, in bytes.
const MAX_BYTES: usize = 64 << 20;
/// How long that may take.
const MAX_TIME: Duration = Duration::from_secs(5);
/// How long the sender may pause meanwhile.
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// Lets the sender of a body that is not read come to its end.
pub(crate) fn read_rest(request: Request) -> Request {
    // Who asks before sending has sent nothing yet, and won't.
    if request.body().is_end_stream() || request.headers().contains_key(header::EXPECT) {
        return request;
    }
    request.map(|body| Body::from_stream(Lingering { body: Some(body.into_data_stream()) }))
}

/// A body that is read on when it is dropped before its end.
struct Lingering {
    body: Option<BodyDataStream>,
}

impl Stream for Lingering {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let chunk = ready!(body.poll_next_unpin(context));
        if !matches!(chunk, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(chunk)
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        let Some(mut body) = self.body.take() else { return };
        // Without a runtime the connection is gone already.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(tokio::time::timeout(MAX_TIME, async move {
            let mut left = MAX_BYTES;
            while let Ok(Some(Ok(chunk))) = tokio::time::timeout(MAX_PAUSE, body.next()).await
                && chunk.len() <= left
            {
                left -= chunk.len();
            }
        }));
    }
}
