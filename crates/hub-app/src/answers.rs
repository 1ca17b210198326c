//! Answers of late, kept as the bytes that were sent, so that the same question of the same versions costs no
//! work again. A door looks here only after the datasets were opened for who asks: the key names the
//! state that the answer depends on, versions and visibility included, and what the caller may see.

use std::{
    collections::{BTreeMap, HashMap},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use hub_model::Principal;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use crate::Metrics;

/// What an answer takes beside its bytes, about.
const OVERHEAD_BYTES: usize = 1_024;

/// The question and all that its answer's bytes depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AnswerKey([u8; 32]);

impl AnswerKey {
    /// From the question's parts, the state that it was opened at, and who asks.
    pub fn of(parts: &[&str], state: &str, principal: &Principal) -> Self {
        let mut hash = Sha256::new();
        let mut put = |part: &str| {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        };
        put(state);
        put(&grants(principal));
        parts.iter().for_each(|part| put(part));
        Self(hash.finalize().into())
    }
}

/// What decides which rows a principal sees.
fn grants(principal: &Principal) -> String {
    match principal {
        Principal::Anonymous => "anyone".to_owned(),
        Principal::Token { role, agency, .. } => match agency {
            Some(agency) => format!("{role:?} of {agency}"),
            None => format!("{role:?}"),
        },
    }
}

/// What is said of an answer beside its bytes, as the door writes it: names and values.
pub type AnswerHead = Vec<(&'static str, Bytes)>;

/// An answer that was given.
#[derive(Debug)]
pub struct KeptAnswer {
    /// What was said beside it.
    pub head: AnswerHead,
    /// Its bytes, in pieces.
    pub body: Vec<Bytes>,
}

/// The answers of late, within a number of bytes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Answers {
    kept: Arc<Mutex<Kept>>,
    max_bytes: usize,
    max_bytes_each: usize,
    metrics: Metrics,
}

#[derive(Debug, Default)]
struct Kept {
    answers: HashMap<AnswerKey, (u64, Arc<KeptAnswer>)>,
    /// The answers by their last use.
    uses: BTreeMap<u64, AnswerKey>,
    clock: u64,
    bytes: usize,
}

impl Answers {
    pub(crate) fn new(max_bytes: usize, max_bytes_each: usize, metrics: Metrics) -> Self {
        Self { kept: Arc::default(), max_bytes, max_bytes_each, metrics }
    }

    /// The answer to this very question, where it is kept.
    pub fn find(&self, key: &AnswerKey) -> Option<Arc<KeptAnswer>> {
        if self.max_bytes == 0 {
            return None;
        }
        let found = self.kept.lock().find(key);
        self.metrics.count_kept_answer(found.is_some());
        found
    }

    /// The bytes as they come; once all are there they are kept, unless they are too many. An answer that
    /// breaks off, or whose reader leaves, is not kept.
    pub fn keeping<S, E>(
        &self,
        key: AnswerKey,
        head: AnswerHead,
        bytes: S,
    ) -> impl Stream<Item = Result<Bytes, E>> + Send + 'static
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: 'static,
    {
        let room = self.max_bytes_each.min(self.max_bytes).saturating_sub(OVERHEAD_BYTES);
        let answer = KeptAnswer { head, body: Vec::new() };
        let collected = (room > 0).then_some((answer, 0));
        Keeping { bytes: bytes.boxed(), answers: self.clone(), key, room, collected }
    }

    fn keep(&self, key: AnswerKey, answer: KeptAnswer) {
        let mut kept = self.kept.lock();
        kept.put(key, Arc::new(answer), self.max_bytes);
        self.metrics.kept_answer_bytes.set(i64::try_from(kept.bytes).unwrap_or(i64::MAX));
    }
}

impl KeptAnswer {
    fn bytes(&self) -> usize {
        let said = self.head.iter().map(|(_, value)| value);
        OVERHEAD_BYTES + self.body.iter().chain(said).map(Bytes::len).sum::<usize>()
    }
}

impl Kept {
    fn find(&mut self, key: &AnswerKey) -> Option<Arc<KeptAnswer>> {
        let (used, answer) = self.answers.get_mut(key)?;
        // The one that was used last need not be moved to the end.
        if *used != self.clock {
            self.clock += 1;
            self.uses.remove(used);
            self.uses.insert(self.clock, *key);
            *used = self.clock;
        }
        Some(Arc::clone(answer))
    }

    fn put(&mut self, key: AnswerKey, answer: Arc<KeptAnswer>, max_bytes: usize) {
        self.clock += 1;
        self.bytes += answer.bytes();
        self.uses.insert(self.clock, key);
        if let Some((used, before)) = self.answers.insert(key, (self.clock, answer)) {
            self.uses.remove(&used);
            self.bytes -= before.bytes();
        }
        while self.bytes > max_bytes
            && let Some((_, oldest)) = self.uses.pop_first()
            && let Some((_, answer)) = self.answers.remove(&oldest)
        {
            self.bytes -= answer.bytes();
        }
    }
}

/// Bytes on their way to the reader, and those that passed.
struct Keeping<E> {
    bytes: Pin<Box<dyn Stream<Item = Result<Bytes, E>> + Send>>,
    answers: Answers,
    key: AnswerKey,
    room: usize,
    /// What passed so far, and how many bytes that is; none once it is too much, or broke off.
    collected: Option<(KeptAnswer, usize)>,
}

impl<E> Stream for Keeping<E> {
    type Item = Result<Bytes, E>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let piece = std::task::ready!(self.bytes.poll_next_unpin(context));
        match &piece {
            Some(Ok(bytes)) => {
                let room = self.room;
                if let Some((answer, size)) = &mut self.collected {
                    *size += bytes.len();
                    if *size > room {
                        self.collected = None;
                    } else {
                        answer.body.push(bytes.clone());
                    }
                }
            }
            Some(Err(_)) => self.collected = None,
            None => {
                if let Some((answer, _)) = self.collected.take() {
                    self.answers.keep(self.key, answer);
                }
            }
        }
        Poll::Ready(piece)
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    fn key(name: &str) -> AnswerKey {
        AnswerKey::of(&[name], "a.b@1r1", &Principal::Anonymous)
    }

    async fn give(answers: &Answers, name: &str, pieces: &[Result<&'static str, ()>]) {
        let pieces: Vec<_> = pieces
            .iter()
            .map(|piece| piece.map(|text| Bytes::from_static(text.as_bytes())))
            .collect();
        let stream = answers.keeping(key(name), AnswerHead::new(), stream::iter(pieces));
        stream.for_each(|_| async {}).await;
    }

    fn body(answers: &Answers, name: &str) -> Option<String> {
        let kept = answers.find(&key(name))?;
        Some(String::from_utf8(kept.body.concat()).unwrap())
    }

    #[tokio::test]
    async fn only_whole_answers_of_bearable_size_are_kept() {
        let answers = Answers::new(1 << 20, OVERHEAD_BYTES + 8, Metrics::new());
        give(&answers, "whole", &[Ok("abcd"), Ok("efgh")]).await;
        assert_eq!(body(&answers, "whole").as_deref(), Some("abcdefgh"));
        give(&answers, "large", &[Ok("abcd"), Ok("efgh"), Ok("i")]).await;
        give(&answers, "broken", &[Ok("abcd"), Err(())]).await;
        // A reader that leaves before the end.
        let pieces: Vec<Result<Bytes, ()>> = vec![Ok(Bytes::from_static(b"ab"))];
        let mut left =
            Box::pin(answers.keeping(key("left"), AnswerHead::new(), stream::iter(pieces)));
        assert!(left.next().await.is_some());
        drop(left);
        for name in ["large", "broken", "left", "never"] {
            assert_eq!(body(&answers, name), None, "{name}");
        }
        let off = Answers::new(0, 1 << 20, Metrics::new());
        give(&off, "whole", &[Ok("abcd")]).await;
        assert_eq!(body(&off, "whole"), None);
    }

    #[tokio::test]
    async fn what_was_not_asked_for_longest_goes_first() {
        let answers = Answers::new(3 * (OVERHEAD_BYTES + 4), 1 << 20, Metrics::new());
        for name in ["a", "b", "c"] {
            give(&answers, name, &[Ok("abcd")]).await;
        }
        assert!(body(&answers, "a").is_some());
        give(&answers, "d", &[Ok("abcd")]).await;
        assert_eq!(body(&answers, "b"), None);
        for name in ["a", "c", "d"] {
            assert!(body(&answers, name).is_some(), "{name}");
        }
        give(&answers, "d", &[Ok("xyz")]).await;
        assert_eq!(body(&answers, "d").as_deref(), Some("xyz"));
        let kept = answers.kept.lock();
        assert_eq!(kept.answers.len(), kept.uses.len());
        assert_eq!(kept.bytes, kept.answers.values().map(|(_, a)| a.bytes()).sum::<usize>());
    }

    #[test]
    fn keys_differ_by_question_state_and_grants() {
        let token = |role, agency: &str| Principal::Token {
            id: hub_model::TokenId::generate(),
            name: "t".to_owned(),
            role,
            agency: Some(hub_model::AgencyId::parse(agency).unwrap()),
        };
        let reader = token(hub_model::Role::Reader, "otaru");
        let keys = [
            AnswerKey::of(&["a", "b"], "s", &Principal::Anonymous),
            AnswerKey::of(&["ab"], "s", &Principal::Anonymous),
            AnswerKey::of(&["a", "b"], "t", &Principal::Anonymous),
            AnswerKey::of(&["a", "b"], "s", &reader),
            AnswerKey::of(&["a", "b"], "s", &token(hub_model::Role::Reader, "kisho")),
            AnswerKey::of(&["a", "b"], "s", &token(hub_model::Role::Publisher, "otaru")),
        ];
        let distinct: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len());
        assert_eq!(AnswerKey::of(&["a", "b"], "s", &reader), keys[3]);
    }
}
