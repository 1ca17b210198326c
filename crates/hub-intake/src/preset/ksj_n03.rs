//! Administrative areas (行政区域, N03) of the national land numerical information, as GeoJSON: a row a
//! polygon of a municipality, as the publisher names its columns.

use hub_model::{CodeList, Contract, Field, FieldRole, FieldType};

use super::{
    Head, Layout, Preset,
    column::{Describe, column, number, text},
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
        ..column("N03_007", "municipality_code", FieldType::String).role(FieldRole::Place)
    };
    let degrees = |name: &str| number(name, name).unit("deg");
    let mut fields = vec![
        text("N03_001", "prefecture").described("都道府県名"),
        text("N03_002", "subprefecture").described("北海道の振興局名"),
        text("N03_003", "county").described("郡・政令市名"),
        text("N03_004", "municipality").described("市区町村名"),
        text("N03_005", "ward").described("政令指定都市の行政区名"),
        text("N03_006", "incorporated").described("以前の版の項目"),
        code.described("全国地方公共団体コード"),
        text("geometry", "geometry").described("WKT、経度・緯度（度）"),
        degrees("longitude").described("面の内側の点の経度"),
        degrees("latitude").described("面の内側の点の緯度"),
    ];
    fields.extend(["bbox_west", "bbox_south", "bbox_east", "bbox_north"].map(degrees));
    for field in &mut fields {
        // A second name equal to the first is none.
        field.alias = field.alias.take().filter(|alias| *alias != field.name);
    }
    Contract { fields, primary_key: Vec::new(), missing_values: vec![String::new()] }
}
