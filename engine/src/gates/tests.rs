use alloc::vec::Vec;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::guards::{BreakerRule, IceRule, LossRule, ShareRule};
use crate::units::{Duration, Ratio};

/// Small numbers, so that every limit is met soon.
fn guards() -> Guards {
    let [min, max] = [3, 24].map(Duration::from_mins);
    Guards {
        ice: Some(IceRule { budget_first: 3, budget_max: 9, block_min: min, block_max: max }),
        losses: Some(LossRule {
            losses: 2,
            within: Duration::HOUR,
            share: Ratio::from_millionths(300_000),
            penalty: max,
            penalty_max: Duration::from_hours(2),
            forgotten_after: Duration::from_hours(4),
        }),
        quota_block: Some(min),
        unsupported_block: Some(max),
        breaker: Some(BreakerRule {
            failures: 3,
            probe_min: min,
            probe_max: max,
            unproven_max: 5,
            boot_max: Duration::HOUR,
        }),
        ..Guards::off()
    }
}

/// Two worker types with two images in three pools of two regions, in two markets.
fn sites() -> Vec<Site> {
    let site = |index: usize| Site {
        worker_type: WorkerTypeId::new(index % 2),
        candidate: 0,
        pool: PoolId::new(index % 3),
        region: RegionId::new(index % 3 / 2),
        image: ImageId::new(index / 2 % 2),
        on_demand: index >= 9,
    };
    (0..12).map(site).collect()
}

/// Launches that have not ended, and the gates that are told what becomes of them.
struct Model {
    gates: Gates,
    now: Time,
    sites: Vec<Site>,
    asked: Vec<(usize, Time)>,
    booting: Vec<(usize, Time)>,
    working: Vec<(usize, Time)>,
}

impl Model {
    fn new(guards: Guards) -> Self {
        let (asked, booting, working) = (Vec::new(), Vec::new(), Vec::new());
        let (gates, now, sites) = (Gates::new(guards), Time::EPOCH, sites());
        Self { gates, now, sites, asked, booting, working }
    }

    fn open(&self, site: usize) -> Opening {
        self.gates.open(self.now, &self.sites[site])
    }

    fn note(&mut self, (site, ordered): (usize, Time), event: Event) {
        self.gates.note(self.now, &self.sites[site], ordered, event);
    }

    /// Orders a launch there if a gate lets it through.
    fn order(&mut self, site: usize) -> bool {
        let is_open = self.open(site).count > 0;
        if is_open {
            self.note((site, self.now), Event::Ordered);
            self.asked.push((site, self.now));
        }
        is_open
    }

    fn answer(&mut self, which: usize, event: Event) {
        if self.asked.is_empty() {
            return;
        }
        let launch = self.asked.remove(which % self.asked.len());
        self.note(launch, event);
        if event == Event::Accepted {
            self.booting.push(launch);
        }
    }

    fn boot(&mut self, which: usize, event: Event) {
        if self.booting.is_empty() {
            return;
        }
        let launch = self.booting.remove(which % self.booting.len());
        self.note(launch, event);
        if event == Event::Registered {
            self.working.push(launch);
        }
    }

    fn lose(&mut self, which: usize) {
        if !self.working.is_empty() {
            let launch = self.working.remove(which % self.working.len());
            self.note(launch, Event::Lost { registered: true });
        }
    }

