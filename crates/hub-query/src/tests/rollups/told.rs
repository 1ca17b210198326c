//! What rollups tell of files, versions, qualities and days.

use super::*;

#[tokio::test]
async fn files_without_rollups_are_read_beside_the_others() {
    let pair = ten_days().await;
    pair.publish(UploadMode::Append, &series("余市", APRIL + 10 * DAY, 288), false).await;
    let sql = "SELECT station, date_trunc('day', time), count(*), avg(level) FROM otaru.gauges GROUP BY 1, 2";
    assert_eq!(pair.rolled(sql, &["rollup=day files=2/3"]).await.len(), 22);
    // Where a value has no order, it is looked for in the rows.
    let mut odd = series("朝里", APRIL + 20 * DAY, 288);
    odd[7].2 = Some(f64::NAN);
    pair.publish(UploadMode::Append, &odd, true).await;
    let sums = "SELECT station, sum(level), count(level) FROM otaru.gauges GROUP BY 1";
    pair.rolled(sums, &["rollup=series files=3/4"]).await;
    let extremes = "SELECT station, max(level) FROM otaru.gauges GROUP BY 1";
    pair.rolled(extremes, &["rollup=series files=2/4"]).await;
}

#[tokio::test]
async fn grown_columns_and_older_versions_are_answered_as_they_were() {
    let mut pair = ten_days().await;
    let first = pair.lake.snapshot(&pair.id, SnapshotAt::Latest).await.unwrap().log_version;
    let sql = "SELECT station, count(*), sum(cars) FROM otaru.gauges GROUP BY 1";
    let before = pair.same(sql, SnapshotAt::Latest).await;
    let mut grown: serde_json::Value = serde_json::to_value(pair.contract.as_ref()).unwrap();
    grown["fields"].as_array_mut().unwrap().push(serde_json::json!(
        {"name": "wind", "type": "number", "role": "value"}
    ));
    grown["fields"][5]["role"] = "value".into();
    let grown = Contract::parse(grown.to_string().as_bytes()).unwrap();
    pair.lake.change_contract(&pair.id, &grown).await.unwrap();
    pair.contract = Arc::new(grown);
    let wind =
        "SELECT station, count(wind), sum(wind), max(wind), count(*) FROM otaru.gauges GROUP BY 1";
    let answer = pair.rolled(wind, &["rollup=series files=2/2"]).await;
    assert_eq!(answer[0][1..4], ["0", "", ""]);
    // A column that became a value since was not rolled up then.
    pair.unrolled("SELECT station, count(remark) FROM otaru.gauges GROUP BY 1").await;
    assert_eq!(pair.same(sql, SnapshotAt::Log(first)).await, before);
}

#[tokio::test]
async fn values_of_bad_quality_are_left_out_of_rollups_too() {
    let pair = ten_days().await;
    let shown = "SELECT station, count(level), sum(水位), count(cars), count(*) FROM otaru.gauges GROUP BY 1";
    let answer = pair.rolled(shown, &["rollup=series files=2/2"]).await;
    let all = "SELECT station, count(level), sum(水位), count(cars), count(*) \
               FROM with_quality('otaru.gauges') GROUP BY 1";
    // Companions don't say what was left out, so that all values are asked of the rows.
    pair.unrolled(all).await;
    let whole = pair.same(all, SnapshotAt::Latest).await;
    assert!(answer[0][1].parse::<i64>().unwrap() < whole[0][1].parse::<i64>().unwrap());
    assert_eq!(answer[0][3..], whole[0][3..]);
    let cars = "SELECT station, sum(cars) FROM with_quality('otaru.gauges') GROUP BY 1";
    pair.rolled(cars, &["rollup=series files=2/2"]).await;
    let newest = "SELECT station, max(time) FROM otaru.gauges GROUP BY station";
    pair.rolled(newest, &["rollup=series files=2/2"]).await;
}

