//! What the tables and subqueries of a statement have for columns, as far as the text tells.

use std::collections::{HashMap, HashSet};

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, JoinOperator, ObjectName, PivotValueSource, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, TableAlias, TableFactor, TableWithJoins,
    WildcardAdditionalOptions,
};
use hub_model::{Contract, DatasetId};

use super::relation::{Column, Origin, Relation};
use crate::{
    asof,
    parse::{Names, aligned_name, fold, left_out, plain_name},
    quality,
};

/// The columns of a contract as the session names them, among all contracts of a query.
pub(super) fn of_contract(contract: &Contract, all: &[&Contract], names: &Names) -> Vec<Column> {
    let own = contract.fields.iter().map(|field| field.name.as_str()).collect::<HashSet<_>>();
    let real = |word: &str| {
        all.iter().flat_map(|contract| &contract.fields).any(|field| field.name == word)
    };
    let required = contract.fields.iter().find(|field| contract.is_required(field));
    let required = required.map(|field| field.name.clone());
    let columns = contract.fields.iter().enumerate().map(|(place, field)| {
        let judge = quality::judge(contract, field);
        let origin = Some(Origin {
            read: 0,
            field: place,
            judge: judge.map(|judge| (judge, contract.fields[judge].name.clone())),
            is_required: contract.is_required(field),
            required: required.clone(),
            is_made_up: false,
        });
        let alias = field.alias.clone().filter(|alias| !own.contains(alias.as_str()));
        let alone = |alias: &String| {
            names.columns.contains(alias)
                && !names.columns.contains(&field.name)
                && !names.labels.contains(alias)
                && !real(alias)
        };
        match alias {
            Some(alias) if names.using.contains(&alias) || alone(&alias) => {
                Column { name: alias, other: Some(field.name.clone()), origin }
            }
            other => Column { name: field.name.clone(), other, origin },
        }
    });
    columns.collect()
}

/// The datasets that a statement reads.
pub(super) struct Tables(HashMap<(String, String), Vec<Column>>);

impl Tables {
    pub(super) fn new<'a>(
        tables: impl IntoIterator<Item = (&'a DatasetId, &'a Contract)>,
        all: &[&Contract],
        names: &Names,
    ) -> Self {
        let named = tables.into_iter().map(|(dataset, contract)| {
            let name = (dataset.agency().to_string(), dataset.name().to_owned());
            (name, of_contract(contract, all, names))
        });
        Self(named.collect())
    }
}

/// What the WITH clauses around a place define; the last is the innermost.
pub(super) type Defined = Vec<HashMap<String, Vec<Column>>>;

/// Tells columns, of tables and of what is defined around a place.
pub(super) struct Seen<'a> {
    pub(super) tables: &'a Tables,
    pub(super) defined: &'a mut Defined,
    /// How many relations were met.
    pub(super) met: usize,
}

