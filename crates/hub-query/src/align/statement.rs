//! The query that stands for a call of `align`.

use arrow_schema::{DataType, TimeUnit};
use datafusion::{
    scalar::ScalarValue,
    sql::sqlparser::{
        ast::{Query, Statement},
        parser::Parser,
    },
};
use hub_model::{Aggregate, Contract, Field, FieldType, Interval, Label, ZONE_NAME};

use super::{
    AlignCall, FillMethod, Measure, inner_name,
    measures::{Way, amount_of_rate},
    put_together::PUT_TOGETHER,
};
use crate::{
    classify::{self, classify},
    dialect::HubDialect,
    error::QueryError,
    functions::Step,
    literals::rewritten,
    parse::Names,
    table::Exposed,
};

/// The query, under the names that `shown` has for the contract's columns. Where rollups may answer some of the
/// measures, the others are read beside them.
pub(super) fn query(
    call: &AlignCall,
    contract: &Contract,
    shown: &[Exposed],
    names: &Names,
    rollups: bool,
) -> Result<Query, QueryError> {
    let sql = text(call, contract, shown, names, rollups)?;
    let statements = Parser::parse_sql(&HubDialect, &sql).map_err(|error| {
        QueryError::internal(format!("align wrote what can't be read: {error}: {sql}"))
    })?;
    match <[Statement; 1]>::try_from(statements) {
        Ok([Statement::Query(query)]) => Ok(*query),
        _ => Err(QueryError::internal("align wrote what is no query")),
    }
}

/// Whether a call can be written out, as [`query`] would tell.
pub(super) fn check(call: &AlignCall, contract: &Contract) -> Result<(), QueryError> {
    text(call, contract, &Exposed::all(contract), &Names::default(), false).map(|_| ())
}

