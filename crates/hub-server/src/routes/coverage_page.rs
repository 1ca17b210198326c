//! The page at `/coverage`: datasets by months as a table of shades, for whoever comes.

use std::{fmt::Write, time::Duration};

use axum::{extract::State, response::Response};
use chrono::{Datelike, Months, NaiveDate, TimeDelta};
use hub_app::{Coverage, CoveredStretch, StandingSummary};
use hub_model::{DatasetId, Freshness, Principal, Text, format_instant};
use serde::Deserialize;

use super::{
    home::{escape, html_page},
    page_cursor,
};
use crate::{extract::Params, problem::Problem, state::ServerState};

/// How many datasets a page shows.
const LISTED: usize = 50;

/// How many months a page shows.
const MONTHS: u32 = 24;

/// How long the page waits for what has not been counted yet.
const PATIENCE: Duration = Duration::from_secs(8);

/// Which part of the table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CoveragePageQuery {
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// The last month shown; the newest that has data where nothing is said.
    until: Option<String>,
}

/// Shows what anyone may see.
pub(crate) async fn show_coverage(
    State(state): State<ServerState>,
    Params(query): Params<CoveragePageQuery>,
) -> Result<Response, Problem> {
    let anyone = Principal::Anonymous;
    let after = page_cursor::<DatasetId>(query.cursor.as_deref())?;
    let until = query.until.as_deref().map(month_of).transpose()?;
    let listed = state.app.standings(&anyone, after, LISTED).await?;
    let ids: Vec<DatasetId> =
        listed.datasets.iter().map(|one| one.dataset.record.id.clone()).collect();
    let coverage = state.app.coverage_of(&anyone, &ids, PATIENCE).await?;
    let until = until.unwrap_or_else(|| newest_month(&listed.datasets));
    let months = months_until(until);

    let mut heads = String::new();
    for month in &months {
        let _ = write!(heads, "<th scope=\"col\">{}</th>", month.format("%y‑%m"));
    }
    let mut rows = String::new();
    for (one, coverage) in listed.datasets.iter().zip(&coverage) {
        row(&mut rows, one, coverage.as_deref(), &months);
    }
    let cursor = query.cursor.as_deref().map(|cursor| format!("&amp;cursor={}", escape(cursor)));
    let cursor = cursor.unwrap_or_default();
    let link = |month: Option<NaiveDate>, text: &str| match month {
        Some(month) => {
            format!("<a href=\"/coverage?until={}{cursor}\">{text}</a>", month.format("%Y-%m"))
        }
        None => String::new(),
    };
    let earlier = link(
        until.checked_sub_months(Months::new(MONTHS)),
        "← earlier <span lang=\"ja\">前の期間</span>",
    );
    let later = match query.until {
        Some(_) => link(
            until.checked_add_months(Months::new(MONTHS)),
            "later <span lang=\"ja\">後の期間</span> →",
        ),
        None => String::new(),
    };
    let more = listed.next.map_or_else(String::new, |next| {
        let until = query.until.as_deref().map(|_| format!("&amp;until={}", until.format("%Y-%m")));
        format!(
            "<p><a href=\"/coverage?cursor={next}{}\">More datasets <span lang=\"ja\">続き</span> →</a></p>",
            until.unwrap_or_default()
        )
    });
    let empty = if listed.datasets.is_empty() {
        "<p>There are no datasets here. <span lang=\"ja\">データセットはありません。</span></p>"
    } else {
        ""
    };
    let html = include_str!("coverage_page.html")
        .replace("{{earlier}}", &earlier)
        .replace("{{later}}", &later)
        .replace("{{months}}", &heads)
        .replace("{{empty}}", empty)
        .replace("{{more}}", &more)
        .replace("{{rows}}", &rows);
    Ok(html_page(html))
}

fn month_of(text: &str) -> Result<NaiveDate, Problem> {
    let month = format!("{text}-01").parse::<NaiveDate>().ok();
    month.filter(|month| (1..=9_990).contains(&month.year())).ok_or_else(|| {
        Problem::parameter(
            "until",
            Text::new("2026-04 のように月を指定してください", "give a month as 2026-04"),
        )
    })
}

/// The newest month that has data and is not ahead of the clock; the present one where there is none.
fn newest_month(listed: &[StandingSummary]) -> NaiveDate {
    let today = chrono::Utc::now().with_timezone(&hub_model::TOKYO).date_naive();
    let last = |one: &StandingSummary| one.standing.period.as_ref().map(|period| period.days().1);
    let newest = listed.iter().filter_map(last).filter(|day| *day <= today).max();
    newest.unwrap_or(today).with_day(1).unwrap_or(today)
}

