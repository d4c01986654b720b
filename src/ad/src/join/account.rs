//! The computer's account as an entry of the directory.

use super::error::Why;
use super::{Place, System};
use crate::entry;
use crate::ldap::{Change, Connection, Entry, Filter, LdapError, Scope, Search};
use crate::queries::DomainFacts;
use domlogon_protocol::{Secret, Sid};
use zeroize::Zeroize;

/// userAccountControl: disabled; needs no password; a computer; a domain controller.
const DISABLED: u32 = 0x2;
const NO_PASSWORD: u32 = 0x20;
const COMPUTER: u32 = 0x1000;
const CONTROLLER: u32 = 0x2000;

/// msDS-SupportedEncryptionTypes: AES128 and AES256. Without it a controller may make
/// tickets for the host with RC4, for which the keytab has no key.
const ENCRYPTION: &str = "24";

/// The well-known container of computers [ADTS 6.1.1.4.4].
const COMPUTERS: &str = "B:32:AA312825768811D1ADED00C04FD8D5CD:";

/// Result codes [RFC 4511 4.1.9]: attributeOrValueExists, noSuchObject, invalidDNSyntax,
/// insufficientAccessRights, entryAlreadyExists.
const THERE: u32 = 20;
pub(super) const ABSENT: u32 = 32;
const NO_NAME: u32 = 34;
const NO_RIGHT: u32 = 50;
const TAKEN: u32 = 68;

/// Who may act as others on the host, and who has a key to be it: whoever made the account may
/// have written both.
const WAYS_IN: &[&str] = &[
    "msDS-AllowedToActOnBehalfOfOtherIdentity",
    "msDS-KeyCredentialLink",
];

const ATTRIBUTES: &[&str] = &[
    "userAccountControl",
    "dNSHostName",
    "servicePrincipalName",
    "logonCount",
    "lastLogonTimestamp",
    "msDS-KeyVersionNumber",
    "msDS-SupportedEncryptionTypes",
    "pwdLastSet",
    "mS-DS-CreatorSID",
    "msDS-AllowedToActOnBehalfOfOtherIdentity",
    "msDS-KeyCredentialLink",
];

/// A computer's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) dn: String,
    control: u32,
    pub(super) host: Option<String>,
    pub(super) services: Vec<String>,
    was_used: bool,
    pub(super) kvno: Option<u32>,
    pub(super) encryption: Option<u32>,
    pub(super) password_set: Option<i64>,
    /// Who made it, if by the right that everybody has to a few (ms-DS-MachineAccountQuota).
    creator: Option<Vec<u8>>,
    ways_in: Vec<&'static str>,
}

/// What others may have kept of an account that was taken over: attributes by which they get in.
#[derive(Default)]
pub(super) struct WaysIn {
    pub(super) cleared: Vec<&'static str>,
    /// Whoever takes it over may not write them, or they may be meant.
    pub(super) left: Vec<&'static str>,
}

impl Account {
    /// The account of this name, wherever it is in the domain.
    pub(super) fn find(
        connection: &mut Connection,
        facts: &DomainFacts,
        account: &str,
    ) -> Result<Option<Self>, LdapError> {
        let found = connection.search(&Search {
            base: &facts.base,
            scope: Scope::Subtree,
            filter: Filter::equal("sAMAccountName", account),
            attributes: ATTRIBUTES,
            limit: 2,
        })?;
        Ok(found.first().map(Self::read))
    }

    fn read(entry: &Entry) -> Self {
        let number = |name: &'static str| entry::number(entry, name).ok().flatten();
        let unsigned = |name: &'static str| number(name).and_then(|n| u32::try_from(n).ok());
        let services = entry.values("servicePrincipalName").iter();
        Self {
            dn: entry.dn.clone(),
            control: unsigned("userAccountControl").unwrap_or_default(),
            host: entry.text("dNSHostName").map(str::to_owned),
            services: services
                .filter_map(|name| String::from_utf8(name.clone()).ok())
                .collect(),
            was_used: number("logonCount").unwrap_or_default() > 0
                || number("lastLogonTimestamp").is_some(),
            kvno: unsigned("msDS-KeyVersionNumber"),
            encryption: unsigned("msDS-SupportedEncryptionTypes"),
            password_set: number("pwdLastSet"),
            creator: entry.value("mS-DS-CreatorSID").map(<[u8]>::to_vec),
            ways_in: WAYS_IN
                .iter()
                .copied()
                .filter(|name| !entry.values(name).is_empty())
                .collect(),
        }
    }

    pub(super) const fn is_controller(&self) -> bool {
        self.control & CONTROLLER != 0
    }

    pub(super) const fn is_computer(&self) -> bool {
        self.control & COMPUTER != 0
    }

    pub(super) const fn is_disabled(&self) -> bool {
        self.control & DISABLED != 0
    }

    /// Whether no living host can be using it: it was made in advance for this one, or this
    /// one has left it.
    pub(super) fn is_free_for(&self, host: &str) -> bool {
        let is_named = |name: &String| name.eq_ignore_ascii_case(host);
        self.host.as_ref().is_none_or(is_named) && (!self.was_used || self.is_disabled())
    }

