//! Administrative areas (行政区域, N03) of the national land numerical information, as GeoJSON: a row a
//! polygon of a municipality, as the publisher names its columns.

use hub_model::{CodeList, Contract, Field, FieldRole, FieldType};

use super::{
    Head, Layout, Preset,
    fields::{described, field, number, text},
    publisher,
};

pub(super) const PRESET: Preset = Preset {
    id: "ksj_n03",
    title: (
        "国土数値情報 行政区域（N03）",
        "National land numerical information, administrative areas",
    ),
    publisher: &publisher::KSJ,
    layout: Layout::AsIs { recognise, contract },
};

fn recognise(head: &Head<'_>) -> bool {
    head.text.contains("\"FeatureCollection\"")
        && ["\"N03_001\"", "\"N03_004\"", "\"N03_007\""].iter().all(|key| head.text.contains(key))
}

fn contract() -> Contract {
    let code = Field {
        code: Some(CodeList::Municipality),
        ..field("N03_007", "municipality_code", FieldType::String, FieldRole::Place)
    };
    let degrees = |name: &str| number(name, name, "deg");
    let mut fields = vec![
        described(text("N03_001", "prefecture"), "都道府県名"),
        described(text("N03_002", "subprefecture"), "北海道の振興局名"),
        described(text("N03_003", "county"), "郡・政令市名"),
        described(text("N03_004", "municipality"), "市区町村名"),
        described(text("N03_005", "ward"), "政令指定都市の行政区名"),
        described(text("N03_006", "incorporated"), "以前の版の項目"),
        described(code, "全国地方公共団体コード"),
        described(text("geometry", "geometry"), "WKT、経度・緯度（度）"),
        described(degrees("longitude"), "面の内側の点の経度"),
        described(degrees("latitude"), "面の内側の点の緯度"),
    ];
    fields.extend(["bbox_west", "bbox_south", "bbox_east", "bbox_north"].map(degrees));
    for field in &mut fields {
        // A second name equal to the first is none.
        field.alias = field.alias.take().filter(|alias| *alias != field.name);
    }
    Contract { fields, primary_key: Vec::new(), missing_values: vec![String::new()] }
}
