//! The catalogues in `po/`: printed from the code, complete, and fit to be shown.
//!
//! `UPDATE=1 cargo test -p domlogon-protocol --test catalogues` writes `po/domlogon.pot`
//! anew; the translations are written by people.

#[path = "catalogues/po.rs"]
mod po;

use domlogon_protocol::template::places;
use domlogon_protocol::{
    Calendar, Catalogue, Decision, LogonType, Notice, Params, Reference, Rule, Text, Timestamp,
    Verdict, notice_sentence_in, password_rules_in, sentence_in,
};
use po::{Entry, Po};
use std::fmt::Write as _;

const LANGUAGES: [&str; 3] = ["de", "es", "fr"];

fn path(name: &str) -> String {
    format!("{}/../../po/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn catalogue(language: &str) -> Po {
    let text = std::fs::read_to_string(path(&format!("{language}.po"))).expect("a catalogue");
    Po::parse(&text)
}

#[test]
fn the_template_is_current() {
    let path = path("domlogon.pot");
    let made = template();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, made).expect("written");
    } else {
        let there = std::fs::read_to_string(path).expect("po/domlogon.pot");
        assert_eq!(there, made, "run with UPDATE=1 to print it anew");
    }
}

fn template() -> String {
    let mut made = String::from(
        "# What domlogon says to people. Printed from src/protocol/src/text.rs by a test;\n\
         # see po/README.md.\n\
         msgid \"\"\n\
         msgstr \"\"\n\
         \"Project-Id-Version: domlogon\\n\"\n\
         \"MIME-Version: 1.0\\n\"\n\
         \"Content-Type: text/plain; charset=UTF-8\\n\"\n\
         \"Content-Transfer-Encoding: 8bit\\n\"\n\
         \"Plural-Forms: nplurals=INTEGER; plural=EXPRESSION;\\n\"\n",
    );
    for text in Text::ALL {
        let note = text.note.split_whitespace().collect::<Vec<_>>().join(" ");
        writeln!(made, "\n#. {note}\nmsgid {:?}", text.english).expect("a string");
        match text.many {
            None => writeln!(made, "msgstr \"\""),
            Some(many) => writeln!(
                made,
                "msgid_plural {many:?}\nmsgstr[0] \"\"\nmsgstr[1] \"\""
            ),
        }
        .expect("a string");
    }
    made
}

#[test]
fn no_text_is_there_twice() {
    for (index, text) in Text::ALL.iter().enumerate() {
        let twin = Text::ALL.iter().skip(index + 1);
        assert!(
            twin.clone().all(|other| other.english != text.english),
            "{text:?}"
        );
        assert!(!text.note.is_empty(), "{text:?}");
    }
}

#[test]
fn every_catalogue_has_every_text_and_no_other() {
    for language in LANGUAGES {
        let po = catalogue(language);
        assert!(
            po.header.contains("charset=UTF-8")
                && po.header.contains("Plural-Forms: nplurals=2;")
                && po.header.contains(&format!("Language: {language}\n")),
            "{language}: {}",
            po.header
        );
        let missing: Vec<&str> = Text::ALL
            .iter()
            .filter(|text| {
                let found = po.find(text.english);
                found.is_none_or(|found| found.plural.as_deref() != text.many)
            })
            .map(|text| text.english)
            .collect();
        assert!(
            missing.is_empty(),
            "{language} lacks a translation of {missing:#?}"
        );
        for entry in &po.entries {
            assert!(
                Text::ALL.iter().any(|text| text.english == entry.id),
                "{language} translates what nobody says: {}",
                entry.id
            );
        }
        assert_eq!(po.entries.len(), Text::ALL.len(), "{language}");
    }
}

#[test]
fn every_translation_is_fit_to_be_shown() {
    for language in LANGUAGES {
        for entry in &catalogue(language).entries {
            let wanted = if entry.plural.is_some() { 2 } else { 1 };
            assert_eq!(entry.said.len(), wanted, "{language}: {}", entry.id);
            for said in &entry.said {
                fit(language, entry, said);
            }
        }
    }
}

fn fit(language: &str, entry: &Entry, said: &str) {
    let told = format!("{language}: {:?} is {said:?}", entry.id);
    assert!(!entry.fuzzy, "{told}: fuzzy");
    assert!(!said.trim().is_empty(), "{told}: empty");
    assert!(!said.contains(char::is_control), "{told}");
    assert!(!said.contains("  "), "{told}");
    let sorted = |text: &str| {
        let mut names: Vec<String> = places(text).into_iter().map(str::to_owned).collect();
        names.sort();
        names
    };
    assert_eq!(sorted(said), sorted(&entry.id), "{told}");
    let most = entry.id.chars().count() * 2 + 20;
    assert!(said.chars().count() <= most.min(260), "{told}: too long");
    let end = |text: &str| {
        let last = text.chars().last();
        last.filter(|last| matches!(last, '.' | ' ' | ')'))
    };
    assert_eq!(end(said), end(&entry.id), "{told}: ends otherwise");
    assert!(said.starts_with(|c: char| !c.is_whitespace()), "{told}");
    // People are addressed formally.
    let familiar: &[&str] = match language {
        "de" => &["du", "dich", "dir", "dein", "deine", "deinen", "deiner"],
        "fr" => &["tu", "te", "ton", "ta", "tes", "toi"],
        _ => &["tú", "tu", "tus", "te", "ti"],
    };
    let mut words = said.split(|c: char| !c.is_alphabetic());
    assert!(
        !words.any(|word| familiar.contains(&word.to_lowercase().as_str())),
        "{told}: familiar"
    );
}

