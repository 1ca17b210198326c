//! The address of a PostgreSQL server, read strictly. The driver takes more than it keeps its word on:
//! it passes over what it does not know, and the value may be a password in a misspelt parameter; it
//! makes no encrypted connection for `allow`, and with `require` it does not look at the certificate it
//! was given. What could leave a connection less safe than it reads is refused here instead.

use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::RegistryError;

/// The parameters that are read of an address.
const PARAMETERS: [&str; 11] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
];

pub(super) fn read(url: &str) -> Result<PgConnectOptions, RegistryError> {
    let parameters = url.split_once('?').map_or("", |(_, parameters)| parameters);
    let names = parameters.split('&').filter_map(|pair| pair.split('=').next());
    if names.clone().any(|name| !name.is_empty() && !PARAMETERS.contains(&name)) {
        return Err(refused(
            "of parameters it takes sslmode, sslrootcert, sslcert, sslkey, host, hostaddr, port, dbname, \
             user, password and application_name; a \"?\" in a password is written %3F",
        ));
    }
    let options = PgConnectOptions::from_str(url).map_err(|_| {
        refused(
            "write postgres://USER:PASSWORD@HOST/DATABASE, with signs such as @ : / % of the password \
             escaped (%40 %3A %2F %25), and for sslmode disable, prefer, require or verify-full",
        )
    })?;
    let checks_certificate = match options.get_ssl_mode() {
        PgSslMode::Disable | PgSslMode::Prefer | PgSslMode::Require => false,
        PgSslMode::VerifyFull => true,
        PgSslMode::Allow => {
            return Err(refused(
                "sslmode=allow is not offered; prefer encrypts where the server can, require insists",
            ));
        }
        PgSslMode::VerifyCa => {
            return Err(refused(
                "sslmode=verify-ca is not offered; verify-full checks the server's name too",
            ));
        }
    };
    if names.clone().any(|name| name == "sslrootcert") && !checks_certificate {
        return Err(refused(
            "sslrootcert is only looked at with sslmode=verify-full; write both, or neither",
        ));
    }
    Ok(options)
}

fn refused(expected: &'static str) -> RegistryError {
    RegistryError::InvalidRequest { what: "registry's url", expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_how_far_the_server_is_trusted() {
        for url in [
            "postgres://hub@db/hub",
            "postgres://hub:p%40ss@db:5433/hub?sslmode=require",
            "postgresql://hub@db/hub?sslmode=verify-full&sslrootcert=/etc/hub/ca.pem",
            "postgres://hub@localhost/hub?host=%2Fvar%2Frun%2Fpostgresql",
        ] {
            assert!(read(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn what_would_be_less_safe_than_it_reads_is_refused_without_telling_the_password() {
        for (url, said) in [
            ("postgres://hub:hunter2@db/hub?ssl_mode=require", "sslmode"),
            ("postgres://hub@db/hub?pasword=hunter2", "password"),
            ("postgres://hub:hunter2@db/hub?sslmode=allow", "prefer"),
            ("postgres://hub:hunter2@db/hub?sslmode=verify-ca", "verify-full"),
            ("postgres://hub:hunter2@db/hub?sslmode=required", "verify-full"),
            ("postgres://hub:hunter2@db/hub?sslmode=require&sslrootcert=ca.pem", "sslrootcert"),
            ("postgres://hub:hunter2@db:port/hub", "%40"),
        ] {
            let error = read(url).unwrap_err();
            assert!(error.to_string().contains(said), "{url}: {error}");
            assert!(!format!("{error:?} {error}").contains("hunter2"), "{error:?}");
        }
    }
}
