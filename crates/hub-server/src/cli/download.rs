//! `download`: an uploaded file as it was sent, or the rows of it that were kept back.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;
use futures::StreamExt;
use hub_model::{DatasetId, UploadId};
use reqwest::Response;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::cli::{
    client::Client,
    error::CliError,
    output::{Console, bytes, clean, member},
};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mochiyori download 0199e1c2-7a55-7d10-9e0a-0d6f6d1c5c11 --from kaihatsu.river_flow
  mochiyori download 0199e1c2-7a55-7d10-9e0a-0d6f6d1c5c11 --from kaihatsu.river_flow -o april.csv
  mochiyori download 0199e1c2-7a55-7d10-9e0a-0d6f6d1c5c11 --from kaihatsu.river_flow --kept-back

The hub keeps the file of every upload that was published or rejected, byte for byte. What arrives is
checked against the file's SHA-256.

With --kept-back it is the rows that were not published when the file was uploaded with
--on-error quarantine: a CSV under the file's own header that says in two columns more what to mend.
Once mended it can be uploaded as it is.")]
pub struct DownloadArgs {
    /// The upload's id
    upload: UploadId,
    /// The dataset it was for, as agency.dataset
    #[arg(long, value_name = "DATASET")]
    from: DatasetId,
    /// Where to write it, or - for standard output; by default a file of the name it was sent with
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Get the rows that were kept back, to mend them and send them again
    #[arg(long)]
    kept_back: bool,
}

pub(crate) async fn run(
    args: &DownloadArgs,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let id = args.upload.to_string();
    let (agency, name) = (args.from.agency().as_str(), args.from.name());
    let path = ["v1", "datasets", agency, name, "uploads", &id];
    let upload: Value = client.json(client.get(&path)).await?;
    let name = local_name(&upload, &id);
    let (what, local) = if args.kept_back {
        let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
        ("kept-back", format!("{stem}.kept-back.csv"))
    } else {
        ("file", name)
    };
    let response = client.send(client.get(&[&path[..], &[what]].concat())).await?;
    let to = args.output.clone().unwrap_or_else(|| PathBuf::from(local));
    // A file that is there is never written over by a name that came from elsewhere.
    let sha256 = receive(response, &to, args.output.is_some(), client, console).await?;
    let known = upload.get("sha256").and_then(Value::as_str).filter(|_| !args.kept_back);
    if known.is_some_and(|known| known != sha256) {
        return Err(CliError::Answer(
            "what arrived is not the file that was uploaded: its SHA-256 differs; try again".into(),
        ));
    }
    Ok(())
}

/// Writes an answer's body to a file, or to standard output, and answers its SHA-256 in hexadecimal.
pub(crate) async fn receive(
    response: Response,
    to: &Path,
    may_replace: bool,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<String, CliError> {
    let mut hash = Sha256::new();
    let mut size = 0;
    let mut body = response.bytes_stream();
    if to.as_os_str() == "-" {
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| client.failed(&error))?;
            hash.update(&chunk);
            console.out.write_all(&chunk)?;
        }
    } else {
        let failed = || format!("can't write {}", to.display());
        let opened = if may_replace { File::create(to) } else { File::create_new(to) };
        let mut file = opened.map_err(CliError::file(failed()))?;
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| client.failed(&error))?;
            hash.update(&chunk);
            size += chunk.len() as u64;
            file.write_all(&chunk).map_err(CliError::file(failed()))?;
        }
        let shown = to.display().to_string();
        console.remark(format_args!("{}: {}", clean(&shown), bytes(size)))?;
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The name that the file was sent with, without any folder; the upload's id where it had none.
fn local_name(upload: &Value, id: &str) -> String {
    let name = member(upload, "file_name");
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let usable = !name.is_empty() && !name.starts_with('.') && !name.chars().any(char::is_control);
    if usable { name.to_owned() } else { id.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_from_elsewhere_leads_nowhere_else() {
        for (sent, local) in [
            (json!("四月.csv"), "四月.csv"),
            (json!("../../etc/passwd"), "passwd"),
            (json!("C:\\files\\a.csv"), "a.csv"),
            (json!(".bashrc"), "the-id"),
            (json!(".."), "the-id"),
            (json!(null), "the-id"),
        ] {
            assert_eq!(local_name(&json!({"file_name": sent}), "the-id"), local, "{sent}");
        }
    }
}
