//! The names a statement uses: tables, with those of WITH clauses told apart, columns, and labels.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    ops::ControlFlow,
};

use datafusion::sql::sqlparser::ast::{
    ExcludeSelectItem, Expr, Ident, JoinConstraint, JoinOperator, ObjectName, PivotValueSource,
    Query, Select, SelectItem, SetExpr, Statement, TableAlias, TableFactor, Visit, Visitor,
    WildcardAdditionalOptions,
};

use super::{TableName, aligned_name, reads_only, with_quality};
use crate::{
    bounds::{Expanded, Size, SqlBounds},
    error::{Position, QueryError},
};

/// What a statement names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    /// The tables it reads, without those of `information_schema`.
    pub(crate) tables: Vec<TableName>,
    /// Whether it reads `information_schema`.
    pub(crate) information_schema: bool,
    /// The tables of which it wants values of every quality, as `agency.dataset`.
    pub(crate) complete: HashSet<String>,
    /// The tables of which it wants good values.
    pub(crate) judged: HashSet<String>,
    /// The tables that it wants on a grid of time.
    pub(crate) aligned: HashSet<String>,
    /// Every word used as a column, with a table in front or not.
    pub(crate) columns: HashSet<String>,
    /// Those used between tables by USING; they stand for a column of either side.
    pub(crate) using: HashSet<String>,
    /// Every name that it gives to an expression or to a column.
    pub(crate) labels: HashSet<String>,
    /// Whether `*` or NATURAL stands for columns that are not named.
    pub(crate) wildcard: bool,
    /// The labels and columns that the outermost select names one by one.
    pub(crate) outermost: BTreeSet<String>,
    /// Whether `*` is among the outermost select's items.
    pub(crate) outermost_wildcard: bool,
    /// The places of the columns, for messages.
    pub(crate) places: HashMap<String, Position>,
}

impl Names {
    pub(crate) fn of(statement: &Statement, bounds: &SqlBounds) -> Result<Self, QueryError> {
        let mut collector = Collector {
            names: Self::default(),
            seen: HashSet::new(),
            scopes: Vec::new(),
            defined_by: HashMap::new(),
            expanded: Expanded::new(bounds),
        };
        if let ControlFlow::Break(error) = statement.visit(&mut collector) {
            return Err(error);
        }
        let mut names = collector.names;
        names.note_outermost(statement);
        Ok(names)
    }

    fn note_outermost(&mut self, statement: &Statement) {
        let query = match statement {
            Statement::Query(query) => query,
            Statement::Explain { statement, .. } => return self.note_outermost(statement),
            _ => return,
        };
        let mut body = query.body.as_ref();
        let select = loop {
            match body {
                SetExpr::Select(select) => break select,
                SetExpr::SetOperation { left, .. } => body = left,
                SetExpr::Query(inner) => body = inner.body.as_ref(),
                _ => return,
            }
        };
        for item in &select.projection {
            match item {
                SelectItem::UnnamedExpr(Expr::Identifier(ident)) => {
                    self.outermost.insert(fold(ident));
                }
                SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => {
                    self.outermost.extend(parts.last().map(fold));
                }
                SelectItem::UnnamedExpr(_) => {}
                SelectItem::ExprWithAlias { alias, .. } => {
                    self.outermost.insert(fold(alias));
                }
                SelectItem::ExprWithAliases { aliases, .. } => {
                    self.outermost.extend(aliases.iter().map(fold));
                }
                SelectItem::QualifiedWildcard(..) | SelectItem::Wildcard(_) => {
                    self.outermost_wildcard = true;
                }
            }
        }
    }
}

/// A name as SQL reads it: unquoted ASCII letters are lower case.
pub(crate) fn fold(ident: &Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_ascii_lowercase(),
    }
}

