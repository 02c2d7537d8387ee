//! The end of everything that this provisioner ever made, and of nothing else.
//!
//! What is ours is found in every region that the account may use, by its tag, and by the ledger: an
//! instance that the ledger has and no listing shows is looked at by its id, and left alone if it lacks our
//! tag, but told. Done again, it ends what is left; ended in the middle, it has harmed nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::{Duration as Span, Instant};

use futures::future::join_all;

use crate::cloud::ec2::Ec2;
use crate::cloud::ec2::sweep::{Remains, Swept};
use crate::cloud::{CallError, Cloud, Terminated};

/// How often it is looked whether instances are gone.
const LOOK_EVERY: Span = Span::from_secs(5);

/// What there is to end.
#[derive(Debug, Default)]
pub struct Found {
    /// By region; those without anything are left out.
    pub remains: BTreeMap<String, Remains>,
    /// Regions that could not be read.
    pub unread: BTreeMap<String, CallError>,
    /// Instances that the ledger has and no listing shows: region and id.
    pub unlisted: BTreeSet<(String, String)>,
}

/// What was ended.
#[derive(Debug, Default)]
pub struct Ended {
    /// By region.
    pub swept: BTreeMap<String, Swept>,
    /// Regions that could not be read, so that nothing was ended there.
    pub unread: BTreeMap<String, CallError>,
    /// Instances that only the ledger had, and what became of them.
    pub unlisted: BTreeMap<(String, String), Result<Terminated, CallError>>,
}

/// Looks for everything of ours in these regions. `ledger` is what the store has: region and instance.
pub async fn look(
    ec2: &Ec2,
    regions: &BTreeSet<String>,
    ledger: &BTreeSet<(String, String)>,
) -> Found {
    let looks = regions.iter().map(async |region| (region.clone(), ec2.remains(region).await));
    let (mut found, mut listed) = (Found::default(), BTreeSet::new());
    for (region, remains) in join_all(looks).await {
        match remains {
            Ok(remains) => {
                listed.extend(remains.instances.iter().cloned());
                if !remains.is_empty() {
                    found.remains.insert(region, remains);
                }
            }
            Err(error) => {
                found.unread.insert(region, error);
            }
        }
    }
    // What has ended is still listed for a while, and is no news.
    let places: BTreeSet<&String> = ledger.iter().map(|(region, _)| region).collect();
    for rows in join_all(places.into_iter().map(|region| ec2.list(region))).await {
        listed.extend(rows.into_iter().flatten().map(|row| row.instance));
    }
    let unlisted = ledger.iter().filter(|(_, instance)| !listed.contains(instance));
    found.unlisted = unlisted.cloned().collect();
    found
}

/// Ends what was found.
pub async fn end(ec2: &Ec2, found: &Found) -> Ended {
    let sweeps = found.remains.keys().map(async |region| (region.clone(), ec2.sweep(region).await));
    let mut ended = Ended::default();
    for (region, swept) in join_all(sweeps).await {
        match swept {
            Ok(swept) => {
                ended.swept.insert(region, swept);
            }
            Err(error) => {
                ended.unread.insert(region, error);
            }
        }
    }
    ended.unread.extend(found.unread.iter().map(|(region, error)| (region.clone(), error.clone())));
    for (region, instance) in &found.unlisted {
        let answer = ec2.terminate(region, instance).await;
        ended.unlisted.insert((region.clone(), instance.clone()), answer);
    }
    ended
}

/// Waits until nothing of ours is left in those regions, at most so long; gives what is left.
pub async fn wait(ec2: &Ec2, regions: &BTreeSet<String>, patience: Span) -> Found {
    let until = Instant::now() + patience;
    loop {
        let found = look(ec2, regions, &BTreeSet::new()).await;
        let is_gone = found.remains.is_empty() && found.unread.is_empty();
        if is_gone || Instant::now() >= until {
            return found;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

impl Found {
    /// Whether there is nothing to end, and every region was read.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.remains.is_empty() && self.unread.is_empty() && self.unlisted.is_empty()
    }
}

impl Ended {
    /// Whether all that was found was ended.
    #[must_use]
    pub fn is_all(&self) -> bool {
        let refused = |answer: &Result<Terminated, CallError>| {
            matches!(answer, Ok(Terminated::NotOurs) | Err(_))
        };
        self.unread.is_empty()
            && self.swept.values().all(|swept| swept.errors.is_empty())
            && !self.unlisted.values().any(refused)
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (region, remains) in &self.remains {
            writeln!(f, "{region}: {remains}")?;
        }
        for (region, instance) in &self.unlisted {
            writeln!(f, "{region}: {instance}, which the ledger has and no listing shows")?;
        }
        for (region, error) in &self.unread {
            writeln!(f, "{region}: cannot be read ({error})")?;
        }
        Ok(())
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (region, Swept { ended, errors }) in &self.swept {
            writeln!(f, "{region}: ended {ended}")?;
            for error in errors {
                writeln!(f, "{region}: not ended: {error}")?;
            }
        }
        for ((region, instance), answer) in &self.unlisted {
            match answer {
                Ok(Terminated::Ordered) => writeln!(f, "{region}: ended {instance}")?,
                Ok(Terminated::Already | Terminated::Missing) => {}
                Ok(Terminated::NotOurs) => writeln!(
                    f,
                    "{region}: {instance} is in the ledger and lacks our tag; it was left alone: \
                     look at it"
                )?,
                Err(error) => writeln!(f, "{region}: {instance} was not ended: {error}")?,
            }
        }
        for (region, error) in &self.unread {
            writeln!(f, "{region}: cannot be read, so nothing was ended there ({error})")?;
        }
        Ok(())
    }
}