    /// Who made it in advance, if by that right and if that is not who asks now: he keeps the
    /// rights of an owner, and would have them to whatever takes the account. `None`: nobody such.
    pub(super) fn stranger(
        &self,
        connection: &mut Connection,
        facts: &DomainFacts,
    ) -> Result<Option<String>, LdapError> {
        let Some(creator) = &self.creator else {
            return Ok(None);
        };
        // Of the root entry: who is logged on, and his groups [ADTS 3.1.1.3.2].
        let own = head(connection, "", "tokenGroups")?;
        let own = own.iter().flat_map(|entry| entry.values("tokenGroups"));
        if own.into_iter().any(|sid| sid == creator) {
            return Ok(None);
        }
        let found = connection.search(&Search {
            base: &facts.base,
            scope: Scope::Subtree,
            filter: Filter::Equal("objectSid", creator.clone()),
            attributes: &["sAMAccountName"],
            limit: 1,
        })?;
        let name = found.first().and_then(|entry| entry.text("sAMAccountName"));
        let sid = || Sid::from_bytes(creator).map(|sid| sid.to_string());
        Ok(Some(
            name.map(str::to_owned).or_else(sid).unwrap_or_default(),
        ))
    }

    /// Takes away by what others may have kept a way in.
    fn close(&self, connection: &mut Connection) -> Result<WaysIn, LdapError> {
        let mut ways = WaysIn::default();
        for &name in &self.ways_in {
            match connection.modify(&self.dn, &[Change::Replace(name, Vec::new())]) {
                Ok(()) => ways.cleared.push(name),
                Err(error) if error.is_outage() => return Err(error),
                Err(_) => ways.left.push(name),
            }
        }
        Ok(ways)
    }

    /// The names of services that the account should have and has not.
    pub(super) fn missing_services(&self, place: &Place<'_>) -> Vec<String> {
        let has = |name: &String| {
            let mut known = self.services.iter();
            known.any(|known| known.eq_ignore_ascii_case(name))
        };
        let wanted = services(place).into_iter();
        wanted.filter(|name| !has(name)).collect()
    }
}

/// The names under which tickets for the host are asked for.
fn services(place: &Place<'_>) -> Vec<String> {
    let (name, host) = (place.name, place.host);
    vec![
        format!("HOST/{name}"),
        format!("HOST/{host}"),
        format!("RestrictedKrbHost/{name}"),
        format!("RestrictedKrbHost/{host}"),
    ]
}

/// Where the account goes: the given unit, or the domain's container of computers.
pub(super) fn container(
    connection: &mut Connection,
    facts: &DomainFacts,
    ou: Option<&str>,
) -> Result<String, Why> {
    if let Some(ou) = ou {
        let ends = |text: &str, end: &str| text.to_lowercase().ends_with(&end.to_lowercase());
        let dn = if ends(ou, &facts.base) {
            ou.to_owned()
        } else {
            format!("{ou},{}", facts.base)
        };
        return match head(connection, &dn, "objectClass") {
            Ok(Some(_)) => Ok(dn),
            Ok(None)
            | Err(LdapError::Refused {
                code: ABSENT | NO_NAME,
                ..
            }) => Err(Why::NoSuchUnit(dn)),
            Err(error) => Err(Why::Ldap(error)),
        };
    }
    let domain = head(connection, &facts.base, "wellKnownObjects")?;
    let known = domain.iter().flat_map(|e| e.values("wellKnownObjects"));
    let dn = known
        .filter_map(|value| core::str::from_utf8(value).ok())
        .find_map(|value| value.strip_prefix(COMPUTERS));
    Ok(dn.map_or_else(|| format!("CN=Computers,{}", facts.base), str::to_owned))
}

fn head(
    connection: &mut Connection,
    dn: &str,
    attribute: &'static str,
) -> Result<Option<Entry>, LdapError> {
    let found = connection.search(&Search {
        base: dn,
        scope: Scope::Base,
        filter: Filter::Present("objectClass"),
        attributes: &[attribute],
        limit: 1,
    })?;
    Ok(found.into_iter().next())
}

/// Makes the account with its password, in one step; gives its distinguished name.
///
/// No more attributes than somebody may set who makes one by the right that everybody has
/// to a few (ms-DS-MachineAccountQuota).
pub(super) fn create(
    connection: &mut Connection,
    place: &Place<'_>,
    container: &str,
    password: &Secret,
) -> Result<String, Why> {
    let text = |text: &str| vec![text.as_bytes().to_vec()];
    let dn = format!("CN={},{container}", place.name);
    let mut attributes = vec![
        ("objectClass", text("computer")),
        ("sAMAccountName", text(&place.account())),
        ("userAccountControl", text(&COMPUTER.to_string())),
        ("dNSHostName", text(place.host)),
        ("servicePrincipalName", bytes(services(place))),
        ("unicodePwd", vec![quoted(password)]),
    ];
    let result = connection.add(&dn, &attributes);
    wipe(attributes.iter_mut().flat_map(|(_, values)| values));
    match result {
        Ok(()) => Ok(dn),
        Err(LdapError::Refused { code: NO_RIGHT, .. }) => Err(Why::NoRight(container.to_owned())),
        Err(LdapError::Refused { code: TAKEN, .. }) => Err(Why::Taken(dn)),
        // ERROR_DS_MACHINE_ACCOUNT_QUOTA_EXCEEDED
        Err(LdapError::Refused { text, .. }) if text.to_uppercase().contains("0000216D") => {
            Err(Why::Quota)
        }
        Err(error) => Err(Why::Ldap(error)),
    }
}

