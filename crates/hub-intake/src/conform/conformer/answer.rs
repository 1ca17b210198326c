//! What is done about the faults of a piece: they are listed, and their rows kept back where that was
//! asked for.

use hub_model::OnError;

use super::Conformer;
use crate::conform::{
    faults::{Fault, Faults},
    kept_back::Quarantined,
    piece::{Piece, cell_error, cell_text},
};

impl Conformer<'_> {
    /// Puts faults into the report; answers them in the order of the file.
    pub(super) fn list(&mut self, faults: Faults, piece: &Piece<'_>) -> Vec<Fault> {
        let (listed, counts) = faults.finish();
        let mut unlisted = counts;
        for fault in &listed {
            let rule = fault.kind.rule();
            if let Some(count) = unlisted.get_mut(&rule) {
                *count -= 1;
            }
            let (plan, on_error) = (&self.plan, self.options.on_error);
            self.report.error(rule, || cell_error(fault, plan, piece, on_error));
        }
        for (rule, count) in unlisted {
            self.report.count(rule, count);
        }
        listed
    }

    /// The rows of a piece that have faults, and which of the piece's rows they are.
    pub(super) fn keep_back(
        &mut self,
        faults: &[Fault],
        piece: &Piece<'_>,
    ) -> (Vec<Quarantined>, Vec<bool>) {
        let mut bad = vec![false; piece.rows()];
        let mut kept = Vec::new();
        let mut broken = 0;
        let is_same = |a: &Fault, b: &Fault| {
            (a.place, a.row) == (b.place, b.row) && a.field.is_some() && b.field.is_some()
        };
        for together in faults.chunk_by(is_same) {
            let Some(first) = together.first() else { continue };
            let cells = match (first.field, piece) {
                (None, Piece::Text(block)) => {
                    broken += 1;
                    let cells = block.broken.get(broken - 1).map(|row| block.broken_cells(row));
                    cells.into_iter().flatten().map(cell_text).collect()
                }
                _ => {
                    for fault in together {
                        bad[fault.row] = true;
                    }
                    piece.cells(first.row, &self.plan)
                }
            };
            let reasons = together
                .iter()
                .map(|fault| cell_error(fault, &self.plan, piece, OnError::Quarantine))
                .collect();
            kept.push(Quarantined { row: first.place, cells, reasons });
        }
        let report = self.report.report_mut();
        report.answered += faults.len() as u64;
        report.kept_back += kept.len() as u64;
        (kept, bad)
    }
}
