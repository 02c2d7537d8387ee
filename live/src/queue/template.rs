//! Addresses and expressions of many worker types, said once.

/// Puts a worker type's name where a template says `{taskQueueId}`, and its halves where it says
/// `{provisionerId}` and `{workerType}`, each escaped for where it stands.
pub(crate) fn fill(template: &str, worker_type: &str, escape: fn(&str) -> String) -> String {
    let (provisioner, name) = worker_type.split_once('/').unwrap_or(("", worker_type));
    template
        .replace("{taskQueueId}", &escape(worker_type))
        .replace("{provisionerId}", &escape(provisioner))
        .replace("{workerType}", &escape(name))
}

/// As part of a URL's path or query.
pub(crate) fn for_url(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Within a quoted string of PromQL.
pub(crate) fn for_promql(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_the_place_it_is_put_in() {
        let url = fill("http://q/{provisionerId}/{workerType}?of={taskQueueId}", "a/b c", for_url);
        assert_eq!(url, "http://q/a/b%20c?of=a%2Fb%20c");
        let expression = fill(r#"sum(x{q="{workerType}"})"#, r#"p/a"} or y"#, for_promql);
        assert_eq!(expression, r#"sum(x{q="a\"} or y"})"#);
    }

    #[test]
    fn a_name_without_a_provisioner_is_a_worker_type() {
        assert_eq!(fill("{provisionerId}|{workerType}", "ci", for_url), "|ci");
    }
}
