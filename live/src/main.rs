//! `provisionerd`: the daemon's command. It has no logic of its own: it wires the library and chooses
//! exit codes.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration as Span;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use provisioner_engine::orders;
use provisioner_files::file::KeyDoc;
use provisioner_live::cloud::ec2::actions::CallLog;
use provisioner_live::daemon::clock::Look;
use provisioner_live::daemon::plan::{Plan, plan};
use provisioner_live::daemon::{Parts, Seen, Shadow, ledger};
use provisioner_live::modes::assembly::{Assembly, AssemblyError};
use provisioner_live::modes::doctor::{self, Finding};
use provisioner_live::modes::{run, teardown};
use provisioner_live::settings::{SecretSource, Settings, StoreSettings};
use provisioner_live::store::memory::MemoryStore;
use provisioner_live::store::postgres::{Candidate, PostgresStore};
use provisioner_live::store::sqlite::SqliteStore;
use provisioner_live::store::{Kept, StoreError};
use provisioner_live::window::viewer::{CallTally, Viewer};
use provisioner_live::window::{self, Publisher, Views};
use tokio::runtime::Runtime;
use tracing_subscriber::EnvFilter;

/// What is written or asked for is wrong.
const EXIT_WRITTEN: u8 = 2;

/// How often whoever waits for the lead asks for it.
const LEAD_EVERY: Span = Span::from_millis(500);

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
    match &cli.command {
        Command::Run { shadow, listen } => run_daemon(&cli, *shadow, *listen),
        Command::Plan { patience, json } => show_plan(&cli, Span::from_secs(*patience), *json),
        Command::Doctor => examine(&cli),
        Command::Teardown { yes, wait } => tear_down(&cli, *yes, Span::from_secs(*wait)),
        Command::Parameters { of } => print(&parameters(*of)),
        Command::Schema { of } => print(&schema(*of)),
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Cli::command(), "provisionerd", &mut io::stdout());
            ExitCode::SUCCESS
        }
    }
}

fn begin_to_log(cli: &Cli) -> Result<(), String> {
    let ours = match cli.log_level.as_str() {
        // Others' crates say only what went wrong, unless a filter asks for more.
        level @ ("info" | "debug" | "trace") => {
            format!("warn,provisionerd={level},provisioner_live={level}")
        }
        filter => filter.to_owned(),
    };
    let filter = EnvFilter::try_new(ours).map_err(|error| error.to_string())?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match cli.log {
        LogForm::Text => builder.with_ansi(io::stderr().is_terminal()).with_target(false).init(),
        LogForm::Json => builder.json().init(),
    }
    Ok(())
}

