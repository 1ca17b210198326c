//! What people are told who write what is not read, or mean what is not there.

use hub_model::ErrorKind;

use super::support::{APRIL, Bench, RIVER, river, small};
use crate::QueryError;

async fn bench() -> Bench {
    let mut bench = Bench::new(small());
    bench.add("otaru.river", RIVER, &[river(&["余市"], APRIL, 4)]).await;
    bench
}

#[tokio::test]
async fn an_error_says_what_to_write() {
    let bench = bench().await;
    let mut wrong = Vec::new();
    for (sql, said) in [
        (
            "SELECT station, level FROM otaru.river GROUP BY station",
            "\"level\" is neither in GROUP BY nor put together; add it to GROUP BY, or say what is taken of the \
             rows of a group, as in max(level)",
        ),
        ("SELECT 流量, count(*) FROM otaru.river", "as in max(流量)"),
        ("SELECT station FROM otaru.river GROUP BY 1 HAVING level > 3", "as in max(level)"),
        ("SELECT station FROM otaru.river GROUP BY 1 ORDER BY level", "as in max(level)"),
        ("SELECT 7 // 2", "a / b of whole numbers"),
        ("SELECT\n 2 ** 3", "a ^ b"),
        ("SELECT {'a': 1}", "named_struct('a', 1)"),
        ("SELECT level FROM otaru.river WHERE station = ?", "$1, $2"),
        ("SELECT level FROM otaru.river WHERE station = :station", "$1, $2"),
        ("SELECT '{}' #>> '{a,b}'", "x -> 'a' ->> 'b'"),
        ("SELECT INTERVAL '1 hour' / INTERVAL '1 minute'", "date_part('epoch', a)"),
        ("SELECT TOP 5 level FROM otaru.river", "LIMIT 5"),
        ("SELECT group_concat(station) FROM otaru.river", "string_agg("),
        ("SELECT localtimestamp", "now()"),
        ("SELECT ST_MakePoint(1, 2)", "ST_Point(longitude, latitude)"),
        ("SELECT ST_Transform(ST_Point(1, 2), 6668)", "leave it out"),
        ("SELECT ST_Extent(ST_Point(1, 2))", "min(ST_XMin(g))"),
        ("SELECT row_to_json(r) FROM otaru.river r", "answer in JSON"),
        ("SELECT * FROM read_csv('a.csv')", "upload the file"),
        ("SELECT level FROM otaru.river WHERE station = \"余市\"", "as '余市'"),
        ("SELECT TIMESTAMP '9999-12-31'", "from 1677-09-22 to 2262-04-11"),
        (
            "SELECT level FROM otaru.river WHERE time::date = '2024-04'",
            "write a day as '2026-04-01'",
        ),
        (
            "SELECT * FROM generate_series(1, 2) g(x), LATERAL (SELECT g.x * 2 AS y)",
            "computed of the outer row alone stand in a subquery",
        ),
        ("SELECT period_start(TIMESTAMP '2026-04-02')", "an interval of '2026-04-02' is"),
        (
            "SELECT convert(lag(level) OVER (ORDER BY time), 'mm', 'cm') FROM otaru.river",
            "OVER (…) is in m",
        ),
    ] {
        let error = bench.error(sql).await;
        let told = error.to_string();
        let internal = ["Utf8", "Int64", "NULLS LAST", "wildcard"];
        let kinds = [ErrorKind::SqlInvalid, ErrorKind::SqlNotAllowed, ErrorKind::SqlExecution];
        if !told.contains(said)
            || internal.iter().any(|word| told.contains(word))
            || !kinds.contains(&error.kind())
        {
            wrong.push(format!("{sql}\n  {error:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn an_error_names_a_place_only_where_there_is_one() {
    let bench = bench().await;
    let error = bench.error("SELECT station,\n  level FROM otaru.river GROUP BY station").await;
    let QueryError::InvalidSql { position: Some(place), .. } = error else { panic!("{error:?}") };
    assert_eq!((place.line, place.column), (2, 3));
    let error = bench.error("SELECT * FROM '/etc/passwd'").await;
    assert!(matches!(error, QueryError::InvalidSql { position: None, .. }), "{error:?}");
}

#[tokio::test]
async fn the_commonest_errors_are_told_in_japanese() {
    let bench = bench().await;
    for (sql, said) in [
        (
            "SELECT station, level FROM otaru.river GROUP BY station",
            "\"level\"は、GROUP BYにも集計関数の中にもありません。GROUP BYに加えるか、max(level)のように、グループの行から何を取るかを書いてください",
        ),
        (
            "SELECT level + 流量 FROM otaru.river",
            "levelの単位はm、流量の単位はm3/sで、量の種類が違うので、足したり比べたりできません",
        ),
        (
            "SELECT convert(samples, 'm') FROM otaru.river",
            "samplesの単位がわかりません。convert(値, '今の単位', '求める単位') の形で書いてください",
        ),
        (
            "SELECT 1 FROM otaru.river WHERE time::date = '2024-04'",
            "文字'2024-04'をdateとして読めません。'2026-04-01'のように書いてください",
        ),
        (
            "SELECT * FROM read_csv('a.csv')",
            "表を返す関数\"read_csv\"はありません。代わりの書き方：only datasets are read here; upload the file to one first",
        ),
        (
            "SELECT 1 FROM otaru.river WHERE station = \"余市\"",
            "列\"余市\"はここにはありません。文字の値なら、'余市'のように一重引用符で囲んでください",
        ),
        (
            "SELECT '{}' ->> '$..a'",
            "パス'$..a'はたどれません。'$.a[0].b' や '$.\"a.b\"[-1]' のように、キーと番号を並べて書いてください",
        ),
    ] {
        assert_eq!(bench.error(sql).await.ja().as_deref(), Some(said), "{sql}");
    }
}
