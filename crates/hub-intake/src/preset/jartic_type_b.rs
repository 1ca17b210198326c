//! JARTIC's cross-section traffic in the "type B" layout: one row a counter and interval, with nine
//! columns, or ten (a link version) since February 2018. Texts are CP932.

use hub_model::{Contract, Field, FieldRole, FieldType, Unit};

use super::{Context, Head, Layout, Preset};
use crate::{
    IntakeError,
    decode::{Output, Transform},
    rows::{Ahead, Row, Rows},
};

pub(super) const PRESET: Preset = Preset {
    id: "jartic_type_b",
    title: ("JARTIC 断面交通量 タイプB", "JARTIC cross-section traffic, type B"),
    layout: Layout::Rows { recognise, open },
};

/// The heading's beginning, which no other layout has.
const HEADING: [&str; 4] = ["時刻", "情報源コード", "計測地点番号", "計測地点名称"];

/// Columns of the publisher's file and of the table: all but the version are always there.
const COLUMNS: usize = 10;

fn recognise(head: &Head<'_>) -> bool {
    head.rows.first().is_some_and(|row| {
        matches!(row.len(), 9 | 10) && row.cells().take(HEADING.len()).eq(HEADING)
    })
}

fn open(_context: &Context<'_>, rows: &mut Ahead) -> Result<Box<dyn Transform>, IntakeError> {
    rows.next_row(&mut Row::default())?;
    Ok(Box::new(TypeB { contract: contract() }))
}

fn contract() -> Contract {
    let text = |name: &str, alias: &str, role: FieldRole| Field {
        role,
        alias: Some(alias.to_owned()),
        ..Field::new(name, FieldType::String)
    };
    let time = Field {
        role: FieldRole::Time,
        alias: Some("time".to_owned()),
        ..Field::new("時刻", FieldType::Datetime)
    };
    let volume = Field {
        role: FieldRole::Value,
        alias: Some("volume".to_owned()),
        unit: Unit::parse("{vehicles}").ok(),
        ..Field::new("断面交通量", FieldType::Integer)
    };
    Contract {
        fields: vec![
            time,
            text("情報源コード", "source_code", FieldRole::Key),
            text("計測地点番号", "point_number", FieldRole::Key),
            text("計測地点名称", "point_name", FieldRole::Attribute),
            text("2次メッシュコード", "mesh2", FieldRole::Place),
            text("リンク区分", "link_kind", FieldRole::Attribute),
            text("リンク番号", "link_number", FieldRole::Attribute),
            volume,
            text("リンク終端からの距離（×10m）", "distance_from_link_end", FieldRole::Attribute),
            text("リンクバージョン", "link_version", FieldRole::Attribute),
        ],
        primary_key: ["情報源コード", "計測地点番号", "時刻"].map(str::to_owned).into(),
        missing_values: vec![String::new()],
    }
}

struct TypeB {
    contract: Contract,
}

impl Transform for TypeB {
    fn contract(&self) -> &Contract {
        &self.contract
    }

    fn row(&mut self, row: &Row, out: &mut Output) -> Result<(), IntakeError> {
        if !row.is_blank() {
            let cells: Vec<&str> = (0..COLUMNS).map(|column| row.get(column)).collect();
            out.push(row.number(), None, &cells);
        }
        Ok(())
    }
}
