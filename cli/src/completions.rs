//! `provisioner completions`: what the Tab key offers.

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use crate::terminal::{Failure, print};
use crate::{Answer, command};

/// Print what makes a shell complete commands, options, their values and file names
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

const AFTER_HELP: &str = "\
Examples:
  provisioner completions bash > ~/.local/share/bash-completion/completions/provisioner
  provisioner completions zsh > ~/.zfunc/_provisioner   # with fpath+=~/.zfunc before compinit
  provisioner completions fish > ~/.config/fish/completions/provisioner.fish
  source <(provisioner completions bash)                # for this session only

Exit codes: 0 it is printed.";

impl Completions {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        print(format_args!("{}", script(&mut command(), self.shell)))?;
        Ok(Answer::Yes)
    }
}

fn script(command: &mut Command, shell: Shell) -> String {
    let (name, mut script) = (command.get_name().to_owned(), Vec::new());
    generate(shell, command, name, &mut script);
    let script = String::from_utf8(script).expect("names and help are text");
    if shell == Shell::Bash { files_before_options(&script) } else { script }
}

/// In bash, options would be offered wherever a word begins, and hide the files: those are offered
/// when nothing else is.
fn files_before_options(script: &str) -> String {
    let begun = "[[ ${cur} == -* ]]";
    let words = "COMPREPLY=( $(compgen -W \"${opts}\" -- \"${cur}\") )";
    let plain = "COMPREPLY=( $(compgen -W \"${opts}\" -X '-*' -- \"${cur}\") )";
    script
        .replace("[[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]]", begun)
        .replace("[[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]]", begun)
        .replace(&format!("esac\n            {words}"), &format!("esac\n            {plain}"))
}
