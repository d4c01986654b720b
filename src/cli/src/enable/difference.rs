//! A unified diff of two small files.

use std::fmt::Write;

/// How many unchanged lines are shown around a change.
const AROUND: usize = 3;

/// One line of both files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line<'a> {
    Same(&'a [u8]),
    Old(&'a [u8]),
    New(&'a [u8]),
}

/// The difference as `diff -u` writes it, without times; empty if there is none.
pub(crate) fn unified(old_name: &str, new_name: &str, old: &[u8], new: &[u8]) -> String {
    let lines = compare(&split(old), &split(new));
    let mut text = String::new();
    let mut index = 0;
    let (mut old_line, mut new_line) = (1, 1);
    while index < lines.len() {
        let Some(first) = (index..lines.len()).find(|at| !same(&lines[*at])) else {
            break;
        };
        let start = first.saturating_sub(AROUND).max(index);
        for line in &lines[index..start] {
            count(line, &mut old_line, &mut new_line);
        }
        let end = end_of(&lines, first);
        if text.is_empty() {
            // Writing to a String does not fail.
            let _ = writeln!(text, "--- {old_name}\n+++ {new_name}");
        }
        let (from_old, from_new) = (old_line, new_line);
        for line in &lines[start..end] {
            count(line, &mut old_line, &mut new_line);
        }
        let (old_count, new_count) = (old_line - from_old, new_line - from_new);
        let _ = writeln!(
            text,
            "@@ -{},{old_count} +{},{new_count} @@",
            if old_count == 0 {
                from_old - 1
            } else {
                from_old
            },
            if new_count == 0 {
                from_new - 1
            } else {
                from_new
            },
        );
        for line in &lines[start..end] {
            let (sign, bytes) = match line {
                Line::Same(bytes) => (' ', bytes),
                Line::Old(bytes) => ('-', bytes),
                Line::New(bytes) => ('+', bytes),
            };
            text.push(sign);
            text.push_str(&shown(bytes));
        }
        index = end;
    }
    text
}

/// Where the part that begins with the change at `first` ends.
fn end_of(lines: &[Line<'_>], first: usize) -> usize {
    let mut last = first;
    for (at, line) in lines.iter().enumerate().skip(first) {
        if !same(line) {
            last = at;
        } else if at > last + 2 * AROUND {
            break;
        }
    }
    (last + AROUND + 1).min(lines.len())
}

fn same(line: &Line<'_>) -> bool {
    matches!(line, Line::Same(_))
}

fn count(line: &Line<'_>, old: &mut usize, new: &mut usize) {
    if !matches!(line, Line::New(_)) {
        *old += 1;
    }
    if !matches!(line, Line::Old(_)) {
        *new += 1;
    }
}

fn shown(line: &[u8]) -> String {
    let mut text = String::with_capacity(line.len() + 1);
    for c in String::from_utf8_lossy(line).chars() {
        match c {
            '\t' | '\n' => text.push(c),
            '\r' => text.push_str("^M"),
            // What would make a terminal do something.
            c if c.is_control() => text.push(char::REPLACEMENT_CHARACTER),
            c => text.push(c),
        }
    }
    if !text.ends_with('\n') {
        text.push_str("\n\\ No newline at end of file\n");
    }
    text
}

fn split(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

/// The longest common subsequence by the table of lengths: these files have tens of lines.
fn compare<'a>(old: &[&'a [u8]], new: &[&'a [u8]]) -> Vec<Line<'a>> {
    let width = new.len() + 1;
    let mut longest = vec![0u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            longest[i * width + j] = if old[i] == new[j] {
                longest[(i + 1) * width + j + 1] + 1
            } else {
                longest[(i + 1) * width + j].max(longest[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut lines = Vec::with_capacity(old.len() + new.len());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push(Line::Same(old[i]));
            i += 1;
            j += 1;
        } else if j == new.len()
            || (i < old.len() && longest[(i + 1) * width + j] >= longest[i * width + j + 1])
        {
            lines.push(Line::Old(old[i]));
            i += 1;
        } else {
            lines.push(Line::New(new[j]));
            j += 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn as_diff_writes_it() {
        let old = b"1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n";
        let new = b"1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n11\n12\n13\n";
        assert_eq!(
            unified("a", "b", old, new),
            "--- a\n+++ b\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n@@ -10,3 +10,4 @@\n 10\n 11\n 12\n+13\n"
        );
        let far = b"1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\nend\n";
        assert_eq!(
            unified("a", "b", old, far),
            "--- a\n+++ b\n@@ -9,4 +9,4 @@\n 9\n 10\n 11\n-12\n+end\n"
        );
        assert_eq!(unified("a", "b", old, old), "");
        assert_eq!(
            unified("/dev/null", "b", b"", b"x"),
            "--- /dev/null\n+++ b\n@@ -0,0 +1,1 @@\n+x\n\\ No newline at end of file\n"
        );
    }

    proptest! {
        #[test]
        fn what_it_says_makes_one_of_the_other(
            old in proptest::collection::vec("[ab]?\n", 0..30),
            new in proptest::collection::vec("[ab]?\n", 0..30),
        ) {
            let (old, new) = (old.concat().into_bytes(), new.concat().into_bytes());
            let lines = compare(&split(&old), &split(&new));
            let side = |keep: fn(&Line<'_>) -> bool| -> Vec<u8> {
                lines.iter().filter(|line| keep(line)).flat_map(|line| match line {
                    Line::Same(b) | Line::Old(b) | Line::New(b) => b.to_vec(),
                }).collect()
            };
            prop_assert_eq!(side(|l| !matches!(l, Line::New(_))), old.clone());
            prop_assert_eq!(side(|l| !matches!(l, Line::Old(_))), new.clone());
        }
    }
}
