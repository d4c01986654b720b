//! domlogon(8) and the completions, printed from the definition of the command line.
//!
//! `UPDATE=1 cargo test --workspace manual` writes them anew. One page holds all commands:
//! whoever looks for one finds it by a search in the page.

use crate::arguments::Arguments;
use clap::{Arg, ArgAction, Command, CommandFactory as _};
use clap_complete::Shell;
use domlogon_manual::{Mdoc, file, page};

#[test]
fn manual_page_of_domlogon() {
    let command = built();
    let parts = [
        ("commands", commands(&command)),
        ("options", options(&command)),
        ("exit status", exit_status(&command)),
    ];
    page("domlogon.8", &parts).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn manual_names_every_command() {
    let text = commands(&built()).text().to_owned();
    for name in ["user add", "policy set", "rights simulate", "explain"] {
        assert!(text.contains(&format!(".Nm Cm {name}")), "{name}");
    }
    // What is only for trying things out is not told.
    assert!(!text.contains("plain-socket") && !text.contains("plain\\-socket"));
}

#[test]
fn manual_completions() {
    for (shell, name) in [
        (Shell::Bash, "completions/domlogon.bash"),
        (Shell::Zsh, "completions/_domlogon"),
        (Shell::Fish, "completions/domlogon.fish"),
    ] {
        let mut script = Vec::new();
        let mut command = offered(&Arguments::command()).version("");
        clap_complete::generate(shell, &mut command, "domlogon", &mut script);
        let script = String::from_utf8(script).unwrap();
        assert!(!script.contains("plain-socket") && !script.contains("enable-guard"));
        file(name, &tidy(&script)).unwrap_or_else(|error| panic!("{error}"));
    }
}

/// The command line without what is hidden, which clap would offer all the same.
fn offered(command: &Command) -> Command {
    // clap's own names are for ever.
    let name: &str = command.get_name().to_owned().leak();
    let mut offered = Command::new(name).disable_help_subcommand(true);
    if let Some(about) = command.get_about() {
        offered = offered.about(about.clone());
    }
    let arguments = command.get_arguments();
    offered
        .args(
            arguments
                .filter(|argument| !argument.is_hide_set())
                .cloned(),
        )
        .subcommands(shown(command).map(self::offered))
}

/// Without blanks at the ends of lines.
fn tidy(script: &str) -> String {
    let mut text: String = script
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect();
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn built() -> Command {
    let mut command = Arguments::command();
    command.build();
    command
}

/// Every command, in the order of `--help`: groups of commands are sections of their own.
fn commands(root: &Command) -> Mdoc {
    let mut text = Mdoc::new();
    let (groups, single): (Vec<&Command>, Vec<&Command>) =
        shown(root).partition(|command| shown(command).next().is_some());
    for group in groups {
        text.line(&format!(".Ss Commands of {}", group.get_name()));
        about(&mut text, group);
        list(&mut text, shown(group), &format!("{} ", group.get_name()));
        after(&mut text, group);
    }
    text.line(".Ss Other commands");
    list(&mut text, single.into_iter(), "");
    text
}

fn list<'a>(text: &mut Mdoc, commands: impl Iterator<Item = &'a Command>, before: &str) {
    text.line(".Bl -tag -width Ds");
    for command in commands {
        one(text, command, &format!("{before}{}", command.get_name()));
    }
    text.line(".El");
}

fn one(text: &mut Mdoc, command: &Command, name: &str) {
    text.line(".It Xo").line(&format!(".Nm Cm {name}"));
    for argument in told(command) {
        usage(text, argument);
    }
    text.line(".Xc");
    about(text, command);
    let mut described = told(command).filter(|argument| argument.get_help().is_some());
    if let Some(first) = described.next() {
        text.line(".Bl -tag -width Ds");
        for argument in core::iter::once(first).chain(described) {
            describe(text, argument);
        }
        text.line(".El");
    }
    after(text, command);
}

/// The arguments that a command's usage names: its own, and not those of every command.
fn told(command: &Command) -> impl Iterator<Item = &Arg> {
    let own = |argument: &&Arg| {
        !argument.is_hide_set()
            && !argument.is_global_set()
            && !matches!(
                argument.get_action(),
                ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
            )
    };
    command.get_arguments().filter(own)
}

fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    let is_shown = |command: &&Command| !command.is_hide_set() && command.get_name() != "help";
    command.get_subcommands().filter(is_shown)
}

