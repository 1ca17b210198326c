//! The same errors in Japanese. What the hub says itself is said anew; what comes from the engine stays in
//! English, within a sentence that tells what happened.

use super::QueryError;

/// What the hub says: parts in braces are taken over as they stand.
const SAID: [(&str, &str); 46] = [
    (
        "there is no column {} here; did you mean {}?",
        "列{0}はここにはありません。{1}のことでしょうか",
    ),
    (
        "there is no column {} here: what this FROM names does not give it; {}",
        "列{0}は、ここのFROMにあるものにはありません。副問い合わせで選ぶか、表の名前を前に付けてください",
    ),
    (
        "there is no column {} here: a text stands between single quotes, as {}",
        "列{0}はここにはありません。文字の値なら、{1}のように一重引用符で囲んでください",
    ),
    (
        "there is no column {} here: call now()",
        "列{0}はここにはありません。今の時刻は now() で得られます",
    ),
    (
        "{} can't be reckoned with; times are from {} to {}",
        "{0}は扱えません。時刻は{1}から{2}までです",
    ),
    ("there is no column {} here", "列{0}はここにはありません"),
    (
        "{} is neither in GROUP BY nor put together; {}, as in {}",
        "{0}は、GROUP BYにも集計関数の中にもありません。GROUP BYに加えるか、{2}のように、グループの行から何を取るかを書いてください",
    ),
    (
        "{} is in {} and {} in {}, so they can't be {}: they measure different things",
        "{0}の単位は{1}、{2}の単位は{3}で、量の種類が違うので、足したり比べたりできません",
    ),
    (
        "nothing says which unit {} has; {}",
        "{0}の単位がわかりません。convert(値, '今の単位', '求める単位') の形で書いてください",
    ),
    (
        "the text {} can't be read as {}; write {} as {}",
        "文字{0}を{1}として読めません。{3}のように書いてください",
    ),
    (
        "parameters has a value for {}, and the statement does not use it; {}",
        "parameters に{0}の値がありますが、文の中で使われていません。値を除くか、文の中に書いてください",
    ),
    (
        "the path {} can't be followed; {}",
        "パス{0}はたどれません。'$.a[0].b' や '$.\"a.b\"[-1]' のように、キーと番号を並べて書いてください",
    ),
    (
        "there is no dataset {}; did you mean {}?",
        "データセット{0}がないか、見る権限がありません。{1}のことでしょうか",
    ),
    ("there is no dataset {}", "データセット{0}がないか、見る権限がありません"),
    (
        "{} is not a dataset; write agency.dataset; did you mean {}?",
        "{0}はデータセットではありません。機関.データセットの形で書いてください。{1}のことでしょうか",
    ),
    (
        "{} is not a dataset; write agency.dataset",
        "{0}はデータセットではありません。機関.データセットの形で書いてください",
    ),
    (
        "{} is not a table; write agency.dataset",
        "{0}は表ではありません。機関.データセットの形で書いてください",
    ),
    (
        "there is no function {} that gives a table: {}",
        "表を返す関数{0}はありません。代わりの書き方：{1}",
    ),
    ("there is no function {} that gives a table", "表を返す関数{0}はありません"),
    ("there is no function {}; did you mean {}?", "関数{0}はありません。{1}のことでしょうか"),
    ("there is no function {} here: {}", "関数{0}はここにはありません。代わりの書き方：{1}"),
    ("there is no function {}", "関数{0}はありません。一覧は /v1/functions にあります"),
    ("{} looks at other rows; write {}", "{0}はほかの行を見る関数です。{1} と書いてください"),
    (
        "more than one table has the column {}; write the table's name in front, as in {}",
        "列{0}は2つ以上の表にあります。{1}のように、表の名前を前に付けてください",
    ),
    (
        "two columns are called {}; give one another name with AS",
        "{0}という列が2つあります。ASで片方に別の名前を付けてください",
    ),
    ("the SQL is empty; write a SELECT statement", "SQLが空です。SELECT文を書いてください"),
    (
        "the SQL can't be read: it ends where {} was expected",
        "SQLを読めません。{0}が要るところで終わっています",
    ),
    (
        "the SQL can't be read: {} was expected, and here is {}",
        "SQLを読めません。{0}が要るところに{1}があります",
    ),
    ("the SQL can't be read: {}", "SQLを読めません：{0}"),
    (
        "one statement at a time is allowed; send the others separately",
        "一度に送れるのは1文です。ほかは別に送ってください",
    ),
    (
        "{} is not allowed: SQL only reads here, by SELECT, WITH, VALUES or EXPLAIN. Data comes in through uploads",
        "{0}は使えません。SQLでできるのは読むこと（SELECT、WITH、VALUES、EXPLAIN）だけです。データはアップロードで入れます",
    ),
    (
        "EXPLAIN ANALYZE is not offered; use EXPLAIN, or run the query",
        "EXPLAIN ANALYZEはありません。EXPLAINを使うか、問い合わせを実行してください",
    ),
    (
        "{} is not offered; read information_schema.tables and information_schema.columns instead",
        "{0}はありません。information_schema.tables と information_schema.columns を読んでください",
    ),
    ("this is not offered: {}", "これは使えません：{0}"),
    (
        "the SQL is nested too deep; split it into WITH clauses",
        "SQLの入れ子が深すぎます。WITHに分けてください",
    ),
    (
        "the statement uses {}, and parameters has no value for it",
        "文に{0}がありますが、parameters にその値がありません",
    ),
    (
        "a number was divided by zero; use NULLIF(divisor, 0)",
        "0で割りました。NULLIF(割る数, 0) を使ってください",
    ),
    ("a number grew too large for its type: {}", "数がその型に収まらないほど大きくなりました：{0}"),
    ("the text {} can't be read as {}", "文字{0}を{1}として読めません"),
    (
        "{} can't be computed; CAST one of the two",
        "{0}は計算できません。どちらかをCASTしてください",
    ),
    (
        "{} can't be compared; CAST one of the two",
        "{0}は比べられません。どちらかをCASTしてください",
    ),
    (
        "good_share({}) can't tell the rows that the outer join makes up; select the dataset's {} in the subquery, too, under a name of its own",
        "good_share({0})は、外部結合が作った行を見分けられません。副問い合わせでデータセットの{1}も別の名前で選んでください",
    ),
    (
        "good_share({}) can't tell the rows that the outer join makes up; ask for it in a subquery that reads the dataset alone",
        "good_share({0})は、外部結合が作った行を見分けられません。データセットだけを読む副問い合わせの中で求めてください",
    ),
    ("the regular expression can't be read: {}", "正規表現を読めません：{0}"),
    (
        "{} is in {} and {} in {}, so they can't be {} as they are; convert one first, as in {}",
        "{0}の単位は{1}、{2}の単位は{3}で、このままでは足したり比べたりできません。{5}のように、先に片方を換算してください",
    ),
    (
        "parameter {} is a list or an object; {}",
        "パラメーター{0}が配列かオブジェクトです。文字、数、true、false、nullを渡し、配列の代わりには IN ($1, $2) のように1つずつ渡してください",
    ),
];

