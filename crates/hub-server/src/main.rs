//! The binary `mochiyori`: reads the command line, composes what it asks for, and runs it.

use std::{path::Path, process::ExitCode};

use anyhow::Context;
use hub_server::{
    cli::{self, Command, DemoArgs, Parsed, ServeArgs},
    config::Config,
    openapi_json, run_demo,
    serve::{self, RunningHub},
    telemetry,
};

/// The system's allocator keeps what threads of a burst of work have freed; this one gives it back, and
/// small requests allocate faster.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let Parsed { global, command } = match cli::parse() {
        Ok(parsed) => parsed,
        Err(code) => return code,
    };
    let result = match command {
        Command::Client(command) => return cli::run(&global, *command),
        Command::Health(args) => return cli::health(&global, &args),
        Command::IntakeWorker => return hub_intake::worker::main(),
        Command::OpenApi => print_openapi(),
        Command::FunctionsDocument => print(&hub_query::functions_document()),
        Command::Serve(args) => run_serve(&args),
        Command::Demo(args) => run_demo_command(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("mochiyori: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn print_openapi() -> anyhow::Result<()> {
    print(&openapi_json().context("the OpenAPI document can't be written")?)
}

fn print(text: &str) -> anyhow::Result<()> {
    use std::io::Write;
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

fn run_serve(args: &ServeArgs) -> anyhow::Result<()> {
    let mut config = read_config(args.config.as_deref())?;
    if let Some(data_dir) = &args.data_dir {
        config.server.data_dir.clone_from(data_dir);
    }
    if let Some(listen) = args.listen {
        config.server.listen = listen.to_string();
    }
    run(&config, async |config| {
        let hub = serve::start(config).await?;
        if let Some(token) = &hub.admin_token {
            let path = config.server.data_dir.join("admin-token");
            say(&format!(
                "The first admin token, shown this once and kept in {}:\n  {token}",
                path.display()
            ));
        }
        Ok(hub)
    })
}

fn run_demo_command(args: &DemoArgs) -> anyhow::Result<()> {
    let mut config = read_config(None)?;
    config.server.data_dir.clone_from(&args.data_dir);
    config.server.listen = args.listen.to_string();
    if std::env::var_os("MOCHIYORI_LOG__FILTER").is_none() {
        "warn".clone_into(&mut config.log.filter);
    }
    run(&config, async |config| Ok(run_demo(config, args, &mut |line| say(line)).await?))
}

/// Runs a hub until a signal asks it to stop.
fn run(
    config: &Config,
    start: impl AsyncFnOnce(&Config) -> anyhow::Result<RunningHub>,
) -> anyhow::Result<()> {
    telemetry::start_logging(&config.log).map_err(anyhow::Error::msg)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        let mut hub = tokio::select! {
            hub = start(config) => hub?,
            _ = tokio::signal::ctrl_c() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
        };
        tokio::select! {
            () = hub.wait() => anyhow::bail!("the hub ended by itself; its log says why"),
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        hub.stop().await;
        Ok(())
    })
}

fn read_config(path: Option<&Path>) -> anyhow::Result<Config> {
    let named =
        path.map(Path::to_owned).or_else(|| std::env::var_os("MOCHIYORI_CONFIG").map(Into::into));
    let text = named
        .as_ref()
        .map(|path| {
            std::fs::read_to_string(path)
                .with_context(|| format!("{} can't be read", path.display()))
        })
        .transpose()?;
    Ok(Config::resolve(text.as_deref(), std::env::vars())?)
}

/// Speaks to the person at the terminal; logs go the same way.
fn say(line: &str) {
    use std::io::Write;
    // A closed terminal leaves no one to tell.
    let _ = writeln!(std::io::stderr(), "{line}");
}
