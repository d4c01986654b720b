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
    /// Our line, to be written before this one (`how` says so), or in its place if it is ours.
    pub(super) fn write(&self, how: &str, at: &Step) -> String {
        let line = match self.kind {
            Kind::Account => Some(ACCOUNT.to_owned()),
            Kind::Session => Some(SESSION.to_owned()),
            Kind::Auth | Kind::Password => self.jump(at).map(|jump| jumping(self.kind, jump)),
        };
        match line {
            Some(line) if at.is(OURS) => format!("write: {line}"),
            Some(line) => format!("{how}: {line}{}", longer(self.steps, at)),
            None => format!(
                "lay the {} lines of pam_domlogon(8) in the place of {}: this file has no line \
                 behind it to jump to",
                self.kind.word(),
                at.rule().map_or("it", |rule| rule.name())
            ),
        }
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
                let (lines, _) = parse(&jumping(self.kind, jump));
                let Directive::Module(rule) = lines.into_iter().next()?.directive else {
                    return None;
                };
                let ours = Step {
                    item: Item::Module(rule),
                    ..at.clone()
                };
                let tried = with(self.steps, at, &ours);
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

/// The stack with our line before that one, or in its place if that is ours.
fn with(steps: &[Step], at: &Step, ours: &Step) -> Vec<Step> {
    let mut all = Vec::new();
    for step in steps {
        if is_same(step, at) {
            all.push(ours.clone());
            if at.is(OURS) {
                continue;
            }
        }
        let mut step = step.clone();
        if let Item::Substack(inner) = &mut step.item {
            *inner = with(inner, at, ours);
        }
        all.push(step);
    }
    all
}