fn run_daemon(cli: &Cli, shadow: bool, listen: Option<SocketAddr>) -> ExitCode {
    let runtime = runtime();
    let calls = CallTally::default();
    let noted = calls.clone();
    let log: CallLog = Arc::new(move |call| noted.note(call));
    let assembly = match runtime.block_on(Assembly::load(&cli.settings, log)) {
        Ok(assembly) => assembly,
        Err(error) => return refused(&error),
    };
    let (publisher, views) = Publisher::new();
    let listen = listen.unwrap_or(assembly.settings.listen);
    if let Err(error) = runtime.block_on(open_window(listen, views)) {
        return failed(&error);
    }
    let mut viewer = viewer(&assembly.settings, shadow, publisher, calls);
    viewer.hindered("EC2 is asked what there is".into());
    let setup = match runtime.block_on(run::first_setup(&assembly)) {
        Ok(setup) => setup,
        Err(error) => return refused(&error),
    };
    let (handle, provisioner) = (runtime.handle(), assembly.settings.provisioner.clone());
    let ended = if shadow {
        let see = |seen: &Seen<'_>| viewer.see(seen);
        run::run(assembly, setup, MemoryStore::default(), Shadow::On, handle, see)
    } else {
        match assembly.settings.store.clone() {
            StoreSettings::Sqlite(path) => match SqliteStore::open(&path, &provisioner) {
                Ok(store) => {
                    let see = |seen: &Seen<'_>| viewer.see(seen);
                    run::run(assembly, setup, store, Shadow::Off, handle, see)
                }
                Err(error) => return failed(&error),
            },
            StoreSettings::Postgres(url) => {
                viewer
                    .hindered("another provisionerd leads, or the database does not answer".into());
                match lead(&url, &provisioner) {
                    Ok(store) => {
                        let see = |seen: &Seen<'_>| viewer.see(seen);
                        run::run(assembly, setup, store, Shadow::Off, handle, see)
                    }
                    Err(error) => return failed(&error),
                }
            }
        }
    };
    // What still waits for the network has nothing to say any more.
    runtime.shutdown_timeout(Span::from_secs(1));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

/// Shows what the daemon does to whoever asks over HTTP, while the process lives.
async fn open_window(listen: SocketAddr, views: Views) -> Result<(), String> {
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .map_err(|error| format!("the window cannot listen on {listen}: {error}"))?;
    let clock = Arc::new(|| Look::now().wall);
    tokio::spawn(window::serve(listener, views, clock, std::future::pending()));
    Ok(())
}

fn viewer(settings: &Settings, shadow: bool, publisher: Publisher, calls: CallTally) -> Viewer {
    let store = match &settings.store {
        StoreSettings::Sqlite(path) => {
            let beside = PathBuf::from(format!("{}-wal", path.display()));
            vec![path.clone(), beside]
        }
        StoreSettings::Postgres(_) => Vec::new(),
    };
    let overdue_after = settings.stuck_after;
    Viewer::new(publisher, settings.provisioner.clone(), shadow, overdue_after, store, calls)
}

/// Waits until it may act.
fn lead(url: &SecretSource, provisioner: &str) -> Result<PostgresStore, String> {
    let url = url.read(|name| std::env::var(name).ok())?;
    let candidate = Candidate::connect(url.reveal(), provisioner);
    candidate.and_then(|candidate| candidate.lead(LEAD_EVERY)).map_err(|error| error.to_string())
}

fn show_plan(cli: &Cli, patience: Span, json: bool) -> ExitCode {
    let runtime = runtime();
    let assembled = runtime.block_on(async {
        let assembly = Assembly::load(&cli.settings, Arc::new(|_| {})).await?;
        let setup = assembly.setup(Look::now().wall).await?;
        Ok::<_, AssemblyError>((assembly, setup))
    });
    let (assembly, setup) = match assembled {
        Ok(parts) => parts,
        Err(error) => return refused(&error),
    };
    let kept = match peek(&assembly.settings) {
        Ok(kept) => kept,
        Err(error) => return failed(&error),
    };
    let parts = Parts {
        store: MemoryStore::of(kept),
        cloud: assembly.ec2,
        queue: assembly.queues,
        setup,
        journal: None,
        shadow: Shadow::On,
    };
    match plan(parts, runtime.handle(), patience) {
        Ok(plan) => {
            plan.unknown.iter().for_each(|unknown| eprintln!("warning: not known: {unknown}"));
            let text = if json {
                let text = serde_json::to_string_pretty(&plan.decision);
                text.expect("a decision can be written down") + "\n"
            } else {
                in_words(&plan)
            };
            print(&text)
        }
        Err(error) => failed(&error),
    }
}

/// What a plan comes to, for people: orders, and why.
fn in_words(Plan { engine, decision, .. }: &Plan) -> String {
    let config = engine.config();
    let mut text = String::new();
    if decision.actions.is_empty() {
        text.push_str("It would do nothing now.\n");
    } else {
        text.push_str("It would now:\n");
    }
    for order in orders::in_words(config, &decision.actions) {
        text.push_str(&format!("  {order}\n"));
    }
    if !decision.reasons.is_empty() {
        text.push_str("\nWhy, and why not:\n");
    }
    for reason in &decision.reasons {
        text.push_str(&format!("  {}\n", reason.describe(config)));
    }
    text
}

fn examine(cli: &Cli) -> ExitCode {
    let runtime = runtime();
    let assembled = runtime.block_on(async {
        let assembly = Assembly::load(&cli.settings, Arc::new(|_| {})).await?;
        let setup = assembly.setup(Look::now().wall).await?;
        Ok::<_, AssemblyError>((assembly, setup))
    });
    let (assembly, setup) = match assembled {
        Ok(parts) => parts,
        Err(error) => return refused(&error),
    };
    let mut findings = vec![Finding::well(
        "settings and worker types",
        format!(
            "{} worker types, {} pools",
            setup.config.worker_types.len(),
            setup.config.catalog.pools().len()
        ),
    )];
    findings.push(match peek(&assembly.settings) {
        Ok(Some(kept)) => match ledger(kept) {
            Ok(instances) => Finding::well("store", format!("{} instances", instances.len())),
            Err(error) => Finding::ill("store", error.to_string()),
        },
        Ok(None) => Finding::well("store", "not there yet: `run` makes it"),
        Err(error) => Finding::ill("store", error),
    });
    findings.extend(runtime.block_on(async {
        let mut findings = doctor::queues(&*assembly.queues, &setup).await;
        findings.extend(doctor::pools(&assembly.ec2, &setup).await);
        findings
    }));
    let ill = findings.iter().filter(|finding| finding.is_ill()).count();
    let mut text = String::new();
    findings.iter().for_each(|finding| text.push_str(&format!("{finding}\n")));
    text.push_str(&match ill {
        0 => "\nAll is well.\n".to_owned(),
        1 => "\n1 thing is to be mended.\n".to_owned(),
        _ => format!("\n{ill} things are to be mended.\n"),
    });
    let _ = print(&text);
    if ill == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn tear_down(cli: &Cli, yes: bool, wait: Span) -> ExitCode {
    let runtime = runtime();
    let assembly = match runtime.block_on(Assembly::load(&cli.settings, Arc::new(|_| {}))) {
        Ok(assembly) => assembly,
        Err(error) => return refused(&error),
    };
    let settings = &assembly.settings;
    // Whoever runs would buy again what is ended here.
    let _held = match hold(settings) {
        Ok(held) => held,
        Err(error) => return failed(&error),
    };
    let instances = match peek(settings).map(|kept| kept.map(ledger)) {
        Ok(None) => BTreeSet::new(),
        Ok(Some(Ok(instances))) => instances,
        Ok(Some(Err(error))) => {
            eprintln!(
                "warning: the ledger cannot be read, so only tags tell what is ours: {error}"
            );
            BTreeSet::new()
        }
        Err(error) => return failed(&error),
    };
    let ec2 = &assembly.ec2;
    let mut regions: BTreeSet<String> = settings.aws.regions.value.iter().cloned().collect();
    match runtime.block_on(ec2.regions()) {
        Ok(all) => regions.extend(all),
        Err(error) => return failed(&error),
    }
    let found = runtime.block_on(teardown::look(ec2, &regions, &instances));
    if found.is_nothing() {
        println!("Nothing of `{}` is left in {} regions.", settings.provisioner, regions.len());
        return ExitCode::SUCCESS;
    }
    println!("Of `{}` there is:\n{found}", settings.provisioner);
    if !yes && !agreed(&settings.provisioner) {
        eprintln!("nothing was ended");
        return ExitCode::from(EXIT_WRITTEN);
    }
    let ended = runtime.block_on(teardown::end(ec2, &found));
    print!("{ended}");
    let left = runtime.block_on(teardown::wait(ec2, &regions, wait));
    if ended.is_all() && left.is_nothing() {
        println!("Nothing is left.");
        return ExitCode::SUCCESS;
    }
    println!("Still there:\n{left}Run it again.");
    ExitCode::FAILURE
}

/// Asks on the terminal; without one nobody agreed.
fn agreed(provisioner: &str) -> bool {
    if !io::stdin().is_terminal() {
        eprintln!("error: there is nobody to ask: add `--yes`");
        return false;
    }
    eprint!("All of it is ended, claimed tasks or not. Write `{provisioner}` to go on: ");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).is_ok() && answer.trim() == provisioner
}

/// Keeps a daemon from running on the same store.
fn hold(settings: &Settings) -> Result<Box<dyn std::any::Any>, String> {
    let provisioner = &settings.provisioner;
    match &settings.store {
        StoreSettings::Sqlite(path) if !path.exists() => Ok(Box::new(())),
        StoreSettings::Sqlite(path) => match SqliteStore::open(path, provisioner) {
            Ok(store) => Ok(Box::new(store)),
            Err(error) => Err(error.to_string()),
        },
        StoreSettings::Postgres(url) => {
            let url = url.read(|name| std::env::var(name).ok())?;
            let candidate = Candidate::connect(url.reveal(), provisioner);
            match candidate.and_then(Candidate::try_lead).map_err(|error| error.to_string())? {
                Ok(store) => Ok(Box::new(store)),
                Err(_) => Err("a provisionerd leads on this database: stop it first".into()),
            }
        }
    }
}

/// What the store has, whoever has the store.
fn peek(settings: &Settings) -> Result<Option<Kept>, String> {
    let provisioner = &settings.provisioner;
    let kept = match &settings.store {
        StoreSettings::Sqlite(path) => SqliteStore::peek(path, provisioner),
        StoreSettings::Postgres(url) => {
            let url = url.read(|name| std::env::var(name).ok())?;
            Candidate::connect(url.reveal(), provisioner).and_then(Candidate::peek)
        }
    };
    kept.map_err(|error: StoreError| error.to_string())
}

fn parameters(of: FileKind) -> String {
    let keys = match of {
        FileKind::Settings => provisioner_live::settings::parameters(),
        FileKind::WorkerType => provisioner_live::settings::worker_type_parameters(),
    };
    let line = |key: &KeyDoc| format!("{}\n    {}\n    {}\n", key.path, key.doc, key.terms());
    keys.iter().map(line).collect()
}

fn schema(of: FileKind) -> String {
    let schema = match of {
        FileKind::Settings => provisioner_live::settings::schema(),
        FileKind::WorkerType => provisioner_live::settings::worker_type_schema(),
    };
    format!("{schema:#}\n")
}

fn runtime() -> Runtime {
    Runtime::new().expect("the system gives threads")
}

fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        // Whoever read has read enough.
        Ok(()) | Err(_) => ExitCode::SUCCESS,
    }
}

fn refused(error: &AssemblyError) -> ExitCode {
    eprintln!("{error}");
    ExitCode::from(EXIT_WRITTEN)
}

fn failed(error: &impl std::fmt::Display) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::FAILURE
}
