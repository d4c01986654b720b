//! `rights.toml` with users, groups and identifiers of the directory.

use super::authenticate;
use crate::{Case, in_directory};
use domlogon_tests::account::Condition::*;
use domlogon_tests::difference::Difference;
use domlogon_tests::world::PATIENCE;
use domlogon_tests::{PASSWORD, Result, World, contact, domlogon, ensure_contains};
use serde_json::json;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        in_directory("directory/rights/user, group and identifier", entries),
        in_directory("directory/rights/deny wins by a nested group", nested),
        in_directory("directory/rights/a distribution group", distribution),
        in_directory(
            "directory/rights/administrators of the domain",
            administrators,
        ),
    ]
}

const REFUSED: &str = "is not allowed to use network access";

/// Let in by each kind of entry; whoever is in none is not.
fn entries(world: &mut World) -> Result<()> {
    let [by_name, by_group, by_identifier, by_nobody] = [
        world.account(Good)?,
        world.account(Good)?,
        world.account(Good)?,
        world.account(Good)?,
    ];
    by_group.join("Net Users")?;
    // Whoever makes a group may show it as he likes.
    by_nobody.join("net impostors")?;
    let directory = world.directory()?;
    directory.attributes("net impostors", json!({"displayName": "Net Users"}))?;
    let identifier = world.directory()?.identifier(&by_identifier.name)?;
    world.rights(&format!(
        "[rights]\nSeNetworkLogonRight = [\"CORP\\\\{}\", \"Net Users\", \"{identifier}\"]\n",
        by_name.name
    ))?;
    for account in [&by_name, &by_group, &by_identifier] {
        authenticate("ftp", &account.name, PASSWORD, "SUCCESS", "")?;
    }
    authenticate("ftp", &by_nobody.name, PASSWORD, "PERM_DENIED", REFUSED).map(drop)
}

fn nested(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    account.join("inner ring")?;
    world.home().nest("inner ring", "outer ring")?;
    world.rights(&format!(
        "[rights]\nSeNetworkLogonRight = [\"{}\"]\nSeDenyNetworkLogonRight = [\"outer ring\"]\n",
        account.name
    ))?;
    authenticate("ftp", &account.name, PASSWORD, "PERM_DENIED", REFUSED)?;
    // None of these groups has a number.
    let directory = world.directory()?;
    directory.attributes("Domain Users", json!({"gidNumber": 30_513}))?;
    let numbers = json!({"uidNumber": 30_777, "gidNumber": 30_513});
    directory.attributes(&account.name, numbers)?;
    world.configured("ids = \"rfc2307\"", |_| {
        contact::is_back(PATIENCE)?;
        authenticate("ftp", &account.name, PASSWORD, "PERM_DENIED", REFUSED).map(drop)
    })
}

/// One is in no logon: a deny list with it would keep nobody out, so it is not taken.
fn distribution(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let group = world.group_name("mail");
    let directory = world.directory()?;
    directory.group(&group, &[&account.name])?;
    let deny = |code| domlogon(&["rights", "grant", "deny network", &group])?.exits(code);
    world.rights(&format!(
        "[rights]\nSeNetworkLogonRight = [\"{}\"]\n",
        account.name
    ))?;
    directory.attributes(&group, json!({"groupType": 2}))?;
    let answer = deny(1)?;
    ensure_contains("the refusal", &answer.text(), "nor a security group")?;
    authenticate("ftp", &account.name, PASSWORD, "SUCCESS", "")?;
    directory.attributes(&group, json!({"groupType": -0x7fff_fffe_i64}))?;
    deny(0)?;
    authenticate("ftp", &account.name, PASSWORD, "PERM_DENIED", REFUSED).map(drop)
}

/// Domain Admins are in this host's Administrators, and Domain Users in its Users; the
/// controllers' own Administrators are nobody here.
fn administrators(world: &mut World) -> Result<()> {
    let (account, administrator) = (world.account(Good)?, world.account(Good)?);
    administrator.join(world.home().administrators())?;
    let other = world.account(Good)?;
    other.join("Administrators")?;
    world.rights("[rights]\nSeNetworkLogonRight = [\"Administrators\"]\n")?;
    authenticate("ftp", &administrator.name, PASSWORD, "SUCCESS", "")?;
    authenticate("ftp", &account.name, PASSWORD, "PERM_DENIED", REFUSED)?;
    let expected = world.home().expects(Difference::Administrator);
    authenticate("ftp", &other.name, PASSWORD, expected.code, expected.words)?;
    world.rights("[rights]\nSeNetworkLogonRight = [\"Users\"]\n")?;
    authenticate("ftp", &account.name, PASSWORD, "SUCCESS", "").map(drop)
}
