//! Where the lake is: an address and options, resolved to an object store rooted at the address.

use std::{collections::HashMap, str::FromStr, sync::Arc};

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
            let store = Arc::new(s3(config)?);
            Ok(object(Arc::clone(&store) as _, Some(store)))
        }
        "gs" => {
            let mut builder = GoogleCloudStorageBuilder::from_env().with_url(&config.url);
            for (key, value) in &config.options {
                builder = builder.with_config(option::<GoogleConfigKey>(key, "gs")?, value);
            }
            let store = Arc::new(builder.build().map_err(refused)?);
            Ok(object(Arc::clone(&store) as _, Some(store)))
        }
        "az" | "azure" | "abfs" | "abfss" => {
            let mut builder = MicrosoftAzureBuilder::from_env().with_url(&config.url);
            for (key, value) in &config.options {
                builder = builder.with_config(option::<AzureConfigKey>(key, "az")?, value);
            }
            let store = Arc::new(builder.build().map_err(refused)?);
            Ok(object(Arc::clone(&store) as _, Some(store)))
        }
        other => Err(refuse(format!(
            "{other}:// is not known; use file://, s3://, gs://, az:// or memory://"
        ))),
    }
}

fn s3(config: &LakeConfig) -> Result<object_store::aws::AmazonS3, LakeError> {
    let mut builder = AmazonS3Builder::from_env().with_url(&config.url);
    for (key, value) in &config.options {
        builder = builder.with_config(option::<AmazonS3ConfigKey>(key, "s3")?, value);
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
    builder.build().map_err(refused)
}

fn option<K: FromStr>(key: &str, scheme: &str) -> Result<K, LakeError> {
    let unknown = |_| {
        refuse(format!(
            "lake.options has {key:?}, and there is no such option for {scheme}://; see \"Object \
             stores\" in docs/OPERATIONS.md"
        ))
    };
    key.to_ascii_lowercase().parse().map_err(unknown)
}

fn refuse(reason: String) -> LakeError {
    LakeError::Configuration { reason }
}

/// The library's words, without the store's name that it puts before each.
fn refused(error: object_store::Error) -> LakeError {
    match error {
        object_store::Error::Generic { store, source } => refuse(format!("{store}: {source}")),
        other => refuse(other.to_string()),
    }
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

    fn with(url: &str, options: &[(&str, &str)]) -> LakeConfig {
        let pair = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        LakeConfig { url: url.to_owned(), options: options.iter().map(pair).collect() }
    }

    fn refusal(url: &str, options: &[(&str, &str)]) -> String {
        open_store(&with(url, options)).err().unwrap().to_string()
    }

    #[test]
    fn a_misspelt_option_is_refused_not_ignored() {
        for (url, option) in [
            ("s3://bucket/prefix", "aws_regoin"),
            ("gs://bucket/prefix", "google_servce_account"),
            ("az://container/prefix", "azure_storage_acount_name"),
        ] {
            let said = refusal(url, &[(option, "hidden-value")]);
            assert!(said.contains(option) && !said.contains("hidden-value"), "{said}");
        }
    }

    #[test]
    fn what_a_store_lacks_is_said_without_its_keys() {
        let said = refusal("az://container/lake", &[("azure_storage_account_key", "aGlkZGVu")]);
        assert!(said.contains("Account must be specified") && !said.contains("aGlkZGVu"), "{said}");
        let options = [("google_service_account_key", "{\"private_key\": \"hidden\"}")];
        let said = refusal("gs://bucket/lake", &options);
        assert!(said.contains("GCP credential error") && !said.contains("hidden\""), "{said}");
        let said = refusal("gs://bucket/lake", &[("google_service_account", "/nowhere/key.json")]);
        assert!(said.contains("/nowhere/key.json"), "{said}");
    }

    /// A store that answers every request as if its object were there already, and hands on what it was
    /// asked.
    fn full_store(answer: &'static str) -> (String, std::sync::mpsc::Receiver<String>) {
        use std::io::{Read, Write};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let (mut asked, mut buffer) = (Vec::new(), [0; 4_096]);
                while !asked.ends_with(b"rows") {
                    let read = stream.read(&mut buffer).unwrap();
                    asked.extend_from_slice(&buffer[..read]);
                }
                stream.write_all(answer.as_bytes()).unwrap();
                if tell.send(String::from_utf8(asked).unwrap().to_lowercase()).is_err() {
                    return;
                }
            }
        });
        (address, told)
    }

    #[tokio::test]
    async fn google_and_azure_are_asked_to_create_and_never_to_overwrite() {
        use object_store::{PutMode, PutOptions};
        let allow = ("allow_http", "true");
        let (google, asked_google) =
            full_store("HTTP/1.1 412 Precondition Failed\r\ncontent-length: 0\r\n\r\n");
        let (azure, asked_azure) = full_store("HTTP/1.1 409 Conflict\r\ncontent-length: 0\r\n\r\n");
        let key = r#"{"client_email": "", "private_key": "", "private_key_id": "", "disable_oauth": true}"#;
        let google = with(
            "gs://bucket/lake",
            &[("google_base_url", &google), ("google_service_account_key", key), allow],
        );
        let azure = with(
            "az://container/lake",
            &[
                ("azure_storage_account_name", "account"),
                ("azure_storage_endpoint", &azure),
                ("azure_skip_signature", "true"),
                allow,
            ],
        );
        for (config, asked, line, condition) in [
            (google, asked_google, "put /bucket/lake%2fa%2fb", "x-goog-if-generation-match: 0"),
            (azure, asked_azure, "put /container/lake/a/b", "if-none-match: *"),
        ] {
            let store = open_store(&config).unwrap().store;
            let create = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
            let error = store.put_opts(&Path::from("a/b"), "rows".into(), create).await;
            let taken = matches!(error, Err(object_store::Error::AlreadyExists { .. }));
            assert!(taken, "{error:?}");
            let asked = asked.recv().unwrap();
            assert!(asked.starts_with(line) && asked.contains(condition), "{asked}");
        }
    }

    #[test]
    fn options_are_not_shown() {
        let mut config = LakeConfig::new("s3://bucket");
        config.options.insert("aws_secret_access_key".to_owned(), "hidden-value".to_owned());
        assert!(!format!("{config:?}").contains("hidden-value"));
    }
}
