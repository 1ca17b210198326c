//! PostgreSQL over the network: encrypted as `sslmode` asks, or not at all.

use hub_model::ErrorKind;
use hub_registry::{Registry, RegistryError};
use hub_testkit::postgres::PostgresServer;

use crate::bench::Bench;

async fn open(url: &str) -> Result<(), RegistryError> {
    let registry = Registry::connect(url, Bench::new(url.to_owned()).clock()).await?;
    registry.ping().await?;
    registry.close().await;
    Ok(())
}

fn refused(result: Result<(), RegistryError>, why: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(matches!(error, RegistryError::Insecure { .. }), "{error:?}");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains(why), "{cause}");
}

#[tokio::test]
async fn a_server_that_takes_encrypted_connections_only_serves() {
    let Some(server) = PostgresServer::start_on_tls() else { return };
    for mode in ["require", "prefer"] {
        let url = server.database_over_network("localhost", &format!("sslmode={mode}"));
        open(&url).await.unwrap();
    }
    // The server itself turns plain connections away, so that the ones above were encrypted.
    let plain = server.database_over_network("localhost", "sslmode=disable");
    assert!(open(&plain).await.is_err());
}

#[tokio::test]
async fn the_certificate_must_be_signed_by_the_named_authority_and_bear_the_servers_name() {
    let Some(server) = PostgresServer::start_on_tls() else { return };
    let authority = server.authority();
    let trusted = format!("sslmode=verify-full&sslrootcert={}", authority.display());
    open(&server.database_over_network("localhost", &trusted)).await.unwrap();

    let untrusted = server.database_over_network("localhost", "sslmode=verify-full");
    refused(open(&untrusted).await, "UnknownIssuer");

    let by_another_name = server.database_over_network("127.0.0.1", &trusted);
    refused(open(&by_another_name).await, "not valid for name");

    let no_file = server.database_over_network(
        "localhost",
        "sslmode=verify-full&sslrootcert=/nowhere/authority.pem",
    );
    assert!(open(&no_file).await.is_err());
}

#[tokio::test]
async fn a_connection_that_must_be_encrypted_is_never_made_plain() {
    let Some(server) = PostgresServer::start_on_tcp() else { return };
    for mode in ["require", "verify-full"] {
        let url = server.database_over_network("localhost", &format!("sslmode={mode}"));
        refused(open(&url).await, "does not support TLS");
    }
    for mode in ["disable", "prefer"] {
        let url = server.database_over_network("localhost", &format!("sslmode={mode}"));
        open(&url).await.unwrap();
    }
}
