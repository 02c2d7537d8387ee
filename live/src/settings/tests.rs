//! Settings and worker types as an operator writes them, and what is said of wrong ones.