fn text(
    call: &AlignCall,
    contract: &Contract,
    shown: &[Exposed],
    names: &Names,
    rollups: bool,
) -> Result<String, QueryError> {
    let invalid = |said: String| QueryError::invalid(said, Some(call.position));
    let Some(time) = contract.time_field() else {
        return Err(invalid(format!(
            "{} has no column of time that a grid could be laid on",
            call.dataset
        )));
    };
    let width = step(&call.width).map_err(|error| {
        invalid(format!(
            "the width of a grid is an interval such as '1 hour', '1 day' or '1 month': {error}"
        ))
    })?;
    let max_gap = call.max_gap.as_deref().map(|gap| match step(gap) {
        Ok(Step::Micros(_)) => Ok(gap),
        _ => Err(invalid(format!(
            "max_gap is an interval of days or less such as '3 hours', not {gap:?}"
        ))),
    });
    let max_gap = max_gap.transpose()?;
    for bound in [&call.start, &call.finish].into_iter().flatten() {
        if !is_time(bound) {
            return Err(invalid(format!(
                "{bound:?} is no time; write it as '2026-04-01', '2026-04-01 09:00' or \
                 '2026-04-01T09:00:00+09:00'"
            )));
        }
    }
    let measures = Measure::of(call, contract)?;
    let instant = instant(time).ok_or_else(|| {
        invalid(format!(
            "{:?} holds years, which are no finer than any grid; group by it",
            time.name
        ))
    })?;

    // Whether empty buckets are rows too.
    let complete = call.fill.is_some() || call.start.is_some();
    let width_text = literal(&call.width);
    let bucket = match (&call.start, &call.finish) {
        (Some(start), Some(finish)) => format!(
            "time_bucket_gapfill({width_text}, {instant}, {}, {})",
            instant_literal(start),
            instant_literal(finish)
        ),
        _ if complete => format!("time_bucket_gapfill({width_text}, {instant})"),
        _ => format!("time_bucket({width_text}, {instant})"),
    };
    let expected = |bucket: &str| expected(width, time.interval, bucket, &call.width);

    let splits = rollups && splits(&measures, contract, time, width);
    let mut inner = String::from("SELECT ");
    let mut outer = String::from("SELECT ");
    for (at, key) in contract.series_fields().enumerate() {
        push(&mut inner, &format!("{} AS k{at}", quoted(&key.name)));
        for name in shown_names(contract, key, shown) {
            push(&mut outer, &format!("k{at} AS {}", quoted(name)));
        }
    }
    push(&mut inner, &format!("{bucket} AS bucket"));
    // What rollups may tell, and what only rows do; all is in the first where nothing is split.
    let mut parts = [inner.clone(), inner];
    for name in shown_names(contract, time, shown) {
        push(&mut outer, &format!("bucket AS {}", quoted(name)));
    }
    for (at, measure) in measures.iter().enumerate() {
        let inner = &mut parts[usize::from(splits && is_of_rows(measure))];
        let column = quoted(&measure.field.name);
        let mut value = aggregate(measure, &instant);
        let count = format!("count({column})");
        if let (Some(least), Some(expected)) = (call.min_coverage, expected(&bucket)) {
            value = format!("CASE WHEN {count} / {expected} >= {least:?} THEN {value} END");
        }
        push(inner, &format!("{value} AS v{at}, {count} AS n{at}"));
        let gap = max_gap.map_or_else(String::new, |gap| format!(", {}", literal(gap)));
        match call.fill {
            Some(FillMethod::Locf) => push(inner, &format!("locf({value}{gap}) AS f{at}")),
            Some(FillMethod::Interpolate) if is_interpolated(measure) => {
                push(inner, &format!("interpolate({value}{gap}) AS f{at}"));
            }
            Some(FillMethod::Interpolate) => push(inner, &format!("{value} AS f{at}")),
            None => {}
        }
        let value = if call.fill.is_some() { format!("f{at}") } else { format!("v{at}") };
        let value = in_unit(measure, &value, time.interval);
        let value = format!("{PUT_TOGETHER}({value}, {})", literal(measure.way.as_str()));
        let coverage = match expected("bucket") {
            Some(expected) => format!("coalesce(n{at}, 0) / {expected}"),
            None => "CAST(NULL AS DOUBLE)".to_owned(),
        };
        let own = match measure.suffix {
            Some(_) => called(measure, "", names),
            None => {
                let names = shown_names(contract, measure.field, shown);
                names.into_iter().map(str::to_owned).collect()
            }
        };
        for name in own {
            push(&mut outer, &format!("{value} AS {}", quoted(&name)));
        }
        for (what, value) in [
            ("_coverage", Some(coverage)),
            ("_filled", call.fill.map(|_| format!("f{at} IS NOT NULL AND v{at} IS NULL"))),
        ] {
            let Some(value) = value else { continue };
            for name in called(measure, what, names) {
                push(&mut outer, &format!("{value} AS {}", quoted(&name)));
            }
        }
    }
    let keys = contract.series_fields().count();
    let groups: Vec<String> = (1..=keys + 1).map(|place| place.to_string()).collect();
    let (agency, dataset) = (call.dataset.agency(), call.dataset.name());
    let from = format!("{}.{}", quoted(agency.as_str()), quoted(&inner_name(dataset)));
    let bounds = match (&call.start, &call.finish) {
        (Some(start), Some(finish)) => within(time, &instant, start, finish),
        _ => String::new(),
    };
    let [kept, of_rows] =
        parts.map(|inner| format!("({inner} FROM {from}{bounds} GROUP BY {})", groups.join(", ")));
    let mut same: Vec<String> = (0..keys).map(|at| format!("k{at}")).collect();
    same.push("bucket".to_owned());
    Ok(match splits {
        true => {
            format!("{outer} FROM {kept} grid JOIN {of_rows} beside USING ({})", same.join(", "))
        }
        false => format!("{outer} FROM {kept} grid"),
    })
}

/// Whether a measure needs rows: rollups have neither directions nor what came first or last.
fn is_of_rows(measure: &Measure<'_>) -> bool {
    matches!(measure.way, Way::Vector(_) | Way::As(Aggregate::First | Aggregate::Last))
}

