//! Where a line goes in a stack, and what its jump has to leap over there.

use super::super::host::Host;
use super::super::modules::Modules;
use super::super::pam::control::SUCCESS;
use super::super::pam::library::{Item, Step};
use super::super::pam::{Directive, Kind, parse};
use super::scene::{Scene, play};
use super::{ACCOUNT, OURS, SESSION, jumping};

/// What the modules of a stack would say.
pub(super) struct Surroundings<'a> {
    pub(super) host: &'a Host,
    pub(super) modules: &'a Modules,
    pub(super) kind: Kind,
    pub(super) steps: &'a [Step],
}

impl Surroundings<'_> {
    /// What to do for our line to stand before this one (`how` says so), or in its place if it is
    /// ours.
    pub(super) fn write(&self, how: &str, at: &Step) -> String {
        self.by_hand(how, at)
            .unwrap_or_else(|| "domlogon enable".to_owned())
    }

    /// How to write it by hand; `None` where that takes more than a line, as where pam_unix is
    /// `sufficient` and the rest of the file refuses whoever comes to it.
    pub(super) fn by_hand(&self, how: &str, at: &Step) -> Option<String> {
        let line = match self.kind {
            Kind::Account => Some(ACCOUNT.to_owned()),
            Kind::Session => Some(SESSION.to_owned()),
            Kind::Auth | Kind::Password => self.jump(at).map(|jump| jumping(self.kind, jump)),
        };
        match line {
            Some(line) if at.is(OURS) => Some(format!("write: {line}")),
            Some(line) => Some(format!("{how}: {line}{}", longer(self.steps, at))),
            None => self.is_replaced_by_all(at).then(|| {
                format!(
                    "lay the {} lines of pam_domlogon(8) in the place of pam_unix: this file has \
                     no line behind it to jump to",
                    self.kind.word()
                )
            }),
        }
    }

    /// Whether all lines of pam_domlogon(8) may stand in the place of this one: it is pam_unix,
    /// its file ends with it, it ends no stack by its yes, and no jump leads over it. What comes
    /// behind it is then said yes to, or refused, as before.
    fn is_replaced_by_all(&self, at: &Step) -> bool {
        let Some((level, index)) = level_of(self.steps, at) else {
            return false;
        };
        let mut behind = level.iter().skip(index + 1);
        let fits = at.is("pam_unix")
            && at.rule().is_some_and(|rule| !rule.control.leaps())
            && behind.all(|step| step.file != at.file)
            && longer(self.steps, at).is_empty();
        if !fits {
            return false;
        }
        let word = self.kind.word();
        let lines = [
            format!("{word} [success=1 default=ignore] pam_localuser.so"),
            jumping(self.kind, 2),
            format!("{word} [success=1 default=ignore] pam_unix.so"),
            format!("{word} requisite pam_deny.so"),
            format!("{word} required pam_permit.so"),
        ];
        let all: Vec<Step> = lines.iter().filter_map(|line| step_of(line, at)).collect();
        let tried = with(self.steps, at, &all, true);
        [(true, "module_unknown"), (false, SUCCESS)]
            .into_iter()
            .all(|(local, ours)| {
                let plays = |right| {
                    let scene = Scene { local, right, ours };
                    play(self.host, self.modules, self.kind, &tried, scene).is_success()
                };
                // Ours has said yes to whoever is no local user.
                plays(true) && (!local || !plays(false))
            })
    }

    /// How many lines our yes leaps over there, so that it comes to a yes; `None` if no line of
    /// the same file is left to come to. What follows in another file is a service's own matter.
    fn jump(&self, at: &Step) -> Option<usize> {
        let (level, index) = level_of(self.steps, at)?;
        let first = index + usize::from(at.is(OURS));
        let scene = Scene {
            local: false,
            right: true,
            ours: SUCCESS,
        };
        (1..)
            .zip(level.get(first + 1..)?)
            .find_map(|(jump, landing)| {
                let is_refusal = landing
                    .rule()
                    .is_some_and(|rule| rule.control.action(SUCCESS).refuses());
                if landing.file != at.file || is_refusal {
                    return None;
                }
                let ours = step_of(&jumping(self.kind, jump), at)?;
                let tried = with(self.steps, at, &[ours], at.is(OURS));
                play(self.host, self.modules, self.kind, &tried, scene)
                    .is_success()
                    .then_some(jump)
            })
    }
}

/// Which jumps have to be one longer, if a line is written before this one.
pub(super) fn longer(steps: &[Step], at: &Step) -> String {
    let Some((level, index)) = level_of(steps, at) else {
        return String::new();
    };
    let mut text = String::new();
    for (from, step) in level.iter().take(index).enumerate() {
        let lands = |jump: u32| (from + 1).saturating_add(usize::try_from(jump).unwrap_or(0));
        let is_over = |rule: &super::Rule| rule.control.jumps().any(|jump| lands(jump) > index);
        if step.rule().is_some_and(is_over) {
            text.push_str(&format!(
                ", and make the jump of {}:{} one longer",
                step.file, step.line
            ));
        }
    }
    text
}

fn is_same(one: &Step, other: &Step) -> bool {
    one.rule().is_some() && one.file == other.file && one.line == other.line
}

/// The stack, or the substack, in which a line is, and its place there.
fn level_of<'a>(steps: &'a [Step], at: &Step) -> Option<(&'a [Step], usize)> {
    steps
        .iter()
        .enumerate()
        .find_map(|(index, step)| match &step.item {
            Item::Substack(inner) => level_of(inner, at),
            _ => is_same(step, at).then_some((steps, index)),
        })
}

/// A line as a step of the place of another.
fn step_of(line: &str, at: &Step) -> Option<Step> {
    let (lines, _) = parse(line);
    let Directive::Module(rule) = lines.into_iter().next()?.directive else {
        return None;
    };
    Some(Step {
        item: Item::Module(rule),
        ..at.clone()
    })
}

/// The stack with those lines before that one, or in its place.
fn with(steps: &[Step], at: &Step, lines: &[Step], in_its_place: bool) -> Vec<Step> {
    let mut all = Vec::new();
    for step in steps {
        if is_same(step, at) {
            all.extend_from_slice(lines);
            if in_its_place {
                continue;
            }
        }
        let mut step = step.clone();
        if let Item::Substack(inner) = &mut step.item {
            *inner = with(inner, at, lines, in_its_place);
        }
        all.push(step);
    }
    all
}
