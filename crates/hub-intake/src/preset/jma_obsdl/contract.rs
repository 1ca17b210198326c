//! The tables that downloads become.

use hub_model::{Contract, Field, FieldRole, FieldType, Label};

use super::{
    super::column::{Describe, column, number, quality, text, time},
    Kind,
};

/// The columns, in the order in which rows are given out.
pub(super) fn contract(kind: Kind) -> Contract {
    let when = match kind {
        Kind::TenMinutes => instant("PT10M"),
        Kind::Hourly => instant("PT1H"),
        Kind::Daily => time("年月日", "date", FieldType::Date, Some(("P1D", Label::Start))),
        Kind::Period => column("集計開始", "period_start", FieldType::Date).role(FieldRole::Time),
        Kind::Monthly => time("年月", "month", FieldType::Yearmonth, Some(("P1M", Label::Start))),
        Kind::Yearly => time("年", "year", FieldType::Year, Some(("P1Y", Label::Start))),
    };
    let mut primary_key = vec![when.name.clone()];
    let mut fields = vec![when];
    if kind == Kind::Period {
        primary_key.push("集計終了".to_owned());
        let end = column("集計終了", "period_end", FieldType::Date).role(FieldRole::Key);
        fields.push(end.described("期間の最後の日"));
    }
    primary_key.extend(["地点", "同名地点の番号", "要素"].map(str::to_owned));
    fields.extend([
        column("地点", "station", FieldType::String).role(FieldRole::Place),
        column("同名地点の番号", "station_order", FieldType::Integer)
            .role(FieldRole::Key)
            .described("同じ名前の地点が並ぶとき、左から数えた番号。ほかは1"),
        column("要素", "element", FieldType::String).role(FieldRole::Key),
        number("値", "value").role(FieldRole::Value),
        text("文字の値", "text").described("天気概況や風向など、数値でない値"),
        text("単位（UCUM）", "unit").described("UCUMの単位。数値でない要素は空"),
        text("単位", "unit_label").described("気象庁の表記による単位"),
        quality("品質", "quality", "値"),
        text("品質情報", "quality_number")
            .described("8:正常値, 5:準正常値, 4:資料不足値, 2:疑問値, 1:欠測, 0:観測対象外"),
        text("均質番号", "homogeneity").described("番号の違う値どうしは比べられない"),
        text("現象なし情報", "no_phenomenon").described("1:現象なし（真の0）, 0:現象あり"),
        text("記号", "mark").described("値に付いていた記号"),
        column("起時", "occurred_at", FieldType::Datetime),
        quality("起時の品質", "occurred_at_quality", "起時"),
        text("起時の品質情報", "occurred_at_quality_number"),
        text("風向", "wind_direction"),
        quality("風向の品質", "wind_direction_quality", "風向"),
        text("風向の品質情報", "wind_direction_quality_number"),
    ]);
    Contract { fields, primary_key, missing_values: vec![String::new()] }
}

fn instant(interval: &str) -> Field {
    time("日時", "time", FieldType::Datetime, Some((interval, Label::End)))
        .described("期間の終わり。1時の値は0時から1時まで")
}