#[tokio::test]
async fn an_answer_says_how_many_values_of_the_version_are_left_out() {
    let pair = ten_days().await;
    let said = async |pair: &Pair, sql: &str| {
        let answer = pair.run(&pair.with, sql, SnapshotAt::Latest).await;
        let said = answer.schema().metadata().get(QUALITY_KEY).cloned().unwrap();
        serde_json::from_str::<serde_json::Value>(&said).unwrap()
    };
    let number = async |table: &str| {
        let counted = format!("SELECT count(level) FROM {table}");
        let rows = pair.same(&counted, SnapshotAt::Latest).await;
        rows[0][0].parse::<u64>().unwrap()
    };
    let left_out = number("with_quality('otaru.gauges')").await - number("otaru.gauges").await;
    assert!(left_out > 0);
    for sql in [
        "SELECT max(level) FROM otaru.gauges",
        "SELECT level FROM otaru.gauges WHERE station = '余市' LIMIT 1",
        "SELECT level FROM align('otaru.gauges', '1 day', 'level')",
    ] {
        let said = said(&pair, sql).await;
        assert_eq!(said[0]["left_out_in_version"], left_out, "{sql}: {said}");
    }
    // A file that does not tell leaves it open.
    pair.publish(UploadMode::Append, &series("余市", APRIL + 10 * DAY, 288), false).await;
    let said = said(&pair, "SELECT max(level) FROM otaru.gauges").await;
    assert!(said[0].get("left_out_in_version").is_none(), "{said}");
}

#[tokio::test]
async fn shares_of_good_values_are_told_by_rollups() {
    let pair = ten_days().await;
    let shares = "SELECT station, date_trunc('day', time) AS day, good_share(level) AS share, count(level), count(*) \
                  FROM otaru.gauges GROUP BY 1, 2";
    for day in pair.rolled(shares, &["rollup=day files=2/2"]).await {
        let number = |at: usize| day[at].parse::<f64>().unwrap();
        // Every row was due; what is counted is what is shown.
        assert!((number(2) - number(3) / number(4)).abs() < 1e-12, "{day:?}");
        assert!(number(2) < 1.0, "{day:?}");
    }
    let all =
        "SELECT station, good_share(水位) AS share FROM with_quality('otaru.gauges') GROUP BY 1";
    let shown = "SELECT station, good_share(水位) AS share FROM otaru.gauges GROUP BY 1";
    let answer = pair.rolled(all, &["rollup=series files=2/2"]).await;
    assert_eq!(answer, pair.rolled(shown, &["rollup=series files=2/2"]).await);
}

#[tokio::test]
async fn an_intervals_day_is_that_of_its_last_instant() {
    let pair = Pair::new("end").await;
    let rows = [series("余市", APRIL + HOUR / 6, 3 * 144), series("朝里", APRIL, 144)].concat();
    pair.publish(UploadMode::Append, &rows, true).await;
    // Midnight at the end of the third day is of that day.
    let ends = "SELECT station, date_trunc('day', time - INTERVAL '1 microsecond') AS day, count(*), sum(cars) \
                FROM otaru.gauges GROUP BY 1, 2";
    let days = pair.rolled(ends, &["rollup=day files=1/1", "__edge"]).await;
    assert_eq!(
        days.iter().map(|row| row[2].as_str()).collect::<Vec<_>>(),
        ["144", "144", "144", "1", "143"]
    );
    let plain =
        "SELECT station, date_trunc('day', time) AS day, count(*) FROM otaru.gauges GROUP BY 1, 2";
    let days = pair.rolled(plain, &["rollup=day files=1/1"]).await;
    assert_eq!(
        days.iter().map(|row| row[2].as_str()).collect::<Vec<_>>(),
        ["143", "144", "144", "1", "144"]
    );
    let observed = "SELECT station, observed_day(time) AS day, count(*), sum(cars) FROM otaru.gauges GROUP BY 1, 2";
    let days = pair.rolled(observed, &["rollup=day files=1/1", "__edge"]).await;
    assert_eq!(
        days.iter().map(|row| row[2].as_str()).collect::<Vec<_>>(),
        ["144", "144", "144", "1", "143"]
    );
    // Days from just after midnight to midnight are whole: of the first station the last two, of the other none.
    let within = "SELECT station, count(*), sum(cars), min(time) FROM otaru.gauges \
                  WHERE time > '2024-04-02' AND time <= '2024-04-04' GROUP BY 1";
    let plan = pair.plan(within).await;
    assert!(plan.contains("rollup=day files=1/1") && !plan.contains("UnionExec"), "{plan}");
    let counted = pair.same(within, SnapshotAt::Latest).await;
    assert_eq!(counted.len(), 1);
    assert_eq!(counted[0][1], "288");
    let same_days = "SELECT station, count(*), sum(cars), min(time) FROM otaru.gauges \
                     WHERE observed_day(time) BETWEEN '2024-04-02' AND '2024-04-03' GROUP BY 1";
    assert_eq!(pair.rolled(same_days, &["rollup=day files=1/1"]).await, counted);
    // Without what is kept apart, the rows are asked.
    let pair = ten_days().await;
    pair.unrolled(ends).await;
}