/// Makes an account that is there this host's. The password comes last: whoever can log on
/// with it finds all the rest done. `strangers`: one made it
/// who keeps rights to it.
pub(super) fn take_over(
    connection: &mut Connection,
    place: &Place<'_>,
    account: &Account,
    password: &Secret,
    strangers: bool,
) -> Result<WaysIn, Why> {
    let no_right = |error| match error {
        LdapError::Refused { code: NO_RIGHT, .. } => Why::NoRightTo(account.dn.clone()),
        error => Why::Ldap(error),
    };
    let control = account.control & !(DISABLED | NO_PASSWORD);
    if control != account.control {
        let value = vec![control.to_string().into_bytes()];
        connection
            .modify(&account.dn, &[Change::Replace("userAccountControl", value)])
            .map_err(no_right)?;
    }
    name_host(connection, place, account).map_err(no_right)?;
    let ways = match strangers {
        true => account.close(connection)?,
        // An administrator may have meant it.
        false => WaysIn {
            cleared: Vec::new(),
            left: account.ways_in.clone(),
        },
    };
    let mut change = [Change::Replace("unicodePwd", vec![quoted(password)])];
    let result = connection.modify(&account.dn, &change);
    if let [Change::Replace(_, values)] = &mut change {
        wipe(values.iter_mut());
    }
    result.map_err(no_right)?;
    Ok(ways)
}

/// Writes the host's name and the names of its services to an account that is there.
pub(super) fn name_host(
    connection: &mut Connection,
    place: &Place<'_>,
    account: &Account,
) -> Result<(), LdapError> {
    let is_right = |name: &String| name.eq_ignore_ascii_case(place.host);
    if !account.host.as_ref().is_some_and(is_right) {
        let value = vec![place.host.as_bytes().to_vec()];
        connection.modify(&account.dn, &[Change::Replace("dNSHostName", value)])?;
    }
    let missing = account.missing_services(place);
    if missing.is_empty() {
        return Ok(());
    }
    let change = Change::Add("servicePrincipalName", bytes(missing));
    match connection.modify(&account.dn, &[change]) {
        Err(LdapError::Refused { code: THERE, .. }) => Ok(()),
        result => result,
    }
}

/// Says with which keys tickets for the host are made.
pub(super) fn set_encryption(connection: &mut Connection, dn: &str) -> Result<(), LdapError> {
    let value = vec![ENCRYPTION.as_bytes().to_vec()];
    connection.modify(
        dn,
        &[Change::Replace("msDS-SupportedEncryptionTypes", value)],
    )
}

/// Says what system the host runs, for those who look at the list of computers.
pub(super) fn set_system(
    connection: &mut Connection,
    dn: &str,
    system: &System,
) -> Result<(), LdapError> {
    let value = |text: &str| vec![text.as_bytes().to_vec()];
    let mut changes = vec![Change::Replace("operatingSystem", value(&system.name))];
    if let Some(version) = &system.version {
        changes.push(Change::Replace("operatingSystemVersion", value(version)));
    }
    connection.modify(dn, &changes)
}

/// Keeps everybody from logging on as the computer.
pub(super) fn disable(connection: &mut Connection, account: &Account) -> Result<(), LdapError> {
    let value = vec![(account.control | DISABLED).to_string().into_bytes()];
    connection.modify(&account.dn, &[Change::Replace("userAccountControl", value)])
}

/// Whether the directory denied it for want of a right.
pub(super) const fn is_denied(error: &LdapError) -> bool {
    matches!(error, LdapError::Refused { code: NO_RIGHT, .. })
}

/// A password as unicodePwd takes it [ADTS 3.1.1.3.1.5]: in quotes, in UTF-16.
fn quoted(password: &Secret) -> Vec<u8> {
    let text = password.text().unwrap_or_default();
    // Each byte of UTF-8 gives two at most; growing would leave copies behind.
    let mut bytes = Vec::with_capacity(2 * text.len() + 4);
    let quote = || core::iter::once(u16::from(b'"'));
    for unit in quote().chain(text.encode_utf16()).chain(quote()) {
        bytes.extend_from_slice(&unit.to_le_bytes());
    }
    bytes
}

fn bytes(texts: Vec<String>) -> Vec<Vec<u8>> {
    texts.into_iter().map(String::into_bytes).collect()
}

fn wipe<'a>(values: impl Iterator<Item = &'a mut Vec<u8>>) {
    values.for_each(Zeroize::zeroize);
}
