//! The statements that join two datasets, ready to run.

use std::collections::HashSet;

use hub_model::{Contract, DatasetId, Field, FieldRole, FieldType};
use hub_query::fitting_aggregate;

use super::grid::Grid;

/// How many columns of each side are shown beside the keys.
const SHOWN: usize = 3;

/// One side of a join.
#[derive(Debug, Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) id: &'a DatasetId,
    pub(super) contract: &'a Contract,
    /// The one series whose rows are read, by its columns; of all series where there are none.
    pub(super) only: &'a [(&'a Field, String)],
}

impl Side<'_> {
    /// The condition that chooses the series.
    fn condition(&self) -> String {
        let equal = self.only.iter().map(|(field, value)| match field.field_type {
            FieldType::Integer => format!("{} = {value}", quoted(field)),
            _ => format!("{} = '{}'", quoted(field), value.replace('\'', "''")),
        });
        equal.collect::<Vec<_>>().join(" AND ")
    }
}

/// A pair of equal columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Equal<'a> {
    pub(super) own: &'a Field,
    pub(super) other: &'a Field,
}

/// A statement in its parts, so that its rows can be counted without being made.
#[derive(Debug)]
pub(super) struct Statement {
    with: String,
    shown: Vec<String>,
    from: String,
    order: String,
    /// How each side's values are put together, where they are, in the order of their columns.
    pub(super) ways: [Vec<&'static str>; 2],
    /// What chooses the series of each side; nothing where all are read.
    pub(super) chosen: [String; 2],
}

impl Statement {
    /// The statement.
    pub(super) fn text(&self) -> String {
        let Self { with, shown, from, order, .. } = self;
        format!("{with}SELECT {}\n{from}{order}", shown.join(", "))
    }

    /// The statement that counts its rows.
    pub(super) fn counting(&self) -> String {
        format!("{}SELECT count(*) AS n\n{}", self.with, self.from)
    }

