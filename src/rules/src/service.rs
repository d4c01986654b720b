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
    use LogonType::{Batch, Interactive, Network, Permit, RemoteInteractive, Unlock};
    let (logon_type, can_change) = match name.to_ascii_lowercase().as_str() {
        "login" | "su" | "su-l" | "greetd" | "ly" | "slim" | "wdm" => (Interactive, true),
        "gdm" | "gdm3" | "gdm-autologin" | "gdm-fingerprint" | "gdm-password" | "gdm-pin"
        | "gdm-smartcard" | "kdm" | "lightdm" | "lightdm-autologin" | "lxdm" | "plasmalogin"
        | "sddm" | "sddm-autologin" | "unity" | "xdm" => (Interactive, true),
        "cockpit" => (RemoteInteractive, true),
        "xrdp-sesman" => (RemoteInteractive, false),
        // `remote` is login behind a telnet or rlogin daemon: a shell over the network, like ssh.
        "sshd" | "remote" => (Network, true),
        "sudo" | "sudo-i" | "doas" | "passwd" => (Permit, true),
        "chpasswd"
        | "chsh"
        | "chfn"
        | "polkit-1"
        | "systemd-user"
        | "runuser"
        | "runuser-l"
        | "gdm-launch-environment"
        | "lightdm-greeter"
        | "sddm-greeter" => (Permit, false),
        "cron" | "crond" | "atd" | "anacron" => (Batch, false),
        "swaylock"
        | "i3lock"
        | "xscreensaver"
        | "kscreenlocker"
        | "kde"
        | "kde-fingerprint"
        | "kde-smartcard"
        | "xlock"
        | "gtklock"
        | "hyprlock"
        | "waylock"
        | "physlock"
        | "vlock"
        | "xsecurelock"
        | "light-locker"
        | "xfce4-screensaver"
        | "mate-screensaver"
        | "cinnamon-screensaver" => (Unlock, false),
        "ftp" | "vsftpd" | "proftpd" | "pure-ftpd" | "samba" | "smbd" | "dovecot" | "postfix"
        | "smtp" | "smtpd" | "imap" | "pop3" | "http" | "httpd" | "apache2" | "nginx" | "squid"
        | "cups" | "openvpn" => (Network, false),
        _ => {
            return ServiceClass {
                logon_type: Network,
                can_change: false,
                known: false,
            };
        }
    };
    ServiceClass {
        logon_type,
        can_change,
        known: true,
    }
}

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
        let unmapped = service("no-such-service");
        assert_eq!(unmapped.logon_type, Network);
        assert!(!unmapped.can_change && !unmapped.known);
    }
}
