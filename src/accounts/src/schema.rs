//! The tables, and how an older file becomes a newer one.

use rusqlite::{Connection, Transaction};

/// Marks the file as ours (`PRAGMA application_id`): "dlog".
const APPLICATION: i64 = 0x646C_6F67;

/// Each takes the tables one version further. Appended to, never changed: a file in the
/// field may be at any of them.
pub(crate) const MIGRATIONS: &[&str] = &[FIRST, SECOND];

/// What a file is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// An empty one.
    Nothing,
    /// Not one of ours.
    Foreign,
    /// One of ours, with tables of this version.
    Version(i64),
}

/// Looks at a file without writing to it.
pub(crate) fn identify(connection: &Connection) -> rusqlite::Result<Found> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(match (application, version, tables) {
        (0, 0, 0) => Found::Nothing,
        (APPLICATION, 1.., 1..) => Found::Version(version),
        _ => Found::Foreign,
    })
}

/// Takes the tables from version `from` to the newest of `migrations`, inside the
/// caller's transaction: all the way or not at all.
pub(crate) fn migrate(
    transaction: &Transaction<'_>,
    from: usize,
    migrations: &[&str],
) -> rusqlite::Result<()> {
    for script in migrations.iter().skip(from) {
        transaction.execute_batch(script)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", newest(migrations))
}

/// The version that `migrations` lead to.
pub(crate) fn newest(migrations: &[&str]) -> i64 {
    i64::try_from(migrations.len()).unwrap_or(i64::MAX)
}

/// Version 1. Times are seconds since 1970 in UTC. `key` is the folded name. RIDs of
/// users and groups come from one sequence and never come back.
const FIRST: &str = "
CREATE TABLE domain (
    one           INTEGER PRIMARY KEY CHECK (one = 1),
    sid           TEXT NOT NULL,
    name          TEXT NOT NULL,
    dns_name      TEXT NOT NULL,
    next_rid      INTEGER NOT NULL,
    -- Refusals that count against no account; see `note_refusal`.
    refused       INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE policy (
    one               INTEGER PRIMARY KEY CHECK (one = 1),
    min_length        INTEGER NOT NULL,
    max_length        INTEGER NOT NULL,
    history           INTEGER NOT NULL,
    max_age           INTEGER,
    min_age           INTEGER NOT NULL,
    complexity        INTEGER NOT NULL,
    lockout_threshold INTEGER NOT NULL,
    lockout_duration  INTEGER,
    lockout_window    INTEGER NOT NULL,
    warn              INTEGER NOT NULL
) STRICT;

CREATE TABLE groups (
    rid      INTEGER PRIMARY KEY,
    key      TEXT NOT NULL UNIQUE,
    name     TEXT NOT NULL,
    gid      INTEGER NOT NULL UNIQUE,
    -- 1: an alias of the BUILTIN domain, S-1-5-32-rid.
    alias    INTEGER NOT NULL,
    built_in INTEGER NOT NULL
) STRICT;

CREATE TABLE users (
    rid           INTEGER PRIMARY KEY,
    key           TEXT NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    uid           INTEGER NOT NULL UNIQUE,
    primary_group INTEGER NOT NULL REFERENCES groups (rid),
    full_name     TEXT NOT NULL,
    home          TEXT NOT NULL,
    shell         TEXT NOT NULL,
    -- userAccountControl
    flags         INTEGER NOT NULL,
    -- One salt for the verifier and for all of the history.
    salt          TEXT NOT NULL,
    verifier      TEXT,
    blank         INTEGER NOT NULL DEFAULT 0,
    -- 1: made without a password; the first one enables it.
    awaiting      INTEGER NOT NULL DEFAULT 0,
    -- NULL: a new password is demanded.
    password_set  INTEGER,
    expires       INTEGER,
    hours         BLOB,
    -- Separated by commas.
    workstations  TEXT NOT NULL DEFAULT '',
    bad_count     INTEGER NOT NULL DEFAULT 0,
    last_bad      INTEGER,
    locked_since  INTEGER,
    last_logon    INTEGER
) STRICT;

CREATE TABLE user_members (
    grp    INTEGER NOT NULL REFERENCES groups (rid) ON DELETE CASCADE,
    member INTEGER NOT NULL REFERENCES users (rid) ON DELETE CASCADE,
    PRIMARY KEY (grp, member)
) STRICT, WITHOUT ROWID;
CREATE INDEX groups_of_user ON user_members (member);

CREATE TABLE group_members (
    grp    INTEGER NOT NULL REFERENCES groups (rid) ON DELETE CASCADE,
    member INTEGER NOT NULL REFERENCES groups (rid) ON DELETE CASCADE,
    PRIMARY KEY (grp, member),
    CHECK (grp <> member)
) STRICT, WITHOUT ROWID;
CREATE INDEX groups_of_group ON group_members (member);

-- The passwords before the current one; the greatest `age` is the latest.
CREATE TABLE history (
    user     INTEGER NOT NULL REFERENCES users (rid) ON DELETE CASCADE,
    age      INTEGER NOT NULL,
    verifier TEXT NOT NULL,
    PRIMARY KEY (user, age)
) STRICT, WITHOUT ROWID;

-- Ids of what was deleted: not handed out again.
CREATE TABLE spent_ids (
    id INTEGER PRIMARY KEY
) STRICT;

-- Logon rights; nothing reads them yet.
CREATE TABLE rights (
    name TEXT NOT NULL,
    sid  TEXT NOT NULL,
    PRIMARY KEY (name, sid)
) STRICT, WITHOUT ROWID;
";

/// Version 2: the built-in groups that hold logon rights, and a number that every write to
/// the tables of groups raises; see `nesting`. The lists of rights are in a file.
///
/// A name that the site has given stays the site's, and no id is used twice: the built-in
/// group is then left out. A new database has no group 544 here yet, and is given these
/// groups with the others.
const SECOND: &str = "
INSERT OR IGNORE INTO groups (rid, key, name, gid, alias, built_in)
SELECT new.rid, lower(new.name), new.name, g.gid - g.rid + new.rid, 1, 1
FROM groups g JOIN (SELECT 551 AS rid, 'Backup Operators' AS name
                    UNION ALL SELECT 555, 'Remote Desktop Users'
                    UNION ALL SELECT 559, 'Performance Log Users') new
WHERE g.rid = 544
  AND lower(new.name) NOT IN (SELECT key FROM users)
  AND g.gid - g.rid + new.rid NOT IN (SELECT uid FROM users)
  AND g.gid - g.rid + new.rid NOT IN (SELECT id FROM spent_ids)
  AND g.gid - g.rid + new.rid NOT IN (65534, 65535)
  AND g.gid - g.rid + new.rid < 4294967294;

DROP TABLE rights;

ALTER TABLE domain ADD COLUMN group_version INTEGER NOT NULL DEFAULT 0;
CREATE TRIGGER group_made AFTER INSERT ON groups
    BEGIN UPDATE domain SET group_version = group_version + 1; END;
CREATE TRIGGER group_changed AFTER UPDATE ON groups
    BEGIN UPDATE domain SET group_version = group_version + 1; END;
CREATE TRIGGER group_deleted AFTER DELETE ON groups
    BEGIN UPDATE domain SET group_version = group_version + 1; END;
CREATE TRIGGER member_added AFTER INSERT ON group_members
    BEGIN UPDATE domain SET group_version = group_version + 1; END;
CREATE TRIGGER member_changed AFTER UPDATE ON group_members
    BEGIN UPDATE domain SET group_version = group_version + 1; END;
CREATE TRIGGER member_removed AFTER DELETE ON group_members
    BEGIN UPDATE domain SET group_version = group_version + 1; END;
";
