//! Where the lake is: an address and options, resolved to an object store rooted at the address.

use std::{collections::HashMap, sync::Arc};

use object_store::{
    ClientConfigKey, ObjectStore,
    aws::{AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut},
    azure::{AzureConfigKey, MicrosoftAzureBuilder},
    gcp::{GoogleCloudStorageBuilder, GoogleConfigKey},
    local::LocalFileSystem,
    memory::InMemory,
    path::Path,
    prefix::PrefixStore,
    signer::Signer,
};
use url::Url;

use crate::LakeError;

/// Where a lake is.
#[derive(Clone)]
pub struct LakeConfig {
    /// `file:///folder`, `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix` or
    /// `memory:///` (which forgets everything with the process).
    pub url: String,
    /// The store's settings, by object_store's configuration keys, such as `aws_region` or
    /// `aws_endpoint`. They take precedence over the environment's variables of the same names.
    pub options: HashMap<String, String>,
}

impl LakeConfig {
    /// A lake at this address with the environment's settings.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), options: HashMap::new() }
    }
}

/// Options hold keys, so only their names are shown.
impl std::fmt::Debug for LakeConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut names: Vec<_> = self.options.keys().collect();
        names.sort();
        f.debug_struct("LakeConfig").field("url", &self.url).field("options", &names).finish()
    }
}

/// An opened store, and the address by which the log library shall know it.
pub(crate) struct OpenedStore {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) log_base: &'static str,
    pub(crate) signer: Option<StoreSigner>,
}

/// What signs links to a store, and the path of the lake's root in it.
pub(crate) type StoreSigner = (Arc<dyn Signer>, Path);

/// The log library sees datasets as folders under one of these addresses. It opens nothing by them: all
/// it reads from one is the path, and from its host whether the store lists keys in order.
pub(crate) const ORDERED: &str = "memory://lake";
/// A host with this ending stands for a bucket that lists in no order, whose listings it sorts itself.
const UNORDERED: &str = "memory://lake--x-s3";

pub(crate) fn open_store(config: &LakeConfig) -> Result<OpenedStore, LakeError> {
    let refuse = |reason: String| LakeError::Configuration { reason };
    let url = Url::parse(&config.url)
        .map_err(|e| refuse(format!("{:?} is not an address ({e})", config.url)))?;
    let prefix = Path::from_url_path(url.path())
        .map_err(|e| refuse(format!("{:?} has an unusable path ({e})", config.url)))?;
    let object = |store: Arc<dyn ObjectStore>, signer: Option<Arc<dyn Signer>>| {
        let store: Arc<dyn ObjectStore> = if prefix.as_ref().is_empty() {
            store
        } else {
            Arc::new(PrefixStore::new(store, prefix.clone()))
        };
        let signer = signer.map(|signer| (signer, prefix.clone()));
        OpenedStore { store, log_base: ORDERED, signer }
    };
    let refused = |e: object_store::Error| refuse(e.to_string());
    match url.scheme() {
        "file" => {
            let folder = url
                .to_file_path()
                .map_err(|()| refuse(format!("{:?} is not a folder's address", config.url)))?;
            std::fs::create_dir_all(&folder)
                .map_err(|e| refuse(format!("{} can't be made: {e}", folder.display())))?;
            let store =
                LocalFileSystem::new_with_prefix(folder).map_err(|e| refuse(e.to_string()))?;
            Ok(OpenedStore { store: Arc::new(store), log_base: UNORDERED, signer: None })
        }
        "memory" => Ok(object(Arc::new(InMemory::new()), None)),
        "s3" | "s3a" => {
            let store = Arc::new(s3(&config.url, &config.options).map_err(refused)?);
            Ok(object(Arc::clone(&store) as _, Some(store)))
        }
        "gs" => {
            let mut builder = GoogleCloudStorageBuilder::from_env().with_url(&config.url);
            for (key, value) in &config.options {
                let key: GoogleConfigKey = key
                    .to_ascii_lowercase()
                    .parse()
                    .map_err(|_| refuse(format!("there is no option {key:?} for gs://")))?;
                builder = builder.with_config(key, value);
            }
            let store = Arc::new(builder.build().map_err(refused)?);
            Ok(object(Arc::clone(&store) as _, Some(store)))
        }
        "az" | "azure" | "abfs" | "abfss" => {
            let mut builder = MicrosoftAzureBuilder::from_env().with_url(&config.url);
            for (key, value) in &config.options {
                let key: AzureConfigKey = key
                    .to_ascii_lowercase()
                    .parse()
                    .map_err(|_| refuse(format!("there is no option {key:?} for az://")))?;
                builder = builder.with_config(key, value);
            }
            let store = Arc::new(builder.build().map_err(refused)?);
            Ok(object(Arc::clone(&store) as _, Some(store)))
        }
        other => Err(refuse(format!(
            "{other}:// is not known; use file://, s3://, gs://, az:// or memory://"
        ))),
    }
}

fn s3(
    url: &str,
    options: &HashMap<String, String>,
) -> Result<object_store::aws::AmazonS3, object_store::Error> {
    let mut builder = AmazonS3Builder::from_env().with_url(url);
    for (key, value) in options {
        let key: AmazonS3ConfigKey = key.to_ascii_lowercase().parse()?;
        builder = builder.with_config(key, value);
    }
    // Every commit rests on this: a put that fails where the object is already there.
    builder = builder.with_conditional_put(S3ConditionalPut::ETagMatch);
    let plain_http = builder
        .get_config_value(&AmazonS3ConfigKey::Endpoint)
        .is_some_and(|endpoint| endpoint.starts_with("http://"));
    if plain_http {
        builder =
            builder.with_config(AmazonS3ConfigKey::Client(ClientConfigKey::AllowHttp), "true");
    }
    builder.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_address_is_refused_with_the_known_ones() {
        let error = open_store(&LakeConfig::new("ftp://host/x")).err().unwrap();
        assert!(error.to_string().contains("s3://"), "{error}");
        assert!(open_store(&LakeConfig::new("no address")).is_err());
    }

    #[test]
    fn a_misspelt_option_is_refused_not_ignored() {
        let mut config = LakeConfig::new("s3://bucket/prefix");
        config.options.insert("aws_regoin".to_owned(), "x".to_owned());
        assert!(open_store(&config).is_err());
    }

    #[test]
    fn options_are_not_shown() {
        let mut config = LakeConfig::new("s3://bucket");
        config.options.insert("aws_secret_access_key".to_owned(), "hidden-value".to_owned());
        assert!(!format!("{config:?}").contains("hidden-value"));
    }
}
