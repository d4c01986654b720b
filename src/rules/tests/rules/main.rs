//! The rules, driven from outside as a backend drives them.

mod change;
mod desk;
mod lockout;
mod logon;
mod properties;
mod rights;
