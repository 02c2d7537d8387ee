//! What is read: prices.

use provisioner_engine::units::{Time, UsdPerHour};
use provisioner_live::cloud::Cloud;

use crate::moto::Moto;
use crate::orders::ec2;

#[tokio::test]
async fn prices_are_told_for_each_zone_and_type_that_was_asked_for_only() {
    let moto = Moto::shared();
    let ec2 = ec2(&moto, "prices").await;
    let types = ["c5.large".to_owned(), "m5.large".to_owned()];
    let products = ["Linux/UNIX".to_owned()];
    let since = Time::from_ms(1_700_000_000_000);
    let rows = ec2.prices("eu-central-1", &types, &products, since).await.expect("it answers");
    let mut pools: Vec<(&str, &str)> =
        rows.iter().map(|row| (row.zone.as_str(), row.instance_type.as_str())).collect();
    pools.sort_unstable();
    assert_eq!(
        pools,
        [
            ("eu-central-1a", "c5.large"),
            ("eu-central-1a", "m5.large"),
            ("eu-central-1b", "c5.large"),
            ("eu-central-1b", "m5.large"),
            ("eu-central-1c", "c5.large"),
            ("eu-central-1c", "m5.large"),
        ]
    );
    // moto's one price, of one moment long ago: what held when it was asked for.
    assert!(rows.iter().all(|row| row.price == UsdPerHour::from_micros(10)));
    assert!(rows.iter().all(|row| row.product == "Linux/UNIX" && row.since < since));
    assert_eq!(ec2.prices("eu-central-1", &[], &products, since).await, Ok(Vec::new()));
}
