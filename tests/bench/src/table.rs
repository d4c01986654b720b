//! What was measured, as it is printed.

use crate::repeat::Logons;
use crate::sample::Sample;

/// Nanoseconds of one.
const MILLISECOND: f64 = 1e6;
const MICROSECOND: f64 = 1e3;

/// The rows of the table, section by section.
#[derive(Default)]
pub(crate) struct Table {
    logons: Vec<String>,
    sections: Vec<Section>,
    memory: Vec<String>,
    /// Rounds of logons that did not have the machine to themselves.
    pub(crate) busy_rounds: usize,
    first_logon: Option<f64>,
}

/// Things of one kind, in microseconds; each is compared with the first of them.
pub(crate) struct Section {
    title: &'static str,
    rows: Vec<String>,
    first: Option<f64>,
}

impl Section {
    pub(crate) fn new(title: &'static str) -> Self {
        Self {
            title,
            rows: Vec::new(),
            first: None,
        }
    }

    pub(crate) fn add(&mut self, what: &str, sample: &Sample) {
        let median = sample.median(MICROSECOND);
        let first = *self.first.get_or_insert(median);
        self.rows.push(format!(
            "{what:<34} {median:>8.1} {:>8.1} {:>7.1} {:>7}",
            sample.p99(MICROSECOND),
            median / first,
            sample.count(),
        ));
    }

    fn print(&self) {
        println!(
            "\n{:<34} {:>8} {:>8} {:>7} {:>7}",
            self.title, "median", "p99", "ratio", "times"
        );
        self.rows.iter().for_each(|row| println!("{row}"));
    }
}

impl Table {
    pub(crate) fn logon(&mut self, what: &str, logons: &Logons) {
        let whole = logons.whole.median(MILLISECOND);
        let first = *self.first_logon.get_or_insert(whole);
        self.logons.push(format!(
            "{what:<34} {whole:>8.2} {:>8.2} {:>7.2} {:>12.2} {:>9.2} {:>9.2} {:>7}",
            logons.whole.p99(MILLISECOND),
            whole / first,
            logons.hash.median(MILLISECOND),
            logons.beyond.median(MILLISECOND),
            logons.account.median(MILLISECOND),
            logons.whole.count(),
        ));
    }

    pub(crate) fn section(&mut self, section: Section) {
        self.sections.push(section);
    }

    /// Resident memory, and what of it is the daemon's own, in kB.
    pub(crate) fn memory(&mut self, what: &str, (resident, own): (u64, u64)) {
        self.memory
            .push(format!("{what:<34} {resident:>8} {own:>8}"));
    }

    pub(crate) fn print(&self) {
        println!(
            "\n{:<34} {:>8} {:>8} {:>7} {:>12} {:>9} {:>9} {:>7}",
            "logon (ms)", "median", "p99", "ratio", "hash alone", "the rest", "acct_mgmt", "times"
        );
        self.logons.iter().for_each(|row| println!("{row}"));
        self.sections.iter().for_each(Section::print);
        if self.busy_rounds > 0 {
            println!(
                "\nIn {} rounds of logons the machine had other work: take the table with care.",
                self.busy_rounds
            );
        }
        println!("\n{:<34} {:>8} {:>8}", "memory (kB)", "resident", "own");
        self.memory.iter().for_each(|row| println!("{row}"));
    }
}
