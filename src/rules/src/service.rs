//! Which way in a PAM service is, and whether it can change a password.

use domlogon_protocol::LogonType;

/// What is known of a PAM service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceClass {
    /// The way in.
    pub logon_type: LogonType,
    /// Whether it can ask for a new password.
    pub can_change: bool,
    /// Whether the service is in the table; if not, it is taken for a network service
    /// that cannot change a password, and the log should name it.
    pub known: bool,
}

/// The class of the PAM service `name`, in any case.
///
/// Where SSSD's map (ad_gpo.c) has the service this map agrees with it but for sshd: ssh
/// is a network logon, as it is with Windows' own OpenSSH, so the right of Q97558 guards it.
#[must_use]
pub fn service(name: &str) -> ServiceClass {
    let class = |(logon_type, can_change, _): &Services| ServiceClass {
        logon_type: *logon_type,
        can_change: *can_change,
        known: true,
    };
    let is_there = |(_, _, names): &&Services| names.iter().any(|n| n.eq_ignore_ascii_case(name));
    SERVICES.iter().find(is_there).map_or(UNKNOWN, class)
}

/// Whether who comes in by it sits in a session of another already, of whatever kind: it is
/// an interactive logon, but not one at the console. (Windows' runas takes no blank password.)
#[must_use]
pub(crate) fn is_beside_a_session(name: &str) -> bool {
    ["su", "su-l"].iter().any(|n| n.eq_ignore_ascii_case(name))
}

/// Whether a screen may be locked behind a service by which people also come in. Such a program
/// unlocks by the password alone, whatever account management and a change come to: gdm, which
/// asks under one name for both, and Unity's own, by that name or lightdm's.
#[must_use]
pub fn may_be_a_locked_screen(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("gdm") || ["lightdm", "unity"].contains(&name.as_str())
}

/// Whether a program that is not root's and asks under such a name locks its user's screen: GNU
/// screen, and xsecurelock (`common-auth` in Debian, `system-auth` elsewhere) and Enlightenment.
/// They are not in the table, for programs of root's may ask under these names, too.
#[must_use]
pub fn is_a_users_locker(name: &str) -> bool {
    let lockers = ["common-auth", "system-auth", "screen"];
    lockers.iter().any(|n| n.eq_ignore_ascii_case(name))
}

/// What a service that is not in the table is taken for.
const UNKNOWN: ServiceClass = ServiceClass {
    logon_type: LogonType::Network,
    can_change: false,
    known: false,
};

/// A way in, whether its services can ask for a new password, and their names.
pub type Services = (LogonType, bool, &'static [&'static str]);

/// The built-in map.
pub const SERVICES: &[Services] = {
    use LogonType::{Batch, Interactive, Network, Permit, RemoteInteractive, Unlock};
    &[
        (
            Interactive,
            true,
            &["login", "su", "su-l", "greetd", "ly", "slim", "wdm"],
        ),
        (
            Interactive,
            true,
            &[
                "gdm",
                "gdm3",
                "gdm-autologin",
                "gdm-fingerprint",
                "gdm-password",
                "gdm-pin",
                "gdm-smartcard",
                "kdm",
                "lightdm",
                "lightdm-autologin",
                "lxdm",
                "plasmalogin",
                "sddm",
                "sddm-autologin",
                "unity",
                "xdm",
            ],
        ),
        (RemoteInteractive, true, &["cockpit"]),
        (RemoteInteractive, false, &["xrdp-sesman"]),
        // `remote` is login behind a telnet or rlogin daemon: a shell over the network, like ssh.
        (Network, true, &["sshd", "remote"]),
        (Permit, true, &["sudo", "sudo-i", "doas", "passwd"]),
        (
            Permit,
            false,
            &[
                "chpasswd",
                "chsh",
                "chfn",
                "polkit-1",
                "systemd-user",
                "runuser",
                "runuser-l",
                "gdm-launch-environment",
                "lightdm-greeter",
                "sddm-greeter",
            ],
        ),
        (Batch, false, &["cron", "crond", "atd", "anacron"]),
        (
            Unlock,
            false,
            &[
                "swaylock",
                "i3lock",
                "xscreensaver",
                "kscreenlocker",
                "kde",
                "kde-fingerprint",
                "kde-smartcard",
                "xlock",
                "gtklock",
                "hyprlock",
                "waylock",
                "physlock",
                "vlock",
                "xsecurelock",
                "light-locker",
                "xfce4-screensaver",
                "mate-screensaver",
                "cinnamon-screensaver",
            ],
        ),
        (
            Network,
            false,
            &[
                "ftp",
                "vsftpd",
                "proftpd",
                "pure-ftpd",
                "samba",
                "smbd",
                "dovecot",
                "postfix",
                "smtp",
                "smtpd",
                "imap",
                "pop3",
                "http",
                "httpd",
                "apache2",
                "nginx",
                "squid",
                "cups",
                "openvpn",
            ],
        ),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;
    use LogonType::{Batch, Interactive, Network, Permit, RemoteInteractive, Unlock};

    #[test]
    fn the_map() {
        for (name, logon_type, can_change) in [
            ("login", Interactive, true),
            ("su", Interactive, true),
            ("su-l", Interactive, true),
            ("gdm-password", Interactive, true),
            ("greetd", Interactive, true),
            ("cockpit", RemoteInteractive, true),
            ("xrdp-sesman", RemoteInteractive, false),
            ("sshd", Network, true),
            ("SSHD", Network, true),
            ("sudo", Permit, true),
            ("sudo-i", Permit, true),
            ("doas", Permit, true),
            ("passwd", Permit, true),
            ("chpasswd", Permit, false),
            ("systemd-user", Permit, false),
            ("polkit-1", Permit, false),
            ("runuser", Permit, false),
            ("cron", Batch, false),
            ("crond", Batch, false),
            ("atd", Batch, false),
            ("swaylock", Unlock, false),
            ("vsftpd", Network, false),
            ("dovecot", Network, false),
        ] {
            let expected = ServiceClass {
                logon_type,
                can_change,
                known: true,
            };
            assert_eq!(service(name), expected, "{name}");
        }
        for (name, may_be) in [
            ("gdm-password", true),
            ("GDM", true),
            ("gdm3", true),
            ("unity", true),
            ("lightdm", true),
            ("login", false),
            ("sddm", false),
            ("sshd", false),
        ] {
            assert_eq!(may_be_a_locked_screen(name), may_be, "{name}");
        }
        let unmapped = service("no-such-service");
        assert_eq!(unmapped.logon_type, Network);
        assert!(!unmapped.can_change && !unmapped.known);
    }
}
