//! What libpam makes of a stack, given what each module returns.
//!
//! As `_pam_dispatch_aux` of Linux-PAM does it on the first pass: a jump is neither a yes
//! nor a no, a stack without any yes is a no, and what ends a substack ends that alone.

use super::control::{Action, Code, SUCCESS};
use super::library::{Item, Step};

/// Returned by a stack in which nobody said yes.
const MUST_FAIL: Code = "perm_denied";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Impression {
    None,
    Positive,
    Negative,
}

#[derive(Clone, Copy, Debug)]
struct State {
    impression: Impression,
    status: Code,
}

/// How a stack ended.
#[derive(Debug)]
pub(crate) struct Outcome<'a> {
    pub(crate) code: Code,
    /// The lines that ran.
    pub(crate) ran: Vec<&'a Step>,
    /// The line that ended the stack before its end.
    pub(crate) ended: Option<&'a Step>,
    /// The line that gave the status.
    pub(crate) gave: Option<&'a Step>,
    /// The jumps: from which line, over which.
    pub(crate) jumps: Vec<(&'a Step, Vec<&'a Step>)>,
}

impl Outcome<'_> {
    pub(crate) fn is_success(&self) -> bool {
        self.code == SUCCESS
    }
}

/// Runs a stack. A line for which nothing is returned is as if it said nothing; it still
/// counts for a jump.
pub(crate) fn run<'a>(steps: &'a [Step], returned: &dyn Fn(&Step) -> Option<Code>) -> Outcome<'a> {
    let mut outcome = Outcome {
        code: MUST_FAIL,
        ran: Vec::new(),
        ended: None,
        gave: None,
        jumps: Vec::new(),
    };
    let mut state = State {
        impression: Impression::None,
        status: MUST_FAIL,
    };
    level(steps, returned, &mut state, &mut outcome);
    outcome.code = if state.status == SUCCESS && state.impression != Impression::Positive {
        MUST_FAIL
    } else {
        state.status
    };
    outcome
}

fn level<'a>(
    steps: &'a [Step],
    returned: &dyn Fn(&Step) -> Option<Code>,
    state: &mut State,
    outcome: &mut Outcome<'a>,
) {
    let before = *state;
    let mut index = 0;
    while let Some(step) = steps.get(index) {
        index += 1;
        let rule = match &step.item {
            Item::Module(rule) => rule,
            Item::Substack(inner) => {
                level(inner, returned, state, outcome);
                continue;
            }
            Item::Broken => {
                refuse(state, MUST_FAIL, step, outcome);
                continue;
            }
        };
        let Some(code) = returned(step) else {
            continue;
        };
        outcome.ran.push(step);
        match rule.control.action(code) {
            Action::Ignore => {}
            Action::Reset => *state = before,
            action @ (Action::Ok | Action::Done) => {
                let is_open = state.impression == Impression::None
                    || (state.impression == Impression::Positive && state.status == SUCCESS);
                if is_open && code != "ignore" {
                    state.impression = Impression::Positive;
                    state.status = code;
                    outcome.gave = Some(step);
                }
                if state.impression == Impression::Positive && action == Action::Done {
                    outcome.ended = Some(step);
                    return;
                }
            }
            action @ (Action::Bad | Action::Die) => {
                let code = if code == SUCCESS { MUST_FAIL } else { code };
                refuse(state, code, step, outcome);
                if action == Action::Die {
                    outcome.ended = Some(step);
                    return;
                }
            }
            Action::Jump(count) => {
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                let end = index.saturating_add(count);
                let over = steps.get(index..end.min(steps.len())).unwrap_or_default();
                outcome.jumps.push((step, over.iter().collect()));
                if end > steps.len() {
                    // Past the end: libpam calls it a bad jump and refuses.
                    refuse(state, MUST_FAIL, step, outcome);
                    return;
                }
                index = end;
            }
        }
    }
}

fn refuse<'a>(state: &mut State, code: Code, step: &'a Step, outcome: &mut Outcome<'a>) {
    if state.impression != Impression::Negative {
        state.impression = Impression::Negative;
        state.status = code;
        outcome.gave = Some(step);
    }
}
