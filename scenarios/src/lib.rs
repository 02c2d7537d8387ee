//! Placeholder page; see ARCHITECTURE.md.
