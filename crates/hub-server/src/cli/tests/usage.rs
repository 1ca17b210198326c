//! What can be typed, and what is said of it without a hub.

use std::ffi::OsString;

use clap::CommandFactory;

use super::*;

#[test]
fn the_definition_is_sound_and_every_command_teaches_by_an_example() {
    Cli::command().debug_assert();
    fn check(command: &clap::Command, path: &str) {
        if command.is_hide_set() {
            // What the hub starts by itself is nothing to teach.
            return;
        }
        let subcommands: Vec<_> = command.get_subcommands().collect();
        if subcommands.is_empty() {
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(after.contains("Example") && after.contains(path), "{path} has no example");
        }
        for subcommand in subcommands {
            check(subcommand, &format!("{path} {}", subcommand.get_name()));
        }
    }
    check(&Cli::command(), "mochiyori");
}

/// Every line of every command's examples can be typed.
#[test]
fn the_examples_in_the_help_can_be_typed() {
    fn examples(command: &clap::Command, found: &mut Vec<String>) {
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let of_usage = |line: &&str| line.starts_with("  mochiyori ") && !line.contains("COMMAND");
        found.extend(after.lines().filter(of_usage).map(str::to_owned));
        command.get_subcommands().for_each(|subcommand| examples(subcommand, found));
    }
    let mut found = Vec::new();
    examples(&Cli::command(), &mut found);
    assert!(found.len() > 40, "{}", found.len());
    for line in found {
        // The words of a shell, as far as the examples use them; remarks follow two spaces.
        let typed = line.trim().split("  ").next().unwrap();
        let mut words = vec![String::new()];
        let mut quoted = false;
        for c in typed.chars() {
            match c {
                '"' => quoted = !quoted,
                ' ' if !quoted => words.push(String::new()),
                '\\' => {}
                other => words.last_mut().unwrap().push(other),
            }
        }
        let end = words.iter().position(|w| matches!(w.as_str(), ">" | ">>" | "&&" | "|"));
        words.truncate(end.unwrap_or(words.len()));
        if let Err(error) = Cli::try_parse_from(&words) {
            panic!("{line}: {error}");
        }
    }
}

#[test]
fn usage_has_its_exit_codes() {
    let code = |typed: &[&str]| {
        let typed = ["mochiyori"].iter().chain(typed).map(OsString::from);
        parse_from(typed).map(|_| ()).map_err(|code| format!("{code:?}"))
    };
    let exit = |code: u8| Err(format!("{:?}", ExitCode::from(code)));
    assert_eq!(code(&[]), exit(error::DONE));
    assert_eq!(code(&["--help"]), exit(error::DONE));
    assert_eq!(code(&["uplaod"]), exit(error::USAGE));
    assert_eq!(code(&["upload", "f.csv"]), exit(error::USAGE));
    assert_eq!(code(&["upload", "f.csv", "--to", "River.Flow"]), exit(error::USAGE));
    assert_eq!(code(&["sql"]), exit(error::USAGE));
    assert_eq!(code(&["token", "create", "x", "--role", "publisher"]), exit(error::USAGE));
    assert_eq!(code(&["token", "create", "x", "--role", "admin"]), Ok(()));
    assert_eq!(code(&["serve", "--listen", "0.0.0.0:1"]), Ok(()));
    assert_eq!(code(&["demo", "--years", "2", "--scale", "3", "--seed", "4"]), Ok(()));
}

#[test]
fn the_main_help_has_first_steps_and_exit_codes_and_no_secrets() {
    let help = Cli::command().render_help().to_string();
    for part in ["First steps:", "mochiyori demo", "Exit codes:", "MOCHIYORI_TOKEN"] {
        assert!(help.contains(part), "{part} is not in\n{help}");
    }
}

#[tokio::test]
async fn completion_needs_no_hub() {
    let seen = mochiyori_at("http://127.0.0.1:1", PIPE, &["completion", "bash"]).await;
    assert_eq!(seen.code, error::DONE);
    assert!(seen.out.contains("mochiyori") && seen.out.contains("upload"));
}

#[test]
fn a_reader_that_leaves_ends_a_command_quietly() {
    struct Closed;
    impl std::io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let (mut out, mut err) = (Closed, Vec::new());
    let mut console = Console { out: &mut out, err: &mut err, look: PIPE };
    let result = console.line("a").map_err(CliError::from);
    assert_eq!(finish(result, &mut console), error::DONE);
    assert!(err.is_empty());
}
