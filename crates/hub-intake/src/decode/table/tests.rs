//! The fast way with titles and feet, held to the way that looks at every row.

use proptest::prelude::*;

use super::*;
use crate::{FormatHint, changes::Changes, conform::tests::file_of, decode::Block, recognise};

/// What a decoder gives: rows and broken rows as text, and how many rows it left out.
fn all(mut decoder: Box<dyn Decode>, batch_rows: usize) -> (Vec<String>, Vec<String>) {
    let mut found = Vec::new();
    while let Some(Block::Text(block)) = decoder.next_block().unwrap() {
        assert!(block.rows() + block.broken.len() <= batch_rows);
        for row in 0..block.rows() {
            let cells: Vec<_> =
                (0..block.width).map(|c| String::from_utf8_lossy(block.cell(row, c))).collect();
            found.push((block.lines[row], cells.join("|")));
        }
        found
            .extend(block.broken.iter().map(|broken| (broken.line, format!("{:?}", broken.fault))));
    }
    found.sort();
    let warnings = decoder.warnings().into_iter().map(|warning| warning.message.ja);
    let rows = found.into_iter().map(|(line, row)| format!("{line}: {row}")).collect();
    (rows, warnings.chain(left_out(decoder.changes())).collect())
}

/// The rows that were left out and have something in them.
fn left_out(changes: Changes) -> Vec<String> {
    let examples = changes.finish().into_iter().flat_map(|change| change.examples);
    examples.map(|example| example.before).collect()
}

/// The file read in both ways, where it may be read in the fast one.
fn both(text: &str, batch_rows: usize) -> Option<[(Vec<String>, Vec<String>); 2]> {
    let hint = FormatHint { file_name: Some("data.csv".to_owned()), ..FormatHint::default() };
    let recognised = recognise(file_of(text.as_bytes()), &hint).unwrap();
    let options = IntakeOptions { batch_rows, ..IntakeOptions::default() };
    let mut rows = Ahead::new(recognised.rows().unwrap());
    let head = rows.peek(table::LOOKED_AT).unwrap();
    let found = || table::find(head, None).unwrap();
    if !is_even_below(head, &found()) || !has_one_width(head, &found()) {
        return None;
    }
    let rows = || Ahead::new(recognised.rows().unwrap());
    let fast = FootedDecoder::new(&recognised, rows(), found(), &options).unwrap();
    let fast = all(Box::new(fast), batch_rows);
    let slow = TableDecoder::new(&recognised, rows(), found(), &options).unwrap();
    // Rows that were held back may follow all at once.
    Some([fast, all(Box::new(slow), usize::MAX)])
}

#[test]
fn titles_and_feet_are_found_on_both_ways() {
    let rows: String = (0..300).map(|row| format!("{row},余市,{}.5,\"a\nb\"\n", row % 7)).collect();
    for (above, below, left_out) in [
        ("", "※速報値\n", 1),
        ("", "注）速報値,,,\n出典：町,,,\n", 2),
        ("", "\n\n速報値です。\n", 1),
        ("令和6年度　水位,,,\n,,,\n", "", 1),
        ("水位の記録\n\n", "計,,900,\n\n※速報値,,,\n", 2),
        ("", ",,,\n,,,\n,,,\n", 0),
    ] {
        let text = format!("{above}番号,地点,水位,備考\n{rows}{below}");
        for batch_rows in [7, 100, 100_000] {
            let [fast, slow] = both(&text, batch_rows).unwrap();
            assert_eq!(fast, slow, "{above:?} {below:?}");
            let told = fast.1.iter().filter(|told| !told.contains("合計と見られる")).count();
            assert_eq!(told, left_out, "{above:?} {below:?}: {:?}", fast.1);
            assert!((300..=301).contains(&fast.0.len()), "{above:?} {below:?}");
        }
    }
}

#[test]
fn a_note_or_a_heading_among_the_rows_is_left_out_on_both_ways() {
    let rows: String = (0..300).map(|row| format!("{row},余市,1.5,x\n")).collect();
    let text = format!(
        "番号,地点,水位,備考\n{rows}※ここから速報値,,,\n番号,地点,水位,備考\n{rows}注：以上\n"
    );
    let [fast, slow] = both(&text, 100).unwrap();
    assert_eq!(fast, slow);
    assert_eq!((fast.0.len(), fast.1.len()), (600, 3));
}

proptest! {
    #[test]
    fn both_ways_give_the_same(
        titles in proptest::collection::vec("(水位の記録|\n|令和6年度,,)", 0..3),
        rows in proptest::collection::vec("[0-9]{1,3},(余市|\"a\nb\"),[0-9]", 2..120),
        foot in proptest::collection::vec("(※速報|注：a,,|計,,[0-9]|出典：町||,,|余市|[0-9],x,[0-9])", 0..6),
        batch_rows in 1usize..50,
    ) {
        let text = format!("{}\n番号,地点,水位\n{}\n{}\n", titles.join("\n"), rows.join("\n"), foot.join("\n"));
        if let Some([fast, slow]) = both(&text, batch_rows) {
            prop_assert_eq!(fast, slow);
        }
    }
}
