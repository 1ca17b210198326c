//! What was changed of a file's cells so that they could be read: by kind, with counts and examples.

use serde::{Deserialize, Serialize};

use crate::Text;

/// A kind of change. Each keeps what the cell meant; the original file is kept beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Full-width letters and digits became ordinary ones (NFKC).
    FullWidth,
    /// Commas between thousands were taken out.
    Thousands,
    /// `▲`, `△` or another minus sign became `-`.
    MinusSign,
    /// A unit after a number was taken out.
    UnitInCell,
    /// Another way of writing a date or a time became the usual one.
    TimeForm,
    /// A year of an era became a year of the common era.
    JapaneseEra,
    /// A month of a fiscal year found its calendar year.
    FiscalYear,
    /// 24 o'clock became the next day's beginning.
    Hour24,
    /// A date and a time in columns of their own became one.
    TimeJoined,
    /// A mark that means "no value" became one that is missing.
    MissingMark,
    /// A publisher's mark became a quality.
    QualityMark,
    /// A code was brought to its usual form.
    Code,
    /// The name of a place became its code.
    PlaceName,
    /// A merged cell's value was given to each of its cells.
    MergedCell,
    /// A title, a note or a blank row was left out.
    LeftOut,
    /// Columns became rows.
    Reshaped,
}

impl ChangeKind {
    /// What the change is, for people.
    pub fn message(self) -> Text {
        let (ja, en) = match self {
            Self::FullWidth => {
                ("全角の文字を半角にしました", "full-width characters became ordinary ones")
            }
            Self::Thousands => {
                ("桁区切りのコンマを除きました", "commas between thousands were taken out")
            }
            Self::MinusSign => {
                ("▲や△などをマイナスと読みました", "▲, △ and the like were read as minus")
            }
            Self::UnitInCell => {
                ("数値の後の単位を除きました", "units after numbers were taken out")
            }
            Self::TimeForm => {
                ("日付や時刻の書き方をそろえました", "dates and times were brought to one form")
            }
            Self::JapaneseEra => {
                ("和暦を西暦にしました", "years of eras became years of the common era")
            }
            Self::FiscalYear => {
                ("年度の月を暦の年月にしました", "months of a fiscal year became calendar months")
            }
            Self::Hour24 => {
                ("24時を翌日の0時としました", "24 o'clock became the next day's 0 o'clock")
            }
            Self::TimeJoined => (
                "分かれている年月日と時刻を合わせました",
                "dates and times in columns of their own were joined",
            ),
            Self::MissingMark => (
                "欠測などの記号を「値なし」としました",
                "marks that mean no value were read as missing",
            ),
            Self::QualityMark => {
                ("記号や品質番号を品質の列にしました", "publisher's marks became qualities")
            }
            Self::Code => {
                ("コードを決まった桁にそろえました", "codes were brought to their usual form")
            }
            Self::PlaceName => ("地名をコードにしました", "names of places became codes"),
            Self::MergedCell => (
                "結合されたセルの値を、それぞれのセルに入れました",
                "merged cells' values were given to each of their cells",
            ),
            Self::LeftOut => {
                ("表題・注記・空行を読み飛ばしました", "titles, notes and blank rows were left out")
            }
            Self::Reshaped => ("横に並んだ列を縦の行にしました", "columns were turned into rows"),
        };
        Text::new(ja, en)
    }
}

/// One cell that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeExample {
    /// The row as a person counts it in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// The column, as the file names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The cell as a spreadsheet names it, where the file's own cell is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<String>,
    /// What stands in the file.
    pub before: String,
    /// What was read.
    pub after: String,
}

/// All changes of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The kind.
    pub kind: ChangeKind,
    /// What it is, for people.
    pub message: Text,
    /// How many cells, or rows where rows are meant.
    pub count: u64,
    /// The first few.
    pub examples: Vec<ChangeExample>,
}
