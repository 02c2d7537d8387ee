//! A database over TLS, believed as the settings or the system say.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::ca::Ca;
use crate::server::{Place, Server};
use crate::world::{Kind, Plan, World, command, said};

#[test]
fn a_database_is_believed_by_its_ca_file_or_as_the_system_trusts_and_doctor_tells() {
    let (folder, ca) = (TempDir::new().expect("a folder"), Ca::new("ours"));
    let identity = ca.signs(folder.path(), "127.0.0.1");
    let identity = Some((identity.certificate.as_path(), identity.key.as_path()));
    let Some(server) = Server::start_at(&Place { identity, ..Place::default() }) else {
        return;
    };
    let url = format!("{}?sslmode=verify-full", server.database("shared"));
    let ours = ca.file(folder.path(), "ca.pem");
    let strangers = Ca::new("somebody else").file(folder.path(), "stranger.pem");
    let store = "[store.postgres]\nurl_env = \"TEST_DATABASE\"\n";
    let kinds = vec![Kind::new("runs", "run-instances", &["us-east-1"])];
    let world = World::new(Plan { store: store.to_owned(), ..Plan::new("trusting", kinds) });
    let plain = world.write_settings("plain.toml");
    let text = fs::read_to_string(&plain).expect("it is there");
    let names = |file: &Path| text.replace(store, &format!("{store}ca_file = {file:?}\n"));
    let (named, misnamed) = (
        world.write("named.toml", &names(&ours)),
        world.write("misnamed.toml", &names(&strangers)),
    );
    for (settings, system, is_believed) in [
        (&plain, None, false),
        (&plain, Some(&ours), true),
        (&plain, Some(&strangers), false),
        (&named, None, true),
        (&named, Some(&strangers), true),
        // Who is in the file counts, and nobody else.
        (&misnamed, Some(&ours), false),
    ] {
        let mut doctor = command(settings, &["doctor"]);
        doctor.env("TEST_DATABASE", &url);
        doctor.envs(system.map(|file| ("SSL_CERT_FILE", file)));
        let said = said(&doctor.output().expect("it runs"));
        assert_eq!(said.contains("not there yet: `run` makes it"), is_believed, "{said}");
        assert_eq!(said.contains("invalid peer certificate"), !is_believed, "{said}");
        assert!(!said.contains("secret@"), "{said}");
    }
}