/// Whether it pays to read some measures beside the others: rollups may answer these, their buckets being of
/// several rows and of whole hours, and rows of both fit together, each having its series and a time.
fn splits(measures: &[Measure<'_>], contract: &Contract, time: &Field, width: Step) -> bool {
    const HOUR_US: i64 = 3_600_000_000;
    let seldom = match (width, time.interval) {
        (Step::Months(_), _) => true,
        (Step::Micros(width), interval) => {
            let most = interval.filter(|interval| interval.months() == 0);
            let rare = most.is_none_or(|each| width >= 2 * 1_000_000 * each.seconds() as i64);
            width % HOUR_US == 0 && rare
        }
    };
    let whole = contract.series_fields().chain([time]).all(|field| contract.is_required(field));
    seldom && whole && measures.iter().any(is_of_rows) && !measures.iter().all(is_of_rows)
}

fn push(list: &mut String, item: &str) {
    if !list.ends_with("SELECT ") {
        list.push_str(", ");
    }
    list.push_str(item);
}

pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn instant_literal(text: &str) -> String {
    format!("CAST({} AS TIMESTAMP WITH TIME ZONE)", literal(text))
}

fn is_time(text: &str) -> bool {
    let text = rewritten(text, true).unwrap_or_else(|| text.to_owned());
    let zoned = DataType::Timestamp(TimeUnit::Microsecond, Some(ZONE_NAME.into()));
    ScalarValue::from(text.as_str()).cast_to(&zoned).is_ok_and(|time| !time.is_null())
}

fn step(text: &str) -> Result<Step, QueryError> {
    Step::of(&ScalarValue::from(text))
        .map_err(|error| classify(&error, &classify::Context::default()))
}

/// An instant within the interval that a row is of, as an expression of its time; the bucket that holds it is
/// the row's. None where times are years.
fn instant(time: &Field) -> Option<String> {
    let column = quoted(&time.name);
    let ends = time.label == Some(Label::End);
    Some(match time.field_type {
        // The last instant of an interval that ends here. Rollups know this form.
        FieldType::Datetime if ends => format!("{column} - INTERVAL '1 microsecond'"),
        FieldType::Datetime => column,
        FieldType::Date | FieldType::Yearmonth => {
            let day = match (ends, time.interval) {
                (true, Some(interval)) => format!("period_start({column}, '{interval}', 'end')"),
                _ => column,
            };
            format!("arrow_cast({day}, 'Timestamp(Microsecond, Some(\"Asia/Tokyo\"))')")
        }
        _ => return None,
    })
}

/// Rows whose buckets are in the range, said of the time itself where that is an instant.
fn within(time: &Field, instant: &str, start: &str, finish: &str) -> String {
    let (start, finish) = (instant_literal(start), instant_literal(finish));
    let column = quoted(&time.name);
    match (time.field_type, time.label) {
        (FieldType::Datetime, Some(Label::End)) => {
            format!(" WHERE {column} > {start} AND {column} <= {finish}")
        }
        (FieldType::Datetime, _) => format!(" WHERE {column} >= {start} AND {column} < {finish}"),
        _ => format!(" WHERE {instant} >= {start} AND {instant} < {finish}"),
    }
}

/// The names that the query has for a column.
fn shown_names<'a>(contract: &Contract, field: &'a Field, shown: &'a [Exposed]) -> Vec<&'a str> {
    let place = contract.fields.iter().position(|other| other == field);
    let names = shown.iter().filter(|column| Some(column.index) == place);
    names.map(|column| column.name.as_str()).collect()
}

/// The names of a measure that bears its method, or of what stands beside one. It is called after the column's
/// own name, and after its alias where the query does so.
fn called(measure: &Measure<'_>, what: &str, names: &Names) -> Vec<String> {
    let field = measure.field;
    let mut made: Vec<String> = [Some(field.name.as_str()), field.alias.as_deref()]
        .into_iter()
        .flatten()
        .map(|name| format!("{}{what}", measure.shown(name)))
        .collect();
    let used: Vec<String> =
        made.iter().filter(|name| names.columns.contains(*name)).cloned().collect();
    if used.is_empty() {
        made.truncate(1);
        return made;
    }
    used
}

fn aggregate(measure: &Measure<'_>, instant: &str) -> String {
    let column = quoted(&measure.field.name);
    let of = |function: &str| format!("{function}({column})");
    match measure.way {
        Way::As(Aggregate::Mean) => of("avg"),
        Way::As(Aggregate::Sum) => of("sum"),
        Way::As(Aggregate::Min) => of("min"),
        Way::As(Aggregate::Max) => of("max"),
        Way::As(Aggregate::Count) => of("count"),
        Way::As(Aggregate::First) => {
            format!("first_value({column} ORDER BY {instant}) FILTER (WHERE {column} IS NOT NULL)")
        }
        Way::As(Aggregate::Last) => {
            format!("last_value({column} ORDER BY {instant}) FILTER (WHERE {column} IS NOT NULL)")
        }
        Way::Vector(speed) => {
            let length = speed.map_or_else(|| "1.0".to_owned(), |speed| quoted(&speed.name));
            let east = format!("sum({length} * sin(radians({column})))");
            let north = format!("sum({length} * cos(radians({column})))");
            let angle = format!("degrees(atan2({east}, {north}))");
            // Winds that cancel each other out have no direction, but for rounding.
            format!(
                "CASE WHEN sqrt(power({east}, 2) + power({north}, 2)) > 1e-9 * sum(abs({length})) \
                 THEN CASE WHEN {angle} <= 0 THEN {angle} + 360 ELSE {angle} END END"
            )
        }
    }
}

/// Whether what lies between two values can be told: between directions or first values it can't.
fn is_interpolated(measure: &Measure<'_>) -> bool {
    matches!(
        measure.way,
        Way::As(
            Aggregate::Mean | Aggregate::Sum | Aggregate::Min | Aggregate::Max | Aggregate::Count
        )
    ) && matches!(measure.field.field_type, FieldType::Number | FieldType::Integer)
}

/// The value with its unit, where the way changes it or hides it from who reads the query.
fn in_unit(measure: &Measure<'_>, value: &str, interval: Option<Interval>) -> String {
    let unit = match (measure.way, &measure.field.unit) {
        (Way::Vector(_), _) => Some("deg"),
        (Way::As(Aggregate::Sum), Some(unit)) => amount_of_rate(unit, interval),
        _ => None,
    };
    match unit {
        Some(unit) => format!("convert({value} * 1.0, {0}, {0})", literal(unit)),
        None => value.to_owned(),
    }
}

/// How many values a bucket should hold, as an expression; none where the contract has no interval.
fn expected(width: Step, interval: Option<Interval>, bucket: &str, text: &str) -> Option<String> {
    let interval = interval?;
    let seconds = interval.seconds() as f64;
    // A grid finer than the data has one value at most in each bucket.
    let at_least_one = |expected: f64| format!("{:?}", expected.max(1.0));
    match (width, interval.months()) {
        (Step::Micros(width), 0) => Some(at_least_one(width as f64 / 1e6 / seconds)),
        (Step::Months(width), 0) => Some(format!(
            "(date_part('epoch', {bucket} + INTERVAL {} - {bucket}) / {seconds:?})",
            literal(&interval_text(width, text))
        )),
        (Step::Months(width), months) => Some(at_least_one(width as f64 / f64::from(months))),
        // A month's values on a grid of days: one where it begins.
        (Step::Micros(width), _) if width < 28 * 86_400 * 1_000_000 => Some("1.0".to_owned()),
        (Step::Micros(_), _) => None,
    }
}

/// The width in the form of SQL.
fn interval_text(months: i64, text: &str) -> String {
    if text.starts_with('P') { format!("{months} months") } else { text.to_owned() }
}
