//! What the logon rights cost: two lists of 10,000 entries and a user in 1,000 nested groups,
//! beside the built-in holders and a user in ten groups.
//!
//! Both kinds of list are in force at once, each for a service of its own, so that the two are
//! asked in turn and meet the same noise.

use crate::domain;
use crate::quiet;
use crate::sample::Sample;
use crate::table::{Section, Table};
use domlogon_protocol::rights::Entry;
use domlogon_protocol::{
    Basis, Fact, LogonType, Origin, Reply, Request, Right, RightName, SOCKET, Sid, UserName, admin,
    client,
};
use domlogon_rules::{Grant, Rights, Token};
use domlogon_tests::{Failure, PASSWORD, Result, differs, ensure};
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

/// The entries of each long list.
const ENTRIES: usize = 10_000;
/// Groups one inside the other; the user is in the first.
const CHAIN: usize = 500;
/// Groups beside each other; the first of the chain is in all of them.
const FAN: usize = 500;
/// Groups that the other user is in, beside Domain Users and Users.
const FEW: usize = 8;

const FILE: &str = "/etc/domlogon/rights.toml";

/// The user in 1,000 nested groups.
const NESTED: &str = "nested";
/// The user in ten groups.
const PLAIN: &str = "plain";

/// The service that the built-in holders of a right are asked for.
const BUILT_IN: &str = "bench-built-in";
/// The service that the long lists are asked for.
const LONG: &str = "bench-long";

/// What is measured: the row's title, who, and by which service.
const CASES: [(&str, &str, &str); 4] = [
    ("10 groups, built-in holders", PLAIN, BUILT_IN),
    ("10 groups, 10,000 entries", PLAIN, LONG),
    ("1,000 groups, built-in holders", NESTED, BUILT_IN),
    ("1,000 groups, 10,000 entries", NESTED, LONG),
];

/// Makes the groups and the lists, and measures: the rule alone, and the whole question of
/// account management.
pub(crate) fn measure(count: usize, accounts: usize, table: &mut Table) -> Result<()> {
    make_groups()?;
    let text = lists(&domain_sid()?, accounts);
    let mut loads = Section::new("rights.toml (µs)");
    loads.add("taking in 20,000 entries", &load(&text)?);
    the_right_thing_is_measured()?;
    table.section(rule(count / 10)?);
    table.section(question(count)?);
    table.section(loads);
    Ok(())
}

fn chain(number: usize) -> String {
    format!("chain-{number:03}")
}

fn few(number: usize) -> String {
    format!("few-{number}")
}

fn make_groups() -> Result<()> {
    domain::add(PLAIN, Some(PASSWORD))?;
    domain::add(NESTED, Some(PASSWORD))?;
    for number in 0..FEW {
        domain::group(&few(number), &[PLAIN.to_owned()])?;
    }
    domain::group(&chain(0), &[NESTED.to_owned()])?;
    for number in 1..CHAIN {
        domain::group(&chain(number), &[chain(number - 1)])?;
    }
    for number in 0..FAN {
        domain::group(&format!("fan-{number:03}"), &[chain(0)])?;
    }
    Ok(())
}

fn domain_sid() -> Result<String> {
    match client::call(Path::new(SOCKET), &Request::Status, client::PAM_DEADLINE) {
        Ok(Reply::Status(status)) => Ok(status.domain_sid),
        other => Err(differs("status", "an answer", format!("{other:?}"))),
    }
}

/// A deny list of nobody in particular, and an allow list of all accounts in which the
/// group that lets each of the two users in stands last.
fn lists(domain: &str, accounts: usize) -> String {
    let nobody = |from: usize| move |number: usize| format!("\"{domain}-{}\"", from + number);
    let denied: Vec<String> = (0..ENTRIES).map(nobody(1_000_000)).collect();
    let last = [few(FEW - 1), chain(CHAIN - 1)].map(|name| format!("{name:?}"));
    let names = accounts.min(ENTRIES - last.len());
    let allowed: Vec<String> = (0..names)
        .map(|number| format!("\"{}{number:05}\"", domain::PREFIX))
        .chain((names..ENTRIES - last.len()).map(nobody(2_000_000)))
        .chain(last)
        .collect();
    format!(
        "[rights]\nSeNetworkLogonRight = [{}]\nSeDenyNetworkLogonRight = [{}]\n\
         [services]\n{BUILT_IN} = \"interactive\"\n{LONG} = \"network\"\n",
        allowed.join(", "),
        denied.join(", "),
    )
}

/// From the file being there to its lists being in force.
fn load(text: &str) -> Result<Sample> {
    const TIMES: usize = 5;
    let mut sample = Sample::default();
    for number in 0..TIMES {
        // Another text each time: the same one would not be taken in again.
        let text = format!("{text}# {number}\n");
        fs::write(FILE, text).map_err(Failure::harness("write rights.toml"))?;
        let begun = Instant::now();
        domain::ask(admin::Request::RightsReload)?;
        add(&mut sample, begun, 1);
    }
    Ok(sample)
}

