//! Joining stretches to spans of one file's size, and working on the spans.

use std::{
    collections::{BTreeMap, BinaryHeap, VecDeque},
    sync::Arc,
};

use arrow::array::RecordBatch;
use parking_lot::Mutex;

use crate::{
    LakeError,
    stage::{
        Duplicates, Plan, Staged,
        chunk::{Divider, Piece, Place, Spilled},
        scratch::{ScratchFile, ScratchReader},
        split::split,
        stopped,
        write::{Written, write},
    },
};

/// Pieces that make one file.
pub(crate) type Span = Vec<Piece>;

/// What is left to sort and write.
pub(crate) struct Work {
    spans: VecDeque<(Span, Option<ScratchFile>)>,
}

impl Work {
    /// Rows that never left memory.
    pub(crate) fn in_memory(plan: &Arc<Plan>, rows: Vec<RecordBatch>) -> Result<Self, LakeError> {
        let count: usize = rows.iter().map(RecordBatch::num_rows).sum();
        if count == 0 {
            return Ok(Self { spans: VecDeque::new() });
        }
        let mut pieces = Vec::new();
        if count <= plan.options.file_rows {
            pieces.extend(rows.into_iter().map(|batch| Piece {
                stretch: 0,
                level: 0,
                rows: batch.num_rows(),
                bytes: 0,
                place: Place::Memory(batch),
            }));
            return Ok(Self { spans: VecDeque::from([(pieces, None)]) });
        }
        let give = |batch| Ok(Place::Memory(batch));
        Divider::new(Arc::clone(plan)).divide(rows, give, &mut pieces)?;
        Self::of(plan, pieces, None)
    }

    /// Rows in the scratch file.
    pub(crate) fn spilled(plan: &Arc<Plan>, spilled: Spilled) -> Result<Self, LakeError> {
        Self::of(plan, spilled.pieces, Some(spilled.file))
    }

    fn of(
        plan: &Arc<Plan>,
        pieces: Vec<Piece>,
        file: Option<ScratchFile>,
    ) -> Result<Self, LakeError> {
        let mut spans = VecDeque::new();
        for (span, stretches) in join(plan, pieces) {
            // A span of several stretches is never much too large; a single stretch can be.
            if stretches == 1 && is_too_large(plan, &span) {
                spans.extend(split(plan, span, file.as_ref())?);
            } else {
                spans.push_back((span, file.clone()));
            }
        }
        Ok(Self { spans })
    }

    /// Sorts and writes span after span, several at a time. Files are noted in `staged` as soon as they
    /// exist, so that they are deleted when a later one fails.
    pub(crate) fn run(self, plan: &Plan, staged: &mut Staged) -> Result<Duplicates, LakeError> {
        let threads = plan.options.threads.clamp(1, self.spans.len().max(1));
        let spans = Mutex::new(self.spans);
        let found = Mutex::new((staged, Found::new(plan.options.duplicate_examples)));
        let worker = || -> Result<(), LakeError> {
            let mut reader: Option<ScratchReader> = None;
            loop {
                let Some((span, file)) = spans.lock().pop_front() else { return Ok(()) };
                let written =
                    read(span, file.as_ref(), &mut reader).and_then(|pieces| write(plan, pieces));
                match written {
                    Ok(Written { file, repeated }) => {
                        let (staged, duplicates) = &mut *found.lock();
                        staged.files.push(file);
                        duplicates.add(&repeated);
                    }
                    Err(error) => {
                        spans.lock().clear();
                        return Err(error);
                    }
                }
            }
        };
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(worker)).collect();
            let mine = worker();
            let joined = others.into_iter().map(|other| other.join().unwrap_or(Err(stopped(plan))));
            joined.fold(mine, Result::and)
        })?;
        let (staged, duplicates) = found.into_inner();
        staged.files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(duplicates.finish())
    }
}

/// Whether rows are more than a thread should sort at once.
fn is_too_large(plan: &Plan, span: &[Piece]) -> bool {
    let bytes: usize = span.iter().map(|piece| piece.bytes).sum();
    let rows: usize = span.iter().map(|piece| piece.rows).sum();
    bytes > 2 * plan.span_bytes() || rows > 2 * plan.options.file_rows
}

/// Joins neighbouring stretches to spans of about equal size, and says of how many each consists.
fn join(plan: &Plan, pieces: Vec<Piece>) -> Vec<(Span, usize)> {
    let level = pieces.iter().map(|piece| piece.level).max().unwrap_or_default();
    let rows: usize = pieces.iter().map(|piece| piece.rows).sum();
    let bytes: usize = pieces.iter().map(|piece| piece.bytes).sum();
    let files = rows.div_ceil(plan.options.file_rows).max(bytes.div_ceil(plan.span_bytes()));
    let aim = rows.div_ceil(files.max(1));
    let mut stretches: BTreeMap<i64, Span> = BTreeMap::new();
    for piece in pieces {
        stretches.entry(piece.at_level(level)).or_default().push(piece);
    }
    let count = |span: &Span| span.iter().map(|piece| piece.rows).sum::<usize>();
    let mut spans: Vec<(Span, usize)> = Vec::new();
    let mut filled = aim;
    for stretch in stretches.into_values() {
        let rows = count(&stretch);
        match spans.last_mut() {
            // A stretch goes where more than half of it still fits.
            Some((span, joined)) if filled + rows / 2 < aim => {
                filled += rows;
                span.extend(stretch);
                *joined += 1;
            }
            _ => {
                filled = rows;
                spans.push((stretch, 1));
            }
        }
    }
    spans
}

fn read(
    span: Span,
    file: Option<&ScratchFile>,
    reader: &mut Option<ScratchReader>,
) -> Result<Vec<RecordBatch>, LakeError> {
    let mut batches = Vec::with_capacity(span.len());
    for piece in span {
        match (piece.place, file) {
            (Place::Memory(batch), _) => batches.push(batch),
            (Place::Scratch(place), Some(file)) => {
                if !reader.as_ref().is_some_and(|reader| reader.is_of(file)) {
                    *reader = Some(file.open()?);
                }
                if let Some(reader) = reader {
                    batches.push(reader.read(place)?);
                }
            }
            (Place::Scratch(_), None) => {}
        }
    }
    Ok(batches)
}

/// Repeated keys as they are found: all are counted, the earliest are kept.
struct Found {
    count: u64,
    /// (again, first), so that the latest repetition is the greatest.
    earliest: BinaryHeap<(u64, u64)>,
    cap: usize,
}

impl Found {
    fn new(cap: usize) -> Self {
        Self { count: 0, earliest: BinaryHeap::new(), cap }
    }

    fn add(&mut self, repeated: &[(u64, u64)]) {
        self.count += repeated.len() as u64;
        for (first, again) in repeated {
            self.earliest.push((*again, *first));
            if self.earliest.len() > self.cap {
                self.earliest.pop();
            }
        }
    }

    fn finish(self) -> Duplicates {
        let examples =
            self.earliest.into_sorted_vec().into_iter().map(|(again, first)| (first, again));
        Duplicates { count: self.count, examples: examples.collect() }
    }
}
