//! `provisionerd import`.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use provisioner_live::import::{Options, RemarkKind, import};

use super::{EXIT_WRITTEN, failed, print};

/// What is imported, and where to.
#[derive(Args)]
pub(crate) struct Import {
    /// A JSON file as the service's API answers it: a worker type of aws-provisioner, a worker pool of
    /// worker-manager, or a list of them; `-` for standard input
    file: PathBuf,
    /// The folder of worker types; files that are there are left alone
    #[arg(long, value_name = "FOLDER")]
    into: PathBuf,
    /// Where their tasks are counted: a name of `[queues]` in the settings
    #[arg(long, value_name = "NAME")]
    queue: String,
    /// The provisioner id of aws-provisioner's worker types, which do not say it
    #[arg(long, default_value = "aws-provisioner-v1", value_name = "ID")]
    provisioner_id: String,
    /// The name of one of aws-provisioner's, if its definition does not have it
    #[arg(long, value_name = "NAME")]
    worker_type: Option<String>,
}

impl Import {
    /// Writes worker type files, and says what changed meaning.
    pub(crate) fn run(self) -> ExitCode {
        let Self { file, into, queue, provisioner_id, worker_type } = self;
        let text = match read(&file) {
            Ok(text) => text,
            Err(error) => return failed(&format!("{} cannot be read: {error}", file.display())),
        };
        let imported = match import(&text, &Options { provisioner_id, worker_type, queue }) {
            Ok(imported) => imported,
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::from(EXIT_WRITTEN);
            }
        };
        let there = imported.files.iter().map(|(name, _)| into.join(name));
        let there: Vec<String> =
            there.filter(|path| path.exists()).map(|path| path.display().to_string()).collect();
        if !there.is_empty() {
            let names = there.join(", ");
            return failed(&format!("already there, so nothing was written: {names}"));
        }
        for (name, text) in &imported.files {
            if let Err(error) = write(&into, name, text) {
                return failed(&format!("{name} cannot be written: {error}"));
            }
        }
        let mut said = String::new();
        for (name, _) in &imported.files {
            said.push_str(&format!("wrote {}\n", into.join(name).display()));
        }
        for remark in imported.remarks.iter().filter(|it| it.kind != RemarkKind::Carried) {
            said.push_str(&format!("{remark}\n"));
        }
        print(&said)
    }
}

fn read(file: &Path) -> io::Result<String> {
    if file == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    fs::read_to_string(file)
}

/// User data may be secret: only its owner reads what is written.
fn write(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    fs::create_dir_all(folder)?;
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join(name))?;
    file.write_all(text.as_bytes())
}
