//! SQL as users of PostgreSQL and DuckDB write it: what is answered, and what gets an error that shows
//! another way.

use hub_model::ErrorKind;

use crate::{
    QueryError,
    tests::support::{APRIL, Bench, RIVER, river, small},
};

/// Two stations' first two days of April 2024, and a few texts that hold JSON.
async fn bench() -> Bench {
    let mut bench = Bench::new(small());
    bench.add("otaru.river", RIVER, &[river(&["余市", "朝里"], APRIL, 48)]).await;
    bench
}

/// The rows of an answer, their values parted by commas.
async fn rows(bench: &Bench, sql: &str) -> Vec<String> {
    let shown = bench.show(sql).await;
    let body = shown.lines().skip(3).filter(|line| line.starts_with('|'));
    body.map(|line| {
        let cells = line.trim_matches('|').split('|').map(str::trim);
        cells.collect::<Vec<_>>().join(",")
    })
    .collect()
}

async fn check(statements: &[(&str, &[&str])]) {
    let bench = bench().await;
    let mut wrong = Vec::new();
    for (sql, wanted) in statements {
        match bench.batches(sql).await.err() {
            Some(error) => wrong.push(format!("{sql}\n  {error:?}")),
            None => {
                let found = rows(&bench, sql).await;
                if found != *wanted {
                    wrong.push(format!("{sql}\n  {found:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), statements.len(), wrong.join("\n"));
}

#[tokio::test]
async fn intervals_are_multiplied_and_divided() {
    check(&[
        ("SELECT 2 * INTERVAL '90 minutes' = INTERVAL '3 hours'", &["true"]),
        ("SELECT INTERVAL '25 hours' > INTERVAL '1 day', INTERVAL '24 hours' = INTERVAL '1 day'", &["true,true"]),
        ("SELECT INTERVAL '1 month' > INTERVAL '29 days', INTERVAL '1 month' <= INTERVAL '1 month'", &["true,true"]),
        ("SELECT INTERVAL '36 hours' BETWEEN INTERVAL '1 day' AND '2 days'", &["true"]),
        ("SELECT max(time) - min(time) > INTERVAL '1 day', max(time) - min(time) >= INTERVAL '2 days' FROM otaru.river", &["true,false"]),
        (
            "SELECT count(*) FROM otaru.river WHERE time - TIMESTAMPTZ '2024-04-01 00:00:00' IN (INTERVAL '1 day', INTERVAL '25 hours', NULL)",
            &["4"],
        ),
        (
            "SELECT count(*) FROM otaru.river a JOIN otaru.river b USING (station) WHERE b.time - a.time > INTERVAL '1 day 22 hours'",
            &["2"],
        ),
        ("SELECT count(*) FROM otaru.river WHERE time - TIMESTAMPTZ '2024-04-01 00:00:00' > INTERVAL '1 day'", &["46"]),
        ("SELECT count(*) FROM otaru.river WHERE time::date - DATE '2024-04-01' > 0 AND DATE '2024-04-05' - time::date BETWEEN 1 AND 3", &["48"]),
        ("SELECT max(time) - min(time) BETWEEN '1 hour' AND '2 days' FROM otaru.river", &["true"]),
        ("SELECT DATE '2024-03-01' - DATE '2024-02-01', max(time::date) - min(time::date) FROM otaru.river", &["29,1"]),
        ("SELECT max(time) - min(time) > INTERVAL '10000 years' FROM otaru.river", &["false"]),
        ("SELECT INTERVAL '1 day' * 3 = INTERVAL '3 days'", &["true"]),
        ("SELECT INTERVAL '1 day' * 0.5 = INTERVAL '12 hours'", &["true"]),
        ("SELECT INTERVAL '3 hours' / 2 = INTERVAL '90 minutes'", &["true"]),
        ("SELECT 3 * INTERVAL '1 month' = INTERVAL '3 months'", &["true"]),
        ("SELECT INTERVAL '1 year' / 4 = INTERVAL '3 months'", &["true"]),
        ("SELECT TIMESTAMP '2024-04-01' + 2 * INTERVAL '1 day'", &["2024-04-03T00:00:00"]),
        (
            "SELECT max(time - (samples % 3) * INTERVAL '1 hour') FROM otaru.river",
            &["2024-04-02T21:00:00+09:00"],
        ),
        (
            "SELECT h.h, count(*) FROM otaru.river a CROSS JOIN generate_series(0, 2) AS h(h) \
             JOIN otaru.river b ON b.station = a.station AND b.time = a.time + h.h * INTERVAL '1 hour' \
             GROUP BY h.h ORDER BY h.h",
            &["0,96", "1,94", "2,92"],
        ),
        ("SELECT NULL * INTERVAL '1 hour' IS NULL", &["true"]),
    ])
    .await;
    let bench = bench().await;
    for (sql, said) in [
        ("SELECT INTERVAL '1 month' * 0.5", "part of a month"),
        ("SELECT INTERVAL '1 month' / 2", "part of a month"),
        ("SELECT INTERVAL '1 hour' / (samples - samples) FROM otaru.river", "NULLIF"),
        ("SELECT INTERVAL '1 month' * 9223372036854775807", "longer than"),
    ] {
        let error = bench.error(sql).await;
        assert_eq!(error.kind(), ErrorKind::SqlExecution, "{sql}: {error:?}");
        assert!(error.to_string().contains(said), "{sql}: {error}");
    }
}

#[tokio::test]
async fn tables_are_pivoted_and_unpivoted() {
    check(&[
        (
            "SELECT * FROM (SELECT station, date_part('day', time) AS day, level FROM otaru.river) \
             PIVOT (max(level) FOR day IN (1 AS first, 2 AS second)) ORDER BY station",
            &["余市,23.0,47.0", "朝里,1023.0,1047.0"],
        ),
        (
            "SELECT * FROM (SELECT station FROM otaru.river) \
             PIVOT (count(*) FOR station IN ('余市', '朝里', '古平')) AS p",
            &["48,48,0"],
        ),
        (
            "SELECT p.\"余市_lo\", p.\"余市_hi\" FROM (SELECT station, level FROM otaru.river) \
             PIVOT (min(level) AS lo, max(level) AS hi FOR station IN ('余市')) AS p",
            &["0.0,47.0"],
        ),
        (
            "SELECT name, value FROM (SELECT level, discharge FROM otaru.river WHERE station = '余市' \
             AND samples BETWEEN 2 AND 3) UNPIVOT (value FOR name IN (level, discharge AS 'out')) \
             ORDER BY value",
            &["level,2.0", "level,3.0", "out,4.0"],
        ),
        (
            "SELECT count(*), count(v) FROM (SELECT level, discharge FROM otaru.river) \
             UNPIVOT INCLUDE NULLS (v FOR n IN (level, discharge))",
            &["192,178"],
        ),
    ])
    .await;
    let bench = bench().await;
    for (sql, said) in [
        ("PIVOT otaru.river ON station USING max(level)", "behind a table"),
        ("UNPIVOT otaru.river ON level INTO NAME n VALUE v", "behind a table"),
        ("SELECT * FROM otaru.river PIVOT (max(level) FOR station IN (ANY))", "list of values"),
        ("SELECT * FROM otaru.river PIVOT (level FOR station IN ('a'))", "PIVOT takes aggregates"),
        (
            "SELECT * FROM otaru.river PIVOT (max(level), level + 1 FOR station IN ('a'))",
            "aggregates",
        ),
        ("SELECT * FROM otaru.river PIVOT (abs(level) FOR station IN ('a'))", "aggregates"),
        ("SELECT * FROM otaru.river UNPIVOT (v FOR n IN (level + 1))", ""),
    ] {
        let error = bench.error(sql).await;
        assert!(error.to_string().contains(said), "{sql}: {error}");
    }
}

#[tokio::test]
async fn texts_that_hold_json_are_looked_into() {
    check(&[
        (r#"SELECT '{"a": {"b": [1, 2.5, "x"]}}' -> 'a' -> 'b' ->> 2"#, &["x"]),
        (r#"SELECT '{"a": {"b": 1}}' -> 'a'"#, &[r#"{"b":1}"#]),
        (r#"SELECT ('{"level": "2.5"}' ->> 'level')::double + 1"#, &["3.5"]),
        (r#"SELECT ('{"level": 2.5}'::json ->> 'level')::double + 1"#, &["3.5"]),
        (r#"SELECT json_extract_string('{"a": [{"b": "x"}]}', '$.a[0].b')"#, &["x"]),
        (r#"SELECT json_get_int('{"a": 7}', 'a') + 1, json_get_float('[1.5]', 0)"#, &["8,1.5"]),
        (r#"SELECT json_get_bool('{"ok": true}', 'ok'), json_length('[1,2,3]')"#, &["true,3"]),
        (
            r#"SELECT json_type('{"a": null}', 'a'), json_valid('{'), json_valid('1')"#,
            &["null,false,true"],
        ),
        (
            r#"SELECT '[1,2,3]' -> -1, '[1]' -> 5, 'no json' ->> 'a', '{"a": null}' ->> 'a'"#,
            &["3,,,"],
        ),
        (
            "SELECT sum(json_get_int(t, 'n')) FROM (SELECT '{\"n\": ' || samples::text || '}' AS t \
             FROM otaru.river WHERE samples < 4)",
            &["6"],
        ),
    ])
    .await;
}

#[tokio::test]
async fn paths_into_json_are_followed_or_refused() {
    check(&[
        (
            r#"SELECT json_extract('{"a": {"b.c": [1, 2]}}', '$.a."b.c"[-1]'), '[1]' -> '$'"#,
            &["2,[1]"],
        ),
        (r#"SELECT '{"$a": 1}' -> '$a', '{"/a": 2}' ->> '/a', '{}' -> '$.a'"#, &["1,2,"]),
        ("SELECT count('{}' -> ('$.' || station)) FROM otaru.river", &["0"]),
    ])
    .await;
    let bench = bench().await;
    for path in ["$.a.b[*]", "$..b", "$.", "$.a[b]", "$.a.*", "$[0", "$.\"a", "$.a[0]b"] {
        for sql in [
            format!("SELECT '{{\"a\": 1}}' -> '{path}'"),
            format!("SELECT json_extract_string(station, '{path}') FROM otaru.river"),
        ] {
            let error = bench.error(&sql).await;
            assert_eq!(error.kind(), ErrorKind::SqlExecution, "{sql}: {error:?}");
            assert!(error.to_string().contains("can't be followed"), "{sql}: {error}");
        }
    }
    let error = bench.error("SELECT json_extract('{}', '/a/b/0')").await;
    assert!(error.to_string().contains("'$.a.b[0]'"), "{error}");
}

#[tokio::test]
async fn statements_of_other_databases_are_answered() {
    check(&[
        ("FROM otaru.river SELECT count(*)", &["96"]),
        ("SELECT count(*) FROM (FROM otaru.river)", &["96"]),
        ("FROM otaru.river WHERE samples < 1", &["余市,2024-04-01T00:00:00+09:00,0.0,0.0,0"]),
        ("SELECT station, max(level) FROM otaru.river GROUP BY ALL ORDER BY ALL", &["余市,47.0", "朝里,1047.0"]),
        ("SELECT * EXCLUDE (流量, samples) FROM otaru.river WHERE samples = 1", &["余市,2024-04-01T01:00:00+09:00,1.0"]),
        ("SELECT * EXCEPT (流量, samples, 時刻) FROM otaru.river WHERE samples = 1", &["余市,1.0"]),
        ("SELECT * EXCEPT (流量, samples, time) FROM otaru.river WHERE samples = 1", &["余市,1.0"]),
        ("SELECT * EXCEPT (r.流量, samples, r.time) FROM otaru.river r WHERE samples = 1", &["余市,1.0"]),
        (
            "SELECT * EXCLUDE (a.time, b.time, a.流量, b.discharge, b.level) FROM otaru.river a \
             JOIN otaru.river b USING (station, samples) WHERE samples = 1",
            &["余市,1.0,1"],
        ),
        ("SELECT * EXCLUDE (station, a.time, b.discharge, b.level, a.discharge, b.time, b.samples) FROM otaru.river a JOIN otaru.river b USING (station) WHERE a.samples = 1 AND b.samples = 1", &["1.0,1"]),
        ("SELECT * REPLACE (level * 100 AS level) FROM (SELECT station, level FROM otaru.river) LIMIT 1", &["余市,0.0"]),
        ("SELECT station, level, FROM otaru.river WHERE samples = 1", &["余市,1.0"]),
        ("SELECT count(*) FROM otaru.river WHERE station ILIKE '%市'", &["48"]),
        ("SELECT '5'::int + 1, 7::double / 2, '2024-04-01'::date", &["6,3.5,2024-04-01"]),
        (
            "SELECT station, level FROM otaru.river QUALIFY row_number() OVER (PARTITION BY station ORDER BY level DESC) = 1 ORDER BY 1",
            &["余市,47.0", "朝里,1047.0"],
        ),
        (
            "SELECT count(*) FILTER (WHERE level >= 1000), count(*) FROM otaru.river",
            &["48,96"],
        ),
        (
            "SELECT station, date_trunc('day', time)::date, count(*) FROM otaru.river \
             GROUP BY GROUPING SETS ((station), (date_trunc('day', time)::date), ()) \
             ORDER BY 3, 1, 2",
            &["余市,,48", "朝里,,48", ",2024-04-01,48", ",2024-04-02,48", ",,96"],
        ),
        ("SELECT station, count(*) FROM otaru.river GROUP BY ROLLUP (station) ORDER BY 2, 1", &["余市,48", "朝里,48", ",96"]),
        ("SELECT station, count(*) FROM otaru.river GROUP BY CUBE (station) ORDER BY 2, 1", &["余市,48", "朝里,48", ",96"]),
        (
            "SELECT DISTINCT ON (station) station, level FROM otaru.river ORDER BY station, level DESC",
            &["余市,47.0", "朝里,1047.0"],
        ),
        (
            "SELECT DISTINCT ON (station) station, level FROM otaru.river ORDER BY station, station, level DESC, level",
            &["余市,47.0", "朝里,1047.0"],
        ),
        (
            "SELECT count(*) FROM generate_series(TIMESTAMP '2024-04-01', TIMESTAMP '2024-04-03', INTERVAL '12 hours') AS t(t)",
            &["5"],
        ),
        (
            "SELECT count(*) FROM generate_series('2024-04-01'::timestamptz, '2024-04-02'::timestamptz, '6 hours'::interval) AS g(t) \
             JOIN otaru.river r ON r.time = g.t",
            &["10"],
        ),
        ("SELECT count(*) FROM otaru.river WHERE time >= '2024-04-02 02:00'", &["44"]),
        ("SELECT count(*) FROM otaru.river WHERE time BETWEEN '2024-04-01' AND '2024-04-01 05:00'", &["12"]),
        ("SELECT extract(hour FROM max(time)), extract(dow FROM DATE '2024-04-01') FROM otaru.river", &["23,1"]),
        ("SELECT date_trunc('hour', max(time)) + INTERVAL '1 hour' FROM otaru.river", &["2024-04-03T00:00:00+09:00"]),
        ("SELECT to_char(max(time), '%Y-%m') FROM otaru.river", &["2024-04"]),
        ("SELECT string_agg(DISTINCT station, ',' ORDER BY station) FROM otaru.river", &["余市,朝里"]),
        ("SELECT median(level), percentile_cont(0.5) WITHIN GROUP (ORDER BY level) FROM otaru.river WHERE station = '余市'", &["23.5,23.5"]),
        ("SELECT arg_max(time, level), arg_min(station, level) FROM otaru.river", &["2024-04-02T23:00:00+09:00,余市"]),
        ("SELECT max_by(station, level) FROM otaru.river", &["朝里"]),
        ("SELECT list_sort(array_agg(DISTINCT station))[1] FROM otaru.river", &["余市"]),
        ("SELECT unnest([1, 2])", &["1", "2"]),
        ("SELECT * FROM unnest(ARRAY[1, 2]) AS t(x) ORDER BY x", &["1", "2"]),
        ("SELECT level / 0 FROM otaru.river WHERE samples = 1", &["inf"]),
        ("SELECT 7 / 2, 7 % 2, 2 ^ 3", &["3,1,8.0"]),
        ("SELECT trunc(2.7)::int, round(2.7)::int, round(-2.5)::int", &["2,3,-3"]),
        ("SELECT round(2.345, 2), round(25::double)", &["2.35,25.0"]),
        ("SELECT count(*) FROM otaru.river WHERE samples IS DISTINCT FROM 1 AND samples < 3 OR samples IS NOT DISTINCT FROM 5", &["3"]),
        ("SELECT true IS NOT DISTINCT FROM false AND false, false AND true IS DISTINCT FROM NULL OR true, NULL IS DISTINCT FROM 1 = 1", &["false,true,true"]),
        ("SELECT (SELECT station FROM otaru.river WHERE samples > 99) IS NULL, coalesce((SELECT station FROM otaru.river WHERE samples > 99), 'none') AS s", &["true,none"]),
        ("SELECT (SELECT station FROM otaru.river WHERE samples > 99) AS s, (SELECT station FROM otaru.river WHERE samples = 1) AS t", &[",余市"]),
        ("SELECT count(*) FROM otaru.river WHERE (station = (SELECT station FROM otaru.river WHERE samples > 99)) IS NULL", &["96"]),
        ("SELECT count(*) FROM otaru.river r WHERE (SELECT n.station FROM otaru.river n WHERE n.station = r.station AND n.time > r.time ORDER BY n.time LIMIT 1) IS NULL", &["2"]),
        ("SELECT count(*) FROM otaru.river WHERE NOT (level IN (SELECT nullif(level, 5) FROM otaru.river)) OR samples = 3", &["1"]),
        ("SELECT count(*) FROM otaru.river WHERE level NOT IN (SELECT level FROM otaru.river WHERE level < 40) OR samples = 3", &["57"]),
        ("SELECT count(*) FROM otaru.river WHERE coalesce(nullif(level, 5) NOT IN (SELECT 7.0), samples = 6)", &["94"]),
        ("SELECT count(*) FROM otaru.river WHERE coalesce(nullif(level, 5) IN (SELECT level FROM otaru.river WHERE samples > 99), samples = 6)", &["0"]),
        ("SELECT count(*) FROM otaru.river WHERE level IN (SELECT nullif(level, 5) FROM otaru.river) OR samples = 5", &["96"]),
        ("SELECT count(*) FROM otaru.river WHERE NOT (level IN (SELECT nullif(level, 5) FROM otaru.river WHERE samples < 9))", &["0"]),
        ("SELECT count(*) FROM otaru.river WHERE -level IN (0, -1, -2, -3, -4)", &["5"]),
        ("SELECT count(*) FROM otaru.river WHERE -level NOT IN (-0.0, -1, -2, -3, -4)", &["91"]),
        ("SELECT coalesce(NULL, 1), nullif(1, 1), greatest(1, 2), ifnull(NULL, 3)", &["1,,2,3"]),
        ("SELECT CASE level WHEN 0 THEN 'zero' ELSE 'more' END FROM otaru.river WHERE samples = 0", &["zero"]),
        ("SELECT if(1 > 0, 'a', 'b')", &["a"]),
        ("WITH d(s, l) AS (SELECT station, level FROM otaru.river) SELECT count(l) FROM d WHERE s = '余市'", &["48"]),
        ("SELECT s.station, (SELECT max(level) FROM otaru.river r WHERE r.station = s.station) FROM (SELECT DISTINCT station FROM otaru.river) s ORDER BY 1", &["余市,47.0", "朝里,1047.0"]),
        ("SELECT station, lag(level) OVER w FROM otaru.river WHERE samples IN (0, 1) WINDOW w AS (PARTITION BY station ORDER BY time) ORDER BY 2 NULLS FIRST", &["余市,", "余市,0.0"]),
        ("SELECT level FROM otaru.river ORDER BY level LIMIT 2 OFFSET 1", &["1.0", "2.0"]),
        ("SELECT level FROM otaru.river ORDER BY level FETCH FIRST 1 ROW ONLY", &["0.0"]),
        ("SELECT count(*) FROM otaru.river a NATURAL JOIN otaru.river b", &["82"]),
        ("SELECT count(*) FROM otaru.river WHERE (station, level) IN (('余市', 1.0), ('朝里', 1001.0))", &["2"]),
        ("SELECT count(*) FROM otaru.river WHERE level = ANY (ARRAY[1.0, 2.0])", &["2"]),
        ("SELECT count(*) FROM otaru.river WHERE station ~ '^余'", &["48"]),
        ("SELECT count(*) FROM otaru.river WHERE station SIMILAR TO '余%'", &["48"]),
        ("SELECT count(*) FROM otaru.river WHERE station SIMILAR TO '余.*'", &["0"]),
        ("SELECT count(*) FROM otaru.river WHERE station NOT SIMILAR TO '(余|朝)_'", &["0"]),
        ("SELECT 'a%' SIMILAR TO 'a!%' ESCAPE '!', NULL SIMILAR TO 'a' IS NULL", &["true,true"]),
        ("SELECT regexp_matches('abc', 'b')", &["true"]),
        ("SELECT strftime(max(time), '%H') FROM otaru.river", &["23"]),
        ("SELECT date_part('epoch', max(time) - min(time)) / 3600 FROM otaru.river", &["47.0"]),
        ("SELECT max(time) - min(time) = INTERVAL '47 hours' FROM otaru.river", &["true"]),
        ("SELECT epoch(max(time)) FROM otaru.river", &["1712066400.0"]),
        ("SELECT date_bin(INTERVAL '6 hours', time, TIMESTAMP '2024-04-01') AS b, count(*) FROM otaru.river GROUP BY b ORDER BY b LIMIT 1", &["2024-04-01T00:00:00+09:00,12"]),
        ("SELECT date_bin(INTERVAL '5 hours', time, '2024-04-01 01:00') AS b, count(*) FROM otaru.river GROUP BY b ORDER BY b LIMIT 1", &["2024-03-31T20:00:00+09:00,2"]),
        ("SELECT date_bin('1 day', time) AS b, count(*) FROM otaru.river GROUP BY b ORDER BY b", &["2024-04-01T00:00:00+09:00,48", "2024-04-02T00:00:00+09:00,48"]),
        ("SELECT date_bin(INTERVAL '1 month', max(time) + INTERVAL '58 days', DATE '2024-03-01') FROM otaru.river", &["2024-05-01T00:00:00+09:00"]),
        ("SELECT date_bin(INTERVAL '1 day', TIMESTAMP '2024-04-01 23:59:00'), date_bin(INTERVAL '1 day', NULL::timestamp) IS NULL", &["2024-04-01T00:00:00,true"]),
        ("SELECT time::date, time, time::text FROM otaru.river WHERE samples = 1", &["2024-04-01,2024-04-01T01:00:00+09:00,2024-04-01T01:00:00+09:00"]),
        ("SELECT to_timestamp(0), to_timestamp_millis(1000), from_unixtime(0), to_timestamp(0.5)", &["1970-01-01T09:00:00+09:00,1970-01-01T09:00:01+09:00,1970-01-01T09:00:00+09:00,1970-01-01T09:00:00.500+09:00"]),
        ("SELECT count(*) FROM otaru.river WHERE time >= to_timestamp(1711983600)", &["48"]),
        ("SELECT to_char(max(time), 'YYYY年MM月DD日 HH24:MI') FROM otaru.river", &["2024年04月02日 23:00"]),
        ("SELECT count(*) FROM otaru.river r SEMI JOIN (SELECT '余市' AS station) d USING (station)", &["48"]),
        ("SELECT count(*) FROM otaru.river r ANTI JOIN otaru.river d ON d.station = r.station AND d.level > r.level", &["2"]),
        ("SELECT year(max(time)), month(max(time)), day(max(time)), hour(max(time)) FROM otaru.river", &["2024,4,2,23"]),
        ("SELECT max(time) AT TIME ZONE 'UTC' FROM otaru.river", &["2024-04-02T14:00:00Z"]),
        ("SELECT max(time)::timestamp, max(time)::date, max(time)::time FROM otaru.river", &["2024-04-02T23:00:00,2024-04-02,23:00:00"]),
        ("SELECT max(time)::varchar, (max(time)::timestamp)::varchar, CAST(max(time) AS TIMESTAMP(0)) FROM otaru.river", &["2024-04-02T23:00:00+09:00,2024-04-02T23:00:00,2024-04-02T23:00:00"]),
        ("SELECT (max(time) AT TIME ZONE 'UTC')::timestamp, try_cast(max(time) AS timestamp) FROM otaru.river", &["2024-04-02T14:00:00,2024-04-02T23:00:00"]),
        ("SELECT to_char(max(time)::timestamp, 'YYYY-MM-DD HH24:MI'), date_part('hour', max(time)::timestamp) FROM otaru.river", &["2024-04-02 23:00,23"]),
        ("SELECT time::timestamp AS t, count(*) FROM otaru.river GROUP BY t ORDER BY t DESC LIMIT 1", &["2024-04-02T23:00:00,2"]),
        ("SELECT count(*) FROM otaru.river WHERE time::timestamp >= '2024-04-02 02:00' AND time::timestamp < TIMESTAMP '2024-04-02 03:00'", &["2"]),
        ("SELECT count(*) FROM otaru.river WHERE time::date = '2024-04-01' AND time::date < DATE '2024-04-02'", &["48"]),
        ("SELECT count(*) FROM otaru.river WHERE time::time < '02:00' AND time::time = TIME '01:00'", &["4"]),
        ("SELECT count(*) FROM otaru.river a JOIN (VALUES (TIMESTAMP '2024-04-01 09:00')) b(t) ON a.time::timestamp = b.t AND a.time = b.t", &["2"]),
        ("SELECT count(*) FROM otaru.river WHERE time::timestamp = time", &["96"]),
        ("SELECT count(*) FROM otaru.river WHERE time::timestamp < TIMESTAMPTZ '2024-04-01 05:00:00+09:00'", &["10"]),
        ("SELECT count(*) FROM otaru.river WHERE time::timestamp(0) < to_timestamp(1711915200)", &["10"]),
        ("SELECT count(*) FROM otaru.river WHERE time::date <= TIMESTAMPTZ '2024-04-02 05:00:00+09:00'", &["96"]),
        ("SELECT count(*) FROM otaru.river WHERE time::date::timestamptz BETWEEN '2024-04-01 23:30' AND to_timestamp(1711983600)", &["48"]),
        ("SELECT count(*) FROM otaru.river WHERE time::timestamp AT TIME ZONE 'UTC' < TIMESTAMPTZ '2024-04-01T05:00:00Z'", &["10"]),
        ("SELECT DATE '2024-04-01' AT TIME ZONE 'UTC' = TIMESTAMPTZ '2024-04-01T00:00:00Z', DATE '2024-04-01'::timestamptz", &["true,2024-04-01T00:00:00+09:00"]),
        // Summer time began at midnight, which no clock of Japan showed.
        ("SELECT DATE '1949-04-03' = TIMESTAMPTZ '1949-04-03T01:00:00+10:00', DATE '1949-04-04'::timestamptz", &["true,1949-04-04T00:00:00+10:00"]),
        ("SELECT coalesce(NULL::timestamp, max(time))::timestamp FROM otaru.river", &["2024-04-02T23:00:00"]),
        ("SELECT max(t)::timestamp FROM (SELECT time AS t FROM otaru.river UNION ALL SELECT TIMESTAMP '2024-04-01')", &["2024-04-02T23:00:00"]),
        ("SELECT min(t)::varchar FROM (SELECT time AS t FROM otaru.river UNION ALL SELECT TIMESTAMP '2024-03-31 23:30')", &["2024-03-31T23:30:00+09:00"]),
        ("SELECT max(time)::timestamp - TIMESTAMP '2024-04-02 22:00' = INTERVAL '1 hour' FROM otaru.river", &["true"]),
        ("SELECT max(time) - TIMESTAMP '2024-04-02 22:00' = INTERVAL '1 hour' FROM otaru.river", &["true"]),
        ("SELECT greatest(max(time), TIMESTAMP '2024-04-02 23:30') FROM otaru.river", &["2024-04-02T23:30:00+09:00"]),
        ("SELECT CASE WHEN false THEN max(time) ELSE TIMESTAMP '2024-04-02 23:30' END FROM otaru.river", &["2024-04-02T23:30:00+09:00"]),
        ("SELECT count(DISTINCT (station, level)) FROM otaru.river", &["96"]),
        ("SELECT bool_and(level >= 0) AS a, every(level >= 1) AS b FROM otaru.river", &["true,false"]),
        ("SELECT count_if(level > 1000) FROM otaru.river", &["47"]),
        ("SELECT (SELECT count(*) FROM otaru.river r WHERE r.station = s.station AND r.level > 1000) > 0 FROM (SELECT DISTINCT station FROM otaru.river) s ORDER BY 1", &["false", "true"]),
        ("SELECT x.level FROM (SELECT DISTINCT station FROM otaru.river) s, LATERAL (SELECT level FROM otaru.river r WHERE r.station = s.station ORDER BY time DESC LIMIT 1) x ORDER BY 1", &["47.0", "1047.0"]),
        ("SELECT s.station, x.level FROM (SELECT DISTINCT station FROM otaru.river) s LEFT JOIN LATERAL (SELECT level FROM otaru.river r WHERE r.station = s.station AND level > 1000 ORDER BY time LIMIT 1) x ON true ORDER BY 1", &["余市,", "朝里,1001.0"]),
        ("SELECT s.station, x.n FROM (SELECT DISTINCT station FROM otaru.river) s CROSS JOIN LATERAL (SELECT count(*) AS n FROM otaru.river r WHERE r.station = s.station) x ORDER BY 1", &["余市,48", "朝里,48"]),
        ("SELECT (SELECT level FROM otaru.river r WHERE r.station = s.station ORDER BY time DESC LIMIT 1) FROM (SELECT DISTINCT station FROM otaru.river) s ORDER BY 1", &["47.0", "1047.0"]),
    ])
    .await;
}

#[tokio::test]
async fn short_forms_are_within_the_bounds_of_long_ones() {
    let bench = bench().await;
    for sql in [
        format!("{}FROM otaru.river{}", "FROM (".repeat(20), ")".repeat(20)),
        format!("FROM otaru.river a {}", "ASOF JOIN otaru.river b ON a.time >= b.time ".repeat(60)),
        format!("SELECT 1 {}", "UNION ALL FROM otaru.river ".repeat(200)),
    ] {
        let error = bench.error(&sql).await;
        assert_eq!(error.kind(), ErrorKind::SqlTooComplex, "{sql}: {error:?}");
    }
}

#[tokio::test]
async fn a_join_by_what_several_tables_make_together_keeps_its_condition() {
    check(&[
        (
            "SELECT h.h, count(*) FROM otaru.river a CROSS JOIN (VALUES (0), (1)) AS h(h) \
             JOIN otaru.river b ON b.station = a.station AND b.samples = a.samples + h.h \
             GROUP BY h.h ORDER BY h.h",
            &["0,96", "1,94"],
        ),
        (
            "SELECT count(*) FROM otaru.river a, (VALUES (1)) AS h(h), otaru.river b \
             WHERE b.station = a.station AND b.samples = a.samples + h.h",
            &["94"],
        ),
    ])
    .await;
}

#[tokio::test]
async fn columns_of_other_contracts_are_put_together_and_summed() {
    let mut bench = bench().await;
    let place = RIVER.replace(r#""role":"key""#, r#""role":"place""#);
    bench.add("otaru.lake", &place, &[river(&["余市", "奥沢"], APRIL, 2)]).await;
    let sql = "SELECT station, count(level), max(samples) FROM (SELECT station, level, samples FROM otaru.river \
               UNION ALL SELECT station, level, samples FROM otaru.lake) u GROUP BY station ORDER BY station";
    assert_eq!(rows(&bench, sql).await, ["余市,50,47", "奥沢,2,3", "朝里,48,95"]);
    let sql =
        "SELECT station FROM otaru.river UNION SELECT station FROM otaru.lake ORDER BY station";
    assert_eq!(rows(&bench, sql).await, ["余市", "奥沢", "朝里"]);
}

#[tokio::test]
async fn what_is_not_read_shows_another_way() {
    let bench = bench().await;
    for (sql, way) in [
        ("TABLE otaru.river", "SELECT * FROM"),
        ("SUMMARIZE otaru.river", "count(*)"),
        ("SELECT age(max(time), min(time)) FROM otaru.river", "b - a"),
        ("SELECT EXISTS (SELECT 1 FROM otaru.river WHERE level > 1)", "(SELECT count(*) FROM"),
        ("SELECT station IN (SELECT 'a') FROM otaru.river", "(SELECT count(*) FROM"),
        ("SELECT date_diff('hour', min(time), max(time)) FROM otaru.river", "date_part"),
        ("SELECT mode(station) FROM otaru.river", "GROUP BY x"),
        ("SELECT format('{}', level) FROM otaru.river", "||"),
        (
            "SELECT s.station, x.level FROM otaru.river s, LATERAL (SELECT level FROM otaru.river r \
             WHERE r.station = s.station AND r.time < s.time ORDER BY r.level LIMIT 1) x",
            "ASOF JOIN",
        ),
        (
            "SELECT s.station, x.level FROM otaru.river s, LATERAL (SELECT level FROM otaru.river r \
             WHERE r.level + s.level = 5 ORDER BY r.level LIMIT 1) x",
            "row_number()",
        ),
    ] {
        let error = bench.error(sql).await;
        assert!(error.to_string().contains(way), "{sql}: {error:?}");
        assert!(
            matches!(error.kind(), ErrorKind::SqlInvalid | ErrorKind::SqlNotAllowed),
            "{sql}: {error:?}"
        );
    }
}

#[tokio::test]
async fn the_nearest_row_by_lateral_is_an_asof_join() {
    let bench = bench().await;
    let lateral = "SELECT count(x.level) FROM otaru.river s LEFT JOIN LATERAL (SELECT level FROM otaru.river r \
                   WHERE r.station = s.station AND r.time < s.time ORDER BY r.time DESC LIMIT 1) x ON true";
    assert_eq!(bench.value(lateral).await, "94");
    assert!(bench.plan(lateral).await.contains("AsOfJoinExec"));
    let scalar = "SELECT sum((SELECT level FROM otaru.river r WHERE r.station = s.station AND r.time > s.time \
                  ORDER BY r.time LIMIT 1)) FROM otaru.river s WHERE s.station = '余市'";
    assert_eq!(bench.value(scalar).await, "1128.0");
    let grouped = "SELECT max((SELECT level FROM otaru.river r WHERE r.station = s.station ORDER BY r.time DESC \
                   LIMIT 1)) AS last FROM otaru.river s GROUP BY s.station HAVING count(*) = 48 ORDER BY last";
    assert_eq!(rows(&bench, grouped).await, ["47.0", "1047.0"]);
    // Rows whose next level is more than one higher, or that have none.
    let filtered = "SELECT count(*) FROM otaru.river s WHERE s.level < (SELECT level - 1 FROM otaru.river r \
                    WHERE r.station = s.station AND r.time > s.time ORDER BY r.time LIMIT 1) OR s.samples = 5";
    assert_eq!(bench.value(filtered).await, "1");
}

#[tokio::test]
async fn whole_numbers_that_grow_out_of_their_type_are_errors() {
    check(&[
        (
            "SELECT 9223372036854775806 + 1, -9223372036854775807 - 1",
            &["9223372036854775807,-9223372036854775808"],
        ),
        ("SELECT CASE WHEN false THEN 9223372036854775807 + 1 ELSE 0 END", &["0"]),
        ("SELECT max(samples * 3 - 1), max(-samples) FROM otaru.river", &["284,0"]),
        ("SELECT samples + NULL FROM otaru.river WHERE samples = 1", &[""]),
        // A sum may pass the greatest number on its way, in any order.
        (
            "SELECT sum(x) FROM (VALUES (9223372036854775807), (1), (-1)) t(x)",
            &["9223372036854775807"],
        ),
        (
            "SELECT k, sum(x), sum(DISTINCT x) FILTER (WHERE x < 5) FROM (VALUES (1, 9223372036854775807), (1, 1), \
             (1, -1), (2, 3), (2, 3), (2, NULL), (3, NULL)) t(k, x) GROUP BY k ORDER BY k",
            &["1,9223372036854775807,0", "2,6,3", "3,,"],
        ),
        (
            "SELECT sum(x) OVER (ORDER BY x ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), \
             sum(DISTINCT x) OVER (ORDER BY x ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) \
             FROM (VALUES (1), (1), (9223372036854775806)) t(x) ORDER BY x",
            &["1,1", "2,1", "9223372036854775807,9223372036854775807"],
        ),
        ("SELECT sum(x) FROM (SELECT 1 AS x WHERE false)", &[""]),
        ("SELECT sum(x + 1), sum(x::decimal(38, 0)) FROM (VALUES (1), (2)) t(x)", &["5,3"]),
        ("SELECT sum(n) FROM (SELECT row_number() OVER () AS n FROM otaru.river)", &["4656"]),
        (
            "SELECT sum(9223372036854775807::decimal(38, 0)) FROM otaru.river",
            &["885443715538058477472"],
        ),
        (
            "SELECT min(n) FROM (SELECT row_number() OVER (PARTITION BY station ORDER BY time) \
             - row_number() OVER (ORDER BY station, time) AS n FROM otaru.river)",
            &["-48"],
        ),
    ])
    .await;
    let bench = bench().await;
    for sql in [
        "SELECT 9223372036854775807 + 1",
        "SELECT -9223372036854775807 - 2",
        "SELECT 9223372036854775807 * 2 FROM otaru.river",
        "SELECT x + 1 FROM (SELECT 9223372036854775807 AS x)",
        "SELECT abs(9223372036854775807) + 1",
        "SELECT 2147483647::int + 1::int",
        "SELECT -((-9223372036854775807 - 1)::bigint)",
        "SELECT samples + 9223372036854775807 FROM otaru.river",
        "SELECT count(*) FROM otaru.river WHERE samples * 1000000000000000000 > 5",
        "SELECT sum(samples * 9223372036854775807) FROM otaru.river",
        "SELECT sum(9223372036854775807) FROM otaru.river",
        "SELECT station, sum(9223372036854775807) FROM otaru.river GROUP BY station",
        "SELECT time, sum(9223372036854775807) FILTER (WHERE samples >= 0) FROM otaru.river GROUP BY time",
        "SELECT sum(-9223372036854775807) OVER (PARTITION BY station) FROM otaru.river",
        "SELECT sum(9223372036854775807) OVER (ORDER BY time ROWS 1 PRECEDING) FROM otaru.river",
        "SELECT sum(DISTINCT x) FROM (VALUES (9223372036854775807), (1)) t(x)",
        "SELECT sum(DISTINCT x) OVER (ORDER BY x ROWS 1 PRECEDING) FROM (VALUES (9223372036854775807), (1)) t(x)",
        "SELECT sum(x + 1) FROM (VALUES (9223372036854775806), (2)) t(x)",
        "SELECT count(*) FROM otaru.river GROUP BY samples - 9223372036854775807 - 3",
        "SELECT count(*) FROM otaru.river a JOIN otaru.river b ON a.samples + 9223372036854775807 = b.samples",
    ] {
        let error = bench.error(sql).await;
        assert_eq!(error.kind(), ErrorKind::SqlExecution, "{sql}: {error:?}");
        let sums = sql.contains("sum(") && !sql.contains("samples *");
        let said = if sums { "DECIMAL(38, 0)" } else { "too large" };
        assert!(error.to_string().contains(said), "{sql}: {error}");
    }
}

#[tokio::test]
async fn a_name_is_never_suggested_in_its_own_place() {
    let bench = bench().await;
    for sql in [
        "WITH t AS (SELECT 流量 AS q FROM otaru.river) SELECT discharge FROM t",
        "WITH t AS (SELECT 流量 AS q FROM otaru.river) SELECT t.discharge FROM t",
        "SELECT x.discharge FROM (SELECT station, max(discharge) FROM otaru.river GROUP BY station) x",
        "SELECT discharge FROM (SELECT * EXCLUDE (discharge) FROM otaru.river)",
        "SELECT discharge FROM align('otaru.river', '1 day', 'level')",
        "SELECT * FROM (SELECT 観測所 AS s FROM otaru.river) b ORDER BY station",
    ] {
        let error = bench.error(sql).await;
        let QueryError::InvalidSql { message, position: Some(_), suggestions } = &error else {
            panic!("{sql}: {error:?}")
        };
        assert!(message.contains("what this FROM names does not give it"), "{sql}: {message}");
        let own = |name: &String| ["discharge", "station"].contains(&name.as_str());
        assert!(!suggestions.iter().any(own), "{sql}: {suggestions:?}");
    }
}
