//! `completion`: scripts by which shells complete commands.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::{args::Cli, error::CliError, output::Console};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mochiyori completion bash > ~/.local/share/bash-completion/completions/mochiyori
  mochiyori completion zsh > \"${fpath[1]}/_mochiyori\"
  mochiyori completion fish > ~/.config/fish/completions/mochiyori.fish
  mochiyori completion powershell >> $PROFILE")]
pub struct CompletionArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(args: &CompletionArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    // The generator can't report that a write failed, so it writes to memory.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "mochiyori", &mut script);
    Ok(console.out.write_all(&script)?)
}
