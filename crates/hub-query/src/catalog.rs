//! The catalog of one query: its tables, and `information_schema` over what may be listed.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use datafusion::{
    catalog::{
        CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList,
        MemorySchemaProvider, SchemaProvider, TableProvider,
        information_schema::{INFORMATION_SCHEMA, InformationSchemaProvider},
    },
    common::Result,
};
use hub_model::{Contract, DatasetId};

use crate::{functions::routines, table::ListedTable};

/// The one catalog's name; error texts leave it out.
pub(crate) const CATALOG: &str = "mochiyori";

/// The schema that a bare table name is looked up in. There is none of this name, so a bare name is
/// never a table.
pub(crate) const NO_SCHEMA: &str = "public";

/// The views of `information_schema` that are offered; the engine's settings are not among them.
const OFFERED: [&str; 4] = ["tables", "columns", "schemata", "routines"];

/// A catalog list that holds these datasets, each under the name given for it, and nothing else.
pub(crate) fn of_tables(
    tables: impl IntoIterator<Item = (DatasetId, String, Arc<dyn TableProvider>)>,
) -> Result<Arc<MemoryCatalogProviderList>> {
    let mut schemas: HashMap<String, Arc<MemorySchemaProvider>> = HashMap::new();
    for (dataset, name, table) in tables {
        let schema = schemas.entry(dataset.agency().to_string()).or_default();
        if !schema.table_exist(&name) {
            schema.register_table(name, table)?;
        }
    }
    let catalog = MemoryCatalogProvider::new();
    for (name, schema) in schemas {
        catalog.register_schema(&name, schema)?;
    }
    let list = MemoryCatalogProviderList::new();
    list.register_catalog(CATALOG.to_owned(), Arc::new(catalog));
    Ok(Arc::new(list))
}

/// Adds `information_schema` over the listed datasets, whether the query reads them or not.
pub(crate) fn add_information_schema(
    list: &MemoryCatalogProviderList,
    listed: &[(DatasetId, Arc<Contract>)],
) -> Result<()> {
    let shown = of_tables(listed.iter().map(|(dataset, contract)| {
        let table: Arc<dyn TableProvider> = Arc::new(ListedTable::new(contract));
        (dataset.clone(), dataset.name().to_owned(), table)
    }))?;
    let inner = InformationSchemaProvider::new(shown);
    if let Some(catalog) = list.catalog(CATALOG) {
        catalog.register_schema(INFORMATION_SCHEMA, Arc::new(Offered { inner }))?;
    }
    Ok(())
}

#[derive(Debug)]
struct Offered {
    inner: InformationSchemaProvider,
}

#[async_trait]
impl SchemaProvider for Offered {
    fn table_names(&self) -> Vec<String> {
        OFFERED.map(str::to_owned).to_vec()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        match name {
            // The engine's own view of functions knows only those of its defaults.
            "routines" => routines().map(Some),
            name if OFFERED.contains(&name) => self.inner.table(name).await,
            _ => Ok(None),
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        OFFERED.contains(&name)
    }
}