/// The months up to this one, the oldest first.
fn months_until(until: NaiveDate) -> Vec<NaiveDate> {
    (0..MONTHS).rev().filter_map(|back| until.checked_sub_months(Months::new(back))).collect()
}

fn row(
    rows: &mut String,
    one: &StandingSummary,
    coverage: Option<&Coverage>,
    months: &[NaiveDate],
) {
    let id = &one.dataset.record.id;
    let metadata = &one.dataset.record.metadata;
    let _ = write!(
        rows,
        "<tr><th scope=\"row\"><a href=\"/v1/datasets/{}/{}/coverage\"><code>{id}</code></a>\
         <small lang=\"ja\">{}</small></th>",
        id.agency(),
        id.name(),
        escape(metadata.title.ja_or_en()),
    );
    match coverage {
        Some(coverage) => months.iter().for_each(|month| cell(rows, coverage, *month)),
        // Rows that have no time have no months either.
        None if one.dataset.record.contract.time_field().is_none() => {
            let _ = write!(rows, "<td colspan=\"{MONTHS}\"></td>");
        }
        None => {
            let _ = write!(
                rows,
                "<td class=\"wait\" colspan=\"{MONTHS}\">being counted; load the page again \
                 <span lang=\"ja\">集計中です。もう一度開いてください。</span></td>"
            );
        }
    }
    let newest = one.standing.period.as_ref().map(|period| day_of(&period.last()).to_owned());
    let _ = write!(rows, "<td class=\"text\">{}</td>", newest.unwrap_or_default());
    let _ = write!(rows, "<td class=\"text\">{}</td>", due(one.standing.freshness.as_ref()));
    rows.push_str("</tr>\n");
}

/// The day of a time, or all of what is coarser.
fn day_of(time: &str) -> &str {
    time.split('T').next().unwrap_or(time)
}

fn due(freshness: Option<&Freshness>) -> String {
    let Some(freshness) = freshness else { return String::new() };
    let due = format_instant(freshness.due_at);
    match freshness.late_by {
        Some(late_by) => format!(
            "<span class=\"late\" title=\"{due}\">late by {} <span lang=\"ja\">遅れ</span></span>",
            length(late_by)
        ),
        None => format!("<span title=\"{due}\">{}</span>", day_of(&due)),
    }
}

/// A length of time by its greatest unit.
fn length(time: TimeDelta) -> String {
    match (time.num_days(), time.num_hours(), time.num_minutes()) {
        (days @ 1.., ..) => format!("{days} d"),
        (_, hours @ 1.., _) => format!("{hours} h"),
        (.., minutes) => format!("{minutes} min"),
    }
}

fn cell(rows: &mut String, coverage: &Coverage, month: NaiveDate) {
    let day = match coverage.stretch {
        hub_query::Stretch::Month => month,
        hub_query::Stretch::Year => month.with_month(1).unwrap_or(month),
    };
    let place = coverage.stretches.binary_search_by_key(&day, |stretch| stretch.first_day);
    let Some(stretch) = place.ok().map(|at| &coverage.stretches[at]) else {
        rows.push_str("<td></td>");
        return;
    };
    let (class, text) = shade(stretch);
    let _ = write!(
        rows,
        "<td class=\"{class}\" title=\"{}: {} rows\">{text}</td>",
        month.format("%Y-%m"),
        stretch.counts.rows
    );
}

/// The shade of a cell and its text: whole percents, of which only what is whole is 100.
fn shade(stretch: &CoveredStretch) -> (&'static str, String) {
    let Some(ratio) = stretch.ratio() else {
        return if stretch.counts.rows > 0 {
            ("some", "●".to_owned())
        } else {
            ("", String::new())
        };
    };
    let percent = (ratio * 100.0 + 1e-9).floor();
    let class = match percent {
        p if p < 1.0 => "c0",
        p if p < 25.0 => "c1",
        p if p < 50.0 => "c2",
        p if p < 75.0 => "c3",
        p if p < 95.0 => "c4",
        _ => "c5",
    };
    (class, format!("{percent}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_go_up_to_the_one_asked_for() {
        let months = months_until(month_of("2026-03").unwrap());
        assert_eq!(months.len(), MONTHS as usize);
        assert_eq!(months[0].to_string(), "2024-04-01");
        assert_eq!(months[23].to_string(), "2026-03-01");
        for broken in ["2026", "2026-13", "0000-01", "2026-03-01", "<script>"] {
            assert!(month_of(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn lateness_is_told_by_its_greatest_unit() {
        assert_eq!(length(TimeDelta::minutes(59)), "59 min");
        assert_eq!(length(TimeDelta::minutes(61)), "1 h");
        assert_eq!(length(TimeDelta::hours(49)), "2 d");
    }
}
