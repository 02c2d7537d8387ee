//! Scenario files in, issues, hashes and outcomes out.
