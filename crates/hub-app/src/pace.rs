//! A body that must keep coming: a file is received in one of a few places that others wait for, and a
//! sender who goes silent or lets it trickle must not hold one for ever.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt;

use crate::{AppError, Body};

/// The least that must come in the time for which a body may pause, in bytes. With the default of a
/// minute that is less than the slowest of lines carries.
const LEAST_BYTES: u64 = 16 << 10;

/// A body, and how it has come lately.
pub(crate) struct Paced {
    body: Body,
    pause: Duration,
    /// How long it was waited for since `came` began to be counted; the hub's own work is left out.
    waited: Duration,
    came: u64,
}

impl Paced {
    pub(crate) fn new(body: Body, pause: Duration) -> Self {
        Self { body, pause, waited: Duration::ZERO, came: 0 }
    }

    /// The next piece; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, AppError> {
        let begun = Instant::now();
        let Ok(piece) = tokio::time::timeout(self.pause, self.body.next()).await else {
            let said = format!("nothing came for {} s", self.pause.as_secs_f32());
            return Err(AppError::BodyBroken(said));
        };
        let Some(piece) = piece else { return Ok(None) };
        let piece = piece.map_err(|error| AppError::BodyBroken(error.to_string()))?;
        self.waited += begun.elapsed();
        self.came += piece.len() as u64;
        if self.waited >= self.pause {
            if self.came < LEAST_BYTES {
                return Err(AppError::BodyBroken(format!(
                    "{} bytes came in {} s, and it takes {LEAST_BYTES} at least",
                    self.came,
                    self.pause.as_secs_f32()
                )));
            }
            (self.waited, self.came) = (Duration::ZERO, 0);
        }
        Ok(Some(piece))
    }
}
