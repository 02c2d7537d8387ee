//! A journal whose writer was killed, brought to an end.

use std::fs::{self, OpenOptions};
use std::io::{self, Cursor, Seek, SeekFrom, Write};
use std::path::Path;

use memchr::{memchr_iter, memrchr};

use super::{Journal, JournalError, JournalWriter, Lines};

/// Ends a journal that was cut short: half a last line is cut off and the end added, so that it reads
/// and replays up to its last whole record. Gives how many records it has, or `None` if it had its
/// end. For plain files; packed ones are written whole.
///
/// # Errors
///
/// It cannot be read or written, or is damaged before its end; then it is left as it is.
pub fn mend(path: &Path) -> Result<Option<u64>, JournalError> {
    let name = path.to_string_lossy();
    let failed = |error: io::Error| {
        let what = format!("the journal cannot be mended: {error}");
        Lines::of(&name, io::empty()).error(what, "check the path and who may write there")
    };
    let mut bytes = fs::read(path).map_err(failed)?;
    bytes.truncate(memrchr(b'\n', &bytes).map_or(0, |last| last + 1));
    let (length, lines) = (bytes.len() as u64, memchr_iter(b'\n', &bytes).count() as u64);
    let mut journal = Journal::read(&name, Cursor::new(bytes))?;
    loop {
        match journal.next() {
            Some(Ok(_)) => {}
            None => return Ok(None),
            Some(Err(error)) if error.line > lines => break,
            Some(Err(error)) => return Err(error),
        }
    }
    let tally = journal.tally;
    let records = tally.records;
    let write = || {
        let mut file = OpenOptions::new().write(true).open(path)?;
        file.set_len(length)?;
        file.seek(SeekFrom::End(0))?;
        // The end is one write: where that is torn, it is cut off the next time.
        let end = JournalWriter { out: Vec::new(), tally }.end()?;
        file.write_all(&end)?;
        file.sync_all()
    };
    write().map_err(failed)?;
    Ok(Some(records))
}
