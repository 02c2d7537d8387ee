//! Key pairs, and the end of everything.

use aws_sdk_ec2::types::{KeyPairInfo, LaunchTemplate};
use provisioner_live::cloud::ec2::sweep::{Remains, Swept};
use provisioner_live::cloud::{CallErrorKind, Cloud, LaunchMethod};

use crate::orders::{SPOT, ec2, order};
use crate::server::Moto;

/// Two public keys. Nobody has kept the private ones.
pub(crate) const KEYS: [&str; 2] = [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB9Uv0yG6jcRzqN9WznjOyywte23babvX4oI9LZ+tsk6 one@example",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHApyEtkHFNwx29w0fD2rHvQq0CDLjR8LNyA7B/3IA9P two@example",
];

const OURS: &str = "aws-provisioner:provisioner";

/// The names of all key pairs and launch templates of a region.
async fn shared_things(moto: &Moto, region: &str) -> (Vec<String>, Vec<String>) {
    let client = moto.client(region);
    let keys = client.describe_key_pairs().send().await.expect("it answers");
    let keys = keys.key_pairs().iter().filter_map(KeyPairInfo::key_name).map(str::to_owned);
    let templates = client.describe_launch_templates().send().await.expect("it answers");
    let templates = templates.launch_templates().iter();
    let templates = templates.filter_map(LaunchTemplate::launch_template_name).map(str::to_owned);
    (keys.collect(), templates.collect())
}

#[tokio::test]
async fn a_key_pair_is_brought_once_and_another_key_is_another_pair() {
    let moto = Moto::shared();
    let region = "ca-central-1";
    let (ours, theirs) = (ec2(&moto, "keys").await, ec2(&moto, "others-keys").await);
    let first = ours.ensure_key_pair(region, KEYS[0]).await.expect("it is a key");
    assert_eq!(ours.ensure_key_pair(region, KEYS[0]).await.as_ref(), Ok(&first));
    let remarked = KEYS[0].replace("one@example", "whoever");
    assert_eq!(ours.ensure_key_pair(region, &remarked).await.as_ref(), Ok(&first));
    let foreign = theirs.ensure_key_pair(region, KEYS[0]).await.expect("it is a key");
    assert_ne!(first, foreign);

    let mut order = order(&moto, region, 0, 1).await;
    order.template.key_pair = Some(first.clone());
    assert_eq!(ours.launch(&order).await.expect("moto knows the key").instances.len(), 1);

    let second = ours.ensure_key_pair(region, KEYS[1]).await.expect("it is a key");
    let keep = [second.clone()];
    assert_eq!(ours.remove_key_pairs(region, &keep).await, Ok(vec![first]));
    assert_eq!(ours.remove_key_pairs(region, &keep).await, Ok(Vec::new()));
    let (left, _) = shared_things(&moto, region).await;
    assert!(left.contains(&second) && left.contains(&foreign) && left.len() == 2, "{left:?}");
}

#[tokio::test]
async fn a_sweep_ends_all_of_ours_and_nothing_of_others_and_can_be_repeated() {
    let moto = Moto::start();
    let regions = ["us-east-1", "eu-west-3"];
    let (ours, theirs) = (ec2(&moto, "swept").await, ec2(&moto, "spared").await);
    for region in regions {
        for provisioner in [&ours, &theirs] {
            let mut order = order(&moto, region, 0, 2).await;
            provisioner.launch(&order).await.expect("moto has room");
            order.template.method = LaunchMethod::CreateFleet;
            for (market, first) in [(SPOT, 2), (order.market, 4)] {
                (order.market, order.label.first) = (market, first);
                provisioner.launch(&order).await.expect("moto has room");
            }
            provisioner.ensure_key_pair(region, KEYS[0]).await.expect("it is a key");
        }
    }
    let all = ours.regions(&[]).await.expect("it answers");
    assert!(all.contains(regions[1]), "{all:?}");
    for region in regions {
        let spared = moto.alive(region, OURS, "spared").await;
        let theirs_before = theirs.remains(region).await.expect("it answers");
        // Somebody was there before, and was interrupted.
        let mine = moto.alive(region, OURS, "swept").await;
        ours.terminate(region, &mine[0]).await.expect("it answers");

        let there = ours.remains(region).await.expect("it answers");
        let counts = (there.instances.len(), there.templates.len(), there.key_pairs.len());
        assert_eq!(counts, (5, 2, 1), "a template for each market");
        let swept = ours.sweep(region).await.expect("it answers");
        assert_eq!(swept, Swept { ended: there, errors: Vec::new() });
        assert_eq!(ours.remains(region).await, Ok(Remains::default()));
        assert_eq!(ours.sweep(region).await, Ok(Swept::default()));

        assert_eq!(moto.alive(region, OURS, "swept").await, Vec::<String>::new());
        assert_eq!(moto.alive(region, OURS, "spared").await, spared);
        assert_eq!(theirs.remains(region).await.expect("it answers"), theirs_before);
        let (keys, templates) = shared_things(&moto, region).await;
        assert_eq!((keys.len(), templates.len()), (1, 2), "theirs");
    }
}

#[tokio::test]
async fn a_launch_template_is_shared_and_made_again_where_somebody_deleted_it() {
    let moto = Moto::start();
    let (ec2, restarted) = (ec2(&moto, "templates").await, ec2(&moto, "templates").await);
    let region = "us-west-1";
    let mut order = order(&moto, region, 0, 1).await;
    order.template.method = LaunchMethod::CreateFleet;
    for ec2 in [&ec2, &restarted] {
        ec2.launch(&order).await.expect("moto has room");
    }
    let (_, templates) = shared_things(&moto, region).await;
    assert_eq!(templates.len(), 1);
    let deleted = moto.client(region).delete_launch_template().launch_template_name(&templates[0]);
    deleted.send().await.expect("it is deleted");
    order.label.first = 1;
    let error = ec2.launch(&order).await.expect_err("its template is gone");
    assert_eq!(error.kind, CallErrorKind::Throttled, "it did nothing, and may be made again");
    assert_eq!(ec2.launch(&order).await.expect("it is made again").instances.len(), 1);
    assert_eq!(shared_things(&moto, region).await.1, templates);
}
