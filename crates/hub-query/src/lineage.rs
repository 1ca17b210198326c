//! Where each column of an answer comes from: which columns of which datasets, and how; and which columns
//! decide what rows there are without being in them. Told from the logical plan as the statement reads, before
//! any rule changes it. A plan holds only tables that the asker may read, so nothing else can be named.

mod expressions;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use datafusion::{
    common::{JoinType, Result, TableReference},
    logical_expr::{Aggregate, Distinct, Join, LogicalPlan, TableScan, Unnest},
};
use hub_model::{Contract, DatasetId};

use crate::{align::inner_name, parse::complete_name, quality};

/// A column of a dataset, under its contract's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatasetColumn {
    /// The dataset.
    pub dataset: DatasetId,
    /// The column.
    pub column: String,
}

/// How a value came of another, from the plainest to the most derived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Derivation {
    /// It is the value.
    Direct,
    /// It was computed from values of the same row.
    Computed,
    /// It was computed from values of several rows.
    Aggregated,
}

impl Derivation {
    /// The word in the interface.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Computed => "computed",
            Self::Aggregated => "aggregated",
        }
    }
}

/// How a column decides what rows there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Influence {
    /// Rows are left out by it.
    Filter,
    /// Rows of several tables are brought together by it.
    Join,
    /// Rows are gathered by it.
    Group,
    /// Rows are put in order by it.
    Order,
}

impl Influence {
    /// The word in the interface.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Join => "join",
            Self::Group => "group",
            Self::Order => "order",
        }
    }
}

/// Where a value comes from.
pub(crate) type Origins = BTreeMap<DatasetColumn, Derivation>;

/// One column of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnLineage {
    /// Its name.
    pub name: String,
    /// Where it comes from, and how; nothing where it is made of no data, as a count of rows is.
    pub origins: Vec<(DatasetColumn, Derivation)>,
}

/// Where an answer comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lineage {
    /// Its columns in their order.
    pub columns: Vec<ColumnLineage>,
    /// Columns that decide what rows there are, and how.
    pub influences: Vec<(DatasetColumn, Influence)>,
}

impl Lineage {
    /// Of a plan over tables of these contracts.
    pub(crate) fn of(plan: &LogicalPlan, contracts: &[(DatasetId, &Contract)]) -> Result<Self> {
        let mut walk = Walk { contracts, influences: BTreeSet::new(), recursive: HashMap::new() };
        let origins = walk.plan(plan)?;
        let names = plan.schema().fields().iter().map(|field| field.name().clone());
        let columns = names
            .zip(origins)
            .map(|(name, origins)| ColumnLineage { name, origins: origins.into_iter().collect() });
        Ok(Self { columns: columns.collect(), influences: walk.influences.into_iter().collect() })
    }
}

/// A walk over a plan, from its scans up.
struct Walk<'a> {
    contracts: &'a [(DatasetId, &'a Contract)],
    influences: BTreeSet<(DatasetColumn, Influence)>,
    /// What is known of the columns of a recursive table while its second part is looked at.
    recursive: HashMap<String, Vec<Origins>>,
}

