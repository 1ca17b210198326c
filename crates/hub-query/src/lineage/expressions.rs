//! Where the value of an expression comes from.

use datafusion::{
    common::tree_node::TreeNode,
    common::{DFSchema, Result, tree_node::TreeNodeRecursion},
    logical_expr::{Expr, expr::WindowFunction, logical_plan::Subquery},
};

use super::{Derivation, Influence, Origins, Walk, merge};

impl Walk<'_> {
    /// Where each of these expressions over an input comes from.
    pub(super) fn each(
        &mut self,
        expressions: &[Expr],
        schema: &DFSchema,
        input: &[Origins],
    ) -> Result<Vec<Origins>> {
        expressions.iter().map(|expression| self.origins(expression, schema, input)).collect()
    }

    /// Counts what an expression is made of among what decides which rows there are.
    pub(super) fn influence(
        &mut self,
        expression: &Expr,
        schema: &DFSchema,
        input: &[Origins],
        how: Influence,
    ) -> Result<()> {
        let origins = self.origins(expression, schema, input)?;
        self.influences.extend(origins.into_keys().map(|column| (column, how)));
        Ok(())
    }

    fn origins(
        &mut self,
        expression: &Expr,
        schema: &DFSchema,
        input: &[Origins],
    ) -> Result<Origins> {
        match expression {
            Expr::Alias(alias) => self.origins(&alias.expr, schema, input),
            Expr::Column(column) => {
                let place = schema.maybe_index_of_column(column);
                Ok(place.and_then(|place| input.get(place).cloned()).unwrap_or_default())
            }
            _ => {
                let mut origins = Origins::new();
                self.gather(expression, schema, input, Derivation::Computed, &mut origins)?;
                Ok(origins)
            }
        }
    }

    /// Adds all that an expression is made of, derived at least so far.
    fn gather(
        &mut self,
        expression: &Expr,
        schema: &DFSchema,
        input: &[Origins],
        least: Derivation,
        into: &mut Origins,
    ) -> Result<()> {
        expression.apply(|node| {
            match node {
                Expr::Column(_) => merge(into, &self.origins(node, schema, input)?, least),
                Expr::AggregateFunction(call) => {
                    for value in &call.params.args {
                        self.gather(value, schema, input, Derivation::Aggregated, into)?;
                    }
                    if let Some(filter) = &call.params.filter {
                        self.influence(filter, schema, input, Influence::Filter)?;
                    }
                    for key in &call.params.order_by {
                        self.influence(&key.expr, schema, input, Influence::Order)?;
                    }
                    return Ok(TreeNodeRecursion::Jump);
                }
                Expr::WindowFunction(call) => {
                    self.window(call, schema, input, into)?;
                    return Ok(TreeNodeRecursion::Jump);
                }
                Expr::ScalarSubquery(subquery) => {
                    self.subquery(subquery, schema, input, least, into)?;
                }
                Expr::Exists(exists) => {
                    self.subquery(&exists.subquery, schema, input, least, into)?;
                }
                Expr::InSubquery(within) => {
                    self.subquery(&within.subquery, schema, input, least, into)?;
                }
                Expr::SetComparison(comparison) => {
                    self.subquery(&comparison.subquery, schema, input, least, into)?;
                }
                _ => {}
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(())
    }

    fn window(
        &mut self,
        call: &WindowFunction,
        schema: &DFSchema,
        input: &[Origins],
        into: &mut Origins,
    ) -> Result<()> {
        for value in &call.params.args {
            self.gather(value, schema, input, Derivation::Aggregated, into)?;
        }
        for key in &call.params.partition_by {
            self.influence(key, schema, input, Influence::Group)?;
        }
        for key in &call.params.order_by {
            self.influence(&key.expr, schema, input, Influence::Order)?;
        }
        if let Some(filter) = &call.params.filter {
            self.influence(filter, schema, input, Influence::Filter)?;
        }
        Ok(())
    }

    /// What a query inside of an expression answers, and what of the outer row it looks at.
    fn subquery(
        &mut self,
        subquery: &Subquery,
        schema: &DFSchema,
        input: &[Origins],
        least: Derivation,
        into: &mut Origins,
    ) -> Result<()> {
        for origins in self.plan(&subquery.subquery)? {
            merge(into, &origins, least);
        }
        for outer in &subquery.outer_ref_columns {
            if let Expr::OuterReferenceColumn(_, column) = outer {
                let column = Expr::Column(column.clone());
                self.influence(&column, schema, input, Influence::Filter)?;
            }
        }
        Ok(())
    }
}