struct Fixed;

impl Calendar for Fixed {
    fn show(&self, _: Timestamp) -> String {
        "23.11.2026 08:00 CET".to_owned()
    }
}

fn decision(verdict: Verdict, full: bool) -> Decision {
    let mut decision = Decision::new(verdict, Rule::Local);
    decision.reference = Reference::from_random(4711);
    decision.params.user = "alice".to_owned();
    decision.params.host = "ws1".to_owned();
    if full {
        let params = &mut decision.params;
        params.domain = "CORP".to_owned();
        params.service = "sshd".to_owned();
        params.logon_type = Some(LogonType::Network);
        params.minutes = Some(30);
        params.until = Some(Timestamp(0));
        params.next_allowed = Some(Timestamp(0));
        params.next_change = Some(Timestamp(0));
        params.min_length = Some(8);
        params.max_length = Some(256);
        params.history = Some(24);
        params.complexity = Some(true);
    }
    decision
}

/// Everything that can be said, with and without what a decision may lack.
fn all(catalogue: &dyn Catalogue) -> Vec<String> {
    let mut said = Vec::new();
    for verdict in Verdict::ALL {
        for full in [true, false] {
            said.extend(sentence_in(catalogue, &decision(verdict, full), &Fixed));
        }
    }
    for n in [0, 1, 2, 24] {
        for complexity in [None, Some(true)] {
            let rules = Params {
                min_length: Some(n),
                history: Some(n),
                complexity,
                ..Params::default()
            };
            said.extend(password_rules_in(catalogue, &rules));
        }
        for span in [60, 3_600, 86_400] {
            let notice = Notice::ExpiresIn(i64::from(n) * span);
            said.push(notice_sentence_in(catalogue, notice));
        }
    }
    for notice in [Notice::ChangeBeforeNextLogon, Notice::Offline] {
        said.push(notice_sentence_in(catalogue, notice));
    }
    said
}

#[test]
fn whole_sentences_are_whole_in_every_language() {
    let english = all(&domlogon_protocol::English);
    for language in LANGUAGES {
        let said = all(&catalogue(language));
        assert_eq!(said.len(), english.len(), "{language}");
        for (said, english) in said.iter().zip(&english) {
            assert_ne!(said, english, "{language}");
            assert!(!said.contains(['{', '}']), "{language}: {said}");
            assert!(said.ends_with(['.', ')']), "{language}: {said}");
            assert!(said.len() < 320, "{language}: {said}");
            // But for a sentence that begins with a name.
            let named = ["alice", "ws1", "root"].iter().any(|n| said.starts_with(n));
            assert!(
                named || !said.starts_with(char::is_lowercase),
                "{language}: {said}"
            );
        }
    }
}

#[test]
fn the_languages_say_what_they_are_to_say() {
    let said = |language, verdict| {
        let mut decision = decision(verdict, true);
        decision.reference = Reference::default();
        sentence_in(&catalogue(language), &decision, &Fixed).expect("a sentence")
    };
    for (language, text) in [
        (
            "de",
            "alice darf die Anmeldung über SSH auf ws1 nicht nutzen. Bitten Sie Ihren Administrator um das Recht „Auf diesen Computer vom Netzwerk aus zugreifen“.",
        ),
        (
            "fr",
            "Le compte alice n’est pas autorisé à utiliser la connexion par SSH sur ws1. Demandez à votre administrateur le droit «\u{a0}Accéder à cet ordinateur à partir du réseau\u{a0}».",
        ),
        (
            "es",
            "La cuenta alice no tiene permiso para usar el inicio de sesión por SSH en ws1. Pida a su administrador el derecho «Tener acceso a este equipo desde la red».",
        ),
    ] {
        assert_eq!(said(language, Verdict::LogonTypeNotGranted), text);
    }
    let mut told = decision(Verdict::Disabled, true);
    told.params.contact = Some("the help desk, ext. 4711".to_owned());
    let german = sentence_in(&catalogue("de"), &told, &Fixed).expect("a sentence");
    assert!(german.contains("the help desk, ext. 4711"), "{german}");
    assert!(!german.contains("Administrator"), "{german}");
}
