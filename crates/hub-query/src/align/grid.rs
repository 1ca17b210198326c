//! Measures of several datasets on one grid, without SQL: a request becomes a statement over calls of `align`,
//! which goes the way of every other statement.

use std::sync::Arc;

use datafusion::sql::unparser::expr_to_sql;
use hub_model::{Aggregate, Contract, DatasetId, Field};

use super::{
    AlignCall, FillMethod, Measure,
    statement::{self, literal, quoted},
};
use crate::{
    classify::asking,
    error::{Position, QueryError},
    filter::{FilterOperator, RowFilter},
    suggest::nearest,
};

/// Measures that one grid may have.
const MAX_MEASURES: usize = 50;

/// A column of a dataset, and how its values are put together where that is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GridMeasure {
    /// The dataset.
    pub dataset: DatasetId,
    /// The column's name or alias.
    pub column: String,
    /// `mean`, `sum`, `min`, `max`, `first`, `last` or `count`.
    pub method: Option<String>,
}

/// What is put on one grid.
#[derive(Debug, Clone, Default)]
pub struct GridRequest {
    /// The measures, in the order of the answer's columns.
    pub measures: Vec<GridMeasure>,
    /// The width of the grid, as an interval's text.
    pub every: String,
    /// Where the grid begins; with an end every bucket between is a row.
    pub from: Option<String>,
    /// The time before which its last bucket begins.
    pub to: Option<String>,
    /// Columns that name series in every dataset, by which rows are joined beside the time.
    pub by: Vec<String>,
    /// Conditions on columns that name series, of one dataset or of all that have the column.
    pub filters: Vec<(Option<DatasetId>, RowFilter)>,
    /// `none`, `locf` or `interpolate`.
    pub fill: Option<String>,
    /// The greatest gap that is filled, as an interval's text.
    pub max_gap: Option<String>,
    /// The share of good values below which a value is left out.
    pub min_coverage: Option<f64>,
}

/// One dataset's part of the grid.
struct Part<'a> {
    contract: &'a Contract,
    call: AlignCall,
    /// The places of its measures among those asked for.
    places: Vec<usize>,
    /// Columns by which it is joined.
    by: Vec<&'a Field>,
    /// Columns that name several series of it.
    free: Vec<&'a Field>,
    conditions: Vec<String>,
}

impl GridRequest {
    /// The datasets that are read, each once.
    pub fn datasets(&self) -> Vec<&DatasetId> {
        let mut datasets: Vec<&DatasetId> = Vec::new();
        for measure in &self.measures {
            if !datasets.contains(&&measure.dataset) {
                datasets.push(&measure.dataset);
            }
        }
        datasets
    }

    /// The statement that answers it, where these are the contracts of its datasets.
    pub fn statement(
        &self,
        contracts: &[(DatasetId, Arc<Contract>)],
    ) -> Result<String, QueryError> {
        if self.measures.is_empty() || self.measures.len() > MAX_MEASURES {
            return Err(QueryError::request(format!(
                "name 1 to {MAX_MEASURES} measures, as in measure=agency.dataset.column or \
                 measure=agency.dataset.column:sum"
            )));
        }
        let mut parts = Vec::new();
        for dataset in self.datasets() {
            let contract = contracts.iter().find(|(id, _)| id == dataset);
            let Some((_, contract)) = contract else {
                return Err(QueryError::internal("a grid of a dataset without its contract"));
            };
            parts.push(self.part(dataset, contract)?);
        }
        self.check_filters(&parts)?;
        let several: Vec<&DatasetId> = parts
            .iter()
            .filter(|part| !part.free.is_empty())
            .map(|part| &part.call.dataset)
            .collect();
        if let [first, second, ..] = several.as_slice() {
            let open = parts.iter().flat_map(|p| p.free.iter().map(|f| (&p.call.dataset, &f.name)));
            let open: Vec<_> =
                open.map(|(dataset, name)| format!("{dataset}.{name}=eq.…")).collect();
            return Err(QueryError::request(format!(
                "{first} and {second} both show several series, and every one of the first would be joined \
                 with every one of the second; choose one series by {}, or join by a column that both have \
                 with by=…",
                open.join(" or ")
            )));
        }
        parts.sort_by_key(|part| part.free.is_empty());
        Ok(self.text(&parts))
    }

