//! What is logged, by the operator's word for it.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// These log at `trace` what they send to the broker, its password with it.
const TALKATIVE: [&str; 2] = ["lapin::io_loop", "lapin::frames"];

const SDK: &str = "aws_smithy_runtime_api::client::interceptors::context";

/// What a level, or a filter, lets through.
///
/// # Errors
///
/// It is neither.
pub fn filter(level: &str) -> Result<EnvFilter, ParseError> {
    let ours = match level {
        // Others' crates say only what went wrong, unless a filter asks for more.
        // The AWS SDK calls an error what it goes on from; what becomes of a call is told by us.
        level @ ("info" | "debug" | "trace") => {
            format!("warn,{SDK}=off,provisionerd={level},provisioner_live={level}")
        }
        level @ ("warn" | "error") => format!("{level},{SDK}=off"),
        filter => filter.to_owned(),
    };
    let quiet = |target| format!("{target}=warn").parse().expect("a directive");
    let filter = EnvFilter::try_new(ours)?;
    Ok(TALKATIVE.map(quiet).into_iter().fold(filter, EnvFilter::add_directive))
}
