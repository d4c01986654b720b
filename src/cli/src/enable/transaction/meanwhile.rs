//! What somebody else did between a change and the way back, and what became of it.

use crate::enable::host::Host;
use std::path::PathBuf;

/// What somebody did with a file between the change and the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meanwhile {
    /// Edited it: only our lines were taken out.
    Edited,
    /// Edited it so that nothing but ours asks for a proof: it refuses everybody now.
    Closed,
    /// Removed it: it is not made again.
    Removed,
    /// Edited what had been turned off: it stays as it is.
    Kept,
    /// nsswitch.conf, where that was a stack: it names nobody whom the stack may not judge.
    StaysOff,
}

/// All that somebody else had changed meanwhile.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Back {
    pub(crate) touched: Vec<(PathBuf, Meanwhile)>,
    /// A sentence about what authselect selects, if that was it.
    pub(crate) select: Option<String>,
}

impl Back {
    /// In words, with a space before each sentence.
    pub(crate) fn told(&self, host: &Host) -> String {
        let mut text = String::new();
        for (path, meanwhile) in &self.touched {
            let what = match meanwhile {
                Meanwhile::Edited => "edited meanwhile: only the lines of domlogon were taken out",
                Meanwhile::Closed => {
                    "edited meanwhile: the lines of domlogon were taken out, and it refuses \
                     everybody now whom no line before pam_deny.so lets in, as nothing else in it \
                     asks them for a proof of who they are"
                }
                Meanwhile::Removed => "removed meanwhile, and was not made again",
                Meanwhile::Kept => "edited meanwhile, and was left as it is",
                Meanwhile::StaysOff => {
                    text.push_str(&format!(
                        " domlogon stays out of {}, so that nobody of the domain is known whom a \
                         stack that was changed meanwhile does not judge: run domlogon disable \
                         again, or domlogon enable.",
                        host.shown(path)
                    ));
                    continue;
                }
            };
            text.push_str(&format!(" {} had been {what}.", host.shown(path)));
        }
        if let Some(sentence) = &self.select {
            text.push_str(&format!(" {sentence}"));
        }
        text
    }
}