fn add(sample: &mut Sample, begun: Instant, times: u32) {
    let each = begun.elapsed() / times;
    sample.add(i64::try_from(each.as_nanos()).unwrap_or(i64::MAX));
}

/// The nested user is let in by the last entry, through the whole chain.
fn the_right_thing_is_measured() -> Result<()> {
    let request = Request::Explain {
        user: name(NESTED)?,
        service: LONG.to_owned(),
        at: None,
    };
    let reply = client::call(Path::new(SOCKET), &request, client::PAM_DEADLINE);
    let Ok(Reply::Explanation(explanation)) = &reply else {
        return Err(differs("explain", "an explanation", format!("{reply:?}")));
    };
    let through = explanation.steps.iter().find_map(|step| match &step.fact {
        Fact::Right(fact) => match &fact.basis {
            Basis::Entry { entry, chain, .. } => Some((entry.shown(), chain.len())),
            _ => None,
        },
        _ => None,
    });
    ensure(
        through == Some((&chain(CHAIN - 1), CHAIN + 1)),
        "what lets the nested user in",
        format!("{} through {} members", chain(CHAIN - 1), CHAIN + 1),
        format!("{through:?}"),
    )
}

fn name(text: &str) -> Result<UserName> {
    UserName::parse(text.as_bytes()).map_err(|error| differs(text, "a name", format!("{error:?}")))
}

/// The rule alone: lists and token in memory, as the daemon holds them.
fn rule(count: usize) -> Result<Section> {
    /// The plain case takes less than the clock's own time.
    const AT_ONCE: u32 = 100;
    let domain = Sid::domain(1, 2, 3);
    let entries = |from: u32| -> Vec<Entry> {
        let last = from + u32::try_from(ENTRIES).unwrap_or(u32::MAX);
        (from..last)
            .map(|rid| entry(domain.with_rid(rid)))
            .collect()
    };
    let mut rights = Rights::new(1);
    rights.set(RightName::deny(Right::Network), entries(1_000_000));
    rights.set(RightName::allow(Right::Network), entries(2_000_000));
    let last_entry = domain.with_rid(2_000_000 + u32::try_from(ENTRIES).unwrap_or(0) - 1);
    let token = |groups: u32| {
        let others = (0..groups - 2).map(|number| domain.with_rid(3_000_000 + number));
        let groups = others.chain([last_entry.clone(), Sid::builtin(USERS)]);
        Token::new(NESTED, domain.with_rid(1000), groups.collect())
    };
    let mut section = Section::new("the rule of the right alone (µs)");
    quiet::wait()?;
    for (what, user, service) in CASES {
        let token = token(if user == PLAIN { 10 } else { 1000 });
        let logon_type = match service {
            LONG => LogonType::Network,
            _ => LogonType::Interactive,
        };
        let mut sample = Sample::default();
        for _ in 0..count {
            let begun = Instant::now();
            for _ in 0..AT_ONCE {
                let (grant, fact) = black_box(&rights).judge(black_box(&token), logon_type);
                if grant != Grant::Granted {
                    return Err(differs(what, "granted", format!("{fact:?}")));
                }
            }
            add(&mut sample, begun, AT_ONCE);
        }
        section.add(what, &sample);
    }
    Ok(section)
}

/// BUILTIN\Users, which the built-in holders have.
const USERS: u32 = 545;

fn entry(sid: Sid) -> Entry {
    Entry {
        written: sid.to_string(),
        sid: Some(sid),
        name: None,
    }
}

/// What pam_acct_mgmt asks and the daemon answers, the log line and the connection included.
fn question(count: usize) -> Result<Section> {
    let mut samples: [Sample; CASES.len()] = Default::default();
    quiet::wait()?;
    for _ in 0..count {
        for ((what, user, service), sample) in CASES.into_iter().zip(&mut samples) {
            let request = Request::Account {
                user: name(user)?,
                origin: Origin {
                    service: service.to_owned(),
                    ..Origin::default()
                },
            };
            let begun = Instant::now();
            let reply = client::call(Path::new(SOCKET), &request, client::PAM_DEADLINE);
            add(sample, begun, 1);
            let granted =
                matches!(&reply, Ok(Reply::Decision(decision)) if decision.verdict.grants());
            ensure(granted, what, "granted", format!("{reply:?}"))?;
        }
    }
    let mut section = Section::new("account management, whole (µs)");
    for ((what, ..), sample) in CASES.into_iter().zip(&samples) {
        section.add(what, sample);
    }
    Ok(section)
}
