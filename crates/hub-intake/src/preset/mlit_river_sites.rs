//! The gauges of the Water Information System of Japan's Ministry of Land: code, latitude, longitude.

use hub_model::{Contract, FieldRole, FieldType};

use super::{
    Context, Head, Layout, Preset,
    column::{Describe, column, number},
};
use crate::{
    IntakeError,
    decode::{Output, Transform},
    rows::{Ahead, Row, Rows},
};

pub(super) const PRESET: Preset = Preset {
    id: "mlit_river_sites",
    title: ("国土交通省 水文水質データベース 観測所一覧", "MLIT hydrology, gauges"),
    publisher: &super::publisher::HYDROLOGY,
    layout: Layout::Rows { recognise, open },
};

const HEADING: [&str; 3] = ["gauge_id", "latitude", "longitude"];

fn recognise(head: &Head<'_>) -> bool {
    let mut rows = head.rows.iter().filter(|row| !row.is_blank());
    // Gauges of other publishers have shorter codes.
    let is_code = |code: &str| code.len() == 15 && code.bytes().all(|b| b.is_ascii_digit());
    rows.next().is_some_and(|row| row.cells().eq(HEADING))
        && rows.next().is_some_and(|row| is_code(row.get(0)))
}

fn open(_context: &Context<'_>, rows: &mut Ahead) -> Result<Box<dyn Transform>, IntakeError> {
    let mut row = Row::default();
    while rows.next_row(&mut row)? && row.is_blank() {}
    let contract = Contract {
        fields: vec![
            column("観測所記号", "site_code", FieldType::String).role(FieldRole::Place),
            number("緯度", "latitude").unit("deg"),
            number("経度", "longitude").unit("deg"),
        ],
        primary_key: vec!["観測所記号".to_owned()],
        missing_values: vec![String::new()],
    };
    Ok(Box::new(Sites { contract }))
}

struct Sites {
    contract: Contract,
}

impl Transform for Sites {
    fn contract(&self) -> &Contract {
        &self.contract
    }

    fn row(&mut self, row: &Row, out: &mut Output) -> Result<(), IntakeError> {
        if !row.is_blank() {
            out.push(row.number(), None, &[row.get(0), row.get(1), row.get(2)]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::taken::{take, taken_real};

    #[test]
    fn gauges_are_read_with_codes_as_text() {
        let Some(taken) = taken_real("mlit_river/japan_sites.csv") else { return };
        assert_eq!(taken.preset, Some("mlit_river_sites"));
        // One row of the mirror's file has a short code and stays as it is.
        assert_eq!((taken.report.error_count, taken.rows.len()), (0, 1_029));
        assert_eq!(taken.rows[0], ["301011281104010", "44.0608", "142.7222"]);
    }

    #[test]
    fn gauges_of_others_are_left_to_others() {
        let text = b"gauge_id,latitude,longitude\n12,44.0,142.0\n";
        assert_eq!(take("a.csv", text).unwrap().preset, None);
    }
}