impl Walk<'_> {
    /// Where each column of a step's output comes from.
    fn plan(&mut self, plan: &LogicalPlan) -> Result<Vec<Origins>> {
        match plan {
            LogicalPlan::TableScan(scan) => Ok(self.scan(scan)),
            LogicalPlan::Projection(projection) => {
                let input = self.plan(&projection.input)?;
                self.each(&projection.expr, projection.input.schema(), &input)
            }
            LogicalPlan::Filter(filter) => {
                let input = self.plan(&filter.input)?;
                let schema = filter.input.schema();
                self.influence(&filter.predicate, schema, &input, Influence::Filter)?;
                Ok(input)
            }
            LogicalPlan::Sort(sort) => {
                let input = self.plan(&sort.input)?;
                for key in &sort.expr {
                    self.influence(&key.expr, sort.input.schema(), &input, Influence::Order)?;
                }
                Ok(input)
            }
            LogicalPlan::Join(join) => self.join(join),
            LogicalPlan::Aggregate(aggregate) => self.aggregate(aggregate),
            LogicalPlan::Window(window) => {
                let mut input = self.plan(&window.input)?;
                let made = self.each(&window.window_expr, window.input.schema(), &input)?;
                input.extend(made);
                Ok(input)
            }
            LogicalPlan::Union(union) => {
                let mut merged: Vec<Origins> = Vec::new();
                for input in &union.inputs {
                    merge_each(&mut merged, self.plan(input)?);
                }
                Ok(merged)
            }
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let origins = self.plan(input)?;
                for column in origins.iter().flat_map(BTreeMap::keys) {
                    self.influences.insert((column.clone(), Influence::Group));
                }
                Ok(origins)
            }
            LogicalPlan::Distinct(Distinct::On(distinct)) => {
                let input = self.plan(&distinct.input)?;
                let schema = distinct.input.schema();
                for key in &distinct.on_expr {
                    self.influence(key, schema, &input, Influence::Group)?;
                }
                for key in distinct.sort_expr.iter().flatten() {
                    self.influence(&key.expr, schema, &input, Influence::Order)?;
                }
                self.each(&distinct.select_expr, schema, &input)
            }
            LogicalPlan::Unnest(unnest) => self.unnest(unnest),
            LogicalPlan::RecursiveQuery(query) => {
                let mut merged = self.plan(&query.static_term)?;
                self.recursive.insert(query.name.clone(), merged.clone());
                merge_each(&mut merged, self.plan(&query.recursive_term)?);
                Ok(merged)
            }
            LogicalPlan::SubqueryAlias(alias) => self.plan(&alias.input),
            LogicalPlan::Subquery(subquery) => self.plan(&subquery.subquery),
            LogicalPlan::Limit(limit) => self.plan(&limit.input),
            LogicalPlan::Repartition(repartition) => self.plan(&repartition.input),
            other => self.other(other),
        }
    }

    fn scan(&self, scan: &TableScan) -> Vec<Origins> {
        let fields = scan.projected_schema.fields();
        if scan.table_name.schema().is_none()
            && let Some(known) = self.recursive.get(scan.table_name.table())
        {
            return known.clone();
        }
        let found = self.contracts.iter().find(|(id, _)| is_of(&scan.table_name, id));
        let Some((id, contract)) = found else { return vec![Origins::new(); fields.len()] };
        // Only here are values of every quality shown.
        let judged = scan.table_name.table() != complete_name(id.name());
        let of = |column: &str| DatasetColumn { dataset: id.clone(), column: column.to_owned() };
        let origin = |name: &String| {
            let aliased = contract.fields.iter().find(|field| field.alias.as_ref() == Some(name));
            let Some(field) = aliased.or_else(|| contract.field(name)) else {
                return Origins::from([(of(name), Derivation::Direct)]);
            };
            let judge = quality::judge(contract, field).filter(|_| judged);
            let judge = judge.map(|place| (of(&contract.fields[place].name), Derivation::Computed));
            [(of(&field.name), Derivation::Direct)].into_iter().chain(judge).collect()
        };
        fields.iter().map(|field| origin(field.name())).collect()
    }

    fn join(&mut self, join: &Join) -> Result<Vec<Origins>> {
        let (mut left, right) = (self.plan(&join.left)?, self.plan(&join.right)?);
        for (of_left, of_right) in &join.on {
            self.influence(of_left, join.left.schema(), &left, Influence::Join)?;
            self.influence(of_right, join.right.schema(), &right, Influence::Join)?;
        }
        let both: Vec<Origins> = left.iter().chain(&right).cloned().collect();
        if let Some(filter) = &join.filter {
            let schema = join.left.schema().join(join.right.schema())?;
            self.influence(filter, &schema, &both, Influence::Join)?;
        }
        Ok(match join.join_type {
            JoinType::LeftSemi | JoinType::LeftAnti => left,
            JoinType::RightSemi | JoinType::RightAnti => right,
            JoinType::LeftMark => {
                left.push(Origins::new());
                left
            }
            JoinType::RightMark => {
                let mut right = right;
                right.push(Origins::new());
                right
            }
            JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => both,
        })
    }

    fn aggregate(&mut self, aggregate: &Aggregate) -> Result<Vec<Origins>> {
        let input = self.plan(&aggregate.input)?;
        let schema = aggregate.input.schema();
        for key in &aggregate.group_expr {
            self.influence(key, schema, &input, Influence::Group)?;
        }
        let keys = self.each(&aggregate.group_expr, schema, &input)?;
        let made = self.each(&aggregate.aggr_expr, schema, &input)?;
        let groups = aggregate.schema.fields().len().saturating_sub(made.len());
        let mut origins = if keys.len() == groups {
            keys
        } else {
            // Several ways of grouping at once are one expression with all of the keys in it.
            let outputs = aggregate.schema.columns().into_iter().take(groups);
            outputs
                .map(|column| {
                    let place = schema.maybe_index_of_column(&column);
                    place.and_then(|place| input.get(place).cloned()).unwrap_or_default()
                })
                .collect()
        };
        origins.extend(made);
        Ok(origins)
    }

    fn unnest(&mut self, unnest: &Unnest) -> Result<Vec<Origins>> {
        let input = self.plan(&unnest.input)?;
        let column = |place: &usize| input.get(*place).cloned().unwrap_or_default();
        Ok(unnest.dependency_indices.iter().map(column).collect())
    }

    /// Steps that are not told apart: their columns are taken for those of the same name below, or for made
    /// of all that is below.
    fn other(&mut self, plan: &LogicalPlan) -> Result<Vec<Origins>> {
        let mut below = Vec::new();
        for input in plan.inputs() {
            below.push((input.schema().clone(), self.plan(input)?));
        }
        for expression in plan.expressions() {
            for (schema, origins) in &below {
                self.influence(&expression, schema, origins, Influence::Join)?;
            }
        }
        let mut everything = Origins::new();
        for origins in below.iter().flat_map(|(_, origins)| origins) {
            merge(&mut everything, origins, Derivation::Computed);
        }
        let columns = plan.schema().columns().into_iter().map(|column| {
            let found = below.iter().find_map(|(schema, origins)| {
                origins.get(schema.maybe_index_of_column(&column)?).cloned()
            });
            found.unwrap_or_else(|| everything.clone())
        });
        Ok(columns.collect())
    }
}

/// Whether a table of the session is of this dataset, with values of every quality or without the bad ones,
/// by itself or on a grid of time.
fn is_of(table: &TableReference, id: &DatasetId) -> bool {
    let (name, complete) = (id.name(), complete_name(id.name()));
    let aligned = inner_name(name);
    table.schema() == Some(id.agency().as_str())
        && [name, &complete, &aligned].contains(&table.table())
}

/// Adds origins that are derived at least so far.
pub(crate) fn merge(into: &mut Origins, from: &Origins, least: Derivation) {
    for (column, derivation) in from {
        let derivation = (*derivation).max(least);
        let known = into.entry(column.clone()).or_insert(derivation);
        *known = (*known).max(derivation);
    }
}

fn merge_each(into: &mut Vec<Origins>, from: Vec<Origins>) {
    if into.is_empty() {
        *into = from;
        return;
    }
    for (into, from) in into.iter_mut().zip(&from) {
        merge(into, from, Derivation::Direct);
    }
}
