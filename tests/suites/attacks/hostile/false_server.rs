use crate::Case;

pub(super) fn cases() -> Vec<Case> {
    vec![]
}
