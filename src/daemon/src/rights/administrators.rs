//! The one mistake that locks out whoever would mend it: lists by which no administrator
//! of the domain can log on locally.

use super::kept::Lists;
use domlogon_protocol::rights::{Problem, ProblemKind};
use domlogon_protocol::{LogonType, Right, RightName};
use domlogon_rules::{Grant, Rights, Token};

/// What is said of it.
pub(super) const NO_ADMINISTRATOR: Problem = Problem {
    place: None,
    kind: ProblemKind::NoAdministrator,
};

/// Whether the domain has administrators, and none of them can log on locally, because
/// of these lists.
pub(super) fn lacks_administrator(
    lists: &Lists,
    rights: &Rights,
    administrators: &[Token],
) -> bool {
    says_who_is_local(lists) && !administrators.is_empty() && !is_one_local(rights, administrators)
}

/// Whether lists say anything about who may log on locally. The built-in holders are no
/// danger.
pub(super) fn says_who_is_local(lists: &Lists) -> bool {
    let said = |name: RightName| lists.lists.iter().any(|(list, _)| *list == name);
    said(RightName::allow(Right::Interactive)) || said(RightName::deny(Right::Interactive))
}

/// Whether one of the administrators can log on locally.
pub(super) fn is_one_local(rights: &Rights, administrators: &[Token]) -> bool {
    administrators.iter().any(|token| {
        let (grant, _) = rights.judge(token, LogonType::Interactive);
        grant != Grant::Refused
    })
}
