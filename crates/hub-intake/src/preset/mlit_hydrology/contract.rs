//! The tables that the files become.

use hub_model::{Contract, FieldRole, FieldType, Label};

use super::{
    super::column::{Describe, column, number, quality, text, time},
    Item, Kind,
};

/// The columns, in the order in which rows are given out.
pub(super) fn contract(kind: Kind) -> Contract {
    let when = if kind.hourly {
        time("日時", "time", FieldType::Datetime, Some(("PT1H", Label::End)))
            .described("1時間の終わり。24時は翌日の0時")
    } else {
        time("年月日", "date", FieldType::Date, Some(("P1D", Label::Start)))
    };
    let (name, alias, unit) = match kind.item {
        Item::Level => ("水位", "level", "m"),
        Item::Discharge => ("流量", "discharge", "m3/s"),
        Item::Rain => ("雨量", "rain", "mm"),
    };
    let mut observed = number(name, alias).value(unit);
    if kind.item == Item::Level {
        observed = observed.described("観測所の零点高からの高さ");
    }
    let primary_key = vec!["観測所記号".to_owned(), when.name.clone()];
    Contract {
        fields: vec![
            when,
            column("観測所記号", "site_code", FieldType::String).role(FieldRole::Place),
            text("観測所名", "site_name"),
            text("水系名", "water_system"),
            text("河川名", "river"),
            observed,
            quality(&format!("{name}の品質"), "quality", name),
            text("フラグ", "flag").described("*:暫定値, $:欠測, #:閉局, -:未登録"),
        ],
        primary_key,
        missing_values: vec![String::new()],
    }
}