/// The columns that `* EXCLUDE (…)` and `* EXCEPT (…)` name.
pub(crate) fn left_out(options: &WildcardAdditionalOptions) -> impl Iterator<Item = &Ident> {
    let excluded = match &options.opt_exclude {
        Some(ExcludeSelectItem::Single(name)) => std::slice::from_ref(name),
        Some(ExcludeSelectItem::Multiple(names)) => names.as_slice(),
        None => &[],
    };
    let excluded = excluded.iter().filter_map(|name| name.0.last()?.as_ident());
    let excepted = options
        .opt_except
        .iter()
        .flat_map(|except| except.additional_elements.iter().chain([&except.first_element]));
    excluded.chain(excepted)
}

pub(crate) fn place(ident: &Ident) -> Position {
    Position { line: ident.span.start.line, column: ident.span.start.column }
}

/// Walks a statement. Each query opens a scope of the WITH names that it has defined so far.
struct Collector {
    names: Names,
    seen: HashSet<(Option<String>, String)>,
    scopes: Vec<HashMap<String, Size>>,
    /// The WITH queries by their address, which stays while the statement is borrowed.
    defined_by: HashMap<*const Query, String>,
    /// How large the statement is with every WITH name written out.
    expanded: Expanded,
}

impl Collector {
    fn relation(&mut self, name: &ObjectName) -> ControlFlow<QueryError> {
        let parts: Option<Vec<&Ident>> = name.0.iter().map(|part| part.as_ident()).collect();
        let parts = parts.unwrap_or_default();
        let (agency, dataset) = match parts.as_slice() {
            [dataset] => (None, *dataset),
            [agency, dataset] => (Some(*agency), *dataset),
            _ => {
                return ControlFlow::Break(QueryError::invalid(
                    format!("{name} is not a table; write agency.dataset"),
                    parts.first().map(|ident| place(ident)),
                ));
            }
        };
        let mut table = (agency.map(fold), fold(dataset));
        let defined = self.scopes.iter().rev().find_map(|scope| scope.get(&table.1));
        if table.0.is_none()
            && let Some(size) = defined
        {
            return self.expanded.relation(*size);
        }
        if let ControlFlow::Break(error) = self.expanded.relation(Size::ONE) {
            return ControlFlow::Break(error);
        }
        if table.0.as_deref() == Some("information_schema") {
            self.names.information_schema = true;
            return ControlFlow::Continue(());
        }
        let (quality, plain) = if let Some(plain) = with_quality::plain_name(&table.1) {
            (&mut self.names.complete, plain.to_owned())
        } else if let Some((plain, _)) = aligned_name(&table.1) {
            (&mut self.names.aligned, plain.to_owned())
        } else {
            (&mut self.names.judged, table.1)
        };
        table.1 = plain;
        if let Some(agency) = &table.0 {
            quality.insert(format!("{agency}.{}", table.1));
        }
        if self.seen.insert(table.clone()) {
            let Position { line, column } = place(agency.unwrap_or(dataset));
            self.names.tables.push(TableName { agency: table.0, dataset: table.1, line, column });
        }
        ControlFlow::Continue(())
    }

    fn label_columns(&mut self, alias: Option<&TableAlias>) {
        let columns = alias.into_iter().flat_map(|alias| &alias.columns);
        self.names.labels.extend(columns.map(|column| fold(&column.name)));
    }

    fn column(&mut self, ident: &Ident) {
        let name = fold(ident);
        self.names.places.entry(name.clone()).or_insert_with(|| place(ident));
        self.names.columns.insert(name);
    }
}

