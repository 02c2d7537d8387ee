//! What is logged, by the operator's word for it.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// These log at `trace` what they send to the broker, its password with it.
const TALKATIVE: [&str; 2] = ["lapin::io_loop", "lapin::frames"];

/// What a level, or a filter, lets through.
///
/// # Errors
///
/// It is neither.
pub fn filter(level: &str) -> Result<EnvFilter, ParseError> {
    let ours = match level {
        // Others' crates say only what went wrong, unless a filter asks for more.
        level @ ("info" | "debug" | "trace") => {
            format!("warn,provisionerd={level},provisioner_live={level}")
        }
        filter => filter.to_owned(),
    };
    let quiet = |target| format!("{target}=warn").parse().expect("a directive");
    let filter = EnvFilter::try_new(ours)?;
    Ok(TALKATIVE.map(quiet).into_iter().fold(filter, EnvFilter::add_directive))
}