/// What the hub says of requests without SQL, likewise.
const ASKED: [(&str, &str); 21] = [
    ("there is no column {}; did you mean {}?", "列{0}はありません。{1}のことでしょうか"),
    ("there is no column {}", "列{0}はありません"),
    (
        "{}: {} is not a whole number, such as 12",
        "{0}：{1}は整数ではありません。12 のように書いてください",
    ),
    (
        "{}: {} is not a number, such as 2.5",
        "{0}：{1}は数ではありません。2.5 のように書いてください",
    ),
    (
        "{}: {} is not a year, such as 2024",
        "{0}：{1}は年ではありません。2024 のように書いてください",
    ),
    ("{}: {} is not true or false", "{0}：{1}は使えません。true か false と書いてください"),
    (
        "{}: {} is not a day, such as 2024-04-01",
        "{0}：{1}は日付ではありません。2024-04-01 のように書いてください",
    ),
    (
        "{}: {} is not a month, such as 2024-04",
        "{0}：{1}は月ではありません。2024-04 のように書いてください",
    ),
    (
        "{}: {} is not a time, such as {}",
        "{0}：{1}は時刻ではありません。{2} のように書いてください",
    ),
    (
        "{}: patterns are for text, and this is of type {}",
        "{0}：like は文字の列に使えます。この列の型は{1}です",
    ),
    ("{}: give from {} to {} values", "{0}：値を{1}から{2}個まで指定してください"),
    ("{}: give one value", "{0}：値を1つ指定してください"),
    ("{}: this condition takes no value", "{0}：この条件に値は要りません"),
    ("select names no column", "select に列がありません"),
    ("select names {} twice", "select に列{0}が2回あります"),
    (
        "the cursor is not one that an answer gave; start from the beginning",
        "cursor には、前のページの next_cursor の値をそのまま指定してください。分からなければ最初のページから読んでください",
    ),
    (
        "the cursor is not one that an answer gave",
        "cursor には、前のページの next_cursor の値をそのまま指定してください",
    ),
    (
        "the cursor belongs to another order or other filters; keep them while paging",
        "cursor は別の並べ方や絞り込みのものです。ページを進めるあいだは変えないでください",
    ),
    (
        "the cursor belongs to another version of the dataset",
        "cursor はデータセットの別の版のものです。最初のページから読んでください",
    ),
    (
        "the dataset has no column with the role time, so no row is the latest",
        "データセットに役割が time の列がないので、最新の行はありません",
    ),
    (
        "give both from and to, or none of them",
        "from と to は、両方を指定するか、どちらも省いてください",
    ),
];

