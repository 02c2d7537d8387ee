//! EC2 itself, by the AWS SDK.
