//! Values that stand out from their neighbours, or never change.

use hub_model::{Text, Warning};

use super::keys::Keys;

/// How many pairs of a series and a column are followed.
const MAX_STATES: usize = 200_000;

/// How many steps are seen before any is unusual, and how many times the usual step one must be.
const LEARNT: u32 = 20;
const FAR: f64 = 30.0;

/// Equal values in a row from which on they are told.
const LONG_RUN: u32 = 240;

/// How many jumps of a column are told one by one.
const SHOWN: usize = 3;

#[derive(Debug, Clone, Copy, Default)]
struct State {
    seen: bool,
    last: f64,
    /// The step to the last value, and the value before it.
    step: f64,
    before: f64,
    row: u64,
    /// The mean of steps that are not zero; far ones weigh little.
    usual: f64,
    steps: u32,
    run: u32,
    run_row: u64,
}

#[derive(Debug, Default)]
struct Column {
    jumps: u64,
    first_jumps: Vec<(u64, f64, u32)>,
    /// The longest run: length, first row, value, series.
    run: Option<(u32, u64, f64, u32)>,
}

/// All columns of values.
#[derive(Debug)]
pub(super) struct Values {
    width: usize,
    states: Vec<State>,
    columns: Vec<Column>,
}

impl Values {
    pub(super) fn new(width: usize) -> Self {
        let columns = (0..width).map(|_| Column::default()).collect();
        Self { width, states: Vec::new(), columns }
    }

    #[inline]
    pub(super) fn add(&mut self, series: u32, column: usize, value: f64, row: u64) {
        let at = series as usize * self.width + column;
        if at >= self.states.len() {
            if at >= MAX_STATES {
                return;
            }
            self.states.resize(at + 1, State::default());
        }
        let state = &mut self.states[at];
        let step = value - state.last;
        if !state.seen {
            *state = State { seen: true, last: value, row, run: 1, run_row: row, ..*state };
            return;
        }
        if step == 0.0 {
            state.run += 1;
            if state.run >= LONG_RUN && state.steps >= LEARNT && value != 0.0 {
                let longest = &mut self.columns[column].run;
                if longest.is_none_or(|(run, ..)| state.run > run) {
                    *longest = Some((state.run, state.run_row, value, series));
                }
            }
        } else {
            state.run = 1;
            state.run_row = row;
            // Out and back again, and not from nothing to nothing as rain does.
            let is_spike = state.steps > LEARNT
                && state.step.abs() > FAR * state.usual
                && step.abs() > FAR * state.usual
                && (state.step < 0.0) != (step < 0.0)
                && (step + state.step).abs() < 0.5 * step.abs()
                && !(state.before == 0.0 && value == 0.0);
            if is_spike {
                let column = &mut self.columns[column];
                column.jumps += 1;
                if column.first_jumps.len() < SHOWN {
                    column.first_jumps.push((state.row, state.last, series));
                }
            }
            state.steps = (state.steps + 1).min(1_000);
            let weighed =
                if state.steps > LEARNT { step.abs().min(5.0 * state.usual) } else { step.abs() };
            state.usual += (weighed - state.usual) / f64::from(state.steps);
        }
        state.before = state.last;
        state.step = step;
        state.last = value;
        state.row = row;
    }

    pub(super) fn finish(&self, names: &[String], keys: &Keys) -> Vec<Warning> {
        let mut warnings = Vec::new();
        for (column, name) in self.columns.iter().zip(names) {
            let mut warn = |row: u64, value: f64, message: Text, fix: Text| {
                warnings.push(Warning {
                    row: Some(row),
                    column: Some(name.clone()),
                    value: Some(value.to_string()),
                    message,
                    fix,
                });
            };
            let check = || {
                Text::new(
                    "桁や小数点の書き間違いでないか確かめてください。正しければ、そのままでかまいません",
                    "see whether a digit or the point was mistyped; if the value is right, leave it",
                )
            };
            for (index, (row, value, series)) in column.first_jumps.iter().enumerate() {
                let of = keys.name(*series).filter(|name| !name.is_empty());
                let (of_ja, of_en) = of.map_or((String::new(), String::new()), |of| {
                    (format!("（{of}）"), format!(" of {of}"))
                });
                let rest = column.jumps - column.first_jumps.len() as u64;
                let is_last = index + 1 == column.first_jumps.len() && rest > 0;
                let (more_ja, more_en) = if is_last {
                    (format!("。ほかに{rest}か所あります"), format!("; there are {rest} more"))
                } else {
                    (String::new(), String::new())
                };
                warn(
                    *row,
                    *value,
                    Text::new(
                        format!(
                            "「{name}」列の{value}{of_ja}は、前後の値から大きく離れています{more_ja}"
                        ),
                        format!(
                            "{value} in the column {name:?}{of_en} is far from the values before and after it{more_en}"
                        ),
                    ),
                    check(),
                );
            }
            if let Some((run, row, value, _)) = column.run {
                warn(
                    row,
                    value,
                    Text::new(
                        format!("「{name}」列は、{row}行目から{value}が{run}回続きます"),
                        format!(
                            "the column {name:?} is {value} for {run} times on end from row {row}"
                        ),
                    ),
                    Text::new(
                        "測器が止まっていないか確かめてください",
                        "see whether the instrument stood still",
                    ),
                );
            }
        }
        warnings
    }
}