    /// Each row of the one with the rows of the other that have the same keys.
    pub(super) fn by_keys(own: Side<'_>, other: Side<'_>, keys: &[Equal<'_>]) -> Self {
        let mut names = Names::default();
        let shown = names.plain(own, other, keys);
        let on: Vec<String> = keys.iter().map(|pair| equal(pair)).collect();
        Self {
            with: String::new(),
            shown,
            from: format!("FROM {} a\nJOIN {} b ON {}", own.id, other.id, on.join(" AND ")),
            order: String::new(),
            ways: Default::default(),
            chosen: Default::default(),
        }
    }

    /// Each row of the one with the last row of the other at or before its time that has the same keys.
    pub(super) fn as_of(
        own: Side<'_>,
        other: Side<'_>,
        keys: &[Equal<'_>],
        times: Equal<'_>,
    ) -> Self {
        let mut names = Names::default();
        let shown = names.plain(own, other, keys);
        let on: Vec<String> = keys.iter().map(|pair| equal(pair)).collect();
        let (a, b) = (quoted(times.own), quoted(times.other));
        Self {
            with: String::new(),
            shown,
            from: format!(
                "FROM {} a\nINNER ASOF JOIN {} b\n  MATCH_CONDITION (a.{a} >= b.{b})\n  ON {}",
                own.id,
                other.id,
                on.join(" AND ")
            ),
            order: String::new(),
            ways: Default::default(),
            chosen: Default::default(),
        }
    }

    /// Both brought to one grid of time, and joined by it and by the keys.
    pub(super) fn on_grid(
        own: Side<'_>,
        other: Side<'_>,
        keys: &[Equal<'_>],
        times: Equal<'_>,
        grid: Grid,
    ) -> Self {
        let mut names = Names::default();
        let period = names.free("period");
        let key_names: Vec<String> =
            keys.iter().map(|pair| names.free(&shown_name(pair.own))).collect();
        let mut shown: Vec<String> =
            key_names.iter().chain([&period]).map(|name| format!("a.{}", ident(name))).collect();
        let mut ways: [Vec<&'static str>; 2] = Default::default();
        let mut part = |place: usize, side: Side<'_>, fields: Vec<&Field>, time: &Field| {
            let table = ["a", "b"][place];
            let mut columns: Vec<String> = fields
                .iter()
                .zip(&key_names)
                .map(|(field, name)| as_named(quoted(field), &quoted(field), name))
                .collect();
            columns.push(format!("{} AS {}", grid.stretch(time), ident(&period)));
            let groups: Vec<String> = (1..=columns.len()).map(|at| at.to_string()).collect();
            let count = names.free(&format!("rows_of_{}", side.id.name()));
            columns.push(format!("count(*) AS {}", ident(&count)));
            shown.push(format!("{table}.{}", ident(&count)));
            let numbers = side.contract.fields.iter().filter(|field| is_number(field));
            let fitting = numbers.filter_map(|f| Some((f, fitting_aggregate(side.contract, f)?)));
            for (field, aggregate) in fitting.take(SHOWN) {
                let what = if aggregate == "avg" { "mean" } else { aggregate };
                if !ways[place].contains(&what) {
                    ways[place].push(what);
                }
                let name = names.free(&format!("{what}_{}", shown_name(field)));
                columns.push(format!("{aggregate}({}) AS {}", quoted(field), ident(&name)));
                shown.push(format!("{table}.{}", ident(&name)));
            }
            let condition = side.condition();
            let filter = if condition.is_empty() { "" } else { " WHERE " };
            format!(
                "{table} AS (\n  SELECT {}\n  FROM {}{filter}{condition} GROUP BY {})",
                columns.join(", "),
                side.id,
                groups.join(", ")
            )
        };
        let a = part(0, own, keys.iter().map(|pair| pair.own).collect(), times.own);
        let b = part(1, other, keys.iter().map(|pair| pair.other).collect(), times.other);
        let on: Vec<String> = key_names
            .iter()
            .chain([&period])
            .map(|name| format!("b.{0} = a.{0}", ident(name)))
            .collect();
        let order: Vec<String> = (1..=key_names.len() + 1).map(|at| at.to_string()).collect();
        Self {
            with: format!("WITH {a},\n{b}\n"),
            shown,
            from: format!("FROM a JOIN b ON {}", on.join(" AND ")),
            order: format!("\nORDER BY {}", order.join(", ")),
            ways,
            chosen: [own.condition(), other.condition()],
        }
    }
}

/// The names that a statement shows, each once.
#[derive(Default)]
struct Names(HashSet<String>);

impl Names {
    /// The name, or one like it that is not taken yet.
    fn free(&mut self, name: &str) -> String {
        let name = name.to_lowercase();
        let others = (2..).map(|number| format!("{name}_{number}"));
        let free = std::iter::once(name.clone()).chain(others).find(|name| !self.0.contains(name));
        let free = free.unwrap_or(name);
        self.0.insert(free.clone());
        free
    }

    fn shown(&mut self, table: &str, field: &Field) -> String {
        let name = self.free(&shown_name(field));
        as_named(format!("{table}.{}", quoted(field)), &quoted(field), &name)
    }

    /// Keys, time and some values of the one, and some of what the other knows.
    fn plain(&mut self, own: Side<'_>, other: Side<'_>, keys: &[Equal<'_>]) -> Vec<String> {
        let mut shown: Vec<String> = keys.iter().map(|pair| self.shown("a", pair.own)).collect();
        let (own_keys, other_keys): (Vec<&str>, Vec<&str>) =
            keys.iter().map(|pair| (pair.own.name.as_str(), pair.other.name.as_str())).unzip();
        let own_rest = own.contract.fields.iter().filter(|field| {
            !own_keys.contains(&field.name.as_str())
                && matches!(field.role, FieldRole::Key | FieldRole::Time | FieldRole::Value)
        });
        shown.extend(own_rest.take(SHOWN).map(|field| self.shown("a", field)));
        let other_rest = other.contract.fields.iter().filter(|field| {
            !other_keys.contains(&field.name.as_str()) && field.role != FieldRole::Quality
        });
        shown.extend(other_rest.take(SHOWN).map(|field| self.shown("b", field)));
        shown
    }
}

fn equal(pair: &Equal<'_>) -> String {
    format!("b.{} = a.{}", quoted(pair.other), quoted(pair.own))
}

fn as_named(expression: String, own: &str, name: &str) -> String {
    let name = ident(name);
    if own == name { expression } else { format!("{expression} AS {name}") }
}

fn is_number(field: &Field) -> bool {
    field.role == FieldRole::Value
        && matches!(field.field_type, FieldType::Integer | FieldType::Number)
}

/// What an answer calls a column: its alias, which needs no quotes, where it was given one. One that was made
/// for storage says nothing.
fn shown_name(field: &Field) -> String {
    let is_made = |alias: &str| {
        let number = alias.strip_prefix("column_").unwrap_or_default();
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    field.alias.as_deref().filter(|alias| !is_made(alias)).unwrap_or(&field.name).to_owned()
}

/// A column as SQL takes it: by its contract's name, which no other table's column can take away.
pub(super) fn quoted(field: &Field) -> String {
    ident(&field.name)
}

/// Words that would not be taken for names.
const TAKEN: [&str; 24] = [
    "all", "and", "as", "by", "case", "cast", "cross", "distinct", "end", "from", "group",
    "having", "in", "join", "limit", "not", "null", "on", "or", "order", "select", "table",
    "where", "with",
];

fn ident(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && !TAKEN.contains(&name);
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_put_together_as_their_units_suggest() {
        let contract = |fields: &str| {
            let time = r#"{"name":"time","type":"datetime","role":"time","interval":"PT1H","label":"end"}"#;
            Contract::parse(
                format!(r#"{{"fields":[{time},{fields}],"primaryKey":["time"]}}"#).as_bytes(),
            )
            .unwrap()
        };
        let sky = contract(
            r#"{"name":"rain","type":"number","role":"value","unit":"mm"},
               {"name":"wind_direction","type":"number","role":"value","unit":"deg"},
               {"name":"temperature","type":"number","role":"value","unit":"Cel"}"#,
        );
        let road = contract(r#"{"name":"cars","type":"integer","role":"value"}"#);
        let id = |name: &str| DatasetId::parse(&format!("otaru.{name}")).unwrap();
        let (own_id, other_id) = (id("sky"), id("road"));
        let times = Equal { own: sky.time_field().unwrap(), other: road.time_field().unwrap() };
        let (own, other) = (
            Side { id: &own_id, contract: &sky, only: &[] },
            Side { id: &other_id, contract: &road, only: &[] },
        );
        let statement = Statement::on_grid(own, other, &[], times, Grid::Day);
        assert_eq!(statement.ways, [vec!["sum", "mean"], vec!["sum"]]);
        let sql = statement.text();
        let columns = "count(*) AS rows_of_sky, sum(rain) AS sum_rain, avg(temperature) AS mean_temperature\n";
        assert!(sql.contains(columns), "{sql}");
        assert!(sql.contains("count(*) AS rows_of_road, sum(cars) AS sum_cars\n"), "{sql}");
    }

    #[test]
    fn names_are_quoted_where_they_must_be_and_stand_once() {
        assert_eq!(ident("station_id"), "station_id");
        for (name, quoted) in [("水位", "\"水位\""), ("Level", "\"Level\""), ("order", "\"order\"")]
        {
            assert_eq!(ident(name), quoted);
        }
        assert_eq!(ident("a\" b"), "\"a\"\" b\"");
        let mut names = Names::default();
        assert_eq!(
            [names.free("x"), names.free("X"), names.free("x")],
            ["x".to_owned(), "x_2".to_owned(), "x_3".to_owned()]
        );
    }
}
