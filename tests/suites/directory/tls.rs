//! LDAP by TLS, for sites that want it, with the authority that the site names.

use super::{authenticate, known};
use crate::{Case, in_directory};
use domlogon_tests::account::Condition::*;
use domlogon_tests::directory::{AUTHORITY, HOST};
use domlogon_tests::world::PATIENCE;
use domlogon_tests::{Failure, Log, PASSWORD, Probe, Program, Result, World, contact};
use std::fs;
use std::os::unix::fs::PermissionsExt;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        in_directory("directory/tls/ldaps", |world| trusted(world, "ldaps")),
        in_directory("directory/tls/starttls", |world| trusted(world, "starttls")),
        in_directory("directory/tls/of another authority", another_authority),
    ]
}

/// Where the daemon may read what the site trusts.
const TRUSTED: &str = "/etc/domlogon/ca.pem";
const OTHER_KEY: &str = "/etc/domlogon/other.key";

pub(super) fn trust(authority: &str) -> Result<()> {
    let what = "put the authority in its place";
    let text = fs::read(authority).map_err(Failure::harness(what))?;
    fs::write(TRUSTED, text).map_err(Failure::harness(what))?;
    fs::set_permissions(TRUSTED, fs::Permissions::from_mode(0o644)).map_err(Failure::harness(what))
}

fn settings(channel: &str) -> String {
    format!("servers = [\"{HOST}\"]\n{}", by_tls(channel))
}

pub(super) fn by_tls(channel: &str) -> String {
    format!("ldap = \"{channel}\"\nca = \"{TRUSTED}\"")
}

fn trusted(world: &mut World, channel: &str) -> Result<()> {
    trust(AUTHORITY)?;
    let (account, disabled) = (world.account(Good)?, world.account(Disabled)?);
    world.configured(&settings(channel), |_| {
        contact::is_with(HOST, PATIENCE)?;
        known(&account.name)?;
        authenticate("login", &account.name, "wrong", "AUTH_ERR", "is not right")?;
        // The controller's own words: nothing proves that it is a true one that says so.
        authenticate(
            "login",
            &disabled.name,
            PASSWORD,
            "PERM_DENIED",
            "is disabled",
        )?;
        authenticate("login", &disabled.name, "wrong", "AUTH_ERR", "is not right")?;
        // What no password brings is read there at that moment.
        Probe::bare("sshd", &disabled.name)
            .run(&["acct"])?
            .returns("acct", "PERM_DENIED")?
            .says("is disabled")?;
        Ok(())
    })
}

/// A controller that the site's authority does not vouch for is not asked.
fn another_authority(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    Program::new("openssl")
        .args(&[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            "/CN=Another CA",
            "-keyout",
            OTHER_KEY,
            "-out",
            TRUSTED,
        ])
        .run(b"")?;
    for channel in ["ldaps", "starttls"] {
        let log = Log::from_now();
        world.configured(&settings(channel), |_| {
            log.line_with(&["certificate"])?;
            authenticate(
                "login",
                &account.name,
                PASSWORD,
                "AUTHINFO_UNAVAIL",
                "cannot be reached",
            )
            .map(drop)
        })?;
    }
    Ok(())
}
