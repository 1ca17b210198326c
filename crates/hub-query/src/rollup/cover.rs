//! How each file of a snapshot is asked: by a companion, by its rows, or by both.

use std::sync::Arc;

use hub_lake::{Bound, DataFile, RollupLevel};

use super::{measures::Part, question::Question, range::Range, sets::RollupSet};
use crate::table::SnapshotTable;

/// Rows that companions must spare at least, of all that the query is about, in hundredths.
const LEAST_SPARED: u64 = 40;

/// How each file is asked.
pub(crate) struct Files {
    /// Files asked by their companions, each level with what is asked of it and what is left to rows.
    pub(crate) levels: Vec<Covered>,
    /// Files asked by their rows alone.
    pub(crate) rows: Vec<bool>,
}

pub(crate) struct Covered {
    pub(crate) level: RollupLevel,
    pub(crate) set: Arc<RollupSet>,
    /// Of each file of the snapshot whether it is asked at this level.
    pub(crate) files: Vec<bool>,
    /// The stretches that companions answer.
    pub(crate) whole: Range,
    /// The times that rows answer.
    pub(crate) beside: Vec<Range>,
}

impl Question {
    /// Chooses how each file is asked; none where companions would spare little.
    pub(crate) fn files(&self, table: &SnapshotTable) -> Option<Files> {
        let prepared = table.prepared();
        let files = &prepared.snapshot.files;
        let time = table.contract().time_field()?.storage_name();
        let mut levels: Vec<Covered> = RollupLevel::ALL
            .into_iter()
            .rev()
            .filter(|level| *level <= self.grain)
            .filter_map(|level| {
                let set = prepared.rollups.of(level, prepared)?;
                let whole = match level {
                    RollupLevel::Series => Range::default(),
                    _ => self.range.whole(level, self.before)?,
                };
                let beside = match level {
                    RollupLevel::Series => Vec::new(),
                    _ => self.range.beside(whole),
                };
                Some(Covered { level, set, files: vec![false; files.len()], whole, beside })
            })
            .collect();
        let mut rows = vec![false; files.len()];
        let (mut asked, mut spared) = (0, 0);
        for (place, file) in files.iter().enumerate() {
            let span = span(file, time);
            let bounded = self.range != Range::default();
            if bounded && span.is_some_and(|(first, last)| !self.range.meets(first, last)) {
                continue;
            }
            asked += file.rows;
            let within = match span {
                Some((first, last)) => {
                    !bounded || self.range.holds(first, last) && has_times(file, time)
                }
                None => !bounded,
            };
            let level = levels.iter_mut().find(|covered| {
                covered.set.kept(place).is_some_and(|kept| !table.refuses(&kept.path))
                    && self.tells(file)
                    && match (covered.level, span) {
                        (RollupLevel::Series, _) => within,
                        (_, Some((first, last))) => covered.whole.meets(first, last),
                        (_, None) => true,
                    }
            });
            match level {
                Some(covered) => {
                    covered.files[place] = true;
                    let kept = covered.set.kept(place).map_or(0, |kept| kept.rows);
                    spared += file.rows.saturating_sub(kept);
                }
                None => rows[place] = true,
            }
        }
        levels.retain(|covered| covered.files.contains(&true));
        for covered in &mut levels {
            let asked: Vec<_> =
                files.iter().zip(&covered.files).filter(|(_, asked)| **asked).collect();
            covered.beside.retain(|range| {
                asked.iter().any(|(file, _)| {
                    span(file, time).is_none_or(|(first, last)| range.meets(first, last))
                })
            });
        }
        let enough = spared.saturating_mul(100) >= asked.saturating_mul(LEAST_SPARED);
        (!levels.is_empty() && enough).then_some(Files { levels, rows })
    }

    /// Whether the file's companions speak of every value that is asked for.
    fn tells(&self, file: &DataFile) -> bool {
        let Some(rollups) = &file.rollups else { return false };
        if self.before && !rollups.edges {
            return false;
        }
        self.parts.iter().all(|(part, _)| {
            let Some(value) = part.value() else { return true };
            if let (Part::Due(_), Some(judge)) = (part, &value.judge) {
                let rolled = rollups.values.get(&value.stored);
                return !file.columns.contains_key(judge)
                    || rolled.is_some_and(|r| r.quality == value.judge && r.not_due == Some(0));
            }
            let Some(known) = file.columns.get(&value.stored) else {
                // The column was added after the file was written.
                return true;
            };
            // A file without bounds may hold NaN, which the engine orders by the way it comes.
            let ordered = known.minimum.is_some() || known.nulls == Some(file.rows);
            let extreme = matches!(part, Part::Min(_) | Part::Max(_));
            let shown = rollups.values.get(&value.stored).is_some_and(|rolled| {
                // Companions speak of the values that their quality does not leave out.
                rolled.left_out == 0 && value.judge.is_none() || rolled.quality == value.judge
            });
            shown && (ordered || !extreme)
        })
    }
}

/// Between which instants a file's times are, at least as far apart as they are; none where nothing is known.
fn span(file: &DataFile, time: &str) -> Option<(i64, i64)> {
    let known = file.columns.get(time)?;
    match (&known.minimum, &known.maximum) {
        (Some(Bound::Instant(first)), Some(Bound::Instant(last))) => {
            // The log rounds instants outwards; a little more does no harm.
            let slack = if known.exact { 0 } else { 1_000 };
            Some((first.saturating_sub(slack), last.saturating_add(slack)))
        }
        _ => None,
    }
}

fn has_times(file: &DataFile, time: &str) -> bool {
    file.columns.get(time).is_some_and(|known| known.nulls == Some(0))
}
