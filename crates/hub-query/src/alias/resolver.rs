//! Writes out the second names of columns in a statement, place by place.

use std::{collections::HashSet, ops::ControlFlow};

use datafusion::sql::sqlparser::{
    ast::{
        Distinct, ExcludeSelectItem, Expr, ExprWithAlias, GroupByExpr, Ident, ObjectName,
        OrderByKind, Query, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr,
        TableFactor, Visit, VisitMut, Visitor, VisitorMut, WildcardAdditionalOptions,
    },
    tokenizer::Span,
};

use super::{
    columns::{Defined, Seen, Tables},
    good_share,
    relation::{Column, Relation},
};
use crate::{
    error::QueryError,
    parse::{fold, place},
};

/// Walks a statement with what each place sees.
pub(super) struct Resolver<'a> {
    tables: &'a Tables,
    defined: Defined,
    /// What may be named at a place; the last is nearest.
    scopes: Vec<Vec<Relation>>,
    /// Words that mean a label of their own select.
    labels: HashSet<Span>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(tables: &'a Tables) -> Self {
        Self { tables, defined: Vec::new(), scopes: Vec::new(), labels: HashSet::new() }
    }

    fn seen(&mut self) -> Seen<'_> {
        Seen { tables: self.tables, defined: &mut self.defined, met: 0 }
    }

    /// What a word stands for, where it is the second name of a column.
    fn meant(&self, word: &Ident) -> Result<Option<Expr>, QueryError> {
        let name = fold(word);
        for scope in self.scopes.iter().rev() {
            if scope.iter().any(|relation| relation.has(&name)) {
                return Ok(None);
            }
            let mut means =
                scope.iter().filter_map(|relation| Some((relation, relation.meant(&name)?)));
            let Some((relation, meant)) = means.next() else { continue };
            if means.next().is_some() {
                return Err(QueryError::ambiguous(&name, Some(place(word))));
            }
            let column = quoted(meant, word.span);
            let alone = scope.iter().filter(|relation| relation.has(meant)).count() == 1;
            return Ok(Some(if alone {
                Expr::Identifier(column)
            } else {
                let path = relation.name().iter().cloned().chain([column]).collect();
                Expr::CompoundIdentifier(path)
            }));
        }
        Ok(None)
    }

    /// The same for a word with its table in front.
    fn meant_of(&self, qualifier: &[Ident], word: &Ident) -> Option<Ident> {
        let mut relations = self.scopes.iter().rev().flatten();
        let relation = relations.find(|relation| relation.is_called(qualifier))?;
        let name = fold(word);
        if relation.has(&name) {
            return None;
        }
        relation.meant(&name).map(|meant| quoted(meant, word.span))
    }

    /// Writes out a whole expression that is one name; none where nothing changes.
    fn written_out(&self, expr: &Expr) -> Result<Option<(Expr, Ident)>, QueryError> {
        Ok(match expr {
            Expr::Identifier(word) if !self.labels.contains(&word.span) => {
                self.meant(word)?.map(|meant| (meant, word.clone()))
            }
            Expr::CompoundIdentifier(parts) => {
                let Some((word, qualifier)) = parts.split_last() else { return Ok(None) };
                self.meant_of(qualifier, word).map(|meant| {
                    let path = qualifier.iter().cloned().chain([meant]).collect();
                    (Expr::CompoundIdentifier(path), word.clone())
                })
            }
            _ => None,
        })
    }

    /// Puts what an expression stands for in its place.
    fn write_out(&self, expr: &mut Expr) -> Result<(), QueryError> {
        if let Some(call) = good_share::call(expr) {
            *expr = good_share::written_out(call, &self.scopes)?;
        } else if let Some((meant, _)) = self.written_out(expr)? {
            *expr = meant;
        }
        Ok(())
    }

    fn select(&mut self, select: &mut Select) -> Result<(), QueryError> {
        // Where rows are grouped, a word may be what the select itself calls something else.
        let labels: HashSet<String> = select
            .projection
            .iter()
            .filter_map(|item| match item {
                SelectItem::ExprWithAlias { expr, alias } => {
                    let alias = fold(alias);
                    let own = words(expr).iter().any(|word| fold(word) == alias);
                    (!own).then_some(alias)
                }
                _ => None,
            })
            .collect();
        let mut grouped: Vec<&Expr> = select.having.iter().chain(&select.qualify).collect();
        if let GroupByExpr::Expressions(expressions, _) = &select.group_by {
            grouped.extend(expressions);
        }
        if let Some(Distinct::On(expressions)) = &select.distinct {
            grouped.extend(expressions);
        }
        let called = grouped.into_iter().flat_map(words);
        self.labels
            .extend(called.filter(|word| labels.contains(&fold(word))).map(|word| word.span));
        let shown: Vec<String> = select.projection.iter().filter_map(label).collect();
        for item in &mut select.projection {
            match item {
                SelectItem::UnnamedExpr(expr) if good_share::is_within(expr) => {
                    let alias = quoted(&expr.to_string(), Span::empty());
                    *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
                }
                SelectItem::UnnamedExpr(expr) => {
                    if let Some((meant, word)) = self.written_out(expr)? {
                        let name = fold(&word);
                        // Two columns may be called alike where their tables tell them apart, labels not.
                        let alone = shown.iter().filter(|label| **label == name).count() == 1;
                        *item = if alone {
                            let alias = quoted(&name, word.span);
                            SelectItem::ExprWithAlias { expr: meant, alias }
                        } else {
                            SelectItem::UnnamedExpr(meant)
                        };
                    }
                }
                SelectItem::Wildcard(options) => self.wildcard(options, &[]),
                SelectItem::QualifiedWildcard(kind, options) => {
                    if let SelectItemQualifiedWildcardKind::ObjectName(name) = kind {
                        let qualifier: Vec<Ident> =
                            name.0.iter().filter_map(|part| part.as_ident().cloned()).collect();
                        self.wildcard(options, &qualifier);
                    }
                }
                SelectItem::ExprWithAlias { .. } | SelectItem::ExprWithAliases { .. } => {}
            }
        }
        Ok(())
    }

    /// The columns that `*` is told to leave out or to replace.
    fn wildcard(&self, options: &mut WildcardAdditionalOptions, qualifier: &[Ident]) {
        let Some(scope) = self.scopes.last() else { return };
        let write = |word: &mut Ident| {
            let name = fold(word);
            let of = |relation: &&Relation| qualifier.is_empty() || relation.is_called(qualifier);
            if scope.iter().filter(of).any(|relation| relation.has(&name)) {
                return;
            }
            if let Some(meant) = scope.iter().filter(of).find_map(|relation| relation.meant(&name))
            {
                *word = quoted(meant, word.span);
            }
        };
        let write_name = |name: &mut ObjectName| {
            if let [part] = name.0.as_mut_slice()
                && let Some(mut word) = part.as_ident().cloned()
            {
                write(&mut word);
                *name = ObjectName::from(vec![word]);
            }
        };
        match &mut options.opt_exclude {
            Some(ExcludeSelectItem::Single(name)) => write_name(name),
            Some(ExcludeSelectItem::Multiple(names)) => names.iter_mut().for_each(write_name),
            None => {}
        }
        if let Some(except) = &mut options.opt_except {
            write(&mut except.first_element);
            except.additional_elements.iter_mut().for_each(write);
        }
        if let Some(replaced) = &mut options.opt_replace {
            replaced.items.iter_mut().for_each(|item| write(&mut item.column_name));
        }
    }

    /// A query's own order may name its columns, and those of what its one select reads.
    fn order(&mut self, query: &mut Query, columns: &[Column]) -> Result<(), QueryError> {
        let Some(order) = &mut query.order_by else { return Ok(()) };
        let OrderByKind::Expressions(parts) = &mut order.kind else { return Ok(()) };
        let scope = match query.body.as_ref() {
            SetExpr::Select(select) => {
                let mut scope = self.seen().of_from(&select.from);
                let labels = columns.iter().map(|column| Column::plain(column.name.clone()));
                scope.push(Relation::unnamed(labels.collect()));
                scope
            }
            _ => vec![Relation::unnamed(columns.to_vec())],
        };
        self.scopes.push(scope);
        let mut names = OwnNames { resolver: self, queries: 0 };
        let written = parts.visit(&mut names);
        self.scopes.pop();
        match written {
            ControlFlow::Break(error) => Err(error),
            ControlFlow::Continue(()) => Ok(()),
        }
    }

    fn query(&mut self, query: &mut Query) -> Result<(), QueryError> {
        self.seen().define(query);
        let columns = self.seen().of_body(&query.body);
        self.order(query, &columns)?;
        let labels = columns.into_iter().map(|column| Column::plain(column.name)).collect();
        self.scopes.push(vec![Relation::unnamed(labels)]);
        Ok(())
    }

    /// Columns that become rows keep the names by which they are listed.
    fn unpivoted(&mut self, factor: &mut TableFactor) -> Result<(), QueryError> {
        let TableFactor::Unpivot { table, columns, .. } = factor else { return Ok(()) };
        let inside = self.seen().inside(table);
        self.scopes.push(vec![Relation::unnamed(inside)]);
        let written = columns.iter_mut().try_for_each(|column: &mut ExprWithAlias| {
            if let Some((meant, word)) = self.written_out(&column.expr)? {
                column.expr = meant;
                column.alias.get_or_insert_with(|| quoted(&fold(&word), word.span));
            }
            Ok(())
        });
        self.scopes.pop();
        written
    }
}