fn usage(text: &mut Mdoc, argument: &Arg) {
    let spelled = spelled(argument);
    text.line(&if argument.is_required_set() {
        format!(".{spelled}")
    } else {
        format!(".Op {spelled}")
    });
}

/// Such as `Fl -expires Ar TIME`.
fn spelled(argument: &Arg) -> String {
    let values: Vec<String> = argument
        .get_value_names()
        .unwrap_or_default()
        .iter()
        .map(|name| name.replace('|', "\\*(Ba"))
        .collect();
    let values = values.join(" ");
    let takes = argument.get_action().takes_values();
    match argument.get_long() {
        Some(long) if takes => format!("Fl -{long} Ar {values}"),
        Some(long) => format!("Fl -{long}"),
        None if matches!(argument.get_action(), ArgAction::Append) => format!("Ar {values} ..."),
        None => format!("Ar {values}"),
    }
}

fn describe(text: &mut Mdoc, argument: &Arg) {
    text.line(&format!(".It {}", spelled(argument)));
    let help = argument.get_long_help().or(argument.get_help());
    if let Some(help) = help {
        text.help(&whole_sentence(&help.to_string()));
    }
    let values: Vec<String> = argument
        .get_possible_values()
        .iter()
        .filter(|_| !argument.is_hide_possible_values_set())
        .filter(|_| argument.get_action().takes_values())
        .map(|value| match value.get_help() {
            Some(help) => {
                let help = help.to_string();
                format!("{} ({})", value.get_name(), help.trim_end_matches('.'))
            }
            None => value.get_name().to_owned(),
        })
        .collect();
    if !values.is_empty() {
        text.prose(&format!("One of: {}.", values.join("; ")));
    }
    let defaults = argument.get_default_values();
    if argument.get_action().takes_values() && !defaults.is_empty() {
        let defaults: Vec<_> = defaults
            .iter()
            .map(|value| value.to_string_lossy())
            .collect();
        text.prose(&format!("If it is not given: {}.", defaults.join(" ")));
    }
}

fn about(text: &mut Mdoc, command: &Command) {
    if let Some(about) = command.get_long_about().or(command.get_about()) {
        text.help(&whole_sentence(&about.to_string()));
    }
}

/// clap takes the full stop of a sentence that stands alone away.
fn whole_sentence(text: &str) -> String {
    let end = if text.ends_with(['.', ':']) { "" } else { "." };
    format!("{text}{end}")
}

fn after(text: &mut Mdoc, command: &Command) {
    if let Some(after) = command.get_after_help() {
        text.line(".Pp").help(&after.to_string());
    }
}

/// The options that every command takes.
fn options(root: &Command) -> Mdoc {
    let mut text = Mdoc::new();
    text.line(".Bl -tag -width Ds");
    for argument in root
        .get_arguments()
        .filter(|argument| !argument.is_hide_set())
    {
        describe(&mut text, argument);
    }
    text.line(".El");
    text
}

/// The table at the end of `--help`: a number and what it means in each line.
fn exit_status(root: &Command) -> Mdoc {
    let table = root.get_after_help().map(ToString::to_string);
    let mut text = Mdoc::new();
    text.line(".Bl -tag -width Ds");
    for line in table.unwrap_or_default().lines() {
        if let Some((number, meaning)) = line.trim_start().split_once("  ") {
            text.item(number).prose(&format!("{meaning}."));
        }
    }
    text.line(".El");
    text
}
