//! What the rows under a heading are: data, or something that is left out.

use crate::rows::Row;

/// So many rows of nothing at the end are leavings of a spreadsheet; fewer may be rows without values.
pub(crate) const HOLLOW: usize = 3;

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Data,
    Blank,
    /// The heading again, as at the top of each printed page.
    Heading,
    /// A note or a source.
    Note,
    /// One cell of text, which is a note where no more data follows.
    Lone,
    /// Data that sums up other rows.
    Total,
}

/// The kind of a row of a table that is `width` columns wide and has these headings.
pub(crate) fn classify(row: &Row, width: usize, headings: &[Vec<String>]) -> Kind {
    let mut filled = row.cells().enumerate().filter(|(_, cell)| !cell.is_empty());
    let Some((first_column, first)) = filled.next() else { return Kind::Blank };
    // A note over merged cells stands in each of them.
    let spans = |cell: &str| cell == first && first.chars().count() > 5;
    let others = filled.filter(|(_, cell)| !spans(cell)).count();
    if others > 0 && is_heading(row, headings) {
        return Kind::Heading;
    }
    if is_note(first, others == 0) && others <= width / 3 {
        return Kind::Note;
    }
    if others == 0 && width > 2 && first_column == 0 {
        return Kind::Lone;
    }
    let second = row.get(first_column + 1);
    if is_total(first) || (first_column == 0 && others > 1 && is_total(second)) {
        return Kind::Total;
    }
    Kind::Data
}

fn is_heading(row: &Row, headings: &[Vec<String>]) -> bool {
    headings.iter().any(|heading| {
        let columns = heading.len().max(row.len());
        (0..columns).all(|c| heading.get(c).map_or("", String::as_str) == row.get(c))
    })
}

/// Whether a text begins as notes do. `alone` says that nothing else stands in its row.
fn is_note(text: &str, alone: bool) -> bool {
    if text.starts_with('※') || text.starts_with("（※") || text.starts_with("(※") {
        return true;
    }
    let bare = text.trim_start_matches(['(', '（', '[', '［', '【', '〔', '<', '＜', ' ', '　']);
    const WORDS: [&str; 15] = [
        "注記",
        "注意",
        "注釈",
        "注",
        "出典",
        "出所",
        "資料出所",
        "資料",
        "備考",
        "脚注",
        "凡例",
        "Notes",
        "Note",
        "Source",
        "Sources",
    ];
    let word = WORDS.iter().find(|word| bare.starts_with(**word));
    if let Some(word) = word {
        let next = bare[word.len()..].chars().next();
        let ends = next.is_none_or(|c| {
            c.is_whitespace()
                || c.is_ascii_digit()
                || matches!(c, '０'..='９' | '①'..='⑳')
                || "：:）)］]】〕＞>.．、・".contains(c)
        });
        return ends && (alone || next.is_some());
    }
    false
}

/// What may stand around the name of a sum.
const BRACKETS: [char; 10] = ['(', ')', '（', '）', '【', '】', '<', '>', '＜', '＞'];

/// Whether a text names a sum over other rows.
fn is_total(text: &str) -> bool {
    const WORDS: [&str; 14] = [
        "合計",
        "計",
        "総計",
        "小計",
        "総数",
        "総合計",
        "年計",
        "月計",
        "全体",
        "全道計",
        "管内計",
        "total",
        "sum",
        "subtotal",
    ];
    // Every row is asked this, and nearly none begins as these words do.
    let is_aside = |c: &char| c.is_whitespace() || BRACKETS.contains(c);
    let first = text.chars().find(|c| !is_aside(c));
    if !first.is_some_and(|c| "合計総小年月全管TtSs".contains(c)) {
        return false;
    }
    let letters = || text.chars().filter(|c| !c.is_whitespace());
    if letters().nth(8).is_some() {
        return false;
    }
    let bare: String = letters().collect();
    let bare = bare.trim_matches(BRACKETS).to_lowercase();
    WORDS.contains(&bare.as_str())
}

/// Whether a text that stands alone in its row reads like a note.
pub(crate) fn is_sentence(text: &str) -> bool {
    text.chars().count() > 20
        || text.contains(['。', '：', ':', '、'])
        || text.starts_with(['*', '＊'])
}

/// Whether the foot of a file has rows that are no plain data: notes, totals, or rows of nothing but
/// delimiters. `rows` are the last ones, the last first.
pub(crate) fn looks_like_foot(rows: &[Row], width: usize) -> bool {
    let is_hollow = |row: &Row| row.len() > 1 && row.is_blank();
    let hollow = rows.iter().take_while(|row| is_hollow(row)).count();
    hollow >= HOLLOW && hollow < rows.len()
        || rows.iter().any(|row| match classify(row, width, &[]) {
            Kind::Note | Kind::Total | Kind::Heading => true,
            Kind::Lone => row.len() < width,
            Kind::Data | Kind::Blank => false,
        })
}