impl Seen<'_> {
    /// What a query's WITH defines.
    pub(super) fn define(&mut self, query: &Query) {
        self.defined.push(HashMap::new());
        let Some(with) = &query.with else { return };
        for cte in &with.cte_tables {
            if with.recursive {
                // What a WITH says of its own columns is all that is known of them inside of it.
                self.put(fold(&cte.alias.name), renamed(Vec::new(), &cte.alias));
            }
            let columns = renamed(self.of_query(&cte.query), &cte.alias);
            self.put(fold(&cte.alias.name), columns);
        }
    }

    fn put(&mut self, name: String, columns: Vec<Column>) {
        if let Some(innermost) = self.defined.last_mut() {
            innermost.insert(name, columns);
        }
    }

    /// The columns of a query's rows.
    pub(super) fn of_query(&mut self, query: &Query) -> Vec<Column> {
        self.define(query);
        let columns = self.of_body(&query.body);
        self.defined.pop();
        columns
    }

    /// The same, where what the query defines is known already.
    pub(super) fn of_body(&mut self, body: &SetExpr) -> Vec<Column> {
        match body {
            SetExpr::Select(select) => self.of_select(select),
            SetExpr::Query(query) => self.of_query(query),
            // Rows of several queries stand under the names of the first.
            SetExpr::SetOperation { left, .. } => made(self.of_body(left)),
            SetExpr::Values(values) => {
                let columns = values.rows.first().map_or(0, |row| row.content.len());
                (1..=columns).map(|place| Column::plain(format!("column{place}"))).collect()
            }
            _ => Vec::new(),
        }
    }

    fn of_select(&mut self, select: &Select) -> Vec<Column> {
        let relations = self.of_from(&select.from);
        let mut columns = Vec::new();
        for item in &select.projection {
            match item {
                // Some are a place without a name.
                SelectItem::UnnamedExpr(expr) => {
                    columns.push(column(expr, &relations).unwrap_or_else(|| Column::plain("")));
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    let origin = column(expr, &relations).and_then(|column| column.origin);
                    columns.push(Column { origin, ..Column::plain(fold(alias)) });
                }
                SelectItem::ExprWithAliases { aliases, .. } => {
                    columns.extend(aliases.iter().map(|alias| Column::plain(fold(alias))));
                }
                SelectItem::Wildcard(options) => {
                    let without: Vec<String> = left_out(options).map(fold).collect();
                    columns.extend(replaced(all(&relations, &without), options));
                }
                SelectItem::QualifiedWildcard(kind, options) => {
                    let SelectItemQualifiedWildcardKind::ObjectName(name) = kind else { continue };
                    let without: Vec<String> = left_out(options).map(fold).collect();
                    let qualifier = idents(name);
                    let of = relations.iter().filter(|relation| relation.is_called(&qualifier));
                    columns.extend(replaced(all(of, &without), options));
                }
            }
        }
        columns
    }

    /// What a FROM names, with what is in brackets.
    pub(super) fn of_from(&mut self, from: &[TableWithJoins]) -> Vec<Relation> {
        let mut relations = Vec::new();
        for table in from {
            let first = relations.len();
            self.of_factor(&table.relation, &mut relations);
            for join in &table.joins {
                let left = first..relations.len();
                self.of_factor(&join.relation, &mut relations);
                let right = left.end..relations.len();
                for side in made_up(&join.join_operator, left, right) {
                    relations[side].iter_mut().for_each(Relation::make_up);
                }
            }
        }
        relations
    }

    pub(super) fn of_factor(&mut self, factor: &TableFactor, into: &mut Vec<Relation>) {
        let (columns, alias) = match factor {
            TableFactor::Table { name, alias, args: None, .. } => {
                let parts = idents(name);
                let columns = self.of_table(&parts);
                if alias.is_none() {
                    let columns = self.anew(columns);
                    return into.push(Relation { called: parts, columns });
                }
                (columns, alias)
            }
            TableFactor::Derived { subquery, alias, .. } => (self.of_query(subquery), alias),
            TableFactor::NestedJoin { table_with_joins, alias } => {
                let inside = self.of_from(std::slice::from_ref(table_with_joins));
                if alias.is_none() {
                    return into.extend(inside);
                }
                (all(&inside, &[]), alias)
            }
            TableFactor::Pivot { table, value_source, alias, .. } => {
                let mut columns = made(self.inside(table));
                if let PivotValueSource::List(values) = value_source {
                    let labels = values.iter().filter_map(|value| value.alias.as_ref());
                    columns.extend(labels.map(|label| Column::plain(fold(label))));
                }
                (columns, alias)
            }
            TableFactor::Unpivot { table, value, name, alias, .. } => {
                let mut columns = made(self.inside(table));
                columns.push(Column::plain(fold(name)));
                if let Expr::Identifier(value) = value {
                    columns.push(Column::plain(fold(value)));
                }
                (columns, alias)
            }
            TableFactor::Table { alias, .. }
            | TableFactor::TableFunction { alias, .. }
            | TableFactor::Function { alias, .. }
            | TableFactor::UNNEST { alias, .. }
            | TableFactor::JsonTable { alias, .. }
            | TableFactor::OpenJsonTable { alias, .. }
            | TableFactor::MatchRecognize { alias, .. }
            | TableFactor::XmlTable { alias, .. }
            | TableFactor::SemanticView { alias, .. } => (Vec::new(), alias),
        };
        let columns = self.anew(columns);
        into.push(match alias {
            Some(alias) => {
                Relation { called: vec![alias.name.clone()], columns: renamed(columns, alias) }
            }
            None => Relation::unnamed(columns),
        });
    }

    /// The columns of a relation as of no other: what is beside each other in one comes of the same row.
    fn anew(&mut self, mut columns: Vec<Column>) -> Vec<Column> {
        let first = self.met + 1;
        for origin in columns.iter_mut().filter_map(|column| column.origin.as_mut()) {
            origin.read += first;
            self.met = self.met.max(origin.read);
        }
        columns
    }

    /// All columns of a table that something is made of.
    pub(super) fn inside(&mut self, factor: &TableFactor) -> Vec<Column> {
        let mut relations = Vec::new();
        self.of_factor(factor, &mut relations);
        all(&relations, &[])
    }

    fn of_table(&self, name: &[Ident]) -> Vec<Column> {
        match name {
            [name] => {
                let name = fold(name);
                let defined = self.defined.iter().rev().find_map(|defined| defined.get(&name));
                defined.cloned().unwrap_or_default()
            }
            [agency, dataset] => {
                let dataset = fold(dataset);
                let of = |dataset: &str| {
                    let name = (fold(agency), dataset.to_owned());
                    self.tables.0.get(&name).cloned().unwrap_or_default()
                };
                match aligned_name(&dataset) {
                    // Its columns are made of those of the dataset.
                    Some((dataset, _)) => made(of(dataset)),
                    None => of(plain_name(&dataset).unwrap_or(&dataset)),
                }
            }
            _ => Vec::new(),
        }
    }
}