/// What an item is called that is a name or has one.
fn label(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::UnnamedExpr(Expr::Identifier(word)) => Some(fold(word)),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => parts.last().map(fold),
        SelectItem::ExprWithAlias { alias, .. } => Some(fold(alias)),
        _ => None,
    }
}

fn flow(written: Result<(), QueryError>) -> ControlFlow<QueryError> {
    match written {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(error),
    }
}

impl VisitorMut for Resolver<'_> {
    type Break = QueryError;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<QueryError> {
        flow(self.query(query))
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<QueryError> {
        self.scopes.pop();
        self.defined.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<QueryError> {
        let scope = self.seen().of_from(&select.from);
        self.scopes.push(scope);
        flow(self.select(select))
    }

    fn post_visit_select(&mut self, _: &mut Select) -> ControlFlow<QueryError> {
        self.scopes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<QueryError> {
        flow(self.unpivoted(factor))
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<QueryError> {
        flow(self.write_out(expr))
    }
}

/// Writes out names that are not those of a subquery.
struct OwnNames<'r, 'a> {
    resolver: &'r Resolver<'a>,
    queries: usize,
}

impl VisitorMut for OwnNames<'_, '_> {
    type Break = QueryError;

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<QueryError> {
        self.queries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<QueryError> {
        self.queries -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<QueryError> {
        if self.queries > 0 {
            return ControlFlow::Continue(());
        }
        flow(self.resolver.write_out(expr))
    }
}

/// The words of an expression that may be columns, but those of its subqueries.
fn words(expr: &Expr) -> Vec<Ident> {
    struct Words {
        found: Vec<Ident>,
        queries: usize,
    }
    impl Visitor for Words {
        type Break = ();

        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.queries += 1;
            ControlFlow::Continue(())
        }

        fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.queries -= 1;
            ControlFlow::Continue(())
        }

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Identifier(word) if self.queries == 0 => self.found.push(word.clone()),
                Expr::CompoundIdentifier(parts) if self.queries == 0 => {
                    self.found.extend(parts.last().cloned());
                }
                _ => {}
            }
            ControlFlow::Continue(())
        }
    }
    let mut words = Words { found: Vec::new(), queries: 0 };
    let _ = expr.visit(&mut words);
    words.found
}

fn quoted(name: &str, span: Span) -> Ident {
    Ident::with_quote_and_span('"', span, name)
}
