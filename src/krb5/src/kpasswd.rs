//! Changing and setting passwords (RFC 3244).

use crate::context::Context;
use crate::credentials::Credentials;
use crate::der::{self, GENERAL_STRING, INTEGER, OCTET_STRING, SEQUENCE};
use crate::error::{Error, ReplyFault};
use crate::exchange::{self, Exchange};
use crate::policy::KpasswdPolicy;
use crate::principal::Principal;
use crate::raw::{AuthContext, Code, ErrorMessage};
use domlogon_protocol::Secret;
use zeroize::{Zeroize as _, Zeroizing};

/// Result codes (RFC 3244 §2).
pub mod result {
    /// Done.
    pub const SUCCESS: u16 = 0;
    /// The server could not read the request.
    pub const MALFORMED: u16 = 1;
    /// The server failed.
    pub const HARD_ERROR: u16 = 2;
    /// The ticket is not good.
    pub const AUTH_ERROR: u16 = 3;
    /// The password breaks a rule.
    pub const SOFT_ERROR: u16 = 4;
    /// Not allowed.
    pub const ACCESS_DENIED: u16 = 5;
    /// The server does not know this version of the protocol.
    pub const BAD_VERSION: u16 = 6;
    /// The ticket was not got by the password.
    pub const INITIAL_NEEDED: u16 = 7;
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// The password is the new one.
    Done,
    /// The server refused.
    Refused {
        /// See [`result`].
        code: u16,
        /// The server's own words, for the log.
        text: Option<String>,
        /// The rules, where the server sends them.
        policy: Option<KpasswdPolicy>,
    },
}

const CHANGE: u16 = 1;
const SET: u16 = 0xff80;

/// Longest text of a server's that is kept.
const MOST_TEXT: usize = 1024;

impl Context {
    /// Changes the password of the client of `changepw`, a ticket for `kadmin/changepw` that was got by the
    /// old password. The closure must reach the server for password changes (port 464).
    ///
    /// # Errors
    /// [`Error::Kdc`], [`Error::Reply`] or [`Error::Transport`]: once something was sent, it is then not known
    /// whether the change was made. After any other error nothing was sent. A refusal that the server has sealed
    /// is no error.
    pub fn change_password(
        &self,
        changepw: &Credentials,
        new: &Secret,
        exchange: &mut Exchange<'_>,
    ) -> Result<Changed, Error> {
        check(new)?;
        self.kpasswd(changepw, CHANGE, new.expose(), exchange)
    }

    /// Sets the password of `target` (of the client itself without), as an administrator or a computer may.
    ///
    /// # Errors
    /// As [`Context::change_password`].
    pub fn set_password(
        &self,
        changepw: &Credentials,
        target: Option<&str>,
        new: &Secret,
        exchange: &mut Exchange<'_>,
    ) -> Result<Changed, Error> {
        check(new)?;
        let target = target
            .map(|target| Principal::parse_in(target, changepw.client().realm()))
            .transpose()?;
        let data = change_data(new, target.as_ref());
        self.kpasswd(changepw, SET, &data, exchange)
    }

    fn kpasswd(
        &self,
        changepw: &Credentials,
        version: u16,
        data: &[u8],
        exchange: &mut Exchange<'_>,
    ) -> Result<Changed, Error> {
        let library = |code| self.library(code);
        let ticket = self.creds(changepw)?;
        let mut auth = AuthContext::new(self.handle()).map_err(library)?;
        let ap_req = auth.request(&ticket).map_err(library)?;
        let private = auth.seal(data).map_err(library)?;
        let request = frame(version, &ap_req, &private).ok_or(Error::UnusablePassword)?;
        let reply = exchange::ask(exchange, &request)?;
        let outcome = self.read_reply(&mut auth, &reply)?;
        decode(&outcome).ok_or(Error::Reply(ReplyFault::Malformed))
    }

    /// The result code and text, which only the server can have sealed.
    fn read_reply(
        &self,
        auth: &mut AuthContext<'_>,
        reply: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let unreadable = |code: Code| match exchange::from_library(self, code) {
            // Not our own failure: the request was read by the library before.
            Error::Library { .. } => Error::Reply(ReplyFault::Malformed),
            error => error,
        };
        if exchange::is_error(reply) {
            return Err(self.not_sealed(reply));
        }
        let (ap_rep, rest) = unframe(reply).ok_or(Error::Reply(ReplyFault::Malformed))?;
        if ap_rep.is_empty() {
            return Err(self.not_sealed(rest));
        }
        auth.accept(ap_rep).map_err(unreadable)?;
        auth.open(rest).map_err(unreadable)
    }

    /// A KRB-ERROR, which anybody on the way can have put in the place of the answer: whatever result it names,
    /// it says nothing of what the server did.
    fn not_sealed(&self, message: &[u8]) -> Error {
        match ErrorMessage::read(self.handle(), message) {
            Ok(told) => Error::Kdc(exchange::kdc_error(&told, true)),
            Err(_) => Error::Reply(ReplyFault::Malformed),
        }
    }
}