impl QueryError {
    /// What happened and what to do, in Japanese; none for what is the hub's own fault.
    pub fn ja(&self) -> Option<String> {
        Some(match self {
            Self::InvalidSql { message, .. } => told(message, "SQLを理解できません"),
            Self::InvalidRequest { message, .. } => {
                let said = ASKED.iter().find_map(|said| in_japanese(message, said));
                said.unwrap_or_else(|| told(message, "リクエストの値が正しくありません"))
            }
            Self::NotAllowed { message, .. } => told(message, "そのSQLは使えません"),
            Self::TooComplex { message } => told(message, "SQLがこのハブの上限を超えています"),
            Self::Execution { message } => told(message, "値のために問い合わせが止まりました"),
            Self::MemoryLimit { limit_bytes } => format!(
                "問い合わせに、使える{}MBより多くのメモリーが要ります。早く絞り込む、列を減らす、結合する行を減らすなどしてください",
                limit_bytes / 1_000_000
            ),
            Self::SpillLimit { limit_bytes } => format!(
                "途中の結果に、使える{}MBより多くのディスクが要ります。早く絞り込むか、並べ替えや集計の行を減らしてください",
                limit_bytes / 1_000_000
            ),
            Self::TimeLimit { limit_ms } => format!(
                "問い合わせが上限の{}秒を超えました。期間を狭めるか、もっと集計してください",
                limit_ms / 1_000
            ),
            Self::ReaderStalled { limit_ms } => format!(
                "答えが{}秒のあいだ読まれなかったので、問い合わせを止めました",
                limit_ms / 1_000
            ),
            Self::OutputLimit { limit, .. } => {
                format!("答えが上限（{limit}）より大きいです。条件かLIMITを付けてください")
            }
            Self::Busy { running } => format!(
                "すでに{running}件の問い合わせが動いています。少し待ってから、もう一度送ってください"
            ),
            Self::Storage(_) | Self::Internal(_) => return None,
        })
    }
}

/// A message in Japanese, or as it is behind what happened.
fn told(message: &str, happened: &str) -> String {
    let said = SAID.iter().find_map(|said| in_japanese(message, said));
    said.unwrap_or_else(|| format!("{happened}。英語の説明：{message}"))
}

/// A message in Japanese, where it has this English form.
fn in_japanese(message: &str, (english, japanese): &(&str, &str)) -> Option<String> {
    let mut told = (*japanese).to_owned();
    for (place, part) in parts(english, message)?.into_iter().enumerate() {
        told = told.replace(&format!("{{{place}}}"), part);
    }
    Some(told)
}

/// What stands in the message where the form has braces; none where it is of another form.
fn parts<'a>(form: &str, message: &'a str) -> Option<Vec<&'a str>> {
    let mut fixed = form.split("{}");
    let mut rest = message.strip_prefix(fixed.next()?)?;
    let mut parts = Vec::new();
    let mut fixed = fixed.peekable();
    while let Some(next) = fixed.next() {
        let part = match (next, fixed.peek()) {
            ("", None) => std::mem::take(&mut rest),
            (next, None) => std::mem::take(&mut rest).strip_suffix(next)?,
            (next, Some(_)) => {
                let (part, behind) = rest.split_once(next)?;
                rest = behind;
                part
            }
        };
        parts.push(part);
    }
    (rest.is_empty() && parts.iter().all(|part| !part.is_empty())).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_hub_says_is_said_in_japanese() {
        let invalid = |message: &str| QueryError::invalid(message, None).ja().unwrap();
        assert_eq!(
            invalid("there is no column \"levle\" here; did you mean \"level\"?"),
            "列\"levle\"はここにはありません。\"level\"のことでしょうか"
        );
        assert_eq!(invalid("there is no column \"x\" here"), "列\"x\"はここにはありません");
        assert_eq!(
            invalid("the SQL can't be read: an expression was expected, and here is )"),
            "SQLを読めません。an expressionが要るところに)があります"
        );
        assert_eq!(
            invalid(
                "level is in m and snow in cm, so they can't be added as they are; convert one first, as \
                 in convert(snow, 'cm', 'm')"
            ),
            "levelの単位はm、snowの単位はcmで、このままでは足したり比べたりできません。convert(snow, 'cm', 'm')のように、先に片方を換算してください"
        );
        let asked = |message: &str| QueryError::request(message).ja().unwrap();
        assert_eq!(
            asked("there is no column \"levle\"; did you mean \"level\"?"),
            "列\"levle\"はありません。\"level\"のことでしょうか"
        );
        assert_eq!(
            asked("time: \"noon\" is not a time, such as 2024-04-01T09:00:00+09:00"),
            "time：\"noon\"は時刻ではありません。2024-04-01T09:00:00+09:00 のように書いてください"
        );
        assert_eq!(asked("it is odd"), "リクエストの値が正しくありません。英語の説明：it is odd");
        // What the engine says stays as it is.
        assert_eq!(
            QueryError::Execution { message: "it is odd".to_owned() }.ja().unwrap(),
            "値のために問い合わせが止まりました。英語の説明：it is odd"
        );
        let stopped = QueryError::TimeLimit { limit_ms: 60_000 }.ja().unwrap();
        assert!(stopped.contains("60秒"), "{stopped}");
        assert_eq!(QueryError::internal("a fault").ja(), None);
    }
}