    fn part<'a>(
        &self,
        dataset: &DatasetId,
        contract: &'a Contract,
    ) -> Result<Part<'a>, QueryError> {
        let places: Vec<usize> =
            (0..self.measures.len()).filter(|at| self.measures[*at].dataset == *dataset).collect();
        let mut measures = Vec::new();
        for place in &places {
            let GridMeasure { column, method, .. } = &self.measures[*place];
            let method = method.as_deref().map(|word| {
                Aggregate::parse(word).ok_or_else(|| QueryError::InvalidRequest {
                    message: format!(
                        "{word:?} is no way to put values together; use {}",
                        Aggregate::WORDS.join(", ")
                    ),
                    suggestions: nearest(word, Aggregate::WORDS),
                })
            });
            measures.push((column.clone(), method.transpose()?));
        }
        let fill = match self.fill.as_deref() {
            None | Some("none") => None,
            Some("locf") => Some(FillMethod::Locf),
            Some("interpolate") => Some(FillMethod::Interpolate),
            Some(other) => {
                return Err(QueryError::request(format!(
                    "fill is none, locf or interpolate, not {other:?}"
                )));
            }
        };
        if self.from.is_some() != self.to.is_some() {
            return Err(QueryError::request("give both from and to, or none of them"));
        }
        if self.max_gap.is_some() && fill.is_none() {
            return Err(QueryError::request(
                "max_gap is the greatest gap to fill; give fill=locf or fill=interpolate with it",
            ));
        }
        let call = AlignCall {
            dataset: dataset.clone(),
            width: self.every.clone(),
            method: None,
            measures,
            start: self.from.clone(),
            finish: self.to.clone(),
            fill,
            max_gap: self.max_gap.clone(),
            min_coverage: self.min_coverage,
            position: Position { line: 1, column: 1 },
        };
        statement::check(&call, contract).map_err(of_request)?;
        let series: Vec<&Field> = contract.series_fields().collect();
        let named = |name: &str| {
            series.iter().copied().find(|f| f.name == name || f.alias.as_deref() == Some(name))
        };
        let keys = || series.iter().map(|field| field.name.as_str());
        let mut by = Vec::new();
        for name in &self.by {
            by.push(named(name).ok_or_else(|| {
                let suggestions = nearest(name, keys());
                let own = keys().collect::<Vec<_>>().join(", ");
                let message =
                    format!("{dataset} has no series by {name:?}; its series are named by {own}");
                QueryError::InvalidRequest { message: asking(&message, &suggestions), suggestions }
            })?);
        }
        let mut conditions = Vec::new();
        let mut fixed = Vec::new();
        for (of, filter) in &self.filters {
            if of.as_ref().is_some_and(|of| of != dataset) {
                continue;
            }
            let Some(field) = named(&filter.column) else {
                if of.is_none() {
                    continue;
                }
                let suggestions = nearest(&filter.column, keys());
                let own = keys().collect::<Vec<_>>().join(", ");
                let message = format!(
                    "{dataset}.{} is no column that names series, and only by these may be chosen: {own}",
                    filter.column
                );
                return Err(QueryError::InvalidRequest {
                    message: asking(&message, &suggestions),
                    suggestions,
                });
            };
            if filter.operator == FilterOperator::Eq {
                fixed.push(field);
            }
            let condition = expr_to_sql(&filter.expression(contract)?);
            conditions
                .push(condition.map_err(|e| QueryError::internal(e.to_string()))?.to_string());
        }
        let free =
            series.iter().copied().filter(|f| !by.contains(f) && !fixed.contains(f)).collect();
        Ok(Part { contract, call, places, by, free, conditions })
    }

    /// Every condition must be about some dataset.
    fn check_filters(&self, parts: &[Part<'_>]) -> Result<(), QueryError> {
        for (of, filter) in &self.filters {
            let names = || {
                let fields = parts.iter().flat_map(|part| part.contract.series_fields());
                fields
                    .flat_map(|field| [Some(field.name.as_str()), field.alias.as_deref()])
                    .flatten()
            };
            let known = match of {
                Some(of) => parts.iter().any(|part| part.call.dataset == *of),
                None => names().any(|name| name == filter.column),
            };
            if !known {
                let suggestions = nearest(&filter.column, names());
                let shown = of.as_ref().map_or_else(String::new, |of| format!("{of}."));
                let message = format!(
                    "{shown}{} is neither a parameter nor a column by which a measured dataset names its series",
                    filter.column
                );
                return Err(QueryError::InvalidRequest {
                    message: asking(&message, &suggestions),
                    suggestions,
                });
            }
        }
        Ok(())
    }

    fn text(&self, parts: &[Part<'_>]) -> String {
        let all = |column: &str, count: usize| match count {
            1 => format!("a0.{column}"),
            _ => {
                let each: Vec<_> = (0..count).map(|at| format!("a{at}.{column}")).collect();
                format!("coalesce({})", each.join(", "))
            }
        };
        let mut selected = vec![format!("{} AS \"time\"", all("t", parts.len()))];
        let mut ordered = Vec::new();
        for (at, name) in self.by.iter().enumerate() {
            selected.push(format!("{} AS {}", all(&format!("b{at}"), parts.len()), quoted(name)));
            ordered.push(selected.len().to_string());
        }
        for (at, field) in parts[0].free.iter().enumerate() {
            selected.push(format!("a0.k{at} AS {}", quoted(&field.name)));
            ordered.push(selected.len().to_string());
        }
        ordered.push("1".to_owned());
        let mut measured = vec![String::new(); self.measures.len()];
        let mut from = String::new();
        for (number, part) in parts.iter().enumerate() {
            for (at, place) in part.places.iter().enumerate() {
                let name = self.measures[*place].shown();
                let mut columns = format!(
                    "a{number}.v{at} AS {}, a{number}.c{at} AS {}",
                    quoted(&name),
                    quoted(&format!("{name}_coverage"))
                );
                if part.call.fill.is_some() {
                    columns +=
                        &format!(", a{number}.f{at} AS {}", quoted(&format!("{name}_filled")));
                }
                measured[*place] = columns;
            }
            // A bucket that only one of them has is kept; it is of no series of the others.
            let join = if number > 0 { " FULL JOIN " } else { "" };
            from += &format!("{join}({}) a{number}", part.text());
            if number > 0 {
                let columns = (0..self.by.len()).map(|at| format!("b{at}"));
                let equal = std::iter::once("t".to_owned()).chain(columns);
                let equal = equal.map(|c| format!("{} = a{number}.{c}", all(&c, number)));
                from += &format!(" ON {}", equal.collect::<Vec<_>>().join(" AND "));
            }
        }
        selected.extend(measured);
        format!("SELECT {} FROM {from} ORDER BY {}", selected.join(", "), ordered.join(", "))
    }
}

impl GridMeasure {
    /// What its column is called.
    fn shown(&self) -> String {
        let method = self.method.as_ref().map_or_else(String::new, |method| format!("_{method}"));
        format!("{}.{}{method}", self.dataset, self.column)
    }
}

impl Part<'_> {
    /// The dataset's grid, its columns under short names.
    fn text(&self) -> String {
        let call = &self.call;
        let mut columns = Vec::new();
        let named = |field: &Field, name: String| format!("{} AS {name}", quoted(&field.name));
        columns.extend(self.contract.time_field().map(|time| named(time, "t".to_owned())));
        columns
            .extend(self.by.iter().enumerate().map(|(at, field)| named(field, format!("b{at}"))));
        columns
            .extend(self.free.iter().enumerate().map(|(at, field)| named(field, format!("k{at}"))));
        let mut arguments = vec![literal(&call.dataset.to_string()), literal(&call.width)];
        for (at, measure) in Measure::of(call, self.contract).into_iter().flatten().enumerate() {
            let name = measure.shown(&measure.field.name);
            columns.push(format!("{} AS v{at}", quoted(&name)));
            columns.push(format!("{} AS c{at}", quoted(&format!("{name}_coverage"))));
            if call.fill.is_some() {
                columns.push(format!("{} AS f{at}", quoted(&format!("{name}_filled"))));
            }
            let method =
                measure.suffix.map_or_else(String::new, |method| format!(":{}", method.as_str()));
            arguments.push(literal(&format!("{}{method}", measure.field.name)));
        }
        let mut option = |name: &str, value: Option<String>| {
            arguments.extend(value.map(|value| format!("{name} => {value}")));
        };
        let fill = call.fill.map(|fill| match fill {
            FillMethod::Locf => "'locf'".to_owned(),
            FillMethod::Interpolate => "'interpolate'".to_owned(),
        });
        option("fill", fill);
        option("max_gap", call.max_gap.as_deref().map(literal));
        option("min_coverage", call.min_coverage.map(|share| format!("{share:?}")));
        option("start", call.start.as_deref().map(literal));
        option("finish", call.finish.as_deref().map(literal));
        let conditions = match self.conditions.as_slice() {
            [] => String::new(),
            conditions => format!(" WHERE {}", conditions.join(" AND ")),
        };
        format!("SELECT {} FROM align({}) g{conditions}", columns.join(", "), arguments.join(", "))
    }
}

/// An error about a call, for somebody who wrote no SQL.
fn of_request(error: QueryError) -> QueryError {
    match error {
        QueryError::InvalidSql { message, suggestions, .. } => {
            QueryError::InvalidRequest { message, suggestions }
        }
        other => other,
    }
}
