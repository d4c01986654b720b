//! What the host runs, for those who look at the list of computers.

use super::host::Host;
use domlogon_ad::join::System;
use std::fs;

/// From os-release(5).
pub(super) fn of(host: &Host) -> System {
    let text = ["/etc/os-release", "/usr/lib/os-release"]
        .iter()
        .find_map(|path| fs::read_to_string(host.at(path)).ok())
        .unwrap_or_default();
    read(&text)
}

fn read(text: &str) -> System {
    let value = |key: &str| {
        let mut lines = text.lines();
        let value = lines.find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
        let value: String = value
            .chars()
            .filter(|c| !matches!(c, '"' | '\'' | '\\') && !c.is_control())
            .take(64)
            .collect();
        (!value.is_empty()).then_some(value)
    };
    System {
        name: value("NAME").unwrap_or_else(|| "Linux".to_owned()),
        version: value("VERSION_ID"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn os_release() {
        let debian = "PRETTY_NAME=\"x\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\n";
        let system = read(debian);
        assert_eq!(system.name, "Debian GNU/Linux");
        assert_eq!(system.version.as_deref(), Some("12"));
        assert_eq!(read("").name, "Linux");
        assert_eq!(read("NAME=\nVERSION_ID=''\n").version, None);
    }
}