impl Visitor for Collector {
    type Break = QueryError;

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<QueryError> {
        match statement {
            Statement::Query(_) | Statement::Explain { .. } => ControlFlow::Continue(()),
            other => ControlFlow::Break(reads_only(&super::first_word(other), None)),
        }
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<QueryError> {
        let mut scope = HashMap::new();
        self.expanded.begin();
        if let Some(with) = &query.with {
            for cte in &with.cte_tables {
                let name = fold(&cte.alias.name);
                self.label_columns(Some(&cte.alias));
                if with.recursive {
                    // A recursive WITH may name itself and those beside it.
                    scope.insert(name.clone(), Size::ONE);
                }
                self.defined_by.insert(std::ptr::from_ref(cte.query.as_ref()), name);
            }
        }
        self.scopes.push(scope);
        if !query.locks.is_empty() {
            return ControlFlow::Break(QueryError::not_allowed(
                "FOR UPDATE and FOR SHARE are not allowed; SQL only reads here",
                None,
            ));
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<QueryError> {
        self.scopes.pop();
        let size = self.expanded.end();
        if let Some(name) = self.defined_by.get(&std::ptr::from_ref(query))
            && let Some(scope) = self.scopes.last_mut()
        {
            scope.insert(name.clone(), size);
            return ControlFlow::Continue(());
        }
        self.expanded.relation(size)
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<QueryError> {
        if select.into.is_some() {
            return ControlFlow::Break(QueryError::not_allowed(
                "SELECT INTO is not allowed; SQL only reads here",
                None,
            ));
        }
        if let ControlFlow::Break(error) = self.expanded.columns(&select.projection) {
            return ControlFlow::Break(error);
        }
        for item in &select.projection {
            match item {
                SelectItem::Wildcard(options) | SelectItem::QualifiedWildcard(_, options) => {
                    self.names.wildcard = true;
                    left_out(options).for_each(|ident| self.column(ident));
                }
                SelectItem::ExprWithAlias { alias, .. } => {
                    self.names.labels.insert(fold(alias));
                }
                SelectItem::ExprWithAliases { aliases, .. } => {
                    self.names.labels.extend(aliases.iter().map(fold));
                }
                SelectItem::UnnamedExpr(_) => {}
            }
        }
        for join in select.from.iter().flat_map(|from| &from.joins) {
            let constraint = match &join.join_operator {
                JoinOperator::Join(constraint)
                | JoinOperator::Inner(constraint)
                | JoinOperator::Left(constraint)
                | JoinOperator::LeftOuter(constraint)
                | JoinOperator::Right(constraint)
                | JoinOperator::RightOuter(constraint)
                | JoinOperator::FullOuter(constraint)
                | JoinOperator::Semi(constraint)
                | JoinOperator::LeftSemi(constraint)
                | JoinOperator::RightSemi(constraint)
                | JoinOperator::Anti(constraint)
                | JoinOperator::LeftAnti(constraint)
                | JoinOperator::RightAnti(constraint)
                | JoinOperator::AsOf { constraint, .. } => constraint,
                _ => continue,
            };
            match constraint {
                JoinConstraint::Using(columns) => {
                    for name in columns {
                        if let Some(ident) = name.0.last().and_then(|part| part.as_ident()) {
                            self.column(ident);
                            self.names.using.insert(fold(ident));
                        }
                    }
                }
                JoinConstraint::Natural => self.names.wildcard = true,
                JoinConstraint::On(_) | JoinConstraint::None => {}
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<QueryError> {
        match factor {
            TableFactor::Table { name, alias, args, .. } => {
                self.label_columns(alias.as_ref());
                if args.is_none() {
                    return self.relation(name);
                }
            }
            TableFactor::Derived { alias, .. } | TableFactor::NestedJoin { alias, .. } => {
                self.label_columns(alias.as_ref());
            }
            // Both show every column of their table that they do not name.
            TableFactor::Pivot { value_source, alias, .. } => {
                self.names.wildcard = true;
                self.label_columns(alias.as_ref());
                if let PivotValueSource::List(values) = value_source {
                    let labels = values.iter().filter_map(|value| value.alias.as_ref());
                    self.names.labels.extend(labels.map(fold));
                }
            }
            TableFactor::Unpivot { value, name, alias, .. } => {
                self.names.wildcard = true;
                self.label_columns(alias.as_ref());
                self.names.labels.insert(fold(name));
                if let Expr::Identifier(value) = value {
                    self.names.labels.insert(fold(value));
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<QueryError> {
        match expr {
            Expr::Identifier(ident) => self.column(ident),
            Expr::CompoundIdentifier(parts) => {
                if let Some(column) = parts.last() {
                    self.column(column);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
