//! The interface's answer as some tools save it: the whole CSV within one pair of quotes, its line ends
//! written out as `\r\n`.

use crate::{
    IntakeError,
    rows::{Row, Rows},
};

const LINE_END: &str = "\\r\\n";

/// The rows within a row that is such an answer.
pub(super) fn rows(row: &Row) -> Option<Answer> {
    let text = row.raw(0);
    (row.len() == 1 && text.contains(LINE_END) && text.contains("常時観測点コード"))
        .then(|| Answer { text: text.to_owned(), at: 0, number: 0 })
}

/// The lines of an answer; at most a few megabytes, as the interface gives no more at once.
#[derive(Debug)]
pub(super) struct Answer {
    text: String,
    at: usize,
    number: u64,
}

impl Answer {
    /// The first rows, to be recognised by.
    pub(super) fn head(mut self, count: usize) -> Vec<Row> {
        let mut head = Vec::new();
        let mut row = Row::default();
        while head.len() < count && self.step(&mut row) {
            head.push(row.clone());
        }
        head
    }

    fn step(&mut self, row: &mut Row) -> bool {
        if self.at >= self.text.len() {
            return false;
        }
        let rest = &self.text[self.at..];
        let (line, taken) = match rest.find(LINE_END) {
            Some(end) => (&rest[..end], end + LINE_END.len()),
            None => (rest, rest.len()),
        };
        self.number += 1;
        row.restart(self.number);
        line.split(',').for_each(|cell| row.push(cell));
        self.at += taken;
        true
    }
}

impl Rows for Answer {
    fn next_row(&mut self, row: &mut Row) -> Result<bool, IntakeError> {
        Ok(self.step(row))
    }
}