fn check(new: &Secret) -> Result<(), Error> {
    if new.is_empty() {
        return Err(Error::EmptyPassword);
    }
    if new.text().is_none_or(|text| text.contains('\0')) {
        return Err(Error::UnusablePassword);
    }
    Ok(())
}

/// ChangePasswdData: the password, and whose it is.
fn change_data(new: &Secret, target: Option<&Principal>) -> Zeroizing<Vec<u8>> {
    let mut password = der::write(OCTET_STRING, new.expose());
    let mut contents = der::write(der::context(0), &password);
    password.zeroize();
    if let Some(target) = target {
        let parts: Vec<u8> = target
            .components()
            .iter()
            .flat_map(|part| der::write(GENERAL_STRING, part.as_bytes()))
            .collect();
        // NT-PRINCIPAL
        let mut name = der::write(der::context(0), &der::write(INTEGER, &[1]));
        name.extend(der::write(der::context(1), &der::write(SEQUENCE, &parts)));
        let realm = der::write(GENERAL_STRING, target.realm().as_bytes());
        let mut whole = Zeroizing::new(Vec::with_capacity(contents.len() + name.len() + 512));
        whole.extend_from_slice(&contents);
        whole.extend(der::write(der::context(1), &der::write(SEQUENCE, &name)));
        whole.extend(der::write(der::context(2), &realm));
        contents.zeroize();
        return Zeroizing::new(der::write(SEQUENCE, &whole));
    }
    let whole = Zeroizing::new(der::write(SEQUENCE, &contents));
    contents.zeroize();
    whole
}

/// Length of all, version, length of the AP-REQ; the AP-REQ; the KRB-PRIV.
fn frame(version: u16, ap_req: &[u8], private: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(6 + ap_req.len() + private.len()).ok()?;
    let mut out = Vec::with_capacity(length.into());
    out.extend(length.to_be_bytes());
    out.extend(version.to_be_bytes());
    out.extend(u16::try_from(ap_req.len()).ok()?.to_be_bytes());
    out.extend_from_slice(ap_req);
    out.extend_from_slice(private);
    Some(out)
}

/// AP-REP and KRB-PRIV of a reply; without an AP-REP the rest is a KRB-ERROR.
pub(crate) fn unframe(reply: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[l0, l1, v0, v1, a0, a1], rest) = reply.split_first_chunk::<6>()?;
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    let version = u16::from_be_bytes([v0, v1]);
    if length != reply.len() || ![CHANGE, SET].contains(&version) {
        return None;
    }
    rest.split_at_checked(u16::from_be_bytes([a0, a1]).into())
}

pub(crate) fn decode(outcome: &[u8]) -> Option<Changed> {
    let (&code, rest) = outcome.split_first_chunk::<2>()?;
    let code = u16::from_be_bytes(code);
    if code == result::SUCCESS {
        return Some(Changed::Done);
    }
    let policy = KpasswdPolicy::read(rest);
    let text = if policy.is_some() { None } else { words(rest) };
    Some(Changed::Refused { code, text, policy })
}

fn words(bytes: &[u8]) -> Option<String> {
    let text = core::str::from_utf8(bytes)
        .ok()?
        .trim_end_matches('\0')
        .trim();
    let plain: String = text
        .chars()
        .filter(|c| !c.is_control())
        .take(MOST_TEXT)
        .collect();
    (!plain.is_empty()).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn frames() {
        let framed = frame(SET, b"abc", b"defg").unwrap();
        assert_eq!(framed, b"\0\x0d\xff\x80\0\x03abcdefg");
        assert_eq!(unframe(&framed).unwrap(), (&b"abc"[..], &b"defg"[..]));
        assert!(frame(CHANGE, &[0; 40_000], &[0; 40_000]).is_none());
        assert!(unframe(b"\0\x06\0\x01\0\x01").is_none());
        assert!(unframe(b"\0\x07\0\x01\0\x01").is_none());
    }

    #[test]
    fn outcomes() {
        assert_eq!(decode(b"\0\0whatever"), Some(Changed::Done));
        assert_eq!(decode(b"\0"), None);
        let refused = Changed::Refused {
            code: 5,
            text: Some("No.".into()),
            policy: None,
        };
        assert_eq!(decode(b"\0\x05No.\0"), Some(refused));
    }

    #[test]
    fn data_of_a_set() {
        let target = Principal::parse("WS1$@R").unwrap();
        let data = change_data(&Secret::new(b"pw"), Some(&target));
        let expected = b"\x30\x1e\xa0\x04\x04\x02pw\xa1\x11\x30\x0f\xa0\x03\x02\x01\x01\xa1\x08\x30\x06\x1b\x04WS1$\xa2\x03\x1b\x01R";
        assert_eq!(data[..], expected[..]);
        assert_eq!(
            change_data(&Secret::new(b"pw"), None)[..],
            *b"\x30\x06\xa0\x04\x04\x02pw"
        );
    }

    proptest! {
        #[test]
        fn hostile_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = unframe(&bytes);
            let _ = decode(&bytes);
        }
    }
}
