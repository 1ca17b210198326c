//! Any question after any way of changing rows.

use super::*;

/// A statement of those that people ask.
fn question() -> impl Strategy<Value = String> {
    let group = prop::sample::select(vec![
        "station",
        "date_trunc('hour', time)",
        "date_trunc('day', time)",
        "date_trunc('month', 時刻)",
        "CAST(time AS DATE)",
        "extract(hour FROM time)",
        "extract(dow FROM time)",
        "date_bin(INTERVAL '6 hours', time)",
        "date_trunc('minute', time)",
        "date_trunc('day', time - INTERVAL '1 microsecond')",
        "CAST(time - INTERVAL '1 microsecond' AS DATE)",
        "station = 'a'",
        "time_bucket('1 hour', time)",
        "time_bucket('8 hours', time)",
        "time_bucket('20 minutes', time)",
        "time_bucket('1 day', 時刻)",
        "time_bucket('3 days', time, '2024-04-02T06:00:00+09:00')",
        "time_bucket('P1M', time)",
        "time_bucket('1 year', time, DATE '2000-04-01')",
        "observed_day(time)",
        "observed_day(time, 'end')",
        "fiscal_year(time)",
        "jun_start(time)",
        "jp_holiday(time)",
        "to_char(time, '%Y-%m-%d')",
        "to_char(time, '%d %Hh')",
        "extract(year FROM time)",
    ]);
    let aggregate = prop::sample::select(vec![
        "count(*)",
        "count(level)",
        "sum(level)",
        "avg(水位)",
        "min(level)",
        "max(level)",
        "sum(cars)",
        "avg(cars)",
        "min(cars)",
        "max(cars)",
        "count(cars)",
        "min(time)",
        "max(time)",
        "count(station)",
        "max(DISTINCT cars)",
        "good_share(level)",
        "good_share(cars)",
    ]);
    let instant = || {
        (0i64..10, 0i64..24, prop::sample::select(vec![0i64, 0, 0, 20 * 60, 3_599])).prop_map(
            |(day, hour, more)| {
                let at = APRIL / 1_000_000 + (day * 24 + hour) * 3_600 + more;
                DateTime::from_timestamp(at, 0).unwrap().to_rfc3339()
            },
        )
    };
    let condition = prop_oneof![
        (prop::sample::select(vec![">=", ">", "<", "<="]), instant())
            .prop_map(|(operator, at)| format!("time {operator} '{at}'")),
        (instant(), instant()).prop_map(|(a, b)| format!("time BETWEEN '{a}' AND '{b}'")),
        prop::sample::select(vec![
            "station = 'a'",
            "station IN ('b', '余市')",
            "extract(hour FROM time) < 12",
            "date_trunc('day', time) <> '2024-04-03'",
            "time IS NOT NULL",
            "cars > 3",
            "station LIKE '余%'",
            "CAST(time AS DATE) >= DATE '2024-04-03'",
            "time > '2024-04-03' AND time <= '2024-04-06'",
            "time > '2024-04-02T05:00' AND time <= '2024-04-07T18:00'",
            "observed_day(time) BETWEEN DATE '2024-04-02' AND DATE '2024-04-05'",
            "observed_day(time, 'end') <> DATE '2024-04-02'",
            "fiscal_year(time) = 2024",
            "jun(time) = 1",
            "time_bucket('1 day', time) < '2024-04-05'",
            "NOT is_jp_holiday(time)",
            "station <> 'b' AND extract(year FROM time) = 2024",
        ])
        .prop_map(str::to_owned),
    ];
    (
        prop::collection::vec(group, 0..3),
        prop::collection::vec(aggregate, 1..5),
        prop::collection::vec(condition, 0..3),
    )
        .prop_map(|(groups, aggregates, conditions)| {
            let names = (0..groups.len()).map(|at| format!("g{at}")).collect::<Vec<_>>().join(", ");
            let shown = groups.iter().enumerate().map(|(at, group)| format!("{group} AS g{at}"));
            let aggregates = aggregates.iter().enumerate();
            let shown =
                shown.chain(aggregates.map(|(at, aggregate)| format!("{aggregate} AS a{at}")));
            let shown = shown.collect::<Vec<_>>().join(", ");
            let mut sql = format!("SELECT {shown} FROM otaru.gauges");
            if !conditions.is_empty() {
                sql = format!("{sql} WHERE {}", conditions.join(" AND "));
            }
            if names.is_empty() { sql } else { format!("{sql} GROUP BY {names}") }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn answers_from_rollups_are_those_from_rows(
        label in prop::sample::select(vec!["start", "end"]),
        steps in prop::collection::vec(step(), 1..5),
        questions in prop::collection::vec(question(), 12),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let pair = Pair::new(label).await;
            let mut versions = Vec::new();
            for (number, step) in steps.into_iter().enumerate() {
                let Some(record) = pair.take(number, step).await else { continue };
                versions.push(record.log_version);
            }
            for (number, sql) in questions.iter().enumerate() {
                let at = match versions.get(number % (versions.len() + 2)) {
                    Some(version) => SnapshotAt::Log(*version),
                    None => SnapshotAt::Latest,
                };
                pair.same(sql, at).await;
            }
        });
    }
}
