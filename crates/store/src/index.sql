-- SPDX-License-Identifier: MIT OR Apache-2.0
-- The index: answers questions, and is rebuilt from the files at any time. Times are nanoseconds.
CREATE TABLE ledger (
    seq     INTEGER PRIMARY KEY,
    kind    TEXT NOT NULL,
    session BLOB,
    utc_ns  INTEGER NOT NULL,
    boot_ns INTEGER NOT NULL,
    hash    BLOB NOT NULL
) STRICT;

CREATE TABLE sessions (
    session         BLOB PRIMARY KEY,
    folder          TEXT NOT NULL,
    officer         TEXT NOT NULL,
    label           TEXT NOT NULL,
    boot_id         BLOB NOT NULL,
    zero_boot_ns    INTEGER NOT NULL,
    pressed_boot_ns INTEGER,
    continues       BLOB,
    started_utc_ns  INTEGER NOT NULL,
    started_boot_ns INTEGER NOT NULL,
    ended_utc_ns    INTEGER,
    cause           TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_start ON sessions (started_utc_ns);

CREATE TABLE segments (
    session     BLOB NOT NULL,
    number      INTEGER NOT NULL,
    file        TEXT NOT NULL,
    first_chunk INTEGER NOT NULL,
    start_bytes INTEGER NOT NULL,
    end_offset  INTEGER,
    end_bytes   INTEGER,
    PRIMARY KEY (session, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE chunks (
    session       BLOB NOT NULL,
    chunk         INTEGER NOT NULL,
    seq           INTEGER NOT NULL,
    segment       INTEGER NOT NULL,
    offset        INTEGER NOT NULL,
    length        INTEGER NOT NULL,
    record_bytes  INTEGER NOT NULL,
    from_ns       INTEGER NOT NULL,
    to_ns         INTEGER NOT NULL,
    video_frames  INTEGER NOT NULL,
    audio_packets INTEGER NOT NULL,
    video_lost    INTEGER NOT NULL,
    audio_lost    INTEGER NOT NULL,
    utc_ns        INTEGER NOT NULL,
    boot_ns       INTEGER NOT NULL,
    PRIMARY KEY (session, chunk)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    session BLOB NOT NULL,
    seq     INTEGER NOT NULL,
    number  INTEGER NOT NULL,
    event   TEXT NOT NULL,
    medium  TEXT,
    detail  TEXT NOT NULL,
    PRIMARY KEY (session, seq, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE photos (
    seq     INTEGER PRIMARY KEY,
    session BLOB,
    file    TEXT NOT NULL,
    length  INTEGER NOT NULL,
    media   BLOB NOT NULL,
    officer TEXT NOT NULL,
    utc_ns  INTEGER NOT NULL
) STRICT;

-- `seq`, `end_seq` and `note_seq` are the ledger entries that say so. The states are `none` or `given`.
CREATE TABLE interruptions (
    id            BLOB PRIMARY KEY,
    session       BLOB NOT NULL,
    seq           INTEGER NOT NULL,
    cause         TEXT NOT NULL,
    known         TEXT NOT NULL,
    video         INTEGER NOT NULL,
    audio         INTEGER NOT NULL,
    from_utc_ns   INTEGER NOT NULL,
    from_boot_ns  INTEGER NOT NULL,
    from_boot_id  BLOB NOT NULL,
    detail        TEXT NOT NULL,
    end_seq       INTEGER,
    to_utc_ns     INTEGER,
    to_boot_ns    INTEGER,
    to_boot_id    BLOB,
    duration_ns   INTEGER,
    note_seq      INTEGER,
    officer_cause TEXT,
    officer       TEXT,
    text          TEXT,
    statement     TEXT NOT NULL,
    report        TEXT NOT NULL,
    account       TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX interruptions_of_session ON interruptions (session);

CREATE TABLE clock_steps (
    seq     INTEGER PRIMARY KEY,
    utc_ns  INTEGER NOT NULL,
    boot_ns INTEGER NOT NULL,
    boot_id BLOB NOT NULL,
    step_ns INTEGER NOT NULL
) STRICT;
