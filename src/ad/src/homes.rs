//! Forms of a home directory: which path is a home of one, and of whom.

use domlogon_protocol::UserName;

/// Stands for the account's name.
const USER: &str = "{user}";
/// Stands for the first letter of the account's name.
const INITIAL: &str = "{initial}";

/// Whether a path is a home of this form, with the account's own name wherever the form has it,
/// in one spelling.
pub(crate) fn is_home_of(path: &str, form: &str, name: &str) -> bool {
    let own = form.split_once(USER).and_then(|(before, _)| {
        let names = path.len().checked_sub(length(&form.replace(USER, "")))?;
        let each = names.checked_div(form.matches(USER).count())?;
        path.get(length(before)..)?.get(..each)
    });
    own.is_some_and(|own| {
        UserName::fold(own) == UserName::fold(name)
            && filled(form, own).is_some_and(|home| home == path)
    })
}

/// The home of an account that the directory gives none. Whoever had the folder of a letter
/// would lead all homes in it elsewhere: an account with that name has its home in there, too.
pub(crate) fn usual(home: &str, homes: &[String], name: &str) -> String {
    let mut own = std::iter::once(home)
        .chain(homes.iter().map(String::as_str))
        .filter_map(|form| filled(form, name))
        .filter(|path| !is_above(path, homes));
    own.next().unwrap_or_else(|| home.replace(USER, name))
}

/// Whether homes of others lie in this folder, by the first letter of their names.
pub(crate) fn is_above(path: &str, forms: &[String]) -> bool {
    let mut forms = forms.iter().filter(|form| form.contains(INITIAL));
    forms.any(|form| {
        let mut folders = parts(form).take_while(|part| !part.contains(USER));
        parts(path).all(|part| match folders.next() {
            Some(INITIAL) => initial(part).is_some_and(|letter| letter == part),
            Some(folder) => folder == part,
            None => false,
        })
    })
}

/// The home of an account by this form; `None` if it needs a letter that the name has not.
fn filled(form: &str, name: &str) -> Option<String> {
    let letter = match form.contains(INITIAL) {
        true => initial(name)?,
        false => "",
    };
    Some(form.replace(INITIAL, letter).replace(USER, name))
}

/// The first letter or digit of a name, in the one spelling that all programs agree on.
fn initial(name: &str) -> Option<&str> {
    let first = name.get(..1)?;
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    first.bytes().all(is_plain).then_some(first)
}

/// How long a part of a form without the name gets.
fn length(form: &str) -> usize {
    form.replace(INITIAL, "i").len()
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter(|part| !part.is_empty() && *part != ".")
}