    fn under_way(&self, is_it: impl Fn(&Site) -> bool) -> usize {
        self.asked.iter().filter(|(site, _)| is_it(&self.sites[*site])).count()
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Wait(i64),
    Order(usize),
    Answer(usize, Event),
    Boot(usize, Event),
    Lose(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let answer = prop_oneof![
        6 => Just(Event::Accepted),
        3 => Just(Event::Refused(Refusal::InsufficientCapacity)),
        1 => Just(Event::Refused(Refusal::QuotaReached)),
        1 => Just(Event::Refused(Refusal::Unsupported)),
        1 => Just(Event::Refused(Refusal::ImageUnusable)),
        1 => Just(Event::Refused(Refusal::VolumeLimit)),
        1 => Just(Event::Refused(Refusal::Rejected)),
        1 => Just(Event::Refused(Refusal::MaxPriceTooLow)),
        1 => Just(Event::Withdrawn),
    ];
    let boot = prop_oneof![
        5 => Just(Event::Registered),
        3 => Just(Event::BootFailed(EndCause::LaunchFailed)),
        1 => Just(Event::BootFailed(EndCause::VolumeLimit)),
        1 => Just(Event::Abandoned),
        1 => Just(Event::Lost { registered: false }),
    ];
    let step = prop_oneof![
        2 => (0..600_000_i64).prop_map(Step::Wait),
        6 => (0..12_usize).prop_map(Step::Order),
        5 => (0..99_usize, answer).prop_map(|(which, event)| Step::Answer(which, event)),
        3 => (0..99_usize, boot).prop_map(|(which, event)| Step::Boot(which, event)),
        1 => (0..99_usize).prop_map(Step::Lose),
    ];
    vec(step, 0..300)
}

/// Takes the steps; looks at the model before each order.
fn take(steps: &[Step], mut before_order: impl FnMut(&Model, usize)) -> Model {
    let mut model = Model::new(guards());
    for step in steps {
        match *step {
            Step::Wait(ms) => model.now = model.now + Duration::from_ms(ms),
            Step::Order(site) => {
                before_order(&model, site);
                model.order(site);
            }
            Step::Answer(which, event) => model.answer(which, event),
            Step::Boot(which, event) => model.boot(which, event),
            Step::Lose(which) => model.lose(which),
        }
    }
    model
}

proptest! {
    #[test]
    fn a_pool_never_has_more_under_way_than_its_budget(steps in steps()) {
        let rule = guards().ice.unwrap();
        take(&steps, |model, site| {
            let pool = model.sites[site].capacity_pool();
            let under_way = model.under_way(|other| other.capacity_pool() == pool);
            let Opening { count, limit } = model.gates.ice.open(&rule, model.now, &model.sites[site]);
            match limit {
                Some(Reason::PoolDry { .. }) => assert!(count == 0 || (count == 1 && under_way == 0)),
                Some(Reason::PoolBusy { budget, .. }) => {
                    assert!((1..=rule.budget_max).contains(&budget));
                    assert_eq!(count, budget.saturating_sub(u32::try_from(under_way).unwrap()));
                }
                other => panic!("{other:?}"),
            }
        });
    }

    /// Whatever happened: once nothing is under way, every place is tried again within the longest
    /// wait there is.
    #[test]
    fn everything_is_always_probed_again(steps in steps()) {
        let mut model = take(&steps, |_, _| {});
        while !model.asked.is_empty() {
            model.answer(0, Event::Withdrawn);
        }
        while !model.booting.is_empty() {
            model.boot(0, Event::Abandoned);
        }
        model.now = model.now + guards().ice.unwrap().block_max;
        for site in 0..model.sites.len() {
            prop_assert!(model.open(site).count > 0, "{:?}", model.open(site));
        }
    }

    #[test]
    fn a_penalty_never_closes_the_last_sound_pool(steps in steps()) {
        let model = take(&steps, |_, _| {});
        let fleet =
            Fleet { candidates: &[], is_liked: &[true; 3], by_candidate: &[], units: 0 };
        for chosen in model.sites.chunks(3) {
            let mut openings = alloc::vec![Opening::WIDE; chosen.len()];
            model.gates.narrow(model.now, chosen, &fleet, &mut openings);
            let before = chosen.iter().map(|site| model.gates.open(model.now, site));
            prop_assert_eq!(
                before.clone().any(|opening| opening.is_sound()),
                openings.iter().any(Opening::is_sound)
            );
            for (after, before) in openings.iter().zip(before) {
                prop_assert!(after.count <= before.count);
            }
        }
    }

    /// However long it goes on, and whenever boots fail.
    #[test]
    fn what_never_registers_costs_a_bounded_number_of_launches(
        boots in vec(0..60_i64, 1..20),
        hours in 1..40_i64,
    ) {
        let rule = BreakerRule { unproven_max: 12, ..BreakerRule::default() };
        let mut model = Model::new(Guards { breaker: Some(rule), ..Guards::off() });
        let (mut ends, mut launched): (Vec<Time>, u64) = (Vec::new(), 0);
        for minute in 0..hours * 60 {
            model.now = Time::EPOCH + Duration::from_mins(minute);
            let due: Vec<usize> = (0..ends.len()).filter(|i| ends[*i] <= model.now).collect();
            for index in due.into_iter().rev() {
                ends.remove(index);
                model.boot(index, Event::BootFailed(EndCause::Provisioner));
            }
            while model.order(0) {
                model.answer(0, Event::Accepted);
                launched += 1;
                let boot = boots[(ends.len() + usize::try_from(minute).unwrap()) % boots.len()];
                ends.push(model.now + Duration::from_mins(boot));
            }
        }
        let probes = u64::try_from(hours).unwrap() + 3;
        prop_assert!(launched <= u64::from(rule.unproven_max + rule.failures) + probes);
    }

    #[test]
    fn the_share_is_kept_and_keeps_nothing_waiting(
        pools in vec((0..200_u32, 1..9_u32, 0..6_u32, any::<bool>()), 1..6),
        wanted in 0..500_u32,
        share in 0..=1_000_000_u64,
        floor in 0..30_u32,
    ) {
        let rule = ShareRule { share_max: Ratio::from_millionths(share), floor };
        let sites: Vec<Site> = (0..pools.len())
            .map(|index| Site { pool: PoolId::new(index), on_demand: false, ..sites()[0] })
            .collect();
        let candidates: Vec<Candidate> = pools
            .iter()
            .zip(&sites)
            .map(|((_, capacity, ..), site)| Candidate {
                pool: site.pool,
                image: site.image,
                capacity: *capacity,
                utility: Ratio::ONE,
                bias: Ratio::ONE,
                initial_weight: Ratio::ONE,
                capacity_max: None,
            })
            .collect();
        let by_candidate: Vec<u32> = pools.iter().map(|(live, ..)| *live).collect();
        let is_liked: Vec<bool> = pools.iter().map(|(.., is_liked)| *is_liked).collect();
        let units = by_candidate.iter().sum::<u32>() + wanted;
        let fleet = Fleet {
            candidates: &candidates,
            is_liked: &is_liked,
            by_candidate: &by_candidate,
            units,
        };
        // Most pools are sound; some are closed, some may be probed.
        let opening = |state: u32, site: &Site| {
            let Site { worker_type, pool, .. } = *site;
            let dry = Reason::PoolDry { worker_type, pool, failures: 1, until: Time::EPOCH };
            if state < 2 { Opening::of(state, dry) } else { Opening::WIDE }
        };
        let mut openings: Vec<Opening> =
            pools.iter().zip(&sites).map(|((.., state, _), site)| opening(*state, site)).collect();
        let usable = |(opening, liked): &(&Opening, &bool)| opening.is_sound() && **liked;
        let usable = openings.iter().zip(&is_liked).filter(usable).count();
        share::narrow(&rule, &sites, &fleet, &mut openings);
        let k = u64::try_from(usable.max(1)).unwrap();
        let cap = [
            u64::from(floor),
            (u64::from(units) * share).div_ceil(1_000_000),
            u64::from(units).div_ceil(k),
        ];
        let cap = cap.into_iter().max().unwrap();
        let mut room = 0;
        for ((live, capacity, _, is_liked), opening) in pools.iter().zip(&openings) {
            let added = opening.count * capacity;
            prop_assert!(added == 0 || u64::from(live + added) < cap + u64::from(*capacity));
            room += if *is_liked { added } else { 0 };
        }
        prop_assert!(room >= wanted || usable == 0);
    }

    #[test]
    fn gates_are_written_down_and_read_back(steps in steps()) {
        let model = take(&steps, |_, _| {});
        let text = serde_json::to_string(&model.gates).unwrap();
        let read: Gates = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(serde_json::to_string(&read).unwrap(), text);
        for site in &model.sites {
            prop_assert_eq!(read.open(model.now, site), model.gates.open(model.now, site));
        }
    }
}