/// Of the two sides of a join those whose rows may be made up, for rows of the other without a match.
fn made_up<T>(join: &JoinOperator, left: T, right: T) -> Vec<T> {
    match join {
        JoinOperator::Left(_) | JoinOperator::LeftOuter(_) => vec![right],
        JoinOperator::AsOf { match_condition, .. } if asof::is_outer(match_condition) => {
            vec![right]
        }
        JoinOperator::Right(_) | JoinOperator::RightOuter(_) => vec![left],
        JoinOperator::FullOuter(_) => vec![left, right],
        _ => Vec::new(),
    }
}

/// Every column of these, but those that are left out.
fn all<'a>(relations: impl IntoIterator<Item = &'a Relation>, without: &[String]) -> Vec<Column> {
    let columns = relations.into_iter().flat_map(|relation| &relation.columns);
    let stays = |column: &&Column| {
        let named = |name: &String| without.contains(name);
        !named(&column.name) && !column.other.as_ref().is_some_and(named)
    };
    columns.filter(stays).cloned().collect()
}

/// The column that an expression is.
fn column(expr: &Expr, relations: &[Relation]) -> Option<Column> {
    match expr {
        Expr::Identifier(ident) => Some(named(ident, relations)),
        Expr::CompoundIdentifier(parts) => {
            let (ident, qualifier) = parts.split_last()?;
            let of = relations.iter().filter(|relation| relation.is_called(qualifier));
            Some(named(ident, of))
        }
        _ => None,
    }
}

/// The columns, of which `*` replaces some.
fn replaced(mut columns: Vec<Column>, options: &WildcardAdditionalOptions) -> Vec<Column> {
    for item in options.opt_replace.iter().flat_map(|replaced| &replaced.items) {
        let name = fold(&item.column_name);
        let is = |column: &&mut Column| column.name == name || column.other.as_ref() == Some(&name);
        columns.iter_mut().filter(is).for_each(|column| column.origin = None);
    }
    columns
}

/// The columns, as the query makes them.
fn made(columns: Vec<Column>) -> Vec<Column> {
    columns.into_iter().map(|column| Column { origin: None, ..column }).collect()
}

/// A column as an answer calls it that names it so.
fn named<'a>(ident: &Ident, relations: impl IntoIterator<Item = &'a Relation>) -> Column {
    let name = fold(ident);
    for relation in relations {
        for column in &relation.columns {
            if column.name == name {
                return column.clone();
            }
            if column.other.as_ref() == Some(&name) {
                let origin = column.origin.clone();
                return Column { name, other: Some(column.name.clone()), origin };
            }
        }
    }
    Column::plain(name)
}

/// The columns as `AS t(a, b)` calls them.
fn renamed(mut columns: Vec<Column>, alias: &TableAlias) -> Vec<Column> {
    for (place, column) in alias.columns.iter().enumerate() {
        let named = Column::plain(fold(&column.name));
        match columns.get_mut(place) {
            Some(column) => *column = Column { origin: column.origin.take(), ..named },
            None => columns.push(named),
        }
    }
    columns
}

fn idents(name: &ObjectName) -> Vec<Ident> {
    name.0.iter().filter_map(|part| part.as_ident().cloned()).collect()
}