#[tokio::test]
async fn days_of_series_are_the_same_from_rollups_and_from_rows() {
    for label in ["start", "end"] {
        let pair = Pair::new(label).await;
        let readings = [series("余市", APRIL, 700), series("朝里", APRIL + HOUR, 500)].concat();
        pair.publish(UploadMode::Append, &readings, true).await;
        pair.publish(UploadMode::Append, &series("倶知安", APRIL, 300), false).await;
        let snapshot = pair.lake.snapshot(&pair.id, SnapshotAt::Latest).await.unwrap();
        let mut answers = Vec::new();
        for engine in [&pair.with, &pair.without] {
            let table =
                ReadableTable { contract: Arc::clone(&pair.contract), snapshot: snapshot.clone() };
            let batches: Vec<RecordBatch> =
                engine.day_rollup(table).await.unwrap().try_collect().await.unwrap();
            answers.push(concat_batches(&batches[0].schema(), &batches).unwrap());
        }
        let names: Vec<_> =
            answers[0].schema().fields().iter().map(|field| field.name().clone()).collect();
        let expected = [
            "観測所",
            "day",
            "rows",
            "水位:count",
            "水位:good",
            "水位:sum",
            "水位:min",
            "水位:max",
            "cars:count",
            "cars:good",
            "cars:sum",
            "cars:min",
            "cars:max",
        ];
        assert_eq!(names, expected);
        let shown: Vec<_> = answers.iter().map(rows).collect();
        assert_eq!(shown[0], shown[1], "{label}");
    }
}

#[tokio::test]
async fn months_and_series_are_counted_by_rollups_as_by_hand() {
    let pair = Pair::new("end").await;
    // From the first instant of April, which ends March's last interval, over 31 days; and from noon.
    let readings =
        [series("余市", APRIL, 31 * 144), series("朝里", APRIL + 12 * HOUR, 144)].concat();
    pair.publish(UploadMode::Append, &readings, true).await;
    let snapshot = pair.lake.snapshot(&pair.id, SnapshotAt::Latest).await.unwrap();
    let table =
        || ReadableTable { contract: Arc::clone(&pair.contract), snapshot: snapshot.clone() };
    let counted = pair.with.count_by_time(table()).await.unwrap().unwrap();
    assert_eq!(Some(&counted), pair.without.count_by_time(table()).await.unwrap().as_ref());

    let month = |m| chrono::NaiveDate::from_ymd_opt(2024, m, 1).unwrap();
    let rows: Vec<_> = counted.stretches.iter().map(|(day, counts)| (*day, counts.rows)).collect();
    // 31 × 144 rows end at 00:00 on 1 April, every ten minutes to 23:50 on 1 May: one is March's, 30 × 144
    // are April's, the rest is May's.
    assert_eq!(rows, [(month(3), 1), (month(4), 30 * 144 + 144), (month(5), 143)]);
    assert_eq!(counted.columns, ["水位", "cars"]);
    let (mut present, mut good) = (0, 0);
    for reading in &readings {
        if reading.2.is_some() {
            present += u64::from(!["doubtful", "missing"].contains(&quality(reading)));
            good += u64::from(["normal", "quasi_normal"].contains(&quality(reading)));
        }
    }
    let told: Vec<_> = counted.stretches.values().map(|counts| counts.values[0]).collect();
    assert_eq!(told.iter().map(|pair| pair.0).sum::<u64>(), present);
    assert_eq!(told.iter().map(|pair| pair.1).sum::<u64>(), good);

    let at = |text: &str| chrono::NaiveDateTime::parse_from_str(text, "%m-%d %H:%M %Y").unwrap();
    let beginnings = [(at("03-31 23:50 2024"), 1), (at("04-01 11:50 2024"), 1)];
    assert_eq!(counted.beginnings, Some(beginnings.into()));
    assert_eq!(counted.last, Some(at("05-01 23:40 2024")));
    let series = counted.series.unwrap();
    assert_eq!(series[0].key, [Some("余市".to_owned())]);
    assert_eq!(series[1].stretches[&month(4)].rows, 144);
    assert_eq!(series[1].rows, 144);
}
