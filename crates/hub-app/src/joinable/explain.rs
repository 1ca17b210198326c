//! A join in words.

use hub_model::Text;

use super::{
    advice::{ExpectedRows, KeyPair, TimePair},
    called,
    columns::Meaning,
    grid::Relation,
    statement::Statement,
};

/// What is joined by what, and what comes of it.
pub(super) fn join(
    title: &Text,
    keys: &[KeyPair],
    time: Option<&TimePair>,
    statement: &Statement,
    expected: ExpectedRows,
) -> Text {
    let (title_ja, title_en) = called(title);
    let (mut ja, mut en) = match keys {
        [] => (format!("「{title_ja}」とは時刻で結べます。"), format!("Joins {title_en} by time.")),
        keys => {
            let columns = |and: &str| {
                let pairs = keys.iter().map(|pair| match pair.own == pair.other {
                    true => pair.own.clone(),
                    false => format!("{} = {}", pair.own, pair.other),
                });
                pairs.collect::<Vec<_>>().join(and)
            };
            let first = &keys[0];
            let (kind_ja, kind_en) = match first.meaning {
                Meaning::Municipality => ("市区町村コード", "municipality codes"),
                Meaning::Mesh => ("メッシュコード", "mesh codes"),
                Meaning::Key => ("値", "values"),
            };
            let (common, own) = (first.common, first.own_values);
            (
                format!(
                    "「{title_ja}」と {} で結べます。こちらの{kind_ja}{own}個のうち{common}個が相手にもあります。",
                    columns("、")
                ),
                format!(
                    "Joins {title_en} by {}: {common} of the {own} {kind_en} here are there, too.",
                    columns(" and ")
                ),
            )
        }
    };
    if let Some(time) = time {
        let (grid_ja, grid_en) = match time.grid {
            "hour" => ("1時間", "hours"),
            "day" => ("日", "days"),
            "month" => ("月", "months"),
            "year" => ("年", "years"),
            _ => ("時刻", "times"),
        };
        let (more_ja, more_en) = match time.relation {
            Relation::AsOf => (
                "各行に、その時刻以前で最も新しい相手の行を付けます。".to_owned(),
                " Each row gets the other's last row at or before its time.".to_owned(),
            ),
            Relation::Equal => (
                format!("間隔は同じで、{grid_ja}ごとに合わせます。"),
                format!(" Both speak as often; they meet by {grid_en}."),
            ),
            Relation::Coarser => {
                let (ways_ja, ways_en) = ways(&statement.ways[0]);
                (
                    format!(
                        "相手の方が間隔が長く、こちらを{grid_ja}ごとの{ways_ja}にして合わせます。"
                    ),
                    format!(
                        " The other one speaks less often; the rows here are put together by {grid_en} ({ways_en})."
                    ),
                )
            }
            Relation::Finer => {
                let (ways_ja, ways_en) = ways(&statement.ways[1]);
                (
                    format!(
                        "相手の方が間隔が短く、相手を{grid_ja}ごとの{ways_ja}にして合わせます。"
                    ),
                    format!(
                        " The other one speaks more often; its rows are put together by {grid_en} ({ways_en})."
                    ),
                )
            }
        };
        ja.push_str(&more_ja);
        en.push_str(&more_en);
        if let Some((first, last)) = &time.period {
            ja.push_str(&format!("共通の期間は{first}から{last}までです。"));
            en.push_str(&format!(" Both have data from {first} to {last}."));
        }
    }
    let chosen: Vec<&str> =
        statement.chosen.iter().map(String::as_str).filter(|chosen| !chosen.is_empty()).collect();
    if !chosen.is_empty() {
        let chosen = chosen.join(", ");
        ja.push_str(&format!("場所などの違う系列が混ざらないよう、{chosen} の行だけを読みます。見たいものに替えてください。"));
        en.push_str(&format!(
            " So that series of different places are not mixed, only rows of {chosen} are read; put in those you want."
        ));
    }
    match expected {
        ExpectedRows { rows: Some(rows), is_exact: true } => {
            ja.push_str(&format!("結果は{rows}行です。"));
            en.push_str(&format!(" It makes {rows} row(s)."));
        }
        ExpectedRows { rows: Some(rows), is_exact: false } => {
            ja.push_str(&format!("結果は多くて{rows}行ほどです。"));
            en.push_str(&format!(" It makes about {rows} row(s) at most."));
        }
        ExpectedRows { rows: None, .. } => {}
    }
    Text::new(ja, en)
}

/// How a statement puts values together, in words.
fn ways(ways: &[&str]) -> (String, String) {
    if ways.is_empty() {
        return ("行数".to_owned(), "count".to_owned());
    }
    let in_japanese = ways.iter().map(|way| match *way {
        "sum" => "合計",
        "max" => "最大",
        "min" => "最小",
        _ => "平均",
    });
    (in_japanese.collect::<Vec<_>>().join("・"), ways.join(", "))
}
