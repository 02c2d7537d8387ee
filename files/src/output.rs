//! Output files that are whole or not there.
//!
//! What is written goes to a hidden file beside the target and takes its name only at
//! [`OutFile::finish`]: a run that fails or is interrupted never leaves half a file under the
//! final name, nor destroys an older one. Names that end in `.zst` or `.gz` are packed, both with a
//! checksum. `-` is standard output; it, pipes and devices are written as they come, for they
//! cannot be replaced.
//!
//! Who is told to stop calls [`abandon_all`], so that no hidden file stays. A process that is killed
//! leaves its own, `.NAME.….tmp`, behind.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use tempfile::NamedTempFile;

/// What replaces the target at the end.
enum Sink {
    Replacement { file: NamedTempFile, target: PathBuf, hidden: Hidden },
    Stream(File),
    Stdout(io::Stdout),
}

enum Packer {
    Plain(BufWriter<Sink>),
    Gzip(GzEncoder<BufWriter<Sink>>),
    Zstd(zstd::Encoder<'static, BufWriter<Sink>>),
}

/// An output file; dropped without [`OutFile::finish`], it was never there.
#[must_use = "nothing is kept without `finish`"]
pub struct OutFile {
    packer: Packer,
}

impl OutFile {
    /// Starts a file of bytes that are packed already, whatever its name ends in.
    ///
    /// # Errors
    ///
    /// As for [`OutFile::create`].
    pub fn create_packed(path: &Path) -> io::Result<Self> {
        Ok(Self { packer: Packer::Plain(BufWriter::new(Sink::open(path)?)) })
    }

    /// Starts a file that will be at `path`, or standard output for `-`.
    ///
    /// # Errors
    ///
    /// Its folder is not there or cannot be written.
    pub fn create(path: &Path) -> io::Result<Self> {
        let sink = BufWriter::new(Sink::open(path)?);
        let packer = match path.extension().and_then(|extension| extension.to_str()) {
            Some("zst") => {
                let mut encoder = zstd::Encoder::new(sink, ZSTD_LEVEL)?;
                encoder.include_checksum(true)?;
                Packer::Zstd(encoder)
            }
            Some("gz") => Packer::Gzip(GzEncoder::new(sink, flate2::Compression::default())),
            _ => Packer::Plain(sink),
        };
        Ok(Self { packer })
    }

    /// Gives the file its name.
    ///
    /// # Errors
    ///
    /// What was written cannot be stored; an older file is still there.
    pub fn finish(self) -> io::Result<()> {
        let mut sink = match self.packer {
            Packer::Plain(sink) => sink,
            Packer::Gzip(encoder) => encoder.finish()?,
            Packer::Zstd(encoder) => encoder.finish()?,
        };
        sink.flush()?;
        match sink.into_inner().map_err(io::IntoInnerError::into_error)? {
            Sink::Replacement { file, target, hidden } => {
                file.as_file().sync_data()?;
                let kept = file.persist(target).map(drop).map_err(|error| error.error);
                drop(hidden);
                kept
            }
            Sink::Stream(_) | Sink::Stdout(_) => Ok(()),
        }
    }
}

/// The hidden files of this process: whoever stops it does not come by where they are written.
static HIDDEN: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn hidden() -> MutexGuard<'static, Vec<PathBuf>> {
    HIDDEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A hidden file, as long as it is there.
struct Hidden(PathBuf);

impl Hidden {
    fn new(path: &Path) -> Self {
        hidden().push(path.to_owned());
        Self(path.to_owned())
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        hidden().retain(|path| *path != self.0);
    }
}

/// Removes what was begun and not finished, right before the process ends.
pub fn abandon_all() {
    for path in hidden().drain(..) {
        // Then it stays, and nobody could do anything about it.
        let _ = fs::remove_file(path);
    }
}

/// All that an [`OutFile`] of that name was given.
///
/// # Errors
///
/// It is not there, or damaged.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let (mut file, mut bytes) = (File::open(path)?, Vec::new());
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("zst") => zstd::Decoder::new(file)?.read_to_end(&mut bytes)?,
        Some("gz") => MultiGzDecoder::new(file).read_to_end(&mut bytes)?,
        _ => file.read_to_end(&mut bytes)?,
    };
    Ok(bytes)
}

/// Whether an output goes to standard output.
#[must_use]
pub fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Of several outputs of one command, the first that would be written over an input or another
/// output, however their paths are spelled. Pipes and devices may be both, and inputs that are no
/// files cannot be lost.
pub fn collision<'p>(
    outputs: impl IntoIterator<Item = &'p Path>,
    inputs: impl IntoIterator<Item = &'p Path>,
) -> Option<Collision<'p>> {
    let inputs: Vec<PathBuf> = inputs.into_iter().filter(|it| it.is_file()).map(place).collect();
    let mut places: Vec<PathBuf> = Vec::new();
    for output in outputs {
        let place = place(output);
        match fs::metadata(&place) {
            Ok(there) if !there.is_file() => {}
            _ if inputs.contains(&place) => return Some(Collision::Input(output)),
            _ if places.contains(&place) => return Some(Collision::Output(output)),
            _ => places.push(place),
        }
    }
    None
}

