//! `provisionerd`: the daemon's command. It has no logic of its own: it wires the library and chooses
//! exit codes.

mod command;

use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration as Span;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use provisioner_files::file::KeyDoc;
use provisioner_live::{logging, settings};

use self::command::import::Import;
use self::command::{EXIT_WRITTEN, print};

/// Buys EC2 machines for task queues, by the engine that `provisioner simulate` runs.
#[derive(Parser)]
#[command(name = "provisionerd", version = env!("PROVISIONER_COMMIT"), arg_required_else_help = true)]
#[command(
    after_help = "Begin with `provisionerd doctor`, then `provisionerd plan`, then `run --shadow`."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// The settings file.
    #[arg(
        long,
        global = true,
        env = "PROVISIONERD_SETTINGS",
        default_value = "/etc/provisionerd/provisionerd.toml",
        value_name = "FILE"
    )]
    settings: PathBuf,
    /// How logs are written, to standard error.
    #[arg(long, global = true, value_enum, default_value = "text")]
    log: LogForm,
    /// What is logged: `error`, `warn`, `info`, `debug`, or a filter such as `info,aws_config=debug`.
    #[arg(
        long,
        global = true,
        env = "PROVISIONERD_LOG",
        default_value = "info",
        value_name = "LEVEL"
    )]
    log_level: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogForm {
    Text,
    Json,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the daemon until SIGTERM.
    Run {
        /// Decides, journals (beside the journal's folder) and shows, and changes nothing in the
        /// cloud nor in the store: it may run beside the daemon that acts.
        #[arg(long)]
        shadow: bool,
        /// Where the window listens, instead of where the settings say.
        #[arg(long, value_name = "ADDRESS:PORT")]
        listen: Option<SocketAddr>,
    },
    /// Takes one turn that changes nothing: prints what it would do now, and why.
    Plan {
        /// How long answers are waited for, in seconds.
        #[arg(long, default_value_t = 60, value_name = "SECONDS")]
        patience: u64,
        /// The decision as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Checks settings, credentials, permissions, quotas, queues and every pool; says what to mend.
    Doctor,
    /// Ends everything this provisioner ever made, in every region, and nothing else.
    Teardown {
        /// Does not ask first.
        #[arg(long)]
        yes: bool,
        /// How long instances are waited for until they are gone, in seconds.
        #[arg(long, default_value_t = 600, value_name = "SECONDS")]
        wait: u64,
    },
    /// Writes worker type files from aws-provisioner's worker types or worker-manager's pools, and
    /// says what changed meaning.
    Import(Import),
    /// Lists every key of the settings, or of a worker type's file.
    Parameters {
        /// Of which file.
        #[arg(value_enum, default_value = "settings")]
        of: FileKind,
    },
    /// Prints the JSON Schema of the settings, or of a worker type's file, for editors.
    Schema {
        /// Of which file.
        #[arg(value_enum, default_value = "settings")]
        of: FileKind,
    },
    /// Prints a completion script.
    Completions {
        /// For which shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum FileKind {
    Settings,
    WorkerType,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Err(error) = begin_to_log(&cli) {
        eprintln!("error: `--log-level` is not understood: {error}");
        return ExitCode::from(EXIT_WRITTEN);
    }
    match cli.command {
        Command::Run { shadow, listen } => command::run::run_daemon(&cli.settings, shadow, listen),
        Command::Plan { patience, json } => {
            command::plan::show_plan(&cli.settings, Span::from_secs(patience), json)
        }
        Command::Doctor => command::doctor::examine(&cli.settings),
        Command::Teardown { yes, wait } => {
            command::teardown::tear_down(&cli.settings, yes, Span::from_secs(wait))
        }
        Command::Import(import) => import.run(),
        Command::Parameters { of } => print(&parameters(of)),
        Command::Schema { of } => print(&schema(of)),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "provisionerd", &mut io::stdout());
            ExitCode::SUCCESS
        }
    }
}

fn begin_to_log(cli: &Cli) -> Result<(), String> {
    let filter = logging::filter(&cli.log_level).map_err(|error| error.to_string())?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match cli.log {
        LogForm::Text => builder.with_ansi(io::stderr().is_terminal()).with_target(false).init(),
        LogForm::Json => builder.json().init(),
    }
    Ok(())
}

fn parameters(of: FileKind) -> String {
    let keys = match of {
        FileKind::Settings => settings::parameters(),
        FileKind::WorkerType => settings::worker_type_parameters(),
    };
    let line = |key: &KeyDoc| format!("{}\n    {}\n    {}\n", key.path, key.doc, key.terms());
    keys.iter().map(line).collect()
}

fn schema(of: FileKind) -> String {
    let schema = match of {
        FileKind::Settings => settings::schema(),
        FileKind::WorkerType => settings::worker_type_schema(),
    };
    format!("{schema:#}\n")
}
