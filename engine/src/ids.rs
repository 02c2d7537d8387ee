//! Small ids inside, names at the edges.
//!
//! Each kind of name is interned once into its own index type, so ids are cheap, ordered and
//! cannot be swapped for one another. The [`Catalog`](crate::catalog::Catalog) turns them back
//! into words.

use core::fmt;

use serde::{Deserialize, Serialize};

macro_rules! index {
    ($(#[$doc:meta])* $name:ident($repr:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name($repr);

        impl $name {
            /// The id with this index. Panics if the index is out of the id's range.
            #[must_use]
            pub fn new(index: usize) -> Self {
                Self(<$repr>::try_from(index).expect(concat!("too many of ", stringify!($name))))
            }

            /// The index into the vector that this id counts.
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

index!(
    /// Index of a region in the catalog.
    RegionId(u16)
);
index!(
    /// Index of an availability zone in the catalog.
    ZoneId(u16)
);
index!(
    /// Index of an instance type in the catalog.
    InstanceTypeId(u16)
);
index!(
    /// Index of a product (`Linux/UNIX`, `Windows`, …) in the catalog.
    ProductId(u16)
);
index!(
    /// Index of a machine image in the catalog.
    ImageId(u16)
);
index!(
    /// Index of a spot capacity pool in the catalog.
    PoolId(u32)
);
index!(
    /// Index of a worker type among the engine's worker types.
    WorkerTypeId(u16)
);

/// Names one launch, for ever: the intent to get one instance. It is issued by the engine before
/// any call is made and becomes the EC2 client token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LaunchId(pub u64);

impl LaunchId {
    /// The launch issued after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// The edge's number for an EC2 instance id (`i-0…`), issued when it first hears of it and never
/// again for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InstanceId(pub u64);

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "instance {}", self.0)
    }
}

impl fmt::Display for LaunchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}