/// What an output must not be written over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collision<'p> {
    /// An input.
    Input(&'p Path),
    /// Another output.
    Output(&'p Path),
}

/// Where what is written to a path will be.
fn place(path: &Path) -> PathBuf {
    if is_stdout(path) {
        return path.to_owned();
    }
    let in_folder = || {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        Some(fs::canonicalize(folder.unwrap_or(Path::new("."))).ok()?.join(path.file_name()?))
    };
    fs::canonicalize(path).ok().or_else(in_folder).unwrap_or_else(|| path.to_owned())
}

/// Fast, and a tenth of the size of a journal.
const ZSTD_LEVEL: i32 = 3;

impl Sink {
    fn open(path: &Path) -> io::Result<Self> {
        if is_stdout(path) {
            return Ok(Self::Stdout(io::stdout()));
        }
        // Through a link, the file it points to is replaced, not the link.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        match fs::metadata(&target) {
            Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) if !found.is_file() => {
                return File::options().write(true).open(target).map(Self::Stream);
            }
            Ok(_) | Err(_) => {}
        }
        let name = target.file_name().ok_or(io::ErrorKind::IsADirectory)?;
        let folder = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut prefix = std::ffi::OsString::from(".");
        prefix.push(name);
        prefix.push(".");
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(".tmp");
        #[cfg(unix)] // as any new file: what the umask leaves
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.tempfile_in(folder)?;
        if let Ok(replaced) = fs::metadata(&target) {
            file.as_file().set_permissions(replaced.permissions())?;
        }
        let hidden = Hidden::new(file.path());
        Ok(Self::Replacement { file, target, hidden })
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Replacement { file, .. } => file.write(bytes),
            Self::Stream(file) => file.write(bytes),
            Self::Stdout(stdout) => stdout.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Replacement { file, .. } => file.flush(),
            Self::Stream(file) => file.flush(),
            Self::Stdout(stdout) => stdout.flush(),
        }
    }
}

impl Write for OutFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.packer {
            Packer::Plain(sink) => sink.write(bytes),
            Packer::Gzip(encoder) => encoder.write(bytes),
            Packer::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.packer {
            Packer::Plain(sink) => sink.flush(),
            Packer::Gzip(encoder) => encoder.flush(),
            Packer::Zstd(encoder) => encoder.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) -> io::Result<()> {
        let mut file = OutFile::create(path)?;
        file.write_all(text.as_bytes())?;
        file.finish()
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn an_unfinished_file_leaves_the_older_one_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("week.json");
        write(&path, "old").unwrap();
        let mut half = OutFile::create(&path).unwrap();
        half.write_all(b"ne").unwrap();
        drop(half);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(names(folder.path()), ["week.json"]);
        write(&path, "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    }

    #[test]
    fn hidden_files_are_known_as_long_as_they_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("week.json");
        write(&path, "old").unwrap();
        let half = OutFile::create(&path).unwrap();
        assert_eq!(names(folder.path()).len(), 2);
        let ours = hidden().iter().filter(|it| it.starts_with(folder.path())).count();
        assert_eq!(ours, 1);
        drop(half);
        assert!(!hidden().iter().any(|it| it.starts_with(folder.path())));
    }

    #[test]
    fn files_are_packed_by_their_names_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let (zst, gz) = (folder.path().join("a.zst"), folder.path().join("a.gz"));
        write(&zst, "text").unwrap();
        write(&gz, "text").unwrap();
        assert_eq!([&zst, &gz].map(|path| read(path).unwrap()), [b"text", b"text"]);
        assert_eq!(zstd::decode_all(File::open(zst).unwrap()).unwrap(), b"text");
        let mut text = String::new();
        flate2::read::GzDecoder::new(File::open(gz).unwrap()).read_to_string(&mut text).unwrap();
        assert_eq!(text, "text");
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_has_the_permissions_that_others_have_and_a_replaced_one_keeps_its() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |name: &str| {
            fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777
        };
        fs::write(folder.path().join("plain"), "").unwrap();
        write(&folder.path().join("ours"), "").unwrap();
        assert_eq!(mode("ours"), mode("plain"));
        let group = fs::Permissions::from_mode(0o660);
        fs::set_permissions(folder.path().join("ours"), group).unwrap();
        write(&folder.path().join("ours"), "").unwrap();
        assert_eq!(mode("ours"), 0o660);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_devices_are_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        write(&link, "new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
        write(Path::new("/dev/null"), "gone").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }

    #[test]
    fn outputs_that_would_be_lost_or_lose_something_are_told_however_they_are_spelled() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("deep")).unwrap();
        fs::write(at("in"), "").unwrap();
        let dotted = folder.path().join("deep/../in");
        let told = |outputs: &[&PathBuf], inputs: &[&PathBuf]| {
            let paths =
                |of: &[&PathBuf]| of.iter().map(|path| path.to_path_buf()).collect::<Vec<_>>();
            let (outputs, inputs) = (paths(outputs), paths(inputs));
            match collision(
                outputs.iter().map(PathBuf::as_path),
                inputs.iter().map(PathBuf::as_path),
            ) {
                None => "nothing",
                Some(Collision::Input(_)) => "an input",
                Some(Collision::Output(_)) => "an output",
            }
        };
        assert_eq!(told(&[&at("new"), &at("other")], &[&at("in")]), "nothing");
        assert_eq!(told(&[&at("new"), &dotted], &[&at("in")]), "an input");
        assert_eq!(told(&[&at("new"), &at("deep/../new")], &[]), "an output");
        assert_eq!(told(&[&at("missing/a"), &at("missing/a")], &[]), "an output");
        assert_eq!(told(&[&"-".into(), &"-".into()], &[]), "an output");
        assert_eq!(told(&[&at("quickstart")], &[&at("quickstart")]), "nothing", "it is no file");
        #[cfg(unix)]
        {
            assert_eq!(told(&[&"/dev/null".into(), &"/dev/null".into()], &[]), "nothing");
            std::os::unix::fs::symlink(at("in"), at("link")).unwrap();
            assert_eq!(told(&[&at("link")], &[&at("in")]), "an input");
        }
    }

    #[test]
    fn a_folder_that_is_missing_or_in_the_way_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(OutFile::create(folder.path()).is_err());
        assert!(OutFile::create(&folder.path().join("missing/week.json")).is_err());
    }
}
